//! How far an implementation is driven, how long it is waited for, and how often a deviation has to be shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use counterpart::conform::{Agreement, Job, Tour, Walk};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Counterpart, Interface};
use libtest_mimic::Trial;
use stateright::Model;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("limits::a_tour_that_meets_its_cap_says_what_was_driven_and_what_was_not", capped),
        claim("limits::only_a_second_drive_sees_what_comes_of_a_second_start", second_drive),
        claim("limits::what_is_not_made_in_time_is_told_from_what_does_not_answer", not_made),
        claim("limits::what_is_slow_to_start_may_be_quick_to_answer", slow_start),
        claim("limits::a_deviation_that_is_shown_every_time_counts", every_time),
        claim("limits::a_deviation_that_is_not_shown_every_time_is_not_known", not_every_time),
        claim("limits::a_hang_that_is_not_shown_every_time_is_not_known", hangs_once),
    ]
}

/// A ring of so many places; it says where it is.
#[derive(Clone, Copy)]
struct Ring(u8);

impl Model for Ring {
    type State = u8;
    type Action = ();

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, at: &u8, (): ()) -> Option<u8> {
        Some((at + 1) % self.0)
    }
}

struct RingFace;

impl Interface for RingFace {
    type Model = Ring;
    type Input = ();
    type Output = u8;
    type Snapshot = ();

    fn label(&self, _: &Ring, _: &u8, (): &(), to: Option<&u8>) -> Option<((), u8)> {
        Some(((), *to?))
    }
}

const RING: Ring = Ring(10);

#[derive(Clone, Copy, PartialEq)]
enum At3 {
    Right,
    Wrong,
    Hangs,
}

struct Ours {
    at: u8,
    at_3: At3,
}

impl Counterpart<RingFace> for Ours {
    fn apply(&mut self, (): &()) -> u8 {
        self.at = (self.at + 1) % RING.0;
        match (self.at, self.at_3) {
            (3, At3::Wrong) => 77,
            (3, At3::Hangs) => loop {
                std::thread::park();
            },
            (at, _) => at,
        }
    }
}

/// Makes implementations of which the one of this number (1-based) is otherwise at 3, and those after it if `on`.
fn made(number: usize, on: bool, at_3: At3) -> impl Fn() -> Ours + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move || {
        let this = 1 + count.fetch_add(1, Ordering::SeqCst);
        Ours { at: 0, at_3: if this == number || (on && this > number) { at_3 } else { At3::Right } }
    }
}

const RIGHT: At3 = At3::Right;

/// Long enough that a busy machine is not taken for a hang.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

fn check(job: Arc<dyn Job<RingFace>>) -> Check<Ring, RingFace> {
    Check::of(RING).interface(RingFace).answer_within(ANSWER_WITHIN).subject("ours", job)
}

fn only(check: &Check<Ring, RingFace>) -> ConformanceReport {
    check.run().cases.remove(0).conformance.remove(0)
}

fn run(job: Arc<dyn Job<RingFace>>) -> ConformanceReport {
    only(&check(job))
}

#[track_caller]
fn is(report: &ConformanceReport, verdict: Agreement, words: &[&str]) {
    let why = report.why.clone().unwrap_or_default();
    assert_eq!(report.verdict, verdict, "{why}");
    assert!(words.iter().all(|words| why.contains(words)), "{why}");
}

fn capped() {
    let tour = || Tour::new().suffixes(false);
    is(&run(tour().steps_max(10).of(made(1, true, RIGHT))), Agreement::Conforms, &[]);
    let report = run(tour().steps_max(9).of(made(1, true, RIGHT)));
    let words = "the limit of 9 steps was reached: 9 of 10 transitions were driven, and 1 were not";
    is(&report, Agreement::Incomplete, &[words]);
    assert_eq!((report.effort.steps(), report.effort.edges()), (9, (10, 9)));
    // What it comes to before is found all the same.
    is(&run(tour().steps_max(9).of(made(1, true, At3::Wrong))), Agreement::Diverges, &["answers 77"]);
}

fn second_drive() {
    let tour = || Tour::new().suffixes(false);
    is(&run(tour().of(made(2, true, At3::Wrong))), Agreement::Diverges, &["not deterministic", "answers 3", "77"]);
    is(&run(tour().second_drive(false).of(made(2, true, At3::Wrong))), Agreement::Conforms, &[]);
}

fn never_made() -> Ours {
    loop {
        std::thread::park();
    }
}

fn not_made() {
    for job in [Tour::new().of(never_made), Walk::new().of(never_made)] {
        let report = only(&check(job).start_within(Duration::from_millis(50)));
        is(&report, Agreement::Diverges, &["is not made within 50 ms", "start_within"]);
        assert_eq!(report.evidence.map(|trace| trace.len()), Some(0));
    }
}

fn slow_start() {
    let slow = || {
        let started = Instant::now();
        while started.elapsed() < ANSWER_WITHIN + Duration::from_millis(500) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ours { at: 0, at_3: RIGHT }
    };
    let walk = || Walk::new().runs(1).steps(5).of(slow);
    is(&only(&check(walk()).start_within(Duration::from_secs(60))), Agreement::Conforms, &[]);
    is(&only(&check(walk()).start_within(ANSWER_WITHIN)), Agreement::Diverges, &["is not made within 1500 ms"]);
}

fn every_time() {
    for job in [Tour::new().times(3).of(made(1, true, At3::Wrong)), Walk::new().times(3).of(made(1, true, At3::Wrong))]
    {
        let report = run(job);
        is(&report, Agreement::Diverges, &["answers 77, the model allows 3"]);
        assert_eq!(report.evidence.map(|trace| trace.len()), Some(3));
    }
}

fn not_every_time() {
    let words = ["shown 1 of 3 times: at input 3, 77 at first and 3 when all was done again"];
    let report = run(Tour::new().times(3).of(made(1, false, At3::Wrong)));
    is(&report, Agreement::Incomplete, &words);
    // One time is enough where nothing is said: it then counts, as an implementation that is not deterministic.
    is(&run(Tour::new().of(made(1, false, At3::Wrong))), Agreement::Diverges, &["not deterministic"]);
    // What differs in a second drive has to differ every time as well.
    let report = run(Tour::new().times(3).of(made(2, false, At3::Wrong)));
    is(&report, Agreement::Incomplete, &words);
    is(&run(Tour::new().times(3).of(made(2, true, At3::Wrong))), Agreement::Diverges, &["not deterministic"]);
}

fn hangs_once() {
    let report = run(Tour::new().times(2).of(made(1, false, At3::Hangs)));
    let words = ["shown 1 of 2 times: at input 3, no answer within 1500 ms at first and 3 when all was done again"];
    is(&report, Agreement::Incomplete, &words);
    is(
        &run(Tour::new().times(2).of(made(1, true, At3::Hangs))),
        Agreement::Diverges,
        &["does not answer within 1500 ms"],
    );
}
