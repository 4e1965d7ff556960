//! The cache that threads share: one mutex around the [`Core`], and a condition variable for those who wait for a load.
//! Nothing is spawned, and no lock is held while something is loaded.
//!
//! Compiled twice, with the locks of the standard library and, to be raced, with loom's.
//!
//! ```
//! use counterpart_models::cache::{Cache, Config, Draw, LoadError, Loaded};
//!
//! let cache = Cache::new(Config::default())?;
//! let now_ms = || 1_000; // … of your clock, and draws of your random source …
//! let load = || Ok::<_, std::io::Error>(Loaded { value: 42, size: 1, cost: 7, took_ms: 5 });
//! assert_eq!(cache.get_or_load("price", now_ms, || Draw(0), load).expect("loaded"), 42);
//! assert_eq!(cache.get_or_load("price", now_ms, || Draw(0), || Err(LoadError::Shed::<std::io::Error>)).expect("a hit"), 42);
//! # Ok::<(), counterpart_models::cache::ConfigError>(())
//! ```

use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::implementation::{
    Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Stats, Ticket, TooLarge,
};
use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A cache that threads share.
#[derive(Debug)]
pub struct Cache<K, V> {
    core: Mutex<Core<K, V>>,
    told: Condvar,
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<E> {
    /// This caller's load failed.
    #[error("the load failed: {0}")]
    Own(E),
    /// Another caller's load ended without a value. Ask again: whoever does so first loads.
    #[error(transparent)]
    Other(#[from] LoadFailed),
    /// As many loads are under way as the database is to bear.
    #[error("as many loads are under way as the database is to bear")]
    Shed,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache.
    ///
    /// # Errors
    /// The configuration makes no cache.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Cache { core: Mutex::new(Core::new(config)?), told: Condvar::new() })
    }

    /// Asks for `key`, as [`Core::get`] does. Whoever has a lease and drops it unused keeps others waiting until it
    /// expires.
    pub fn get(&self, key: &K, now_ms: u64, draw: Draw) -> Lookup<V> {
        self.with_core(|core| core.get(key, now_ms, draw))
    }

    /// Ends the load under `lease`, which has brought a value, as [`Core::finish`] does.
    pub fn finish(&self, lease: Lease, loaded: Loaded<V>, now_ms: u64, draw: Draw) -> Ended {
        self.with_core(|core| core.finish(lease, loaded, now_ms, draw))
    }

    /// Ends the load under `lease`, which has failed, as [`Core::fail`] does.
    pub fn fail(&self, lease: Lease, cost: u32, now_ms: u64) {
        self.with_core(|core| core.fail(lease, cost, now_ms));
    }

    /// Gives up the load under `lease`, as [`Core::cancel`] does.
    pub fn cancel(&self, lease: Lease, now_ms: u64) {
        self.with_core(|core| core.cancel(lease, now_ms));
    }

    /// Blocks until the load that `ticket` waits for has ended. If the load's holder has died, it ends when somebody
    /// calls [`expire_leases`](Cache::expire_leases), or asks for the key, after the lease has expired.
    ///
    /// # Errors
    /// It ended without a value.
    pub fn wait(&self, ticket: Ticket) -> Result<V, LoadFailed> {
        let mut core = self.lock();
        loop {
            match core.collect(&ticket) {
                Some(result) => return result,
                None => core = self.told.wait(core).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Gives up the place of `ticket` among those who wait, as [`Core::leave`] does.
    pub fn leave(&self, ticket: Ticket) {
        self.with_core(|core| core.leave(&ticket));
    }

    /// Caches a value of `key` that was written elsewhere, as [`Core::insert`] does.
    ///
    /// # Errors
    /// The value is larger than the cache.
    pub fn insert(&self, key: K, loaded: Loaded<V>, now_ms: u64, draw: Draw) -> Result<(), TooLarge> {
        self.with_core(|core| core.insert(key, loaded, now_ms, draw))
    }

    /// Removes what is cached of `key`, which was written elsewhere, as [`Core::invalidate`] does.
    pub fn invalidate(&self, key: &K) {
        self.with_core(|core| core.invalidate(key));
    }

    /// Removes all that is cached, as [`Core::invalidate_all`] does.
    pub fn invalidate_all(&self) {
        self.with_core(Core::invalidate_all);
    }

    /// Ends the leases that have expired, as [`Core::expire_leases`] does. Call it from a timer.
    pub fn expire_leases(&self, now_ms: u64) -> usize {
        self.with_core(|core| core.expire_leases(now_ms))
    }

    /// What is cached under `key`, and for how long, in milliseconds.
    pub fn peek(&self, key: &K, now_ms: u64) -> Option<(V, u64)> {
        self.lock().peek(key, now_ms).map(|(value, left_ms)| (value.clone(), left_ms))
    }

    /// Loads under way, counted as [`Core::loads_under_way`] does.
    pub fn loads_under_way(&self) -> u32 {
        self.lock().loads_under_way()
    }

    /// Counters since the beginning.
    pub fn stats(&self) -> Stats {
        self.lock().stats()
    }

    /// The value of `key`: from the cache, by `load`, or by another's load that is waited for. `clock` gives
    /// milliseconds, `draw` a number each. Where `load`, `clock`, `draw` or the value's `clone` unwinds, the load is
    /// given up: those who wait are told, and the next one to ask loads.
    ///
    /// # Errors
    /// There is none, and why. A failed refresh of a value that lives is no error: it is told by the ledger alone.
    pub fn get_or_load<E>(
        &self,
        key: K,
        clock: impl Fn() -> u64,
        mut draw: impl FnMut() -> Draw,
        load: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>> {
        let asked_ms = clock();
        let (cached, lease) = match self.get(&key, asked_ms, draw()) {
            Lookup::Hit(value) => return Ok(value),
            Lookup::Join(ticket) => return Ok(self.wait(ticket)?),
            Lookup::Shed => return Err(LoadError::Shed),
            Lookup::Refresh(value, lease) => (Some(value), lease),
            Lookup::Lead(lease) => (None, lease),
        };
        let unwinding = CancelOnUnwind { cache: self, clock: &clock, asked_ms, flight: lease.flight };
        let answer = match load() {
            Ok(loaded) => {
                let value = loaded.value.clone();
                let (now_ms, draw) = (clock(), draw());
                self.finish(lease, loaded, now_ms, draw);
                Ok(value)
            }
            Err(error) => {
                self.fail(lease, 0, clock());
                cached.ok_or(LoadError::Own(error))
            }
        };
        std::mem::forget(unwinding);
        answer
    }

    fn with_core<T>(&self, change: impl FnOnce(&mut Core<K, V>) -> T) -> T {
        let mut core = self.lock();
        let result = change(&mut core);
        if core.take_told() {
            self.told.notify_all();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Core<K, V>> {
        // Only a key's own hash or equality, or a value's clone, could panic in there; what is left behind can be used.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives up a load, unless it is forgotten.
struct CancelOnUnwind<'a, K: Clone + Eq + Hash, V: Clone, C: Fn() -> u64> {
    cache: &'a Cache<K, V>,
    clock: &'a C,
    asked_ms: u64,
    flight: u64,
}

impl<K: Clone + Eq + Hash, V: Clone, C: Fn() -> u64> Drop for CancelOnUnwind<'_, K, V, C> {
    fn drop(&mut self) {
        // A second panic that got out of here would end the process.
        let now_ms = catch_unwind(AssertUnwindSafe(self.clock)).unwrap_or(self.asked_ms);
        // Where it unwound after the load had ended there is nothing left to give up.
        self.cache.cancel(Lease { flight: self.flight }, now_ms);
    }
}
