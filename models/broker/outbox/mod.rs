//! How what a service has committed comes to be published. The story of the protocol: see [`broker`](super).
//!
//! A database and a queue have no transaction in common. Whoever writes to the one and then to the other has a crash
//! between them. An outbox is a table of the database: what is to be published is committed with the business it is
//! about, and a relay publishes it, at least once.
//!
//! # Sources
//! - C. Richardson, "Microservices Patterns", 2018, §3.3.7 (transactional outbox).
//!
//! # Abstracted away
//! - The broker: what is published is there. That it comes to effect once is the delivery's concern.
//! - Rows are published one at a time, and by one relay.

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

use self::conformance::{OutboxInterface, OutboxSpec};
use self::model::Ordering;

#[cfg(feature = "catalogue")]
pub(super) use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words and reasons in which its traces are told.
pub fn check(model: Ordering) -> Check<Ordering, OutboxInterface> {
    Check::of(model).interface(OutboxInterface).spec(OutboxSpec)
}
