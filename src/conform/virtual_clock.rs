//! Virtual time for foreign code that reads the system clock itself.
//!
//! Such code offers no place to pass the time in, and waiting in real time is neither quick nor repeatable. So this
//! file defines `clock_gettime`, which the standard library calls, and answers it from a thread-local while a
//! [`VirtualClock`] is alive on the thread. In an executable the linker prefers this definition to the C library's;
//! `start_at` checks it.
//!
//! Not seen: other threads, the cycle counter, C functions that read the clock inside (`time`, `nanosleep`), and
//! deadlines kept by the kernel. Virtual monotonic time counts from zero so that such a deadline has passed already: a
//! timed wait returns at once, where a time in the future would make it hang.
//!
//! Where the crate is linked in, a real reading of the clock costs 100 to 200 ns more than before: so this stands
//! behind a feature of its own.
#![allow(unsafe_code, reason = "a C function of a given name and signature is defined")]

use libc::{CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW};
use libc::{CLOCK_REALTIME, CLOCK_REALTIME_COARSE, c_int, clockid_t, time_t, timespec};
use std::{cell::Cell, marker::PhantomData, time::Duration, time::Instant};

/// What `CLOCK_REALTIME` shows when virtual time is zero: 2001-09-09 01:46:40 UTC.
const WALL_START_S: u64 = 1_000_000_000;

// Const-initialised and without a destructor: a plain load, legal in a signal handler and while a thread ends.
thread_local! { static ELAPSED: Cell<Option<Duration>> = const { Cell::new(None) } }

/// A guard: while it lives, this thread reads virtual time. Guards nest: dropping one, in reverse order, restores the
/// outer time.
#[derive(Debug)]
pub struct VirtualClock {
    outer: Option<Duration>,
    this_thread: PhantomData<*const ()>, // neither Send nor Sync
}

impl VirtualClock {
    /// Starts virtual time on this thread, at `elapsed`.
    ///
    /// # Panics
    /// If the `clock_gettime` of this file is not the one in use, as may be inside a shared library.
    pub fn start_at(elapsed: Duration) -> Self {
        let clock = VirtualClock { outer: ELAPSED.replace(Some(Duration::ZERO)), this_thread: PhantomData };
        let zero = Instant::now();
        let leap = Duration::from_secs(1 << 32); // 136 years: no real clock runs that far between two lines
        set_elapsed(leap);
        assert_eq!(zero.elapsed(), leap, "clock_gettime is not ours: virtual time has no effect");
        set_elapsed(elapsed);
        clock
    }

    /// Lets virtual time pass.
    pub fn advance(&self, by: Duration) {
        set_elapsed(elapsed().unwrap_or_default().saturating_add(by));
    }
}

impl Drop for VirtualClock {
    fn drop(&mut self) {
        ELAPSED.set(self.outer);
    }
}

/// The virtual time of this thread, `None` if it reads the real clock.
pub fn elapsed() -> Option<Duration> {
    ELAPSED.get()
}

/// Moves the virtual time of this thread, backwards too; does nothing if it reads the real clock.
pub fn set_elapsed(elapsed: Duration) {
    ELAPSED.set(ELAPSED.get().map(|_| elapsed));
}

/// Replaces the C library's function of this name in the whole program. Without virtual time it is the system call,
/// which costs 100 to 200 ns more than the C library's way through the vDSO.
///
/// # Safety
/// As for clock_gettime(3): `time` is null or points to a `timespec` that may be written.
// Safety of the name: signature and contract are those of POSIX, errno is set by `libc::syscall`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let start_s = match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE => Some(WALL_START_S),
        CLOCK_MONOTONIC | CLOCK_MONOTONIC_COARSE | CLOCK_MONOTONIC_RAW | CLOCK_BOOTTIME => Some(0),
        _ => None, // CPU time and dynamic clocks stay real
    };
    match (start_s, ELAPSED.get()) {
        (Some(start_s), Some(elapsed)) if !time.is_null() => {
            let tv_sec = elapsed.as_secs().saturating_add(start_s).try_into().unwrap_or(time_t::MAX);
            // SAFETY: not null, and by the contract above it may be written.
            unsafe { time.write(timespec { tv_sec, tv_nsec: elapsed.subsec_nanos().into() }) };
            0
        }
        // SAFETY: the arguments go to the kernel as the caller gave them; it answers a bad pointer with EFAULT.
        _ => unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as c_int },
    }
}
