//! The crates themselves.

use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use counterpart::Counterpart;
use counterpart::conform::virtual_clock::{self, VirtualClock};
use failsafe::futures::CircuitBreaker as _;
use failsafe::{FailurePolicy, backoff, failure_policy};
use tower::{Layer as _, Service as _};
use tower_resilience_circuitbreaker as tower_resilience;

use crate::circuit_breaker::conformance::{Answer, BreakerInterface, TICK_MS};
use crate::circuit_breaker::model::{Action, CLIENTS_MAX, Outcome};

const OPEN_WAIT: Duration = Duration::from_millis(3 * TICK_MS);

/// Open wait that two of the crates are given: they leave Open once *more* than the wait has passed, which on a clock
/// of whole ticks is a tick late, so that they are told to wait a nanosecond less.
const JUST_BELOW_OPEN_WAIT: Duration = Duration::from_nanos(OPEN_WAIT.as_nanos() as u64 - 1);

/// A time longer than any drive lasts: only [`Outcome::Slow`] is slow.
const SLOW: Duration = Duration::from_secs(1 << 40);

/// A crate in one configuration, its clock, and the calls of its clients.
pub(super) struct Driven {
    now: Duration,
    calls: [Option<Running>; CLIENTS_MAX],
    start: Box<dyn FnMut(Inner) -> Call>,
}

type Call = Pin<Box<dyn Future<Output = Ended>>>;

enum Ended {
    Rejected,
    Finished,
}

struct Running {
    call: Call,
    told: Arc<OnceLock<Outcome>>,
}

/// The protected call: pending until it is told how it ends.
struct Inner(Arc<OnceLock<Outcome>>);

impl Future for Inner {
    type Output = Result<Outcome, Outcome>;

    fn poll(self: Pin<&mut Self>, _: &mut Context) -> Poll<Self::Output> {
        match self.0.get() {
            None | Some(Outcome::Cancelled) => Poll::Pending,
            Some(outcome @ (Outcome::Success | Outcome::Slow)) => Poll::Ready(Ok(*outcome)),
            Some(outcome @ (Outcome::Failure | Outcome::Ignored)) => Poll::Ready(Err(*outcome)),
            Some(Outcome::Panicked) => panic::resume_unwind(Box::new("the protected call panics")),
        }
    }
}

/// Whether an error counts, as each crate is told.
fn counts(error: &Outcome) -> bool {
    *error != Outcome::Ignored
}

impl Driven {
    fn new(start: impl FnMut(Inner) -> Call + 'static) -> Self {
        Driven { now: Duration::ZERO, calls: Default::default(), start: Box::new(start) }
    }

    fn acquire(&mut self, client: u8) -> Answer {
        let _clock = VirtualClock::start_at(self.now);
        let told = Arc::new(OnceLock::new());
        let mut call = (self.start)(Inner(told.clone()));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.calls[usize::from(client)] = Some(Running { call, told });
                Answer::Admitted
            }
            Poll::Ready(Ended::Rejected) => Answer::Rejected,
            Poll::Ready(Ended::Finished) => panic!("a call ended that nobody ended"),
        }
    }

    fn report(&mut self, client: u8, outcome: Outcome) {
        let Some(mut running) = self.calls[usize::from(client)].take() else { return };
        let _clock = VirtualClock::start_at(self.now);
        if outcome == Outcome::Cancelled {
            return;
        }
        if running.told.set(outcome).is_err() {
            panic!("a call was ended twice");
        }
        let poll = || running.call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match panic::catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(Ended::Finished)) => {}
            Err(_) if outcome == Outcome::Panicked => {}
            Ok(_) => panic!("a call that was ended did not end"),
            Err(own) => panic::resume_unwind(own),
        }
    }
}

impl Counterpart<BreakerInterface> for Driven {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Acquire { client } => self.acquire(client),
            Action::Report { client, outcome } => {
                self.report(client, outcome);
                Answer::Done
            }
            Action::Tick => {
                self.now += Duration::from_millis(TICK_MS);
                Answer::Done
            }
            Action::StepBack => panic!("time under test goes forward only for this crate"),
        }
    }

    fn supports(&self, input: &Action) -> bool {
        *input != Action::StepBack
    }
}

/// failsafe that opens on four failures in a row.
pub(super) fn failsafe_consecutive() -> Driven {
    failsafe(|| failure_policy::consecutive_failures(4, backoff::constant(JUST_BELOW_OPEN_WAIT)))
}

