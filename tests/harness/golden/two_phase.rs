//! Two-phase commit with messages that are never taken away, as a transaction manager and its resource managers.
//!
//! **Sources.** Gray and Lamport, "Consensus on Transaction Commit", 2006; its `TwoPhase.tla` in TLA+ Examples
//! (`specifications/transaction_commit`, MIT), of which this is a transcription; stateright's example `2pc.rs` (MIT),
//! whose counts are 288 and 8,832 for three and five resource managers.

use libtest_mimic::Trial;
use stateright::{Model, Property};

use super::{Figures, can_fail, figures};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::two_phase_commit_of_three_has_288_states_1146_generated_depth_11", three),
        claim("golden::two_phase_commit_of_five_has_8832_states", five),
        claim("golden::two_phase_commit_that_counts_too_few_votes_disagrees", disagrees),
    ]
}

fn three() {
    let model = || TwoPhase { manager_count: 3, variant: Variant::Sound };
    // 1,146 is the initial state and 1,145 successors, those that stay where they are included; 11 states are 10 steps.
    assert_eq!(figures(model), Figures { states: 288, generated: 1_146, depth: 11 });
}

fn five() {
    assert_eq!(figures(|| TwoPhase { manager_count: 5, variant: Variant::Sound }).states, 8_832);
}

fn disagrees() {
    let model = |variant| TwoPhase { manager_count: 3, variant };
    can_fail(model(Variant::Sound), model(Variant::CommitsWithOneVoteMissing), AGREEMENT);
}

const AGREEMENT: &str = "no manager commits while another aborts";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// The transaction manager commits when all but one have prepared.
    CommitsWithOneVoteMissing,
}

#[derive(Clone)]
struct TwoPhase {
    manager_count: usize,
    variant: Variant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Decision {
    Init,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    managers: Vec<Manager>,
    decision: Decision,
    /// Whose `Prepared` the transaction manager has received, one bit each.
    received: u8,
    /// Messages ever sent: `Prepared` of a manager, one bit each.
    sent_prepared: u8,
    sent_commit: bool,
    sent_abort: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Commit,
    Abort,
    ReceivePrepared { manager: usize },
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
            managers: vec![Manager::Working; self.manager_count],
            decision: Decision::Init,
            received: 0,
            sent_prepared: 0,
            sent_commit: false,
            sent_abort: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let undecided = state.decision == Decision::Init;
        let votes_needed = match self.variant {
            Variant::Sound => self.manager_count,
            Variant::CommitsWithOneVoteMissing => self.manager_count - 1,
        };
        if undecided && state.received.count_ones() as usize >= votes_needed {
            actions.push(Action::Commit);
        }
        if undecided {
            actions.push(Action::Abort);
        }
        for manager in 0..self.manager_count {
            if undecided && state.sent_prepared & (1 << manager) != 0 {
                actions.push(Action::ReceivePrepared { manager });
            }
            if state.managers[manager] == Manager::Working {
                actions.extend([Action::Prepare { manager }, Action::ChooseToAbort { manager }]);
            }
            if state.sent_commit {
                actions.push(Action::ReceiveCommit { manager });
            }
            if state.sent_abort {
                actions.push(Action::ReceiveAbort { manager });
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Commit => {
                next.decision = Decision::Committed;
                next.sent_commit = true;
            }
            Action::Abort => {
                next.decision = Decision::Aborted;
                next.sent_abort = true;
            }
            Action::ReceivePrepared { manager } => next.received |= 1 << manager,
            Action::Prepare { manager } => {
                next.managers[manager] = Manager::Prepared;
                next.sent_prepared |= 1 << manager;
            }
            Action::ChooseToAbort { manager } | Action::ReceiveAbort { manager } => {
                next.managers[manager] = Manager::Aborted;
            }
            Action::ReceiveCommit { manager } => next.managers[manager] = Manager::Committed,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(AGREEMENT, |_, state: &State| {
            !(state.managers.contains(&Manager::Committed) && state.managers.contains(&Manager::Aborted))
        })]
    }
}
