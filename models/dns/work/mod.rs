//! What one question may cost. The story of the protocol: see [`dns`](super).
//!
//! # Sources
//! - Y. Afek, A. Bremler-Barr, L. Shafir, "NXNSAttack", USENIX Security 2020 (CVE-2020-8616).
//! - RFC 9520 (failures and how often to try), RFC 1034 §5.3.3 (the resolver's algorithm, and that its work is bounded).
//!
//! # Abstracted away
//! - Whether a server's address was found before: each referral is to servers whose addresses are not known.
//! - Which zone is asked: each has two servers.

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

use self::conformance::{WorkInterface, WorkSpec};
use self::model::Work;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Work) -> Check<Work, WorkInterface> {
    let good = model.one_is_good;
    Check::of(model).interface(WorkInterface).spec(WorkSpec { good })
}
