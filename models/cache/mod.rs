//! Caches: why a hit ratio of 99% can mean nothing, and what a cache owes the database behind it.
//!
//! A shop's cache hit 99.2% of the time, and never below 98%, while its database collapsed in a flash sale: the one in
//! a hundred that missed were the expensive queries. By the ratio all was well, to the end and beyond it.
//!
//! # Check your own cache
//! Here it is the one of this folder; bind yours in the same words.
//! ```
//! use counterpart::{Check, Counterpart};
//! use counterpart_models::cache::conformance::{Answer, CacheInterface, TICK_MS, cost};
//! use counterpart_models::cache::model::{self, Action, Ending};
//! use counterpart_models::cache::{Config, Core, Draw, Ended, Lease, Loaded, Lookup, Ticket};
//!
//! struct Mine {
//!     cache: Core<u8, u8>,
//!     now_ms: u64,
//!     database: u8,
//!     leases: [Option<(Lease, u8)>; 4],
//!     tickets: [Option<Ticket>; 4],
//! }
//!
//! impl Counterpart<CacheInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         let charged = self.cache.stats().cost_of_loads;
//!         match *input {
//!             Action::Get { client, key, .. } => match self.cache.get(&key, self.now_ms, Draw(u32::MAX)) {
//!                 Lookup::Hit(version) | Lookup::Refresh(version, _) => Answer::Hit { version },
//!                 Lookup::Lead(lease) => { self.leases[usize::from(client)] = Some((lease, self.database)); Answer::Leads }
//!                 Lookup::Join(ticket) => { self.tickets[usize::from(client)] = Some(ticket); Answer::Joins }
//!                 Lookup::Shed => Answer::Shed,
//!             },
//!             Action::Wait { client } => match self.tickets[usize::from(client)].take() {
//!                 None => Answer::Nothing,
//!                 Some(ticket) => match self.cache.collect(&ticket) {
//!                     Some(Ok(version)) => Answer::Value { version },
//!                     _ => Answer::Failed,
//!                 },
//!             },
//!             Action::EndLoad { client, ending } => {
//!                 let Some((lease, value)) = self.leases[usize::from(client)].take() else { return Answer::Nothing };
//!                 let stored = match ending {
//!                     Ending::Value { .. } => {
//!                         let loaded = Loaded { value, size: 1, cost: cost(0), took_ms: 0 };
//!                         self.cache.finish(lease, loaded, self.now_ms, Draw(0)) == Ended::Stored
//!                     }
//!                     Ending::Error => { self.cache.fail(lease, cost(0), self.now_ms); false }
//!                     Ending::Cancelled => { self.cache.cancel(lease, self.now_ms); false }
//!                 };
//!                 Answer::Ended { stored, charged: (self.cache.stats().cost_of_loads - charged) as u8 }
//!             }
//!             Action::Die { client } => { self.leases[usize::from(client)] = None; Answer::Done }
//!             Action::Insert { key } => {
//!                 self.database += 1;
//!                 let loaded = Loaded { value: self.database, size: 1, cost: cost(0), took_ms: 0 };
//!                 self.cache.insert(key, loaded, self.now_ms, Draw(0)).map_or(Answer::Nothing, |()| Answer::Done)
//!             }
//!             Action::Invalidate { key } => { self.database += 1; self.cache.invalidate(&key); Answer::Done }
//!             Action::Tick => {
//!                 self.now_ms += TICK_MS;
//!                 self.cache.expire_leases(self.now_ms);
//!                 Answer::Done
//!             }
//!         }
//!     }
//! }
//!
//! let config = Config { ttl_ms: 3_000, lease_ms: 2_000, loads_max: 2, jitter_percent: 0, ..Config::default() };
//! let make = move || Mine {
//!     cache: Core::new(config.clone()).expect("a cache"),
//!     now_ms: 0,
//!     database: 0,
//!     leases: Default::default(),
//!     tickets: Default::default(),
//! };
//! let model = model::Cache { clients: 2, ..model::Cache::small() };
//! Check::of(model).interface(CacheInterface).lockstep(make).assert();
//! ```
//!
//! # Sources
//! - R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013 (leases).
//! - A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015 (XFetch).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021; L. Huang et al., "Metastable Failures
//!   in the Wild", OSDI 2022.
//! - L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69R1,
//!   1998.
//!
//! # Abstracted away
//! - Values are versions of what the database has; a load reads when it begins.
//! - Time is in ticks; what happens within one is not ordered by time.

pub mod conformance;
pub mod database;
mod defects;
pub mod eviction;
pub mod expiry;
mod figure;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
pub mod shared;
pub mod zipf;

use std::sync::Arc;

use counterpart::conform;
use counterpart::explore::{Budget, explore};
use counterpart::model::Sequential;
use counterpart::{Case, Check};

use self::conformance::bindings::{CoreBinding, SharedBinding, scripts};
use self::conformance::{ALL_IDLE, CacheInterface, CacheSpec, TOLD};
use self::model::Variant;

pub use self::implementation::{
    Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Policy, Stats, Ticket, TooLarge,
};
pub use self::shared::{Cache, LoadError};

use crate::{Generated, Protocol};

/// Locks as they are shipped.
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
}

/// The shared cache compiled a second time, on loom's locks.
#[path = "."]
mod loomed {
    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;

    mod sync {
        pub(super) use std::sync::PoisonError;

        pub(super) use counterpart::conform::interleave::Condvar;
        pub(super) use loom::sync::{Mutex, MutexGuard};
    }
}

