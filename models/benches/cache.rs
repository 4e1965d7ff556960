//! What a hit and a store cost on one and on two threads, ours beside moka: nanoseconds an operation, and the ratio of
//! the two in the same run. Keys are small, all of them fit; moka's housekeeping is its own.
//!
//! moka reads the clock at each operation, and with `peers` this program's clock can be virtual, which makes a reading
//! dearer. So what a reading costs is measured too and taken off moka's figure: the ratio is the worse for ours.
//!
//! A plain program and no statistics, the best of several rounds. `cargo bench --bench cache`; it fails at a ratio
//! above 2.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use counterpart_models::cache::{Cache, Config, Draw, Loaded, Lookup};

const KEYS: u64 = 1_000;
const OPERATIONS: u64 = 400_000;
const ROUNDS: usize = 7;
const RATIO_MAX: f64 = 2.0;

/// Runs `operation` on so many threads, and says what one took in nanoseconds, at best.
fn measure(threads: u64, operation: impl Fn(u64) + Sync) -> f64 {
    let best = (0..ROUNDS).map(|_| {
        let at_once = Barrier::new(threads as usize);
        let took = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let (at_once, operation) = (&at_once, &operation);
                    scope.spawn(move || {
                        at_once.wait();
                        let started = Instant::now();
                        for number in 0..OPERATIONS {
                            operation((number * 7 + thread * 501) % KEYS);
                        }
                        started.elapsed()
                    })
                })
                .collect();
            running.into_iter().map(|thread| thread.join().unwrap_or(Duration::MAX)).max().unwrap_or(Duration::MAX)
        });
        took.as_nanos() as f64 / OPERATIONS as f64
    });
    best.fold(f64::INFINITY, f64::min)
}

fn main() -> ExitCode {
    let ours = match Cache::<u64, u64>::new(Config::default()) {
        Ok(cache) => cache,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let theirs = moka::sync::Cache::<u64, u64>::builder()
        .max_capacity(10_000)
        .time_to_live(Duration::from_secs(60))
        .eviction_policy(moka::policy::EvictionPolicy::lru())
        .build();
    let store = |key: u64| {
        let loaded = Loaded { value: key, size: 1, cost: 1, took_ms: 0 };
        let _ = black_box(ours.insert(key, loaded, 0, Draw(0)));
    };
    (0..KEYS).for_each(|key| {
        store(key);
        theirs.insert(key, key);
    });
    theirs.run_pending_tasks();
    let hit = |key: u64| {
        if let Lookup::Lead(lease) = black_box(ours.get(&key, 1, Draw(u32::MAX))) {
            ours.cancel(lease, 1);
        }
    };
    let mut passed = true;
    let reading = measure(1, |_| {
        black_box(Instant::now());
    });
    println!("a reading of the clock takes {reading:.1} ns");
    for threads in [1, 2] {
        let rows = [
            (
                "hit",
                measure(threads, hit),
                measure(threads, |key| {
                    black_box(theirs.get(&key));
                }),
            ),
            ("insert", measure(threads, store), measure(threads, |key| theirs.insert(key, black_box(key)))),
        ];
        for (what, ours_ns, theirs_ns) in rows {
            let theirs_ns = theirs_ns - reading;
            let ratio = ours_ns / theirs_ns;
            passed &= ratio <= RATIO_MAX;
            println!(
                "{what:<7} {threads} threads  ours {ours_ns:>7.1} ns  moka {theirs_ns:>7.1} ns  {ratio:.2} of moka"
            );
        }
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
