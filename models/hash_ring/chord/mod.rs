//! Who is a member of the ring, found out by asking neighbours: Chord as it was published, and as it was corrected.
//!
//! # Sources
//! - I. Stoica et al., "Chord: A Scalable Peer-to-Peer Lookup Protocol for Internet Applications", IEEE/ACM ToN 11(1),
//!   2003 (the original rules).
//! - P. Zave, "Using Lightweight Modeling to Understand Chord", ACM CCR 42(2), 2012 (the seven conditions, and where the
//!   original rules fail).
//! - P. Zave, "Reasoning about Identifier Spaces: How to Make Chord Correct", IEEE TSE 43(12), 2017 (the corrected
//!   rules, principals).
//!
//! # Abstracted away
//! - Lookups and fingers: only successors and predecessors matter for correctness.
//! - Who has failed is known to whoever asks it: failures are detected without error.

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
pub mod repair;
mod rules;

use counterpart::Check;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;
use self::conformance::{ChordInterface, ChordSpec};
use self::model::Chord;

/// A check of `model`: what each member knows, and the words in which its traces are told. A model whose joins and
/// failures may end is asked to settle then.
pub fn check(model: Chord) -> Check<Chord, ChordInterface> {
    let settles = model.settles;
    Check::of(model).interface(ChordInterface).spec(ChordSpec { settles })
}
