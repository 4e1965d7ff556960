//! Limits on time and memory, as reasons to stop: whatever explores asks for them now and then.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Options;
use crate::explore::{Interrupt, Stop};

const BYTES_PER_MIB: usize = 1 << 20;

/// Memory that is left to the machine: an operating system that has none ends a process, and with it what is known.
const SPARE_MIB: usize = 256;

/// Milliseconds from one look at memory to the next: to ask costs the operating system more than a step of most models
/// costs us, and in this time a process does not take what is spare.
const LOOK_EVERY_MS: u64 = 50;

/// An interrupt that asks `asked` first, and then whether time, from now on, or the memory that the process holds has
/// reached its limit, or the machine has no more than [`SPARE_MIB`] to give. There is no limit on memory where an
/// operating system does not tell how much is held.
pub(crate) fn limited(time_max: Option<Duration>, memory_max_mib: Option<usize>, asked: Interrupt) -> Interrupt {
    let (started, looked) = (Instant::now(), Looked::default());
    Arc::new(move || {
        if let Some(stop) = asked() {
            return Some(stop);
        }
        let elapsed = started.elapsed();
        if let Some(max) = time_max
            && elapsed >= max
        {
            return Some(Stop::Time(told(max)));
        }
        looked.at(elapsed, &|| short_of_memory(memory_max_mib))
    })
}

/// The memory that a run was found to be short of; none, if it was not.
type Memory = Option<String>;

/// What the last look at memory told, and when it was.
#[derive(Default)]
struct Looked {
    /// When to look again, in milliseconds from the start. What was told is behind the lock, and is locked when it is time
    /// to look, or when there was too little.
    again_ms: AtomicU64,
    short: AtomicBool,
    told: Mutex<Memory>,
}

impl Looked {
    fn at(&self, elapsed: Duration, memory: &impl Fn() -> Memory) -> Option<Stop> {
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let again = self.again_ms.load(Ordering::Relaxed);
        if now >= again {
            let later = now.saturating_add(LOOK_EVERY_MS);
            // One of the threads that ask at once looks.
            if self.again_ms.compare_exchange(again, later, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                let found = memory();
                self.short.store(found.is_some(), Ordering::Relaxed);
                *self.told.lock().unwrap_or_else(PoisonError::into_inner) = found;
            }
        }
        if !self.short.load(Ordering::Relaxed) {
            return None;
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone().map(Stop::Memory)
    }
}

fn short_of_memory(max_mib: Option<usize>) -> Memory {
    if let Some(max) = max_mib
        && memory_stats::memory_stats().is_some_and(|memory| memory.physical_mem / BYTES_PER_MIB >= max)
    {
        return Some(format!("{max} MiB"));
    }
    let low = available_mib().is_some_and(|left| left < SPARE_MIB);
    low.then(|| format!("all but {SPARE_MIB} MiB of the machine's"))
}

/// Memory that the machine, or the control group that the process is in, has to give. Linux alone tells.
fn available_mib() -> Option<usize> {
    let read = |file: &str| std::fs::read_to_string(file).ok();
    let machine = of_meminfo(&read("/proc/meminfo")?);
    let group = read("/sys/fs/cgroup/memory.max").zip(read("/sys/fs/cgroup/memory.current"));
    machine.into_iter().chain(group.and_then(|(max, now)| of_group(&max, &now))).min()
}

/// What `/proc/meminfo` says is available.
fn of_meminfo(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// What a control group may still take; nothing where it has no limit (`max`).
fn of_group(max: &str, current: &str) -> Option<usize> {
    let [max, current]: [usize; 2] = [max.trim().parse().ok()?, current.trim().parse().ok()?];
    Some(max.saturating_sub(current) / BYTES_PER_MIB)
}

fn told(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

impl Options {
    /// These options, with the limits on time and memory as part of the interrupt that exploring asks. The time begins
    /// now.
    pub(super) fn begun(&self) -> Options {
        let mut options = self.clone();
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
        options.checkpoint = options.checkpoint.or_else(|| own.checkpoint.clone());
        options.referee &= own.referee;
        options
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{LOOK_EVERY_MS, Looked, of_group, of_meminfo};
    use crate::explore::Stop;

    #[test]
    fn memory_is_looked_at_at_once_and_then_now_and_then() {
        let (looks, looked) = (Arc::new(AtomicUsize::new(0)), Looked::default());
        let asked = |at_ms: u64, short: bool| {
            let looks = looks.clone();
            let memory = move || {
                looks.fetch_add(1, Ordering::Relaxed);
                short.then(|| "2 MiB".to_string())
            };
            looked.at(Duration::from_millis(at_ms), &memory)
        };
        let stop = Some(Stop::Memory("2 MiB".into()));
        assert_eq!(asked(0, true), stop, "the first time");
        assert_eq!(asked(LOOK_EVERY_MS - 1, false), stop, "what was told stands");
        assert_eq!(asked(LOOK_EVERY_MS, false), None);
        assert_eq!(asked(2 * LOOK_EVERY_MS - 1, true), None);
        assert_eq!(looks.load(Ordering::Relaxed), 2);
        assert_eq!(asked(2 * LOOK_EVERY_MS, true), stop);
        assert_eq!(asked(u64::MAX, true), stop);
    }

    #[test]
    fn what_is_available_is_read_as_linux_writes_it() {
        let meminfo = "MemTotal:       24615692 kB\nMemFree:          100000 kB\nMemAvailable:     524288 kB\n";
        assert_eq!(of_meminfo(meminfo), Some(512));
        assert_eq!(of_meminfo("MemTotal: 1 kB\n"), None);
        assert_eq!(of_group("1073741824\n", "536870912\n"), Some(512));
        assert_eq!(of_group("1048576", "2097152"), Some(0), "more than it may");
        assert_eq!(of_group("max\n", "536870912\n"), None);
    }
}
