//! What a clock does with an offset: slew, step, wait or give up. The story of the protocol: see [`ntp`](super).
//!
//! # Sources
//! - RFC 5905 §11.3 (figure 27, STEPT 125 ms) and §12, appendix A.1.1 (STEPT 128 ms, WATCH 900 s, PANICT 1,000 s, MAXFREQ
//!   500 ppm) and A.5.5.6; §9.2 and §13.1 (the reach register).
//! - ntpd-rs issue 185 (a panic threshold that is skipped for negative steps); USNO, 19 November 2012 (tick and tock said
//!   it was 2000).
//!
//! # Abstracted away
//! - The loop filter: an offset within the step threshold is slewed away at the limit, and frequency is left alone.
//! - Offsets are on both sides of each threshold and nowhere else; two samples are looked at of eight.

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

use self::conformance::{DisciplineInterface, DisciplineSpec};
use self::model::Discipline;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Discipline) -> Check<Discipline, DisciplineInterface> {
    Check::of(model).interface(DisciplineInterface).spec(DisciplineSpec)
}
