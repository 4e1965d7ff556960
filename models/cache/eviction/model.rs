//! Sub-model `eviction`: what a full cache keeps. Least recently used, first in first out, and GDSF (frequency × cost /
//! size, above the priority of what went last) are one model with the policy as a bound.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;
pub use super::properties::History;

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 5;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eviction {
    /// What goes when room is needed.
    pub policy: Policy,
    /// Room for values, in units of size.
    pub capacity: u8,
    /// Number of keys.
    pub keys: u8,
    /// Size of each key: 1 or 2.
    pub sizes: [u8; KEYS_MAX],
    /// Cost of loading each key again.
    pub costs: [u8; KEYS_MAX],
    /// Most other keys that are stored for every use of key 0: the bound of a scan. `None`: no bound.
    pub scan_max: Option<u8>,
    /// Whether room is made before a key is stored that is there already, as if it were not. That is a rule of some
    /// published cache and not this model's.
    pub makes_room_to_replace: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// What goes when room is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The key that was not used for longest.
    Lru,
    /// The key that was stored first; a key that is stored again keeps its place.
    Fifo,
    /// The key with the lowest frequency × cost / size; equals in the order of use.
    Gdsf {
        /// Uses above so many are not told apart.
        frequency_max: u8,
    },
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The store as it should be.
    #[default]
    Sound,
    /// Leaves the node of a removed key in the list: when its turn comes, nothing goes any more.
    OrphansNode,
    /// Does not count a get as a use.
    OverlooksGets,
    /// Lets the newest key go.
    EvictsNewest,
    /// Takes all keys to cost the same.
    IgnoresCost,
    /// Makes room for one more when it is already too late.
    HoldsOneTooMany,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A key is asked for.
    Get {
        /// The key, 0-based.
        key: u8,
    },
    /// A key is stored.
    Insert {
        /// The key, 0-based.
        key: u8,
    },
    /// A key is removed.
    Remove {
        /// The key, 0-based.
        key: u8,
    },
}

/// A configuration.
///
/// Invariants, whatever the variant: no key is there twice, a removed one's node not counted, and only keys of the
/// model are there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The keys that are there, first to go first.
    pub order: Vec<Node>,
    /// Keys stored since key 0 was last used, if they are counted.
    pub scanned: u8,
    /// History variables.
    pub history: History,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The key.
    pub key: u8,
    /// Uses of the key, where they are counted.
    pub frequency: u8,
    /// How far its priority lies above that of what went last, in halves, for sizes of 2; 0 where there are no
    /// priorities.
    pub surplus: u8,
    /// Whether its key was removed.
    pub orphan: bool,
}

impl Eviction {
    /// Four keys of equal size and cost, and room for two or three.
    pub fn of(policy: Policy, capacity: u8) -> Self {
        Eviction {
            policy,
            capacity,
            keys: 4,
            sizes: [1; KEYS_MAX],
            costs: [1; KEYS_MAX],
            scan_max: None,
            makes_room_to_replace: false,
            variant: Variant::Sound,
        }
    }

    /// The scan of the story: key 0 is eight times as costly as the others, of which three are stored for each of its
    /// uses.
    pub fn scan(policy: Policy) -> Self {
        Eviction { costs: [8, 1, 1, 1, 1], scan_max: Some(3), ..Eviction::of(policy, 2) }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Eviction { variant, ..self }
    }

    /// Whether `key` is there.
    pub fn holds(&self, state: &State, key: u8) -> bool {
        state.order.iter().any(|node| node.key == key && !node.orphan)
    }

    fn used(&self, state: &State) -> u8 {
        let live = state.order.iter().filter(|node| !node.orphan);
        live.map(|node| self.sizes[usize::from(node.key)]).sum()
    }

    /// A use of `key`, which is there.
    fn touch(&self, state: &mut State, key: u8) {
        let place = state.order.iter().position(|node| node.key == key && !node.orphan);
        let Some(mut node) = place.map(|place| state.order.remove(place)) else { return };
        let at = match self.policy {
            Policy::Fifo => place.unwrap_or(0),
            Policy::Lru => state.order.len(),
            Policy::Gdsf { frequency_max } => {
                node.frequency = (node.frequency + 1).min(frequency_max);
                node.surplus = node.frequency * self.cost_of(key) * 2 / self.sizes[usize::from(key)];
                state.order.iter().position(|other| other.surplus > node.surplus).unwrap_or(state.order.len())
            }
        };
        state.order.insert(at, node);
    }

