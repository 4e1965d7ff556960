//! Our own store, bound to the model's words.

use std::hash::{Hash, Hasher};

use counterpart::Counterpart;

use super::conformance::EvictionInterface;
use super::model::{Action, Eviction, KEYS_MAX, Policy};
use crate::cache::implementation::store::{self, Store};

/// Our own store, as plain data.
#[derive(Clone)]
pub(super) struct StoreBinding {
    store: Store<u8, ()>,
    sizes: [u8; KEYS_MAX],
    costs: [u8; KEYS_MAX],
}

impl StoreBinding {
    pub(super) fn new(model: &Eviction) -> Self {
        let policy = match model.policy {
            Policy::Lru => store::Policy::Lru,
            Policy::Fifo => store::Policy::Fifo,
            Policy::Gdsf { frequency_max } => store::Policy::Gdsf { frequency_max: frequency_max.into() },
        };
        StoreBinding { store: Store::new(policy, model.capacity.into()), sizes: model.sizes, costs: model.costs }
    }
}

impl PartialEq for StoreBinding {
    fn eq(&self, other: &Self) -> bool {
        self.store.order() == other.store.order()
    }
}

impl Eq for StoreBinding {}

impl Hash for StoreBinding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.store.order().hash(state);
    }
}

impl Counterpart<EvictionInterface> for StoreBinding {
    fn apply(&mut self, input: &Action) -> bool {
        match *input {
            Action::Get { key } => self.store.get(&key).is_some(),
            Action::Insert { key } => {
                let (size, cost) = (self.sizes[usize::from(key)], self.costs[usize::from(key)]);
                self.store.insert(key, (), size.into(), cost.into()).is_ok()
            }
            Action::Remove { key } => self.store.remove(&key),
        }
    }

    fn observe(&self) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| self.store.peek(&(key as u8)).is_some()))
    }
}
