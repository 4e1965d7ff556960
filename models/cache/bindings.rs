//! Our own cache under the interface: its core, as plain data, and the one that threads share.

use std::array::from_fn;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use counterpart::conform::interleave::Script;
use counterpart::model::{SettableClock, Slots};
use counterpart::{Counterpart, Shared};

use super::super::implementation::{
    Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Policy, Stats, Ticket,
};
use super::super::model::{self, Action, CLIENTS_MAX, Cache, Ending, KEYS_MAX};
use super::{Answer, CacheInterface, Seen, TICK_MS, cost};

/// What the clock of a cache under test shows first.
const START_MS: u64 = 1_000 * TICK_MS;

/// The configuration that belongs to a model.
pub fn config(model: &Cache) -> Config {
    Config {
        capacity: KEYS_MAX as u64,
        policy: Policy::Lru,
        ttl_ms: u64::from(model.ttl_ticks) * TICK_MS,
        // All of it: what is taken off is drawn.
        jitter_percent: 100,
        early_percent: if model.early_ticks == 0 { 0 } else { 100 },
        lease_ms: u64::from(model.lease_ticks) * TICK_MS,
        loads_max: model.loads_max.into(),
    }
}

/// The number that stands for `draw`. An early one refreshes what has half a tick more to live than the model's
/// `early_ticks`, so that no rounding matters.
fn early(model: &Cache, draw: model::Draw) -> Draw {
    match draw {
        model::Draw::Late => Draw(u32::MAX),
        model::Draw::Early => {
            let u = (-(f64::from(model.early_ticks) + 0.5)).exp();
            Draw((u * 4_294_967_296.0) as u32)
        }
    }
}

/// The number that takes `jitter_ticks` off the time to live: the first that does.
fn jitter(model: &Cache, jitter_ticks: u8) -> Draw {
    let share = (u64::from(jitter_ticks) << 32).div_ceil(model.ttl_ticks.max(1).into());
    Draw(u32::try_from(share).unwrap_or(u32::MAX))
}

fn loaded(key: u8, version: u8) -> Loaded<u8> {
    Loaded { value: version, size: 1, cost: cost(key), took_ms: TICK_MS }
}

/// What a client was handed out.
#[derive(Clone, Copy, Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Lease {
        flight: u64,
        key: u8,
        version: u8,
    },
    Ticket {
        flight: u64,
    },
}

/// Our cache's core with its clock, its clients and the database that is written to: plain data, so that it can be
/// explored together with the model.
#[derive(Clone)]
pub struct CoreBinding {
    core: Core<u8, u8>,
    model: Cache,
    now_ms: u64,
    versions: [u8; KEYS_MAX],
    held: [Held; CLIENTS_MAX],
}

impl CoreBinding {
    /// The cache that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no cache.
    pub fn new(model: &Cache) -> Self {
        CoreBinding {
            core: Core::new(config(model)).expect("a model in the catalogue describes a cache"),
            model: model.clone(),
            now_ms: START_MS,
            versions: [0; KEYS_MAX],
            held: Default::default(),
        }
    }

    fn lead(&mut self, client: u8, key: u8, lease: &Lease) {
        let version = self.versions[usize::from(key)];
        self.held[usize::from(client)] = Held::Lease { flight: lease.flight, key, version };
    }

    /// What tells two of them apart for good: numbers of flights by rank, instants from now on.
    fn view(&self) -> impl Eq + Hash {
        let of_clients = self.held.iter().filter_map(|held| match held {
            Held::Nothing => None,
            Held::Lease { flight, .. } | Held::Ticket { flight } => Some(*flight),
        });
        let numbers: BTreeSet<u64> = self.core.flights.keys().copied().chain(of_clients).collect();
        let ranks: BTreeMap<u64, usize> =
            numbers.into_iter().enumerate().map(|(rank, number)| (number, rank)).collect();
        let held = self.held.map(|held| match held {
            Held::Nothing => (0, 0, 0, 0),
            Held::Lease { flight, key, version } => (1, ranks[&flight], key, version),
            Held::Ticket { flight } => (2, ranks[&flight], 0, 0),
        });
        let flights: Vec<_> = self
            .core
            .flights
            .iter()
            .map(|(number, flight)| {
                let holds = self.core.leases.get(&flight.key) == Some(number);
                let left_ms = flight.expires_ms.saturating_sub(self.now_ms);
                // Of a flight that has ended it no longer matters when it would have expired.
                let left_ms = if flight.result.is_none() { left_ms } else { 0 };
                (ranks[number], flight.key, left_ms, flight.waiters, flight.result, holds)
            })
            .collect();
        let cached: [_; KEYS_MAX] =
            from_fn(|key| self.core.peek(&(key as u8), self.now_ms).map(|(version, left_ms)| (*version, left_ms)));
        (self.versions, held, flights, cached)
    }
}

