//! Sets of numbers as sorted lists, each different one kept once and known by a number.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// The empty set.
pub(super) const EMPTY: u32 = 0;

/// Sets by number.
pub(super) struct Sets {
    items: Vec<u32>,
    /// Where each set's items end; they begin where those of the one before end.
    ends: Vec<usize>,
    index: HashTable<u32>,
    scratch: Vec<u32>,
}

impl Sets {
    pub(super) fn new() -> Self {
        Sets { items: Vec::new(), ends: vec![0], index: HashTable::new(), scratch: Vec::new() }
    }

    /// The items of a set, in ascending order.
    pub(super) fn get(&self, set: u32) -> &[u32] {
        match set {
            EMPTY => &[],
            set => &self.items[self.ends[set as usize - 1]..self.ends[set as usize]],
        }
    }

    pub(super) fn holds(&self, set: u32, item: u32) -> bool {
        self.get(set).binary_search(&item).is_ok()
    }

    /// The set and `item`, which it does not hold.
    pub(super) fn with(&mut self, set: u32, item: u32) -> u32 {
        let mut items = std::mem::take(&mut self.scratch);
        items.clear();
        let before = self.get(set).partition_point(|other| *other < item);
        items.extend_from_slice(&self.get(set)[..before]);
        items.push(item);
        items.extend_from_slice(&self.get(set)[before..]);
        let number = self.number(&items);
        self.scratch = items;
        number
    }

    /// The set without its first `count` items.
    pub(super) fn without_first(&mut self, set: u32, count: usize) -> u32 {
        if count == 0 {
            return set;
        }
        let mut items = std::mem::take(&mut self.scratch);
        items.clear();
        items.extend_from_slice(&self.get(set)[count..]);
        let number = self.number(&items);
        self.scratch = items;
        number
    }

    /// Whether `larger` holds all that `smaller` holds.
    pub(super) fn within(&self, smaller: u32, larger: u32) -> bool {
        if smaller == EMPTY || smaller == larger {
            return true;
        }
        let (smaller, mut larger) = (self.get(smaller), self.get(larger).iter());
        smaller.len() <= larger.len() && smaller.iter().all(|item| larger.any(|other| other == item))
    }

    fn number(&mut self, items: &[u32]) -> u32 {
        if items.is_empty() {
            return EMPTY;
        }
        let hash = FixedState::default().hash_one(items);
        let same = |set: &u32| self.get(*set) == items;
        if let Some(set) = self.index.find(hash, same) {
            return *set;
        }
        self.items.extend_from_slice(items);
        self.ends.push(self.items.len());
        let set = (self.ends.len() - 1) as u32;
        let (all, ends) = (&self.items, &self.ends);
        let hash_of = |set: &u32| FixedState::default().hash_one(&all[ends[*set as usize - 1]..ends[*set as usize]]);
        self.index.insert_unique(hash, set, hash_of);
        set
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        let numbers = self.items.capacity() + self.index.capacity();
        numbers * size_of::<u32>() + self.ends.capacity() * size_of::<usize>()
    }
}
