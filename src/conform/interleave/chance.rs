//! What loom explores one outcome of, or forgets: noted while a schedule runs, beside loom.
//!
//! A weak compare-exchange may fail for no reason, and loom's never does; so a script that makes one runs once more,
//! and there the first of each thread fails. A load may see an older value, and loom remembers the last
//! [`STORES_KEPT`] of an atomic; so a load that comes after more of them is told.
//!
//! All of loom's threads run on one thread of the system, one at a time: what is kept here is never raced.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stores of one atomic that loom remembers. Source: loom 0.7.2, `MAX_ATOMIC_HISTORY`.
pub(super) const STORES_KEPT: u32 = 7;

/// What was noted since an exploration began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// A weak compare-exchange was made.
    pub(super) weak: bool,
    /// A load came after more stores than are kept.
    pub(super) forgotten: bool,
}

#[derive(Default)]
struct State {
    noted: Noted,
    /// Whether the first weak compare-exchange of each thread fails.
    first_fails: bool,
    /// The threads of the schedule under way whose first was made.
    made: HashSet<loom::thread::ThreadId>,
    /// Counts the times that all that was stored became known to all: when a schedule began, and when its threads did.
    epoch: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// An exploration begins.
pub(super) fn begin(first_fails: bool) {
    STATE.set(State { first_fails, ..State::default() });
}

/// A schedule begins, or, after its prefix, its threads do: whatever was stored before is known to all of them.
pub(super) fn begin_threads() {
    STATE.with_borrow_mut(|state| {
        state.made.clear();
        state.epoch = state.epoch.wrapping_add(1);
    });
}

/// What was noted so far.
pub(super) fn noted() -> Noted {
    STATE.with_borrow(|state| state.noted)
}

/// Whether a weak compare-exchange, made now, fails for no reason.
pub(super) fn weak_fails() -> bool {
    let thread = loom::thread::current().id();
    STATE.with_borrow_mut(|state| {
        state.noted.weak = true;
        state.first_fails && state.made.insert(thread)
    })
}

/// Counts the values of an atomic that a thread might see: the one that all knew, and each that was stored since.
#[derive(Debug, Default)]
pub(super) struct Stores(AtomicU64);

impl Stores {
    /// Another value is stored.
    pub(super) fn one_more(&self) {
        let (epoch, count) = self.now();
        self.0.store(u64::from(epoch) << 32 | u64::from(count + 1), Ordering::Relaxed);
    }

    /// It is loaded.
    pub(super) fn looked_at(&self) {
        if self.now().1 > STORES_KEPT {
            STATE.with_borrow_mut(|state| state.noted.forgotten = true);
        }
    }

    fn now(&self) -> (u32, u32) {
        let epoch = STATE.with_borrow(|state| state.epoch);
        let word = self.0.load(Ordering::Relaxed);
        if word >> 32 == u64::from(epoch) { (epoch, word as u32) } else { (epoch, 1) }
    }
}
