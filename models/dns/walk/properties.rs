//! What is promised of whom is asked, and of whose word counts.

use counterpart::model::Temporal;
use stateright::Property;

use super::model::{Rank, SERVER, State, Walk};

/// S8 of the protocol: ghost domains.
pub const NO_GHOST: &str = "a zone is asked no longer than the zone above has said";
/// The same through two cuts: who is taken back takes along what it has referred to.
pub const BELOW: &str = "no delegation outlives the one above it";
/// S3, RFC 2181 §5.4.1.
pub const RANKED: &str = "glue takes the place of no answer that lives";
/// Liveness.
pub const GONE: &str = "a zone that was taken back is gone in the end";
/// Violated by the sound model where the story is kept: its shortest trace is the story.
pub const STORY: &str = "no name is found from the root on, told warm, and asked for again";

/// What is assumed.
pub(super) const TIME: &str = "time goes by, and servers answer";

pub(super) fn all(model: &Walk) -> Vec<Property<Walk>> {
    let mut all = vec![
        Property::always(NO_GHOST, |_, state: &State| !state.ghost),
        Property::always(BELOW, |_, state: &State| state.zones[1].unwrap_or(0) <= state.zones[0].unwrap_or(0)),
        Property::always(RANKED, |_, state: &State| !state.overwritten),
        Property::sometimes("the zone's own word for its server's address is known", |_, state: &State| {
            state.known[SERVER].is_some_and(|known| known.rank == Rank::Answer)
        }),
    ];
    if model.is_story {
        all.push(Property::always(STORY, |_, state: &State| state.story < 3));
    }
    all
}

pub(super) fn temporal(revokes: bool) -> Vec<Temporal<Walk>> {
    let revoked = |_: &Walk, state: &State| state.revoked;
    let gone = |_: &Walk, state: &State| state.revoked && state.zones[1].is_none() && state.looking.is_none();
    let goes = || Temporal::leads_to(GONE, revoked, gone).under(TIME);
    revokes.then(goes).into_iter().collect()
}
