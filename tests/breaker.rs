//! The circuit breaker as someone meets it who ships it: hostile configurations, clocks and callers.

mod recorded;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use counterpart_models::circuit_breaker::{
    CircuitBreaker, Config, ConfigError, Core, Outcome, Permit, PhaseName, Rejected, Window,
};
use libtest_mimic::Trial;
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("breaker::every_configuration_is_a_breaker_or_an_error", configurations),
        claim("breaker::errors_name_the_field_the_value_and_the_range", errors),
        claim("breaker::no_clock_and_no_order_of_calls_makes_it_panic", hostile),
        claim("breaker::rejections_say_how_long", rejections),
        claim("breaker::a_call_that_panics_is_a_failure_and_takes_no_permit_along", panicking_call),
        claim("breaker::run_reports_what_the_judge_says", run),
        claim("breaker::run_reports_with_the_time_at_which_a_call_ends", run_time),
        claim("breaker::a_window_of_time_forgets", time_window),
        claim("breaker::a_window_of_time_takes_no_more_room_the_more_calls_there_are", room),
        claim("breaker::the_end_of_time_is_not_passed", end_of_time),
    ];
    trials.extend(recorded::trials());
    trials
}

fn small() -> Config {
    Config {
        window: Window::Calls { size: 4 },
        minimum_calls: 4,
        failure_rate_percent: 50,
        slow_rate_percent: None,
        permits: 2,
        open_wait_ms: 3_000,
        half_open_wait_ms: Some(5_000),
    }
}

fn config() -> impl Strategy<Value = Config> {
    let count = || number(0..20_u32);
    let percent = || edgy(vec![100, 101], number(any::<u8>()));
    let time = || number(0..10_000_u64);
    let window = prop_oneof![
        drawn!(Window::Calls { size: edgy(vec![1 << 20, (1 << 20) + 1], count()) }),
        drawn!(Window::Time { buckets: edgy(vec![1 << 12, (1 << 12) + 1], count()), bucket_ms: time() }),
    ];
    drawn!(Config {
        window: window,
        minimum_calls: count(),
        failure_rate_percent: percent(),
        slow_rate_percent: proptest::option::of(percent()),
        permits: count(),
        open_wait_ms: time(),
        half_open_wait_ms: proptest::option::of(time()),
    })
}

fn configurations() {
    for_all(config(), |config| {
        let sizes = match config.window {
            Window::Calls { size } => (1..=1 << 20).contains(&size) && config.minimum_calls <= size,
            Window::Time { buckets, bucket_ms } => (1..=1 << 12).contains(&buckets) && bucket_ms > 0,
        };
        let rates = (1..=100).contains(&config.failure_rate_percent)
            && config.slow_rate_percent.is_none_or(|percent| (1..=100).contains(&percent));
        let makes_sense = sizes && rates && config.minimum_calls > 0 && config.permits > 0;
        assert_eq!(Core::new(config.clone()).is_ok(), makes_sense, "{config:?}");
    });
}

fn errors() {
    let refused = |config: Config| Core::new(config).expect_err("refused").to_string();
    assert_eq!(refused(Config { permits: 0, ..small() }), "permits is 0, it must be between 1 and 4294967295");
    assert_eq!(
        Core::new(Config { minimum_calls: 5, ..small() }).expect_err("refused"),
        ConfigError::MinimumBeyondWindow { minimum: 5, size: 4 }
    );
    assert!(refused(Config { failure_rate_percent: 101, ..small() }).starts_with("failure_rate_percent is 101"));
    assert!(refused(Config { window: Window::Time { buckets: 1, bucket_ms: 0 }, ..small() }).contains("bucket_ms"));
}

/// One input from outside.
#[derive(Clone, Debug)]
enum Event {
    Acquire { now_ms: u64 },
    Report { now_ms: u64, call: usize, outcome: Outcome },
}

#[derive(Clone, Debug)]
struct Hostile {
    config: Config,
    events: Vec<Event>,
}

fn hostile_input() -> impl Strategy<Value = Hostile> {
    let time = || number(prop_oneof![0..20_000_u64, any::<u64>()]);
    let outcome = proptest::sample::select(vec![
        Outcome::Success,
        Outcome::Failure,
        Outcome::Slow,
        Outcome::Ignored,
        Outcome::Cancelled,
        Outcome::Panicked,
    ]);
    let event = prop_oneof![
        drawn!(Event::Acquire { now_ms: time() }),
        drawn!(Event::Report { now_ms: time(), call: 0..8_usize, outcome: outcome }),
    ];
    drawn!(Hostile { config: config(), events: proptest::collection::vec(event, 0..200) })
}

fn hostile() {
    for_all(hostile_input(), |Hostile { config, events }| {
        let Ok(breaker) = CircuitBreaker::new(config.clone()) else { return };
        let mut permits: Vec<Permit> = Vec::new();
        for event in events {
            let now_ms = match event {
                Event::Acquire { now_ms } => {
                    permits.extend(breaker.try_acquire(now_ms).ok());
                    now_ms
                }
                Event::Report { now_ms, call, outcome } => {
                    if call < permits.len() {
                        breaker.report(permits.swap_remove(call), outcome, now_ms);
                    }
                    now_ms
                }
            };
            let status = breaker.status(now_ms);
            assert!(status.failed + status.slow <= status.calls, "{status:?}");
            assert!(status.permits_left.is_none_or(|left| left <= config.permits), "{status:?}");
        }
    });
}

/// Opens it at 0 ms.
fn open(breaker: &CircuitBreaker) {
    for _ in 0..4 {
        let permit = breaker.try_acquire(0).expect("closed");
        breaker.report(permit, Outcome::Failure, 0);
    }
    assert_eq!(breaker.status(0).phase, PhaseName::Open);
}

