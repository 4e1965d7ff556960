//! For how long, and for whom, what one cache keeps may be used. The story of the protocol: see [`cdn`](super).
//!
//! An origin says it in four ways, of which one counts; it says it anew with every answer, and a 304 is one. What is over may
//! be used if asking anew fails, for a while, unless the origin forbids it. And what was sent to somebody who is known is
//! for them alone, unless it says otherwise: else a cache at a path that everybody may ask for gives one user's page to the
//! next (*cache deception*).
//!
//! # Sources
//! - RFC 9213 §2.2 (a targeted field in the place of the others), RFC 9111 §4.2.1 (the order of the others), §4.3.4 (what a
//!   304 says), §4.2.4 and §5.2.2.2, §5.2.2.10 (what forbids stale use), §3.5 (`Authorization`), RFC 5861 §4.
//!
//! # Abstracted away
//! - The origin answers at once; what overtakes a fill is [*purge*](super::model)'s concern.
//! - An answer names each of the fields; one that says nothing is empty, and an `Expires` that is not meant is in the past.

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

use self::conformance::{ReuseInterface, ReuseSpec};
use self::model::Reuse;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Reuse) -> Check<Reuse, ReuseInterface> {
    Check::of(model).interface(ReuseInterface).spec(ReuseSpec)
}
