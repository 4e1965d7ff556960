//! Defects: each as a model and as an implementation, for one reason; and what goes wrong only between threads.

use std::sync::PoisonError;

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;
use counterpart::conform::interleave::sync::Mutex;
use counterpart::conform::interleave::sync::atomic::{AtomicU64, Ordering};
use counterpart::conform::interleave::{Interleave, LosesUpdates};

use super::bindings::{Binding, SharedBreaker, count_and_open, election};
use super::cases::{SLOW_PROBES, lively, recovery, with_ours};
use super::check;
use super::implementation::{Config, ConfigError, Core, Outcome, Permit, Rejected, Status};
use super::model::{Backend, Breaker, Variant, WindowKind};
use super::properties::{CAN_CLOSE, CLOSES};

/// The property that a leaked permit violates.
const PERMITS_ARE_KEPT_TRACK_OF: &str = "every permit out belongs to a running or successful probe";

/// The table of defects. The reasons are not told in traces, which have those of the properties.
fn defects() -> Vec<Defect<Breaker>> {
    [of_phases(), of_the_clock(), of_results()].concat()
}

/// Defects in who is let through, and in what becomes of a probe.
fn of_phases() -> Vec<Defect<Breaker>> {
    let small = Breaker::small;
    vec![
        defect(
            Variant::TrustsLateResults,
            "it takes the result of a call that was admitted before it last changed its phase",
            small(),
            &[
                "only results of the current generation move it",
                "a half-open round admits no more than its permits",
                "it opens only when the results call for it",
                "it opens whenever the results call for it",
            ],
        ),
        defect(
            Variant::LeaksPermitOnCancel,
            "the permit of a probe that is cancelled or ignored is gone with it",
            small(),
            &[PERMITS_ARE_KEPT_TRACK_OF, CAN_CLOSE],
        ),
        defect(
            Variant::ForgetsElectingProbe,
            "the caller that turns it half-open is not counted as a probe",
            small(),
            &["a half-open round admits no more than its permits"],
        ),
        defect(
            Variant::WindowNeverSlides,
            "the window is filled once, and later results are not seen",
            small(),
            &["it opens whenever the results call for it"],
        ),
        defect(
            Variant::IgnoresFailedProbe,
            "it stays half-open when a probe fails",
            small(),
            &["a failed probe opens it again"],
        ),
    ]
}

/// Defects in when the open wait is over.
fn of_the_clock() -> Vec<Defect<Breaker>> {
    let skewed = Breaker { skew_ticks: 1, steps_back_max: 1, clients: 2, ..Breaker::small() };
    vec![
        defect(
            Variant::WrapsBackwardClock,
            "the time since it opened wraps when the clock has gone back, and is taken for a very long one",
            skewed,
            &["open admits none before its wait is over"],
        ),
        defect(
            Variant::ReopensEarly,
            "it turns half-open a tick before its wait is over",
            Breaker::small(),
            &["open admits none before its wait is over"],
        ),
    ]
}

/// Defects in what results call for.
fn of_results() -> Vec<Defect<Breaker>> {
    let small = Breaker::small;
    let slow = Breaker { slow_rate_percent: Some(50), clients: 2, ..small() };
    let with_minimum = Breaker { minimum_calls: 3, ..small() };
    vec![
        defect(
            Variant::TripsBelowMinimum,
            "it looks at the rate before there are as many results as it asks for",
            with_minimum,
            &["it opens only when the results call for it"],
        ),
        defect(
            Variant::ComparesRateStrictly,
            "it opens above the rate and not at it",
            small(),
            &["it opens whenever the results call for it"],
        ),
        defect(
            Variant::OverlooksSlowCalls,
            "a slow call is a success to it, though it has a rate of slow calls",
            slow,
            &["it opens whenever the results call for it", "a failed probe opens it again"],
        ),
        defect(
            Variant::KeepsWindowOnClose,
            "the window of before it opened is there again when it closes",
            small(),
            &["it opens only when the results call for it"],
        ),
    ]
}

