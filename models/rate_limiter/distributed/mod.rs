//! A counter that clients share in a store, and the commands between which it goes wrong.
//!
//! A window's counter is a key with a time to live. To count and to give the key its time are two commands of Redis, to
//! look and to count are two more; whatever happens between two commands happens.
//!
//! # Sources
//! - Redis documentation, `INCR` ("Pattern: Rate limiter"), `EXPIRE` (option `NX`, since 7.0), "Scripting with Lua".
//!
//! # Abstracted away
//! - One key, one store that neither fails nor forgets; a command is one step and its answer arrives at once.
//! - The store's clock is the only one.

#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::DistributedSpec;
use self::model::Distributed;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Distributed) -> Check<Distributed> {
    Check::of(model).spec(DistributedSpec)
}
