//! A cache that loads each key once, as plain data: whoever misses first is given a *lease* and loads, whoever misses
//! meanwhile a *ticket* and waits. Time and randomness are passed in, nothing blocks, nothing is spawned; what threads
//! share is [`Cache`](super::Cache), a mutex around it.
//!
//! A lease is voided by a delete, and expires: what it brings afterwards is handed to those who waited for it and not
//! stored. Instants are in milliseconds of any clock. Where the clock goes back behind the instant at which a value was
//! stored, or a lease granted, that value or lease counts as expired: a miss too many is the worst that a clock can do.
//!
//! ```
//! use counterpart_models::cache::{Config, Core, Draw, Ended, Loaded, Lookup};
//!
//! let mut cache = Core::new(Config { ttl_ms: 1_000, ..Config::default() })?;
//! let Lookup::Lead(lease) = cache.get(&"price", 0, Draw(0)) else { panic!("nothing is cached yet") };
//! let Lookup::Join(ticket) = cache.get(&"price", 1, Draw(0)) else { panic!("one load is enough") };
//! let loaded = Loaded { value: 42, size: 1, cost: 7, took_ms: 5 };
//! assert_eq!(cache.finish(lease, loaded, 5, Draw(0)), Ended::Stored);
//! assert_eq!(cache.collect(&ticket), Some(Ok(42)));
//! assert_eq!(cache.get(&"price", 6, Draw(0)), Lookup::Hit(42));
//! let stats = cache.stats();
//! assert_eq!((stats.hits, stats.misses, stats.cost_of_loads), (1, 2, 7));
//! # Ok::<(), counterpart_models::cache::ConfigError>(())
//! ```

pub(super) mod store;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use thiserror::Error;

use self::store::Store;
pub use self::store::{Policy, TooLarge};

/// How a cache behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Most that it holds, in the unit of [`Loaded::size`]. At least 1.
    pub capacity: u64,
    /// What goes when it is full.
    pub policy: Policy,
    /// Time that a value lives, in milliseconds. At least 1.
    pub ttl_ms: u64,
    /// Share of that time which a draw may take off, 0 to 100: values stored together then do not end together.
    pub jitter_percent: u8,
    /// How eagerly a value is refreshed before its end (XFetch's beta, in percent): 0 never, 100 as the paper has it,
    /// more is earlier.
    pub early_percent: u32,
    /// Time that a load may take before another may be begun in its stead, in milliseconds. At least 1, and longer than
    /// the database's own timeout: the loads of expired leases are not counted among those under way.
    pub lease_ms: u64,
    /// Most loads under way at once; a miss beyond is shed. At least 1.
    pub loads_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            capacity: 10_000,
            policy: Policy::Lru,
            ttl_ms: 60_000,
            jitter_percent: 10,
            early_percent: 100,
            lease_ms: 10_000,
            loads_max: 64,
        }
    }
}

/// Why a configuration makes no cache.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A field is 0 that must be at least 1.
    #[error("{field} is 0, it must be at least 1")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
    /// Jitter is more than 100 percent.
    #[error("jitter_percent is {percent}, it must be between 0 and 100")]
    JitterBeyondAll {
        /// The percentage that was given.
        percent: u8,
    },
}

/// A number drawn by the caller, uniformly from all `u32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(pub u32);

/// The right to load a key. To be given back by [`Core::finish`], [`Core::fail`] or [`Core::cancel`]; if it never is,
/// it expires.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "nobody else loads the key until the lease is given back, or expires"]
pub struct Lease {
    pub(super) flight: u64,
}

/// A place among those who wait for a load. To be given back by [`Core::leave`] unless it was
/// [collected](Core::collect).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the load's result is kept for whoever holds a ticket"]
pub struct Ticket {
    pub(super) flight: u64,
}

/// What a [`Core::get`] comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<V> {
    /// The value is cached.
    Hit(V),
    /// The value is cached and will end soon: load it anew, while others still hit.
    Refresh(V, Lease),
    /// The value is not cached: load it.
    Lead(Lease),
    /// Somebody loads the value: wait.
    Join(Ticket),
    /// The value is not cached, and the database has as many loads as it is to bear.
    Shed,
}

