//! Several servers at once: who is asked, whose word still counts, and what they agree on. The story of the protocol:
//! see [`ntp`](super).
//!
//! # Sources
//! - RFC 5905 §11.2 (the system process: which servers are looked at), §11.2.1 and appendix A.5.5.3 (who is fit to be
//!   selected: MAXDIST), §9.2 (dispersion grows by 15 ppm), §11.3 and appendix A.5.5.6 (a step makes what was measured
//!   before void).
//! - RFC 8633 §3.2 (how many servers it takes to find one that lies).
//!
//! # Abstracted away
//! - A question and its answer are one step: what happens between them is the exchange's business.
//! - The last answer of each server counts, and no filter over eight of them (RFC 5905 §10); clustering and combining
//!   come after.

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

use self::conformance::{SourcesInterface, SourcesSpec};
use self::model::Sources;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Sources) -> Check<Sources, SourcesInterface> {
    let agrees = !model.is_silent && !model.denies;
    Check::of(model).interface(SourcesInterface).spec(SourcesSpec { agrees })
}
