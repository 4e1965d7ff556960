//! What is kept of a part of something, and what it may be put together with. The story of the protocol: see
//! [`cdn`](super).
//!
//! Who plays a film or goes on with a download asks for ranges. What comes may be kept, and two parts may become a whole; but
//! between the one and the other what they are parts of may have changed. Only a strong validator says that it has not: a
//! weak one says that the two are as good as each other, not that they are the same octets.
//!
//! # Sources
//! - RFC 9110 §14 (ranges), §15.3.7.3 (putting parts together), §8.8.1 (weak and strong); RFC 9111 §3.3, §3.4.
//!
//! # Abstracted away
//! - A whole has two parts. What is kept does not grow old: that is [*reuse*](super::reuse).

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

use self::conformance::{PartsInterface, PartsSpec};
use self::model::Parts;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Parts) -> Check<Parts, PartsInterface> {
    Check::of(model).interface(PartsInterface).spec(PartsSpec)
}
