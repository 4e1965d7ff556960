//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Parts, Variant};
use super::properties::{ALL, UNMIXED};

fn defects() -> Vec<Defect<Parts>> {
    let defect = |variant, violated| {
        let model = Parts::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Variant::CombinesWeak, &[UNMIXED]),
        defect(Variant::CombinesAll, &[UNMIXED]),
        defect(Variant::ServesPartAsWhole, &[ALL]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cdn", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Parts::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("cdn/parts_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::CombinesWeak => "a weak tag says that either will do, not that they are the same",
        Variant::CombinesAll => "that both wholes are as long says nothing of what is in them",
        Variant::ServesPartAsWhole => "nobody looks whether what is kept was a part",
    }
}
