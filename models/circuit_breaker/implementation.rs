//! A circuit breaker as a service would ship it.
//!
//! Time is passed in as milliseconds of any clock that the caller reads; one that goes backwards makes the breaker wait
//! longer and does nothing worse. Nothing is spawned, no lock is held while the protected call runs.
//!
//! [`Core`] is plain data without a lock, for one thread or for those who bring their own. Threads share a
//! [`CircuitBreaker`](super::shared::CircuitBreaker), which is this with a lock around it.

use std::collections::VecDeque;

use thiserror::Error;

/// How a breaker behaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The results that rates are taken of.
    pub window: Window,
    /// Results in the window before the breaker can open; 1 or more.
    pub minimum_calls: u32,
    /// Failures, in percent of the results in the window, at which it opens; 1 to 100.
    pub failure_rate_percent: u8,
    /// Slow calls, in percent of the results in the window, at which it opens; 1 to 100. `None`: a slow call is a
    /// success.
    pub slow_rate_percent: Option<u8>,
    /// Calls admitted in one half-open round; as many successes close the breaker; 1 or more.
    pub permits: u32,
    /// Time that it stays open, in milliseconds.
    pub open_wait_ms: u64,
    /// Time after which a half-open round whose permits are all out is given up, and the breaker opens again, in
    /// milliseconds. `None`: never, so that one probe that is neither answered nor cancelled keeps the breaker
    /// half-open for ever.
    pub half_open_wait_ms: Option<u64>,
}

/// The results that rates are taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last `size` results.
    Calls {
        /// Number of results, 1 to [`WINDOW_CALLS_MAX`].
        size: u32,
    },
    /// The results of the last `buckets` × `bucket_ms`, in steps of `bucket_ms`.
    Time {
        /// Number of buckets, 1 to [`WINDOW_BUCKETS_MAX`].
        buckets: u32,
        /// Length of a bucket in milliseconds, 1 or more.
        bucket_ms: u64,
    },
}

/// The largest window of calls: a megabyte of results.
pub const WINDOW_CALLS_MAX: u32 = 1 << 20;

/// The largest number of buckets of a time window.
pub const WINDOW_BUCKETS_MAX: u32 = 1 << 12;

impl Default for Config {
    /// The last 100 results, at least 20, half of them failures; 5 probes after 30 s, given up after 60 s.
    fn default() -> Self {
        Config {
            window: Window::Calls { size: 100 },
            minimum_calls: 20,
            failure_rate_percent: 50,
            slow_rate_percent: None,
            permits: 5,
            open_wait_ms: 30_000,
            half_open_wait_ms: Some(60_000),
        }
    }
}

/// A configuration that makes no breaker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A size out of range.
    #[error("{field} is {value}, it must be between {min} and {max}")]
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// The value that was given.
        value: u64,
        /// The least that is allowed.
        min: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// More results are asked for than the window can hold, so that the breaker would never open.
    #[error("minimum_calls is {minimum}, the window holds at most {size} results: the breaker would never open")]
    MinimumBeyondWindow {
        /// The minimum of results that is asked for.
        minimum: u32,
        /// The size of the window.
        size: u32,
    },
}

impl Config {
    fn validated(self) -> Result<Self, ConfigError> {
        let within = |field, value: u64, min: u64, max: u64| {
            if (min..=max).contains(&value) { Ok(()) } else { Err(ConfigError::OutOfRange { field, value, min, max }) }
        };
        match self.window {
            Window::Calls { size } => {
                within("window.size", size.into(), 1, WINDOW_CALLS_MAX.into())?;
                if self.minimum_calls > size {
                    return Err(ConfigError::MinimumBeyondWindow { minimum: self.minimum_calls, size });
                }
            }
            Window::Time { buckets, bucket_ms } => {
                within("window.buckets", buckets.into(), 1, WINDOW_BUCKETS_MAX.into())?;
                within("window.bucket_ms", bucket_ms, 1, u64::MAX)?;
            }
        }
        within("minimum_calls", self.minimum_calls.into(), 1, u32::MAX.into())?;
        within("failure_rate_percent", self.failure_rate_percent.into(), 1, 100)?;
        if let Some(percent) = self.slow_rate_percent {
            within("slow_rate_percent", percent.into(), 1, 100)?;
        }
        within("permits", self.permits.into(), 1, u32::MAX.into())?;
        Ok(self)
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The call succeeded in time.
    Success,
    /// The call failed by an error of the backend.
    Failure,
    /// The call succeeded, but too slowly.
    Slow,
    /// The call failed by an error that is not the backend's; not counted.
    Ignored,
    /// The caller went away; not counted.
    Cancelled,
    /// The caller panicked; counted as a failure.
    Panicked,
}

/// The right to make one call. Give it back with [`Core::report`]; one that is dropped instead keeps its place
/// in a half-open round until the round is given up ([`Config::half_open_wait_ms`]).
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a permit that is not reported keeps its place in a half-open round"]
pub struct Permit {
    pub(super) generation: u64,
}

impl Permit {
    /// The permit that a gate stands for, if it stands open.
    pub(super) fn through(gate: u64) -> Option<Self> {
        (gate & 1 == 1).then_some(Permit { generation: gate >> 1 })
    }
}

/// Why a call is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Rejected {
    /// The backend is taken to be down.
    #[error("the circuit is open for another {retry_after_ms} ms")]
    Open {
        /// Time until a probe may be admitted, in milliseconds.
        retry_after_ms: u64,
    },
    /// Enough probes are under way.
    #[error("the circuit is half-open and all its probes are under way")]
    HalfOpen,
}

