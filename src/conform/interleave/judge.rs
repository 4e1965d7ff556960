//! Histories judged: whether some order of the calls, one after the other, is a run of the model.
//!
//! A call without a return may have taken effect, or may not: it is placed anywhere after its invoke, or left out.
//! Where nobody is left to go on, that is not all: what is left waiting must be what the model leaves waiting.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::run::History;
use super::{CallId, Pass, Script, WEAK};
use crate::conform::Divergence;
use crate::conform::drive::{Deviation, Observed, explain, seen_as};
use crate::conform::lts::{Belief, Lts, Node};
use crate::conform::narrate::told;
use crate::trace::Step;

/// One call as the judge sees it.
struct Call {
    id: CallId,
    input: u32,
    /// `None`: it never returned.
    output: Option<u32>,
    invoked: usize,
    /// `usize::MAX`: never.
    returned: usize,
}

/// Judges the histories of one script, and tells the one that deviates.
pub(super) struct Teller<'a> {
    pub(super) lts: &'a Lts,
    pub(super) script: &'a Script<u32>,
    pub(super) pass: Pass,
}

impl Teller<'_> {
    /// Whether some order of the calls, one after the other, explains every answer, and every call without one.
    pub(super) fn check(&self, history: &History) -> Result<(), String> {
        let belief = self.after_prefix(&history.prefix)?;
        if let Some(input) = self.script.prefix.get(history.prefix.len()).filter(|_| history.stuck) {
            let input = self.lts.words().input(*input);
            return Err(format!("call {} of the prefix, {input}, waits for ever", history.prefix.len() + 1));
        }
        let calls = self.calls(history);
        let mut search = Search {
            lts: self.lts,
            calls: &calls,
            snapshot: history.snapshot,
            stuck: false,
            seen: HashSet::new(),
            wrong_end: None,
        };
        if search.explains(0, &belief) {
            return if history.stuck { self.check_waiting(&calls, &belief) } else { Ok(()) };
        }
        Err(match search.wrong_end {
            Some(Deviation::Snapshot { got, allowed }) => format!(
                "the answers can be explained, but after all threads joined the implementation shows {got}, the model {}",
                allowed.join(" or ")
            ),
            Some(deviation) => deviation.to_string(),
            None => {
                let order = match self.pass {
                    Pass::Marked | Pass::WeakFails => "no order of these calls that respects real time",
                    Pass::Unmarked => "no order of these calls that respects each thread's own",
                };
                format!("{order} explains the answers: the history is not linearizable")
            }
        })
    }

    /// Whether the model, too, can be where all calls that were not answered wait for ever.
    fn check_waiting(&self, calls: &[Call], belief: &Belief) -> Result<(), String> {
        let waiting: Vec<&Call> = calls.iter().filter(|call| call.output.is_none()).collect();
        let mut search =
            Search { lts: self.lts, calls, snapshot: None, stuck: true, seen: HashSet::new(), wrong_end: None };
        if search.explains(0, belief) {
            return Ok(());
        }
        let told =
            |call: &Call| format!("thread {} waits for ever in {}", call.id.thread, self.lts.words().input(call.input));
        Err(match search.wrong_end {
            Some(Deviation::Answer { got, allowed }) => {
                format!("{got}, although the model would answer {}", allowed.join(" or "))
            }
            _ => {
                let told: Vec<String> = waiting.into_iter().map(told).collect();
                format!("{}, although its effect was seen", told.join(", "))
            }
        })
    }

    /// Whether every call that was made has returned.
    pub(super) fn answered(&self, history: &History) -> bool {
        self.calls(history).iter().all(|call| call.output.is_some())
    }

    fn after_prefix(&self, outputs: &[u32]) -> Result<Belief, String> {
        let mut belief = self.lts.initial();
        for (index, (input, output)) in self.script.prefix.iter().zip(outputs).enumerate() {
            let observed = Observed { output: *output, snapshot: None };
            belief = explain(self.lts, &belief, *input, observed)
                .map_err(|deviation| {
                    format!("call {} of the prefix, {}: {deviation}", index + 1, self.lts.words().input(*input))
                })?
                .belief;
        }
        Ok(belief)
    }

    fn calls(&self, history: &History) -> Vec<Call> {
        let mut calls: Vec<Call> = Vec::new();
        for (time, event) in history.events.iter().enumerate() {
            match event.returned {
                None => {
                    let input = self.script.threads[event.call.thread][event.call.index];
                    calls.push(Call { id: event.call, input, output: None, invoked: time, returned: usize::MAX });
                }
                Some(output) => {
                    if let Some(call) = calls.iter_mut().find(|call| call.id == event.call) {
                        (call.output, call.returned) = (Some(output), time);
                    }
                }
            }
        }
        if self.pass == Pass::Unmarked {
            // Without marks the log's order says nothing: all calls may overlap but those of one thread.
            for call in &mut calls {
                (call.invoked, call.returned) = (0, usize::MAX);
            }
        }
        calls
    }

    /// The run as a trace tells it: the prefix, then each invoke and return as it happened.
    pub(super) fn tell(&self, history: &History, schedule: usize, what: String) -> Divergence {
        let words = self.lts.words();
        let observed: Vec<Observed> =
            history.prefix.iter().map(|output| Observed { output: *output, snapshot: None }).collect();
        let mut inputs = Vec::new();
        let mut belief = self.lts.initial();
        for (input, observed) in self.script.prefix.iter().zip(&observed) {
            let Ok(explained) = explain(self.lts, &belief, *input, *observed) else { break };
            inputs.push(*input);
            belief = explained.belief;
        }
        let mut steps = told(self.lts, &inputs, &observed[..inputs.len()]);
        let state = steps.last().map(|step| step.state.clone()).unwrap_or_default();
        for event in &history.events {
            let CallId { thread, index } = event.call;
            let input = words.input(self.script.threads[thread][index]);
            steps.push(Step {
                action: if event.returned.is_none() { format!("invoke {input}") } else { format!("return {input}") },
                actor: format!("thread {thread}"),
                implementation: event.returned.map(|output| words.output(output)).unwrap_or_default(),
                state: state.clone(),
                ..Step::default()
            });
        }
        for call in self.calls(history).iter().filter(|call| history.stuck && call.output.is_none()) {
            steps.push(Step {
                action: format!("wait in {}", words.input(call.input)),
                actor: format!("thread {}", call.id.thread),
                implementation: "no answer".into(),
                state: state.clone(),
                ..Step::default()
            });
        }
        let told = |calls: &[u32]| calls.iter().map(|call| words.input(*call)).collect::<Vec<_>>();
        let script = json!([
            told(&self.script.prefix),
            self.script.threads.iter().map(|calls| told(calls)).collect::<Vec<_>>(),
            self.script.preemptions_max
        ]);
        let mut extra = BTreeMap::from([
            ("script".to_string(), script.to_string()),
            ("schedule".to_string(), schedule.to_string()),
            ("marks".to_string(), self.pass.marks().to_string()),
        ]);
        if self.pass == Pass::WeakFails {
            extra.insert(WEAK.0.into(), WEAK.1.into());
        }
        Divergence { steps, what, extra }
    }
}

