//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Variant, Walk};
use super::properties::{BELOW, GONE, NO_GHOST, RANKED};

/// A zone that is referred to for longer than the one above it.
fn above_ends_first() -> Walk {
    Walk { upper_ttl: 2, lower_ttl: 4, ..Walk::small() }
}

/// The table of defects.
fn defects() -> Vec<Defect<Walk>> {
    let defect = |model: Walk, variant, violated| {
        let model = model.with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Walk::small(), Variant::ExtendsDelegation, &[NO_GHOST, BELOW, GONE]),
        defect(Walk::small(), Variant::RevivesDelegation, &[NO_GHOST, BELOW, GONE]),
        defect(above_ends_first(), Variant::OutlivesAbove, &[BELOW]),
        defect(Walk::small(), Variant::GlueOverwrites, &[RANKED]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("dns", &defects(), |model| check(model.clone()))
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let (of_above, others): (Vec<_>, Vec<_>) = defects()
        .into_iter()
        .partition(|defect| defect.implementation.as_ref().is_some_and(|model| model.upper_ttl < model.lower_ttl));
    let case = |name: &str, model, defects: &[Defect<Walk>]| {
        let check = check(model).alongside_only().because_of(defects).defects(defects);
        Case::new(format!("dns/{name}"), check)
    };
    vec![case("walk_defects", Walk::small(), &others), case("walk_defect_of_above", above_ends_first(), &of_above)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::ExtendsDelegation => "what a zone says of its own servers counts for how long they are asked",
        Variant::RevivesDelegation => "a zone's answer that comes when its delegation has ended brings it back",
        Variant::OutlivesAbove => "a delegation lasts for its own TTL, though that of the zone that gave it is over",
        Variant::GlueOverwrites => "glue of a referral takes the place of what the zone itself has answered",
    }
}
