//! Consensus attempts, and why each fails somewhere.
//!
//! Fischer, Lynch and Paterson showed in 1985 that where messages may take any time and one process may stop, no
//! deterministic protocol is sure to decide. Here is what becomes of those who try: each attempt is safe and can be
//! stopped, or decides and disagrees, or goes on for ever. The way out is what the theorem leaves open: a failure
//! detector that is right in the end, or a coin.
//!
//! # Check your own protocol
//! Say what one process does in one step ([`model::Attempt`]), and the rest comes ready made: every schedule, who may
//! stop, and the valency of every configuration.
//! ```
//! use counterpart_models::flp;
//! use counterpart_models::flp::properties::{Faults, OTHERS_DECIDE_THOUGH};
//! use counterpart_models::flp::model::{Attempt, Event, Reaction, System};
//!
//! /// Process 0 tells the others what to decide.
//! #[derive(Clone, Debug, PartialEq, Eq, Hash)]
//! struct Dictator;
//!
//! impl Attempt for Dictator {
//!     type Local = (u8, Option<u8>);
//!     type Message = u8;
//!     fn initial(&self, _: u8, input: u8) -> Self::Local { (input, None) }
//!     fn step(&self, process: u8, local: &Self::Local, event: Event<u8>) -> Option<Reaction<Self>> {
//!         Some(match (process, event, *local) {
//!             (0, _, (input, None)) => ((input, Some(input)), vec![(1, input), (2, input)]),
//!             (_, Event::Message(value), (input, None)) => ((input, Some(value)), Vec::new()),
//!             (_, _, local) => (local, Vec::new()),
//!         })
//!     }
//!     fn decision(&self, local: &Self::Local) -> Option<u8> { local.1 }
//! }
//!
//! // Safe, and live as long as nobody stops. But everything hangs by process 0.
//! flp::check(System::of(Dictator), Faults::Stops)
//!     .violates("some process decides though p0 may stop")
//!     .violates(OTHERS_DECIDE_THOUGH[0])
//!     .assert();
//! ```
//!
//! # Sources
//! - M. J. Fischer, N. A. Lynch, M. S. Paterson, "Impossibility of Distributed Consensus with One Faulty Process",
//!   J. ACM 32(2), 1985 (configurations, events, valency, admissible runs).
//! - M. Ben-Or, "Another Advantage of Free Choice", PODC 1983; M. K. Aguilera, S. Toueg, "The correctness proof of
//!   Ben-Or's randomized consensus algorithm", Distrib. Comput. 25, 2012 (why a common coin may prevent termination).
//! - T. D. Chandra, S. Toueg, "Unreliable Failure Detectors for Reliable Distributed Systems", J. ACM 43(2), 1996.
//! - A. Mostéfaoui, M. Raynal, "Solving Consensus Using Chandra-Toueg's Unreliable Failure Detectors", DISC 1999.
//! - L. Lamport, "Paxos Made Simple", ACM SIGACT News 32(4), 2001.
//! - N. Bertrand, I. Konnov, M. Lazić, J. Widder, "Verification of Randomized Consensus Algorithms Under Round-Rigid
//!   Adversaries", CONCUR 2019 (what kind of adversary a claim about coins is made against).
//!
//! # Abstracted away
//! - Three processes and one bit each. The impossibility needs no more; what a protocol does with more is for the
//!   walks.
//! - A message that is too early for its receiver waits in the buffer, and one that can change nothing any more counts
//!   as received where the parameters say so. The implementations keep the early ones themselves.
//! - Paxos without learners: a proposer decides, and tells nobody.
//! - Where rounds go on for ever, they are told apart by who coordinates them and by their order alone, and nobody runs
//!   more than one round ahead of the slowest that goes on.

pub mod attempts;
pub mod ben_or;
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
pub mod replicated_log;
#[cfg(feature = "cli")]
pub mod valency;

use counterpart::Check;

use self::conformance::{AttemptInterface, AttemptSpec};
use self::model::{Attempt, System};
use self::properties::Faults;

#[cfg(feature = "catalogue")]
pub use self::cases::{PROTOCOL, cases};

/// A check of `system`, whose processes may fail as `faults` says: what the outside sees of it, and the words and reasons
/// in which its traces are told.
pub fn check<A: Attempt>(system: System<A>, faults: Faults) -> Check<System<A>, AttemptInterface<A>> {
    Check::of(system).interface(AttemptInterface::default()).spec(AttemptSpec::with(faults))
}
