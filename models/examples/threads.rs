//! A type that threads share, through every interleaving that loom tells apart: numbers, each given out once.

use counterpart::conform::interleave::Script;
use counterpart::conform::interleave::sync::atomic::{AtomicU64, Ordering};
use counterpart::{Check, Interface, Shared};
use stateright::Model;

/// As shipped it would say `std::sync::atomic`: the module `sync` tells how one source is compiled for both.
struct Numbers {
    next: AtomicU64,
    /// The defect: it reads and writes in two steps.
    in_two_steps: bool,
}

impl Numbers {
    fn take(&self) -> u64 {
        if self.in_two_steps {
            let number = self.next.load(Ordering::Acquire);
            self.next.store(number + 1, Ordering::Release);
            number
        } else {
            self.next.fetch_add(1, Ordering::Relaxed)
        }
    }
}

/// The model: the state is the next number, up to a bound.
struct Counter(u64);

impl Model for Counter {
    type State = u64;
    type Action = ();

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, next: &u64, actions: &mut Vec<()>) {
        actions.extend((*next < self.0).then_some(()));
    }

    fn next_state(&self, next: &u64, (): ()) -> Option<u64> {
        Some(next + 1)
    }
}

struct Taken;

impl Interface for Taken {
    type Model = Counter;
    type Input = ();
    type Output = u64;
    type Snapshot = ();

    fn label(&self, _: &Counter, next: &u64, (): &(), _: Option<&u64>) -> Option<((), u64)> {
        Some(((), *next))
    }
}

impl Shared<Taken> for Numbers {
    fn call(&self, (): &()) -> u64 {
        self.take()
    }
}

/// Two threads that take two numbers each.
fn check(in_two_steps: bool) -> Check<Counter, Taken> {
    let numbers = move || Numbers { next: AtomicU64::new(0), in_two_steps };
    let scripts = vec![Script::after([]).thread([(), ()]).thread([(), ()])];
    Check::of(Counter(4)).interface(Taken).interleave(scripts, numbers)
}

#[test]
fn no_number_is_given_out_twice() {
    check(false).assert();
}

#[test]
fn numbers_that_are_read_and_written_in_two_steps_are_found() {
    check(true).diverges("implementation").assert();
}