/// The breaker as an operator wants to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// The phase: closed, open or half-open.
    pub phase: PhaseName,
    /// Time until the first caller turns an open breaker half-open, in milliseconds; `None` in other phases.
    pub retry_after_ms: Option<u64>,
    /// Permits left in this half-open round; `None` in other phases.
    pub permits_left: Option<u32>,
    /// Results in the window.
    pub calls: u32,
    /// Failures among them.
    pub failed: u32,
    /// Slow ones among them.
    pub slow: u32,
}

/// A phase's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhaseName {
    /// Everyone is let through.
    Closed,
    /// No one is let through.
    Open,
    /// A few are let through, to see.
    HalfOpen,
}

/// The breaker without a lock: plain data, time passed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core {
    pub(super) config: Config,
    pub(super) phase: Phase,
    /// The number of changes of phase: a permit of an older one is late.
    pub(super) generation: u64,
    pub(super) results: Results,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Closed,
    Open { until_ms: u64 },
    HalfOpen { admitted: u32, succeeded: u32, until_ms: Option<u64> },
}

/// A result as a window holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    Success,
    Failure,
    Slow,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

impl Tally {
    fn add(&mut self, result: Counted) {
        // A time window may see more results than fit: it then stops counting, which keeps the rate.
        if self.calls == u32::MAX {
            return;
        }
        self.calls += 1;
        match result {
            Counted::Success => {}
            Counted::Failure => self.failed += 1,
            Counted::Slow => self.slow += 1,
        }
    }

    fn remove(&mut self, result: Counted) {
        self.calls -= 1;
        match result {
            Counted::Success => {}
            Counted::Failure => self.failed -= 1,
            Counted::Slow => self.slow -= 1,
        }
    }
}

/// The window's contents, with their sum kept beside them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Results {
    Calls {
        last: VecDeque<Counted>,
        sum: Tally,
    },
    /// Buckets by number (time divided by their length), oldest first, empty ones left out.
    Time {
        buckets: VecDeque<(u64, Tally)>,
    },
}

