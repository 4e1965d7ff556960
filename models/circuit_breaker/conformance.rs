//! What the outside sees of the model, and the bindings of our own breaker to it.

use std::collections::BTreeMap;

use counterpart::conform::interleave::Script;
use counterpart::model::{FairKey, SettableClock, Slots, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Counterpart, Interface, Shared, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::implementation::{self, Config, ConfigError, Core, Permit, Rejected, Status};
use super::model::{Action, Backend, Breaker, CLIENTS_MAX, Outcome, Phase, State, Tally, WindowKind};

/// A tick of the model, as a breaker under test sees it.
pub const TICK_MS: u64 = 1_000;

/// What the clock of a breaker under test shows first: enough to be set back.
pub const START_MS: u64 = 1_000 * TICK_MS;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BreakerSpec {
    /// Whether to ask that it closes for good once the backend is healthy. Makes sense of a backend that heals.
    pub closes_for_good: bool,
}

/// That it can close, by some schedule, from wherever it is.
pub const CAN_CLOSE: &str = "some schedule closes it";

/// That it closes when there is nothing against it.
pub const CLOSES: &str = "once the backend is healthy it closes for good";

/// Callers come, calls end, and time passes: what closing needs and nothing more.
const LIFE_GOES_ON: &str = "callers come back, calls end, time passes";

impl Spec for BreakerSpec {
    type Model = Breaker;

    fn temporal(&self) -> Vec<Temporal<Breaker>> {
        let closed = |_: &Breaker, state: &State| state.phase == Phase::Closed;
        let mut temporal = vec![Temporal::recoverable(CAN_CLOSE, closed)];
        if self.closes_for_good {
            temporal.push(Temporal::eventually_always(CLOSES, closed).under(LIFE_GOES_ON));
        }
        temporal
    }

    fn fairness(&self, _: &Breaker, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            // Some caller comes, whoever it is; every call ends; the clock is not stopped.
            Action::Acquire { .. } => vec![FairKey::weak(LIFE_GOES_ON).of_each("acquire")],
            Action::Report { client, .. } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("report", client))],
            Action::Tick => vec![FairKey::weak(LIFE_GOES_ON).of_each("tick")],
            Action::StepBack => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Breaker, _: &State, action: &Action) -> bool {
        *action != Action::StepBack
    }

    fn parameters(&self, model: &Breaker) -> BTreeMap<String, String> {
        let window = match model.window {
            WindowKind::Calls(size) => format!("{size} calls"),
            WindowKind::Ticks { ticks, results_max } => format!("{ticks} ticks of at most {results_max} results"),
            WindowKind::Everything { results_max } => format!("all results since it closed, at most {results_max}"),
        };
        let mut parameters = vec![
            ("window", window),
            ("minimum", model.minimum_calls.to_string()),
            ("failure rate", format!("{}%", model.failure_rate_percent)),
            ("permits", model.permits.to_string()),
            ("open wait", format!("{} ticks", model.open_wait_ticks)),
            ("clients", model.clients.to_string()),
        ];
        if let Some(percent) = model.slow_rate_percent {
            parameters.push(("slow rate", format!("{percent}%")));
        }
        if let Some(ticks) = model.half_open_wait_ticks {
            parameters.push(("half-open wait", format!("{ticks} ticks")));
        }
        if model.steps_back_max > 0 {
            parameters
                .push(("clock", format!("set back {} times by {} ticks", model.steps_back_max, model.skew_ticks)));
        }
        if model.backend != Backend::Any {
            parameters.push(("backend", format!("{:?}", model.backend)));
        }
        if model.interchangeable_clients {
            parameters.push(("clients told apart", "no".into()));
        }
        if !model.quirks.is_empty() {
            let quirks: Vec<String> = model.quirks.iter().map(|quirk| format!("{quirk:?}")).collect();
            parameters.push(("quirks", quirks.join(" ")));
        }
        parameters.push(("variant", format!("{:?}", model.variant)));
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Acquire { client } | Action::Report { client, .. } => format!("client {client}"),
            Action::Tick | Action::StepBack => "clock".into(),
        }
    }

    fn state_json(&self, model: &Breaker, state: &State) -> Value {
        json!({
            "phase": itf_state(&state.phase),
            "window": state.window.entries(model.window),
            "calls": itf_state(&&state.calls[..usize::from(model.clients)]),
            "clock set back": state.steps_back,
            "faults": state.faults,
            "history": state.history.breaches().join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (CAN_CLOSE, "every permit was lost with a cancelled probe, and nothing gives one back"),
    (CLOSES, "it waits for probes that nobody is let through to make"),
    (
        "a dead backend sees no more calls per open wait than permits",
        "the backend is down, and gets more calls than the few it was to be asked",
    ),
    (
        "a half-open round admits no more than its permits",
        "half-open is there to ask a sick backend a few careful questions; whoever is let through uncounted turns the \
         probe into a stampede",
    ),
    (
        "only results of the current generation move it",
        "the result is of a call that began before the breaker opened: it says how the backend was then, and is taken for \
         how it is now",
    ),
    (
        "open admits none before its wait is over",
        "the wait is what gives the backend time to drain; a call let through early takes that time away again",
    ),
    ("it opens only when the results call for it", "a healthy backend is cut off"),
    ("it opens whenever the results call for it", "a failing backend goes on being called"),
    (
        "a failed probe opens it again",
        "the probe has shown that the backend is still down, and the breaker goes on sending calls to it",
    ),
    (
        "every permit out belongs to a running or successful probe",
        "a cancelled probe took its permit with it: when all are lost no caller can ever close the breaker again",
    ),
];

/// What the outside sees.
pub struct BreakerInterface;

/// What a client or the clock gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Let through.
    Admitted,
    /// Not let through.
    Rejected,
    /// Nothing to say.
    Done,
}

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// `closed`, `open` or `half-open`.
    pub phase: &'static str,
    /// Of an open breaker.
    pub retry_after_ticks: Option<u64>,
    /// Of a half-open one.
    pub permits_left: Option<u32>,
    /// Results in the window.
    pub calls: u32,
    /// Failures among them.
    pub failed: u32,
    /// Slow ones among them.
    pub slow: u32,
}

