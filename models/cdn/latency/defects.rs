//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Latency, Variant};
use super::properties::{COLD, HIT, HIT_SEEN};

fn defects() -> Vec<Defect<Latency>> {
    let defect = |variant, violated| {
        let model = Latency::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![defect(Variant::ValidatesEveryHit, &[HIT, HIT_SEEN]), defect(Variant::AsksSibling, &[COLD])]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cdn", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Latency::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("cdn/latency_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::ValidatesEveryHit => "a copy that is fresh is not believed",
        Variant::AsksSibling => "the other edge is asked for what it most often does not have either",
    }
}
