//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Tour;

use super::check;
use super::model::{Ask, LIE, Outcome, Query};
use super::properties::{GOES_ON, NO_LIE, NO_NONSENSE};

/// The table of defects.
fn defects() -> Vec<Defect<Query>> {
    let defect = |name: &str, why, quirk, violates| {
        let model = Query { quirks: vec![quirk] };
        Defect::new(name, why).as_a_model(model.clone(), violates).as_an_implementation(model)
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
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("ntp", &defects(), check)
}

/// Each defect as an implementation. A query is one step, and a tour of one step is all there is.
pub(super) fn as_implementations() -> Case {
    let check = defects().iter().fold(check(Query::default()).alongside_only(), |check, defect| {
        let Some(model) = defect.implementation.clone() else { return check };
        let make = check.simulating(model);
        check.subject(defect.name.as_str(), Tour::new().of(make)).diverges(defect.name.as_str())
    });
    Case::new("ntp/query_defects", check.because_of(&defects()))
}
