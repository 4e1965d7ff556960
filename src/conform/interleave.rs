//! Interleave: real threads through every interleaving that loom distinguishes; each history must be linearizable with
//! respect to the model (Herlihy and Wing 1990).
//!
//! What is recorded decides what is found. loom leaves out orders that it cannot see, and a log kept beside the
//! implementation is invisible to it. So calls are *marked*: one shared atomic is stepped (`AcqRel`) at invoke and at
//! return, and the record appended directly after each. Marks order what they surround and could hide a race, so every
//! script runs a second time without them; then only each thread's own order is demanded.
//!
//! Histories are collected while loom runs and judged afterwards, each different one once: loom's threads have small
//! stacks, and many schedules share a history.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::drive::{Deviation, Observed, explain, panic_message, quietly, seen_as};
use super::lts::{Belief, Lts};
use super::narrate::told;
use super::watch::{Watch, watched};
use super::{Agreement, Conformance, Divergence, Factory, Job, Mode, Setting};
use crate::explore::ModelError;
use crate::model::{Facade, Shared};
use crate::trace::{Step, Trace};

/// Schedules of one script, at most; beyond it the script is not verified.
pub const SCHEDULES_MAX: usize = 200_000;

/// loom has room for five threads, and the one that joins the others is one of them.
pub const THREADS_MAX: usize = 4;

/// Calls of several threads, after calls of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script<I> {
    /// Made first, by one thread. Time moves only here.
    pub prefix: Vec<I>,
    /// Made at once: for each thread its calls in order.
    pub threads: Vec<Vec<I>>,
    /// Schedules in which a running thread is interrupted more often are left out; `None`: none is.
    pub preemptions_max: Option<usize>,
}

impl<I> Script<I> {
    /// A script that begins with `prefix`.
    pub fn after(prefix: impl IntoIterator<Item = I>) -> Self {
        Script { prefix: prefix.into_iter().collect(), threads: Vec::new(), preemptions_max: None }
    }

    /// Leaves out schedules that interrupt a running thread more often than this. Three threads have too many schedules
    /// to run all; most races need one or two interruptions (Musuvathi and Qadeer, PLDI 2007).
    #[must_use]
    pub fn preemptions_max(mut self, max: usize) -> Self {
        self.preemptions_max = Some(max);
        self
    }

    /// One more thread, with its calls.
    #[must_use]
    pub fn thread(mut self, calls: impl IntoIterator<Item = I>) -> Self {
        self.threads.push(calls.into_iter().collect());
        self
    }
}

/// Runs each of `scripts` through every interleaving, on implementations made by `factory` from loom's types.
pub fn interleave<F: Facade, S: Shared<F> + 'static>(
    scripts: Vec<Script<F::Input>>,
    factory: impl Fn() -> S + Send + Sync + 'static,
) -> Arc<dyn Job<F>> {
    Arc::new(Interleave::<F, S> { scripts, factory: Arc::new(factory) })
}

struct Interleave<F: Facade, S> {
    scripts: Vec<Script<F::Input>>,
    factory: Factory<S>,
}

/// Whether invokes and returns are ordered by a shared atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    On,
    Off,
}

/// One call of a script's threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CallId {
    thread: usize,
    index: usize,
}

/// What one schedule showed.
struct History<F: Facade> {
    /// Of the calls of the prefix.
    prefix: Vec<F::Output>,
    events: Vec<Event<F>>,
    /// After all threads joined.
    snapshot: Option<F::Snapshot>,
}

struct Event<F: Facade> {
    call: CallId,
    /// `None` for an invoke.
    returned: Option<F::Output>,
}

impl<F: Facade> PartialEq for Event<F> {
    fn eq(&self, other: &Self) -> bool {
        self.call == other.call && self.returned == other.returned
    }
}

impl<F: Facade> PartialEq for History<F> {
    fn eq(&self, other: &Self) -> bool {
        self.prefix == other.prefix && self.events == other.events && self.snapshot == other.snapshot
    }
}