type Shipped = SharedBinding<shared::Cache<u8, u8>>;
type Raced = SharedBinding<loomed::shared::Cache<u8, u8>>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "cache", cases, generated };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated::part("zipf", zipf::table()),
        Generated::file("collapse.svg", database::chart::svg()),
        Generated::file("zipf.svg", zipf::svg()),
    ]
}

/// What becomes of a key, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let graph = explore(Arc::new(model::Cache { clients: 2, ..model::Cache::small() }), &Budget::default())
        .expect("the sound model can be explored");
    let key = |state: &model::State| {
        let current = state.versions[0];
        let loads = state.clients.iter().any(|client| client.lease() == Some((0, current)));
        match (state.cached[0].is_some(), loads) {
            (true, _) => "Cached".to_string(),
            (false, true) => "Loading".to_string(),
            (false, false) => "Absent".to_string(),
        }
    };
    counterpart::view::state_diagram(&graph, key, |action| match action {
        model::Action::Get { .. } => "get".into(),
        model::Action::Wait { .. } => "wait".into(),
        model::Action::EndLoad { ending: model::Ending::Value { .. }, .. } => "value".into(),
        model::Action::EndLoad { ending: model::Ending::Error, .. } => "error".into(),
        model::Action::EndLoad { ending: model::Ending::Cancelled, .. } => "cancelled".into(),
        model::Action::Die { .. } => "die".into(),
        model::Action::Insert { .. } => "insert".into(),
        model::Action::Invalidate { .. } => "invalidate".into(),
        model::Action::Tick => "tick".into(),
    })
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = database::cases();
    cases.extend(sound());
    cases.extend(variants());
    cases.push(defects::case());
    cases.push(defects::bound_case());
    cases.extend(eviction::cases());
    cases.extend(expiry::cases());
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases.push(defects::racing_case(model::Cache { clients: 2, writes_max: 1, ..model::Cache::small() }));
    cases
}

/// A check of `model` as it reads and looks from outside.
pub(crate) fn check(model: model::Cache) -> Check<model::Cache, CacheInterface> {
    Check::of(model).interface(CacheInterface).spec(CacheSpec)
}

/// A check with our own cache in every sequential mode.
fn with_ours(model: model::Cache) -> Check<model::Cache, CacheInterface> {
    let (core, toured, walked) = (model.clone(), model.clone(), larger(&model));
    let walked_there = walked.clone();
    check(model).product(move || CoreBinding::new(&core)).tour(move || Sequential(Shipped::new(&toured))).subject(
        "implementation",
        conform::Walk::new().beside(walked).runs(200).steps(400).of(move || Sequential(Shipped::new(&walked_there))),
    )
}

/// Beyond what can be explored: all clients and keys, and many writes.
fn larger(model: &model::Cache) -> model::Cache {
    model::Cache {
        clients: model::CLIENTS_MAX as u8,
        keys: model::KEYS_MAX as u8,
        ttl_ticks: 2 * model.ttl_ticks,
        lease_ticks: 2 * model.lease_ticks,
        writes_max: 60,
        ..model.clone()
    }
}

fn sound() -> Vec<Case> {
    let small = model::Cache::small();
    let raced = small.clone();
    vec![
        Case::new("cache/cache", with_ours(small.clone()).interleave(scripts(), move || Raced::new(&raced))),
        Case::new(
            "cache/cache_jitter_and_early_refresh",
            with_ours(model::Cache { clients: 2, jitter_ticks: 1, early_ticks: 1, ..small.clone() }),
        ),
        Case::new(
            "cache/cache_two_keys",
            with_ours(model::Cache { clients: 2, keys: 2, loads_max: 1, writes_max: 1, ..small }),
        ),
    ]
}

/// Each defect, with the property that catches it.
fn variants() -> Vec<Case> {
    let small = model::Cache { writes_max: 1, ..model::Cache::small() };
    let early = model::Cache { early_ticks: 1, clients: 2, ..small.clone() };
    let one_load = "one load at most that may store a key";
    let stale = "what is cached is what the database has";
    let defects: [(model::Cache, Variant, &[&str]); 11] = [
        (small.clone(), Variant::LoadsAtEveryMiss, &[one_load]),
        (small.clone(), Variant::StoresDespiteDelete, &[stale]),
        (small.clone(), Variant::TrustsExpiredLease, &[stale]),
        (small.clone(), Variant::StrandsJoinersOnFailure, &[TOLD, ALL_IDLE]),
        (small.clone(), Variant::StrandsJoinersOnDelete, &[TOLD, ALL_IDLE]),
        (small.clone(), Variant::JoinsVoidedLoad, &["nobody joins a load that a delete has voided"]),
        (small.clone(), Variant::LeaseNeverExpires, &[TOLD, ALL_IDLE]),
        (
            model::Cache { keys: 2, loads_max: 1, clients: 2, ..small.clone() },
            Variant::LoadsBeyondBound,
            &["no more loads than the database is to bear"],
        ),
        (small.clone(), Variant::ChargesByCount, &["the ledger is the sum of the costs"]),
        (small, Variant::ServesExpired, &["no value is served after its end"]),
        (early, Variant::RefreshesInHerds, &[one_load]),
    ];
    defects
        .into_iter()
        .map(|(model, variant, violated)| {
            let check = violated.iter().fold(check(model.with(variant)), |check, property| check.violates(*property));
            let check = if variant == Variant::LoadsAtEveryMiss {
                check
                    .violates("who waited is told the value of a load that was voided")
                    .because("who waited is told the value of a load that was voided", "nobody ever waits")
                    .incomplete(TOLD, "nobody ever waits")
            } else {
                check
            };
            Case::new(format!("cache/{}", crate::snake(variant)), check)
        })
        .collect()
}
