//! The coin that gets past the impossibility, and what becomes of it when it is none, or everybody's.
//!
//! Ben-Or's protocol decides with probability 1, whoever schedules. That is a claim about chance, not about fairness:
//! it is judged on the Markov decision process, against every scheduler that sees all that has happened, coins
//! included, and does not see what is still to be thrown. *Violated* means that such a scheduler can keep some process
//! undecided for ever, whatever the coins show.
//!
//! # Sources
//! - M. Ben-Or, "Another Advantage of Free Choice: Completely Asynchronous Agreement Protocols", PODC 1983.
//! - M. K. Aguilera, S. Toueg, "The correctness proof of Ben-Or's randomized consensus algorithm", Distrib. Comput. 25,
//!   2012: with a coin that all share, the scheduler learns it from the first who throws and can keep the others apart.
//! - N. Bertrand, I. Konnov, M. Lazić, J. Widder, "Verification of Randomized Consensus Algorithms Under Round-Rigid
//!   Adversaries", CONCUR 2019.
//!
//! # Abstracted away
//! - Messages are posts on a board: a process goes on with any two of a round, its own among them or not, and what
//!   comes after the second is not looked at.
//! - Nobody is more than so many rounds ahead of the slowest that goes on.

#[cfg(feature = "catalogue")]
mod bindings;
#[cfg(feature = "catalogue")]
mod cases;
pub mod conformance;
#[cfg(feature = "catalogue")]
mod defects;
pub mod model;
pub mod properties;

use counterpart::{Check, Spec};

use self::conformance::{BenOrInterface, BenOrSpec};
use self::model::BenOr;

#[cfg(feature = "catalogue")]
pub use self::cases::cases;

/// A check of `model`: what the outside sees of it, and the words in which its traces are told.
pub fn check(model: BenOr) -> Check<BenOr, BenOrInterface> {
    let decides = model.rounds_max.is_none();
    Check::of(model).interface(BenOrInterface).spec(BenOrSpec { decides })
}

/// How the model reads, and what is drawn in it.
pub fn spec() -> impl Spec<Model = BenOr> {
    BenOrSpec { decides: true }
}
