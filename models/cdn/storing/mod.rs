//! What one cache keeps, under which key, for how long, and what takes it away. The story of the protocol: see
//! [`cdn`](super).
//!
//! A cache answers with what it kept of another's request. That is right only where nothing that tells the two requests
//! apart is left out of the key: the host was, in pingora's cache (CVE-2026-2836), and one site was served another's page.
//!
//! # Sources
//! - RFC 9111 §2 (the key), §4.1 (`Vary`), §4.2 (freshness), §4.4 (invalidation); RFC 9875 (groups: one origin, no cascade,
//!   nothing on safe methods).
//!
//! # Abstracted away
//! - What comes from an origin comes at once: fills, and what overtakes them, are the other model's concern.
//! - Two lives, one for content and one for errors, whatever a response says; ages are whole ticks.

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

use self::conformance::{StoringInterface, StoringSpec};
use self::model::Storing;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Storing) -> Check<Storing, StoringInterface> {
    Check::of(model).interface(StoringInterface).spec(StoringSpec)
}
