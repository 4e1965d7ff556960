//! What answers at once by what others are doing: both outcomes are explored, or the call is refused by name.

use std::sync::PoisonError;

use counterpart::Shared;
use counterpart::check::{Case, Options};
use counterpart::conform::interleave::sync::atomic::{AtomicU64, Ordering};
use counterpart::conform::interleave::sync::{self, Condvar, mpsc, tried};
use counterpart::conform::interleave::{Interleave, Script};
use counterpart::conform::{Agreement, Effort};
use counterpart::report::ConformanceReport;
use libtest_mimic::Trial;

use crate::claim;
use crate::toy::{Edge, FACE, Face, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("tried::a_lock_that_is_held_refuses_whoever_tries_it", mutexes),
        claim("tried::a_lock_of_readers_and_a_writer_refuses_either", rwlocks),
        claim("tried::a_channel_is_seen_empty_and_not", channels),
        claim("tried::owners_are_counted_at_any_time", owners),
        claim("tried::a_weak_compare_exchange_fails_for_no_reason_and_its_trace_replays", weak),
        claim("tried::what_explores_one_outcome_is_refused_by_name", refused),
        claim("tried::a_lock_that_is_held_while_one_who_tries_it_is_joined_is_no_deadlock", joined),
        claim("tried::threads_that_wait_for_one_another_by_such_locks_wait_for_ever", deadlock),
        claim("tried::a_value_that_loom_has_forgotten_makes_a_pass_incomplete", forgotten),
        claim("tried::a_call_that_the_model_never_answers_makes_the_script_impossible", unlabelled),
        claim("tried::a_wake_up_is_not_lost_over_a_yield_or_a_join", park_token),
    ]
}

const FIRST: Word = Word("First", None);
const SECOND: Word = Word("Second", None);

/// Both calls are always answered `true`.
fn always() -> Toy {
    Toy::new([Edge::new(0, 0, FIRST).says(true), Edge::new(0, 0, SECOND).says(true)])
}

/// What is called, by the call.
struct Told<T>(T, fn(&T, bool) -> bool);

impl<T: Send + Sync> Shared<Face> for Told<T> {
    fn call(&self, act: &Word) -> Say {
        (self.1)(&self.0, *act == FIRST).into()
    }
}

const WAITS: Face = Face { waits: Some("First"), ..FACE };

fn case<T: Send + Sync + 'static>(make: fn() -> T, call: fn(&T, bool) -> bool) -> Case {
    let scripts = vec![Script::after([]).thread([FIRST]).thread([SECOND])];
    let job = Interleave::new(scripts).of(move || Told(make(), call));
    Case::new("toy/tried", counterpart::Check::of(always()).interface(FACE).subject("subject", job))
}

fn run<T: Send + Sync + 'static>(make: fn() -> T, call: fn(&T, bool) -> bool) -> ConformanceReport {
    case(make, call).run(&Options::default()).0.conformance.remove(0)
}

#[track_caller]
fn found<T: Send + Sync + 'static>(expected: Agreement, make: fn() -> T, call: fn(&T, bool) -> bool) -> String {
    let report = run(make, call);
    let why = report.why.unwrap_or_default();
    assert_eq!(report.verdict, expected, "{why}");
    why
}

/// Each goes on where it is refused, or says so.
fn mutexes() {
    use tried::Mutex;
    let diverges = found(
        Agreement::Diverges,
        || Mutex::new(0),
        |lock, _| match lock.try_lock() {
            Ok(mut count) => {
                *count += 1;
                true
            }
            Err(_) => false,
        },
    );
    assert!(diverges.contains("not linearizable"), "{diverges}");
    // The first holds it and never tries, so that only the second can be refused.
    found(
        Agreement::Diverges,
        || Mutex::new(0),
        |lock, first| match first {
            true => lock.lock().map(|mut count| *count += 1).is_ok(),
            false => lock.try_lock().is_ok(),
        },
    );
    found(Agreement::Conforms, || Mutex::new(0), |lock, _| lock.lock().map(|mut count| *count += 1).is_ok());
    // It can be taken where nobody holds it: one after the other both succeed.
    found(
        Agreement::Conforms,
        || Mutex::new(0),
        |lock, _| lock.try_lock().map(|mut count| *count += 1).is_ok() || lock.lock().is_ok(),
    );
}

fn rwlocks() {
    use tried::RwLock;
    let new = || RwLock::new(0);
    // A reader keeps out who writes, a writer who reads.
    found(Agreement::Diverges, new, |lock, first| if first { lock.read().is_ok() } else { lock.try_write().is_ok() });
    found(Agreement::Diverges, new, |lock, first| if first { lock.write().is_ok() } else { lock.try_read().is_ok() });
    // Readers do not keep each other out.
    found(Agreement::Conforms, new, |lock, first| if first { lock.read().is_ok() } else { lock.try_read().is_ok() });
}

