//! Circuit breakers: three states, and the retry storm they are for.
//!
//! 20 September 2015, us-east-1: a network blip; many storage servers ask the metadata service for memberships larger
//! than before; processing exceeds the retrieval time limit; servers disqualify themselves and retry; the service never
//! recovers until requests are paused. A breaker is meant to stand between such clients and such a service.
//!
//! # Check your own breaker
//! Here it is the one of this folder; bind yours in the same words.
//! ```
//! use counterpart::{Check, Counterpart};
//! use counterpart_models::circuit_breaker::conformance::{Answer, BreakerInterface};
//! use counterpart_models::circuit_breaker::model::{Action, Breaker};
//! use counterpart_models::circuit_breaker::{CircuitBreaker, Config, Outcome, Permit, Window};
//!
//! struct Mine { breaker: CircuitBreaker, now_ms: u64, permits: [Option<Permit>; 8] }
//!
//! impl Counterpart<BreakerInterface> for Mine {
//!     fn apply(&mut self, input: &Action) -> Answer {
//!         use counterpart_models::circuit_breaker::model::Outcome as Ended;
//!         match *input {
//!             Action::Acquire { client } => match self.breaker.try_acquire(self.now_ms) {
//!                 Ok(permit) => { self.permits[usize::from(client)] = Some(permit); Answer::Admitted }
//!                 Err(_) => Answer::Rejected,
//!             },
//!             Action::Report { client, outcome } => {
//!                 let Some(permit) = self.permits[usize::from(client)].take() else { return Answer::Done };
//!                 let outcome = match outcome {
//!                     Ended::Success => Outcome::Success,
//!                     Ended::Failure => Outcome::Failure,
//!                     Ended::Slow => Outcome::Slow,
//!                     Ended::Ignored => Outcome::Ignored,
//!                     Ended::Cancelled => Outcome::Cancelled,
//!                     Ended::Panicked => Outcome::Panicked,
//!                 };
//!                 self.breaker.report(permit, outcome, self.now_ms);
//!                 Answer::Done
//!             }
//!             Action::Tick => { self.now_ms += 1_000; Answer::Done }
//!             Action::StepBack => { self.now_ms -= 1_000; Answer::Done }
//!         }
//!     }
//! }
//!
//! let config = Config {
//!     window: Window::Calls { size: 4 },
//!     minimum_calls: 4,
//!     permits: 2,
//!     open_wait_ms: 3_000,
//!     half_open_wait_ms: None,
//!     ..Config::default()
//! };
//! let make = move || Mine {
//!     breaker: CircuitBreaker::new(config.clone()).expect("a breaker"),
//!     now_ms: 0,
//!     permits: Default::default(),
//! };
//! Check::of(Breaker::small()).interface(BreakerInterface).lockstep(make).assert();
//! ```
//!
//! # Sources
//! - M. Nygard, *Release It!*, 2nd ed., Pragmatic Bookshelf 2018, "Circuit Breaker" (the pattern).
//! - AWS message 5467D2, "Summary of the Amazon DynamoDB Service Disruption and Related Impacts in the US-East Region"
//!   (the story).
//! - resilience4j documentation, "CircuitBreaker" (windows, slow calls, half-open permits and maximum wait).
//! - Polly issue 217 (why a result of before is a matter of choice there), gobreaker (generations).
//! - N. Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021; L. Huang et al., "Metastable Failures
//!   in the Wild", OSDI 2022.
//!
//! # Abstracted away
//! - The backend: a call is acquire → run → report, arbitrarily late, with any outcome at any time.
//! - Time is in ticks; what happens within one is not ordered by time.
//! - Rates are of small windows; the arithmetic is the same, and walks go to larger ones.

pub mod conformance;
mod defects;
pub mod implementation;
pub mod model;
#[cfg(feature = "peers")]
pub mod peers;
pub mod recorded;
pub mod shared;
pub mod storm;

use std::sync::Arc;

