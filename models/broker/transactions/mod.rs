//! Records of a transaction that become visible together, and an end that comes late. The story of the protocol: see
//! [`broker`](super).
//!
//! A producer writes the records of a transaction and then says that it is to end. What it says is lost, late or there
//! twice, like anything on a network; and the end of one transaction looks like the end of the next, unless the epoch rises
//! with each of them.
//!
//! # Sources
//! - Kafka KIP-98 (transactions) and KIP-890 (an epoch for each transaction, against ends that come late).
//!
//! # Abstracted away
//! - One producer and one partition; records are written one by one and are never lost.
//! - The producer knows when its transaction has ended.

#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::TransactionsSpec;
use self::model::Transactions;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Transactions) -> Check<Transactions> {
    Check::of(model).spec(TransactionsSpec)
}
