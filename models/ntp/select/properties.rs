//! What is promised of a selection, once all servers have reported.

use stateright::Property;

use super::model::{Select, Span, State, holds_truth, touch};

/// The promise of what selection is for.
pub const TRUTH_INSIDE: &str = "what is believed holds the truth";
/// The promise that something is believed.
pub const ANSWERS: &str = "those who agree are found";
/// The least promise there is.
pub const SURVIVOR: &str = "one server that tells the truth survives";
/// The promise about liars that stand apart.
pub const APART: &str = "liars that touch no true interval keep the truth out of nothing";
/// The promise of symmetry among servers.
pub const ORDER: &str = "the order of the servers is nothing";
/// The promise of symmetry in time.
pub const MIRROR: &str = "the sign of time is nothing";

/// All properties.
pub(super) fn all() -> Vec<Property<Select>> {
    vec![
        Property::always(TRUTH_INSIDE, |model: &Select, state: &State| !model.misses(state)),
        Property::always(ANSWERS, |model: &Select, state: &State| !model.finds_nothing(state)),
        Property::always(SURVIVOR, |model: &Select, state: &State| {
            let truechimers = usize::from(model.truechimers);
            model.judge(state, |spans, found| {
                found.is_none_or(|found| spans[..truechimers].iter().any(|span| touch(*span, found)))
            })
        }),
        Property::always(APART, |model: &Select, state: &State| {
            model.judge(state, |spans, found| !model.apart(spans) || found.is_none_or(holds_truth))
        }),
        Property::always(ORDER, |model: &Select, state: &State| {
            model.judge(state, |spans, found| model.is_ordered(spans, found))
        }),
        Property::always(MIRROR, |model: &Select, state: &State| {
            let mirrored: Vec<Span> = state.reports.iter().flatten().map(|report| report.mirrored().span()).collect();
            model.judge(state, |_, found| model.algorithm.select(&mirrored) == found.map(|(low, high)| (-high, -low)))
        }),
    ]
}
