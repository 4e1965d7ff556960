//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Exchange, Variant};
use super::properties::{ANSWERED, BOUNDED, NO_DEADLOCK};

fn defects() -> Vec<Defect<Exchange>> {
    let defect = |variant, violated| {
        let model = Exchange::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Variant::SharesPlaces, &[ANSWERED, NO_DEADLOCK]),
        defect(Variant::KeepsPlace, &[ANSWERED, NO_DEADLOCK]),
        defect(Variant::IgnoresBound, &[BOUNDED]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("broker", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Exchange::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("broker/credits_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::SharesPlaces => "requests fill both inboxes, and a reply has to wait for a place",
        Variant::KeepsPlace => "each reply that is read leaves one place less",
        Variant::IgnoresBound => "it sends whether there is a place or not",
    }
}
