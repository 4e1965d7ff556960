//! Why a database collapses behind a cache that hits 98 times in a hundred, and what keeps it from collapsing.
//!
//! The story of the protocol (see [`cache`](super)). The trigger is one tick of a flash sale, and the collapse outlives
//! it: every query that the database serves is one whose client has left, so nothing enters the cache, so the next
//! client misses too. *Metastable*: the load that keeps it down is the ordinary one.
//!
//! # Sources
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021.
//! - L. Huang et al., "Metastable Failures in the Wild", OSDI 2022.
//! - R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013 (leases, and thundering herds).
//!
//! # Abstracted away
//! - Cheap traffic: a constant number of hits a tick. It is there for the ratio, and loads nothing.
//! - The database serves one query at a time, each as long as the others.

#[cfg(feature = "catalogue")]
mod cases;
#[cfg(feature = "cli")]
pub mod chart;
pub mod conformance;
pub mod model;
pub mod properties;

use counterpart::Check;

use self::conformance::DatabaseSpec;
use self::model::Database;

#[cfg(feature = "catalogue")]
pub use self::cases::{cases, story};

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Database) -> Check<Database> {
    Check::of(model).spec(DatabaseSpec)
}
