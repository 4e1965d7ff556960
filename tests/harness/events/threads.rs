//! Runs that are recorded on threads of their own, and what becomes of a thread that does not start or that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use counterpart::Check;
use counterpart::check::{Case, Options};
use counterpart::conform::Agreement;
use counterpart::conform::events::{EventLog, Events};
use libtest_mimic::Trial;

use super::{HIDING, tickets};
use crate::claim;
use crate::toy::FACE;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::a_panic_is_a_deviation_that_names_thread_and_words", panicked),
        claim("events::a_thread_that_does_not_start_keeps_no_other_waiting", not_started),
    ]
}

/// Whoever panics is named, and replaying the trace runs it again: it has no log.
fn panicked() {
    let falls = Arc::new(AtomicBool::new(true));
    let run_it = {
        let falls = falls.clone();
        move || {
            let log = EventLog::of("tickets");
            let taker: Box<dyn FnOnce() + Send> = Box::new(|| tracing::info!(target: "tickets", "take"));
            let other: Box<dyn FnOnce() + Send> = Box::new(|| assert!(!falls.load(Ordering::SeqCst), "fell over"));
            log.on_threads([("taker".into(), taker), ("clerk".into(), other)]);
            Ok(log.recorded())
        }
    };
    let check = Check::of(tickets(false)).interface(FACE).subject("tickets", Events::new(HIDING).of(run_it));
    let case = Case::new("tickets/panics", check.diverges("tickets"));
    let report = case.run(&Options::default()).0.conformance.remove(0);
    assert_eq!(report.verdict, Agreement::Diverges);
    assert_eq!(report.why.as_deref(), Some("the run that was recorded panicked: thread clerk panicked: fell over"));
    let trace = report.evidence.expect("a trace");
    assert_eq!(trace.steps.len(), 1, "the state that it began in");
    let replayed = || case.replay(&trace, &Options::default()).expect("it can be replayed");
    assert!(replayed().reproduces, "{}", replayed().summary());
    falls.store(false, Ordering::SeqCst);
    assert!(!replayed().reproduces, "{}", replayed().summary());
}

fn not_started() {
    let ran = AtomicBool::new(false);
    let starts: Box<dyn FnOnce() + Send> = Box::new(|| ran.store(true, Ordering::SeqCst));
    // No name of a thread holds a zero.
    let threads = [("one".to_string(), starts), ("tw\0".to_string(), Box::new(|| {}))];
    let outcome = catch_unwind(AssertUnwindSafe(|| EventLog::of("tickets").on_threads(threads)));
    assert!(outcome.is_err() && ran.load(Ordering::SeqCst));
}
