//! What ends an exploration by loom before its time, in words that say what to do.

use thiserror::Error;

/// Why loom went no further. Its words are of version 0.7; what is not known among them is a panic of the
/// implementation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Trouble {
    #[error(
        "in one schedule all threads wait, as the model allows, and there loom ends. To go on, let the sync interface use \
         counterpart::conform::interleave::Condvar in place of loom's"
    )]
    Deadlock,
    #[error(
        "one schedule has more steps than the {BRANCHES_MAX} that loom follows: a thread spins until another makes \
         progress. Call the sync interface's yield_now in the loop, or give fewer calls"
    )]
    TooManySteps,
    #[error(
        "one of loom's types is used where loom does not look: on a thread of the standard library, or outside of the \
         factory and the calls. Make it in the factory, and start threads by the sync interface"
    )]
    OutsideOfLoom,
    #[error(
        "one schedule is not like the other: something outlives the implementation that the factory made, or it draws \
         random numbers or reads a clock. Make everything afresh in the factory, and pass time and randomness in as inputs"
    )]
    NotAfresh,
    #[error(
        "loom has room for {} threads in all, and the implementation starts more beside those of the script. Give the \
         script fewer threads, or let the implementation start none",
        loom::MAX_THREADS
    )]
    TooManyThreads,
    #[error("{0}. Use that in the implementation's sync interface")]
    OneOutcome(String),
    #[error(
        "the implementation leaks what it shares ({0}). Look for a cycle of Arcs, a forgotten guard, a message that \
         nobody receives, or one that was sent where the receiver was gone"
    )]
    Leak(String),
    #[error("{0}")]
    Silent(String),
    #[error("the implementation panics: {0}")]
    Panicked(String),
}

/// Steps of one schedule that loom follows.
pub(super) const BRANCHES_MAX: usize = 10_000;

impl Trouble {
    /// The trouble that loom, or the implementation, names in the words that it panicked with.
    pub(super) fn of(message: &str) -> Self {
        let says = |words: &str| message.contains(words);
        if message.starts_with("deadlock; threads") {
            Trouble::Deadlock
        } else if says("Model exceeded maximum number of branches") {
            Trouble::TooManySteps
        } else if says("cannot access Loom execution state from outside") {
            Trouble::OutsideOfLoom
        } else if says("Is the model fully deterministic?")
            || says("unexpected object stored at reference")
            || says("lazy_static")
        {
            Trouble::NotAfresh
        } else if says(ONE_OUTCOME) {
            Trouble::OneOutcome(message.to_string())
        } else if says("self.threads.len() < self.max") || says("threads.len() < self.max_threads") {
            Trouble::TooManyThreads
        } else if says("Arc leaked") || says("Allocation leaked") || says("Messages leaked") {
            Trouble::Leak(message.lines().next().unwrap_or(message).trim_end_matches('.').to_string())
        } else {
            Trouble::Panicked(message.to_string())
        }
    }

    /// Whether it is the harness that was used wrongly: then nothing is known of the implementation.
    pub(super) fn is_misuse(&self) -> bool {
        match self {
            Trouble::TooManySteps
            | Trouble::OutsideOfLoom
            | Trouble::NotAfresh
            | Trouble::TooManyThreads
            | Trouble::OneOutcome(_) => true,
            Trouble::Deadlock | Trouble::Leak(_) | Trouble::Silent(_) | Trouble::Panicked(_) => false,
        }
    }
}

const ONE_OUTCOME: &str = "of which loom explores one outcome, so that nothing would be known of the other";

/// Ends the schedule: `what` was called, which `instead` explores as it should be.
pub(super) fn refuse(what: &str, instead: &str) -> ! {
    panic!("the implementation calls {what}, {ONE_OUTCOME}; {instead} explores both")
}
