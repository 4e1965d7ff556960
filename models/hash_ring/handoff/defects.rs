//! Defects of a handoff: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::check;
use super::model::{Handoff, Variant};
use super::properties::{ARRIVES, CAN_ARRIVE, KEPT, NO_GHOST, ONE_OWNER};

/// The table of defects.
fn defects() -> Vec<Defect<Handoff>> {
    let defect = |variant: Variant, why: &'static str, violated: &'static [&'static str]| {
        // Under the name that the story has for it.
        let name = match variant {
            Variant::IgnoresEpoch => "stale_view_ghost_read".to_string(),
            variant => format!("handoff_{}", crate::snake(variant)),
        };
        // A part of a copy is less than all of it only where two keys have a value.
        let bounds = if variant == Variant::KeepsPartOfCopy { Handoff::two_keys() } else { Handoff::small() };
        let model = bounds.with(variant);
        Defect::new(name, why).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(
            Variant::WritesWhileCopying,
            "a write is taken by the old owner after the copy was made: the copy does not have it, and the old owner \
             deletes",
            &[NO_GHOST, KEPT],
        ),
        defect(
            Variant::IgnoresEpoch,
            "a client with the old view asks the old owner, which has handed the range over and answers all the same",
            &[NO_GHOST, KEPT, ONE_OWNER],
        ),
        defect(
            Variant::CutsOverBeforeCopy,
            "the range is handed over though its copy has not arrived: the new owner serves, and has nothing",
            &[NO_GHOST, KEPT],
        ),
        defect(
            Variant::DeletesBeforeAcknowledgement,
            "the old owner deletes what it has sent, and what it has sent does not arrive",
            &[NO_GHOST, KEPT, ARRIVES, CAN_ARRIVE],
        ),
        defect(
            Variant::CopyOverwritesNewer,
            "the copy arrives once more, after the new owner has taken a write: the older value overwrites the newer one",
            &[NO_GHOST, KEPT],
        ),
        defect(
            Variant::ServesBeforeHandover,
            "the new owner serves while the old one still does: each answers its own clients",
            &[NO_GHOST],
        ),
        defect(Variant::NeverResends, "the copy was lost on its way, and is not sent again", &[ARRIVES, CAN_ARRIVE]),
        defect(
            Variant::KeepsPartOfCopy,
            "the new owner has acknowledged the copy and has stored the first of its two keys",
            &[NO_GHOST, KEPT],
        ),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    let defects = defects();
    let check = |model: Handoff| {
        let why = defects.iter().find(|defect| defect.model.as_ref().is_some_and(|(of, _)| *of == model));
        let violated = why.and_then(|defect| Some((defect.model.as_ref()?.1, defect.why)));
        let (properties, why) = violated.unwrap_or_default();
        properties.iter().fold(check(model), |check, property| check.because(*property, why))
    };
    Defect::cases("hash_ring", &defects, check)
}

/// Each as an implementation, against the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let has_two_keys = |defect: &Defect<Handoff>| defect.implementation.as_ref().is_some_and(|model| model.keys == 2);
    let (of_two_keys, defects): (Vec<_>, Vec<_>) = defects().into_iter().partition(has_two_keys);
    let two_keys = check(Handoff::two_keys()).alongside_only().because_of(&of_two_keys).defects(&of_two_keys);
    let check = check(Handoff::small()).alongside_only().because_of(&defects).defects(&defects);
    let walking = check.simulating(Handoff::small().with(Variant::WritesWhileCopying));
    let walk = Walk::new().runs(200).steps(60).of(walking);
    vec![
        Case::new("hash_ring/handoff_defects", check.subject("handoff_writes_while_copying", walk)),
        Case::new("hash_ring/handoff_defect_of_two_keys", two_keys),
    ]
}