/// What all schedules of one script showed.
struct Explored<F: Facade> {
    /// Different ones, each with the number of the first schedule that showed it (1-based), in that order.
    histories: Vec<(usize, History<F>)>,
    schedules: usize,
    truncated: bool,
    /// A panic ended the exploration, in the schedule numbered last.
    panicked: Option<String>,
}

impl<F: Facade, S: Shared<F> + 'static> Job<F> for Interleave<F, S> {
    fn mode(&self) -> Mode {
        Mode::Interleave
    }

    fn run(&self, setting: &Setting<F>) -> Result<Conformance, ModelError> {
        let mut result = Conformance::new(Mode::Interleave);
        if let Some(max) = self.scripts.iter().filter_map(|script| script.preemptions_max).min() {
            let bounded = self.scripts.iter().filter(|script| script.preemptions_max.is_some()).count();
            result.bounds.insert("preemptions".into(), format!("at most {max} in {bounded} scripts"));
        }
        result.bounds.insert("scripts".into(), self.scripts.len().to_string());
        if let Some(script) = self.scripts.iter().find(|script| script.threads.len() > THREADS_MAX) {
            let threads = script.threads.len();
            return Ok(result.incomplete(format!("a script has {threads} threads, loom has room for {THREADS_MAX}")));
        }
        for (index, script) in self.scripts.iter().enumerate() {
            if let Err(why) = self.possible(setting, script) {
                return Ok(result.incomplete(format!("script {index} is not one of the model: {why}")));
            }
        }
        let mut schedules = 0;
        for (index, script) in self.scripts.iter().enumerate() {
            for marks in [Marks::On, Marks::Off] {
                if let Some(stop) = (setting.budget.interrupt)() {
                    return Ok(result.incomplete(stop.to_string()));
                }
                let judged = self.judge(setting, script, marks, SCHEDULES_MAX);
                schedules += judged.schedules;
                result.schedules = Some(schedules);
                result.steps += judged.calls;
                tracing::debug!(script = index, ?marks, schedules = judged.schedules, "interleaved");
                if let Some(divergence) = judged.divergence {
                    let least = self.shrink(setting, script, marks, divergence);
                    return Ok(result.diverges(least));
                }
                if judged.truncated {
                    return Ok(result.incomplete(format!("script {index} has more than {SCHEDULES_MAX} schedules")));
                }
            }
        }
        if schedules == 0 {
            return Ok(result.incomplete("no script was given, so no schedule was run"));
        }
        result.agreement = Agreement::Conforms;
        Ok(result)
    }

    fn replay(&self, setting: &Setting<F>, trace: &Trace) -> Result<Option<Divergence>, String> {
        let wanted = trace.extra.get("script").ok_or("the trace carries no script")?;
        let schedule: usize = trace
            .extra
            .get("schedule")
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0)
            .ok_or("the trace carries no schedule number (they are counted from 1)")?;
        let marks = match trace.extra.get("marks").map(String::as_str) {
            Some("on") => Marks::On,
            Some("off") => Marks::Off,
            _ => return Err("the trace does not say whether calls were marked".into()),
        };
        let script = self.script_of(wanted)?;
        if script.threads.is_empty() || script.threads.len() > THREADS_MAX {
            let threads = script.threads.len();
            return Err(format!("the trace's script has {threads} threads; from 1 to {THREADS_MAX} can be run"));
        }
        Ok(self.judge(setting, &script, marks, schedule).divergence)
    }
}

/// What became of one script.
struct Judged {
    schedules: usize,
    calls: usize,
    truncated: bool,
    divergence: Option<Divergence>,
}