/// What a load has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    /// The value.
    pub value: V,
    /// Share of the capacity that it takes; 0 counts as 1.
    pub size: u32,
    /// Cost of the load, in the caller's unit: it goes into the ledger, and with [`Policy::Gdsf`] into eviction.
    pub cost: u32,
    /// Time that the load took, in milliseconds: the longer, the earlier the value is refreshed.
    pub took_ms: u64,
}

/// What became of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The value is cached.
    Stored,
    /// A delete had voided the lease, or the lease had expired: the value is not cached. Those who waited have it
    /// unless the lease had expired.
    Voided,
    /// The value is larger than the cache.
    TooLarge,
}

/// The load that was waited for ended without a value: with an error, given up, or its lease expired. Whoever asks
/// again loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the load that was waited for ended without a value")]
pub struct LoadFailed;

/// Counters for an operator: the ratio beside the cost, from one and the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Gets that found a value.
    pub hits: u64,
    /// Gets that found no value.
    pub misses: u64,
    /// Gets that were shed, among the misses.
    pub shed: u64,
    /// Loads begun.
    pub loads: u64,
    /// Sum of what loads have cost, each added as it ends and none estimated. It stays at the largest number.
    pub cost_of_loads: u64,
    /// Values that had to go for others.
    pub evicted: u64,
}

impl Stats {
    /// Hits per 10,000 gets, cut off; `None` before the first. It says nothing of the cost.
    pub fn hits_per_10_000(&self) -> Option<u64> {
        let gets = u128::from(self.hits) + u128::from(self.misses);
        (gets > 0).then(|| (u128::from(self.hits) * 10_000 / gets) as u64)
    }
}

/// A value and the time in which it lives.
#[derive(Clone, Debug)]
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) stored_ms: u64,
    pub(super) expires_ms: u64,
    pub(super) took_ms: u64,
}

impl<V> Entry<V> {
    fn is_live(&self, now_ms: u64) -> bool {
        self.stored_ms <= now_ms && now_ms < self.expires_ms
    }
}

/// A load under way, or one whose result has not been collected by all who wait for it.
#[derive(Clone, Debug)]
pub(super) struct Flight<K, V> {
    pub(super) key: K,
    pub(super) begun_ms: u64,
    pub(super) expires_ms: u64,
    pub(super) waiters: usize,
    pub(super) result: Option<Result<V, LoadFailed>>,
}

/// The cache, as plain data.
#[derive(Clone, Debug)]
pub struct Core<K, V> {
    config: Config,
    pub(super) store: Store<K, Entry<V>>,
    pub(super) flights: BTreeMap<u64, Flight<K, V>>,
    /// Of each key that is being loaded: the flight whose lease is not voided.
    pub(super) leases: HashMap<K, u64>,
    next_flight: u64,
    under_way: u32,
    /// Whether a flight that somebody waits for has ended.
    told: bool,
    stats: Stats,
}

