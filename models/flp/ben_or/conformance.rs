//! How Ben-Or's protocol reads, what it promises, and the implementation bound to the model's words.

use std::collections::BTreeMap;

use counterpart::model::{Chance, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Counterpart, Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, BenOr, Coin, PROCESSES, State};
use crate::flp::implementation::ben_or::{self, Message};
use crate::flp::implementation::{Event, Group, Process};

/// The promise that the coin is for.
pub const ALL_DECIDE_ALMOST_SURELY: &str = "all who go on decide with probability 1";

/// How the model reads, and what is promised of it.
pub(super) struct BenOrSpec {
    /// Whether it is asked if all decide: not where rounds have a bound that keeps them from it.
    pub(super) decides: bool,
}

impl Spec for BenOrSpec {
    type Model = BenOr;

    fn temporal(&self) -> Vec<Temporal<BenOr>> {
        let decide = Temporal::almost_surely(ALL_DECIDE_ALMOST_SURELY, BenOr::all_have_decided);
        if self.decides { vec![decide] } else { Vec::new() }
    }

    fn chance(&self, model: &BenOr, state: &State, action: &Action) -> Option<Chance> {
        let drawn = model.coin != Coin::Adversarial && model.throws(state, action);
        match action {
            Action::Advance { process, heard, .. } if drawn => Some(Chance::of((process, heard), 1)),
            Action::Advance { .. } | Action::Begin { .. } | Action::Crash { .. } => None,
        }
    }

    fn must_progress(&self, _: &BenOr, _: &State, action: &Action) -> bool {
        !matches!(action, Action::Crash { .. })
    }

    fn parameters(&self, model: &BenOr) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("processes", PROCESSES.to_string()),
            ("crashes", model.crashes_max.to_string()),
            ("coin", format!("{:?}", model.coin)),
            ("scheduler", "sees all that has happened, coins included, and none to come".into()),
            ("rounds ahead of the slowest", model.skew_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ];
        if let Some(rounds) = model.rounds_max {
            parameters.push(("rounds", (rounds + 1).to_string()));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Begin { .. } => "environment".into(),
            Action::Advance { process, .. } | Action::Crash { process } => format!("p{process}"),
        }
    }

    fn state_json(&self, _: &BenOr, state: &State) -> Value {
        let used = state.boards.iter().rposition(|board| *board != Default::default()).map_or(0, |last| last + 1);
        json!({
            "processes": itf_state(&state.processes),
            "boards": itf_state(&&state.boards[..used]),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[(
            "no two processes decide differently",
            "one process decides on less than it takes to bind the others, who may hear nothing of it and throw a coin",
        )]
    }
}

/// What the outside sees.
pub(super) struct BenOrInterface;

/// What a process posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Nothing: it was not its turn.
    Nothing,
    /// A bit, for the next round.
    Report(u8),
    /// The bit that more than half reported, if any.
    Proposal(Option<u8>),
}

/// What a process says of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it posted.
    pub posted: Posted,
    /// What it has decided.
    pub decided: Option<u8>,
}

impl Interface for BenOrInterface {
    type Model = BenOr;
    type Input = Action;
    type Output = Answer;
    type Snapshot = [Option<u8>; PROCESSES];

    fn label(&self, _: &BenOr, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let to = to?;
        let answer = match action {
            // Of this a process knows nothing.
            Action::Crash { .. } => return None,
            Action::Begin { .. } => Answer { posted: Posted::Nothing, decided: None },
            Action::Advance { process, .. } => {
                let number = usize::from(*process);
                let (before, after) = (from.processes[number], to.processes[number]);
                let posted = if before.proposed {
                    let reports = to.boards[usize::from(after.round)].reports;
                    Posted::Report(reports[number]?)
                } else {
                    Posted::Proposal(to.boards[usize::from(after.round)].proposals[number]?)
                };
                Answer { posted, decided: after.decided }
            }
        };
        Some((*action, answer))
    }

    fn snapshot(&self, _: &BenOr, state: &State) -> Option<Self::Snapshot> {
        Some(state.processes.map(|process| process.decided))
    }
}

/// Our processes, and a board with everything that they posted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Processes {
    processes: Vec<ben_or::BenOr>,
    /// By process, its reports and its proposals, by round.
    posted: Vec<[Vec<Message>; 2]>,
}

impl Processes {
    /// Lets `number` take a step, and puts what it sends on the board. Returns the last of it.
    fn step(&mut self, number: usize, event: &Event<Message>) -> Posted {
        let stepped = self.processes[number].step(event);
        let (after, sent) = stepped.unwrap_or_else(|refused| panic!("refused: {refused}"));
        self.processes[number] = after;
        let mut posted = Posted::Nothing;
        // Everybody is sent the same.
        for sent in sent.into_iter().filter(|sent| sent.to == number) {
            let (kind, told) = match sent.message {
                Message::Report { bit, .. } => (0, Posted::Report(bit.into())),
                Message::Proposal { bit, .. } => (1, Posted::Proposal(bit.map(u8::from))),
            };
            assert_eq!(posted, Posted::Nothing, "it posts one thing at a time");
            self.posted[number][kind].push(sent.message);
            posted = told;
        }
        posted
    }
}

impl Counterpart<BenOrInterface> for Processes {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Begin { inputs } => {
                let group = Group::of(PROCESSES).expect("three processes are a group");
                let process = |id: usize| ben_or::BenOr::new(group, id, inputs[id] == 1).expect("a member");
                self.processes = group.members().map(process).collect();
                self.posted = vec![Default::default(); PROCESSES];
                for process in group.members() {
                    self.step(process, &Event::Nothing);
                }
                Answer { posted: Posted::Nothing, decided: None }
            }
            Action::Crash { .. } => Answer { posted: Posted::Nothing, decided: None },
            Action::Advance { process, heard, coin } => {
                let number = usize::from(process);
                // It waits for what is of the kind that it posted last, and of that round.
                let [reports, proposals] = &self.posted[number];
                let (round, kind) = (reports.len() - 1, usize::from(proposals.len() == reports.len()));
                let mut posted = Posted::Nothing;
                for from in heard.map(usize::from) {
                    let message = self.posted[from][kind][round];
                    posted = self.step(number, &Event::Message { from, message });
                }
                if let Some(shown) = coin {
                    assert!(self.processes[number].wants_coin(), "it throws no coin here");
                    posted = self.step(number, &Event::Coin(shown == 1));
                }
                Answer { posted, decided: self.processes[number].decision().map(|bit| u8::from(*bit)) }
            }
        }
    }

    fn observe(&self) -> Option<[Option<u8>; PROCESSES]> {
        let decided = |number: usize| self.processes.get(number).and_then(|process| process.decision().copied());
        Some(std::array::from_fn(|number| decided(number).map(u8::from)))
    }
}
