//! Logs of a running limiter: how its records read, and how it comes to be recorded.
//!
//! A service does not let itself be driven, but it may say what it did. Here each check is a span.

use std::sync::{PoisonError, RwLock};

use counterpart::Shared;
use counterpart::conform::events::{Event, Labelled, LogReader};
use tracing::field::Empty;
use tracing::info_span;

use super::conformance::{Answer, LimiterInterface};
use super::model::{Action, Limiter};

/// The target of the spans that [`Logged`] records.
pub const TARGET: &str = "rate_limiter";

/// Small enough that every explanation can be tried: two requests in four ticks, two keys.
pub fn model() -> Limiter {
    Limiter { keys: 2, collects: true, ..Limiter::gcra(4, 2, 2) }
}

/// Reads the events `check` (`key`, `answer`), `tick` and `collect`.
#[derive(Clone, Copy, Debug)]
pub struct LimiterReader {
    /// Whether the log says when time passes; otherwise it may at any moment.
    pub time_is_recorded: bool,
}

impl LogReader<LimiterInterface> for LimiterReader {
    fn admits(&self, event: &Event, step: &Labelled<'_, LimiterInterface>) -> bool {
        match step.input {
            Action::Check { key, .. } => {
                event.name == "check" && event.agrees("key", key) && event.agrees_with_debug("answer", step.output)
            }
            Action::Tick => event.name == "tick",
            Action::Collect => event.name == "collect",
        }
    }

    fn hidden(&self, step: &Labelled<'_, LimiterInterface>) -> bool {
        !self.time_is_recorded && matches!(step.input, Action::Tick)
    }
}

/// A limiter whose checks are recorded, for as many threads as there are callers, and more for time and the collector.
pub struct Logged<S> {
    limiter: S,
    /// Time stands still while a check is inside: a caller that is interrupted between the clock and the limiter would
    /// bring it the time of before.
    time: RwLock<()>,
}

impl<S: Shared<LimiterInterface>> Logged<S> {
    /// `limiter`, from now on recorded.
    pub fn new(limiter: S) -> Self {
        Logged { limiter, time: RwLock::new(()) }
    }

    /// Makes one check, lets time pass, or collects.
    pub fn call(&self, input: Action) -> Answer {
        match input {
            Action::Check { key, .. } => {
                let span = info_span!(target: TARGET, "check", key, answer = Empty);
                let answer = self.standing(input);
                span.record("answer", tracing::field::debug(answer));
                answer
            }
            Action::Collect => {
                let _span = info_span!(target: TARGET, "collect");
                self.standing(input)
            }
            Action::Tick => {
                let _span = info_span!(target: TARGET, "tick");
                let _moving = self.time.write().unwrap_or_else(PoisonError::into_inner);
                self.limiter.call(&input)
            }
        }
    }

    fn standing(&self, input: Action) -> Answer {
        let _standing = self.time.read().unwrap_or_else(PoisonError::into_inner);
        self.limiter.call(&input)
    }
}
