//! What is promised of one query.

use stateright::Property;

use super::model::{LIE, Outcome, Query, State};

/// The promise that off-path attackers end nothing.
pub const GOES_ON: &str = "a packet that answers nothing ends nothing";
/// The promise that off-path attackers are not believed.
pub const NO_LIE: &str = "no lie is believed";
/// The promise about servers without time.
pub const NO_NONSENSE: &str = "nobody reckons with stamps that are missing";

/// All properties.
pub(super) fn all() -> Vec<Property<Query>> {
    vec![
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
                !ask.has_no_time() || !matches!(outcome, Outcome::Believes(_) | Outcome::BelievesNonsense)
            })
        }),
    ]
}
