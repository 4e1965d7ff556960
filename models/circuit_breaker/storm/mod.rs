//! Why a retry storm does not end by itself, and what ends it.
//!
//! The story of the protocol (see [`circuit_breaker`](super)): a blip makes all clients ask at once; the service
//! answers more slowly than they are willing to wait; they give up and ask again, and what they gave up on is served
//! all the same. From then on the service works for nobody. *Trap* is the verdict ¬AG EF recovered: a state from which
//! no schedule leads back, so that no fairness can rescue it.
//!
//! # Sources
//! - AWS message 5467D2 (the event of 20 September 2015).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021.
//! - L. Huang et al., "Metastable Failures in the Wild", OSDI 2022.
//!
//! # Abstracted away
//! - The service serves exactly one request a tick; a request that nobody waits for costs as much as one that is.
//! - Clients are alike and time is in ticks; there is no jitter, which is one of the things that help in practice.

#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::StormSpec;
use self::model::Storm;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::table;
#[cfg(feature = "catalogue")]
pub use self::cases::{can_recover, cases};

/// A check of `storm`, in the words in which its traces are told.
pub fn check(storm: Storm) -> Check<Storm> {
    Check::of(storm).spec(StormSpec)
}
