//! What can be promised of ends that are drawn, and what cannot.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Expiry, State};

/// A promise for every run, which jitter cannot keep.
pub const WHATEVER_IS_DRAWN: &str = "no more end at once than the database can bear";

/// A promise for draws, which jitter keeps with a bound.
pub const LIKELY: &str = "more end at once than the database can bear: in one of a hundred cases at most";

/// What is always so, or sometimes.
pub(super) fn properties() -> Vec<Property<Expiry>> {
    vec![Property::always(WHATEVER_IS_DRAWN, |model: &Expiry, state: &State| !model.bursts(state))]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Expiry>> {
    vec![Temporal::probability(LIKELY, |model: &Expiry, state: &State| model.bursts(state)).at_most(0.01)]
}
