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

mod chance;
mod judge;
mod run;
mod script;
pub mod sync;
mod trouble;
mod wait;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use self::chance::{Noted, STORES_KEPT};
use self::judge::Teller;
use self::run::{Explored, History, Plan, explore};
pub use self::script::{CALLS_MAX, PREEMPTIONS_MAX, SCHEDULES_MAX, Script, THREADS_MAX};
pub use self::sync::LosesUpdates;
use self::trouble::Trouble;
pub use self::wait::Condvar;
use super::drive::Deviation;
use super::lts::{Belief, Lts};
use super::typed::Typed;
use super::watch::watched;
use super::words::Origin;
use super::{Bound, CannotReplay, Conformance, Divergence, Effort, How, Job, Limits, Mode, Scheduled, Setting};
use crate::explore::ModelError;
use crate::model::{Interface, Shared};
use crate::trace::Trace;

/// Scripts, each run through every interleaving that loom distinguishes.
pub struct Interleave<F: Interface> {
    scripts: Vec<Script<F::Input>>,
}

impl<F: Interface> fmt::Debug for Interleave<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interleave").field("scripts", &self.scripts).finish()
    }
}

impl<F: Interface> Clone for Interleave<F> {
    fn clone(&self) -> Self {
        Interleave { scripts: self.scripts.clone() }
    }
}

impl<F: Interface> Interleave<F> {
    /// Runs `scripts`, one after the other.
    pub fn new(scripts: impl Into<Vec<Script<F::Input>>>) -> Self {
        Interleave { scripts: scripts.into() }
    }

    /// The job that runs the scripts on implementations that `factory` makes of loom's types.
    pub fn of<S: Shared<F> + 'static>(self, factory: impl Fn() -> S + Send + Sync + 'static) -> Arc<dyn Job<F>> {
        Arc::new(Interleaved::<F> { scripts: self.scripts, factory: Arc::new(move || Box::new(factory())) })
    }
}

struct Interleaved<F: Interface> {
    scripts: Vec<Script<F::Input>>,
    factory: Arc<dyn Fn() -> Box<dyn Shared<F>> + Send + Sync>,
}

impl<F: Interface> Job<F> for Interleaved<F> {
    fn mode(&self) -> Mode {
        Mode::Interleave
    }

    fn bind(&self, setting: &Setting<F>) -> Bound {
        let words = setting.typed(None);
        let number = |input: &F::Input| words.inputs.number(input.clone(), &[], Origin::Script);
        let numbers = |calls: &Vec<F::Input>| calls.iter().map(number).collect();
        let scripts = self.scripts.iter().map(|script| Script {
            prefix: numbers(&script.prefix),
            threads: script.threads.iter().map(numbers).collect(),
            preemptions_max: script.preemptions_max,
            schedules_max: script.schedules_max,
        });
        let scripts = scripts.collect();
        let lts = Arc::new(Lts::new(words.clone()));
        let factory = self.factory.clone();
        let make: Make = Arc::new(move || Box::new(BoundShared { words: words.clone(), subject: factory() }));
        Bound::new(&lts.clone(), Interleaves { lts, scripts, make, limits: setting.limits.clone() })
    }
}

/// An implementation of loom's types, of whatever type itself, that speaks in numbers.
struct BoundShared<F: Interface> {
    words: Arc<Typed<F>>,
    subject: Box<dyn Shared<F>>,
}

impl<F: Interface> Called for BoundShared<F> {
    fn call(&self, input: u32) -> u32 {
        // No lock of the numbering is held while loom may run another thread.
        let output = self.subject.call(self.words.inputs.at(input));
        self.words.outputs.number_of_few(output, Origin::Answer { input })
    }

    fn observe(&self) -> Option<u32> {
        let snapshot = self.subject.observe()?;
        Some(self.words.snapshots.number_of_few(snapshot, Origin::Shown))
    }
}

/// An implementation that threads share, by number.
trait Called: Send + Sync {
    fn call(&self, input: u32) -> u32;
    fn observe(&self) -> Option<u32>;
}

/// Makes a fresh one.
type Make = Arc<dyn Fn() -> Box<dyn Called> + Send + Sync>;

struct Interleaves {
    lts: Arc<Lts>,
    scripts: Vec<Script<u32>>,
    make: Make,
    limits: Limits,
}