impl<F: Facade, S: Shared<F> + 'static> Interleave<F, S> {
    /// Runs `script` and judges what it showed.
    fn judge(&self, setting: &Setting<F>, script: &Script<F::Input>, marks: Marks, schedules_max: usize) -> Judged {
        let lts = Arc::new(Lts::new(setting.model.clone(), setting.facade.clone()));
        let (factory, script_there) = (self.factory.clone(), script.clone());
        let seen = watched(setting.answer_within, move |watch| {
            explore::<F, S>(&factory, &script_there, marks, schedules_max, watch.clone())
        });
        let explored = match seen {
            Ok(explored) => explored,
            Err(hung) => Explored {
                histories: Vec::new(),
                schedules: 1,
                truncated: false,
                panicked: Some(Deviation::Silent { waited_ms: hung.waited_ms }.to_string()),
            },
        };
        let calls = script.prefix.len() + script.threads.iter().map(Vec::len).sum::<usize>();
        let mut judged = Judged {
            schedules: explored.schedules,
            calls: calls * explored.schedules,
            truncated: explored.truncated,
            divergence: None,
        };
        let teller = Teller { lts: &lts, setting, script, marks };
        for (schedule, history) in &explored.histories {
            if let Err(what) = teller.check(history) {
                judged.divergence = Some(teller.tell(history, *schedule, what));
                return judged;
            }
        }
        if let Some(message) = explored.panicked {
            let history = History { prefix: Vec::new(), events: Vec::new(), snapshot: None };
            judged.divergence = Some(teller.tell(&history, explored.schedules, translated(&message)));
        }
        judged
    }

    /// Leaves out single calls as long as some schedule still deviates.
    fn shrink(&self, setting: &Setting<F>, script: &Script<F::Input>, marks: Marks, found: Divergence) -> Divergence {
        let (mut script, mut found) = (script.clone(), found);
        'again: loop {
            for candidate in shorter(&script) {
                if self.possible(setting, &candidate).is_err() {
                    continue;
                }
                if let Some(divergence) = self.judge(setting, &candidate, marks, SCHEDULES_MAX).divergence {
                    (script, found) = (candidate, divergence);
                    continue 'again;
                }
            }
            return found;
        }
    }

    /// Whether every call of `script` is possible whenever its turn can come, in whatever order the threads run and
    /// whatever the answers are. If not, a call that is not always.
    fn possible(&self, setting: &Setting<F>, script: &Script<F::Input>) -> Result<(), String> {
        let lts = Lts::new(setting.model.clone(), setting.facade.clone());
        let mut belief = lts.initial();
        let give = |belief: &Belief, input: &F::Input| -> Result<Belief, String> {
            let mut targets = Vec::new();
            for node in belief {
                let steps = lts.answers(&[*node], lts.number_of(input));
                if steps.is_empty() {
                    return Err(format!(
                        "{input:?} is not always possible where it is called; no thread may call it there"
                    ));
                }
                targets.extend(steps.iter().map(|(_, edge, _)| edge.to));
            }
            Ok(lts.closed(targets))
        };
        for input in &script.prefix {
            // What the prefix is answered is not known here: one that is possible after any answer is.
            let node = belief.iter().copied().find(|node| !lts.answers(&[*node], lts.number_of(input)).is_empty());
            belief = match node {
                Some(_) => {
                    belief.retain(|node| !lts.answers(&[*node], lts.number_of(input)).is_empty());
                    give(&belief, input)?
                }
                None => return Err(format!("{input:?} of its prefix is not possible there")),
            };
        }
        let mut front: HashMap<Vec<usize>, Belief> = HashMap::from([(vec![0; script.threads.len()], belief)]);
        while !front.is_empty() {
            let mut next: HashMap<Vec<usize>, Belief> = HashMap::new();
            for (places, belief) in &front {
                for (thread, calls) in script.threads.iter().enumerate() {
                    let Some(input) = calls.get(places[thread]) else { continue };
                    let mut after = places.clone();
                    after[thread] += 1;
                    let reached = next.entry(after).or_default();
                    reached.extend(give(belief, input)?);
                    *reached = lts.closed(std::mem::take(reached));
                }
            }
            front = next;
        }
        Ok(())
    }

    /// The script that a trace names; its calls are among those of this subject's scripts.
    fn script_of(&self, text: &str) -> Result<Script<F::Input>, String> {
        let known: HashMap<String, &F::Input> = self
            .scripts
            .iter()
            .flat_map(|script| script.prefix.iter().chain(script.threads.iter().flatten()))
            .map(|input| (format!("{input:?}"), input))
            .collect();
        let named = |calls: &Vec<String>| {
            calls
                .iter()
                .map(|call| {
                    known
                        .get(call)
                        .map(|input| (*input).clone())
                        .ok_or(format!("no script of this subject calls {call}"))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let (prefix, threads, preemptions_max): (Vec<String>, Vec<Vec<String>>, Option<usize>) =
            serde_json::from_str(text).map_err(|error| format!("the trace's script: {error}"))?;
        let threads = threads.iter().map(named).collect::<Result<_, _>>()?;
        Ok(Script { prefix: named(&prefix)?, threads, preemptions_max })
    }
}

/// The scripts that have one call fewer.
fn shorter<I: Clone>(script: &Script<I>) -> Vec<Script<I>> {
    let mut candidates = Vec::new();
    for thread in 0..script.threads.len() {
        for index in 0..script.threads[thread].len() {
            let mut candidate = script.clone();
            candidate.threads[thread].remove(index);
            candidate.threads.retain(|calls| !calls.is_empty());
            candidates.push(candidate);
        }
    }
    for index in 0..script.prefix.len() {
        let mut candidate = script.clone();
        candidate.prefix.remove(index);
        candidates.push(candidate);
    }
    candidates
}

/// Runs `script` under loom, through all its schedules or the first `schedules_max`.
fn explore<F: Facade, S: Shared<F> + 'static>(
    factory: &Factory<S>,
    script: &Script<F::Input>,
    marks: Marks,
    schedules_max: usize,
    watch: Arc<Watch>,
) -> Explored<F> {
    let mut builder = loom::model::Builder::new();
    // Everything that loom would otherwise take from the environment.
    builder.max_threads = THREADS_MAX + 1;
    builder.max_branches = 10_000;
    // It stops before the permutation of this number.
    builder.max_permutations = Some(schedules_max + 1);
    builder.max_duration = None;
    builder.preemption_bound = script.preemptions_max;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = 1;
    builder.location = false;
    builder.log = false;

    let schedules = Arc::new(AtomicUsize::new(0));
    let seen: Arc<Mutex<Distinct<F>>> = Arc::new(Mutex::new(Distinct::default()));
    let (factory, script, schedules_there, seen_there) =
        (factory.clone(), Arc::new(script.clone()), schedules.clone(), seen.clone());
    let outcome = quietly(move || {
        builder.check(move || {
            let _call = watch.call();
            let schedule = schedules_there.fetch_add(1, Ordering::Relaxed) + 1;
            let history = one_schedule::<F, S>(&factory, &script, marks);
            seen_there.lock().unwrap_or_else(PoisonError::into_inner).add(schedule, history);
        });
    });
    let schedules = schedules.load(Ordering::Relaxed);
    let histories = std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner).histories);
    Explored { histories, schedules, truncated: schedules >= schedules_max, panicked: outcome.err() }
}

