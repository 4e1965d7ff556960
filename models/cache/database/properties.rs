//! What the shop lives on, and what its dashboard shows.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Database, State};

/// What the shop lives on.
pub const ANSWERED: &str = "again and again an expensive request is answered in time";

/// What its dashboard shows.
pub const RATIO: &str = "the hit ratio of every tick is 98% or more";

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Database>> {
    vec![Property::always(RATIO, |model: &Database, state: &State| {
        let (hits, requests) = model.ratio(state.last);
        100 * hits >= 98 * requests
    })]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Database>> {
    vec![Temporal::infinitely_often(ANSWERED, |_, state: &State| state.last.good)]
}
