//! A breaker whose caller panics, or calls back: in the call, in the judge, in the clock.

use std::cell::Cell;

use counterpart_models::circuit_breaker::{CircuitBreaker, Config, Outcome, PhaseName, Rejected, Window};
use libtest_mimic::Trial;

use super::raced_breaker::{implementation as raced, shared::CircuitBreaker as Raced};
use super::{in_every_schedule, unwind, unwinds};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("breaker::a_run_that_unwinds_anywhere_gives_its_permit_back", anywhere),
        claim("breaker::a_probe_whose_judge_unwinds_beside_another_gives_its_permit_back", beside_another),
        claim("breaker::what_is_run_may_ask_the_breaker", asks),
    ]
}

/// Opens at two failures; whoever loses a permit of the half-open round keeps it half-open for ever.
fn config() -> Config {
    Config {
        window: Window::Calls { size: 2 },
        minimum_calls: 2,
        permits: 2,
        open_wait_ms: 3_000,
        half_open_wait_ms: None,
        ..Config::default()
    }
}

/// A clock that shows `now_ms`, and unwinds when it is read the `first`th time, counted from 0, and from then on until
/// the `last`th.
fn clock(now_ms: u64, first: u32, last: u32) -> impl Fn() -> u64 {
    let read = Cell::new(0);
    move || {
        let nth = read.replace(read.get() + 1);
        if (first..=last).contains(&nth) { unwind() } else { now_ms }
    }
}

/// A call that unwinds somewhere.
type Run = fn(&CircuitBreaker, u64) -> Result<(), Rejected>;

fn anywhere() {
    let good = |(): &()| Outcome::Success;
    let runs: [(&str, Run); 5] = [
        ("in the call", |breaker, now_ms| breaker.run(|| now_ms, |(): &()| Outcome::Success, || unwind())),
        ("in the judge", |breaker, now_ms| breaker.run(|| now_ms, |(): &()| unwind(), || ())),
        ("in the clock, once the call is over", |breaker, now_ms| {
            breaker.run(clock(now_ms, 1, 1), |(): &()| Outcome::Success, || ())
        }),
        ("in the clock, again and again", |breaker, now_ms| {
            breaker.run(clock(now_ms, 1, 9), |(): &()| Outcome::Success, || ())
        }),
        ("in the call, and then in the clock", |breaker, now_ms| {
            breaker.run(clock(now_ms, 1, 9), |(): &()| Outcome::Success, || unwind())
        }),
    ];
    for (place, run) in runs {
        let breaker = CircuitBreaker::new(config()).expect("a breaker");
        unwinds(|| run(&breaker, 0));
        assert_eq!((breaker.status(0).calls, breaker.status(0).failed), (1, 1), "{place}: closed, it is a failure");
        unwinds(|| run(&breaker, 0));
        assert_eq!(breaker.status(0).phase, PhaseName::Open, "{place}: two are enough");
        unwinds(|| run(&breaker, 3_000));
        assert_eq!(breaker.status(3_000).retry_after_ms, Some(3_000), "{place}: a probe that failed opens it again");
        for _ in 0..2 {
            assert_eq!(breaker.run(|| 6_000, good, || ()), Ok(()), "{place}: no permit is missing");
        }
        assert_eq!(breaker.status(6_000).phase, PhaseName::Closed, "{place}");
    }
}

fn beside_another() {
    let schedules = in_every_schedule(|| {
        let config = raced::Config {
            window: raced::Window::Calls { size: 2 },
            minimum_calls: 2,
            permits: 2,
            open_wait_ms: 3_000,
            half_open_wait_ms: None,
            ..raced::Config::default()
        };
        let breaker = loom::sync::Arc::new(Raced::new(config).expect("a breaker"));
        for _ in 0..2 {
            let permit = breaker.try_acquire(0).expect("closed");
            breaker.report(permit, raced::Outcome::Failure, 0);
        }
        let other = {
            let breaker = breaker.clone();
            loom::thread::spawn(move || breaker.run(|| 3_000, |(): &()| raced::Outcome::Success, || ()))
        };
        unwinds(|| breaker.run(|| 3_000, |(): &()| unwind(), || ()));
        // It is let through or comes too late.
        let _ = other.join().expect("it does not panic");
        // Whoever came first: its failure opens the breaker again.
        assert_eq!(breaker.status(3_000).phase, raced::PhaseName::Open, "a probe is out, and nobody holds its permit");
    });
    assert!(schedules > 10, "{schedules}");
}

/// loom tells of a lock that is taken by whoever holds it.
fn asks() {
    in_every_schedule(|| {
        let breaker = Raced::new(raced::Config::default()).expect("a breaker");
        let calls = || breaker.status(0).calls;
        let clock = || u64::from(calls());
        let judge = |seen: &u32| if *seen == calls() { raced::Outcome::Success } else { raced::Outcome::Failure };
        assert_eq!(breaker.run(clock, judge, calls), Ok(0));
        assert_eq!((breaker.status(0).calls, breaker.status(0).failed), (1, 0));
    });
}
