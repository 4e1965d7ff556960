//! The walk from the root: who is asked, by whose word, and for how long. The story of the protocol: see [`dns`](super).
//!
//! # Sources
//! - RFC 1034 §4.2.1 (a zone is cut off by the NS records of the zone above), §5.3.3 (the resolver's algorithm).
//! - RFC 2181 §5.4.1 (ranking).
//! - J. Jiang, J. Liang, K. Li, J. Li, H. Duan, J. Wu, "Ghost Domain Names: Revoked Yet Still Resolvable", NDSS 2012.
//!
//! # Abstracted away
//! - Two zones below the root, one server each; one question is looked for at a time, and its answers all come.
//! - What denies that a name exists comes without SOA, and is not kept: see [`dns`](super) for denials.

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

use self::conformance::{WalkInterface, WalkSpec};
use self::model::Walk;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Walk) -> Check<Walk, WalkInterface> {
    let revokes = model.revokes;
    Check::of(model).interface(WalkInterface).spec(WalkSpec { revokes })
}
