//! Attempts at consensus that are small enough for their configurations to be counted by hand.
//!
//! A configuration begins with the inputs and nothing else, so that what is reached from two initial ones never meets,
//! and every count is a sum over the inputs.

use std::collections::BTreeSet;

use counterpart::model::{Consensus, Event, Values};
use stateright::Model;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Processes 1 and 2 send their votes to process 0, which decides the first that it takes and announces it to both.
    Sequencer,
    /// Every process sends its vote to both others, and decides the least of the three when it has them.
    WaitForAll,
    /// Two processes, each of which decides its own input.
    Hasty,
    /// The votes of processes 1 and 2 are under way. Process 0 takes one: if it is its own input it decides that, and
    /// otherwise gives up for ever.
    Picky,
}

#[derive(Clone, Debug)]
pub(super) struct Toy {
    pub(super) attempt: Attempt,
    /// Whether every process may, at any time, look for messages and find none.
    pub(super) idle: bool,
}

impl Toy {
    pub(super) fn of(attempt: Attempt) -> Self {
        Toy { attempt, idle: false }
    }

    fn process_count(&self) -> usize {
        match self.attempt {
            Attempt::Hasty => 2,
            Attempt::Sequencer | Attempt::WaitForAll | Attempt::Picky => 3,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) inputs: Vec<u8>,
    /// Who has sent its vote.
    pub(super) sent: BTreeSet<usize>,
    /// What was delivered: to whom, from whom.
    pub(super) taken: BTreeSet<(usize, usize)>,
    pub(super) decided: [Option<u8>; 3],
    pub(super) gave_up: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// The process's first step: its vote goes out.
    Send { process: usize },
    /// The process takes what the other sent to it.
    Deliver { to: usize, from: usize },
    /// The process looks for messages and finds none.
    Idle { process: usize },
}

impl Model for Toy {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let count = self.process_count();
        let inputs = |bits: usize| (0..count).map(|process| (bits >> (count - 1 - process) & 1) as u8).collect();
        let state = |inputs| State {
            inputs,
            sent: BTreeSet::new(),
            taken: BTreeSet::new(),
            decided: [None; 3],
            gave_up: false,
        };
        (0..1 << count).map(|bits| state(inputs(bits))).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let send = |process| Action::Send { process };
        match self.attempt {
            Attempt::Sequencer => actions.extend([1, 2].map(send)),
            Attempt::WaitForAll => actions.extend([0, 1, 2].map(send)),
            Attempt::Hasty => actions.extend([0, 1].map(send)),
            Attempt::Picky => {}
        }
        for to in 0..self.process_count() {
            for from in (0..self.process_count()).filter(|from| *from != to) {
                if !state.taken.contains(&(to, from)) {
                    actions.push(Action::Deliver { to, from });
                }
            }
        }
        if self.idle {
            actions.extend((0..self.process_count()).map(|process| Action::Idle { process }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match (self.attempt, action) {
            (_, Action::Idle { .. }) => {}
            (attempt, Action::Send { process }) => {
                if !state.sent.insert(process) {
                    return None;
                }
                if attempt == Attempt::Hasty {
                    state.decided[process] = Some(state.inputs[process]);
                }
            }
            (Attempt::Sequencer, Action::Deliver { to: 0, from }) => {
                if !state.sent.contains(&from) {
                    return None;
                }
                state.taken.insert((0, from));
                state.decided[0] = state.decided[0].or(Some(state.inputs[from]));
            }
            (Attempt::Sequencer, Action::Deliver { to, from: 0 }) => {
                state.decided[0]?;
                state.taken.insert((to, 0));
                state.decided[to] = state.decided[0];
            }
            (Attempt::WaitForAll, Action::Deliver { to, from }) => {
                if !state.sent.contains(&from) {
                    return None;
                }
                state.taken.insert((to, from));
                if (0..3).all(|from| from == to || state.taken.contains(&(to, from))) {
                    state.decided[to] = state.inputs.iter().copied().min();
                }
            }
            (Attempt::Picky, Action::Deliver { to: 0, from }) => {
                state.taken.insert((0, from));
                if state.decided[0].is_none() && !state.gave_up {
                    if state.inputs[from] == state.inputs[0] {
                        state.decided[0] = Some(state.inputs[0]);
                    } else {
                        state.gave_up = true;
                    }
                }
            }
            (Attempt::Sequencer | Attempt::Hasty | Attempt::Picky, Action::Deliver { .. }) => return None,
        }
        Some(state)
    }
}

pub(super) struct AsConsensus;

impl Consensus for AsConsensus {
    type Model = Toy;
    type Message = Action;

    fn inputs(&self, _: &Toy, initial: &State) -> Vec<u8> {
        initial.inputs.clone()
    }

    fn decided(&self, _: &Toy, state: &State) -> Values {
        state.decided.iter().flatten().copied().collect()
    }

    fn event(&self, _: &Toy, _: &State, action: &Action) -> Event<Action> {
        match action {
            Action::Send { process } | Action::Idle { process } => Event::of(*process, action.clone()),
            Action::Deliver { to, .. } => Event::of(*to, action.clone()),
        }
    }
}
