//! Sequence consensus as a published crate does it: `omnipaxos`, run beside the replicated log that it promises.
//!
//! The attempts of this folder each fail somewhere, as they must. What is used in practice keeps safety whatever the
//! network does, and decides when the network is kind enough: with a majority up and connected for long enough. So the
//! model says only what may be decided, the crate is walked through storms of cuts, losses and restarts beside it, and
//! how much was really decided is measured (a cluster that never decides anything would conform as well).
//!
//! # Sources
//! - H. Ng, S. Haridi, P. Carbone, "Omni-Paxos: Breaking the Barriers of Partial Connectivity", EuroSys 2023 (sequence
//!   consensus and its properties: validity, uniform agreement, integrity; ballot leader election).
//! - Documentation of `omnipaxos` 0.2.4: `OmniPaxos::tick` (resending), `OmniPaxos::reconnected`, `Storage`.
//!
//! # Abstracted away
//! - Messages, ballots and leaders: at any step a node may have come to know one decided entry more.
//! - When something is decided. There is no fairness under which the model promises it; see the theorem.
//! - Majorities: that nothing is decided by one node alone is shown by a run of the crate, not by the model.
//! - Batching, trimming, snapshots, reconfiguration, flexible quorums and leader priorities are not used.
//! - The disk: a write is done when the call returns, and all of it. Links are first in, first out.

#[cfg(feature = "peers")]
mod cases;
pub mod conformance;
#[cfg(feature = "peers")]
mod defects;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod properties;
#[cfg(feature = "peers")]
mod storage;

use counterpart::Check;

use self::conformance::{LogInterface, LogSpec};
use self::model::ReplicatedLog;

#[cfg(feature = "peers")]
pub use self::cases::{STEPS_MAX, WALKS, cases, one_stops, stormy};

/// A check of `model`: what the outside sees of it, and the words in which its traces are told.
pub fn check(model: ReplicatedLog) -> Check<ReplicatedLog, LogInterface> {
    Check::of(model).interface(LogInterface).spec(LogSpec)
}
