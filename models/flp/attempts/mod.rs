//! The attempts, as the model has them: what a process does, and its step.

pub mod chandra_toueg;
pub mod paxos;
pub mod rotating_coordinator;
pub mod votes;

use super::model::PROCESSES;

/// The process that coordinates a round, of attempts that rotate.
pub(super) fn coordinator(round: u8) -> u8 {
    round % PROCESSES as u8
}

/// `message` on its way from `process` to all others.
fn to_others<M: Copy>(process: u8, message: M) -> impl Iterator<Item = (u8, M)> {
    (0..PROCESSES as u8).filter(move |to| *to != process).map(move |to| (to, message))
}
