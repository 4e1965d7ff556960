//! Our own cache, bound to the model's words: as a core, which can be explored together with the model, and as threads
//! share it.

use std::array::from_fn;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use counterpart::Shared;
use counterpart::conform::interleave::Script;
use counterpart::model::{Hold, Plain, SettableClock, Slots};

use super::conformance::{Answer, CacheInterface, Seen, TICK_MS, cost};
use super::implementation::{
    Config, ConfigError, Core, Draw, Ended, Flight, Lease, LoadFailed, Loaded, Lookup, Policy, Stats, Ticket,
};
use super::model::{self, Action, CLIENTS_MAX, Cache, Ending, KEYS_MAX};

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

/// The number that stands for `draw`. One that stands for an early draw refreshes what has half a tick more to live
/// than the model's `early_ticks`, so that no rounding matters.
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

/// A cache under test: the one that threads share, of whatever locks, defective ones, and a core, however it is held.
#[expect(missing_docs, reason = "as the cache's own methods")]
pub trait SharedCache: Send + Sync + Sized {
    fn new(config: Config) -> Result<Self, ConfigError>;
    fn get(&self, key: u8, now_ms: u64, draw: Draw) -> Lookup<u8>;
    fn finish(&self, lease: Lease, loaded: Loaded<u8>, now_ms: u64, draw: Draw) -> Ended;
    fn fail(&self, lease: Lease, cost: u32, now_ms: u64);
    fn cancel(&self, lease: Lease, now_ms: u64);
    /// The result of the load that `ticket` waits for; `None` where the load has not ended, and this cache waits for
    /// nothing.
    fn wait(&self, ticket: &Ticket) -> Option<Result<u8, LoadFailed>>;
    fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw);
    fn invalidate(&self, key: u8);
    fn invalidate_all(&self);
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
            fn wait(&self, ticket: &Ticket) -> Option<Result<u8, LoadFailed>> {
                Some(self.wait(Ticket { flight: ticket.flight }))
            }
            fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw) {
                // Each fits: all are of size 1.
                let _ = self.insert(key, loaded, now_ms, draw);
            }
            fn invalidate(&self, key: u8) {
                self.invalidate(&key);
            }
            fn invalidate_all(&self) {
                self.invalidate_all();
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

shared_cache!(super::shared::Cache<u8, u8>);
shared_cache!(super::loomed::shared::Cache<u8, u8>);

impl<H: Hold<Core<u8, u8>>> SharedCache for H {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Core::new(config).map(H::hold)
    }

    fn get(&self, key: u8, now_ms: u64, draw: Draw) -> Lookup<u8> {
        self.with(|core| core.get(&key, now_ms, draw))
    }

    fn finish(&self, lease: Lease, loaded: Loaded<u8>, now_ms: u64, draw: Draw) -> Ended {
        self.with(|core| core.finish(lease, loaded, now_ms, draw))
    }

    fn fail(&self, lease: Lease, cost: u32, now_ms: u64) {
        self.with(|core| core.fail(lease, cost, now_ms));
    }

    fn cancel(&self, lease: Lease, now_ms: u64) {
        self.with(|core| core.cancel(lease, now_ms));
    }

    fn wait(&self, ticket: &Ticket) -> Option<Result<u8, LoadFailed>> {
        self.with(|core| core.collect(ticket))
    }

    fn insert(&self, key: u8, loaded: Loaded<u8>, now_ms: u64, draw: Draw) {
        self.with(|core| {
            // Each fits: all are of size 1.
            let _ = core.insert(key, loaded, now_ms, draw);
        });
    }

    fn invalidate(&self, key: u8) {
        self.with(|core| core.invalidate(&key));
    }

    fn invalidate_all(&self) {
        self.with(Core::invalidate_all);
    }

    fn expire_leases(&self, now_ms: u64) {
        self.with(|core| {
            core.expire_leases(now_ms);
        });
    }

    fn peek(&self, key: u8, now_ms: u64) -> Option<(u8, u64)> {
        self.with(|core| core.peek(&key, now_ms).map(|(version, left_ms)| (*version, left_ms)))
    }

    fn loads_under_way(&self) -> u32 {
        self.with(|core| core.loads_under_way())
    }

    fn stats(&self) -> Stats {
        self.with(|core| core.stats())
    }
}

/// What a client was handed out.
#[derive(Clone, Copy, Debug)]
enum Held {
    Lease { flight: u64, key: u8, version: u8 },
    Ticket { flight: u64 },
}

/// A number that grows, as a clock does.
type Counter = SettableClock;

/// A cache with its clock, its clients and the database that is written to.
pub struct Binding<C> {
    cache: C,
    model: Cache,
    clock: SettableClock,
    /// The version of each key in the database.
    versions: [Counter; KEYS_MAX],
    held: Slots<Held>,
    /// Costs in the ledger that have been reported.
    charged: Counter,
}

impl<C: SharedCache> Binding<C> {
    /// The cache that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no cache.
    pub fn new(model: &Cache) -> Self {
        Binding {
            cache: C::new(config(model)).expect("a model in the catalogue describes a cache"),
            model: model.clone(),
            clock: SettableClock::at(START_MS),
            versions: Default::default(),
            held: Slots::new(CLIENTS_MAX),
            charged: Counter::default(),
        }
    }

    fn lead(&self, client: u8, key: u8, lease: &Lease) {
        let version = self.versions[usize::from(key)].now() as u8;
        self.held.put(usize::from(client), Held::Lease { flight: lease.flight, key, version });
    }

    fn write(&self, key: u8) -> u8 {
        self.versions[usize::from(key)].advance(1);
        self.versions[usize::from(key)].now() as u8
    }

