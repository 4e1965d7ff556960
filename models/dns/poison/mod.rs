//! Whose answer is believed. The story of the protocol: see [`dns`](super).
//!
//! # Sources
//! - RFC 5452 (resilience against forged answers), RFC 2181 §5.4.1 (ranking).
//! - CVE-2020-25684 and CVE-2020-25686 (DNSpooq), GHSA-83hf-93m4-rgwq (a sibling zone's NS accepted).
//!
//! # Abstracted away
//! - Ids of two bits and ports of one, drawn evenly; what an attacker can see or foresee is not there.
//! - A question stays on its way until it is answered; each name is asked for until it is known.

#[cfg(feature = "catalogue")]
mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
#[cfg(feature = "peers-heavy-dns")]
pub mod heavy;
pub mod implementation;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::{PoisonInterface, PoisonSpec};
use self::model::Poison;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Poison) -> Check<Poison, PoisonInterface> {
    let once = !model.adds;
    Check::of(model).interface(PoisonInterface).spec(PoisonSpec { once })
}
