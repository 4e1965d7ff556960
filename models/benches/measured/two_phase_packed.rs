//! Two-phase commit once more, with sets of bits: a state is packed in one word.

use counterpart::explore::Pack;
use stateright::{Model, Property};

/// The model: its number of resource managers, eight at most.
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

/// A configuration: a bit for each manager in every set. Managers in none of the first three are working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    prepared: u8,
    committed: u8,
    aborted: u8,
    /// Managers whose `Prepared` the transaction manager has received; `sent` are those that have sent it.
    received: u8,
    sent: u8,
    /// The decision, which is sent as soon as it is made.
    decision: Decision,
}

impl Pack<1> for State {
    fn pack(&self) -> [u64; 1] {
        let State { prepared, committed, aborted, received, sent, decision } = *self;
        [u64::from_le_bytes([prepared, committed, aborted, received, sent, decision as u8, 0, 0])]
    }

    fn unpack([word]: [u64; 1]) -> Self {
        let [prepared, committed, aborted, received, sent, decision, ..] = word.to_le_bytes();
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
    fn all(&self) -> u8 {
        (u16::MAX >> (16 - u32::from(self.managers))) as u8
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
