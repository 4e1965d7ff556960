//! What a full cache keeps, and what it costs to have kept the wrong thing.
//!
//! Least recently used is blind to cost: a scan of cheap keys drives out the one that is dear to load again, and the
//! ratio does not show it. One model for LRU, FIFO and GDSF; our own store and published caches are held to the policy
//! that they claim.
//!
//! # Sources
//! - L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69R1,
//!   1998.
//! - moka issue 590 (a node that outlives its key).
//!
//! # Abstracted away
//! - Values, and time: what has expired is the sub-model `cache`'s.
//! - Room is in units of size, 1 or 2 a key.

#[cfg(feature = "catalogue")]
mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::{EvictionInterface, EvictionSpec};
use self::model::Eviction;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words in which its traces are told.
pub fn check(model: Eviction) -> Check<Eviction, EvictionInterface> {
    Check::of(model).interface(EvictionInterface).spec(EvictionSpec)
}