impl<K: Clone + Eq + Hash, V: Clone> Core<K, V> {
    /// An empty cache.
    ///
    /// # Errors
    /// The configuration makes no cache.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let counts = [
            ("capacity", config.capacity),
            ("ttl_ms", config.ttl_ms),
            ("lease_ms", config.lease_ms),
            ("loads_max", config.loads_max.into()),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(ConfigError::Zero { field });
        }
        if config.jitter_percent > 100 {
            return Err(ConfigError::JitterBeyondAll { percent: config.jitter_percent });
        }
        Ok(Core {
            store: Store::new(config.policy, config.capacity),
            config,
            flights: BTreeMap::new(),
            leases: HashMap::new(),
            next_flight: 0,
            under_way: 0,
            told: false,
            stats: Stats::default(),
        })
    }

    /// Asks for `key`. `draw` decides whether a value that lives, but not for long, is refreshed.
    pub fn get(&mut self, key: &K, now_ms: u64, draw: Draw) -> Lookup<V> {
        if let Some(entry) = self.store.get(key) {
            if entry.is_live(now_ms) {
                self.stats.hits += 1;
                let value = entry.value.clone();
                let due = entry.expires_ms - now_ms <= early_ms(entry.took_ms, self.config.early_percent, draw);
                if due && self.joinable(key, now_ms).is_none() && self.has_room(now_ms) {
                    return Lookup::Refresh(value, self.begin(key.clone(), now_ms));
                }
                return Lookup::Hit(value);
            }
            self.store.remove(key);
        }
        self.stats.misses += 1;
        if let Some(number) = self.joinable(key, now_ms)
            && let Some(flight) = self.flights.get_mut(&number)
        {
            flight.waiters += 1;
            return Lookup::Join(Ticket { flight: number });
        }
        if !self.has_room(now_ms) {
            self.stats.shed += 1;
            return Lookup::Shed;
        }
        Lookup::Lead(self.begin(key.clone(), now_ms))
    }

    /// Ends the load under `lease`, which has brought a value. `draw` decides what jitter takes off its time to live.
    pub fn finish(&mut self, lease: Lease, loaded: Loaded<V>, now_ms: u64, draw: Draw) -> Ended {
        self.charge(loaded.cost);
        let Some(key) = self.end(lease.flight, now_ms, Ok(&loaded.value)) else { return Ended::Voided };
        match self.put(key, loaded, now_ms, draw) {
            Ok(()) => Ended::Stored,
            Err(TooLarge) => Ended::TooLarge,
        }
    }

    /// Ends the load under `lease`, which has failed, and has cost that much.
    pub fn fail(&mut self, lease: Lease, cost: u32, now_ms: u64) {
        self.charge(cost);
        self.end(lease.flight, now_ms, Err(LoadFailed));
    }

    /// Gives up the load under `lease`.
    pub fn cancel(&mut self, lease: Lease, now_ms: u64) {
        self.end(lease.flight, now_ms, Err(LoadFailed));
    }

    /// What became of the load that `ticket` waits for; `None` while it is under way. A result is collected once.
    pub fn collect(&mut self, ticket: &Ticket) -> Option<Result<V, LoadFailed>> {
        // A ticket that was collected, or left, has nothing to wait for.
        let Some(flight) = self.flights.get(&ticket.flight) else { return Some(Err(LoadFailed)) };
        let result = flight.result.clone()?;
        self.leave(ticket);
        Some(result)
    }

    /// Gives up the place of `ticket` among those who wait.
    pub fn leave(&mut self, ticket: &Ticket) {
        if let Some(flight) = self.flights.get_mut(&ticket.flight) {
            flight.waiters = flight.waiters.saturating_sub(1);
            if flight.waiters == 0 && flight.result.is_some() {
                self.flights.remove(&ticket.flight);
            }
        }
    }

    /// Caches a value of `key` that was written elsewhere. What is being loaded is not stored.
    ///
    /// # Errors
    /// The value is larger than the cache; nothing is cached under `key` then.
    pub fn insert(&mut self, key: K, loaded: Loaded<V>, now_ms: u64, draw: Draw) -> Result<(), TooLarge> {
        self.leases.remove(&key);
        self.put(key, loaded, now_ms, draw)
    }

    /// Removes what is cached of `key`, which was written elsewhere, and keeps what is being loaded from being stored.
    /// Call it after the write.
    pub fn invalidate(&mut self, key: &K) {
        self.leases.remove(key);
        self.store.remove(key);
    }

    /// Removes all that is cached, as [`invalidate`](Core::invalidate) does for one key: what is being loaded, of whatever
    /// key, is handed to those who wait for it by now and not stored. Counters stay.
    pub fn invalidate_all(&mut self) {
        self.leases.clear();
        self.store.clear();
    }

    /// Ends the leases that have expired, so that those who wait are told, and returns how many. Call it now and then:
    /// a get ends only what stands in its way.
    pub fn expire_leases(&mut self, now_ms: u64) -> usize {
        let expired = |flight: &Flight<K, V>| flight.result.is_none() && !flight.is_live(now_ms);
        let numbers: Vec<u64> =
            self.flights.iter().filter(|(_, flight)| expired(flight)).map(|(number, _)| *number).collect();
        for number in &numbers {
            self.end(*number, now_ms, Err(LoadFailed));
        }
        numbers.len()
    }

    /// What is cached under `key`, and for how long, in milliseconds; it counts as no get and touches nothing.
    pub fn peek(&self, key: &K, now_ms: u64) -> Option<(&V, u64)> {
        let entry = self.store.peek(key).filter(|entry| entry.is_live(now_ms))?;
        Some((&entry.value, entry.expires_ms - now_ms))
    }

    /// Loads under way, those whose leases have expired and were not yet [ended](Core::expire_leases) included.
    pub fn loads_under_way(&self) -> u32 {
        self.under_way
    }

    /// Counters since the beginning.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Share of the capacity that is taken.
    pub fn used(&self) -> u64 {
        self.store.used()
    }

    /// Whether a load that somebody waits for has ended since this was asked last.
    pub(super) fn take_told(&mut self) -> bool {
        std::mem::take(&mut self.told)
    }

    /// The flight that a miss of `key` is to join.
    fn joinable(&mut self, key: &K, now_ms: u64) -> Option<u64> {
        let number = *self.leases.get(key)?;
        if self.flights.get(&number).is_some_and(|flight| flight.is_live(now_ms)) {
            return Some(number);
        }
        self.end(number, now_ms, Err(LoadFailed));
        None
    }

    fn has_room(&mut self, now_ms: u64) -> bool {
        self.under_way < self.config.loads_max || self.expire_leases(now_ms) > 0
    }

    fn begin(&mut self, key: K, now_ms: u64) -> Lease {
        let number = self.next_flight;
        self.next_flight += 1;
        self.under_way += 1;
        self.stats.loads += 1;
        self.leases.insert(key.clone(), number);
        let expires_ms = now_ms.saturating_add(self.config.lease_ms);
        self.flights.insert(number, Flight { key, begun_ms: now_ms, expires_ms, waiters: 0, result: None });
        Lease { flight: number }
    }

    /// Ends a flight and tells its waiters. Returns its key if what it has brought may be stored.
    fn end(&mut self, number: u64, now_ms: u64, result: Result<&V, LoadFailed>) -> Option<K> {
        let flight = self.flights.get_mut(&number).filter(|flight| flight.result.is_none())?;
        let live = flight.is_live(now_ms);
        let key = flight.key.clone();
        // Late is not told as a value: who began after the lease expired must not have it.
        flight.result = Some(if live { result.cloned() } else { Err(LoadFailed) });
        if flight.waiters == 0 {
            self.flights.remove(&number);
        } else {
            self.told = true;
        }
        self.under_way -= 1;
        let holds = self.leases.get(&key) == Some(&number);
        if holds {
            self.leases.remove(&key);
        }
        (holds && live).then_some(key)
    }

    fn put(&mut self, key: K, loaded: Loaded<V>, now_ms: u64, draw: Draw) -> Result<(), TooLarge> {
        let taken_off = u128::from(self.config.ttl_ms) * u128::from(self.config.jitter_percent) * u128::from(draw.0)
            / (100_u128 << 32);
        let expires_ms = now_ms.saturating_add(self.config.ttl_ms - taken_off as u64);
        let Loaded { value, size, cost, took_ms } = loaded;
        let evicted = self.store.insert(key, Entry { value, stored_ms: now_ms, expires_ms, took_ms }, size, cost)?;
        self.stats.evicted += evicted;
        Ok(())
    }

    fn charge(&mut self, cost: u32) {
        self.stats.cost_of_loads = self.stats.cost_of_loads.saturating_add(cost.into());
    }
}

impl<K, V> Flight<K, V> {
    fn is_live(&self, now_ms: u64) -> bool {
        self.begun_ms <= now_ms && now_ms < self.expires_ms
    }
}

/// How long before its end a value is refreshed: -ln(u) · beta · the time that it takes to load, u drawn from (0, 1]
/// (Vattani et al., VLDB 2015, figure 3).
fn early_ms(took_ms: u64, early_percent: u32, draw: Draw) -> u64 {
    if early_percent == 0 {
        return 0;
    }
    let u = (f64::from(draw.0) + 1.0) / 4_294_967_296.0;
    // Beyond what a number holds it stays at the largest.
    (took_ms as f64 * f64::from(early_percent) / 100.0 * -u.ln()) as u64
}