fn defect(
    variant: Variant,
    why: &'static str,
    shows_in: Breaker,
    violates: &'static [&'static str],
) -> Defect<Breaker> {
    Defect::new(crate::snake(variant), why)
        .as_a_model(shows_in.with(variant), violates)
        .as_an_implementation(alongside().with(variant))
}

/// Each defect as a model; and those that show more in other bounds.
pub(super) fn as_models() -> Vec<Case> {
    let mut cases = Defect::cases("circuit_breaker", &defects(), check);
    let healing = Breaker { backend: Backend::Heals { faults_max: 6 }, clients: 2, ..Breaker::small() };
    let leaking = healing.with(Variant::LeaksPermitOnCancel);
    let given_up = Breaker { half_open_wait_ticks: Some(4), ..leaking.clone() };
    let leak = PERMITS_ARE_KEPT_TRACK_OF;
    let dead = Breaker { backend: Backend::Dead, clients: 3, ..Breaker::small() };
    cases.extend([
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
    ]);
    cases
}

/// The bounds in which all defects show beside the sound model.
fn alongside() -> Breaker {
    Breaker {
        window: WindowKind::Calls(3),
        minimum_calls: 2,
        slow_rate_percent: Some(50),
        clients: 2,
        skew_ticks: 1,
        steps_back_max: 1,
        ..Breaker::small()
    }
}

/// Each defect as an implementation: product and tour for all, and one walk. Beside them the sound one.
pub(super) fn as_implementations() -> Case {
    let check = with_ours(alongside()).defects(&defects());
    let leaking = check.simulating(alongside().with(Variant::LeaksPermitOnCancel));
    let walked = Walk::new().runs(200).steps(100).of(leaking);
    Case::new("circuit_breaker/defects", check.subject("leaks_permit_on_cancel", walked))
}

/// A case of an implementation that does what its model does, which is to lose permits for ever: no answer is wrong,
/// and it never recovers. The yardstick here is not the sound model but the defect itself.
pub(super) fn never_recovers() -> Case {
    let leaking = Breaker { clients: 2, ..Breaker::small() }.with(Variant::LeaksPermitOnCancel);
    let name = crate::snake(Variant::LeaksPermitOnCancel);
    let check = check(leaking.clone()).alongside_only();
    let stuck = recovery().within(30).of(check.simulating(leaking));
    let check = check
        .subject(name.as_str(), stuck)
        .because(
            name.as_str(),
            "the permits are gone with the probes that were cancelled, and half-open lets nobody else try",
        )
        .diverges(name);
    Case::new("circuit_breaker/never_recovers", check)
}

/// What goes wrong only between threads.
pub(super) fn between_threads(model: Breaker) -> Case {
    let (losing, late) = (model.clone(), model.clone());
    let check = check(model)
        .subject(
            "loses_updates",
            Interleave::new(vec![election()]).of(move || Binding::<LosesUpdates<Core>>::new(&losing)),
        )
        .subject(
            "moves_gate_late",
            Interleave::new(vec![count_and_open()]).of(move || Binding::<MovesGateLate>::new(&late)),
        )
        .diverges("loses_updates")
        .diverges("moves_gate_late");
    Case::new("circuit_breaker/defects_between_threads", check)
}

/// A breaker whose gate is moved after the lock is released: a caller may find it as it was two changes ago.
struct MovesGateLate {
    gate: AtomicU64,
    core: Mutex<Core>,
}

impl MovesGateLate {
    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut core);
        let gate = core.gate();
        drop(core);
        self.gate.store(gate, Ordering::Release);
        result
    }
}

impl SharedBreaker for MovesGateLate {
    fn new(config: Config) -> Result<Self, ConfigError> {
        let core = Core::new(config)?;
        Ok(MovesGateLate { gate: AtomicU64::new(core.gate()), core: Mutex::new(core) })
    }

    fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
        match Permit::through(self.gate.load(Ordering::Acquire)) {
            Some(permit) => Ok(permit),
            None => self.change(|core| core.try_acquire(now_ms)),
        }
    }

    fn report(&self, permit: Permit, outcome: Outcome, now_ms: u64) {
        self.change(|core| core.report(permit, outcome, now_ms));
    }

    fn status(&self, now_ms: u64) -> Status {
        self.change(|core| core.status(now_ms))
    }
}
