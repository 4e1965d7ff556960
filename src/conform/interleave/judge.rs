//! Histories judged: whether some order of the calls, one after the other, is a run of the model.
//!
//! A call without a return may have taken effect, or may not: it is placed anywhere after its invoke, or left out.
//! Where nobody is left to go on, that is not all: what is left waiting must be what the model leaves waiting.

use std::collections::BTreeMap;

use serde_json::json;

use super::run::History;
use super::{CallId, Pass, Script, WEAK};
use crate::conform::Divergence;
use crate::conform::drive::{Deviation, Observed, explain, seen_as};
use crate::conform::linear::{self, Bounds, Dead, Meaning, Order, Outcome, search};
use crate::conform::lts::{Belief, Edge, Lts, Node};
use crate::conform::narrate::told;
use crate::trace::Step;

/// One call as the judge sees it.
#[derive(Clone)]
struct Call {
    id: CallId,
    input: u32,
    /// `None`: it never returned.
    output: Option<u32>,
    invoked: usize,
    /// `None`: never.
    returned: Option<usize>,
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
        match self.search(&belief, &calls, End::Shows(history.snapshot)) {
            Ok(()) if history.stuck => self.check_waiting(&calls, &belief),
            Ok(()) => Ok(()),
            Err(NoOrder::WrongEnd(ends)) => {
                let Err(Deviation::Snapshot { got, allowed }) = seen_as(self.lts, ends, history.snapshot) else {
                    unreachable!("none of them shows what was seen")
                };
                Err(format!(
                    "the answers can be explained, but after all threads joined the implementation shows {got}, the model {}",
                    allowed.join(" or ")
                ))
            }
            Err(NoOrder::None(dead)) => Err(self.unexplained(&calls[dead.call as usize], &dead)),
            Err(NoOrder::Changes(input)) => Err(self.changes(input)),
        }
    }

    /// That no order explains `call`, and what one that explains all before it would have answered.
    fn unexplained(&self, call: &Call, dead: &Dead) -> String {
        let words = self.lts.words();
        let order = match self.pass {
            Pass::Marked | Pass::WeakFails => "no order of these calls that respects real time",
            Pass::Unmarked => "no order of these calls that respects each thread's own",
        };
        let got = call.output.map(|output| words.output(output)).expect("what has no answer needs no explanation");
        let allowed = match self.lts.allowed(&dead.states, call.input) {
            none if none.is_empty() => "leaves it without an answer".to_string(),
            allowed => format!("answers {}", allowed.join(" or ")),
        };
        format!(
            "{order} explains the answers (the history is not linearizable): {} of thread {} is answered {got}, and an order \
             that is allowed {allowed}",
            words.input(call.input),
            call.id.thread,
        )
    }

    fn search(&self, start: &Belief, calls: &[Call], end: End<'_>) -> Result<(), NoOrder> {
        let mut heard = Heard { lts: self.lts, start: start.clone(), classes: Vec::new(), end };
        // Without marks the log's order says nothing: all calls may overlap but those of one thread.
        heard.search(calls, self.pass == Pass::Unmarked)
    }

    fn changes(&self, input: u32) -> String {
        let input = self.lts.words().input(input);
        format!("the interface says that {input} changes nothing (`Interface::changes`), and the model changes by it")
    }

    /// Whether the model, too, can be where all calls that were not answered wait for ever.
    fn check_waiting(&self, calls: &[Call], belief: &Belief) -> Result<(), String> {
        let waiting = || calls.iter().filter(|call| call.output.is_none());
        let answered: Vec<Call> = calls.iter().filter(|call| call.output.is_some()).cloned().collect();
        let told =
            |call: &Call| format!("thread {} waits for ever in {}", call.id.thread, self.lts.words().input(call.input));
        match self.search(belief, &answered, End::Waits(calls)) {
            Ok(()) => Ok(()),
            Err(NoOrder::WrongEnd(ends)) => {
                let would = |call: &Call| {
                    let allowed = self.lts.allowed(&ends, call.input);
                    (!allowed.is_empty()).then(|| (told(call), allowed.join(" or ")))
                };
                let (got, allowed) = waiting().find_map(would).expect("a call that the model would answer");
                Err(format!("{got}, although the model would answer {allowed}"))
            }
            Err(NoOrder::None(_)) => {
                let told: Vec<String> = waiting().map(told).collect();
                Err(format!("{}, although its effect was seen", told.join(", ")))
            }
            Err(NoOrder::Changes(input)) => Err(self.changes(input)),
        }
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
                    calls.push(Call { id: event.call, input, output: None, invoked: time, returned: None });
                }
                Some(output) => {
                    if let Some(call) = calls.iter_mut().find(|call| call.id == event.call) {
                        (call.output, call.returned) = (Some(output), Some(time));
                    }
                }
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