/// In what way a script is run through all its schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Invokes and returns are ordered by a shared atomic.
    Marked,
    /// They are not.
    Unmarked,
    /// Marked, and the first weak compare-exchange of each thread fails.
    WeakFails,
}

impl Pass {
    /// What a trace calls the marks of it.
    fn marks(self) -> &'static str {
        if self == Pass::Unmarked { "off" } else { "on" }
    }
}

/// What a trace says, beside its marks, of a schedule in which weak compare-exchanges fail.
const WEAK: (&str, &str) = ("weak-compare-exchange", "the first of each thread fails");

/// One call of a script's threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CallId {
    thread: usize,
    index: usize,
}

/// What is known of a script when all its schedules, or as many as may be, have been run.
struct Scripted {
    schedules: usize,
    calls: usize,
    /// The bound on interruptions that was met, if one was.
    preemptions_max: Option<usize>,
    /// loom saw the threads share something, beside what the harness shares.
    raced: bool,
    end: End,
}

enum End {
    /// Every history is one of the model.
    Conforms,
    Diverges(Divergence),
    Incomplete(String),
}

impl How for Interleaves {
    fn run(&self) -> Result<Conformance, ModelError> {
        let script_count = self.scripts.len();
        let nothing = || Effort::Interleave { script_count, scripts: Vec::new(), schedules: 0, steps: 0 };
        if self.scripts.is_empty() {
            return Ok(nothing().incomplete("there is no script, so no schedule was run: give one with two threads"));
        }
        for (index, script) in self.scripts.iter().enumerate() {
            if let Some(nonsense) = script.nonsense() {
                return Ok(nothing().incomplete(format!("script {index} {nonsense}")));
            }
            if let Err(why) = self.possible(script) {
                return Ok(nothing().incomplete(format!("script {index} is not one of the model: {why}")));
            }
        }
        let (mut scripts, mut schedules, mut steps) = (Vec::new(), 0, 0);
        for (index, script) in self.scripts.iter().enumerate() {
            let found = self.run_script(script);
            schedules += found.schedules;
            steps += found.calls;
            scripts.push(Scheduled { schedules: found.schedules, preemptions_max: found.preemptions_max });
            let result = || Effort::Interleave { script_count, scripts: scripts.clone(), schedules, steps };
            match found.end {
                End::Conforms if found.raced => {}
                End::Conforms => {
                    return Ok(result().incomplete(format!(
                        "script {index}: loom saw nothing that its threads share, so nothing was raced: give two threads \
                         calls that touch the same thing, and make the implementation of loom's locks and atomics (its own \
                         `sync` module), not of the standard library's"
                    )));
                }
                End::Diverges(divergence) => return Ok(result().diverges(numbered(divergence, &index.to_string()))),
                End::Incomplete(why) => return Ok(result().incomplete(format!("script {index}: {why}"))),
            }
        }
        Ok(Effort::Interleave { script_count, scripts, schedules, steps }.conforms())
    }

    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        let wanted = trace.extra.get("script").ok_or(CannotReplay::Lacks("carries no script"))?;
        let schedule: usize = trace
            .extra
            .get("schedule")
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0)
            .ok_or(CannotReplay::Lacks("carries no schedule number (they are counted from 1)"))?;
        let weak = trace.extra.get(WEAK.0).map(String::as_str);
        let pass = match trace.extra.get("marks").map(String::as_str) {
            Some("on") if weak == Some(WEAK.1) => Pass::WeakFails,
            Some("on") => Pass::Marked,
            Some("off") => Pass::Unmarked,
            _ => return Err(CannotReplay::Lacks("does not say whether calls were marked")),
        };
        let script = self.script_of(wanted).map_err(CannotReplay::Nonsense)?;
        if let Some(nonsense) = script.nonsense() {
            return Err(CannotReplay::Nonsense(format!("the trace's script {nonsense}")));
        }
        let number = trace.extra.get(SCRIPT_NUMBER).ok_or(CannotReplay::Lacks("does not say which script it is of"))?;
        let judged = self.judge(&script, pass, schedule);
        match judged.incomplete {
            Some(why) if judged.divergence.is_none() => Err(CannotReplay::Unknown(why)),
            _ => Ok(judged.divergence.map(|divergence| numbered(divergence, number))),
        }
    }
}

/// Where a trace says which of the scripts it was found in, counted from 0. What it shows may be of fewer calls.
const SCRIPT_NUMBER: &str = "script-number";

