//! Logs of a running limiter: how its records read, and how it comes to be recorded.
//!
//! A service does not let itself be driven, but it may say what it did. Here each check is a span.

use counterpart::conform::events::{self, Event, Labelled, LogReader, LogWriter};
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::conformance::{Answer, LimiterInterface};
use super::model::{Action, Limiter};

/// The target of the spans that [`Logged`] records.
pub const TARGET: &str = "rate_limiter";

/// A model small enough that every explanation can be tried: two requests in four ticks, two keys.
pub fn model() -> Limiter {
    Limiter { keys: 2, collects: true, ..Limiter::gcra(4, 2, 2) }
}

/// Reads, and writes, the events `check` (`key`, `answer`), `tick`, `collect` and `set quota` (`quota`).
#[derive(Clone, Copy, Debug)]
pub struct LimiterReader {
    /// Whether the log says when time passes; otherwise time may pass at any moment.
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
            Action::SetQuota { quota } => event.name == "set quota" && event.agrees("quota", quota),
        }
    }

    fn hidden(&self, step: &Labelled<'_, LimiterInterface>) -> bool {
        !self.time_is_recorded && matches!(step.input, Action::Tick)
    }
}

impl LogWriter<LimiterInterface> for LimiterReader {
    fn begins(&self, input: &Action) -> Span {
        match input {
            Action::Check { key, .. } => info_span!(target: TARGET, "check", key, answer = Empty),
            Action::Collect => info_span!(target: TARGET, "collect"),
            Action::SetQuota { quota } => info_span!(target: TARGET, "set quota", quota),
            Action::Tick => info_span!(target: TARGET, "tick"),
        }
    }

    fn ends(&self, span: &Span, output: &Answer) {
        // Where the span has such a field.
        span.record("answer", tracing::field::debug(output));
    }

    fn moves_time(&self, input: &Action) -> bool {
        matches!(input, Action::Tick)
    }
}

/// A limiter whose checks are recorded, for as many threads as there are callers, and more for time and the collector.
pub type Logged<S> = events::Logged<S, LimiterReader>;
