//! Published limiters by themselves: the figures that are told of them.

use std::num::NonZeroU32;
use std::time::Duration;

use counterpart_models::rate_limiter::{AlgorithmName, AnyLimiter, Quota, RateLimiter};
use governor::clock::FakeRelativeClock;
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("rate_limiter::governor_conforms_in_1048576_schedules_and_its_old_release_does_not", schedules),
        claim("rate_limiter::a_burst_that_wraps_in_governor_is_an_error_here", wrap),
        claim("rate_limiter::tower_admits_199_in_a_millisecond", tower),
        claim("rate_limiter::ratelimit_comes_later_if_it_is_asked_more_often", ratelimit),
    ]
}

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not 0")
}

/// What may happen next: a check, or time in halves of an interval.
const LETTERS: [Option<u32>; 4] = [None, Some(1), Some(2), Some(6)];

/// Ten letters of an alphabet of four, every word of them, one request an interval and no burst.
fn schedules() {
    let half = Duration::from_millis(500);
    let quota = || governor::Quota::with_period(2 * half).expect("a period").allow_burst(count(1));
    let old_quota = || governor_0_7::Quota::with_period(2 * half).expect("a period").allow_burst(count(1));
    let ours = Quota::new(1, 1_000_000_000).expect("a quota");
    let (mut diverged, mut diverged_of_old, mut shortest_of_old) = (0, 0, None);
    for word in 0..1_u32 << 20 {
        let (clock, old_clock) = (FakeRelativeClock::default(), governor_0_7::clock::FakeRelativeClock::default());
        let limiter = governor::RateLimiter::direct_with_clock(quota(), clock.clone());
        let old = governor_0_7::RateLimiter::direct_with_clock(old_quota(), old_clock.clone());
        let mut gcra = AnyLimiter::new(AlgorithmName::Gcra, ours).expect("a limiter");
        let (mut now_ns, mut differs, mut differs_of_old) = (0, None, None);
        for step in 0..10 {
            match LETTERS[(word >> (18 - 2 * step) & 3) as usize] {
                Some(halves) => {
                    now_ns += u64::from(halves) * 500_000_000;
                    clock.advance(halves * half);
                    old_clock.advance(halves * half);
                }
                None => {
                    let admitted = gcra.check(now_ns).is_ok();
                    differs = differs.or((limiter.check().is_ok() != admitted).then_some(step));
                    differs_of_old = differs_of_old.or((old.check().is_ok() != admitted).then_some(step));
                }
            }
        }
        diverged += u32::from(differs.is_some());
        diverged_of_old += u32::from(differs_of_old.is_some());
        if let Some(step) = differs_of_old {
            let steps = step + 1;
            let letters = word >> (20 - 2 * steps);
            shortest_of_old =
                Some(shortest_of_old.map_or((steps, letters), |found: (u32, u32)| found.min((steps, letters))));
        }
    }
    assert_eq!(diverged, 0);
    assert_eq!(diverged_of_old, 177_022);
    // Check, three intervals, check, check.
    assert_eq!(shortest_of_old, Some((4, 0b00_11_00_00)));
}

fn wrap() {
    let (burst, hour_ns) = (10_000_000, 3_600_000_000_000);
    let quota = governor::Quota::per_hour(count(1)).allow_burst(count(burst));
    let limiter = governor::RateLimiter::direct_with_clock(quota, FakeRelativeClock::default());
    let admitted = (0..burst).take_while(|_| limiter.check().is_ok()).count();
    assert_eq!(admitted, 4_875_904);
    // What is left of the product when 64 bits are full, and the first.
    let wrapped_ns = (u128::from(burst - 1) * u128::from(hour_ns)) % (1 << 64);
    assert_eq!(admitted as u128, wrapped_ns / u128::from(hour_ns) + 1);
    let quota = Quota::new(1, hour_ns).and_then(|quota| quota.with_burst(burst)).expect("a quota");
    assert!(AnyLimiter::new(AlgorithmName::Gcra, quota).is_err());
    let mut exact = AnyLimiter::new(AlgorithmName::TokenBucket, quota).expect("a bucket");
    assert_eq!((0..=burst).take_while(|_| exact.check(0).is_ok()).count(), burst as usize);
}

/// 100 a second: one call, and a second later 99 in its last millisecond and 100 in the first of the next window.
fn tower() {
    use ::tower::Service as _;
    use std::task::{Context, Poll, Waker};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let mut service = {
        let _entered = runtime.enter();
        let answers = ::tower::service_fn(|(): ()| std::future::ready(Ok::<(), std::convert::Infallible>(())));
        ::tower::limit::RateLimit::new(answers, ::tower::limit::rate::Rate::new(100, Duration::from_secs(1)))
    };
    let mut admitted = |wanted: usize| {
        let _entered = runtime.enter();
        (0..wanted)
            .take_while(|_| {
                let ready = matches!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
                if ready {
                    drop(service.call(()));
                }
                ready
            })
            .count()
    };
    let pass = |time: Duration| runtime.block_on(tokio::time::advance(time));
    assert_eq!(admitted(1), 1);
    pass(Duration::from_millis(999));
    assert_eq!(admitted(200), 99);
    pass(Duration::from_millis(1));
    assert_eq!(admitted(200), 100);
}

/// One third of a token a second. Who asks after three seconds gets it; who asks every second does not, for what is
/// below a millionth of a token was dropped each time.
fn ratelimit() {
    let limiter = || {
        let clock = counterpart_models::rate_limiter::peers::Elapsed::default();
        let limiter = ratelimit::Builder::with_clock(1, clock.clone())
            .period(Duration::from_secs(3))
            .initial_available(0)
            .build()
            .expect("a limiter");
        (limiter, clock)
    };
    let (patient, clock) = limiter();
    clock.advance(Duration::from_secs(3));
    assert!(patient.try_wait().is_ok());
    let (eager, clock) = limiter();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        assert!(eager.try_wait().is_err());
    }
    clock.advance(Duration::from_micros(3));
    assert!(eager.try_wait().is_ok());
}
