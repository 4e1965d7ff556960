//! Numbers for values, and answers that are remembered: both shared by threads, read without waiting for one another
//! where a value has its number already.

use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};

/// Each value once, by the number it got when it was first met.
pub(super) struct Interner<T> {
    /// Numbers by value.
    known: Mutex<HashTable<(u64, u32)>>,
    /// Values by number, in blocks of which each is twice as long as the one before, so that none ever moves.
    blocks: [OnceLock<Box<[OnceLock<T>]>>; BLOCKS],
}

const BLOCKS: usize = 32;
/// Values in the first block.
const FIRST: usize = 64;

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { known: Mutex::default(), blocks: [const { OnceLock::new() }; BLOCKS] }
    }
}

/// The block of a number, and its place there.
#[inline]
fn place(number: u32) -> (usize, usize) {
    let shifted = number as usize + FIRST;
    let block = (shifted / FIRST).ilog2() as usize;
    (block, shifted - (FIRST << block))
}

impl<T: Hash + PartialEq> Interner<T> {
    /// The value of a number that was given out.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &T {
        let (block, at) = place(number);
        let value = self.blocks[block].get().and_then(|block| block[at].get());
        value.expect("a number that was given out has a value")
    }

    /// The number of `value`.
    pub(super) fn number(&self, value: T) -> u32 {
        let hash = FixedState::default().hash_one(&value);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(other, number): &(u64, u32)| *other == hash && *self.get(*number) == value;
        if let Some((_, number)) = known.find(hash, same) {
            return *number;
        }
        let number = u32::try_from(known.len()).expect("fewer parts than states");
        let (block, at) = place(number);
        let block = self.blocks[block].get_or_init(|| (0..FIRST << block).map(|_| OnceLock::new()).collect());
        // Under the lock nobody else has this number.
        let _ = block[at].set(value);
        known.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }
}

/// Answers by question.
pub(super) struct Memo<K, V> {
    shards: [RwLock<HashMap<K, V, FixedState>>; SHARDS],
}

const SHARDS: usize = 64;

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { shards: std::array::from_fn(|_| RwLock::default()) }
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// The answer to `key`, asked of `answer` where it is not known. Two threads may ask the same; the answer is the
    /// same.
    #[inline]
    pub(super) fn get_or_insert(&self, key: K, answer: impl FnOnce() -> V) -> V {
        let shard = &self.shards[FixedState::with_seed(1).hash_one(&key) as usize % SHARDS];
        if let Some(known) = shard.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let answer = answer();
        shard.write().unwrap_or_else(PoisonError::into_inner).insert(key, answer.clone());
        answer
    }

    /// How many answers are known.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}