    fn wait(&self, client: u8) -> Answer {
        let held = self.held.take(usize::from(client));
        let Some(Held::Ticket { flight }) = held else {
            held.map(|held| self.held.put(usize::from(client), held));
            return Answer::Nothing;
        };
        match self.cache.wait(&Ticket { flight }) {
            Some(Ok(version)) => Answer::Value { version },
            Some(Err(LoadFailed)) => Answer::Failed,
            None => {
                self.held.put(usize::from(client), Held::Ticket { flight });
                Answer::Nothing
            }
        }
    }

    fn end(&self, client: u8, ending: Ending) -> Answer {
        let held = self.held.take(usize::from(client));
        let Some(Held::Lease { flight, key, version }) = held else {
            held.map(|held| self.held.put(usize::from(client), held));
            return Answer::Nothing;
        };
        let (lease, now_ms) = (Lease { flight }, self.clock.now());
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
        let charged = self.cache.stats().cost_of_loads - self.charged.now();
        self.charged.advance(charged);
        Answer::Ended { stored: end == Ended::Stored, charged: charged as u8 }
    }
}

impl<C: SharedCache> Shared<CacheInterface> for Binding<C> {
    fn call(&self, input: &Action) -> Answer {
        let now_ms = self.clock.now();
        match *input {
            Action::Get { client, key, draw } => match self.cache.get(key, now_ms, early(&self.model, draw)) {
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
                    self.held.put(usize::from(client), Held::Ticket { flight: ticket.flight });
                    Answer::Joins
                }
                Lookup::Shed => Answer::Shed,
            },
            Action::Wait { client } => self.wait(client),
            Action::EndLoad { client, ending } => self.end(client, ending),
            Action::Die { client } => {
                self.held.take(usize::from(client));
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
            Action::InvalidateAll => {
                for key in 0..self.model.keys {
                    self.write(key);
                }
                self.cache.invalidate_all();
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

/// A core, which can be explored together with the model.
type Alone = Binding<Plain<Core<u8, u8>>>;

impl Alone {
    /// What tells two cores apart for good: numbers of flights by rank, instants from now on.
    fn view(&self) -> impl Eq + Hash + use<> {
        let held: [_; CLIENTS_MAX] = from_fn(|client| self.held.get(client));
        let (now_ms, versions) = (self.clock.now(), self.versions.clone());
        self.cache.with(|core| {
            let of_clients = held.iter().flatten().map(|held| match held {
                Held::Lease { flight, .. } | Held::Ticket { flight } => *flight,
            });
            let numbers: BTreeSet<u64> = core.flights.keys().copied().chain(of_clients).collect();
            let ranks: BTreeMap<u64, usize> =
                numbers.into_iter().enumerate().map(|(rank, number)| (number, rank)).collect();
            let held = held.map(|held| match held {
                None => (0, 0, 0, 0),
                Some(Held::Lease { flight, key, version }) => (1, ranks[&flight], key, version),
                Some(Held::Ticket { flight }) => (2, ranks[&flight], 0, 0),
            });
            let flight = |(number, flight): (&u64, &Flight<u8, u8>)| {
                let holds = core.leases.get(&flight.key) == Some(number);
                let left_ms = flight.expires_ms.saturating_sub(now_ms);
                // Of a flight that has ended it no longer matters when it would have expired.
                let left_ms = if flight.result.is_none() { left_ms } else { 0 };
                (ranks[number], flight.key, left_ms, flight.waiters, flight.result, holds)
            };
            let flights: Vec<_> = core.flights.iter().map(flight).collect();
            let cached: [_; KEYS_MAX] =
                from_fn(|key| core.peek(&(key as u8), now_ms).map(|(version, left_ms)| (*version, left_ms)));
            (versions, held, flights, cached)
        })
    }
}

impl Clone for Alone {
    fn clone(&self) -> Self {
        Binding {
            cache: self.cache.clone(),
            model: self.model.clone(),
            clock: self.clock.clone(),
            versions: self.versions.clone(),
            held: self.held.clone(),
            charged: self.charged.clone(),
        }
    }
}

impl PartialEq for Alone {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Alone {}

impl Hash for Alone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
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

/// Two callers that miss the same key: one of them loads while the other waits. For a cache of three clients and one
/// key, as all scripts here.
pub fn both_miss() -> Script<Action> {
    Script::default().thread([get(0), end(0, VALUE)]).thread([get(1)])
}

/// A load that ends while somebody waits for it.
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

/// A load that ends while everything is deleted, of a key of which nothing is cached yet.
pub fn ends_while_all_is_deleted() -> Script<Action> {
    Script::after([get(0)]).thread([end(0, VALUE)]).thread([Action::InvalidateAll, get(1)])
}

/// What threads do at once where all is deleted: for two clients and two keys.
pub fn deleting_scripts() -> Vec<Script<Action>> {
    vec![
        ends_while_all_is_deleted(),
        // A load of each key. They end one after the other: what a load was charged is told by the ledger before and after.
        Script::after([get(0), get_other(1)]).thread([end(0, VALUE), end(1, VALUE)]).thread([Action::InvalidateAll]),
    ]
}

fn get_other(client: u8) -> Action {
    Action::Get { client, key: 1, draw: model::Draw::Late }
}

/// Two loads that somebody waits for end; for four clients and two keys. Who is woken by the end of the other load has to
/// look again, and to wait on.
pub fn two_loads_end() -> Script<Action> {
    Script::after([get(0), get(1), get_other(2), get_other(3)]).thread([end(2, VALUE), end(0, VALUE)]).thread([wait(1)])
}
