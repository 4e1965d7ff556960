//! A content delivery network: edges, a shield and an origin; freshness, purge and collapse.
//!
//! Content is served near the user because light in fibre makes about 200,000 km/s: New York–Singapore and back is 150 ms
//! at best. The price is copies. A purge has to find every one of them, those included that are just being made.
//!
//! # Sources
//! - RFC 9110 (HTTP), RFC 9111 (caching: §3 storing, §4.2 freshness, §4.3 validation, §4.4 invalidation, §5.2
//!   Cache-Control), RFC 5861 (stale content), RFC 9213 (targeted cache control), RFC 9211 (Cache-Status), RFC 9875
//!   (groups).
//! - R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013 (§3.2.1, leases), for a fill that a purge overtakes.
//!
//! # Abstracted away
//! - Here: one object. What a request and an answer say beyond its version is not looked at.
//! - Purges are by one purger, who sends the next only as a replacement of the last.
//! - A tick is a second; what happens within one is not ordered by time.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod collapse;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
mod deviations;
#[cfg(feature = "cdn-front")]
pub mod front;
pub mod implementation;
pub mod latency;
pub mod model;
pub mod parts;
#[cfg(feature = "peers")]
mod peers;
pub mod properties;
pub mod reuse;
mod steps;
pub mod storing;

use counterpart::Check;

use self::conformance::{PurgeInterface, PurgeSpec};

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases, diagram};

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: model::Purge) -> Check<model::Purge, PurgeInterface> {
    let spec = PurgeSpec { purges: model.updates_max > 0, times: model.ttl.is_some() };
    Check::of(model).interface(PurgeInterface).spec(spec)
}
