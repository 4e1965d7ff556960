//! Two services with bounded queues that send each other requests and replies. The story of the protocol: see
//! [`broker`](super).
//!
//! A bounded queue makes whoever sends wait. Two that wait for each other wait for ever, unless the room for a reply is
//! set aside before the request is sent.
//!
//! # Sources
//! - H. T. Kung, R. Morris, "Credit-Based Flow Control for ATM Networks", IEEE Network 9, 1995.
//!
//! # Abstracted away
//! - What is sent; a service works on one request at a time, and cannot put it aside.
//! - Loss: what is in a queue stays there until it is taken.

#[cfg(feature = "catalogue")]
mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod implementation;
pub mod model;
pub mod properties;
#[cfg(feature = "catalogue")]
mod races;
pub mod shared;

use std::sync;

use counterpart::Check;

use self::conformance::{CreditsInterface, CreditsSpec};
use self::model::Exchange;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// The shared inboxes compiled a second time, on loom's locks (see [`sync`](counterpart::conform::interleave::sync)).
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Exchange) -> Check<Exchange, CreditsInterface> {
    Check::of(model).interface(CreditsInterface).spec(CreditsSpec)
}
