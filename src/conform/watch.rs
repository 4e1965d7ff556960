//! A watchdog over implementations that may never answer.
//!
//! A thread cannot be stopped from outside: the one that hangs is left behind, and ends with the process. This is the
//! one place below the command line that looks at a clock; no result depends on it but that of an implementation that
//! hangs.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Limits;
use super::drive::Deviation;

/// Shared between the thread that drives and the one that watches.
pub(crate) struct Watch {
    /// Odd while a call is under way.
    calls: AtomicU64,
    /// The call makes a subject.
    is_making: AtomicBool,
    /// Inputs given since the last fresh start.
    inputs: Mutex<Vec<u32>>,
    /// For modes that do not go along one path: the state and the input of the call under way.
    at: Mutex<Option<(u64, u32)>>,
}

/// While it lives a call is under way.
pub(crate) struct Call<'a>(&'a Watch);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_add(1, Ordering::Release);
    }
}

impl Watch {
    pub(crate) fn new() -> Arc<Watch> {
        Arc::new(Watch {
            calls: AtomicU64::new(0),
            is_making: AtomicBool::new(false),
            inputs: Mutex::new(Vec::new()),
            at: Mutex::new(None),
        })
    }

    pub(crate) fn call(&self) -> Call<'_> {
        self.is_making.store(false, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Release);
        Call(self)
    }

    /// A subject is made, which may take longer than an answer.
    pub(crate) fn making(&self) -> Call<'_> {
        self.is_making.store(true, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Release);
        Call(self)
    }

    /// The call under way is another one now.
    #[cfg(feature = "interleave")]
    pub(crate) fn goes_on(&self) {
        self.calls.fetch_add(2, Ordering::Release);
    }

    pub(crate) fn restart(&self) {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn given(&self, input: u32) {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).push(input);
    }

    pub(crate) fn at(&self, state: u64, input: u32) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some((state, input));
    }
}

/// A call that was given up.
pub(crate) struct Hung {
    pub(crate) inputs: Vec<u32>,
    pub(crate) at: Option<(u64, u32)>,
    pub(crate) waited_ms: u128,
    /// It was to make a subject.
    pub(crate) is_making: bool,
}

impl Hung {
    pub(crate) fn deviation(&self) -> Deviation {
        match self.is_making {
            true => Deviation::NotMade { waited_ms: self.waited_ms },
            false => Deviation::Silent { waited_ms: self.waited_ms },
        }
    }
}

/// Runs `work` on a thread of its own, and gives up when one call takes longer than `limits` say.
pub(crate) fn watched<T: Send + 'static>(
    limits: &Limits,
    work: impl FnOnce(&Arc<Watch>) -> T + Send + 'static,
) -> Result<T, Hung> {
    let slot = Arc::new(Mutex::new(None));
    let there = slot.clone();
    let work = move |watch: &Arc<Watch>| *there.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(watch));
    watch_over(limits, Box::new(work))?;
    let done = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(done.expect("work that ended without a panic has left its result"))
}

type Work = Box<dyn FnOnce(&Arc<Watch>) + Send>;

fn watch_over(limits: &Limits, work: Work) -> Result<(), Hung> {
    let watch = Watch::new();
    let (sender, receiver) = sync_channel::<Result<(), Box<dyn Any + Send>>>(1);
    let watch_there = watch.clone();
    let span = tracing::Span::current();
    thread::spawn(move || {
        let _entered = span.entered();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&watch_there)));
        // Nobody listens any more if this thread was given up.
        let _ = sender.send(result);
    });
    let often = limits.answer_within.min(limits.start_within) / 8;
    let mut last = (watch.calls.load(Ordering::Acquire), Instant::now());
    loop {
        match receiver.recv_timeout(often.min(Duration::from_millis(200))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the thread sends before it ends"),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let calls = watch.calls.load(Ordering::Acquire);
        if calls.is_multiple_of(2) || calls != last.0 {
            last = (calls, Instant::now());
            continue;
        }
        let is_making = watch.is_making.load(Ordering::Relaxed);
        let within = if is_making { limits.start_within } else { limits.answer_within };
        if last.1.elapsed() >= within {
            return Err(Hung {
                is_making,
                inputs: watch.inputs.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                at: *watch.at.lock().unwrap_or_else(PoisonError::into_inner),
                waited_ms: within.as_millis(),
            });
        }
    }
}
