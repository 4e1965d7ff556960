//! Keys that were stored together, and how many of them end together.
//!
//! All are loaded at one moment, as after a restart. With one time to live they all end in one tick, and all go to the
//! database at once. Jitter is drawn: an adversary who draws could always draw the same, so that no bound holds of
//! every run. What can be promised is a probability, and this is the one sub-model in which draws are weighed.
//!
//! # Sources
//! - R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013 (what a restart does to the database behind).
//!
//! # Abstracted away
//! - Everything but the tick in which each key ends; the database bears so many loads in one, whatever they cost.

#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::ExpirySpec;
use self::model::Expiry;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Expiry) -> Check<Expiry> {
    Check::of(model).spec(ExpirySpec)
}
