//! When round robin fails: queues that fill and drain tick by tick.
//!
//! A whole tick is one step, in which all its requests are sent out: one after the other, each seeing where those
//! before it went, unless the policy goes by what it saw some ticks ago. Where it is drawn who gets a request there is
//! a step for each outcome, taken by whoever schedules (*some* draw overflows) or with the probability of its draws
//! (*how likely* it is): the first question asked of a policy that draws is a modelling error, and both are shown.
//!
//! # Sources
//! - Y. Azar et al., "Balanced Allocations", SIAM J. Comput. 29, 1999; M. Mitzenmacher, "How Useful Is Old
//!   Information?", IEEE TPDS 11, 2000 (why choosing the shortest queue of some time ago sends a herd there).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021 (triggers, and what keeps a failure
//!   going).
//!
//! # Abstracted away
//! - Health checks are at once: a server that is down is sent nothing.
//! - A request that was served too late is served all the same; only a queue that overflows is a failure.

mod assignment;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
pub mod model;
#[cfg(feature = "cli")]
mod picture;
pub mod properties;

use counterpart::Check;

use self::conformance::ClusterSpec;
use self::model::Cluster;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;
#[cfg(feature = "catalogue")]
pub(super) use self::cases::likelihoods;
#[cfg(feature = "cli")]
pub use self::picture::queues;

/// A check of `model`, in the words in which its traces are told.
pub fn check(model: Cluster) -> Check<Cluster> {
    Check::of(model).spec(ClusterSpec::default())
}
