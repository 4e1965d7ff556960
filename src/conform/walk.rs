//! Walks: seeded long runs, beyond the bounds that can be explored, shrunk by proptest.
//!
//! A walk is a list of numbers; each picks one of the inputs that are possible where the walk stands. So a list with a
//! part left out is still a walk of the model, and shrinking needs no knowledge of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::again::told;
use super::drive::{Bench, Deviating, Driver};
use super::typed::{Factory, boxed};
use super::watch::Watch;
use super::{Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Setting};
use crate::explore::{ModelError, Stop};
use crate::model::{Counterpart, Interface};
use crate::trace::Trace;

/// Seeded long walks: how many, and how many inputs each.
pub struct Walk<F: Interface> {
    model: Option<Arc<F::Model>>,
    runs: u32,
    steps: usize,
    times: usize,
}

impl<F: Interface> fmt::Debug for Walk<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut walk = f.debug_struct("Walk");
        walk.field("runs", &self.runs).field("steps", &self.steps).field("times", &self.times).finish_non_exhaustive()
    }
}

impl<F: Interface> Clone for Walk<F> {
    fn clone(&self) -> Self {
        Walk { model: self.model.clone(), ..*self }
    }
}

impl<F: Interface> Default for Walk<F> {
    fn default() -> Self {
        Walk { model: None, runs: 256, steps: 200, times: 1 }
    }
}

impl<F: Interface> Walk<F> {
    /// 256 walks of up to 200 inputs.
    pub fn new() -> Self {
        Walk::default()
    }

    /// Walks in another model, which may have larger bounds than the one that is explored.
    #[must_use]
    pub fn beside(self, model: impl Into<Arc<F::Model>>) -> Self {
        Walk { model: Some(model.into()), ..self }
    }

    /// Sets the number of walks, each from a fresh start.
    #[must_use]
    pub fn runs(self, runs: u32) -> Self {
        Walk { runs, ..self }
    }

    /// Sets the most inputs of each walk.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Walk { steps, ..self }
    }

    /// Counts a deviation only if it is shown `times` times of as many. Default 1. If it is shown less often the
    /// verdict is incomplete, with both answers. This is for what runs in real time, and may be late by accident.
    ///
    /// # Panics
    /// If `times` is 0.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        assert!(times > 0, "0 times: a deviation has to be shown at least once");
        Walk { times, ..self }
    }

    /// The job that gives walks to implementations that `factory` makes.
    pub fn of<C: Counterpart<F> + 'static>(self, factory: impl Fn() -> C + Send + Sync + 'static) -> Arc<dyn Job<F>> {
        Arc::new(Walked { walk: self, factory: boxed(factory) })
    }
}

struct Walked<F: Interface> {
    walk: Walk<F>,
    factory: Factory<F>,
}

impl<F: Interface> Job<F> for Walked<F> {
    fn mode(&self) -> Mode {
        Mode::Walk
    }

    fn model(&self) -> Option<Arc<F::Model>> {
        self.walk.model.clone()
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let bench = Bench { times: self.walk.times, ..setting.bench(self.walk.model.as_ref(), &self.factory) };
        Bound::new(&bench.lts.clone(), Walking { bench, runs: self.walk.runs, steps: self.walk.steps })
    }
}

struct Walking {
    bench: Bench,
    runs: u32,
    steps: usize,
}

impl How for Walking {
    fn run(&self) -> Result<Conformance, ModelError> {
        let (runs, steps) = (self.runs, self.steps);
        let result = self.bench.watched(move |bench, watch| walk(bench, watch, runs, steps));
        let effort = Effort::Walk { seed: self.bench.limits.seed, walks: runs, steps: 0 };
        Ok(result.unwrap_or_else(|hung| self.bench.silent(effort, &hung)))
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        super::replay::inputs(&self.bench, trace)
    }
}

/// What a run of walks gathers on its way.
struct Gathered {
    steps: usize,
    found: Option<Deviating>,
    /// Walks since then, each a try to shorten it.
    tries: usize,
    stop: Option<Stop>,
}

/// Tries at most; what is left over goes by single inputs.
const TRIES_MAX: usize = 2_000;

/// proptest complains when its own limit is met, and takes the largest number for none given: this one is never met.
const SHRINK_ITERS_MAX: u32 = u32::MAX - 1;

fn walk(bench: &Bench, watch: &Watch, runs: u32, steps: usize) -> Conformance {
    let Limits { budget, seed: number, .. } = &bench.limits;
    let _span = tracing::debug_span!("walk", seed = number).entered();
    let mut seed = [0; 32];
    Pcg64::seed_from_u64(*number).fill_bytes(&mut seed);
    let config =
        Config { cases: runs, failure_persistence: None, max_shrink_iters: SHRINK_ITERS_MAX, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    // proptest calls a plain `Fn`: what a walk finds goes out through a lock.
    let gathered = Mutex::new(Gathered { steps: 0, found: None, tries: 0, stop: None });
    let outcome = runner.run(&vec(any::<u16>(), 1..=steps), |choices| {
        if let Some(stop) = (budget.interrupt)() {
            gathered.lock().unwrap_or_else(PoisonError::into_inner).stop = Some(stop);
            return Ok(());
        }
        {
            let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.tries += usize::from(gathered.found.is_some());
            if gathered.tries > TRIES_MAX {
                return Ok(());
            }
        }
        let (taken, found) = one_walk(bench, watch, &choices);
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.steps += taken;
        match found {
            None => Ok(()),
            Some(deviating) => {
                let what = deviating.deviation.to_string();
                gathered.found = Some(deviating);
                Err(TestCaseError::fail(what))
            }
        }
    });
    let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
    let result = Effort::Walk { seed: *number, walks: runs, steps: gathered.steps };
    if let Some(stop) = gathered.stop {
        return result.incomplete(stop.to_string());
    }
    match outcome {
        Ok(()) if gathered.steps == 0 => result.incomplete("the model offers no input to walk on"),
        Ok(()) => result.conforms(),
        Err(TestError::Abort(why)) => result.incomplete(why.to_string()),
        Err(TestError::Fail(_, choices)) => {
            let found = one_walk(bench, watch, &choices).1.or(gathered.found);
            match found {
                // proptest shortens and lowers the choices; what is left over goes by single inputs.
                Some(found) => told(bench, watch, result, found),
                None => result.incomplete("a walk failed and left no trace"),
            }
        }
    }
}

/// Walks where `choices` lead. Returns the steps taken, and the deviation at which it ended.
fn one_walk(bench: &Bench, watch: &Watch, choices: &[u16]) -> (usize, Option<Deviating>) {
    let mut driver = match Driver::start(bench, watch) {
        Ok(driver) => driver,
        Err(deviation) => return (0, Some(Deviating::before_anything(deviation))),
    };
    for choice in choices {
        let offers = driver.offers();
        if offers.is_empty() {
            break;
        }
        if let Err(deviation) = driver.step(offers[usize::from(*choice) % offers.len()]) {
            return (driver.inputs.len(), Some(Deviating::at(driver, deviation)));
        }
    }
    (driver.inputs.len(), None)
}