impl Interface for BreakerInterface {
    type Model = Breaker;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, _: &Breaker, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match action {
            Action::Acquire { client } => {
                // An idle client that is not idle afterwards was let through.
                let after = to.unwrap_or(from).calls[usize::from(*client)];
                if after == Default::default() { Answer::Rejected } else { Answer::Admitted }
            }
            Action::Report { .. } | Action::Tick | Action::StepBack => Answer::Done,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Breaker, state: &State) -> Option<Seen> {
        let Tally { calls, failed, slow } = state.tally(model);
        let (phase, retry_after_ticks, permits_left) = match state.phase {
            Phase::Closed => ("closed", None, None),
            Phase::Open { ticks_left } => ("open", Some(u64::try_from(ticks_left).unwrap_or(0)), None),
            Phase::HalfOpen { admitted, .. } => {
                ("half-open", None, Some(u32::from(model.permits.saturating_sub(admitted))))
            }
        };
        Some(Seen {
            phase,
            retry_after_ticks,
            permits_left,
            calls: calls.into(),
            failed: failed.into(),
            slow: slow.into(),
        })
    }
}

/// The configuration that belongs to a model.
pub fn config(model: &Breaker) -> Config {
    Config {
        window: match model.window {
            WindowKind::Calls(size) => implementation::Window::Calls { size: size.into() },
            WindowKind::Ticks { ticks, .. } => {
                implementation::Window::Time { buckets: ticks.into(), bucket_ms: TICK_MS }
            }
            // Ours has no such window: the nearest is one that holds as much as the world brings.
            WindowKind::Everything { results_max } => implementation::Window::Calls { size: results_max.into() },
        },
        minimum_calls: model.minimum_calls.into(),
        failure_rate_percent: model.failure_rate_percent,
        slow_rate_percent: model.slow_rate_percent,
        permits: model.permits.into(),
        open_wait_ms: u64::from(model.open_wait_ticks) * TICK_MS,
        half_open_wait_ms: model.half_open_wait_ticks.map(|ticks| u64::from(ticks) * TICK_MS),
    }
}

fn seen(status: Status) -> Seen {
    Seen {
        phase: match status.phase {
            implementation::PhaseName::Closed => "closed",
            implementation::PhaseName::Open => "open",
            implementation::PhaseName::HalfOpen => "half-open",
        },
        retry_after_ticks: status.retry_after_ms.map(|left_ms| left_ms.div_ceil(TICK_MS)),
        permits_left: status.permits_left,
        calls: status.calls,
        failed: status.failed,
        slow: status.slow,
    }
}