use counterpart::conform::{self, Recovery};
use counterpart::explore::{Budget, explore};
use counterpart::model::Sequential;
use counterpart::{Case, Check};

use self::conformance::{BreakerInterface, BreakerSpec, CAN_CLOSE, CLOSES, CoreBinding, SharedBinding, scripts};
use self::model::{Backend, Breaker, Variant, WindowKind};

pub use self::implementation::{Config, ConfigError, Core, Outcome, Permit, PhaseName, Rejected, Status, Window};
pub use self::shared::CircuitBreaker;

use crate::{Generated, Protocol};

/// Locks and atomics as they are shipped.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

/// The shared breaker compiled a second time, on loom's locks and atomics.
#[path = "."]
mod loomed {
    use super::implementation;

    #[allow(dead_code, unreachable_pub, reason = "it is compiled to be raced, not to be used")]
    pub(super) mod shared;

    mod sync {
        pub(super) use std::sync::PoisonError;

        pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
        pub(super) use loom::sync::{Mutex, MutexGuard};
    }
}

type Shipped = SharedBinding<shared::CircuitBreaker>;
type Raced = SharedBinding<loomed::shared::CircuitBreaker>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "circuit_breaker", cases, generated };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated { file: "storm/README.md", part: Some("policies"), text: storm::table() },
    ]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(variants());
    cases.push(defects::case());
    cases.push(defects::stuck_case());
    cases.extend(storm::cases());
    cases.push(defects::racing_case(racing()));
    cases.extend(recorded::cases());
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases
}

/// A check of `model` as it reads and looks from outside.
pub(crate) fn check(model: Breaker) -> Check<Breaker, BreakerInterface> {
    Check::of(model).interface(BreakerInterface).spec(BreakerSpec::default())
}

/// The same, and it must close for good once the backend is healthy.
fn lively(model: Breaker) -> Check<Breaker, BreakerInterface> {
    check(model).spec(BreakerSpec { closes_for_good: true })
}

/// A check with our own breaker in every sequential mode.
fn with_ours(model: Breaker) -> Check<Breaker, BreakerInterface> {
    let (core, toured, walked) = (model.clone(), model.clone(), larger(&model));
    let walked_there = walked.clone();
    check(model).product(move || CoreBinding::new(&core)).tour(move || Sequential(Shipped::new(&toured))).subject(
        "implementation",
        conform::Walk::new().beside(walked).runs(200).steps(400).of(move || Sequential(Shipped::new(&walked_there))),
    )
}

/// Beyond what can be explored: three times the window, twice the permits, all the clients.
fn larger(model: &Breaker) -> Breaker {
    let window = match model.window {
        WindowKind::Calls(size) => WindowKind::Calls((3 * size).min(model::WINDOW_MAX)),
        WindowKind::Ticks { ticks, results_max } => WindowKind::Ticks { ticks, results_max: 3 * results_max },
        WindowKind::Everything { results_max } => WindowKind::Everything { results_max: 3 * results_max },
    };
    Breaker { window, permits: 2 * model.permits, clients: model::CLIENTS_MAX as u8, ..model.clone() }
}

/// Our own breaker, asked to recover.
const RECOVERS: &str = "implementation, once calls succeed";

/// Once every call succeeds and nobody is cancelled it closes.
fn recovery() -> Recovery<BreakerInterface> {
    Recovery::new(|_, state: &model::State| state.phase == model::Phase::Closed).without(|input| match input {
        model::Action::Report { outcome, .. } => *outcome != model::Outcome::Success,
        model::Action::StepBack => true,
        model::Action::Acquire { .. } | model::Action::Tick => false,
    })
}

/// Small enough to be raced: two failures open it.
fn racing() -> Breaker {
    Breaker { window: WindowKind::Calls(2), minimum_calls: 2, clients: 3, ..Breaker::small() }
}

