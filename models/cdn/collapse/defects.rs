//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Collapse, Variant};
use super::properties::{ANSWERED, NO_QUEUE, ONE, OWN};

fn defects() -> Vec<Defect<Collapse>> {
    let defect = |variant, violated| {
        let model = Collapse::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Variant::AsksForEach, &[ONE]),
        defect(Variant::StrandsOnError, &[ANSWERED]),
        defect(Variant::EndsWithLeader, &[ANSWERED]),
        defect(Variant::SharesPrivate, &[OWN]),
        defect(Variant::GivesToNext, &[OWN]),
        defect(Variant::QueuesPrivate, &[NO_QUEUE]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cdn", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Collapse::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("cdn/collapse_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::AsksForEach => "every miss is a request",
        Variant::StrandsOnError => "the error is told to the one whose request it was",
        Variant::EndsWithLeader => "the request ends with the connection of the one whose it was",
        Variant::SharesPrivate => "what came is given to all who waited, whatever it says of itself",
        Variant::GivesToNext => "the first who is still there is taken for the one whose request it was",
        Variant::QueuesPrivate => "that the last answer could not be shared is forgotten at once",
    }
}
