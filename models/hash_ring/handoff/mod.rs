//! No key is lost while its owner changes.
//!
//! # Sources
//! - G. DeCandia et al., "Dynamo: Amazon's Highly Available Key-value Store", SOSP 2007, sections 4.8 and 6.2 (arcs that
//!   change hands when a node joins, and that a transfer is confirmed).
//!
//! # Abstracted away
//! - One arc, one old owner, one new one: arcs move independently of each other.
//! - A value is the number of its write. A request is one step; what is stored survives a crash.

#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod implementation;
pub mod model;
pub mod properties;
#[cfg(feature = "catalogue")]
pub mod recorded;

use counterpart::Check;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;
#[cfg(feature = "catalogue")]
pub use self::cases::diagram;
use self::conformance::{HandoffInterface, HandoffSpec};
use self::model::Handoff;

/// A check of `model` as it reads and looks from outside.
pub fn check(model: Handoff) -> Check<Handoff, HandoffInterface> {
    Check::of(model).interface(HandoffInterface).spec(HandoffSpec)
}
