//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Ordering, Variant};
use super::properties::{COMMITTED, PUBLISHED, TWICE};

fn defects() -> Vec<Defect<Ordering>> {
    let defect = |variant, violated| {
        let model = Ordering::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated)
    };
    vec![
        defect(Variant::WritesTwice, &[PUBLISHED]).as_an_implementation(Ordering::small().with(Variant::WritesTwice)),
        defect(Variant::WritesRowFirst, &[COMMITTED]),
        defect(Variant::MarksFirst, &[PUBLISHED, TWICE]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("broker", &defects(), check)
}

/// Those that the sound model's inputs reach, as implementations beside it.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Ordering::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("broker/outbox_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::WritesTwice => "a crash between the two transactions leaves an order of which nobody hears",
        Variant::WritesRowFirst => "the row is there before it is known whether the order will be",
        Variant::MarksFirst => "a crash after the mark leaves a row that nobody publishes",
    }
}
