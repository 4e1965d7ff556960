//! One script run by loom, and the histories that came of it.
//!
//! The thread that starts the others makes the calls of the script's last thread itself, and joins nobody: each thread
//! more, and each join, multiplies the schedules. Whoever ends last looks at the implementation: by the last mark it
//! knows of all that the others did.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loom::sync::atomic::{AtomicUsize, Ordering};

use super::chance::{self, Noted};
use super::trouble::{BRANCHES_MAX, Trouble};
use super::{CallId, Called, Make, Pass, Script, wait};
use crate::conform::drive::quietly;
use crate::conform::watch::Watch;
use crate::explore::Interrupt;

/// What one schedule showed, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct History {
    /// Of the calls of the prefix that were answered.
    pub(super) prefix: Vec<u32>,
    pub(super) events: Vec<Event>,
    /// After all calls ended.
    pub(super) snapshot: Option<u32>,
    /// The calls that were not answered never will be.
    pub(super) stuck: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Event {
    pub(super) call: CallId,
    /// `None` for an invoke.
    pub(super) returned: Option<u32>,
}

/// What all schedules of one script showed.
pub(super) struct Explored {
    /// Different ones, each with the number of the first schedule that showed it (1-based), in that order.
    pub(super) histories: Vec<(usize, History)>,
    pub(super) schedules: usize,
    /// There are more schedules than were wanted.
    pub(super) truncated: bool,
    /// The run was interrupted, and why.
    pub(super) interrupted: Option<String>,
    pub(super) noted: Noted,
    /// What ended the exploration in the schedule numbered last, and what that had shown so far.
    pub(super) trouble: Option<(Trouble, History)>,
}

/// What is run, and how far.
pub(super) struct Plan {
    pub(super) factory: Make,
    pub(super) script: Script<u32>,
    pub(super) pass: Pass,
    /// Threads start and end, and call nothing: how many schedules the harness has of itself.
    pub(super) idle: bool,
    pub(super) schedules_max: usize,
    pub(super) interrupt: Interrupt,
}

/// Kept outside of loom, which neither sees it nor takes it away when it ends in a panic.
#[derive(Default)]
struct Log {
    schedules: usize,
    ended: usize,
    now: History,
    /// Different ones so far.
    histories: Vec<(usize, History)>,
    known: HashSet<History>,
    interrupted: Option<String>,
    noted: Noted,
}

type Shelf = Arc<Mutex<Log>>;

fn log(shelf: &Shelf) -> MutexGuard<'_, Log> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn begin(&mut self) {
        self.schedules += 1;
        self.ended = 0;
        self.now = History::default();
    }

    /// Files the history of the schedule that has just ended.
    fn file(&mut self) {
        let history = std::mem::take(&mut self.now);
        self.noted = chance::noted();
        if !self.known.contains(&history) {
            self.known.insert(history.clone());
            self.histories.push((self.schedules, history));
        }
    }
}

/// An implementation that is not dropped by a panic: loom's types can only be dropped while loom runs.
struct Subject(Option<Box<dyn Called>>);

impl Subject {
    fn get(&self) -> &dyn Called {
        self.0.as_deref().expect("there until it is dropped")
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::mem::forget(self.0.take());
        }
    }
}

/// Runs the plan's script through all its schedules, or somewhat more than `schedules_max`.
pub(super) fn explore(plan: Plan, watch: Arc<Watch>) -> Explored {
    let mut builder = loom::model::Builder::new();
    // Everything that loom would otherwise take from the environment.
    builder.max_threads = loom::MAX_THREADS;
    builder.max_branches = BRANCHES_MAX;
    // It stops before the schedule of this number.
    builder.max_permutations = Some(plan.schedules_max.saturating_add(2));
    builder.max_duration = None;
    builder.preemption_bound = plan.script.preemptions_max;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = 1;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;

    let schedules_max = plan.schedules_max;
    let first_fails = plan.pass == Pass::WeakFails;
    let shelf = Shelf::default();
    let (plan, shelf_there) = (Arc::new(plan), shelf.clone());
    let outcome = quietly(move || {
        let there = watch.clone();
        let _call = watch.call();
        chance::begin(first_fails);
        builder.check(move || {
            there.goes_on();
            one_schedule(&plan, &shelf_there);
        });
    });
    let mut log = log(&shelf);
    let now = std::mem::take(&mut log.now);
    let interrupted = log.interrupted.take();
    let trouble = match outcome {
        Err(message) if interrupted.is_none() => Some((Trouble::of(&message), now)),
        Ok(()) | Err(_) => None,
    };
    Explored {
        histories: std::mem::take(&mut log.histories),
        schedules: log.schedules,
        truncated: log.schedules > schedules_max,
        interrupted,
        noted: log.noted,
        trouble,
    }
}