/// Our breaker's core: plain data, so that it can be explored together with the model.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CoreBinding {
    core: Core,
    now_ms: u64,
    skew_ms: u64,
    /// How far back the clock may still go: what lies further behind is all alike.
    back_max_ms: u64,
    /// The generation of each client's permit.
    permits: [Option<u64>; CLIENTS_MAX],
}

impl CoreBinding {
    /// The breaker that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no breaker.
    pub fn new(model: &Breaker) -> Self {
        let skew_ms = u64::from(model.skew_ticks) * TICK_MS;
        CoreBinding {
            core: Core::new(config(model)).expect("a model in the catalogue describes a breaker"),
            now_ms: START_MS,
            skew_ms,
            back_max_ms: skew_ms * u64::from(model.steps_back_max),
            permits: Default::default(),
        }
    }
}

impl Counterpart<BreakerInterface> for CoreBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Acquire { client } => match self.core.try_acquire(self.now_ms) {
                Ok(permit) => {
                    self.permits[usize::from(client)] = Some(permit.generation);
                    Answer::Admitted
                }
                Err(_) => Answer::Rejected,
            },
            Action::Report { client, outcome } => {
                if let Some(generation) = self.permits[usize::from(client)].take() {
                    self.core.report(Permit { generation }, translated(outcome), self.now_ms);
                }
                Answer::Done
            }
            Action::Tick => {
                self.now_ms += TICK_MS;
                Answer::Done
            }
            Action::StepBack => {
                self.now_ms -= self.skew_ms;
                self.back_max_ms -= self.skew_ms;
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.core.status(self.now_ms)))
    }

    /// Instants are taken relative to now, generations to the current one.
    fn canonical(&mut self) {
        let (now_ms, back_max_ms) = (self.now_ms, self.back_max_ms);
        // Further behind than the clock may go back is long ago, however long.
        let shifted = |at_ms: u64| (at_ms + START_MS - now_ms).max(START_MS - back_max_ms);
        match &mut self.core.phase {
            implementation::Phase::Closed => {}
            implementation::Phase::Open { until_ms } => *until_ms = shifted(*until_ms),
            implementation::Phase::HalfOpen { until_ms, .. } => *until_ms = until_ms.map(shifted),
        }
        if let implementation::Results::Time { buckets } = &mut self.core.results
            && let implementation::Window::Time { buckets: kept, bucket_ms } = self.core.config.window
        {
            let newest = now_ms / bucket_ms;
            buckets.retain(|(number, _)| newest.saturating_sub(*number) < u64::from(kept));
            buckets.iter_mut().for_each(|(number, _)| *number = *number + START_MS / bucket_ms - newest);
        }
        for generation in self.permits.iter_mut().flatten() {
            *generation = u64::from(*generation == self.core.generation);
        }
        self.core.generation = 1;
        self.now_ms = START_MS;
    }
}

fn translated(outcome: Outcome) -> implementation::Outcome {
    match outcome {
        Outcome::Success => implementation::Outcome::Success,
        Outcome::Failure => implementation::Outcome::Failure,
        Outcome::Slow => implementation::Outcome::Slow,
        Outcome::Ignored => implementation::Outcome::Ignored,
        Outcome::Cancelled => implementation::Outcome::Cancelled,
        Outcome::Panicked => implementation::Outcome::Panicked,
    }
}

/// A breaker that threads share: the one that is shipped, the same as loom compiles it, and defective ones.
pub trait SharedBreaker: Send + Sync {
    /// A closed breaker.
    ///
    /// # Errors
    /// The configuration makes no breaker.
    fn new(config: Config) -> Result<Self, ConfigError>
    where
        Self: Sized;
    /// Asks for a call to be let through.
    ///
    /// # Errors
    /// It is not, and why.
    fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected>;
    /// Ends a call.
    fn report(&self, permit: Permit, outcome: implementation::Outcome, now_ms: u64);
    /// What an operator wants to see.
    fn status(&self, now_ms: u64) -> Status;
}

macro_rules! shared_breaker {
    ($breaker:ty) => {
        impl SharedBreaker for $breaker {
            fn new(config: Config) -> Result<Self, ConfigError> {
                <$breaker>::new(config)
            }
            fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
                self.try_acquire(now_ms)
            }
            fn report(&self, permit: Permit, outcome: implementation::Outcome, now_ms: u64) {
                self.report(permit, outcome, now_ms);
            }
            fn status(&self, now_ms: u64) -> Status {
                self.status(now_ms)
            }
        }
    };
}