/// A search for a linearization, with a memo of what was tried in vain.
struct Search<'a> {
    lts: &'a Lts,
    calls: &'a [Call],
    snapshot: Option<u32>,
    /// No call without an answer has taken effect, and in the end none can.
    stuck: bool,
    seen: HashSet<(u64, Belief)>,
    /// All calls could be explained, but not what was seen in the end.
    wrong_end: Option<Deviation>,
}

impl Search<'_> {
    /// Whether the calls not in `done` can follow on `belief`.
    fn explains(&mut self, done: u64, belief: &Belief) -> bool {
        if !self.seen.insert((done, belief.clone())) {
            return false;
        }
        let returned = |(index, call): (usize, &Call)| call.output.is_none() || done & (1 << index) != 0;
        if self.calls.iter().enumerate().all(returned) {
            match self.end(belief) {
                Ok(()) => return true,
                Err(deviation) => self.wrong_end = Some(deviation),
            }
        }
        for (index, call) in self.calls.iter().enumerate() {
            if done & (1 << index) != 0 || !self.may_be_next(done, call) {
                continue;
            }
            let after = match call.output {
                Some(output) => {
                    let observed = Observed { output, snapshot: None };
                    explain(self.lts, belief, call.input, observed).ok().map(|explained| explained.belief)
                }
                None if self.stuck => None,
                None => {
                    let targets: Vec<Node> =
                        self.lts.answers(belief, call.input).iter().map(|(_, edge, _)| edge.to).collect();
                    (!targets.is_empty()).then(|| self.lts.closed(targets))
                }
            };
            if after.is_some_and(|after| self.explains(done | (1 << index), &after)) {
                return true;
            }
        }
        false
    }

    /// Whether `belief` is where such a history can end.
    fn end(&self, belief: &Belief) -> Result<(), Deviation> {
        if !self.stuck {
            return seen_as(self.lts, belief.clone(), self.snapshot).map(|_| ());
        }
        let waiting = || self.calls.iter().filter(|call| call.output.is_none());
        // A state that an internal step leaves is not one to wait in for ever.
        let waits = |node: &Node| {
            let near = self.lts.closed(vec![*node]);
            waiting().all(|call| self.lts.answers(&near, call.input).is_empty())
        };
        if belief.iter().any(waits) {
            return Ok(());
        }
        let answered = |call: &Call| {
            let allowed = self.lts.allowed(belief, call.input);
            let got = format!("thread {} waits for ever in {}", call.id.thread, self.lts.words().input(call.input));
            (!allowed.is_empty()).then_some(Deviation::Answer { got, allowed })
        };
        Err(waiting().find_map(answered).expect("a call without an answer that the model would give one"))
    }

    /// Whether no call that is still to come ended before `call` began, nor precedes it in its thread.
    fn may_be_next(&self, done: u64, call: &Call) -> bool {
        self.calls.iter().enumerate().all(|(index, other)| {
            done & (1 << index) != 0
                || other.id == call.id
                || (other.returned > call.invoked
                    && (other.id.thread != call.id.thread || other.id.index > call.id.index))
        })
    }
}
