//! What a cache keeps and what goes when it is full: least recently used, first in first out, or the lowest of
//! frequency × cost / size (GDSF, Cherkasova 1998). All by count or by size; nothing is scanned.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use thiserror::Error;

/// What goes when room is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The key that was not used for longest.
    #[default]
    Lru,
    /// The key that was stored first. A value that is stored again keeps its place.
    Fifo,
    /// The key with the lowest frequency × cost / size, plus the priority of what went last when it was used (so that
    /// what is no longer used ages). Equals go in the order in which they were used.
    Gdsf {
        /// Number of uses above which keys are not told apart. At least 1; 0 is taken for 1.
        frequency_max: u32,
    },
}

/// A value is larger than the whole cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the value is larger than the cache")]
pub struct TooLarge;

/// No slot.
const NONE: usize = usize::MAX;

/// Priorities are multiples of this: a cost of 1 for a size of up to so much still counts.
const SCALE: u128 = 1 << 32;

#[derive(Clone, Debug)]
struct Slot<K, E> {
    key: K,
    entry: E,
    size: u64,
    cost: u32,
    frequency: u32,
    priority: u128,
    used: u64,
    older: usize,
    newer: usize,
}

/// Entries by key, with the order in which they go.
#[derive(Clone, Debug)]
pub(in super::super) struct Store<K, E> {
    policy: Policy,
    capacity: u64,
    used: u64,
    index: HashMap<K, usize>,
    slots: Vec<Option<Slot<K, E>>>,
    free: Vec<usize>,
    /// Ends of the list of [`Policy::Lru`] and [`Policy::Fifo`].
    oldest: usize,
    newest: usize,
    /// The order of [`Policy::Gdsf`]: priority, then use, then slot.
    queue: BTreeSet<(u128, u64, usize)>,
    /// Priority of what went last. It stays at the largest number, from where on equals are told by their use.
    inflation: u128,
    uses: u64,
}

impl<K: Clone + Eq + Hash, E> Store<K, E> {
    /// An empty store with room for `capacity`.
    pub(in super::super) fn new(policy: Policy, capacity: u64) -> Self {
        Store {
            policy,
            capacity,
            used: 0,
            index: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            queue: BTreeSet::new(),
            inflation: 0,
            uses: 0,
        }
    }

    /// What is kept under `key`. This counts as a use.
    pub(in super::super) fn get(&mut self, key: &K) -> Option<&E> {
        let place = *self.index.get(key)?;
        self.touch(place);
        self.slots[place].as_ref().map(|slot| &slot.entry)
    }

    /// What is kept under `key`. This does not count as a use.
    pub(in super::super) fn peek(&self, key: &K) -> Option<&E> {
        let slot = self.slots[*self.index.get(key)?].as_ref();
        slot.map(|slot| &slot.entry)
    }

    /// Keeps `entry` under `key`, which counts as a use, and returns how many entries had to go for it.
    pub(in super::super) fn insert(&mut self, key: K, entry: E, size: u32, cost: u32) -> Result<u64, TooLarge> {
        let size = u64::from(size.max(1));
        if size > self.capacity {
            self.remove(&key);
            return Err(TooLarge);
        }
        if let Some(place) = self.index.get(&key).copied()
            && let Some(slot) = self.slots[place].as_mut()
        {
            let grown = size.saturating_sub(slot.size);
            if self.used.saturating_add(grown) <= self.capacity {
                self.used = self.used - slot.size + size;
                (slot.entry, slot.size, slot.cost) = (entry, size, cost);
                self.touch(place);
                return Ok(0);
            }
            // It has to make room for itself, and may be what has to go: as if it were new.
            self.remove(&key);
        }
        let mut gone = 0;
        while self.used > self.capacity - size {
            let Some(place) = self.first_to_go() else { break };
            if let Some(slot) = self.take(place) {
                self.inflation = self.inflation.max(slot.priority);
                gone += 1;
            }
        }
        self.used += size;
        let place = self.free.pop().unwrap_or(self.slots.len());
        let slot =
            Slot { key: key.clone(), entry, size, cost, frequency: 0, priority: 0, used: 0, older: NONE, newer: NONE };
        match self.slots.get_mut(place) {
            Some(empty) => *empty = Some(slot),
            None => self.slots.push(Some(slot)),
        }
        self.index.insert(key, place);
        match self.policy {
            Policy::Lru | Policy::Fifo => self.link(place),
            Policy::Gdsf { .. } => self.touch(place),
        }
        Ok(gone)
    }

