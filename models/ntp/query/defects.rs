//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Tour;

use super::check;
use super::model::{Ask, LIE, Outcome, Query};
use super::properties::{GOES_ON, NO_LIE, NO_NONSENSE, NOT_FAR};

/// The table of defects.
fn defects() -> Vec<Defect<Query>> {
    let defect = |name: &str, why, quirk, violates| {
        let of_model = Query { quirks: vec![quirk], is_far: quirk.0 == Ask::TooFar };
        let of_implementation = Query { is_far: true, ..of_model.clone() };
        Defect::new(name, why).as_a_model(of_model, violates).as_an_implementation(of_implementation)
    };
    vec![
        defect("query_impatient", "the first packet is the last", (Ask::WrongOrigin, Outcome::GivesUp), &[GOES_ON]),
        defect(
            "query_credulous",
            "an origin of 0 is taken for an answer",
            (Ask::ZeroOrigin, Outcome::Believes(LIE)),
            &[NO_LIE],
        ),
        defect(
            "query_reads_nothing_as_time",
            "a stamp that is missing is read as 1900",
            (Ask::NoReceive, Outcome::BelievesNonsense),
            &[NO_NONSENSE],
        ),
        defect(
            "query_believes_anything",
            "a server that may be wrong by 16 s is believed",
            (Ask::TooFar, Outcome::Believes(0)),
            &[NOT_FAR],
        ),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("ntp", &defects(), check)
}

/// Each defect as an implementation. A query is one step, and a tour of one step is all there is.
pub(super) fn as_implementations() -> Case {
    let sound = Query { is_far: true, ..Query::default() };
    let check = defects().iter().fold(check(sound).alongside_only(), |check, defect| {
        let Some(model) = defect.implementation.clone() else { return check };
        let make = check.simulating(model);
        check.subject(defect.name.as_str(), Tour::new().of(make)).diverges(defect.name.as_str())
    });
    Case::new("ntp/query_defects", check.because_of(&defects()))
}
