//! The cases of the catalogue: the sound breaker in several bounds, each defect, the storm, logs and crates.

use std::sync::Arc;

use counterpart::conform::{Recovery, Walk};
use counterpart::explore::{Budget, explore};
use counterpart::model::{Plain, Sequential};
use counterpart::{Case, Check};

use super::bindings::{Binding, scripts};
use super::conformance::{BreakerInterface, BreakerSpec};
use super::implementation::Core;
use super::model::{self, Backend, Breaker, WindowKind};
use super::properties::{CAN_CLOSE, CLOSES};
use super::{check, defects, loomed, recorded, shared, storm};
use crate::{Generated, Protocol};

type Alone = Binding<Plain<Core>>;
type Shipped = Binding<shared::CircuitBreaker>;
type Raced = Binding<loomed::shared::CircuitBreaker>;

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "circuit_breaker", cases, generated, pictures: &[] };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated { file: "storm/README.md", part: Some("policies"), text: storm::table() },
    ]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(backends());
    cases.extend(large_windows());
    cases.extend(defects::as_models());
    cases.push(defects::as_implementations());
    cases.push(defects::never_recovers());
    cases.extend(storm::cases());
    cases.push(defects::between_threads(racing()));
    cases.extend(recorded::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

/// A check that also asks that the breaker closes for good once the backend is healthy.
pub(super) fn lively(model: Breaker) -> Check<Breaker, BreakerInterface> {
    check(model).spec(BreakerSpec { closes_for_good: true })
}

/// A check with our own breaker in every sequential mode.
pub(super) fn with_ours(model: Breaker) -> Check<Breaker, BreakerInterface> {
    let (larger, walk) = (larger(&model), Walk::new().runs(200).steps(400));
    check(model).sequential(
        larger,
        walk,
        |model| Sequential(Alone::new(model)),
        |model| Sequential(Shipped::new(model)),
    )
}

/// A model beyond what can be explored: three times the window, twice the permits, all the clients.
fn larger(model: &Breaker) -> Breaker {
    let window = match model.window {
        WindowKind::Calls(size) => WindowKind::Calls((3 * size).min(model::WINDOW_MAX)),
        WindowKind::Ticks { ticks, results_max } => WindowKind::Ticks { ticks, results_max: 3 * results_max },
        WindowKind::Everything { results_max } => WindowKind::Everything { results_max: 3 * results_max },
    };
    Breaker { window, permits: 2 * model.permits, clients: model::CLIENTS_MAX as u8, ..model.clone() }
}

/// Name of our own breaker where it is asked to recover.
const RECOVERS: &str = "implementation, once calls succeed";

/// A demand that the breaker closes once every call succeeds and nobody is cancelled.
pub(super) fn recovery() -> Recovery<BreakerInterface> {
    Recovery::new(|_, state: &model::State| state.phase == model::Phase::Closed).without(|input| match input {
        model::Action::Report { outcome, .. } => *outcome != model::Outcome::Success,
        model::Action::StepBack => true,
        model::Action::Acquire { .. } | model::Action::Tick => false,
    })
}

/// A breaker small enough to be raced: two failures open it.
pub(super) fn racing() -> Breaker {
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
    ]
}

/// Cases of backends that heal, or never do.
fn backends() -> Vec<Case> {
    let small = Breaker::small();
    vec![
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
    ]
}

/// Cases with as much of a window as there is patience for.
fn large_windows() -> Vec<Case> {
    let small = Breaker::small();
    vec![
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
pub(super) const SLOW_PROBES: &str = "each probe succeeds, but after the half-open wait: the round was given up by then, and its \
                           results are late. The half-open wait must be longer than a call may take";

/// A breaker with slow calls and a clock that is set back, and with as much of a window as there is patience for.
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
