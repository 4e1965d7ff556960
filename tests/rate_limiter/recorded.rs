//! Logs of limiters on real threads: the shipped store, and one with a defect that only the log shows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use counterpart::Shared;
use counterpart::conform::Agreement;
use counterpart::conform::events::{EventLog, Log, LogError};
use counterpart::report::ConformanceReport;
use counterpart_models::rate_limiter;
use counterpart_models::rate_limiter::bindings::{Binding, SharedLimiter, limiter};
use counterpart_models::rate_limiter::conformance::Answer;
use counterpart_models::rate_limiter::model::{Action, Limiter};
use counterpart_models::rate_limiter::recorded::{LimiterReader, Logged, TARGET, model};
use counterpart_models::rate_limiter::{AnyLimiter, RateLimiter, SharedKeyed};
use libtest_mimic::Trial;

use crate::claim;

const READER: LimiterReader = LimiterReader { time_is_recorded: true };

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("rate_limiter::a_store_on_real_threads_conforms_run_after_run", real_threads),
        claim("rate_limiter::a_lost_update_is_in_the_log", lost_update),
    ]
}

fn judged(source: impl Fn() -> Result<Log, LogError> + Send + Sync + 'static) -> ConformanceReport {
    let check = rate_limiter::check(model()).alongside_only();
    check.events(READER, source).run().cases.remove(0).conformance.remove(0)
}

/// Three callers, a clock and a collector, each a thread.
fn run_on_threads() -> Result<Log, LogError> {
    let log = EventLog::of(TARGET);
    let limiter = Logged::new(Binding::<SharedKeyed<u8, AnyLimiter>>::new(&model()), READER);
    let limiter = &limiter;
    let mut threads: Vec<(String, Box<dyn FnOnce() + Send + '_>)> = Vec::new();
    for client in 0..3_u8 {
        let checks = move || {
            for call in 0..40 {
                limiter.call(&Action::Check { client: 0, key: (client + call / 3) % 2 });
                thread::yield_now();
            }
        };
        threads.push((format!("client {client}"), Box::new(checks)));
    }
    for (name, action) in [("clock", Action::Tick), ("collector", Action::Collect)] {
        let repeats = move || {
            for _ in 0..40 {
                limiter.call(&action);
                thread::yield_now();
            }
        };
        threads.push((name.into(), Box::new(repeats)));
    }
    log.on_threads(threads);
    Ok(log.recorded())
}

fn real_threads() {
    for _ in 0..8 {
        let report = judged(run_on_threads);
        assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
        assert_eq!(report.effort.steps(), 5 * 40);
    }
}

/// Checks a copy and writes it back; the first two who are admitted race, always.
struct ChecksACopy {
    limiter: Mutex<AnyLimiter>,
    raced: AtomicBool,
    together: Barrier,
}

impl SharedLimiter for ChecksACopy {
    fn of(model: &Limiter) -> Self {
        ChecksACopy { limiter: Mutex::new(limiter(model)), raced: AtomicBool::new(false), together: Barrier::new(2) }
    }

    fn check(&self, _: u8, now_ns: u64) -> Answer {
        let lock = || self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = lock().clone();
        let answer = copy.check(now_ns).into();
        if !self.raced.load(Ordering::SeqCst) {
            self.together.wait();
            self.raced.store(true, Ordering::SeqCst);
        }
        *lock() = copy;
        answer
    }

    fn retry_after_ns(&self, _: u8, now_ns: u64) -> u64 {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).retry_after_ns(now_ns)
    }
}

fn lost_update() {
    let report = judged(|| {
        let log = EventLog::of(TARGET);
        let limiter = Logged::new(Binding::<ChecksACopy>::new(&model()), READER);
        let check = Action::Check { client: 0, key: 0 };
        thread::scope(|scope| {
            for _ in 0..2 {
                let (log, limiter) = (&log, &limiter);
                scope.spawn(move || log.here(|| limiter.call(&check)));
            }
        });
        // The burst is two, and both of it are spent.
        log.here(|| limiter.call(&check));
        Ok(log.recorded())
    });
    assert_eq!(report.verdict, Agreement::Diverges);
    let why = report.why.unwrap_or_default();
    assert!(why.starts_with("line 3, check") && why.contains("answer=Admitted"), "{why}");
}
