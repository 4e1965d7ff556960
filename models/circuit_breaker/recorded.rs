//! Logs of a running breaker: how its records read, how it comes to be recorded, and two logs that are kept.
//!
//! A service does not let itself be driven, but it may say what it did. Here callers' calls are spans, and so are an
//! operator's looks at the breaker: what no caller is ever told, as how many permits are left, stands in the log all
//! the same, and has to be explained with the rest.

use std::path::Path;
use std::sync::{PoisonError, RwLock};

use counterpart::conform::events::{Event, Events, Labelled, Log, LogReader};
use counterpart::{Case, Interface, Shared};
use tracing::field::Empty;
use tracing::info_span;

use super::conformance::{Answer, BreakerInterface, Seen};
use super::model::{Action, Breaker, State};

/// The target of the spans that [`Logged`] records.
pub const TARGET: &str = "circuit_breaker";

/// The breaker that the kept logs are of: two failures open it, two probes close it.
pub fn model() -> Breaker {
    super::racing()
}

/// Reads the events `acquire` (`client`, `answer`), `report` (`client`, `outcome`), `tick`, `step_back` and `status`
/// (the fields of [`Seen`]).
#[derive(Clone, Copy, Debug)]
pub struct BreakerReader {
    /// Whether the log says when time passes; otherwise it may at any moment.
    pub time_is_recorded: bool,
}

impl LogReader<BreakerInterface> for BreakerReader {
    fn admits(&self, event: &Event, step: &Labelled<'_, BreakerInterface>) -> bool {
        match step.input {
            Action::Acquire { client } => {
                event.name == "acquire"
                    && event.agrees("client", client)
                    && event.agrees_with_debug("answer", step.output)
            }
            Action::Report { client, outcome } => {
                event.name == "report" && event.agrees("client", client) && event.agrees_with_debug("outcome", outcome)
            }
            Action::Tick => event.name == "tick",
            Action::StepBack => event.name == "step_back",
        }
    }

    fn reads(&self, event: &Event, model: &Breaker, state: &State) -> bool {
        event.name == "status"
            && BreakerInterface.snapshot(model, state).is_some_and(|seen| {
                event.agrees("phase", seen.phase)
                    && event.agrees("retry_after_ticks", seen.retry_after_ticks)
                    && event.agrees("permits_left", seen.permits_left)
                    && event.agrees("calls", seen.calls)
                    && event.agrees("failed", seen.failed)
                    && event.agrees("slow", seen.slow)
            })
    }

    fn hidden(&self, step: &Labelled<'_, BreakerInterface>) -> bool {
        !self.time_is_recorded && matches!(step.input, Action::Tick | Action::StepBack)
    }
}

/// A breaker whose calls are recorded, for as many threads as there are clients, and more for time and an operator.
pub struct Logged<S> {
    breaker: S,
    /// Time stands still while a call is inside: a caller that is interrupted between the clock and the breaker would
    /// bring it the time of before.
    time: RwLock<()>,
}

impl<S: Shared<BreakerInterface>> Logged<S> {
    /// `breaker`, from now on recorded.
    pub fn new(breaker: S) -> Self {
        Logged { breaker, time: RwLock::new(()) }
    }

    /// Makes one call, or lets time pass.
    pub fn call(&self, input: Action) -> Answer {
        match input {
            Action::Acquire { client } => {
                let span = info_span!(target: TARGET, "acquire", client, answer = Empty);
                let answer = self.standing(input);
                span.record("answer", tracing::field::debug(answer));
                answer
            }
            Action::Report { client, outcome } => {
                let _span = info_span!(target: TARGET, "report", client, ?outcome);
                self.standing(input)
            }
            Action::Tick => {
                let _span = info_span!(target: TARGET, "tick");
                self.moving(input)
            }
            Action::StepBack => {
                let _span = info_span!(target: TARGET, "step_back");
                self.moving(input)
            }
        }
    }

    /// Looks at the breaker, as an operator does.
    pub fn status(&self) -> Option<Seen> {
        let span = info_span!(
            target: TARGET, "status",
            phase = Empty, retry_after_ticks = Empty, permits_left = Empty, calls = Empty, failed = Empty, slow = Empty
        );
        let _standing = self.time.read().unwrap_or_else(PoisonError::into_inner);
        let seen = self.breaker.observe()?;
        span.record("phase", seen.phase);
        span.record("retry_after_ticks", seen.retry_after_ticks);
        span.record("permits_left", seen.permits_left);
        span.record("calls", seen.calls);
        span.record("failed", seen.failed);
        span.record("slow", seen.slow);
        Some(seen)
    }

    fn standing(&self, input: Action) -> Answer {
        let _standing = self.time.read().unwrap_or_else(PoisonError::into_inner);
        self.breaker.call(&input)
    }

    fn moving(&self, input: Action) -> Answer {
        let _moving = self.time.write().unwrap_or_else(PoisonError::into_inner);
        self.breaker.call(&input)
    }
}

/// The kept logs: of the breaker as it is shipped, and of one that reads its state, changes a copy, and writes that
/// back. Both callers of a race are rightly let through by it; what the operator sees then is what no behaviour
/// explains.
pub(super) fn cases() -> Vec<Case> {
    let reader = BreakerReader { time_is_recorded: true };
    let check = || super::check(model()).alongside_only();
    let sound = check().events(reader, || {
        Log::parse(Path::new("models/circuit_breaker/logs/breaker.jsonl"), include_bytes!("logs/breaker.jsonl"))
    });
    let of_a_defect = Events::new(reader).of(|| {
        let file = Path::new("models/circuit_breaker/logs/loses_updates.jsonl");
        Log::parse(file, include_bytes!("logs/loses_updates.jsonl"))
    });
    let why =
        "two callers each took a permit from the same copy of the breaker's state, and only one of them is counted";
    vec![
        Case::new("circuit_breaker/recorded_log", sound),
        Case::new(
            "circuit_breaker/recorded_log_of_a_defect",
            check().subject("loses_updates", of_a_defect).diverges("loses_updates").because("loses_updates", why),
        ),
    ]
}
