//! Defective implementations, which the conformance checks must catch: variants of the models run as implementations.

use std::sync::Arc;

use counterpart::conform;
use counterpart::model::Simulated;
use counterpart::{Case, Check};

use super::attempts::paxos::{Paxos, Variant};
use super::conformance::{AttemptInterface, Faults};
use super::model::System;

/// Paxos with defects that show when each proposer has one ballot, and with those that take a third.
pub(super) fn cases() -> Vec<Case> {
    let one = |variant| super::paxos_bounded(1, variant);
    let two = |variant| System {
        inputs: Some([0, 1, 0]),
        begins_without_inputs: true,
        passes_over_the_late: true,
        ..System::of(Paxos { ballots_max: Some(2), one_at_a_time: true, variant })
    };
    vec![
        Case::new("flp/defects", caught(one, &[Variant::IgnoresAcceptedValue, Variant::IgnoresPromise], true)),
        Case::new(
            "flp/defects_of_three_ballots",
            caught(two, &[Variant::ChoosesLowestAccepted, Variant::OneBallotForBoth], false),
        ),
    ]
}

/// Each variant run beside the sound model. A walk hardly ever comes by a third ballot in the right moment.
fn caught(
    system: impl Fn(Variant) -> System<Paxos>,
    variants: &[Variant],
    walks: bool,
) -> Check<System<Paxos>, AttemptInterface<Paxos>> {
    let mut check = super::check(system(Variant::Sound), Faults::Unasked);
    for variant in variants {
        let name = crate::snake(variant);
        let (model, interface) = (Arc::new(system(*variant)), Arc::new(AttemptInterface::<Paxos>::default()));
        let make = move || Simulated::new(&model, &interface);
        check = check.defective(name.as_str(), make.clone());
        if walks {
            check = check.subject(name.as_str(), conform::Walk::new().runs(400).steps(60).of(make));
        }
    }
    check
}
