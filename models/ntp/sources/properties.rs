//! What is promised of a client of several servers.

use stateright::Property;

use super::model::{Kept, Sources, Span, State};

/// The promise of what it is for. It holds as long as fewer than half of all servers lie, whoever is silent.
pub const TRUTH_INSIDE: &str = "what the servers agree on holds the truth";
/// The promise about old news (RFC 5905 appendix A.5.5.3, MAXDIST).
pub const NOT_TOO_OLD: &str = "nobody counts whose word may be wrong by too much";
/// The promise of the kiss DENY.
pub const DENIED: &str = "who has said to go away counts no more";
/// The promise of liveness.
pub const AGREES: &str = "the servers agree in the end";
/// The witness of a lie that was heard, and came to nothing.
pub const SEES_THROUGH: &str = "all are heard, and what one says lies beside what they agree on";

/// Properties that make sense of `model`.
pub(super) fn all(model: &Sources) -> Vec<Property<Sources>> {
    let mut all = vec![
        Property::always(TRUTH_INSIDE, |model: &Sources, state: &State| {
            model.agreed(state).is_none_or(|(low, high)| low <= state.truth && state.truth <= high)
        }),
        Property::always(NOT_TOO_OLD, |model, state: &State| {
            let mut kept = state.sources.iter().filter_map(|source| source.kept);
            kept.all(|kept| kept.distance <= model.distance_max)
        }),
    ];
    if !model.lies.is_empty() {
        all.push(Property::sometimes(SEES_THROUGH, sees_through));
    }
    if model.denies {
        all.push(Property::always(DENIED, |_, state: &State| {
            state.sources.iter().all(|source| !source.is_denied || source.kept.is_none())
        }));
    }
    all
}

/// Whether all are heard, and one of them says what touches nothing of what they agree on.
fn sees_through(model: &Sources, state: &State) -> bool {
    let heard: Vec<Span> = state.sources.iter().filter_map(|source| source.kept).map(Kept::span).collect();
    let beside = |(low, high): Span| heard.iter().any(|span| span.1 < low || high < span.0);
    heard.len() == model.servers() && model.agreed(state).is_some_and(beside)
}