impl PartialEq for CoreBinding {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for CoreBinding {}

impl Hash for CoreBinding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

fn ended(ended: Ended, charged: u64) -> Answer {
    Answer::Ended { stored: ended == Ended::Stored, charged: charged as u8 }
}

impl Counterpart<CacheInterface> for CoreBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Get { client, key, draw } => match self.core.get(&key, self.now_ms, early(&self.model, draw)) {
                Lookup::Hit(version) => Answer::Hit { version },
                Lookup::Refresh(version, lease) => {
                    self.lead(client, key, &lease);
                    Answer::HitAndLeads { version }
                }
                Lookup::Lead(lease) => {
                    self.lead(client, key, &lease);
                    Answer::Leads
                }
                Lookup::Join(ticket) => {
                    self.held[usize::from(client)] = Held::Ticket { flight: ticket.flight };
                    Answer::Joins
                }
                Lookup::Shed => Answer::Shed,
            },
            Action::Wait { client } => {
                let Held::Ticket { flight } = self.held[usize::from(client)] else { return Answer::Nothing };
                match self.core.collect(&Ticket { flight }) {
                    None => Answer::Nothing,
                    Some(result) => {
                        self.held[usize::from(client)] = Held::Nothing;
                        collected(result)
                    }
                }
            }
            Action::EndLoad { client, ending } => {
                let Held::Lease { flight, key, version } = self.held[usize::from(client)] else {
                    return Answer::Nothing;
                };
                self.held[usize::from(client)] = Held::Nothing;
                let (lease, before) = (Lease { flight }, self.core.stats().cost_of_loads);
                let end = match ending {
                    Ending::Value { jitter_ticks } => {
                        let draw = jitter(&self.model, jitter_ticks);
                        self.core.finish(lease, loaded(key, version), self.now_ms, draw)
                    }
                    Ending::Error => {
                        self.core.fail(lease, cost(key), self.now_ms);
                        Ended::Voided
                    }
                    Ending::Cancelled => {
                        self.core.cancel(lease, self.now_ms);
                        Ended::Voided
                    }
                };
                ended(end, self.core.stats().cost_of_loads - before)
            }
            Action::Die { client } => {
                self.held[usize::from(client)] = Held::Nothing;
                Answer::Done
            }
            Action::Insert { key } => {
                self.versions[usize::from(key)] += 1;
                let loaded = loaded(key, self.versions[usize::from(key)]);
                match self.core.insert(key, loaded, self.now_ms, Draw(0)) {
                    Ok(()) => Answer::Done,
                    Err(_) => Answer::Nothing,
                }
            }
            Action::Invalidate { key } => {
                self.versions[usize::from(key)] += 1;
                self.core.invalidate(&key);
                Answer::Done
            }
            Action::Tick => {
                self.now_ms += TICK_MS;
                self.core.expire_leases(self.now_ms);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let cached =
            from_fn(|key| self.core.peek(&(key as u8), self.now_ms).map(|(version, left)| (*version, left / TICK_MS)));
        Some(Seen { cached, loads: self.core.loads_under_way() })
    }
}

fn collected(result: Result<u8, LoadFailed>) -> Answer {
    match result {
        Ok(version) => Answer::Value { version },
        Err(LoadFailed) => Answer::Failed,
    }
}

