//! The domain name system: caching resolution through the hierarchy.
//!
//! A name travels from browser to operating system to resolver to root, top-level domain and authority, and comes back
//! cached at every layer. Each cache counts down what it was told; one that begins the TTL anew makes everybody below it
//! tell what is no longer so.
//!
//! # Check your own cache
//! Here it is the one of this folder, bound by hand; bind yours in the same words. A tick is a second.
//! ```
//! use counterpart::Counterpart;
//! use counterpart_models::dns::bindings::Bound;
//! use counterpart_models::dns::conformance::{CacheInterface, Kept};
//! use counterpart_models::dns::model::{Action, Cache, Told};
//!
//! // `Bound` carries questions and answers between clients, a cache and an authority; replace its cache.
//! struct Mine(Bound);
//!
//! impl Counterpart<CacheInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Told { self.0.apply(input) }
//!     fn observe(&self) -> Option<Kept> { self.0.observe() }
//! }
//!
//! let model = Cache { clients: 1, ..Cache::small() };
//! let again = model.clone();
//! counterpart_models::dns::check(model).lockstep(move || Mine(Bound::new(&again))).assert();
//! ```
//!
//! # Sources
//! - RFC 1034, 1035 (the system and its messages), 2181 (§5.4.1 ranking, §8 TTLs, §9 truncation), 2308 (negative
//!   caching), 8020 (NXDOMAIN), 8767 (stale data), 9520 (failures).
//! - S. K. R. Kakarla et al., "SCALE: Automatically Finding RFC Compliance Bugs in DNS Nameservers", NSDI 2022, for the
//!   kinds of bugs that are found in the field.
//!
//! # Abstracted away
//! - Here: one zone with one name, and one below it that never exists. Who is asked, and whether the answer is theirs, is
//!   not looked at.
//! - A tick is a second; what happens within one is not ordered by time.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
#[cfg(feature = "peers-heavy-dns")]
pub mod heavy;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
pub mod poison;
pub mod properties;
mod steps;
pub mod walk;
pub mod work;

use counterpart::Check;

use self::conformance::{CacheInterface, CacheSpec};

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: model::Cache) -> Check<model::Cache, CacheInterface> {
    Check::of(model).interface(CacheInterface).spec(CacheSpec)
}
