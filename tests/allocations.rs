//! What a thread allocates while something is done.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![claim("allocations::the_counter_counts", counts)]
}

/// How much was allocated. What was freed again counts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allocated {
    /// How often.
    pub(crate) calls: usize,
    /// How much in all.
    pub(crate) octets: usize,
}

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<Allocated> = const { Cell::new(Allocated { calls: 0, octets: 0 }) };
}

fn count(octets: usize) {
    let before = ALLOCATED.get();
    ALLOCATED.set(Allocated { calls: before.calls + 1, octets: before.octets + octets });
}

#[allow(unsafe_code, reason = "an allocator that counts is one")]
// SAFETY: everything is the system's allocator's; the counter is a plain cell that allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What this thread allocates in `of`.
pub(crate) fn allocated(of: impl FnOnce()) -> Allocated {
    let before = ALLOCATED.get();
    of();
    let after = ALLOCATED.get();
    Allocated { calls: after.calls - before.calls, octets: after.octets - before.octets }
}

fn counts() {
    let one = allocated(|| drop(std::hint::black_box(Box::new([7_u8; 9]))));
    assert_eq!(one, Allocated { calls: 1, octets: 9 });
}
