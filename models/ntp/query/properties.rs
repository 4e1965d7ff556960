//! What is promised of one query.

use stateright::Property;

use super::model::{Ask, LIE, Outcome, Query, State};

/// The promise that off-path attackers end nothing.
pub const GOES_ON: &str = "a packet that answers nothing ends nothing";
/// The promise that off-path attackers are not believed.
pub const NO_LIE: &str = "no lie is believed";
/// The promise about servers without time.
pub const NO_NONSENSE: &str = "nobody reckons with stamps that are missing";

/// The promise about servers that may be wrong by anything (RFC 5905 appendix A.5.1.1).
pub const NOT_FAR: &str = "nobody is believed who may be wrong by 16 s";

/// Properties that make sense of `model`.
pub(super) fn all(model: &Query) -> Vec<Property<Query>> {
    let mut all = vec![
        Property::always(GOES_ON, |_: &Query, state: &State| {
            state.last.is_none_or(|(ask, outcome)| {
                !ask.answers_nothing() || !matches!(outcome, Outcome::GivesUp | Outcome::Kissed)
            })
        }),
        Property::always(NO_LIE, |_, state: &State| {
            state.last.is_none_or(|(_, outcome)| outcome != Outcome::Believes(LIE))
        }),
        Property::always(NO_NONSENSE, |_, state: &State| {
            state.last.is_none_or(|(ask, outcome)| {
                ask == Ask::TooFar
                    || !ask.has_no_time()
                    || !matches!(outcome, Outcome::Believes(_) | Outcome::BelievesNonsense)
            })
        }),
    ];
    if model.is_far {
        all.push(Property::always(NOT_FAR, |_, state: &State| {
            state.last.is_none_or(|(ask, outcome)| ask != Ask::TooFar || !matches!(outcome, Outcome::Believes(_)))
        }));
    }
    all
}
