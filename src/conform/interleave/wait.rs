//! Calls that wait. loom ends its whole exploration at the first schedule in which every thread waits; yet a call may
//! wait for ever by right. So the harness keeps count of who is awake, and when nobody is it lets the waiting calls go:
//! they unwind, the schedule ends, and loom goes on to the next.
//!
//! All of loom's threads run on one thread of the system, one at a time: what is kept here beside them is never raced.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LockResult, Mutex, PoisonError};

use loom::sync::atomic::AtomicUsize;

use super::sync::MutexGuard;
use super::sync::locks::held;

/// A condition variable over loom's mutexes, for the `sync` facade of an implementation whose calls may wait
/// ([`Interface::may_wait`](crate::Interface::may_wait)). It wakes in the order of arrival, and never spuriously.
///
/// With loom's own an implementation that waits for ever by right can only be reported as not verified: loom ends
/// there. Only the threads of a script may wait on it, not those that an implementation starts by itself.
#[derive(Debug)]
pub struct Condvar {
    /// Stepped by each operation: what makes loom try them in every order.
    touched: AtomicUsize,
    waiting: Mutex<VecDeque<Arc<Waiter>>>,
}

#[derive(Debug)]
struct Waiter {
    thread: loom::thread::Thread,
    woken: AtomicBool,
}

impl Default for Condvar {
    fn default() -> Self {
        Condvar::new()
    }
}

impl Condvar {
    /// A condition variable that nobody waits on.
    pub fn new() -> Self {
        Condvar { touched: AtomicUsize::new(0), waiting: Mutex::default() }
    }

    /// Releases the mutex of `guard`, waits to be notified, and takes it again.
    ///
    /// # Errors
    /// As the standard library's; loom's mutexes are never poisoned.
    ///
    /// # Panics
    /// When no thread is left that could notify: the harness takes that as a call that waits for ever.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.touch();
        let waiter = Arc::new(Waiter { thread: loom::thread::current(), woken: AtomicBool::new(false) });
        self.queue(|queue| queue.push_back(waiter.clone()));
        fall_asleep(&waiter);
        // Nobody else knows this one. It is there to release the mutex and take it again; being woken is to be
        // unparked, which is not lost if it comes before the thread is parked.
        let own = loom::sync::Condvar::new();
        while !waiter.woken.load(Ordering::Relaxed) {
            if given_up() {
                if std::thread::panicking() {
                    break;
                }
                drop(guard);
                resume_unwind(Box::new("nobody is left to wake this thread"));
            }
            guard = held(own.wait(guard.0), MutexGuard)?;
        }
        Ok(guard)
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    /// As [`wait`](Condvar::wait).
    ///
    /// # Panics
    /// As [`wait`](Condvar::wait).
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Wakes the thread that has waited longest.
    pub fn notify_one(&self) {
        self.touch();
        if let Some(waiter) = self.queue(VecDeque::pop_front) {
            wake(&waiter);
        }
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.touch();
        self.queue(std::mem::take).iter().for_each(wake);
    }

    fn touch(&self) {
        self.touched.fetch_add(1, Ordering::AcqRel);
    }

    fn queue<T>(&self, change: impl FnOnce(&mut VecDeque<Arc<Waiter>>) -> T) -> T {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who is awake in the schedule under way.
#[derive(Default)]
struct Awake {
    /// Threads of the script that neither ended nor wait.
    count: usize,
    waiting: Vec<Arc<Waiter>>,
    given_up: bool,
}

thread_local! {
    static AWAKE: RefCell<Awake> = RefCell::default();
}

/// A schedule, or a part of it, begins with so many threads.
pub(super) fn begin(threads: usize) {
    AWAKE.set(Awake { count: threads, ..Awake::default() });
}

/// A thread has ended.
pub(super) fn end() {
    if !given_up() {
        one_less();
    }
}

/// Whether all that is left waits, and will for ever.
pub(super) fn given_up() -> bool {
    AWAKE.with_borrow(|awake| awake.given_up)
}

fn fall_asleep(waiter: &Arc<Waiter>) {
    if !given_up() {
        AWAKE.with_borrow_mut(|awake| awake.waiting.push(waiter.clone()));
        one_less();
    }
}

fn wake(waiter: &Arc<Waiter>) {
    waiter.woken.store(true, Ordering::Relaxed);
    AWAKE.with_borrow_mut(|awake| {
        awake.count += 1;
        awake.waiting.retain(|other| !Arc::ptr_eq(other, waiter));
    });
    waiter.thread.unpark();
}

fn one_less() {
    let left_behind = AWAKE.with_borrow_mut(|awake| {
        awake.count = awake.count.saturating_sub(1);
        if awake.count > 0 || awake.waiting.is_empty() {
            return Vec::new();
        }
        awake.given_up = true;
        std::mem::take(&mut awake.waiting)
    });
    if !left_behind.is_empty() {
        // The history is known; in what order they unwind is nobody's concern.
        loom::skip_branch();
        left_behind.iter().for_each(|waiter| waiter.thread.unpark());
    }
}
