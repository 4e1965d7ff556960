//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Reuse, Variant};
use super::properties::{IN_TIME, IN_WINDOW, NOT_FORBIDDEN, OWN};

fn defects() -> Vec<Defect<Reuse>> {
    let defect = |variant, violated| {
        let model = Reuse::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Variant::IgnoresTargeted, &[IN_TIME]),
        defect(Variant::PrefersMaxAge, &[IN_TIME]),
        defect(Variant::PrefersExpires, &[IN_TIME]),
        defect(Variant::KeepsOldFields, &[IN_TIME, NOT_FORBIDDEN, IN_WINDOW]),
        defect(Variant::ServesForbidden, &[NOT_FORBIDDEN]),
        defect(Variant::IgnoresWindow, &[IN_WINDOW]),
        defect(Variant::SharesAuthorized, &[OWN]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cdn", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Reuse::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("cdn/reuse_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::IgnoresTargeted => "what the origin says to caches like this one is not read",
        Variant::PrefersMaxAge => "what is meant for browsers is taken for what is meant for shared caches",
        Variant::PrefersExpires => "the older field is believed before the newer",
        Variant::KeepsOldFields => {
            "the answer that the content is the same said as well for how long, and nobody read it"
        }
        Variant::ServesForbidden => "any content is taken to be better than an error",
        Variant::IgnoresWindow => "nobody looks how long ago its life ended",
        Variant::SharesAuthorized => "nobody looks whether the one who was answered had said who they are",
    }
}
