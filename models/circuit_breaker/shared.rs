//! The breaker that threads share: in its closed phase a call is admitted with one atomic load, everything else takes
//! one mutex around the [`Core`]. Nothing is spawned, and no lock is held while the protected call runs.
//!
//! Compiled twice, with the locks and atomics of the standard library and, to be raced, with loom's.
//!
//! ```
//! use counterpart_models::circuit_breaker::{CircuitBreaker, Config, Outcome};
//!
//! let breaker = CircuitBreaker::new(Config::default())?;
//! let now_ms = 0;
//! match breaker.try_acquire(now_ms) {
//!     Ok(permit) => {
//!         let answer: Result<(), ()> = Ok(()); // … the call …
//!         let outcome = if answer.is_ok() { Outcome::Success } else { Outcome::Failure };
//!         breaker.report(permit, outcome, now_ms + 20);
//!     }
//!     Err(rejected) => println!("{rejected}"),
//! }
//! # Ok::<(), counterpart_models::circuit_breaker::ConfigError>(())
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::implementation::{Config, ConfigError, Core, Outcome, Permit, Rejected, Status};
use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::{Mutex, MutexGuard, PoisonError};

/// A breaker that threads share.
#[derive(Debug)]
pub struct CircuitBreaker {
    /// Twice the generation, plus one while the breaker is closed: what a caller needs to be let through without a
    /// lock.
    gate: AtomicU64,
    core: Mutex<Core>,
}

impl CircuitBreaker {
    /// A closed breaker.
    ///
    /// # Errors
    /// The configuration makes no breaker.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let core = Core::new(config)?;
        Ok(CircuitBreaker { gate: AtomicU64::new(core.gate()), core: Mutex::new(core) })
    }

    /// Asks for a call to be let through.
    ///
    /// # Errors
    /// It is not, and why.
    pub fn try_acquire(&self, now_ms: u64) -> Result<Permit, Rejected> {
        // A closed breaker admits without a lock; the admission takes effect at this load.
        if let Some(permit) = Permit::through(self.gate.load(Ordering::Acquire)) {
            return Ok(permit);
        }
        self.with_core(|core| core.try_acquire(now_ms))
    }

    /// Ends a call. Results of an older generation are not counted.
    pub fn report(&self, permit: Permit, outcome: Outcome, now_ms: u64) {
        self.with_core(|core| core.report(permit, outcome, now_ms));
    }

    /// The breaker as an operator wants to see it.
    pub fn status(&self, now_ms: u64) -> Status {
        self.lock().status(now_ms)
    }

    /// Runs `call` if it is let through, and reports how it ended: as `judge` says, or as [`Outcome::Panicked`] where
    /// `call`, `judge` or `clock` unwinds. `clock` gives milliseconds, read before and after. Where it unwinds too once
    /// something has, what is reported is reported with the time of admission.
    ///
    /// # Errors
    /// It is not let through, and why.
    pub fn run<T>(
        &self,
        clock: impl Fn() -> u64,
        judge: impl FnOnce(&T) -> Outcome,
        call: impl FnOnce() -> T,
    ) -> Result<T, Rejected> {
        let admitted_ms = clock();
        let permit = self.try_acquire(admitted_ms)?;
        let mut unwinding = ReportOnUnwind { breaker: self, clock: &clock, admitted_ms, permit: Some(permit) };
        let answer = call();
        // All that is the caller's runs while the permit is still held for them.
        let (outcome, now_ms) = (judge(&answer), clock());
        if let Some(permit) = unwinding.permit.take() {
            self.report(permit, outcome, now_ms);
        }
        Ok(answer)
    }

    fn with_core<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = change(&mut core);
        // Before the lock is released: whoever sees the new phase sees the new gate.
        self.gate.store(core.gate(), Ordering::Release);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // The core never panics half-way: what a panicking thread left behind is whole.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct ReportOnUnwind<'a, C: Fn() -> u64> {
    breaker: &'a CircuitBreaker,
    clock: &'a C,
    admitted_ms: u64,
    permit: Option<Permit>,
}

impl<C: Fn() -> u64> Drop for ReportOnUnwind<'_, C> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            // A second panic that got out of here would end the process.
            let now_ms = catch_unwind(AssertUnwindSafe(self.clock)).unwrap_or(self.admitted_ms);
            self.breaker.report(permit, Outcome::Panicked, now_ms);
        }
    }
}
