//! What is asked of a handoff, state by state.

use stateright::Property;

use super::model::{Giving, Handoff, State, Taking};

/// No read gives less than was acknowledged before it.
pub const NO_GHOST: &str = "a read gives the newest write that was acknowledged";
/// Somebody has what was acknowledged.
pub const KEPT: &str = "every acknowledged write is stored somewhere";
/// The range is never served twice.
pub const ONE_OWNER: &str = "at most one node takes writes of the range";

/// That the range arrives.
pub const ARRIVES: &str = "the new owner serves in the end, and the old one has deleted";

/// That no schedule can spoil it for good.
pub const CAN_ARRIVE: &str = "some schedule lets the new owner serve";

pub(super) fn properties() -> Vec<Property<Handoff>> {
    vec![
        Property::always(NO_GHOST, |_, state: &State| !state.ghost),
        Property::always(KEPT, |model: &Handoff, state: &State| {
            (0..usize::from(model.keys)).all(|key| {
                let newest = state.acknowledged[key];
                state.old[key] == newest || state.new[key] == newest
            })
        }),
        Property::always(ONE_OWNER, |model: &Handoff, state: &State| {
            !(model.old_writes(state) && model.new_serves(state))
        }),
        Property::sometimes("the new owner has taken a write", |_, state: &State| {
            state.taking == Taking::Active && state.new != [0; super::model::KEYS_MAX] && state.new != state.old
        }),
        Property::sometimes("a copy can still arrive once the range is handed over", |_, state: &State| {
            state.taking == Taking::Active && state.copy.is_some_and(|copy| copy != state.new)
        }),
        Property::sometimes(
            "a client with the old view meets an owner that has released",
            |model: &Handoff, state: &State| {
                state.giving == Giving::Released && state.refreshed[..usize::from(model.clients)].contains(&false)
            },
        ),
    ]
}
