//! Which of several servers is believed. The story of the protocol: see [`ntp`](super).
//!
//! # Sources
//! - RFC 5905 §11.2.1 (the text) and appendix A.5.5.1 (the skeleton, which differs from it).
//! - K. Marzullo, S. Owicki, "Maintaining the Time in a Distributed System", PODC 1983; K. Marzullo, doctoral thesis,
//!   Stanford 1984.
//!
//! # Abstracted away
//! - Intervals have whole ends, servers of one kind are alike, and their number stands in the verdict.
//! - What survives is weighed nowhere: clustering and combining (RFC 5905 §11.2.2, §11.2.3) come after.

#[cfg(feature = "catalogue")]
mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
#[cfg(feature = "peers-heavy-ntp")]
pub mod heavy;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
mod peers;
pub mod properties;

use counterpart::Check;

use self::conformance::{SelectInterface, SelectSpec};
use self::model::Select;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;
#[cfg(feature = "catalogue")]
pub use self::cases::table;

/// A check of `model`: what the outside sees of it, and the words in which its traces are told.
pub fn check(model: Select) -> Check<Select, SelectInterface> {
    Check::of(model).interface(SelectInterface).spec(SelectSpec)
}