fn sound() -> Vec<Case> {
    let small = Breaker::small();
    let raced = racing();
    vec![
        Case::new(
            "circuit_breaker/breaker",
            with_ours(small.clone()).subject(RECOVERS, {
                let model = larger(&small);
                let there = model.clone();
                recovery().beside(model).of(move || Sequential(Shipped::new(&there)))
            }),
        ),
        Case::new(
            "circuit_breaker/breaker_races",
            with_ours(racing()).interleave(scripts(), move || Raced::new(&raced)),
        ),
        Case::new(
            "circuit_breaker/breaker_half_open_wait",
            with_ours(Breaker { half_open_wait_ticks: Some(4), clients: 3, ..small.clone() }),
        ),
        Case::new(
            "circuit_breaker/breaker_slow_and_skewed",
            with_ours(Breaker {
                slow_rate_percent: Some(75),
                skew_ticks: 2,
                steps_back_max: 2,
                clients: 2,
                half_open_wait_ticks: Some(3),
                ..small.clone()
            }),
        ),
        Case::new(
            "circuit_breaker/breaker_time_window",
            with_ours(Breaker {
                window: WindowKind::Ticks { ticks: 2, results_max: 3 },
                minimum_calls: 3,
                clients: 3,
                ..small.clone()
            }),
        ),
        Case::new(
            "circuit_breaker/breaker_backend_heals",
            lively(Breaker { backend: Backend::Heals { faults_max: 6 }, clients: 2, ..small.clone() }),
        ),
        Case::new(
            "circuit_breaker/breaker_backend_dead",
            with_ours(Breaker { backend: Backend::Dead, clients: 3, ..small.clone() })
                .violates("it closes again")
                .violates(CAN_CLOSE)
                .because(CAN_CLOSE, "nothing that it could do would make a dead backend answer"),
        ),
        // The half-open wait has to outlast the calls: this is no defect of the breaker but of its configuration.
        Case::new(
            "circuit_breaker/slow_probes_never_close_it",
            lively(Breaker {
                backend: Backend::Heals { faults_max: 6 },
                half_open_wait_ticks: Some(4),
                clients: 2,
                ..small.clone()
            })
            .violates(CLOSES)
            .because(CLOSES, SLOW_PROBES),
        ),
        Case::new(
            "circuit_breaker/breaker_window_8",
            check(Breaker {
                window: WindowKind::Calls(8),
                minimum_calls: 8,
                clients: 6,
                interchangeable_clients: true,
                ..small.clone()
            }),
        ),
        Case::new("circuit_breaker/breaker_window_7_slow_and_skewed", check(slow_and_skewed(7, 5))),
        Case::new("circuit_breaker/breaker_window_8_slow_and_skewed", check(slow_and_skewed(8, 6))).large(),
        Case::new("circuit_breaker/breaker_window_9_slow_and_skewed", check(slow_and_skewed(9, 6))).large(),
    ]
}

/// Why a breaker with a half-open wait need not close, even on a healthy backend.
const SLOW_PROBES: &str = "each probe succeeds, but after the half-open wait: the round was given up by then, and its \
                           results are late. The half-open wait must be longer than a call may take";

/// Slow calls and a clock that is set back, and as much of a window as there is patience for.
fn slow_and_skewed(window: u8, clients: u8) -> Breaker {
    Breaker {
        window: WindowKind::Calls(window),
        minimum_calls: window,
        slow_rate_percent: Some(75),
        skew_ticks: 2,
        steps_back_max: 2,
        clients,
        interchangeable_clients: true,
        half_open_wait_ticks: Some(3),
        ..Breaker::small()
    }
}

