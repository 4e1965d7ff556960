//! Our discipline, bound: a unit is 64 ms, a tick 256 s.

use counterpart::Counterpart;

use super::conformance::{DisciplineInterface, Shown};
use super::implementation::{Adjust, Config, Discipline as Ours};
use super::model::{Action, Discipline, SAMPLES, TICK_S, Told, UNIT_MS};

const UNIT_NS: i64 = UNIT_MS as i64 * 1_000_000;

/// A discipline with as many samples as the model looks at.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    ours: Ours<SAMPLES>,
    asks: bool,
}

/// The units in an offset; a part of a unit is an error of the implementation, and is told as a number no model knows.
fn units(ns: i64) -> i32 {
    if ns % UNIT_NS == 0 { i32::try_from(ns / UNIT_NS).unwrap_or(i32::MAX) } else { i32::MAX }
}

impl Bound {
    /// The discipline that `model` describes.
    pub(super) fn new(model: &Discipline) -> Self {
        let config = Config {
            step_ns: u64::from(model.step_ms.unsigned_abs()) * 1_000_000,
            stepout_s: model.stepout_s.unsigned_abs(),
            panic_ns: u64::from(model.panic_s.unsigned_abs()) * 1_000_000_000,
            first_is_unlimited: model.first_is_unlimited,
            ..Config::default()
        };
        Bound { ours: Ours::new(config), asks: model.asks }
    }

    fn shown(&self) -> Shown {
        let mut newest = self.ours.samples_ns().filter(|_| !self.asks).map(units);
        let samples: [Option<i32>; SAMPLES] = std::array::from_fn(|_| newest.next());
        let reachable = !self.asks || self.ours.clone().reach().is_reachable();
        (units(self.ours.slewing_ns()), samples, reachable)
    }
}

impl Counterpart<DisciplineInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Tick => Told::Moves(units(self.ours.elapse(TICK_S.unsigned_abs()))),
            Action::Measure { offset } => match self.ours.measured(i64::from(offset) * UNIT_NS) {
                Ok(Adjust::Slew) => Told::Slews,
                Ok(Adjust::Step { by_ns }) => Told::Steps(units(by_ns)),
                Ok(Adjust::Wait) => Told::Waits,
                Err(_) => Told::Panics,
            },
            Action::Ask => {
                self.ours.reach().asked();
                Told::Done
            }
        }
    }

    fn observe(&self) -> Option<Shown> {
        Some(self.shown())
    }
}
