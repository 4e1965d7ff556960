//! The attempts, as the model has them: what a process is at, and its step.

pub mod chandra_toueg;
pub mod paxos;
pub mod rotating_coordinator;
pub mod votes;
