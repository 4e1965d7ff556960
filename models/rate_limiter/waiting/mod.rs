//! Who waits at a limiter, and whether they are ever let through.
//!
//! A limiter that only says yes or no leaves it to its callers to try again, and then nobody is promised anything: the
//! one that tries right after the others can go away empty-handed for ever, though all of them try again and again. A
//! queue promises it.
//!
//! # Sources
//! - L. Lamport, "Proving the Correctness of Multiprocess Programs", IEEE TSE 3(2), 1977 (weak and strong fairness).
//!
//! # Abstracted away
//! - A limiter of one token a tick; what is about the order is about it.

#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::WaitingSpec;
use self::model::Waiting;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Waiting) -> Check<Waiting> {
    Check::of(model).spec(WaitingSpec)
}
