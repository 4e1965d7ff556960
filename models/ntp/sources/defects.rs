//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::bindings::Bound;
use super::cases::{denying, one_dead, silent};
use super::check;
use super::model::{Sources, Variant};
use super::properties::{AGREES, DENIED, NOT_TOO_OLD, TRUTH_INSIDE};

fn defect(model: Sources, variant: Variant, why: &'static str, violates: &'static [&'static str]) -> Defect<Sources> {
    let defective = model.with(variant);
    Defect::new(crate::snake(variant), why).as_a_model(defective.clone(), violates).as_an_implementation(defective)
}

/// Defects that show where all answer.
fn plain() -> Vec<Defect<Sources>> {
    let of = |variant, why, violates| defect(Sources::small(), variant, why, violates);
    vec![
        of(
            Variant::CountsHeardAlone,
            "one was heard of three, and it lies: it is the majority of those that were heard",
            &[TRUTH_INSIDE],
        ),
        of(
            Variant::ForgetsStep,
            "the clock was stepped, and what was heard before still says by how much",
            &[TRUTH_INSIDE],
        ),
        of(
            Variant::NeverAges,
            "what was heard a tick ago is held to be as good as it was, while the clock drifts",
            &[TRUTH_INSIDE],
        ),
    ]
}

/// Defects that show where a server is silent.
fn of_silence() -> Vec<Defect<Sources>> {
    let of = |variant, why, violates| defect(silent(), variant, why, violates);
    vec![of(Variant::NeverForgets, "a server that was heard once counts for good", &[NOT_TOO_OLD])]
}

/// Defects that show where a server is dead.
fn of_death() -> Vec<Defect<Sources>> {
    vec![defect(one_dead(), Variant::WaitsForAll, "one server is dead, and the others are not believed", &[AGREES])]
}

/// Defects that show where a server says DENY.
fn of_denials() -> Vec<Defect<Sources>> {
    vec![defect(denying(), Variant::KeepsDenied, "what it said before it said DENY still counts", &[DENIED])]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("ntp", &[plain(), of_silence(), of_death(), of_denials()].concat(), check)
}

/// Each defect as an implementation, and ours, beside the sound model of its bounds.
pub(super) fn as_implementations() -> Vec<Case> {
    let beside = |name: &str, model: Sources, defects: &[Defect<Sources>]| {
        let check = check(model.clone()).alongside_only().defects(defects).because_of(defects);
        Case::new(format!("ntp/sources_{name}"), check.product(move || Bound::new(&model)))
    };
    vec![
        beside("defects", Sources::small(), &plain()),
        beside("defect_of_silence", silent(), &of_silence()),
        beside("defect_of_death", one_dead(), &of_death()),
        beside("defect_of_denials", denying(), &of_denials()),
    ]
}
