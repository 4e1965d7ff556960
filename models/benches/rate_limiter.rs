//! What a check costs, beside the crates that one would pick instead: admitted and denied, on one thread and on two
//! that share the limiter.
//!
//! A plain program and no statistics: the best of a few rounds each, taken in turn, and ratios within one process.
//! `cargo bench --bench rate_limiter`. The clock is read outside: governor's is a fake one, ratelimit's stands still,
//! and ours is told.

use std::hint::black_box;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::rate_limiter::{
    AtomicFixedWindow, AtomicGcra, AtomicTokenBucket, Gcra, Quota, QuotaError, SharedKeyed,
};

const CHECKS: u64 = 1_000_000;
const ROUNDS: usize = 9;

/// One question to a limiter; true if it admits.
type Check<'a> = Box<dyn Fn(u64) -> bool + Sync + 'a>;

/// A clock that stands still.
struct Still;

impl ratelimit::Clock for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn main() -> Result<(), QuotaError> {
    // So much that nothing is ever denied, and so little that all but the first is.
    let plenty = Quota::new(1_000_000_000, 1_000_000_000)?;
    let little = Quota::new(1, 3_600_000_000_000)?;
    for (what, quota) in [("admitted", plenty), ("denied", little)] {
        let limiters = limiters(quota)?;
        for threads in [1, 2] {
            let mut best = vec![f64::INFINITY; limiters.len()];
            for _ in 0..ROUNDS {
                for (place, (_, check)) in limiters.iter().enumerate() {
                    best[place] = best[place].min(nanoseconds(check, threads));
                }
            }
            let governor = best[best.len() - 2];
            println!("{what}, {threads} thread(s)");
            for ((name, _), nanoseconds) in limiters.iter().zip(&best) {
                println!("  {name:<34} {nanoseconds:>7.1} ns a check, {:.2} of governor's", nanoseconds / governor);
            }
        }
    }
    Ok(())
}

fn limiters(quota: Quota) -> Result<Vec<(&'static str, Check<'static>)>, QuotaError> {
    let (gcra, bucket, window) =
        (AtomicGcra::new(quota)?, AtomicTokenBucket::new(quota)?, AtomicFixedWindow::new(quota));
    let keyed = SharedKeyed::new(Gcra::new(quota)?, NonZeroUsize::MIN);
    let burst = NonZeroU32::new(quota.burst()).unwrap_or(NonZeroU32::MIN);
    let period = Duration::from_nanos(quota.window_ns()) / quota.limit();
    let theirs = governor::Quota::with_period(period).unwrap_or_else(|| governor::Quota::per_second(burst));
    let clock = governor::clock::FakeRelativeClock::default();
    let governor_keyed = governor::RateLimiter::hashmap_with_clock(theirs.allow_burst(burst), clock.clone());
    let governor = governor::RateLimiter::direct_with_clock(theirs.allow_burst(burst), clock);
    let ratelimit = ratelimit::Builder::with_clock(quota.limit().into(), Still)
        .period(Duration::from_nanos(quota.window_ns()))
        .initial_available(quota.burst().into())
        .build();
    let Ok(ratelimit) = ratelimit else { unreachable!("a quota of ours is one of theirs") };
    Ok(vec![
        ("ours, GCRA", Box::new(move |now_ns| gcra.check(now_ns).is_ok())),
        ("ours, token bucket", Box::new(move |now_ns| bucket.check(now_ns).is_ok())),
        ("ours, fixed window", Box::new(move |now_ns| window.check(now_ns).is_ok())),
        ("ours, GCRA of one key in a store", Box::new(move |now_ns| keyed.check(&7_u64, now_ns).is_ok())),
        ("governor 0.10.4, of one key", Box::new(move |_| governor_keyed.check_key(&7_u64).is_ok())),
        ("governor 0.10.4", Box::new(move |_| governor.check().is_ok())),
        ("ratelimit 2.0.0", Box::new(move |_| ratelimit.try_wait().is_ok())),
    ])
}

/// Time from when the first thread begins to when the last one ends.
fn nanoseconds(check: &Check<'_>, threads: usize) -> f64 {
    let together = Barrier::new(threads);
    let work = || {
        together.wait();
        let begun = Instant::now();
        for _ in 0..CHECKS {
            black_box(check(black_box(1)));
        }
        (begun, Instant::now())
    };
    let times: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let (begun, ended) = (times.iter().map(|(begun, _)| begun).min(), times.iter().map(|(_, ended)| ended).max());
    match (begun, ended) {
        (Some(begun), Some(ended)) => {
            ended.duration_since(*begun).as_secs_f64() * 1e9 / (CHECKS * threads as u64) as f64
        }
        _ => f64::NAN,
    }
}
