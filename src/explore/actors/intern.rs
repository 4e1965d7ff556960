//! Numbers for values, and answers that are remembered: both shared by threads, read without waiting for one another
//! where a value has its number already.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Values by number, in blocks of which each is twice as long as the one before, so that none ever moves.
struct Blocks<T>([OnceLock<Box<[OnceLock<T>]>>; BLOCKS]);

const BLOCKS: usize = 32;
/// Values in the first block.
const FIRST: usize = 64;

/// The block of a number, and its place there.
#[inline]
fn place(number: u32) -> (usize, usize) {
    let shifted = number as usize + FIRST;
    let block = (shifted / FIRST).ilog2() as usize;
    (block, shifted - (FIRST << block))
}

impl<T> Blocks<T> {
    const fn new() -> Self {
        Blocks([const { OnceLock::new() }; BLOCKS])
    }

    /// The value of a number that was given out.
    #[inline]
    fn get(&self, number: u32) -> &T {
        let (block, at) = place(number);
        let value = self.0[block].get().and_then(|block| block[at].get());
        value.expect("a number that was given out has a value")
    }

    /// Gives a number its value, for good.
    fn set(&self, number: u32, value: T) {
        let (block, at) = place(number);
        let block = self.0[block].get_or_init(|| (0..FIRST << block).map(|_| OnceLock::new()).collect());
        // Numbers are given out under a lock: nobody else has this one.
        let _ = block[at].set(value);
    }
}

/// Each value once, by the number it got when it was first met.
pub(super) struct Interner<T> {
    /// Numbers by value.
    known: Mutex<HashTable<(u64, u32)>>,
    values: Blocks<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { known: Mutex::default(), values: Blocks::new() }
    }
}

impl<T: Hash + PartialEq> Interner<T> {
    /// The value of a number that was given out.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &T {
        self.values.get(number)
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
        self.values.set(number, value);
        known.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }
}

/// Answers by question.
///
/// Most questions were asked not long ago. So beside the table of all answers, which has a lock, stand those that were
/// looked for last, two for each place: these are read without one, and whatever is read there is compared with the
/// question.
pub(super) struct Memo<K, V> {
    /// By place, one more than the number of an answer; 0 where there is none.
    near: Box<[AtomicU32]>,
    answers: Blocks<(K, V)>,
    /// Numbers of answers, with the hash of the question.
    known: Mutex<HashTable<(u64, u32)>>,
}

/// Places for what was looked for last.
const NEAR: usize = 1 << 16;

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { near: (0..NEAR).map(|_| AtomicU32::new(0)).collect(), answers: Blocks::new(), known: Mutex::default() }
    }
}

impl<K: Eq + Hash, V> Memo<K, V> {
    /// The answer to `key`, asked of `answer` where it is not known. Two threads may ask the same; the answer is the
    /// same.
    #[inline]
    pub(super) fn get_or_insert(&self, key: K, answer: impl FnOnce() -> V) -> &V {
        let hash = FixedState::with_seed(1).hash_one(&key);
        let at = hash as usize % NEAR;
        // An answer is written before its number is put here.
        for near in [at, at ^ 1] {
            if let Some(number) = self.near[near].load(Ordering::Acquire).checked_sub(1) {
                let (asked, answer) = self.answers.get(number);
                if *asked == key {
                    return answer;
                }
            }
        }
        let number = self.number(hash, key, answer);
        let is_free = |near: usize| self.near[near].load(Ordering::Relaxed) == 0;
        let to = if is_free(at) || !is_free(at ^ 1) { at } else { at ^ 1 };
        self.near[to].store(number + 1, Ordering::Release);
        &self.answers.get(number).1
    }

    #[cold]
    fn number(&self, hash: u64, key: K, answer: impl FnOnce() -> V) -> u32 {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |known: &HashTable<(u64, u32)>| {
            let same = |(other, number): &(u64, u32)| *other == hash && self.answers.get(*number).0 == key;
            known.find(hash, same).map(|(_, number)| *number)
        };
        if let Some(number) = find(&known()) {
            return number;
        }
        // Without the lock, since it takes a while and asks for other numbers.
        let answer = answer();
        let mut known = known();
        if let Some(number) = find(&known) {
            return number;
        }
        let number = u32::try_from(known.len()).expect("fewer steps than states");
        self.answers.set(number, (key, answer));
        known.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }

    /// How many answers are known.
    pub(super) fn len(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