/// The different histories so far.
struct Distinct<F: Facade> {
    histories: Vec<(usize, History<F>)>,
    /// Indices of the histories that have this order of events.
    index: HashMap<Vec<(CallId, bool)>, Vec<usize>>,
}

impl<F: Facade> Default for Distinct<F> {
    fn default() -> Self {
        Distinct { histories: Vec::new(), index: HashMap::new() }
    }
}

impl<F: Facade> Distinct<F> {
    fn add(&mut self, schedule: usize, history: History<F>) {
        let order = history.events.iter().map(|event| (event.call, event.returned.is_some())).collect();
        let same_order = self.index.entry(order).or_default();
        if same_order.iter().all(|index| self.histories[*index].1 != history) {
            same_order.push(self.histories.len());
            self.histories.push((schedule, history));
        }
    }
}

/// One execution, inside loom.
fn one_schedule<F: Facade, S: Shared<F> + 'static>(
    factory: &Factory<S>,
    script: &Arc<Script<F::Input>>,
    marks: Marks,
) -> History<F> {
    let subject = Arc::new(factory());
    let prefix = script.prefix.iter().map(|input| subject.call(input)).collect();
    let mark = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
    let events: Arc<Mutex<Vec<Event<F>>>> = Arc::default();
    let threads: Vec<_> = (0..script.threads.len())
        .map(|thread| {
            let (subject, script, mark, events) = (subject.clone(), script.clone(), mark.clone(), events.clone());
            loom::thread::spawn(move || {
                let record = |event| {
                    if marks == Marks::On {
                        mark.fetch_add(1, loom::sync::atomic::Ordering::AcqRel);
                    }
                    events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
                };
                for (index, input) in script.threads[thread].iter().enumerate() {
                    let call = CallId { thread, index };
                    record(Event { call, returned: None });
                    let output = subject.call(input);
                    record(Event { call, returned: Some(output) });
                }
            })
        })
        .collect();
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::panic_any(panic_message(&*panic));
        }
    }
    let events = std::mem::take(&mut *events.lock().unwrap_or_else(PoisonError::into_inner));
    History { prefix, events, snapshot: subject.observe() }
}

