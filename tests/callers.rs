//! What callers hand in, and what it may do: it unwinds, and nothing is leaked; it calls back, and no lock is held. In
//! order, at each place where something of the caller's runs; and under loom, while others go on.

#[cfg(feature = "load_balancer")]
mod balancer;
#[cfg(feature = "circuit_breaker")]
mod breaker;
#[cfg(feature = "broker")]
mod broker;
#[cfg(feature = "cache")]
mod cache;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        #[cfg(feature = "load_balancer")]
        balancer::trials(),
        #[cfg(feature = "circuit_breaker")]
        breaker::trials(),
        #[cfg(feature = "broker")]
        broker::trials(),
        #[cfg(feature = "cache")]
        cache::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Locks and atomics of loom, by their names in [`std::sync`]. Conditions are loom's own too: those of
/// `counterpart::conform::interleave` belong to the threads of a script.
#[allow(unused_imports, reason = "not every protocol alone has a use for it")]
mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
}

/// The broker's sources, compiled under loom.
#[cfg(feature = "broker")]
#[path = "../models/broker"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "it is compiled to be raced, not to be used")]
pub(crate) mod raced_broker {
    use super::sync;

    pub(crate) mod implementation;
    pub(crate) mod shared;
}

/// The breaker's sources, compiled under loom.
#[cfg(feature = "circuit_breaker")]
#[path = "../models/circuit_breaker"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "it is compiled to be raced, not to be used")]
mod raced_breaker {
    use super::sync;

    pub(super) mod implementation;
    pub(super) mod shared;
}

/// The cache's sources, compiled under loom.
#[cfg(feature = "cache")]
#[path = "../models/cache"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "it is compiled to be raced, not to be used")]
mod raced_cache {
    use super::sync;

    pub(super) mod implementation;
    pub(super) mod shared;
}

/// The balancer's sources, compiled under loom.
#[cfg(feature = "load_balancer")]
#[path = "../models/load_balancer"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "it is compiled to be raced, not to be used")]
mod raced_balancer {
    use super::sync;

    pub(super) mod implementation;
    pub(super) mod policies;
    pub(super) mod shared;
}

/// Runs `test` in every schedule of its threads, and gives their number. It fails where they all wait.
pub(crate) fn in_every_schedule(test: impl Fn() + Send + Sync + 'static) -> usize {
    let schedules = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = schedules.clone();
    let mut builder = loom::model::Builder::new();
    // Everything that loom would otherwise take from the environment.
    builder.max_threads = loom::MAX_THREADS;
    builder.max_branches = 10_000;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = None;
    builder.checkpoint_file = None;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder.check(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        test();
    });
    schedules.load(std::sync::atomic::Ordering::Relaxed)
}

/// Unwinds, as a closure that panics does, without the hook's words.
fn unwind() -> ! {
    resume_unwind(Box::new("the caller's closure panics"))
}

/// Runs what must unwind.
#[track_caller]
fn unwinds<T>(act: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(act)).is_err(), "a panic goes on to the caller");
}
