//! Real threads through every interleaving: what is counted and bounded, calls that wait, and how the mode is used
//! wrongly. The subject is a semaphore whose `Acquire` waits for a permit.

mod lost;

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize as StdAtomicUsize, Ordering as StdOrdering};

use counterpart::check::{Case, Options};
use counterpart::conform::interleave::sync::Mutex;
use counterpart::conform::interleave::{CALLS_MAX, Condvar, Interleave, SCHEDULES_MAX, Script, THREADS_MAX};
use counterpart::conform::{Agreement, Effort};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Shared};
use libtest_mimic::Trial;
use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::claim;
use crate::toy::{At, Edge, FACE, Face, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("interleave::a_call_may_wait_for_ever_where_the_model_leaves_it_waiting", waits_by_right),
        claim("interleave::a_call_that_was_left_waiting_is_answered_later", woken),
        claim("interleave::a_lost_wake_up_is_found_and_its_trace_replays", lost_wake_up),
        claim("interleave::an_effect_that_was_seen_makes_waiting_for_ever_wrong", took_and_waits),
        claim("interleave::a_divergence_names_its_script_and_what_was_allowed", what_was_allowed),
        claim("interleave::threads_that_lock_in_turn_wait_for_ever", locks_in_turn),
        claim("interleave::a_call_of_the_prefix_that_waits_for_ever_is_named", prefix_waits),
        claim("interleave::with_looms_own_condition_variable_waiting_by_right_is_incomplete", looms_own),
        claim("interleave::a_call_that_may_not_wait_makes_the_script_impossible", may_not_wait),
        claim("interleave::every_script_tells_its_schedules_and_whether_they_are_all", told),
        claim("interleave::too_many_schedules_are_bounded_and_still_too_many_are_incomplete", bounded),
        claim("interleave::nothing_to_run_is_incomplete", nothing_to_run),
        claim("interleave::misuse_of_loom_is_told_with_what_to_do", misuse),
        claim("interleave::a_leak_is_a_deviation", leaks),
    ];
    trials.extend(lost::trials());
    trials
}

const ACQUIRE: Word = Word("Acquire", None);
const TRY_ACQUIRE: Word = Word("TryAcquire", None);
const RELEASE: Word = Word("Release", None);

/// So many permits; nobody acquires where there is none. A full semaphore takes back no permit. `Acquire` is answered only
/// where it has its effect.
fn permits(count: At, max: At) -> Toy {
    let edges = (0..=max).flat_map(|free| {
        let less = free.checked_sub(1);
        let more = (free < max).then_some(free + 1);
        let answered = |name, to: Option<At>| Edge::new(free, to, name).says(to.is_some());
        let acquire = less.map_or(Edge::new(free, None, ACQUIRE), |_| answered(ACQUIRE, less));
        [acquire, answered(TRY_ACQUIRE, less), answered(RELEASE, more)]
    });
    Toy::new(edges).starting(&[count])
}

/// `Acquire` may wait.
const WAITS: Face = Face { shows: true, waits: Some("Acquire"), ..FACE };

/// The same, but for that it may wait.
const NEVER_WAITS: Face = Face { shows: true, ..FACE };

/// What is wrong with a semaphore.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// Looks, lets go of the lock, and waits: what was released in between wakes nobody.
    LosesWakeUp,
    /// Wakes nobody.
    NeverWakes,
    /// Takes the last permit, and waits for another.
    TakesAndWaits,
    /// Looks whether there is a permit, lets go of the lock, and takes it.
    LooksThenTakes,
}

struct Semaphore {
    flaw: Flaw,
    max: At,
    free: Mutex<At>,
    released: Condvar,
}

impl Semaphore {
    fn new(flaw: Flaw, count: At) -> Self {
        Semaphore { flaw, max: 2, free: Mutex::new(count), released: Condvar::new() }
    }
}