/// failsafe that opens at half of at least four results in 999 ms.
pub(super) fn failsafe_window_below_a_second() -> Driven {
    failsafe(|| {
        let backoff = backoff::constant(JUST_BELOW_OPEN_WAIT);
        failure_policy::success_rate_over_time_window(0.5, 4, Duration::from_millis(999), backoff)
    })
}

fn failsafe<P: FailurePolicy + Send + Sync + 'static>(policy: impl FnOnce() -> P) -> Driven {
    // A policy looks at the clock when it is made.
    let _clock = VirtualClock::start_at(Duration::ZERO);
    let breaker = failsafe::Config::new().failure_policy(policy()).build();
    Driven::new(move |inner| {
        let call = breaker.call_with(counts, inner);
        Box::pin(async {
            match call.await {
                Err(failsafe::Error::Rejected) => Ended::Rejected,
                Ok(_) | Err(failsafe::Error::Inner(_)) => Ended::Finished,
            }
        })
    })
}

pub(super) fn recloser() -> Driven {
    let builder = recloser::Recloser::custom()
        .closed_len(3)
        .error_rate_closed(0.5)
        .half_open_len(1)
        .error_rate_half_open(0.5)
        .open_wait(JUST_BELOW_OPEN_WAIT);
    let breaker = recloser::AsyncRecloser::from(builder.build());
    Driven::new(move |inner| {
        let call = breaker.call_with(counts, inner);
        Box::pin(async {
            match call.await {
                Err(recloser::Error::Rejected) => Ended::Rejected,
                Ok(_) | Err(recloser::Error::Inner(_)) => Ended::Finished,
            }
        })
    })
}

/// tower-resilience that opens at half of the last four results, with two probes.
///
/// # Panics
/// If the crate refuses this configuration.
pub(super) fn tower_count_window() -> Driven {
    tower(|builder| builder.sliding_window_size(4))
}

/// tower-resilience that opens at half of at least four results of the last second, with two probes.
///
/// # Panics
/// If the crate refuses this configuration.
pub(super) fn tower_time_window() -> Driven {
    tower(|builder| {
        builder
            .sliding_window_type(tower_resilience::SlidingWindowType::TimeBased)
            .sliding_window_duration(Duration::from_millis(TICK_MS))
            .minimum_number_of_calls(4)
    })
}

type Builder = tower_resilience::CircuitBreakerConfigBuilder;

fn tower(window: impl FnOnce(Builder) -> Builder) -> Driven {
    let _clock = VirtualClock::start_at(Duration::ZERO);
    let layer = window(tower_resilience::CircuitBreakerLayer::builder())
        .failure_rate_threshold(0.5)
        .slow_call_duration_threshold(SLOW)
        .slow_call_rate_threshold(0.5)
        .wait_duration_in_open(OPEN_WAIT)
        .permitted_calls_in_half_open(2)
        .failure_classifier_type(Classifier)
        .build()
        .expect("the crate takes this configuration");
    let mut breaker = layer.layer(tower::service_fn(|inner: Inner| async {
        let result = inner.await;
        set_clock_for(&result, |now| now + SLOW);
        result
    }));
    Driven::new(move |inner| {
        let ready = breaker.poll_ready(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(ready, Poll::Ready(Ok(()))), "without backpressure it is always ready");
        let call = breaker.call(inner);
        Box::pin(async {
            match call.await {
                Err(tower_resilience::CircuitBreakerError::OpenCircuit) => Ended::Rejected,
                Ok(_) | Err(tower_resilience::CircuitBreakerError::Inner(_)) => Ended::Finished,
            }
        })
    })
}

/// Shifts the clock around the crate's own timing of a call: the crate reads the clock when the inner service has
/// answered, then asks the classifier. So a slow call sets the clock forward before the one and back in the other; no
/// other reading is touched.
fn set_clock_for(result: &Result<Outcome, Outcome>, shift: impl Fn(Duration) -> Duration) {
    if let (Ok(Outcome::Slow), Some(now)) = (result, virtual_clock::elapsed()) {
        virtual_clock::set_elapsed(shift(now));
    }
}

struct Classifier;

impl tower_resilience::FailureClassifier<Outcome, Outcome> for Classifier {
    fn classify(&self, result: &Result<Outcome, Outcome>) -> bool {
        set_clock_for(result, |now| now.saturating_sub(SLOW));
        result.as_ref().is_err_and(counts)
    }
}