    /// Forgets `key`, and returns whether it was there.
    pub(in super::super) fn remove(&mut self, key: &K) -> bool {
        let place = self.index.get(key).copied();
        place.and_then(|place| self.take(place)).is_some()
    }

    /// Forgets all keys. What went last, and how often anything was used, is not forgotten.
    pub(in super::super) fn clear(&mut self) {
        (self.used, self.oldest, self.newest) = (0, NONE, NONE);
        self.index.clear();
        self.slots.clear();
        self.free.clear();
        self.queue.clear();
    }

    /// Share of the capacity that is taken.
    pub(in super::super) fn used(&self) -> u64 {
        self.used
    }

    /// Keys in the order in which they would go, with their uses and how far their priority lies above that of what
    /// went last (both 0 unless the policy asks for them).
    #[cfg(feature = "catalogue")]
    pub(in super::super) fn order(&self) -> Vec<(K, u32, u128)> {
        let mut places: Vec<usize> = self.queue.iter().map(|(_, _, place)| *place).collect();
        let mut next = self.oldest;
        while next != NONE {
            places.push(next);
            next = self.slots[next].as_ref().map_or(NONE, |slot| slot.newer);
        }
        let slots = places.into_iter().filter_map(|place| self.slots[place].as_ref());
        slots.map(|slot| (slot.key.clone(), slot.frequency, slot.priority.saturating_sub(self.inflation))).collect()
    }

    fn touch(&mut self, place: usize) {
        match self.policy {
            Policy::Fifo => {}
            Policy::Lru => {
                self.unlink(place);
                self.link(place);
            }
            Policy::Gdsf { frequency_max } => {
                self.uses += 1;
                let Some(slot) = self.slots[place].as_mut() else { return };
                self.queue.remove(&(slot.priority, slot.used, place));
                slot.frequency = slot.frequency.saturating_add(1).min(frequency_max.max(1));
                let worth = u128::from(slot.frequency) * u128::from(slot.cost) * SCALE / u128::from(slot.size);
                slot.priority = self.inflation.saturating_add(worth);
                slot.used = self.uses;
                self.queue.insert((slot.priority, slot.used, place));
            }
        }
    }

    fn first_to_go(&self) -> Option<usize> {
        match self.policy {
            Policy::Lru | Policy::Fifo => (self.oldest != NONE).then_some(self.oldest),
            Policy::Gdsf { .. } => self.queue.first().map(|(_, _, place)| *place),
        }
    }

    fn take(&mut self, place: usize) -> Option<Slot<K, E>> {
        match self.policy {
            Policy::Lru | Policy::Fifo => self.unlink(place),
            Policy::Gdsf { .. } => {
                if let Some(slot) = &self.slots[place] {
                    self.queue.remove(&(slot.priority, slot.used, place));
                }
            }
        }
        let slot = self.slots[place].take()?;
        self.index.remove(&slot.key);
        self.used -= slot.size;
        self.free.push(place);
        Some(slot)
    }

    fn link(&mut self, place: usize) {
        let newest = self.newest;
        if let Some(slot) = self.slots[place].as_mut() {
            (slot.older, slot.newer) = (newest, NONE);
        }
        match self.slots.get_mut(newest).and_then(Option::as_mut) {
            Some(before) => before.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: usize) {
        let Some(slot) = self.slots[place].as_ref() else { return };
        let (older, newer) = (slot.older, slot.newer);
        match self.slots.get_mut(older).and_then(Option::as_mut) {
            Some(before) => before.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer).and_then(Option::as_mut) {
            Some(after) => after.older = older,
            None => self.newest = older,
        }
    }
}
