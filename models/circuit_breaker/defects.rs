//! Defective implementations, which the conformance checks must catch: every variant of the model run as an
//! implementation, and what goes wrong only between threads.

use std::sync::{Arc, PoisonError};

use counterpart::Case;
use counterpart::conform::{self, interleave::Interleave};
use counterpart::model::Simulated;
use loom::sync::atomic::Ordering;

use super::conformance::{BreakerInterface, SharedBinding, SharedBreaker, count_and_open, election};
use super::implementation::{Config, ConfigError, Core, Outcome, Permit, Rejected, Status};
use super::model::{Breaker, Variant, WindowKind};

/// The variants, each under the model in whose bounds it shows.
const VARIANTS: [Variant; 11] = [
    Variant::TrustsLateResults,
    Variant::LeaksPermitOnCancel,
    Variant::ForgetsElectingProbe,
    Variant::WindowNeverSlides,
    Variant::IgnoresFailedProbe,
    Variant::WrapsBackwardClock,
    Variant::ReopensEarly,
    Variant::TripsBelowMinimum,
    Variant::ComparesRateStrictly,
    Variant::OverlooksSlowCalls,
    Variant::KeepsWindowOnClose,
];

/// All of them against the sound model: product and tour for each, and one walk.
pub(super) fn case() -> Case {
    let model = Breaker {
        window: WindowKind::Calls(3),
        minimum_calls: 2,
        slow_rate_percent: Some(50),
        clients: 2,
        skew_ticks: 1,
        steps_back_max: 1,
        ..Breaker::small()
    };
    let mut check = super::check(model.clone());
    for variant in VARIANTS {
        let name = crate::snake(variant);
        check = check.defective(name, maker(model.clone().with(variant)));
    }
    let leaking = maker(model.with(Variant::LeaksPermitOnCancel));
    check = check.subject("leaks_permit_on_cancel", conform::Walk::new().runs(200).steps(100).of(leaking));
    Case::new("circuit_breaker/defects", check)
}

/// A breaker that does what its model does, and what that does is to lose permits for ever: no answer is wrong, and it
/// never recovers. The model is no yardstick here but the defect itself.
pub(super) fn stuck_case() -> Case {
    let leaking = Breaker { clients: 2, ..Breaker::small() }.with(Variant::LeaksPermitOnCancel);
    let name = crate::snake(Variant::LeaksPermitOnCancel);
    let check = super::check(leaking.clone())
        .alongside_only()
        .subject(name.as_str(), super::recovery().within(30).of(maker(leaking)))
        .because(
            name.as_str(),
            "the permits are gone with the probes that were cancelled, and half-open lets nobody else try",
        )
        .diverges(name);
    Case::new("circuit_breaker/never_recovers", check)
}

/// What goes wrong only between threads.
pub(super) fn racing_case(model: Breaker) -> Case {
    let (losing, late) = (model.clone(), model.clone());
    let check = super::check(model)
        .subject(
            "loses_updates",
            Interleave::new(vec![election()]).of(move || SharedBinding::<LosesUpdates>::new(&losing)),
        )
        .subject(
            "moves_gate_late",
            Interleave::new(vec![count_and_open()]).of(move || SharedBinding::<MovesGateLate>::new(&late)),
        )
        .diverges("loses_updates")
        .diverges("moves_gate_late");
    Case::new("circuit_breaker/defects_between_threads", check)
}

/// Makes `model` over and over, as an implementation.
fn maker(model: Breaker) -> impl Fn() -> Simulated<BreakerInterface> + Clone + Send + Sync + 'static {
    let (model, interface) = (Arc::new(model), Arc::new(BreakerInterface));
    move || Simulated::new(&model, &interface)
}

/// A breaker that reads its state under the lock, changes a copy, and writes the copy back under the lock.
struct LosesUpdates(loom::sync::Mutex<Core>);

impl LosesUpdates {
    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = lock().clone();
        let result = change(&mut copy);
        *lock() = copy;
        result
    }
}

impl SharedBreaker for LosesUpdates {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Core::new(config).map(|core| LosesUpdates(loom::sync::Mutex::new(core)))
    }

    fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
        self.change(|core| core.try_acquire(now_ms))
    }

    fn report(&self, permit: Permit, outcome: Outcome, now_ms: u64) {
        self.change(|core| core.report(permit, outcome, now_ms));
    }

    fn status(&self, now_ms: u64) -> Status {
        self.change(|core| core.status(now_ms))
    }
}

/// A breaker whose gate is moved after the lock is released: a caller may find it as it was two changes ago.
struct MovesGateLate {
    gate: loom::sync::atomic::AtomicU64,
    core: loom::sync::Mutex<Core>,
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
        Ok(MovesGateLate { gate: loom::sync::atomic::AtomicU64::new(core.gate()), core: loom::sync::Mutex::new(core) })
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
