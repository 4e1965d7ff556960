//! Two-phase commit with states of vectors and a set of messages, as one writes it without thinking of the explorer.
//!
//! **Sources.** Gray and Lamport, "Consensus on Transaction Commit", 2006, and its `TwoPhase.tla`; the parts of the state
//! are those of stateright's example `2pc.rs` (MIT), so that it is as dear to clone and to hash.

use std::collections::BTreeSet;

use stateright::{Model, Property};

/// The model: its number of resource managers.
#[derive(Clone)]
pub(super) struct TwoPhase {
    pub(super) managers: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Decision {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Prepared { manager: usize },
    Commit,
    Abort,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    managers: Vec<Manager>,
    decision: Decision,
    /// Managers whose `Prepared` the transaction manager has received.
    received: Vec<bool>,
    /// Messages that were ever sent: none is taken away.
    sent: BTreeSet<Message>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    ReceivePrepared { manager: usize },
    Commit,
    Abort,
    Prepare { manager: usize },
    ChooseToAbort { manager: usize },
    ReceiveCommit { manager: usize },
    ReceiveAbort { manager: usize },
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            managers: vec![Manager::Working; self.managers],
            decision: Decision::Open,
            received: vec![false; self.managers],
            sent: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let open = state.decision == Decision::Open;
        if open && state.received.iter().all(|received| *received) {
            actions.push(Action::Commit);
        }
        if open {
            actions.push(Action::Abort);
        }
        for manager in 0..self.managers {
            if open && state.sent.contains(&Message::Prepared { manager }) {
                actions.push(Action::ReceivePrepared { manager });
            }
            if state.managers[manager] == Manager::Working {
                actions.extend([Action::Prepare { manager }, Action::ChooseToAbort { manager }]);
            }
            if state.sent.contains(&Message::Commit) {
                actions.push(Action::ReceiveCommit { manager });
            }
            if state.sent.contains(&Message::Abort) {
                actions.push(Action::ReceiveAbort { manager });
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::ReceivePrepared { manager } => next.received[manager] = true,
            Action::Commit => {
                next.decision = Decision::Committed;
                next.sent.insert(Message::Commit);
            }
            Action::Abort => {
                next.decision = Decision::Aborted;
                next.sent.insert(Message::Abort);
            }
            Action::Prepare { manager } => {
                next.managers[manager] = Manager::Prepared;
                next.sent.insert(Message::Prepared { manager });
            }
            Action::ChooseToAbort { manager } | Action::ReceiveAbort { manager } => {
                next.managers[manager] = Manager::Aborted;
            }
            Action::ReceiveCommit { manager } => next.managers[manager] = Manager::Committed,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("all abort", |_, state: &State| {
                state.managers.iter().all(|manager| *manager == Manager::Aborted)
            }),
            Property::sometimes("all commit", |_, state: &State| {
                state.managers.iter().all(|manager| *manager == Manager::Committed)
            }),
            Property::always("no manager commits while another aborts", |_, state: &State| {
                !(state.managers.contains(&Manager::Committed) && state.managers.contains(&Manager::Aborted))
            }),
        ]
    }
}
