//! What is promised of hops.

use stateright::Property;

use super::model::{Breach, COLD_HOPS, HIT_HOPS, Latency, State};

/// What copies are for.
pub const HIT: &str = "what an edge has costs one hop";
/// What the tiers cost at most.
pub const COLD: &str = "no request costs more than three hops";

/// A witness.
pub const HIT_SEEN: &str = "a hit costs one hop";

/// Safety. Nothing has to come about in the end.
pub(super) fn all() -> Vec<Property<Latency>> {
    vec![
        Property::always(HIT, |_: &Latency, state: &State| state.breach != Some(Breach::SlowHit)),
        Property::always(COLD, |_, state: &State| state.breach != Some(Breach::SlowMiss)),
        Property::sometimes(HIT_SEEN, |_, state: &State| state.hops == HIT_HOPS),
        Property::sometimes("what the shield has costs two hops", |_, state: &State| state.hops == HIT_HOPS + 1),
        Property::sometimes("what nobody has costs three hops", |_, state: &State| state.hops == COLD_HOPS),
    ]
}