/// loom's words for what went wrong, with what to do about it.
fn translated(message: &str) -> String {
    if message.contains("deadlock") {
        format!("the threads wait for each other for ever ({})", message.lines().next().unwrap_or(message))
    } else if message.contains("exceeded maximum number of branches") {
        "one schedule has more steps than loom follows; a thread spins until another makes progress: call the sync \
         facade's yield_now in the loop"
            .into()
    } else {
        format!("the implementation panics: {message}")
    }
}

/// One call as the judge sees it.
struct Call<'a, F: Facade> {
    id: CallId,
    input: u32,
    output: &'a F::Output,
    invoked: usize,
    returned: usize,
}

/// Judges the histories of one script, and tells the one that deviates.
struct Teller<'a, F: Facade> {
    lts: &'a Lts<F>,
    setting: &'a Setting<F>,
    script: &'a Script<F::Input>,
    marks: Marks,
}

impl<F: Facade> Teller<'_, F> {
    /// Whether some order of the calls, one after the other, explains every answer.
    fn check(&self, history: &History<F>) -> Result<(), String> {
        let belief = self.after_prefix(&history.prefix)?;
        let calls = self.calls(history);
        let mut search = Search {
            lts: self.lts,
            calls: &calls,
            snapshot: history.snapshot.as_ref(),
            seen: HashSet::new(),
            wrong_end: None,
        };
        if search.explains(0, &belief) {
            return Ok(());
        }
        Err(match search.wrong_end {
            Some(Deviation::Snapshot { got, allowed }) => format!(
                "the answers can be explained, but after all threads joined the implementation shows {got}, the model {}",
                allowed.join(" or ")
            ),
            Some(deviation) => deviation.to_string(),
            None => {
                let order = match self.marks {
                    Marks::On => "no order of these calls that respects real time",
                    Marks::Off => "no order of these calls that respects each thread's own",
                };
                format!("{order} explains the answers: the history is not linearizable")
            }
        })
    }

    fn after_prefix(&self, outputs: &[F::Output]) -> Result<Belief, String> {
        let mut belief = self.lts.initial();
        for (index, (input, output)) in self.script.prefix.iter().zip(outputs).enumerate() {
            let observed = Observed::<F> { output: output.clone(), snapshot: None };
            belief = explain(self.lts, &belief, self.lts.number_of(input), &observed)
                .map_err(|deviation| format!("call {} of the prefix, {input:?}: {deviation}", index + 1))?
                .belief;
        }
        Ok(belief)
    }

    fn calls<'h>(&self, history: &'h History<F>) -> Vec<Call<'h, F>> {
        let mut calls: Vec<Call<'h, F>> = Vec::new();
        for (time, event) in history.events.iter().enumerate() {
            let Some(output) = &event.returned else { continue };
            let invoked = history.events[..time].iter().position(|earlier| earlier.call == event.call).unwrap_or(time);
            let input = &self.script.threads[event.call.thread][event.call.index];
            calls.push(Call { id: event.call, input: self.lts.number_of(input), output, invoked, returned: time });
        }
        if self.marks == Marks::Off {
            // Without marks the log's order says nothing: all calls may overlap but those of one thread.
            for call in &mut calls {
                (call.invoked, call.returned) = (0, usize::MAX);
            }
        }
        calls
    }

    /// The run as a trace tells it: the prefix, then each invoke and return as it happened.
    fn tell(&self, history: &History<F>, schedule: usize, what: String) -> Divergence {
        let observed: Vec<Observed<F>> =
            history.prefix.iter().map(|output| Observed { output: output.clone(), snapshot: None }).collect();
        let mut inputs = Vec::new();
        let mut belief = self.lts.initial();
        for (input, observed) in self.script.prefix.iter().zip(&observed) {
            let number = self.lts.number_of(input);
            let Ok(explained) = explain(self.lts, &belief, number, observed) else { break };
            inputs.push(number);
            belief = explained.belief;
        }
        let mut steps = told(self.lts, &*self.setting.spec, &inputs, &observed[..inputs.len()]);
        let state = steps.last().map(|step| step.state.clone()).unwrap_or_default();
        for event in &history.events {
            let CallId { thread, index } = event.call;
            let input = format!("{:?}", self.script.threads[thread][index]);
            steps.push(Step {
                action: if event.returned.is_none() { format!("invoke {input}") } else { format!("return {input}") },
                actor: format!("thread {thread}"),
                implementation: event.returned.as_ref().map(|output| format!("{output:?}")).unwrap_or_default(),
                state: state.clone(),
                ..Step::default()
            });
        }
        let debug = |calls: &[F::Input]| calls.iter().map(|call| format!("{call:?}")).collect::<Vec<_>>();
        let script = json!([
            debug(&self.script.prefix),
            self.script.threads.iter().map(|calls| debug(calls)).collect::<Vec<_>>(),
            self.script.preemptions_max
        ]);
        let extra = BTreeMap::from([
            ("script".to_string(), script.to_string()),
            ("schedule".to_string(), schedule.to_string()),
            ("marks".to_string(), if self.marks == Marks::On { "on".into() } else { "off".into() }),
        ]);
        Divergence { steps, what, extra }
    }
}

