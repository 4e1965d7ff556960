//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::model::{Chance, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, BenOr, Coin, PROCESSES, State};
use super::properties::{self, AGREEMENT};

/// How the model reads, and what is promised of it.
#[derive(Clone, Copy, Debug)]
pub struct BenOrSpec {
    /// Whether it is asked that all decide: not where rounds have a bound that keeps them from it.
    pub decides: bool,
}

impl Spec for BenOrSpec {
    type Model = BenOr;

    fn temporal(&self) -> Vec<Temporal<BenOr>> {
        properties::temporal(self.decides)
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
            AGREEMENT,
            "one process decides on less than it takes to bind the others, who may hear nothing of it and throw a coin",
        )]
    }
}

/// What the outside sees of the processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct BenOrInterface;

/// What a process posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The process posts nothing: it was not its turn.
    Nothing,
    /// The process posts a bit, for the next round.
    Report(u8),
    /// The process posts the bit that more than half reported, or that none was.
    Proposal(Option<u8>),
}

/// What a process says of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The post.
    pub posted: Posted,
    /// The value that the process has decided.
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