impl Core {
    /// A closed breaker.
    ///
    /// # Errors
    /// The configuration makes no breaker.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let config = config.validated()?;
        Ok(Core { phase: Phase::Closed, generation: 0, results: empty(config.window), config })
    }

    /// Asks for a call to be let through.
    ///
    /// # Errors
    /// It is not, and why.
    pub fn try_acquire(&mut self, now_ms: u64) -> Result<Permit, Rejected> {
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { until_ms } if now_ms < *until_ms => {
                return Err(Rejected::Open { retry_after_ms: *until_ms - now_ms });
            }
            Phase::Open { .. } => {
                let until_ms = self.config.half_open_wait_ms.map(|wait_ms| now_ms.saturating_add(wait_ms));
                self.turn(Phase::HalfOpen { admitted: 1, succeeded: 0, until_ms });
            }
            Phase::HalfOpen { admitted, .. } if *admitted < self.config.permits => *admitted += 1,
            Phase::HalfOpen { until_ms: Some(until_ms), .. } if now_ms >= *until_ms => {
                let retry_after_ms = self.open(now_ms);
                return Err(Rejected::Open { retry_after_ms });
            }
            Phase::HalfOpen { .. } => return Err(Rejected::HalfOpen),
        }
        Ok(Permit { generation: self.generation })
    }

    /// Ends a call. Results of an older generation are not counted.
    pub fn report(&mut self, permit: Permit, outcome: Outcome, now_ms: u64) {
        if permit.generation != self.generation {
            return;
        }
        let result = match outcome {
            Outcome::Success => Some(Counted::Success),
            Outcome::Failure | Outcome::Panicked => Some(Counted::Failure),
            Outcome::Slow if self.config.slow_rate_percent.is_none() => Some(Counted::Success),
            Outcome::Slow => Some(Counted::Slow),
            Outcome::Ignored | Outcome::Cancelled => None,
        };
        match (&mut self.phase, result) {
            (Phase::Closed, Some(result)) => {
                self.results.add(&self.config, result, now_ms);
                if self.config.calls_for_opening(self.results.sum(&self.config, now_ms)) {
                    self.open(now_ms);
                }
            }
            (Phase::HalfOpen { succeeded, .. }, Some(Counted::Success)) => {
                *succeeded += 1;
                if *succeeded >= self.config.permits {
                    self.turn(Phase::Closed);
                }
            }
            (Phase::HalfOpen { .. }, Some(Counted::Failure | Counted::Slow)) => {
                self.open(now_ms);
            }
            (Phase::HalfOpen { admitted, .. }, None) => *admitted = admitted.saturating_sub(1),
            (Phase::Closed, None) | (Phase::Open { .. }, _) => {}
        }
    }

    /// Doubled, plus one while the breaker is closed: all that is needed to admit a call of a closed breaker.
    pub(super) fn gate(&self) -> u64 {
        (self.generation << 1) | u64::from(self.phase == Phase::Closed)
    }

    /// The breaker as an operator wants to see it. Changes nothing: an open breaker whose wait is over stays open until
    /// someone calls.
    pub fn status(&self, now_ms: u64) -> Status {
        let sum = self.results.sum(&self.config, now_ms);
        let (phase, retry_after_ms, permits_left) = match self.phase {
            Phase::Closed => (PhaseName::Closed, None, None),
            Phase::Open { until_ms } => (PhaseName::Open, Some(until_ms.saturating_sub(now_ms)), None),
            Phase::HalfOpen { admitted, .. } => {
                (PhaseName::HalfOpen, None, Some(self.config.permits.saturating_sub(admitted)))
            }
        };
        Status { phase, retry_after_ms, permits_left, calls: sum.calls, failed: sum.failed, slow: sum.slow }
    }

    /// Opens the breaker, and returns for how many milliseconds.
    fn open(&mut self, now_ms: u64) -> u64 {
        let wait_ms = self.config.open_wait_ms;
        self.turn(Phase::Open { until_ms: now_ms.saturating_add(wait_ms) });
        wait_ms
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        // A shared breaker keeps it in one word with a bit beside it; it comes round after more changes than will be.
        self.generation = (self.generation + 1) & (u64::MAX >> 1);
        self.results = empty(self.config.window);
    }
}

impl Config {
    fn calls_for_opening(&self, sum: Tally) -> bool {
        let reaches = |count: u32, percent: u8| u64::from(count) * 100 >= u64::from(percent) * u64::from(sum.calls);
        sum.calls >= self.minimum_calls
            && (reaches(sum.failed, self.failure_rate_percent)
                || self.slow_rate_percent.is_some_and(|percent| reaches(sum.slow, percent)))
    }
}

fn empty(window: Window) -> Results {
    match window {
        Window::Calls { .. } => Results::Calls { last: VecDeque::new(), sum: Tally::default() },
        Window::Time { .. } => Results::Time { buckets: VecDeque::new() },
    }
}

impl Results {
    fn add(&mut self, config: &Config, result: Counted, now_ms: u64) {
        match (self, config.window) {
            (Results::Calls { last, sum }, Window::Calls { size }) => {
                if last.len() >= size as usize
                    && let Some(oldest) = last.pop_front()
                {
                    sum.remove(oldest);
                }
                last.push_back(result);
                sum.add(result);
            }
            (Results::Time { buckets: held }, Window::Time { buckets, bucket_ms }) => {
                // A clock that went back adds to the newest bucket there is.
                let number = held.back().map_or(0, |(newest, _)| *newest).max(now_ms / bucket_ms);
                match held.back_mut() {
                    Some((newest, tally)) if *newest == number => tally.add(result),
                    Some(_) | None => {
                        let mut tally = Tally::default();
                        tally.add(result);
                        held.push_back((number, tally));
                    }
                }
                while held.front().is_some_and(|(oldest, _)| number - oldest >= u64::from(buckets)) {
                    held.pop_front();
                }
            }
            (Results::Calls { .. }, Window::Time { .. }) | (Results::Time { .. }, Window::Calls { .. }) => {
                unreachable!("results are made for the window of the same configuration")
            }
        }
    }

    fn sum(&self, config: &Config, now_ms: u64) -> Tally {
        match (self, config.window) {
            (Results::Time { buckets: held }, Window::Time { buckets, bucket_ms }) => {
                let number = now_ms / bucket_ms;
                let current = held.iter().filter(|(at, _)| number.saturating_sub(*at) < u64::from(buckets));
                current.fold(Tally::default(), |sum, (_, tally)| Tally {
                    calls: sum.calls.saturating_add(tally.calls),
                    failed: sum.failed.saturating_add(tally.failed),
                    slow: sum.slow.saturating_add(tally.slow),
                })
            }
            (Results::Calls { sum, .. }, _) => *sum,
            (Results::Time { .. }, Window::Calls { .. }) => Tally::default(),
        }
    }
}
