//! Logs of a running breaker: how its records read, how it comes to be recorded, and two logs that are kept.
//!
//! A service does not let itself be driven, but it may say what it did. Here callers' calls are spans, and so are an
//! operator's looks at the breaker: what no caller is ever told, as how many permits are left, stands in the log all
//! the same, and has to be explained with the rest.

use std::path::Path;

use counterpart::conform::events::{self, Event, Events, Labelled, Log, LogReader, LogWriter};
use counterpart::{Case, Interface, Shared};
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::conformance::{Answer, BreakerInterface, Seen};
use super::model::{Action, Breaker, State};

/// The target of the spans that [`Logged`] records.
pub const TARGET: &str = "circuit_breaker";

/// The breaker that the kept logs are of: two failures open it, two probes close it.
pub fn model() -> Breaker {
    super::cases::racing()
}

/// Reads, and writes, the events `acquire` (`client`, `answer`), `report` (`client`, `outcome`), `tick`, `step_back` and `status`
/// (the fields of [`Seen`]).
#[derive(Clone, Copy, Debug)]
pub struct BreakerReader {
    /// Whether the log says when time passes; otherwise time may pass at any moment.
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

impl LogWriter<BreakerInterface> for BreakerReader {
    fn begins(&self, input: &Action) -> Span {
        match input {
            Action::Acquire { client } => info_span!(target: TARGET, "acquire", client, answer = Empty),
            Action::Report { client, outcome } => info_span!(target: TARGET, "report", client, ?outcome),
            Action::Tick => info_span!(target: TARGET, "tick"),
            Action::StepBack => info_span!(target: TARGET, "step_back"),
        }
    }

    fn ends(&self, span: &Span, output: &Answer) {
        // Where the span has such a field.
        span.record("answer", tracing::field::debug(output));
    }

    fn moves_time(&self, input: &Action) -> bool {
        matches!(input, Action::Tick | Action::StepBack)
    }
}

/// A breaker whose calls are recorded, for as many threads as there are clients, and more for time and an operator.
pub type Logged<S> = events::Logged<S, BreakerReader>;

/// Looks at a breaker as an operator does, and records that too.
pub fn status<S: Shared<BreakerInterface>>(breaker: &Logged<S>) -> Option<Seen> {
    let span = info_span!(
        target: TARGET, "status",
        phase = Empty, retry_after_ticks = Empty, permits_left = Empty, calls = Empty, failed = Empty, slow = Empty
    );
    let seen = breaker.look(S::observe)?;
    span.record("phase", seen.phase);
    span.record("retry_after_ticks", seen.retry_after_ticks);
    span.record("permits_left", seen.permits_left);
    span.record("calls", seen.calls);
    span.record("failed", seen.failed);
    span.record("slow", seen.slow);
    Some(seen)
}

/// The cases of the kept logs: one of the breaker as it is shipped, and one of a breaker that reads its state, changes
/// a copy, and writes that back. Both callers of a race are rightly let through by it; what the operator sees then is
/// what no behaviour explains.
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
