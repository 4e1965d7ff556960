//! Defective implementations, which the conformance checks must catch: variants of the models run as implementations.

use std::sync::Arc;

use counterpart::conform::{self, Recovery};
use counterpart::model::Simulated;
use counterpart::{Case, Check};

use super::attempts::paxos::{Paxos, Variant};
use super::conformance::{AttemptInterface, Faults};
use super::model::{Action, Configuration, System};

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
        never_recovers(),
    ]
}

/// Proposers that try one ballot and no more, as their model does: no answer is wrong, and whoever is overtaken has given
/// up for ever. The model is no yardstick here but the defect itself.
fn never_recovers() -> Case {
    const NAME: &str = "gives_up_after_one_ballot";
    let (model, interface) = (Arc::new(super::paxos_bounded(1, Variant::Sound)), Arc::new(AttemptInterface::default()));
    let alone = |action: &Action<_>| *action == Action::Step { process: 1 };
    let decided = |system: &System<Paxos>, at: &Configuration<Paxos>| system.decided(at).next().is_some();
    let check = super::check((*model).clone(), Faults::Unasked).alongside_only();
    let recovery = Recovery::new(decided).without(alone).of(move || Simulated::new(&model, &interface));
    let check = check
        .subject(NAME, recovery)
        .because(NAME, "its only ballot was overtaken by that of the other proposer, which then took no step any more")
        .diverges(NAME);
    Case::new("flp/never_recovers", check)
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