    fn keep_history(&self, state: &mut State, key: u8, stored: bool) {
        let rightful = &mut state.history.rightful;
        match self.policy {
            Policy::Lru => {
                rightful.retain(|other| *other != key);
                rightful.push(key);
            }
            Policy::Fifo if stored && !rightful.contains(&key) => rightful.push(key),
            Policy::Fifo | Policy::Gdsf { .. } => {}
        }
        if key == 0 {
            state.scanned = 0;
        }
    }

    fn make_room(&self, state: &mut State, size: u8) {
        while !state.order.is_empty() && self.used(state) + size > self.room() {
            let first = self.first_to_go(state);
            if state.order[first].orphan {
                // It belongs to nobody, so that nothing takes it away; and nobody looks beyond it.
                return;
            }
            let gone = state.order.remove(first);
            for node in &mut state.order {
                node.surplus = node.surplus.saturating_sub(gone.surplus);
            }
            state.history.wronged |= state.history.rightful.first().is_some_and(|rightful| *rightful != gone.key);
            state.history.rightful.retain(|key| *key != gone.key);
            state.history.lost_costly |= gone.key == 0 && self.scan_max.is_some();
        }
    }
}

/// Where the rules deviate: each hook is asked by them once.
impl Eviction {
    /// Room for values, as the store takes it.
    fn room(&self) -> u8 {
        self.capacity + u8::from(self.variant == Variant::HoldsOneTooMany)
    }

    /// Place of the node that goes first.
    fn first_to_go(&self, state: &State) -> usize {
        if self.variant == Variant::EvictsNewest { state.order.len() - 1 } else { 0 }
    }

    /// Cost of loading `key`, as the store takes it.
    fn cost_of(&self, key: u8) -> u8 {
        if self.variant == Variant::IgnoresCost { 1 } else { self.costs[usize::from(key)] }
    }

    /// Whether a get is no use of its key.
    fn overlooks_gets(&self) -> bool {
        self.variant == Variant::OverlooksGets
    }

    /// Whether the node of a removed key stays in the list.
    fn orphans_node(&self) -> bool {
        self.variant == Variant::OrphansNode
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Eviction) -> bool {
        let mut live = [0_u8; KEYS_MAX];
        for node in self.order.iter().filter(|node| !node.orphan) {
            live[usize::from(node.key)] += 1;
        }
        let known = self.order.iter().all(|node| node.key < model.keys);
        known && live.iter().all(|count| *count <= 1)
    }
}

impl Model for Eviction {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { order: Vec::new(), scanned: 0, history: History::default() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for key in 0..self.keys {
            actions.push(Action::Get { key });
            let scans = key != 0 && !self.holds(state, key);
            if !scans || self.scan_max.is_none_or(|max| state.scanned < max) {
                actions.push(Action::Insert { key });
            }
            actions.push(Action::Remove { key });
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Get { key } => {
                if self.holds(before, key) {
                    if !self.overlooks_gets() {
                        self.touch(&mut after, key);
                    }
                    self.keep_history(&mut after, key, false);
                }
            }
            Action::Insert { key } => {
                if self.makes_room_to_replace {
                    self.make_room(&mut after, self.sizes[usize::from(key)]);
                }
                if !self.holds(&after, key) {
                    if self.scan_max.is_some() && key != 0 {
                        after.scanned += 1;
                    }
                    self.make_room(&mut after, self.sizes[usize::from(key)]);
                    let node = Node { key, frequency: 0, surplus: 0, orphan: false };
                    after.order.push(node);
                }
                self.touch(&mut after, key);
                self.keep_history(&mut after, key, true);
            }
            Action::Remove { key } => {
                for node in after.order.iter_mut().filter(|node| node.key == key) {
                    node.orphan = true;
                }
                // What it leaves behind is bounded, as the keys are: a second orphan of a key changes nothing more.
                let mut seen = [0_u8; KEYS_MAX];
                after.order.retain(|node| {
                    seen[usize::from(node.key)] += u8::from(node.orphan);
                    !node.orphan || (self.orphans_node() && seen[usize::from(node.key)] == 1)
                });
                after.history.rightful.retain(|other| *other != key);
            }
        }
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
