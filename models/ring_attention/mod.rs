//! Ring attention: queries stay at home, keys and values travel round.
//!
//! Ten million tokens are one sequence, and no host has room for its keys and values. So each keeps a block of queries,
//! and the blocks of keys and values go round the ring of hosts until each has met each. Nothing in that is hard but the
//! order: hosts that all send first, all receive first, or use two channels by turns come to a standstill, some of them
//! only with an odd number of hosts.
//!
//! # Sources
//! - H. Liu, M. Zaharia, P. Abbeel, "Ring Attention with Blockwise Transformers for Near-Infinite Context", 2023 (the
//!   ring).
//! - W. Brandon et al., "Striped Attention: Faster Ring Attention for Causal Transformers", 2023 (the layout).
//! - M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax", 2018; T. Dao et al., "FlashAttention", 2022
//!   (the sums, forward and backward).
//!
//! # Abstracted away
//! - Numbers: the model knows which block met which, and whether sums were scaled; how near an output is to the exact one
//!   is what the tolerance tests are for.
//! - Time: a slow host is one that others are scheduled before.
//! - A crash is a host that is gone and whose neighbours can know; a network that loses or repeats messages is none of
//!   this model's.

pub mod attention;
#[cfg(feature = "catalogue")]
pub mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
pub mod defective;
#[cfg(feature = "catalogue")]
mod defects;
#[cfg(feature = "catalogue")]
mod figure;
pub mod geometry;
pub mod implementation;
pub mod model;
#[cfg(feature = "catalogue")]
pub mod numbers;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "catalogue")]
pub mod polled;
pub mod programme;
pub mod properties;
#[cfg(feature = "catalogue")]
pub mod recorded;
mod rules;
pub mod shared;

use std::sync;

use counterpart::Check;

use self::conformance::{RingInterface, RingSpec};
use self::model::Ring;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases};

/// The hosts compiled a second time, on loom's locks.
#[cfg(feature = "catalogue")]
#[path = "."]
mod loomed {
    use counterpart::conform::interleave::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;
}

/// And a third time, on locks that tell a turnstile who waits.
#[cfg(feature = "catalogue")]
#[path = "."]
mod turnstiled {
    use counterpart::conform::turnstile::sync;

    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be driven, not to be used")]
    pub(super) mod shared;
}

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Ring) -> Check<Ring, RingInterface> {
    Check::of(model).interface(RingInterface).spec(RingSpec)
}
