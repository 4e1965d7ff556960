//! One question, over UDP and in published clients. The story of the protocol: see [`ntp`](super).
//!
//! # Sources
//! - RFC 5905 §8, §7.4 and appendix A.5.1 (what an answer has to pass), §14 (simple clients).
//! - Documentation of sntpc 0.11.0 and rsntp 4.1.2.
//!
//! # Abstracted away
//! - Each query is one of a new client; nothing is kept from one to the next.
//! - Offsets are told in ticks of 1,000 s, so that what a datagram takes is nothing.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
pub mod properties;

use counterpart::Check;

use self::conformance::{QueryInterface, QuerySpec};
use self::model::Query;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Query) -> Check<Query, QueryInterface> {
    Check::of(model).interface(QueryInterface).spec(QuerySpec)
}