/// One end for each call, as calls share what they are called on.
struct Ends(mpsc::Sender<u8>, std::sync::Mutex<mpsc::Receiver<u8>>);

fn channels() {
    let new = || {
        let (sender, receiver) = mpsc::channel();
        Ends(sender, std::sync::Mutex::new(receiver))
    };
    fn receiver(ends: &Ends) -> std::sync::MutexGuard<'_, mpsc::Receiver<u8>> {
        ends.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
    // Nothing has come yet, in one order; something has, in the other.
    let received =
        |ends: &Ends, first: bool| if first { ends.0.send(1).is_ok() } else { receiver(ends).try_recv() == Ok(1) };
    found(Agreement::Diverges, new, received);
    let empty =
        |ends: &Ends, first: bool| if first { ends.0.send(1).is_ok() } else { receiver(ends).try_recv().is_err() };
    found(Agreement::Diverges, new, empty);
    // Whoever waits gets it.
    found(
        Agreement::Conforms,
        new,
        |ends, first| {
            if first { ends.0.send(1).is_ok() } else { receiver(ends).recv() == Ok(1) }
        },
    );
}

fn owners() {
    use tried::Arc;
    /// One owner, and another who may go.
    struct Two(Arc<()>, std::sync::Mutex<Option<Arc<()>>>);
    let new = || {
        let one = Arc::new(());
        Two(one.clone(), std::sync::Mutex::new(Some(one)))
    };
    fn counted(two: &Two, first: bool, expected: fn(usize, usize) -> bool) -> bool {
        if first {
            drop(two.1.lock().unwrap_or_else(PoisonError::into_inner).take());
            return true;
        }
        expected(Arc::strong_count(&two.0), Arc::strong_count(&two.0))
    }
    // The other goes before, after, or between two looks: the last is what loom leaves out of its own.
    found(Agreement::Diverges, new, |two, first| counted(two, first, |one, again| (one, again) != (1, 1)));
    found(Agreement::Diverges, new, |two, first| counted(two, first, |one, again| (one, again) != (2, 2)));
    found(Agreement::Diverges, new, |two, first| counted(two, first, |one, again| (one, again) != (2, 1)));
    found(Agreement::Conforms, new, |two, first| counted(two, first, |one, again| one >= again && again >= 1));
}