/// Says in which script it was found.
fn numbered(mut found: Divergence, number: &str) -> Divergence {
    found.what = format!("script {number}: {}", found.what);
    found.extra.insert(SCRIPT_NUMBER.into(), number.into());
    found
}

/// What came of one exploration.
struct Judged {
    schedules: usize,
    truncated: bool,
    divergence: Option<Divergence>,
    /// Why not all schedules were run, other than that they are too many.
    incomplete: Option<String>,
    noted: Noted,
}

impl Interleaves {
    /// Runs `script` with marks and without, and once more where weak compare-exchanges may fail, each through all
    /// schedules or else within the bound.
    fn run_script(&self, script: &Script<u32>) -> Scripted {
        let calls = script.prefix.len() + script.threads.iter().map(Vec::len).sum::<usize>();
        let mut found = Scripted {
            schedules: 0,
            calls: 0,
            preemptions_max: script.preemptions_max,
            raced: false,
            end: End::Conforms,
        };
        let mut noted = Noted::default();
        for pass in [Pass::Marked, Pass::Unmarked, Pass::WeakFails] {
            if pass == Pass::WeakFails && !noted.weak {
                continue;
            }
            let mut script = script.clone();
            let judged = loop {
                if let Some(stop) = (self.limits.budget.interrupt)() {
                    found.end = End::Incomplete(stop.to_string());
                    return found;
                }
                let judged = self.judge(&script, pass, script.schedules_max);
                tracing::debug!(?pass, schedules = judged.schedules, bound = script.preemptions_max, "interleaved");
                let ended = judged.divergence.is_some() || judged.incomplete.is_some();
                if ended || !judged.truncated || script.preemptions_max.is_some() {
                    break judged;
                }
                script.preemptions_max = Some(PREEMPTIONS_MAX);
                found.preemptions_max = script.preemptions_max;
            };
            found.schedules += judged.schedules;
            found.calls += calls * judged.schedules;
            if let Some(divergence) = judged.divergence {
                found.end = End::Diverges(self.shrink(&script, pass, divergence));
                return found;
            }
            if let Some(why) = judged.incomplete {
                found.end = End::Incomplete(why);
                return found;
            }
            if judged.truncated {
                let (most, max) = (script.schedules_max, script.preemptions_max.unwrap_or(PREEMPTIONS_MAX));
                found.end = End::Incomplete(format!(
                    "more than {most} schedules, even with preemptions at most {max}: give it fewer calls or threads, \
                     or a larger schedules_max"
                ));
                return found;
            }
            noted.weak |= judged.noted.weak;
            if judged.noted.forgotten {
                found.end = End::Incomplete(format!(
                    "an atomic is stored to more than {STORES_KEPT} times and then loaded: loom remembers the last \
                     {STORES_KEPT}, so not every value was seen that a thread might see. Give it fewer calls"
                ));
                return found;
            }
            if pass == Pass::Unmarked {
                found.raced = judged.schedules != self.idle_schedules(&script);
            }
        }
        found
    }

    fn plan(&self, script: &Script<u32>, pass: Pass) -> Plan {
        Plan {
            factory: self.make.clone(),
            script: script.clone(),
            pass,
            idle: false,
            schedules_max: script.schedules_max,
            interrupt: self.limits.budget.interrupt.clone(),
        }
    }

    /// How many schedules threads have that call nothing.
    fn idle_schedules(&self, script: &Script<u32>) -> usize {
        let plan = Plan { idle: true, ..self.plan(script, Pass::Unmarked) };
        watched(&self.limits, move |watch| explore(plan, watch.clone()).schedules).unwrap_or(0)
    }

