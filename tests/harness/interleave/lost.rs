//! Updates that are lost, of any core.

use std::sync::PoisonError;

use counterpart::Shared;
use counterpart::conform::Agreement;
use counterpart::conform::interleave::{LosesUpdates, Script};
use counterpart::model::Hold;
use libtest_mimic::Trial;
use loom::sync::Mutex;

use super::{RELEASE, TRY_ACQUIRE, one, permits, race, run};
use crate::claim;
use crate::toy::{At, Face, Say, Word};

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("interleave::a_lost_update_of_any_core_is_found_and_a_lock_loses_none", lost_update)]
}

/// A semaphore nobody waits for: its core is a number, however that is held.
struct Held<H>(H);

impl<H: Hold<At>> Shared<Face> for Held<H> {
    fn call(&self, act: &Word) -> Say {
        self.0.with(|free| {
            let can = if *act == RELEASE { *free < 2 } else { *free > 0 };
            match *act {
                RELEASE => *free += At::from(can),
                _ => *free -= At::from(can),
            }
            can.into()
        })
    }

    fn observe(&self) -> Option<At> {
        Some(self.0.with(|free| *free))
    }
}

struct Locked(Mutex<At>);

impl Hold<At> for Locked {
    fn hold(free: At) -> Self {
        Locked(Mutex::new(free))
    }

    fn with<R>(&self, act: impl FnOnce(&mut At) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One permit and two who want it: who loses an update gives it to both.
fn lost_update() {
    let scripts = || one(race(TRY_ACQUIRE, TRY_ACQUIRE));
    let report = run(permits(1, 2), scripts(), || Held(Locked::hold(1)));
    assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
    let report = run(permits(1, 2), scripts(), || Held(LosesUpdates::hold(1)));
    assert_eq!(report.verdict, Agreement::Diverges);
    // Each call begins and ends.
    assert_eq!(report.evidence.expect("a divergence leaves a trace").len(), 2 * 2);
    // Where nobody changes anything nothing is lost.
    let in_turn = one(Script::after([TRY_ACQUIRE]).thread([TRY_ACQUIRE]).thread([TRY_ACQUIRE]));
    assert_eq!(run(permits(1, 2), in_turn, || Held(LosesUpdates::hold(1))).verdict, Agreement::Conforms);
}