/// Adds one, once or until it succeeds.
fn exchanged(count: &AtomicU64) -> bool {
    let seen = count.load(Ordering::Acquire);
    count.compare_exchange_weak(seen, seen + 1, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

fn weak() {
    let new = || AtomicU64::new(0);
    // Whoever is first fails for no reason, where a strong one would succeed.
    let first_only = |count: &AtomicU64, first: bool| !first || exchanged(count);
    found(Agreement::Diverges, new, first_only);
    let case = case(new, first_only);
    let trace = case.run(&Options::default()).0.conformance.remove(0).evidence.expect("a divergence leaves a trace");
    assert_eq!(trace.extra["weak-compare-exchange"], "the first of each thread fails");
    assert!(case.replay(&trace, &Options::default()).expect("it replays").reproduces);
    // Whoever tries again succeeds.
    found(Agreement::Conforms, new, |count, _| {
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |seen| Some(seen + 1)).is_ok()
    });
    // Three passes: what makes no weak exchange has two.
    let schedules = |report: &ConformanceReport| match &report.effort {
        Effort::Interleave { schedules, .. } => *schedules,
        other => panic!("{other:?}"),
    };
    let strong = run(new, |count, _| {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        count.compare_exchange(0, 1, success, failure).map_or_else(|seen| seen == 1, |seen| seen == 0)
    });
    let weak = run(new, |count, _| {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        count.compare_exchange_weak(0, 1, success, failure).map_or_else(|seen| seen <= 1, |seen| seen == 0)
    });
    assert_eq!((strong.verdict, weak.verdict), (Agreement::Conforms, Agreement::Conforms), "{:?}", weak.why);
    assert!(schedules(&weak) > schedules(&strong), "{} {}", schedules(&weak), schedules(&strong));
}

fn refused() {
    let says = |why: &str, call: &str, instead: &str| {
        assert!(why.contains(&format!("the implementation calls {call}, ")) && why.contains(instead), "{why}");
    };
    let why = found(Agreement::Incomplete, || sync::Mutex::new(0), |lock, _| lock.try_lock().is_ok());
    says(&why, "Mutex::try_lock", "sync::tried::Mutex");
    let why = found(Agreement::Incomplete, || sync::RwLock::new(0), |lock, _| lock.try_read().is_ok());
    says(&why, "RwLock::try_read", "sync::tried::RwLock");
    let why = found(Agreement::Incomplete, || sync::RwLock::new(0), |lock, _| lock.try_write().is_ok());
    says(&why, "RwLock::try_write", "sync::tried::RwLock");
    let why = found(Agreement::Incomplete, || sync::Arc::new(0), |shared, _| sync::Arc::strong_count(shared) > 0);
    says(&why, "Arc::strong_count", "sync::tried::Arc");
}

fn joined() {
    let helped = |lock: &sync::Arc<tried::Mutex<u8>>, _: bool| {
        let Ok(held) = lock.lock() else { return false };
        let there = lock.clone();
        let helper = loom::thread::spawn(move || there.try_lock().is_err());
        let refused = helper.join().unwrap_or(false);
        drop(held);
        refused
    };
    found(Agreement::Conforms, || sync::Arc::new(tried::Mutex::new(0)), helped);
}

fn deadlock() {
    let why = found(
        Agreement::Diverges,
        || (tried::Mutex::new(()), tried::Mutex::new(())),
        |(left, right), first| {
            let (one, other) = if first { (left, right) } else { (right, left) };
            let _one = one.lock();
            let _other = other.lock();
            true
        },
    );
    assert!(why.contains("waits for ever in"), "{why}");
}

fn forgotten() {
    fn stores(times: u64, count: &AtomicU64, first: bool) -> bool {
        if first {
            (0..times).for_each(|number| count.store(number, Ordering::Relaxed));
        } else {
            count.load(Ordering::Relaxed);
        }
        true
    }
    let run = |times| {
        let scripts = vec![Script::after([]).thread([FIRST]).thread([SECOND])];
        struct Stores(AtomicU64, u64);
        impl Shared<Face> for Stores {
            fn call(&self, act: &Word) -> Say {
                stores(self.1, &self.0, *act == FIRST).into()
            }
        }
        let job = Interleave::new(scripts).of(move || Stores(AtomicU64::new(0), times));
        let check = counterpart::Check::of(always()).interface(FACE).subject("subject", job);
        let report = Case::new("toy/tried", check).run(&Options::default()).0.conformance.remove(0);
        (report.verdict, report.why.unwrap_or_default())
    };
    // With the one that it was made with.
    assert_eq!(run(6).0, Agreement::Conforms, "{}", run(6).1);
    let (verdict, why) = run(7);
    assert!(verdict == Agreement::Incomplete && why.contains("more than 7 times and then loaded"), "{why}");
}

fn unlabelled() {
    // The model takes the first call as a step inside of it, and says that it may wait.
    let model = Toy::new([Edge::new(0, 0, FIRST), Edge::new(0, 0, SECOND).says(true)]);
    let scripts = vec![Script::after([]).thread([FIRST]).thread([SECOND])];
    let job = Interleave::new(scripts).of(|| Told(AtomicU64::new(0), |count, _| exchanged(count)));
    let check = counterpart::Check::of(model).interface(WAITS).subject("subject", job);
    let report = Case::new("toy/tried", check).run(&Options::default()).0.conformance.remove(0);
    let why = report.why.unwrap_or_default();
    assert_eq!((report.verdict, report.effort.schedules()), (Agreement::Incomplete, Some(0)), "{why}");
    assert!(why.contains("no step of the model that can be reached is labelled First"), "{why}");
}

/// loom loses the token of an unpark that comes before a park where the thread yields or joins in between. Whoever is
/// woken for nothing, before it has begun to wait, has to look and to wait again, and not to miss what comes then.
fn park_token() {
    struct Door(sync::Mutex<bool>, Condvar);
    let new = || Door(sync::Mutex::new(false), Condvar::new());
    fn opens(door: &Door) -> bool {
        door.1.notify_all();
        door.0.lock().map(|mut open| *open = true).is_ok()
    }
    fn passes(door: &Door) -> bool {
        let Ok(open) = door.0.lock() else { return false };
        door.1.wait_while(open, |open| !*open).is_ok()
    }
    let wakes = |door: &Door, first: bool| {
        if !first {
            return passes(door);
        }
        let opened = opens(door);
        door.1.notify_all();
        opened
    };
    found(Agreement::Conforms, new, wakes);
    // In some order whoever passes waits, or all of this shows nothing.
    let why = found(Agreement::Diverges, new, |door, first| if first { opens(door) } else { passes(door) });
    assert!(why.contains("waits for ever in Second"), "{why}");
}
