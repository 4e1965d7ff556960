//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Storing, Variant};
use super::properties::{ASKED_FOR, ERRORS_IN_TIME, IN_TIME, OWN_GROUP, SAFE, SAME_ORIGIN, WRITTEN};

fn defects() -> Vec<Defect<Storing>> {
    let defect = |variant, violated| {
        let model = Storing::small().with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Variant::KeyWithoutHost, &[ASKED_FOR, SAME_ORIGIN]),
        defect(Variant::IgnoresVary, &[ASKED_FOR]),
        defect(Variant::KeepsErrorsAsLong, &[ERRORS_IN_TIME]),
        defect(Variant::IgnoresLife, &[IN_TIME]),
        defect(Variant::KeepsWhatIsWritten, &[WRITTEN]),
        defect(Variant::InvalidatesAnyOrigin, &[SAME_ORIGIN]),
        defect(Variant::CascadesGroups, &[OWN_GROUP]),
        defect(Variant::HonoursGroupsOnGet, &[SAFE]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("cdn", &defects(), check)
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let defects = defects();
    let check = check(Storing::small()).alongside_only().because_of(&defects).defects(&defects);
    vec![Case::new("cdn/storing_defects", check)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::KeyWithoutHost => "what is at the same path of another host is taken for it",
        Variant::IgnoresVary => "what was chosen by a field of one request is given to another",
        Variant::KeepsErrorsAsLong => "an error is kept for as long as content",
        Variant::IgnoresLife => "nobody looks how long it is fresh",
        Variant::KeepsWhatIsWritten => "what is written is known to the origin alone",
        Variant::InvalidatesAnyOrigin => "whose it is is not looked at when it is taken away",
        Variant::CascadesGroups => "what is taken away takes all its other groups along",
        Variant::HonoursGroupsOnGet => "whatever an answer names is taken away, whoever asked",
    }
}