/// Schedules between two questions whether to go on.
const SCHEDULES_BETWEEN: usize = 256;

/// One execution, inside loom.
fn one_schedule(plan: &Arc<Plan>, shelf: &Shelf) {
    {
        let mut log = log(shelf);
        log.begin();
        if log.schedules.is_multiple_of(SCHEDULES_BETWEEN)
            && let Some(stop) = (plan.interrupt)()
        {
            log.interrupted = Some(stop.to_string());
            drop(log);
            resume_unwind(Box::new("interrupted"));
        }
    }
    wait::begin(1);
    chance::begin_threads();
    let subject = Arc::new(Subject(Some((plan.factory)())));
    for input in &plan.script.prefix {
        let Some(output) = answer(subject.get(), *input) else {
            let mut log = log(shelf);
            log.now.stuck = true;
            log.file();
            return;
        };
        log(shelf).now.prefix.push(output);
    }
    let threads = plan.script.threads.len();
    wait::begin(threads);
    chance::begin_threads();
    // Where whoever ends last finds the implementation. A thread that held it while others still run would have to be
    // joined before it may be dropped.
    let kept = Arc::new(Mutex::new(Some(subject)));
    let mark = Arc::new(AtomicUsize::new(0));
    for thread in 0..threads {
        let (plan, shelf, kept, mark) = (plan.clone(), shelf.clone(), kept.clone(), mark.clone());
        let run = move || one_thread(&plan, &shelf, &kept, &mark, thread);
        if thread + 1 < threads {
            loom::thread::spawn(run);
        } else {
            run();
        }
    }
}

/// The calls of one thread.
fn one_thread(plan: &Plan, shelf: &Shelf, kept: &Mutex<Option<Arc<Subject>>>, mark: &AtomicUsize, thread: usize) {
    let record = |event| {
        if plan.pass != Pass::Unmarked {
            mark.fetch_add(1, Ordering::AcqRel);
        }
        log(shelf).now.events.push(event);
    };
    let kept = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let calls: &[u32] = if plan.idle { &[] } else { &plan.script.threads[thread] };
    let mut subject = kept().clone();
    for (index, input) in calls.iter().enumerate() {
        let call = CallId { thread, index };
        record(Event { call, returned: None });
        let Some(output) = subject.as_ref().and_then(|subject| answer(subject.get(), *input)) else { break };
        if index + 1 == calls.len() {
            subject = None;
        }
        record(Event { call, returned: Some(output) });
    }
    drop(subject);
    if plan.pass == Pass::Unmarked && !wait::given_up() {
        mark.fetch_add(1, Ordering::AcqRel);
    }
    wait::end();
    let last = {
        let mut log = log(shelf);
        log.ended += 1;
        log.ended == plan.script.threads.len()
    };
    if last {
        let subject = kept().take();
        let stuck = wait::given_up();
        // The same thread has made the last mark: to it, all else has happened before.
        let snapshot = subject.as_ref().filter(|_| !stuck).and_then(|subject| subject.get().observe());
        drop(subject);
        let mut log = log(shelf);
        (log.now.snapshot, log.now.stuck) = (snapshot, stuck);
        log.file();
    }
}

/// `None`: it waits, and will for ever.
fn answer(subject: &dyn Called, input: u32) -> Option<u32> {
    match catch_unwind(AssertUnwindSafe(|| subject.call(input))) {
        Ok(output) => (!wait::given_up()).then_some(output),
        Err(_) if wait::given_up() => None,
        Err(panic) => resume_unwind(panic),
    }
}
