//! Several clients who ask for one thing, and one request for it upstream. The story of the protocol: see [`cdn`](super).
//!
//! A cache that has nothing asks the origin once, and whoever asks meanwhile waits for the same answer. All of them depend
//! on one client then: on an answer that may be for that one alone, may not come, and may find that it has left.
//!
//! # Sources
//! - RFC 9111 §4 (collapsed requests), §3 (what may be stored, and so be given to others); RFC 9211 §2.6 (`collapsed`).
//! - Varnish calls the state after an answer that is for one alone *hit-for-miss*.
//!
//! # Abstracted away
//! - What is stored stays: time, purges and variants are the other models' concern. So does hit-for-miss, until something
//!   is stored.
//! - Each client asks once.

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

use self::conformance::{CollapseInterface, CollapseSpec};
use self::model::Collapse;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Collapse) -> Check<Collapse, CollapseInterface> {
    Check::of(model).interface(CollapseInterface).spec(CollapseSpec)
}
