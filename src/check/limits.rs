//! Limits on time and memory, as reasons to stop: whatever explores asks for them now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Options;
use crate::explore::{Interrupt, Stop};

const BYTES_PER_MIB: usize = 1 << 20;

/// An interrupt that asks `asked` first, and then whether time, from now on, or the memory that the process holds has
/// reached its limit. There is no limit on memory where an operating system does not tell how much is held.
pub(crate) fn limited(time_max: Option<Duration>, memory_max_mib: Option<usize>, asked: Interrupt) -> Interrupt {
    let started = Instant::now();
    Arc::new(move || {
        if let Some(stop) = asked() {
            return Some(stop);
        }
        if let Some(max) = time_max
            && started.elapsed() >= max
        {
            return Some(Stop::Time(told(max)));
        }
        if let Some(max) = memory_max_mib
            && memory_stats::memory_stats().is_some_and(|memory| memory.physical_mem / BYTES_PER_MIB >= max)
        {
            return Some(Stop::Memory(format!("{max} MiB")));
        }
        None
    })
}

fn told(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

impl Options {
    /// These options, with the limits on time and memory as part of the interrupt that exploring asks. The time begins
    /// now.
    pub(super) fn begun(&self) -> Options {
        let mut options = self.clone();
        if let (None, None) = (self.time_max, self.memory_max_mib) {
            return options;
        }
        options.budget.interrupt = limited(self.time_max, self.memory_max_mib, options.budget.interrupt);
        (options.time_max, options.memory_max_mib) = (None, None);
        options
    }

    /// These options, with the tighter of each limit here and in `own`.
    pub(super) fn within(&self, own: &Options) -> Options {
        fn tighter<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        let mut options = self.clone();
        options.budget.states_max = options.budget.states_max.min(own.budget.states_max);
        options.budget.depth_max = options.budget.depth_max.min(own.budget.depth_max);
        options.answer_within = options.answer_within.min(own.answer_within);
        options.start_within = options.start_within.min(own.start_within);
        options.time_max = tighter(options.time_max, own.time_max);
        options.memory_max_mib = tighter(options.memory_max_mib, own.memory_max_mib);
        options.referee &= own.referee;
        options
    }
}
