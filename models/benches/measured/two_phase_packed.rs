//! Two-phase commit once more, with sets of bits: a state is packed in one word.

use counterpart::explore::Pack;
use stateright::{Model, Property};

/// The model: its number of resource managers, twelve at most.
#[derive(Clone)]
pub(super) struct TwoPhase {
    pub(super) managers: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Decision {
    #[default]
    Open,
    Committed,
    Aborted,
}

/// Managers at most, so that five sets of them and a decision are a word; and the set of so many.
const MANAGERS_MAX: u32 = 12;
const ALL_MAX: u16 = (1 << MANAGERS_MAX) - 1;

/// A configuration: a bit for each manager in every set. Managers in none of the first three are working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    prepared: u16,
    committed: u16,
    aborted: u16,
    /// Managers whose `Prepared` the transaction manager has received; `sent` are those that have sent it.
    received: u16,
    sent: u16,
    /// The decision, which is sent as soon as it is made.
    decision: Decision,
}

impl Pack<1> for State {
    fn pack(&self) -> [u64; 1] {
        let State { prepared, committed, aborted, received, sent, decision } = *self;
        let sets = [prepared, committed, aborted, received, sent];
        [sets.into_iter().fold(decision as u64, |word, set| word << MANAGERS_MAX | u64::from(set))]
    }

    fn unpack([word]: [u64; 1]) -> Self {
        let set = |nth: u32| (word >> (MANAGERS_MAX * nth)) as u16 & ALL_MAX;
        let [sent, received, aborted, committed, prepared] = [0, 1, 2, 3, 4].map(set);
        let decision = word >> (5 * MANAGERS_MAX);
        let decision = match decision {
            0 => Decision::Open,
            1 => Decision::Committed,
            _ => Decision::Aborted,
        };
        State { prepared, committed, aborted, received, sent, decision }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    ReceivePrepared { manager: u8 },
    Commit,
    Abort,
    Prepare { manager: u8 },
    ChooseToAbort { manager: u8 },
    ReceiveCommit { manager: u8 },
    ReceiveAbort { manager: u8 },
}

impl TwoPhase {
    fn all(&self) -> u16 {
        ALL_MAX >> (MANAGERS_MAX - u32::from(self.managers))
    }
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let open = state.decision == Decision::Open;
        if open && state.received == self.all() {
            actions.push(Action::Commit);
        }
        if open {
            actions.push(Action::Abort);
        }
        for manager in 0..self.managers {
            let bit = 1 << manager;
            if open && state.sent & bit != 0 {
                actions.push(Action::ReceivePrepared { manager });
            }
            if (state.prepared | state.committed | state.aborted) & bit == 0 {
                actions.extend([Action::Prepare { manager }, Action::ChooseToAbort { manager }]);
            }
            match state.decision {
                Decision::Open => {}
                Decision::Committed => actions.push(Action::ReceiveCommit { manager }),
                Decision::Aborted => actions.push(Action::ReceiveAbort { manager }),
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        match action {
            Action::ReceivePrepared { manager } => next.received |= 1 << manager,
            Action::Commit => next.decision = Decision::Committed,
            Action::Abort => next.decision = Decision::Aborted,
            Action::Prepare { manager } => {
                next.prepared |= 1 << manager;
                next.sent |= 1 << manager;
            }
            Action::ChooseToAbort { manager } | Action::ReceiveAbort { manager } => {
                next.prepared &= !(1 << manager);
                next.committed &= !(1 << manager);
                next.aborted |= 1 << manager;
            }
            Action::ReceiveCommit { manager } => {
                next.prepared &= !(1 << manager);
                next.aborted &= !(1 << manager);
                next.committed |= 1 << manager;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("all abort", |model: &TwoPhase, state: &State| state.aborted == model.all()),
            Property::sometimes("all commit", |model: &TwoPhase, state: &State| state.committed == model.all()),
            Property::always("no manager commits while another aborts", |_, state: &State| {
                state.committed == 0 || state.aborted == 0
            }),
        ]
    }
}
