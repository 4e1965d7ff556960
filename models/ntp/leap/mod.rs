//! What a leap second does to a wall clock and to timers. The story of the protocol: see [`ntp`](super).
//!
//! # Sources
//! - Linux commits of July 2012: "hrtimer: Provide clock_was_set_delayed()", "timekeeping: Fix leapsecond triggered load
//!   spike issue", "ntp: Fix leap-second hrtimer livelock".
//! - RFC 5905 §7.3 (leap indicator), RFC 8633 §3.7 (leap seconds and smearing).
//!
//! # Abstracted away
//! - A day has five seconds and a second four ticks; every day of the announcement's month is its last.
//! - A smear is linear from noon to noon; others (cosine, twenty-four hours before) differ in their rate only.
//! - Applications do nothing but sleep, and take no time.

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

use counterpart::Check;

use self::conformance::{LeapInterface, LeapSpec};
use self::model::Leap;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Leap) -> Check<Leap, LeapInterface> {
    Check::of(model).interface(LeapInterface).spec(LeapSpec)
}