/// A cache that threads share, of whatever locks.
#[expect(missing_docs, reason = "as the cache's own methods")]
pub trait SharedCache: Send + Sync + Sized {
    fn new(config: Config) -> Result<Self, ConfigError>;
    fn get(&self, key: u8, now_ms: u64, draw: Draw) -> Lookup<u8>;
    fn finish(&self, lease: Lease, loaded: Loaded<u8>, now_ms: u64, draw: Draw) -> Ended;
    fn fail(&self, lease: Lease, cost: u32, now_ms: u64);
    fn cancel(&self, lease: Lease, now_ms: u64);
    fn wait(&self, ticket: Ticket) -> Result<u8, LoadFailed>;
    fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw);
    fn invalidate(&self, key: u8);
    fn expire_leases(&self, now_ms: u64);
    fn peek(&self, key: u8, now_ms: u64) -> Option<(u8, u64)>;
    fn loads_under_way(&self) -> u32;
    fn stats(&self) -> Stats;
}

macro_rules! shared_cache {
    ($cache:ty) => {
        impl SharedCache for $cache {
            fn new(config: Config) -> Result<Self, ConfigError> {
                Self::new(config)
            }
            fn get(&self, key: u8, now_ms: u64, draw: Draw) -> Lookup<u8> {
                self.get(&key, now_ms, draw)
            }
            fn finish(&self, lease: Lease, loaded: Loaded<u8>, now_ms: u64, draw: Draw) -> Ended {
                self.finish(lease, loaded, now_ms, draw)
            }
            fn fail(&self, lease: Lease, cost: u32, now_ms: u64) {
                self.fail(lease, cost, now_ms);
            }
            fn cancel(&self, lease: Lease, now_ms: u64) {
                self.cancel(lease, now_ms);
            }
            fn wait(&self, ticket: Ticket) -> Result<u8, LoadFailed> {
                self.wait(ticket)
            }
            fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw) {
                // Each fits: all are of size 1.
                let _ = self.insert(key, loaded, now_ms, draw);
            }
            fn invalidate(&self, key: u8) {
                self.invalidate(&key);
            }
            fn expire_leases(&self, now_ms: u64) {
                self.expire_leases(now_ms);
            }
            fn peek(&self, key: u8, now_ms: u64) -> Option<(u8, u64)> {
                self.peek(&key, now_ms)
            }
            fn loads_under_way(&self) -> u32 {
                self.loads_under_way()
            }
            fn stats(&self) -> Stats {
                self.stats()
            }
        }
    };
}

shared_cache!(super::super::shared::Cache<u8, u8>);
shared_cache!(super::super::loomed::shared::Cache<u8, u8>);

/// A shared cache with its clock, its clients and the database that is written to.
pub struct SharedBinding<C> {
    cache: C,
    model: Cache,
    clock: SettableClock,
    versions: [AtomicU8; KEYS_MAX],
    leases: Slots<(Lease, u8, u8)>,
    tickets: Slots<Ticket>,
    /// What has been reported of the ledger.
    charged: AtomicU64,
}

impl<C: SharedCache> SharedBinding<C> {
    /// The cache that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no cache.
    pub fn new(model: &Cache) -> Self {
        SharedBinding {
            cache: C::new(config(model)).expect("a model in the catalogue describes a cache"),
            model: model.clone(),
            clock: SettableClock::at(START_MS),
            versions: Default::default(),
            leases: Slots::new(CLIENTS_MAX),
            tickets: Slots::new(CLIENTS_MAX),
            charged: AtomicU64::new(0),
        }
    }

    fn lead(&self, client: u8, key: u8, lease: Lease) {
        let version = self.versions[usize::from(key)].load(Ordering::SeqCst);
        self.leases.put(usize::from(client), (lease, key, version));
    }

