//! How far a request goes: a hit one hop, what nobody has three. The story of the protocol: see [`cdn`](super).
//!
//! A hop is a way between neighbours, and back. It is what the copies are for: a tier more is a hop more for what it has not,
//! and saves the way beyond it for what it has.
//!
//! # Sources
//! - Light in fibre, about 200,000 km/s: 15,300 km from New York to Singapore and back are 150 ms.
//!
//! # Abstracted away
//! - All hops cost the same, a tick; what nodes do takes no time. Content does not grow old and does not change.
//! - A copy is let go of only while no request is under way: what a purge does to a fill is [*purge*](super::model)'s concern,
//!   and costs it hops.

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

use self::conformance::{LatencyInterface, LatencySpec};
use self::model::Latency;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Latency) -> Check<Latency, LatencyInterface> {
    Check::of(model).interface(LatencyInterface).spec(LatencySpec)
}
