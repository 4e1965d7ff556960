//! A limiter whose counter several machines share, in a store such as Redis.
//!
//! The counter and its expiry have to change as one. Incremented first and given its expiry by a second command, a key
//! whose client crashes in between lives for ever, and once it is full nobody passes again (the sub-model
//! `distributed`).

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::{Denied, Quota};

/// What a store counts. Of Redis it is one script, with the window in milliseconds:
/// ```lua
/// local count = redis.call('INCR', KEYS[1])
/// if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
/// return {count, redis.call('PTTL', KEYS[1])}
/// ```
pub trait Store<K: ?Sized> {
    /// Error of a store that cannot be reached or does not answer.
    type Error;

    /// Counts a hit of `key` and returns the count, the hit included; a new key is given `window_ns` to live. It is one
    /// step, whatever else goes on. Counts beyond `u64::MAX` stay there.
    ///
    /// # Errors
    /// Whether the hit was counted is not known.
    fn hit(&self, key: &K, window_ns: u64) -> Result<Hit, Self::Error>;
}

/// Answer of a store to a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Number of hits since the key was new.
    pub count: u64,
    /// Time that the key has still to live, in nanoseconds.
    pub lives_ns: u64,
}

/// Who passes while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnreachable {
    /// Nobody passes: what stands behind must not be overrun.
    #[default]
    Deny,
    /// Everybody passes: what stands behind must not be cut off.
    Admit,
}

/// Why a [`StoredLimiter`] does not admit a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoredError<E> {
    /// The quota does not admit it.
    #[error(transparent)]
    Denied(Denied),
    /// The store did not answer, and that is not to be taken for a yes.
    #[error("the store did not answer")]
    Store(#[source] E),
}

/// A window from the first hit for each key, counted in a store. Denied requests are counted too; within a window that
/// changes nothing.
#[derive(Clone, Debug)]
pub struct StoredLimiter<S> {
    quota: Quota,
    store: S,
    when_unreachable: WhenUnreachable,
}

impl<S> StoredLimiter<S> {
    /// A limiter on `store`.
    pub fn new(quota: Quota, store: S, when_unreachable: WhenUnreachable) -> Self {
        StoredLimiter { quota, store, when_unreachable }
    }

    /// The store that it counts in.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Admits a request of `key`, or does not, in one round trip.
    ///
    /// # Errors
    /// It is not admitted, and why.
    pub fn check<K: ?Sized>(&self, key: &K) -> Result<(), StoredError<S::Error>>
    where
        S: Store<K>,
    {
        match self.store.hit(key, self.quota.window_ns()) {
            Ok(hit) if hit.count <= u64::from(self.quota.limit()) => Ok(()),
            Ok(hit) => Err(StoredError::Denied(Denied { retry_after_ns: hit.lives_ns })),
            Err(_) if self.when_unreachable == WhenUnreachable::Admit => Ok(()),
            Err(error) => Err(StoredError::Store(error)),
        }
    }
}

/// A store in this process, for tests and for one machine, with a clock of its own that is moved from outside.
#[derive(Debug, Default)]
pub struct MemoryStore<K>(Mutex<Kept<K>>);

#[derive(Debug, Default)]
struct Kept<K> {
    now_ns: u64,
    /// The count of each key, and when it was new. It is kept by its beginning, since an end could lie beyond
    /// representable time.
    keys: HashMap<K, (u64, u64)>,
}

impl<K: Eq + Hash> MemoryStore<K> {
    /// An empty store, whose clock shows `now_ns`.
    pub fn at(now_ns: u64) -> Self {
        MemoryStore(Mutex::new(Kept { now_ns, keys: HashMap::new() }))
    }

    /// Sets the clock; one that goes backwards makes keys live longer.
    pub fn set_now_ns(&self, now_ns: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now_ns = now_ns;
    }
}

impl<K: Eq + Hash + Clone> Store<K> for MemoryStore<K> {
    type Error = Infallible;

    fn hit(&self, key: &K, window_ns: u64) -> Result<Hit, Infallible> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = kept.now_ns;
        let (count, new_ns) = match kept.keys.get(key) {
            Some((count, new_ns)) if now_ns.saturating_sub(*new_ns) < window_ns => (count.saturating_add(1), *new_ns),
            _ => (1, now_ns),
        };
        kept.keys.insert(key.clone(), (count, new_ns));
        let lives_ns = new_ns.saturating_add(window_ns).saturating_sub(now_ns);
        Ok(Hit { count, lives_ns })
    }
}
