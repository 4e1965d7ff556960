//! Caches: why a hit ratio of 99% can mean nothing, and what a cache owes the database behind it.
//!
//! A shop's cache hit 99.2% of the time, and never below 98%, while its database collapsed in a flash sale: the one in
//! a hundred that missed were the expensive queries. By the ratio all was well, to the end and beyond it.
//!
//! # Check your own cache
//! Here it is the one of this folder; bind yours in the same words.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::cache::conformance::{Answer, CacheInterface, TICK_MS, cost};
//! use counterpart_models::cache::model::{self, Action, Ending};
//! use counterpart_models::cache::{self, Config, Core, Draw, Ended, Lease, Loaded, Lookup, Ticket};
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
//!             Action::InvalidateAll => { self.database += 1; self.cache.invalidate_all(); Answer::Done }
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
//! cache::check(model).lockstep(make).assert();
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

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod database;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
pub mod eviction;
pub mod expiry;
#[cfg(feature = "cli")]
mod figure;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
pub mod properties;
pub mod shared;
#[cfg(feature = "cli")]
pub mod zipf;

use std::sync;

use counterpart::Check;

use self::conformance::{CacheInterface, CacheSpec};

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};
pub use self::implementation::{
    Config, ConfigError, Core, Draw, Ended, Lease, LoadFailed, Loaded, Lookup, Policy, Stats, Ticket, TooLarge,
};
pub use self::shared::{Cache, LoadError};

/// The shared cache compiled a second time, on loom's locks (see [`sync`](counterpart::conform::interleave::sync)).
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: model::Cache) -> Check<model::Cache, CacheInterface> {
    Check::of(model).interface(CacheInterface).spec(CacheSpec)
}