    fn write(&self, key: u8) -> u8 {
        self.versions[usize::from(key)].fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl<C: SharedCache> Shared<CacheInterface> for SharedBinding<C> {
    fn call(&self, input: &Action) -> Answer {
        let now_ms = self.clock.now();
        match *input {
            Action::Get { client, key, draw } => match self.cache.get(key, now_ms, early(&self.model, draw)) {
                Lookup::Hit(version) => Answer::Hit { version },
                Lookup::Refresh(version, lease) => {
                    self.lead(client, key, lease);
                    Answer::HitAndLeads { version }
                }
                Lookup::Lead(lease) => {
                    self.lead(client, key, lease);
                    Answer::Leads
                }
                Lookup::Join(ticket) => {
                    self.tickets.put(usize::from(client), ticket);
                    Answer::Joins
                }
                Lookup::Shed => Answer::Shed,
            },
            Action::Wait { client } => match self.tickets.take(usize::from(client)) {
                Some(ticket) => collected(self.cache.wait(ticket)),
                None => Answer::Nothing,
            },
            Action::EndLoad { client, ending } => {
                let Some((lease, key, version)) = self.leases.take(usize::from(client)) else {
                    return Answer::Nothing;
                };
                let end = match ending {
                    Ending::Value { jitter_ticks } => {
                        self.cache.finish(lease, loaded(key, version), now_ms, jitter(&self.model, jitter_ticks))
                    }
                    Ending::Error => {
                        self.cache.fail(lease, cost(key), now_ms);
                        Ended::Voided
                    }
                    Ending::Cancelled => {
                        self.cache.cancel(lease, now_ms);
                        Ended::Voided
                    }
                };
                let total = self.cache.stats().cost_of_loads;
                ended(end, total - self.charged.swap(total, Ordering::SeqCst))
            }
            Action::Die { client } => {
                self.leases.take(usize::from(client));
                Answer::Done
            }
            Action::Insert { key } => {
                self.cache.insert(key, loaded(key, self.write(key)), now_ms, Draw(0));
                Answer::Done
            }
            Action::Invalidate { key } => {
                self.write(key);
                self.cache.invalidate(key);
                Answer::Done
            }
            Action::Tick => {
                self.clock.advance(TICK_MS);
                self.cache.expire_leases(self.clock.now());
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let now_ms = self.clock.now();
        let cached =
            from_fn(|key| self.cache.peek(key as u8, now_ms).map(|(version, left_ms)| (version, left_ms / TICK_MS)));
        Some(Seen { cached, loads: self.cache.loads_under_way() })
    }
}

fn get(client: u8) -> Action {
    Action::Get { client, key: 0, draw: model::Draw::Late }
}

fn wait(client: u8) -> Action {
    Action::Wait { client }
}

fn end(client: u8, ending: Ending) -> Action {
    Action::EndLoad { client, ending }
}

const VALUE: Ending = Ending::Value { jitter_ticks: 0 };

/// Two callers miss the same key, and one of them loads while the other waits. For a cache of three clients and one
/// key, as all scripts here.
pub fn both_miss() -> Script<Action> {
    Script::default().thread([get(0), end(0, VALUE)]).thread([get(1)])
}

/// A load ends while somebody waits for it.
pub fn load_ends() -> Script<Action> {
    Script::after([get(0), get(1)]).thread([end(0, VALUE)]).thread([wait(1)])
}

/// What threads do at once, each script for a race of its own.
pub fn scripts() -> Vec<Script<Action>> {
    let invalidate = || Action::Invalidate { key: 0 };
    vec![
        both_miss(),
        load_ends(),
        // Whoever misses waits, and whoever leads ends the load: whichever comes first.
        Script::default().thread([get(0), end(0, VALUE), wait(0)]).thread([get(1), end(1, VALUE), wait(1)]),
        // The leader fails: two are told, and one of them loads.
        Script::after([get(0), get(1), get(2)])
            .thread([end(0, Ending::Error)])
            .thread([wait(1), get(1)])
            .thread([wait(2), get(2)])
            .preemptions_max(3),
        // It is given up while another joins.
        Script::after([get(0)]).thread([end(0, Ending::Cancelled)]).thread([get(1), wait(1)]),
        // A delete comes while a load ends that somebody waits for.
        Script::after([get(0), get(1)])
            .thread([end(0, VALUE)])
            .thread([invalidate()])
            .thread([wait(1)])
            .preemptions_max(3),
        // A delete comes while a load ends, and who asks after it must not have the old value from the cache.
        Script::after([get(0)]).thread([end(0, VALUE)]).thread([invalidate(), get(1)]),
        // A write comes while a load ends.
        Script::after([get(0)]).thread([end(0, VALUE)]).thread([Action::Insert { key: 0 }, get(1)]),
        // The holder has died and its lease has expired: two ask, one loads.
        Script::after([get(0), get(1), Action::Die { client: 0 }, Action::Tick, Action::Tick])
            .thread([wait(1), get(1)])
            .thread([get(2)]),
    ]
}
