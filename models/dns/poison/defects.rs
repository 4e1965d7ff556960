//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Poison, Variant};
use super::properties::{ASKED_FOR, IN_ZONE, MATCHES, NO_GLUE, ONCE, UNLIKELY};

/// The table of defects, those that guesses show first.
fn defects() -> [Vec<Defect<Poison>>; 2] {
    let defect = |model: Poison, variant, violated| {
        let model = model.with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    let drawn = |variant, violated| defect(Poison::drawn(), variant, violated);
    let added = |variant, violated| defect(Poison::small(), variant, violated);
    [
        vec![
            drawn(Variant::DrawsIdAlone, &[UNLIKELY]),
            drawn(Variant::AcceptsAnyPort, &[MATCHES, UNLIKELY]),
            drawn(Variant::AcceptsAnyId, &[MATCHES, UNLIKELY]),
            drawn(Variant::AsksInParallel, &[ONCE, UNLIKELY]),
        ],
        vec![
            added(Variant::AcceptsAnyQuestion, &[MATCHES]),
            added(Variant::AcceptsAnyServer, &[MATCHES]),
            added(Variant::AcceptsSiblingReferral, &[IN_ZONE]),
            added(Variant::KeepsAuthority, &[IN_ZONE]),
            added(Variant::KeepsAdditional, &[ASKED_FOR]),
            added(Variant::KeepsForeignAnswers, &[IN_ZONE]),
            added(Variant::TellsGlue, &[NO_GLUE]),
            added(Variant::UsesBelowDelegation, &[IN_ZONE]),
        ],
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("dns", &defects().concat(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let [drawn, added] = defects();
    let case = |name: &str, model, defects: &[Defect<Poison>]| {
        let check = check(model).alongside_only().because_of(defects).defects(defects);
        Case::new(format!("dns/{name}"), check)
    };
    vec![case("poison_defects_of_guesses", Poison::drawn(), &drawn), case("poison_defects", Poison::small(), &added)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::DrawsIdAlone => {
            "the port is always the same, so that two guesses among four are enough half of the time"
        }
        Variant::AcceptsAnyPort => "an answer counts at whichever port it comes",
        Variant::AcceptsAnyId => "an answer counts whatever its id",
        Variant::AcceptsAnyQuestion => "an answer to another question counts",
        Variant::AcceptsAnyServer => "an answer counts from wherever it comes",
        Variant::AsksInParallel => "two clients that ask the same make two questions, and a guess may meet either",
        Variant::AcceptsSiblingReferral => "the server of one zone says who serves the one beside it",
        Variant::KeepsAuthority => "what a positive answer says of other zones is kept",
        Variant::KeepsAdditional => "an address that nobody has asked for is kept",
        Variant::KeepsForeignAnswers => "a server answers for a name of another zone",
        Variant::TellsGlue => "the address that a referral gives for asking is told to clients",
        Variant::UsesBelowDelegation => {
            "a server refers to a zone below, and what it says of a name in that zone is believed all the same"
        }
    }
}