impl Shared<Face> for Semaphore {
    fn call(&self, act: &Word) -> Say {
        let lock = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = lock();
        match *act {
            ACQUIRE => {
                if self.flaw == Flaw::LosesWakeUp && *free == 0 {
                    drop(free);
                    free = self.released.wait(lock()).unwrap_or_else(PoisonError::into_inner);
                }
                let mut free =
                    self.released.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
                *free -= 1;
                if self.flaw == Flaw::TakesAndWaits && *free == 0 {
                    drop(self.released.wait(free));
                }
                true.into()
            }
            TRY_ACQUIRE => {
                let can = *free > 0;
                if self.flaw == Flaw::LooksThenTakes {
                    drop(free);
                    free = lock();
                }
                *free = free.saturating_sub(At::from(can));
                can.into()
            }
            _ => {
                let can = *free < self.max;
                *free += At::from(can);
                drop(free);
                if self.flaw != Flaw::NeverWakes {
                    self.released.notify_one();
                }
                can.into()
            }
        }
    }

    fn observe(&self) -> Option<At> {
        Some(*self.free.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A semaphore without a free permit.
fn none_free() -> Toy {
    permits(0, 2)
}

fn one(script: Script<Word>) -> Vec<Script<Word>> {
    vec![script]
}

fn race(first: Word, second: Word) -> Script<Word> {
    Script::after([]).thread([first]).thread([second])
}

fn case<S: Shared<Face> + 'static>(
    model: Toy,
    scripts: Vec<Script<Word>>,
    factory: impl Fn() -> S + Send + Sync + 'static,
    diverges: bool,
) -> Case {
    let check = Check::of(model).interface(WAITS).subject("subject", Interleave::new(scripts).of(factory));
    Case::new("toy/semaphore", if diverges { check.diverges("subject") } else { check })
}

fn run<S: Shared<Face> + 'static>(
    model: Toy,
    scripts: Vec<Script<Word>>,
    factory: impl Fn() -> S + Send + Sync + 'static,
) -> ConformanceReport {
    let mut report = case(model, scripts, factory, false).run(&Options::default()).0;
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    report.conformance.remove(0)
}

/// The verdict of a semaphore without permits.
fn verdict(flaw: Flaw, scripts: Vec<Script<Word>>) -> (Agreement, String) {
    let report = run(none_free(), scripts, move || Semaphore::new(flaw, 0));
    (report.verdict, report.why.unwrap_or_default())
}

fn waits_by_right() {
    let scripts = vec![
        // One permit for two.
        Script::after([]).thread([ACQUIRE]).thread([ACQUIRE]).thread([RELEASE]),
        // None for anybody.
        race(ACQUIRE, ACQUIRE),
        // Whoever is first, one of them is left waiting, and its next call is never made.
        Script::after([RELEASE]).thread([ACQUIRE, TRY_ACQUIRE]).thread([ACQUIRE]),
    ];
    let (verdict, why) = verdict(Flaw::None, scripts);
    assert_eq!((verdict.name(), why.as_str()), ("conforms", ""));
}

fn woken() {
    let scripts = vec![race(ACQUIRE, RELEASE), Script::after([]).thread([ACQUIRE, RELEASE]).thread([RELEASE, ACQUIRE])];
    assert_eq!(verdict(Flaw::None, scripts).0, Agreement::Conforms);
}

fn lost_wake_up() {
    for flaw in [Flaw::LosesWakeUp, Flaw::NeverWakes] {
        let scripts = || one(Script::after([TRY_ACQUIRE]).thread([ACQUIRE]).thread([TRY_ACQUIRE, RELEASE]));
        let case = case(none_free(), scripts(), move || Semaphore::new(flaw, 0), true);
        let report = case.run(&Options::default()).0.conformance.remove(0);
        let why = report.why.unwrap_or_default();
        assert_eq!(report.verdict, Agreement::Diverges);
        assert_eq!(why, "script 0: thread 0 waits for ever in Acquire, although the model would answer true");
        let trace = report.evidence.expect("a divergence leaves a trace");
        // Shrunk to one call each: two invokes, one return, and who waits.
        let actions: Vec<&str> = trace.steps[1..].iter().map(|step| step.action.as_str()).collect();
        assert_eq!(trace.extra["script"], r#"[[],[["Acquire"],["Release"]],null]"#);
        assert_eq!(actions.last(), Some(&"wait in Acquire"), "{actions:?}");
        assert_eq!(actions.len(), 4, "{actions:?}");
        let again = case.replay(&trace, &Options::default()).expect("it replays");
        assert!(again.reproduces && again.as_expected, "{again:?}");
        let mended = self::case(none_free(), scripts(), || Semaphore::new(Flaw::None, 0), false);
        let again = mended.replay(&trace, &Options::default()).expect("it replays");
        assert!(!again.reproduces, "{again:?}");
    }
}

/// The second script is the one, and only one of two may have the permit.
fn what_was_allowed() {
    let scripts = vec![race(RELEASE, RELEASE), race(TRY_ACQUIRE, TRY_ACQUIRE)];
    let case = case(permits(1, 2), scripts, || Semaphore::new(Flaw::LooksThenTakes, 1), true);
    let report = case.run(&Options::default()).0.conformance.remove(0);
    let why = report.why.unwrap_or_default();
    let (begins, ends) =
        ("script 1: no order of these calls", "answered true, and an order that is allowed answers false");
    assert!(why.starts_with(begins) && why.ends_with(ends), "{why}");
    let trace = report.evidence.expect("a divergence leaves a trace");
    assert_eq!(trace.extra["script-number"], "1");
    let again = case.replay(&trace, &Options::default()).expect("it replays");
    assert!(again.reproduces && again.summary().contains(&why), "{}", again.summary());
}

fn took_and_waits() {
    let model = permits(1, 2);
    // The permit is gone, says the other thread; so it was answered.
    let scripts = one(Script::after([]).thread([ACQUIRE]).thread([TRY_ACQUIRE]));
    let report = run(model, scripts, || Semaphore::new(Flaw::TakesAndWaits, 1));
    let why = report.why.unwrap_or_default();
    assert_eq!(report.verdict, Agreement::Diverges);
    assert!(why.starts_with("script 0: thread 0 waits for ever in Acquire, although "), "{why}");
}

/// Two locks, taken in one order by the one call and in the other by the other.
struct TwoLocks(Mutex<()>, Mutex<()>);

impl Shared<Face> for TwoLocks {
    fn call(&self, act: &Word) -> Say {
        let (first, second) = if *act == RELEASE { (&self.0, &self.1) } else { (&self.1, &self.0) };
        let _first = first.lock();
        let _second = second.lock();
        true.into()
    }
}

fn locks_in_turn() {
    let model = permits(1, 2);
    let report = run(model, one(race(RELEASE, TRY_ACQUIRE)), || TwoLocks(Mutex::new(()), Mutex::new(())));
    let why = report.why.unwrap_or_default();
    assert_eq!(report.verdict, Agreement::Diverges);
    assert_eq!(why, "script 0: thread 1 waits for ever in TryAcquire, although the model would answer true");
}

fn prefix_waits() {
    let scripts = one(Script::after([RELEASE, ACQUIRE]).thread([TRY_ACQUIRE]).thread([RELEASE]));
    let (verdict, why) = verdict(Flaw::TakesAndWaits, scripts);
    assert_eq!((verdict.name(), why.as_str()), ("diverges", "script 0: call 2 of the prefix, Acquire, waits for ever"));
}

/// One that waits on loom's own condition variable.
struct Loomed(loom::sync::Mutex<At>, loom::sync::Condvar);

impl Shared<Face> for Loomed {
    fn call(&self, act: &Word) -> Say {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *act == RELEASE {
            *free += 1;
            self.1.notify_all();
            return true.into();
        }
        while *free == 0 {
            free = self.1.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        true.into()
    }
}

fn looms_own() {
    let make = || Loomed(loom::sync::Mutex::new(0), loom::sync::Condvar::new());
    let report = run(none_free(), one(race(ACQUIRE, ACQUIRE)), make);
    let why = report.why.unwrap_or_default();
    assert_eq!(report.verdict, Agreement::Incomplete);
    assert!(why.starts_with("script 0: ") && why.contains("counterpart::conform::interleave::Condvar"), "{why}");
    // Where nobody waits for ever, it is as good.
    assert_eq!(run(none_free(), one(race(ACQUIRE, RELEASE)), make).verdict, Agreement::Conforms);
}

fn may_not_wait() {
    struct Never;
    impl Shared<Face> for Never {
        fn call(&self, _: &Word) -> Say {
            true.into()
        }
    }
    let job = Interleave::new(one(race(ACQUIRE, RELEASE))).of(|| Never);
    let check = Check::of(none_free()).interface(NEVER_WAITS).subject("subject", job);
    let report = Case::new("toy/semaphore", check).run(&Options::default()).0.conformance.remove(0);
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Incomplete && why.contains("Acquire is not always possible"), "{why}");
}

/// Each call one step, and a step that is lost if told to.
struct Steps {
    steps: usize,
    count: AtomicUsize,
}

impl Shared<Face> for Steps {
    fn call(&self, _: &Word) -> Say {
        for _ in 0..self.steps {
            self.count.fetch_add(1, Ordering::AcqRel);
        }
        true.into()
    }
}

fn steps(steps: usize) -> impl Fn() -> Steps + Send + Sync + 'static {
    move || Steps { steps, count: AtomicUsize::new(0) }
}

fn many() -> Toy {
    permits(0, 9)
}

fn told() {
    let scripts = vec![race(RELEASE, RELEASE), race(RELEASE, RELEASE).preemptions_max(1)];
    let whole = case(many(), scripts, steps(2), false).run(&Options::default()).0;
    let report = &whole.conformance[0];
    assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
    let Effort::Interleave { scripts, schedules, .. } = &report.effort else { panic!("{report:?}") };
    let [all, some] = &scripts[..] else { panic!("{scripts:?}") };
    assert_eq!((all.preemptions_max, some.preemptions_max), (None, Some(1)));
    assert!(some.schedules < all.schedules);
    assert_eq!(*schedules, some.schedules + all.schedules);
    let text = counterpart::view::case(&whole);
    assert!(text.contains("preemptions at most 1 in 1 script"), "{text}");
}

fn bounded() {
    assert_eq!(Script::<Word>::default().schedules_max, SCHEDULES_MAX);
    let script = || Script::after([]).thread([RELEASE, RELEASE]).thread([RELEASE, RELEASE]);
    let run = |script: Script<Word>| run(many(), one(script), steps(3));
    // All its schedules are more than 200,000.
    let bounded = run(script().schedules_max(6_000));
    assert_eq!(bounded.verdict, Agreement::Conforms, "{:?}", bounded.why);
    let Effort::Interleave { scripts, schedules, .. } = &bounded.effort else { panic!("{bounded:?}") };
    assert_eq!(scripts.iter().map(|script| script.preemptions_max).collect::<Vec<_>>(), [Some(3)]);
    assert!(*schedules < 6_000);
    let truncated = run(script().schedules_max(20));
    let why = truncated.why.unwrap_or_default();
    assert_eq!(truncated.verdict, Agreement::Incomplete);
    assert_eq!(
        why,
        "script 0: more than 20 schedules, even with preemptions at most 3: give it fewer calls or threads, or a larger \
         schedules_max"
    );
}

fn nothing_to_run() {
    let incomplete = |scripts: Vec<Script<Word>>, words: &str| {
        let report = run(many(), scripts, steps(1));
        let why = report.why.unwrap_or_default();
        assert_eq!((report.verdict, report.effort.schedules()), (Agreement::Incomplete, Some(0)), "{why}");
        assert!(why.contains(words), "{why}");
    };
    incomplete(Vec::new(), "there is no script");
    incomplete(vec![race(RELEASE, RELEASE), Script::after([RELEASE])], "script 1 has no threads");
    incomplete(one(Script::after([RELEASE]).thread([]).thread([])), "script 0 has threads that call nothing");
    incomplete(one(race(RELEASE, RELEASE).schedules_max(0)), "script 0 may run 0 schedules");
    let crowd = (0..=THREADS_MAX).fold(Script::after([]), |script, _| script.thread([TRY_ACQUIRE]));
    incomplete(one(crowd), "script 0 has 6 threads, and loom has room for 5");
    let busy = Script::after([]).thread([TRY_ACQUIRE]).thread(vec![TRY_ACQUIRE; CALLS_MAX]);
    incomplete(one(busy), "script 0 has 65 calls in its threads, and 64 can be judged");
}

/// Does what it is told to, and answers `true`.
struct Told<T>(T, fn(&T));

impl<T: Send + Sync> Shared<Face> for Told<T> {
    fn call(&self, _: &Word) -> Say {
        (self.1)(&self.0);
        true.into()
    }
}

/// The script is not run to its end, and what is said begins with its number and has these words.
#[track_caller]
fn misused<T: Send + Sync + 'static>(make: fn() -> T, call: fn(&T), words: &str) {
    let report = run(many(), one(race(RELEASE, RELEASE)), move || Told(make(), call));
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Incomplete && why.contains(words), "{}: {why}", report.verdict);
}