shared_breaker!(super::shared::CircuitBreaker);
shared_breaker!(super::loomed::shared::CircuitBreaker);

/// A shared breaker with its clock, and what it handed out to each client.
pub struct SharedBinding<B> {
    breaker: B,
    clock: SettableClock,
    skew_ms: u64,
    permits: Slots<Permit>,
}

impl<B: SharedBreaker> SharedBinding<B> {
    /// The breaker that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no breaker.
    pub fn new(model: &Breaker) -> Self {
        SharedBinding {
            breaker: B::new(config(model)).expect("a model in the catalogue describes a breaker"),
            clock: SettableClock::at(START_MS),
            skew_ms: u64::from(model.skew_ticks) * TICK_MS,
            permits: Slots::new(CLIENTS_MAX),
        }
    }
}

impl<B: SharedBreaker> Shared<BreakerInterface> for SharedBinding<B> {
    fn call(&self, input: &Action) -> Answer {
        match *input {
            Action::Acquire { client } => match self.breaker.try_acquire(self.clock.now_ms()) {
                Ok(permit) => {
                    self.permits.put(usize::from(client), permit);
                    Answer::Admitted
                }
                Err(_) => Answer::Rejected,
            },
            Action::Report { client, outcome } => {
                if let Some(permit) = self.permits.take(usize::from(client)) {
                    self.breaker.report(permit, translated(outcome), self.clock.now_ms());
                }
                Answer::Done
            }
            Action::Tick => {
                self.clock.advance_ms(TICK_MS);
                Answer::Done
            }
            Action::StepBack => {
                self.clock.step_back_ms(self.skew_ms);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.breaker.status(self.clock.now_ms())))
    }
}

/// Two callers find an open breaker whose wait is over. For a breaker of three clients that opens at two failures in a
/// window of two, as all scripts here.
pub fn election() -> Script<Action> {
    Script::after(WAITED).thread([Action::Acquire { client: 0 }]).thread([Action::Acquire { client: 1 }])
}

/// One caller's failure opens the breaker while another's success is counted; then the first asks again.
pub fn count_and_open() -> Script<Action> {
    Script::after([Action::Acquire { client: 0 }, Action::Acquire { client: 1 }])
        .thread([Action::Report { client: 0, outcome: Outcome::Success }])
        .thread([Action::Report { client: 1, outcome: Outcome::Failure }, Action::Acquire { client: 1 }])
}

/// Open, and its wait over.
const WAITED: [Action; 7] = [
    Action::Acquire { client: 0 },
    Action::Report { client: 0, outcome: Outcome::Failure },
    Action::Acquire { client: 0 },
    Action::Report { client: 0, outcome: Outcome::Failure },
    Action::Tick,
    Action::Tick,
    Action::Tick,
];

/// What threads do at once, each script for a race of its own.
pub fn scripts() -> Vec<Script<Action>> {
    use Action::{Acquire, Report};
    let fail = |client| Report { client, outcome: Outcome::Failure };
    let succeed = |client| Report { client, outcome: Outcome::Success };
    let cancel = |client| Report { client, outcome: Outcome::Cancelled };
    let acquire = |client| Acquire { client };
    let and = |more: &[Action]| [&WAITED, more].concat();
    vec![
        election(),
        // The same with a third, who must come away empty-handed. All its schedules are more than 200,000.
        election().thread([acquire(2)]).preemptions_max(3),
        // A probe gives its permit back while another caller asks for one.
        Script::after(and(&[acquire(0), acquire(1)])).thread([cancel(0), acquire(0)]).thread([acquire(2)]),
        // A probe fails while another succeeds.
        Script::after(and(&[acquire(0), acquire(1)])).thread([fail(0)]).thread([succeed(1), acquire(1)]),
        // The last failure opens it while a caller comes and another goes.
        Script::after([acquire(0), acquire(1), fail(0)]).thread([fail(1), acquire(1)]).thread([acquire(2)]),
        // A result that is late arrives while the breaker closes.
        Script::after([vec![acquire(2)], and(&[acquire(0), succeed(0), acquire(0)])].concat())
            .thread([succeed(0), acquire(0)])
            .thread([fail(2), acquire(2)]),
        count_and_open(),
        // Counters of the window.
        Script::after([acquire(0), acquire(1), acquire(2)]).thread([succeed(0)]).thread([fail(1)]).thread([fail(2)]),
    ]
}
