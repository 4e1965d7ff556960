//! What a full cache keeps, and the history variables that remember whether it did.

use stateright::Property;

use super::model::{Eviction, State};

/// The promise that a scan does not drive out what is costly.
pub const COSTLY: &str = "the costly key outlives a scan of cheap ones";
/// The promise that makes it a cache of bounded size.
pub const ROOM: &str = "no more than there is room for";
/// The promise that makes it a cache with a policy.
pub const NAMED: &str = "what goes is what the policy names";

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Keys in the order in which LRU or FIFO lets them go, kept by the rule and not by the list.
    pub rightful: Vec<u8>,
    /// Whether a key went out of its turn.
    pub wronged: bool,
    /// Whether key 0 had to go within the bound of a scan.
    pub lost_costly: bool,
}

/// The `always` and `sometimes` properties.
pub(super) fn properties() -> Vec<Property<Eviction>> {
    vec![
        Property::always(ROOM, |model: &Eviction, state: &State| {
            let live = state.order.iter().filter(|node| !node.orphan);
            live.map(|node| model.sizes[usize::from(node.key)]).sum::<u8>() <= model.capacity
        }),
        Property::always(NAMED, |_, state: &State| !state.history.wronged),
        Property::always(COSTLY, |_, state: &State| !state.history.lost_costly),
    ]
}
