//! Our own breaker, bound to the model's words: as a core, which can be explored together with the model, and as threads
//! share it.

use counterpart::Shared;
use counterpart::conform::interleave::Script;
use counterpart::model::{Hold, SettableClock, Slots};

use super::conformance::{Answer, BreakerInterface, Seen, TICK_MS};
use super::implementation::{self, Config, ConfigError, Core, Permit, Rejected, Status};
use super::model::{Action, Breaker, CLIENTS_MAX, Outcome, WindowKind};

/// What the clock of a breaker under test shows first: enough to be set back.
pub const START_MS: u64 = 1_000 * TICK_MS;

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

/// A breaker under test: the one that threads share as it is shipped, the same as loom compiles it, defective ones, and a
/// core, however it is held.
pub trait SharedBreaker: Send + Sync {
    /// Makes a closed breaker.
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
    /// What an operator wants to see of the breaker.
    fn status(&self, now_ms: u64) -> Status;
    /// The core, where that is plain data.
    fn core(&mut self) -> Option<&mut Core> {
        None
    }
}

impl<H: Hold<Core>> SharedBreaker for H {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Core::new(config).map(H::hold)
    }

    fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
        self.with(|core| core.try_acquire(now_ms))
    }

    fn report(&self, permit: Permit, outcome: implementation::Outcome, now_ms: u64) {
        self.with(|core| core.report(permit, outcome, now_ms));
    }

    fn status(&self, now_ms: u64) -> Status {
        self.with(|core| core.status(now_ms))
    }

    fn core(&mut self) -> Option<&mut Core> {
        self.plain()
    }
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

/// A breaker with its clock, and what it handed out to each client.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Binding<B> {
    breaker: B,
    clock: SettableClock,
    skew_ms: u64,
    /// How far back the clock may still go: what lies further behind is all alike.
    back_max_ms: SettableClock,
    /// The generation of each client's permit.
    permits: Slots<u64>,
}

impl<B: SharedBreaker> Binding<B> {
    /// The breaker that `model` describes.
    ///
    /// # Panics
    /// If the model's bounds make no breaker.
    pub fn new(model: &Breaker) -> Self {
        let skew_ms = u64::from(model.skew_ticks) * TICK_MS;
        Binding {
            breaker: B::new(config(model)).expect("a model in the catalogue describes a breaker"),
            clock: SettableClock::at(START_MS),
            skew_ms,
            back_max_ms: SettableClock::at(skew_ms * u64::from(model.steps_back_max)),
            permits: Slots::new(CLIENTS_MAX),
        }
    }
}

impl<B: SharedBreaker> Shared<BreakerInterface> for Binding<B> {
    fn call(&self, input: &Action) -> Answer {
        match *input {
            Action::Acquire { client } => match self.breaker.try_acquire(self.clock.now()) {
                Ok(permit) => {
                    self.permits.put(usize::from(client), permit.generation);
                    Answer::Admitted
                }
                Err(_) => Answer::Rejected,
            },
            Action::Report { client, outcome } => {
                if let Some(generation) = self.permits.take(usize::from(client)) {
                    self.breaker.report(Permit { generation }, translated(outcome), self.clock.now());
                }
                Answer::Done
            }
            Action::Tick => {
                self.clock.advance(TICK_MS);
                Answer::Done
            }
            Action::StepBack => {
                self.clock.step_back(self.skew_ms);
                self.back_max_ms.step_back(self.skew_ms);
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        Some(seen(self.breaker.status(self.clock.now())))
    }

    /// Instants are taken relative to now, generations to the current one.
    fn canonical(&mut self) {
        let (now_ms, back_max_ms) = (self.clock.now(), self.back_max_ms.now());
        let Some(core) = self.breaker.core() else { return };
        // Further behind than the clock may go back is long ago, however long.
        let shifted = |at_ms: u64| (at_ms + START_MS - now_ms).max(START_MS - back_max_ms);
        match &mut core.phase {
            implementation::Phase::Closed => {}
            implementation::Phase::Open { until_ms } => *until_ms = shifted(*until_ms),
            implementation::Phase::HalfOpen { until_ms, .. } => *until_ms = until_ms.map(shifted),
        }
        if let implementation::Results::Time { buckets } = &mut core.results
            && let implementation::Window::Time { buckets: kept, bucket_ms } = core.config.window
        {
            let newest = now_ms / bucket_ms;
            buckets.retain(|(number, _)| newest.saturating_sub(*number) < u64::from(kept));
            buckets.iter_mut().for_each(|(number, _)| *number = *number + START_MS / bucket_ms - newest);
        }
        self.permits.held().for_each(|generation| *generation = u64::from(*generation == core.generation));
        core.generation = 1;
        self.clock = SettableClock::at(START_MS);
    }
}

/// Two callers that find an open breaker whose wait is over. For a breaker of three clients that opens at two failures
/// in a window of two, as all scripts here.
pub fn election() -> Script<Action> {
    Script::after(WAITED).thread([Action::Acquire { client: 0 }]).thread([Action::Acquire { client: 1 }])
}

/// One caller's failure that opens the breaker while another's success is counted; then the first asks again.
pub fn count_and_open() -> Script<Action> {
    Script::after([Action::Acquire { client: 0 }, Action::Acquire { client: 1 }])
        .thread([Action::Report { client: 0, outcome: Outcome::Success }])
        .thread([Action::Report { client: 1, outcome: Outcome::Failure }, Action::Acquire { client: 1 }])
}

/// Steps to an open breaker whose wait is over.
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