/// Calls, by number, in the states of a model.
struct Heard<'a> {
    lts: &'a Lts,
    start: Belief,
    /// What calls of a class were given, and what they were answered.
    classes: Vec<(u32, Option<u32>)>,
    end: End<'a>,
}

/// Where a history may end.
enum End<'a> {
    /// Where the model shows what was seen, if anything was.
    Shows(Option<u32>),
    /// Where all these calls wait for ever.
    Waits(&'a [Call]),
}

impl Meaning for Heard<'_> {
    fn start(&mut self) -> Vec<Node> {
        self.start.clone()
    }

    fn hidden(&mut self, node: Node) -> Vec<(u32, Node)> {
        let internal = |(_, edge): &(u32, &Edge)| edge.label.is_none();
        (0..).zip(self.lts.edges(node)).filter(internal).map(|(place, edge)| (place, edge.to)).collect()
    }

    fn explains(&mut self, class: u32, node: Node) -> Vec<(u32, Node)> {
        let (input, output) = self.classes[class as usize];
        let explains = |(_, edge): &(u32, &Edge)| {
            edge.label.is_some_and(|label| label.input == input && output.is_none_or(|output| label.output == output))
        };
        (0..).zip(self.lts.edges(node)).filter(explains).map(|(place, edge)| (place, edge.to)).collect()
    }

    fn changes_nothing(&self, class: u32) -> bool {
        !self.lts.words().changes(self.classes[class as usize].0)
    }

    fn ends(&mut self, node: Node) -> bool {
        match self.end {
            End::Shows(snapshot) => seen_as(self.lts, vec![node], snapshot).is_ok(),
            // A state that an internal step leaves is not one to wait in for ever.
            End::Waits(waiting) => {
                let near = self.lts.closed(vec![node]);
                waiting
                    .iter()
                    .filter(|call| call.output.is_none())
                    .all(|call| self.lts.answers(&near, call.input).is_empty())
            }
        }
    }
}

impl Heard<'_> {
    /// Looks for an order of `calls`.
    fn search(&mut self, calls: &[Call], follow: bool) -> Result<(), NoOrder> {
        let mut own: Vec<linear::Call> = Vec::with_capacity(calls.len());
        for (number, call) in calls.iter().enumerate() {
            let before = |(_, other): &(usize, &Call)| other.id.thread == call.id.thread;
            let follows = calls[..number].iter().enumerate().rev().find(before).filter(|_| follow);
            let meant = (call.input, call.output);
            let class = self.classes.iter().position(|class| *class == meant).unwrap_or_else(|| {
                self.classes.push(meant);
                self.classes.len() - 1
            });
            own.push(linear::Call {
                begin: if follow { 0 } else { call.invoked as u64 },
                end: call.returned.filter(|_| !follow).map(|time| time as u64),
                required: call.output.is_some(),
                class: class as u32,
                follows: follows.map(|(number, _)| number as u32).into_iter().collect(),
            });
        }
        let order = Order::new(&own).expect("a thread's calls have an order");
        let bounds = Bounds { ways_max: usize::MAX, bytes_max: usize::MAX };
        match search(&order, self.classes.len() as u32, self, bounds) {
            Outcome::Explained(_) => Ok(()),
            Outcome::WrongEnd(nodes) => Err(NoOrder::WrongEnd(self.lts.closed(nodes))),
            Outcome::Changes { class, .. } => Err(NoOrder::Changes(self.classes[class as usize].0)),
            Outcome::Unexplained(dead) => Err(NoOrder::None(dead)),
            Outcome::Enough | Outcome::TooMany | Outcome::TooMuch | Outcome::Stopped(_) => {
                unreachable!("it has no limits")
            }
        }
    }
}

/// Why no order of calls is one of the model.
enum NoOrder {
    /// The answers cannot be explained; up to here they can.
    None(Dead),
    /// They can, and these are the states in which they then end.
    WrongEnd(Belief),
    /// The interface says that this input changes nothing, and it does.
    Changes(u32),
}