fn misuse() {
    // A lock of the standard library: loom does not see it.
    misused(
        || std::sync::Mutex::new(VecDeque::<u8>::new()),
        |queue| drop(queue.lock()),
        "not of the standard library's",
    );
    // A thread of the standard library.
    misused(
        || std::sync::Arc::new(AtomicUsize::new(0)),
        |count| {
            let there = count.clone();
            let joined = std::thread::spawn(move || {
                // Without the words of a panic, which would look like a failure of the test.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| there.load(Ordering::Relaxed)));
                std::mem::forget(there);
                if let Err(panic) = outcome {
                    std::panic::resume_unwind(panic);
                }
            })
            .join();
            if let Err(panic) = joined {
                std::panic::resume_unwind(panic);
            }
        },
        "script 0: one of loom's types is used where loom does not look",
    );
    // A loop that waits for another thread, and lets none run.
    misused(
        || AtomicUsize::new(0),
        |arrived| {
            arrived.fetch_add(1, Ordering::AcqRel);
            while arrived.load(Ordering::Acquire) < 3 {}
        },
        "script 0: one schedule has more steps than the 10000 that loom follows",
    );
    // More threads than loom has room for.
    misused(
        || (),
        |()| {
            for _ in 0..3 {
                loom::thread::spawn(|| {});
            }
        },
        "script 0: loom has room for 5 threads in all",
    );
    // What is not the same in each schedule.
    static CALLS: StdAtomicUsize = StdAtomicUsize::new(0);
    misused(
        || (AtomicUsize::new(0), Mutex::new(())),
        |(count, lock)| {
            if CALLS.fetch_add(1, StdOrdering::SeqCst).is_multiple_of(3) {
                drop(lock.lock());
            } else {
                count.load(Ordering::Acquire);
                count.fetch_add(1, Ordering::AcqRel);
            }
        },
        "script 0: one schedule is not like the other",
    );
}

fn leaks() {
    let make = || Told((), |()| std::mem::forget(loom::sync::Arc::new(0)));
    let report = run(many(), one(race(RELEASE, RELEASE)), make);
    let why = report.why.unwrap_or_default();
    assert!(report.verdict == Agreement::Diverges && why.contains("leaks what it shares (Arc leaked)"), "{why}");
}