/// The breaker's three phases and what leads from one to another, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let graph = explore(Arc::new(Breaker::small()), &Budget::default()).expect("the sound model can be explored");
    let phase = |state: &model::State| match state.phase {
        model::Phase::Closed => "Closed".to_string(),
        model::Phase::Open { .. } => "Open".to_string(),
        model::Phase::HalfOpen { .. } => "HalfOpen".to_string(),
    };
    counterpart::view::state_diagram(&graph, phase, |action| match action {
        model::Action::Acquire { .. } => "acquire".into(),
        model::Action::Report { outcome, .. } => format!("{outcome:?}").to_lowercase(),
        model::Action::Tick => "tick".into(),
        model::Action::StepBack => "step back".into(),
    })
}

/// Each defect, with the property that catches it.
fn variants() -> Vec<Case> {
    let small = Breaker::small();
    let skewed = Breaker { skew_ticks: 1, steps_back_max: 1, clients: 2, ..small.clone() };
    let slow = Breaker { slow_rate_percent: Some(50), clients: 2, ..small.clone() };
    let with_minimum = Breaker { minimum_calls: 3, ..small.clone() };
    let defects: [(Breaker, &[&str]); 11] = [
        (
            small.clone().with(Variant::TrustsLateResults),
            &[
                "only results of the current generation move it",
                "a half-open round admits no more than its permits",
                "it opens only when the results call for it",
                "it opens whenever the results call for it",
            ],
        ),
        (
            small.clone().with(Variant::LeaksPermitOnCancel),
            &["every permit out belongs to a running or successful probe", CAN_CLOSE],
        ),
        (small.clone().with(Variant::ForgetsElectingProbe), &["a half-open round admits no more than its permits"]),
        (small.clone().with(Variant::WindowNeverSlides), &["it opens whenever the results call for it"]),
        (small.clone().with(Variant::IgnoresFailedProbe), &["a failed probe opens it again"]),
        (skewed.with(Variant::WrapsBackwardClock), &["open admits none before its wait is over"]),
        (small.clone().with(Variant::ReopensEarly), &["open admits none before its wait is over"]),
        (with_minimum.with(Variant::TripsBelowMinimum), &["it opens only when the results call for it"]),
        (small.clone().with(Variant::ComparesRateStrictly), &["it opens whenever the results call for it"]),
        (
            slow.with(Variant::OverlooksSlowCalls),
            &["it opens whenever the results call for it", "a failed probe opens it again"],
        ),
        (small.with(Variant::KeepsWindowOnClose), &["it opens only when the results call for it"]),
    ];
    let healing = Breaker { backend: Backend::Heals { faults_max: 6 }, clients: 2, ..Breaker::small() };
    let leaking = healing.with(Variant::LeaksPermitOnCancel);
    let given_up = Breaker { half_open_wait_ticks: Some(4), ..leaking.clone() };
    let leak = "every permit out belongs to a running or successful probe";
    let dead = Breaker { backend: Backend::Dead, clients: 3, ..Breaker::small() };
    let told_apart = [
        // A leak is a trap, which a half-open wait opens again: the permits are still lost, and yet it closes.
        Case::new(
            "circuit_breaker/leaks_permit_for_ever",
            lively(leaking).violates(leak).violates(CAN_CLOSE).violates(CLOSES),
        ),
        Case::new(
            "circuit_breaker/leaks_permit_until_given_up",
            lively(given_up).violates(leak).violates(CLOSES).because(CLOSES, SLOW_PROBES),
        ),
        Case::new(
            "circuit_breaker/asks_a_dead_backend_on_and_on",
            check(dead.with(Variant::IgnoresFailedProbe))
                .violates("a failed probe opens it again")
                .violates("a dead backend sees no more calls per open wait than permits")
                .violates("it closes again")
                .violates(CAN_CLOSE)
                .because(CAN_CLOSE, "nothing that it could do would make a dead backend answer"),
        ),
    ];
    defects
        .into_iter()
        .map(|(model, violated)| {
            let name = crate::snake(model.variant);
            let check = violated.iter().fold(check(model), |check, property| check.violates(*property));
            Case::new(format!("circuit_breaker/{name}"), check)
        })
        .chain(told_apart)
        .collect()
}
