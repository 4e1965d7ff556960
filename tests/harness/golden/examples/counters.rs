//! Threads that read a counter and write it back one larger: `increment.rs` without a lock and `increment_lock.rs` with
//! one. The first publishes 13 states for two threads, and 8 up to their order.

use std::sync::Arc;

use counterpart::explore::{Budget, survey_up_to_symmetry};
use libtest_mimic::Trial;
use stateright::{Model, Property, Representative};

use super::{agreed, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::examples::increment_has_13_states_and_8_up_to_symmetry", unlocked),
        claim("golden::examples::increment_with_a_lock_counts_right", locked),
    ]
}

fn unlocked() {
    let two = agreed(Counter { threads: 2, locks: false });
    assert_eq!(two.node_count(), 13);
    // Both read, one writes: one is done and the counter is 1; the other writes and the counter is 1 still.
    assert_eq!(steps(&two, COUNTS), Some(4));
    let halved = survey_up_to_symmetry(two.model().clone(), &Budget::default()).expect("threads may be exchanged");
    assert_eq!(halved.node_count(), 8);
    assert_eq!(steps(&halved, COUNTS), Some(4));
    assert_eq!(steps(&agreed(Counter { threads: 3, locks: false }), COUNTS), Some(4));
}

fn locked() {
    for threads in 1..=4 {
        let model = Counter { threads, locks: true };
        let all = agreed(model.clone());
        assert_eq!((steps(&all, COUNTS), steps(&all, EXCLUDES)), (None, None));
        let sorted = survey_up_to_symmetry(Arc::new(model), &Budget::default()).expect("threads may be exchanged");
        assert_eq!((steps(&sorted, COUNTS), steps(&sorted, EXCLUDES)), (None, None));
        // In order, each thread that is done or that has the lock is told apart by what it read alone: k are done, and one
        // more may be at one of three places.
        assert_eq!(sorted.node_count(), 4 * threads + 1);
    }
}

const COUNTS: &str = "the counter is the number of threads that have written";
const EXCLUDES: &str = "at most one thread has the lock";

#[derive(Clone)]
struct Counter {
    threads: usize,
    locks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    Outside,
    Begun,
    Read { read: u8 },
    Written { read: u8 },
    Done { read: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    counter: u8,
    is_locked: bool,
    threads: Vec<At>,
}

impl Representative for State {
    fn representative(&self) -> Self {
        let mut sorted = self.clone();
        sorted.threads.sort_unstable();
        sorted
    }
}

/// The thread that takes its next step.
type Action = usize;

impl Model for Counter {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let at = if self.locks { At::Outside } else { At::Begun };
        vec![State { counter: 0, is_locked: false, threads: vec![at; self.threads] }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend((0..self.threads).filter(|thread| match state.threads[*thread] {
            At::Outside => !state.is_locked,
            At::Begun | At::Read { .. } => true,
            At::Written { .. } => self.locks,
            At::Done { .. } => false,
        }));
    }

    fn next_state(&self, state: &State, thread: Action) -> Option<State> {
        let mut next = state.clone();
        next.threads[thread] = match state.threads[thread] {
            At::Outside => {
                next.is_locked = true;
                At::Begun
            }
            At::Begun => At::Read { read: state.counter },
            At::Read { read } => {
                next.counter = read + 1;
                At::Written { read }
            }
            At::Written { read } => {
                next.is_locked = false;
                At::Done { read }
            }
            At::Done { .. } => return None,
        };
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let counts = Property::always(COUNTS, |_, state: &State| {
            let written = |at: &&At| matches!(at, At::Written { .. } | At::Done { .. });
            state.threads.iter().filter(written).count() == usize::from(state.counter)
        });
        let excludes = Property::always(EXCLUDES, |model: &Counter, state: &State| {
            let inside = |at: &&At| !matches!(at, At::Outside | At::Done { .. });
            !model.locks || state.threads.iter().filter(inside).count() <= 1
        });
        vec![counts, excludes]
    }
}
