//! A script: which threads make which calls, and how many schedules of them are run.

use std::collections::HashMap;

/// Most schedules of one script, unless the script says otherwise.
pub const SCHEDULES_MAX: usize = 200_000;

/// Most interruptions of running threads in one schedule, for a script that has too many schedules to run all.
pub const PREEMPTIONS_MAX: usize = 3;

/// Most threads that loom has room for.
pub const THREADS_MAX: usize = loom::MAX_THREADS;

/// Most calls of a script's threads: what has been judged of a history is kept as a bit for each.
pub const CALLS_MAX: usize = u64::BITS as usize;

/// Calls of several threads, after calls of one.
///
/// It is run through all its schedules, if they are no more than `schedules_max`. If they are, then through those that
/// interrupt running threads at most [`PREEMPTIONS_MAX`] times, which the report says; if those are still more, it is
/// not verified. Two threads of two calls, or three of one, are what can be hoped to be run through all schedules.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Script<I> {
    /// Calls made first, by one thread. Time moves only here.
    pub prefix: Vec<I>,
    /// Calls made at once: for each thread its own, in order.
    pub threads: Vec<Vec<I>>,
    /// Most interruptions of running threads in one schedule; schedules with more are left out from the beginning.
    /// `None`: they are left out only if there are too many schedules to run all.
    pub preemptions_max: Option<usize>,
    /// Most schedules to run.
    pub schedules_max: usize,
}

impl<I> Default for Script<I> {
    fn default() -> Self {
        Script { prefix: Vec::new(), threads: Vec::new(), preemptions_max: None, schedules_max: SCHEDULES_MAX }
    }
}

impl<I> Script<I> {
    /// A script that begins with `prefix`.
    pub fn after(prefix: impl IntoIterator<Item = I>) -> Self {
        Script { prefix: prefix.into_iter().collect(), ..Script::default() }
    }

    /// Leaves out schedules that interrupt running threads more often than this, without trying all of them first. Most
    /// races need one or two interruptions (Musuvathi and Qadeer, PLDI 2007).
    #[must_use]
    pub fn preemptions_max(mut self, max: usize) -> Self {
        self.preemptions_max = Some(max);
        self
    }

    /// Runs so many schedules at most, instead of [`SCHEDULES_MAX`].
    #[must_use]
    pub fn schedules_max(mut self, max: usize) -> Self {
        self.schedules_max = max;
        self
    }

    /// Adds a thread that makes `calls`.
    #[must_use]
    pub fn thread(mut self, calls: impl IntoIterator<Item = I>) -> Self {
        self.threads.push(calls.into_iter().collect());
        self
    }
}

impl Script<u32> {
    /// The script that a trace's `text` is, whose calls are among `known`.
    pub(super) fn named(text: &str, known: &HashMap<String, u32>) -> Result<Self, String> {
        let named = |calls: &Vec<String>| {
            calls
                .iter()
                .map(|call| known.get(call).copied().ok_or(format!("no script of this subject calls {call}")))
                .collect::<Result<Vec<_>, _>>()
        };
        let (prefix, threads, preemptions_max): (Vec<String>, Vec<Vec<String>>, Option<usize>) =
            serde_json::from_str(text).map_err(|error| format!("the trace's script: {error}"))?;
        let threads = threads.iter().map(named).collect::<Result<_, _>>()?;
        Ok(Script { prefix: named(&prefix)?, threads, preemptions_max, ..Script::default() })
    }

    /// The scripts that have one call fewer.
    pub(super) fn shorter(&self) -> Vec<Script<u32>> {
        let mut candidates = Vec::new();
        for thread in 0..self.threads.len() {
            for index in 0..self.threads[thread].len() {
                let mut candidate = self.clone();
                candidate.threads[thread].remove(index);
                candidate.threads.retain(|calls| !calls.is_empty());
                candidates.push(candidate);
            }
        }
        for index in 0..self.prefix.len() {
            let mut candidate = self.clone();
            candidate.prefix.remove(index);
            candidates.push(candidate);
        }
        candidates
    }

    /// What is wrong with it, whatever the model is.
    pub(super) fn nonsense(&self) -> Option<String> {
        let calls: usize = self.threads.iter().map(Vec::len).sum();
        if self.threads.is_empty() {
            Some("has no threads: give it some with Script::thread, two at least".into())
        } else if self.threads.len() > THREADS_MAX {
            let threads = self.threads.len();
            Some(format!("has {threads} threads, and loom has room for {THREADS_MAX}: take some away"))
        } else if calls == 0 {
            Some("has threads that call nothing: give them inputs".into())
        } else if calls > CALLS_MAX {
            Some(format!("has {calls} calls in its threads, and {CALLS_MAX} can be judged: put some into the prefix"))
        } else if self.schedules_max == 0 {
            Some("may run 0 schedules: set schedules_max to 1 or more".into())
        } else {
            None
        }
    }
}