    /// Runs `script` and judges what it showed.
    fn judge(&self, script: &Script<u32>, pass: Pass, schedules_max: usize) -> Judged {
        let plan = Plan { schedules_max, ..self.plan(script, pass) };
        let seen = watched(&self.limits, move |watch| explore(plan, watch.clone()));
        let explored = match seen {
            Ok(explored) => explored,
            Err(hung) => {
                let silent = Deviation::Silent { waited_ms: hung.waited_ms };
                let what = format!("{silent}; or a lock of the standard library is held while another thread runs");
                Explored {
                    histories: Vec::new(),
                    schedules: 1,
                    truncated: false,
                    interrupted: None,
                    noted: Noted::default(),
                    trouble: Some((Trouble::Silent(what), History::default())),
                }
            }
        };
        let mut judged = Judged {
            schedules: explored.schedules,
            truncated: explored.truncated,
            divergence: None,
            incomplete: explored.interrupted,
            noted: explored.noted,
        };
        let teller = Teller { lts: &self.lts, script, pass };
        for (schedule, history) in &explored.histories {
            if let Err(what) = teller.check(history) {
                judged.divergence = Some(teller.tell(history, *schedule, what));
                return judged;
            }
        }
        if let Some((trouble, mut history)) = explored.trouble {
            let deviates = match &trouble {
                Trouble::Deadlock => {
                    history.stuck = true;
                    teller.check(&history).err().or_else(|| teller.answered(&history).then(|| ALL_ANSWERED.into()))
                }
                misuse if misuse.is_misuse() => None,
                _ => Some(trouble.to_string()),
            };
            match deviates {
                Some(what) => judged.divergence = Some(teller.tell(&history, explored.schedules, what)),
                None => judged.incomplete = Some(trouble.to_string()),
            }
        }
        judged
    }

    /// Leaves out single calls as long as some schedule still deviates.
    fn shrink(&self, script: &Script<u32>, pass: Pass, found: Divergence) -> Divergence {
        let (mut script, mut found) = (script.clone(), found);
        'again: loop {
            for candidate in script.shorter() {
                if candidate.nonsense().is_some() || self.possible(&candidate).is_err() {
                    continue;
                }
                if let Some(divergence) = self.judge(&candidate, pass, candidate.schedules_max).divergence {
                    (script, found) = (candidate, divergence);
                    continue 'again;
                }
            }
            return found;
        }
    }

    /// Whether every call of `script` is possible whenever its turn can come, in whatever order the threads run and
    /// whatever the answers are. If not, a call that is not always.
    fn possible(&self, script: &Script<u32>) -> Result<(), String> {
        let lts = &*self.lts;
        self.all_labelled(script)?;
        let mut belief = lts.initial();
        let give = |belief: &Belief, input: u32| -> Result<Belief, String> {
            let mut targets = Vec::new();
            for node in belief {
                let steps = lts.answers(&[*node], input);
                if steps.is_empty() && !lts.words().may_wait(input) {
                    let input = lts.words().input(input);
                    return Err(format!(
                        "{input} is not always possible where it is called; no thread may call it there"
                    ));
                }
                targets.extend(steps.iter().map(|(_, edge, _)| edge.to));
            }
            Ok(lts.closed(targets))
        };
        for input in &script.prefix {
            // What the prefix is answered is not known here: one that is possible after any answer is.
            let node = belief.iter().copied().find(|node| !lts.answers(&[*node], *input).is_empty());
            belief = match node {
                Some(_) => {
                    belief.retain(|node| !lts.answers(&[*node], *input).is_empty());
                    give(&belief, *input)?
                }
                None => return Err(format!("{} of its prefix is not possible there", lts.words().input(*input))),
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
                    reached.extend(give(belief, *input)?);
                    *reached = lts.closed(std::mem::take(reached));
                }
            }
            front = next;
        }
        Ok(())
    }

    /// Whether every call is one that the model answers in some state. What it never answers is a step inside of it, as
    /// far as the interface says, and whatever the implementation does then would pass.
    fn all_labelled(&self, script: &Script<u32>) -> Result<(), String> {
        let called: HashSet<u32> = script.prefix.iter().chain(script.threads.iter().flatten()).copied().collect();
        let mut unmet: Vec<u32> = called.iter().copied().filter(|input| !self.lts.is_labelled(*input)).collect();
        unmet.sort_unstable();
        match unmet.first() {
            None => Ok(()),
            Some(input) => Err(format!(
                "no step of the model that can be reached is labelled {}: give the script calls of the interface, or let \
                 the interface label that step",
                self.lts.words().input(*input)
            )),
        }
    }

    /// The script that a trace names; its calls are among those of this subject's scripts.
    fn script_of(&self, text: &str) -> Result<Script<u32>, String> {
        let known: HashMap<String, u32> = self
            .scripts
            .iter()
            .flat_map(|script| script.prefix.iter().chain(script.threads.iter().flatten()))
            .map(|input| (self.lts.words().input(*input), *input))
            .collect();
        Script::named(text, &known)
    }
}

/// A deadlock that no call has part in.
const ALL_ANSWERED: &str = "all calls are answered, and a thread that the implementation started waits for ever";