fn rejections() {
    let breaker = CircuitBreaker::new(small()).expect("a breaker");
    open(&breaker);
    assert_eq!(breaker.try_acquire(1_000), Err(Rejected::Open { retry_after_ms: 2_000 }));
    // Set back by an hour it waits longer, and does nothing worse.
    let breaker = CircuitBreaker::new(small()).expect("a breaker");
    for _ in 0..4 {
        let permit = breaker.try_acquire(3_600_000).expect("closed");
        breaker.report(permit, Outcome::Failure, 3_600_000);
    }
    assert_eq!(breaker.try_acquire(0), Err(Rejected::Open { retry_after_ms: 3_603_000 }));
    // Two probes, and a third who is told so.
    let probes = [breaker.try_acquire(3_603_000), breaker.try_acquire(3_603_000)];
    assert!(probes.iter().all(Result::is_ok));
    let third = breaker.try_acquire(3_603_000).expect_err("no permit is left");
    assert_eq!(third.to_string(), "the circuit is half-open and all its probes are under way");
    // Nobody answers: after the half-open wait it opens again, from then on.
    assert_eq!(breaker.try_acquire(3_608_000), Err(Rejected::Open { retry_after_ms: 3_000 }));
}

fn panicking_call() {
    let breaker = CircuitBreaker::new(small()).expect("a breaker");
    let now_ms = AtomicU64::new(0);
    let clock = || now_ms.load(Ordering::SeqCst);
    for _ in 0..4 {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            breaker.run(clock, |(): &()| Outcome::Success, || std::panic::panic_any("the protected call panics"))
        }));
        assert!(unwound.is_err(), "a panic goes on to the caller");
    }
    assert_eq!(breaker.status(0).phase, PhaseName::Open);
    // A probe that panics opens it again, and its permit is gone with the round.
    now_ms.store(3_000, Ordering::SeqCst);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        breaker.run(clock, |(): &()| Outcome::Success, || std::panic::panic_any("the protected call panics"))
    }));
    assert!(unwound.is_err());
    assert_eq!(breaker.status(3_000).retry_after_ms, Some(3_000));
}

fn run() {
    let breaker = CircuitBreaker::new(small()).expect("a breaker");
    let judge = |answer: &Result<u8, ()>| if answer.is_ok() { Outcome::Success } else { Outcome::Failure };
    assert_eq!(breaker.run(|| 0, judge, || Ok(3)), Ok(Ok(3)));
    for _ in 0..2 {
        assert_eq!(breaker.run(|| 0, judge, || Err(())), Ok(Err(())));
    }
    assert_eq!((breaker.status(0).calls, breaker.status(0).failed), (3, 2));
    assert_eq!(breaker.run(|| 0, judge, || Ok(4)), Ok(Ok(4)));
    // Half of four: the success was the one that filled the minimum.
    assert_eq!(breaker.run(|| 0, judge, || Ok(5)), Err(Rejected::Open { retry_after_ms: 3_000 }));
}

/// A call that takes a second: the breaker opens when it ends, and not when it was let through.
fn run_time() {
    let unwound = || std::panic::panic_any("the protected call panics");
    for fails in [|| (), unwound] {
        let breaker = CircuitBreaker::new(Config { minimum_calls: 1, ..small() }).expect("a breaker");
        let now_ms = AtomicU64::new(0);
        let call = || {
            now_ms.store(1_000, Ordering::SeqCst);
            fails();
        };
        let clock = || now_ms.load(Ordering::SeqCst);
        let _ = catch_unwind(AssertUnwindSafe(|| breaker.run(clock, |(): &()| Outcome::Failure, call)));
        assert_eq!(breaker.status(1_000).retry_after_ms, Some(3_000));
    }
}

fn time_window() {
    let window = Window::Time { buckets: 2, bucket_ms: 1_000 };
    let mut core = Core::new(Config { window, ..small() }).expect("a breaker");
    let mut fail = |now_ms| {
        let permit = core.try_acquire(now_ms).expect("closed");
        core.report(permit, Outcome::Failure, now_ms);
        core.status(now_ms)
    };
    assert_eq!((fail(0).calls, fail(999).calls, fail(1_000).calls), (1, 2, 3));
    // The first second is out of the window: what is left does not make a minimum.
    let status = fail(2_000);
    assert_eq!((status.phase, status.calls), (PhaseName::Closed, 2));
    // A clock that went back adds to the newest second.
    assert_eq!(fail(500).calls, 3);
}

fn room() {
    let window = Window::Time { buckets: 2, bucket_ms: 1_000 };
    let taken = |calls_each_second: u64| {
        let mut core = Core::new(Config { window, ..small() }).expect("a breaker");
        for now_ms in (0..2_000).step_by((1_000 / calls_each_second) as usize) {
            let permit = core.try_acquire(now_ms).expect("closed");
            core.report(permit, Outcome::Success, now_ms);
        }
        assert_eq!(u64::from(core.status(1_999).calls), 2 * calls_each_second);
        // All that it holds is shown.
        format!("{core:?}").len()
    };
    let (few, many) = (taken(1), taken(1_000));
    assert!(many < few + 20, "{few} for two calls, {many} for two thousand");
}

fn end_of_time() {
    let breaker = CircuitBreaker::new(Config { open_wait_ms: u64::MAX, ..small() }).expect("a breaker");
    open(&breaker);
    assert_eq!(breaker.try_acquire(u64::MAX - 1), Err(Rejected::Open { retry_after_ms: 1 }));
    assert!(breaker.try_acquire(u64::MAX).is_ok());
}