/// A search for a linearization, with a memo of what was tried in vain.
struct Search<'a, F: Facade> {
    lts: &'a Lts<F>,
    calls: &'a [Call<'a, F>],
    snapshot: Option<&'a F::Snapshot>,
    seen: HashSet<(u64, Belief)>,
    /// All calls could be explained, but not what was seen in the end.
    wrong_end: Option<Deviation>,
}

impl<F: Facade> Search<'_, F> {
    /// Whether the calls not in `done` can follow on `belief`.
    fn explains(&mut self, done: u64, belief: &Belief) -> bool {
        if done.count_ones() as usize == self.calls.len() {
            return match seen_as(self.lts, belief.clone(), self.snapshot) {
                Ok(_) => true,
                Err(deviation) => {
                    self.wrong_end = Some(deviation);
                    false
                }
            };
        }
        if !self.seen.insert((done, belief.clone())) {
            return false;
        }
        for (index, call) in self.calls.iter().enumerate() {
            if done & (1 << index) != 0 || !self.may_be_next(done, call) {
                continue;
            }
            let observed = Observed::<F> { output: call.output.clone(), snapshot: None };
            if let Ok(explained) = explain(self.lts, belief, call.input, &observed)
                && self.explains(done | (1 << index), &explained.belief)
            {
                return true;
            }
        }
        false
    }

    /// Whether no call that is still to come ended before `call` began, nor precedes it in its thread.
    fn may_be_next(&self, done: u64, call: &Call<'_, F>) -> bool {
        self.calls.iter().enumerate().all(|(index, other)| {
            done & (1 << index) != 0
                || other.id == call.id
                || (other.returned > call.invoked
                    && (other.id.thread != call.id.thread || other.id.index > call.id.index))
        })
    }
}
