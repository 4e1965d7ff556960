//! Sub-model *transactions*: a producer, ends of transactions on their way, and the broker that makes records visible.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most transactions.
pub const TRANSACTIONS_MAX: usize = 3;

/// Most epochs: one for each transaction, and for each start of the producer anew.
pub const EPOCHS_MAX: usize = 6;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transactions {
    /// Transactions.
    pub transactions: u8,
    /// Records of each.
    pub records: u8,
    /// Ends that are sent again.
    pub retries_max: u8,
    /// Starts of the producer anew.
    pub restarts_max: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// The end of an earlier epoch ends the transaction that is open now.
    AcceptsLateEnd,
    /// The epoch rises when the producer starts anew, but not with each transaction.
    KeepsEpoch,
    /// What was written before the producer started anew stays in the transaction.
    KeepsAborted,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The transaction that the producer is at, 0-based.
    pub transaction: u8,
    /// Records that it has written of it since it began it.
    pub written: u8,
    /// Whether it has asked for its end.
    pub is_ending: bool,
    /// The producer's epoch, which the broker knows as well.
    pub epoch: u8,
    /// Records in the open transaction, of which transaction each.
    pub open: [u8; TRANSACTIONS_MAX],
    /// Ends on their way, by epoch.
    pub ends: [u8; EPOCHS_MAX],
    /// Records of each transaction that readers see.
    pub visible: [u8; TRANSACTIONS_MAX],
    /// Ends that were sent again.
    pub retries: u8,
    /// Starts of the producer anew.
    pub restarts: u8,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The producer writes a record.
    Write,
    /// The producer asks for the end of its transaction.
    SendEnd,
    /// The producer has waited, and asks again.
    RetryEnd,
    /// An end arrives.
    ArriveEnd {
        /// Epoch in which it was sent.
        epoch: u8,
    },
    /// The network drops an end.
    DropEnd {
        /// Epoch in which it was sent.
        epoch: u8,
    },
    /// The producer crashes and starts anew; its open transaction is aborted.
    Restart,
}

impl Transactions {
    /// Two transactions of two records, one retry, one start anew.
    pub fn small() -> Self {
        Transactions { transactions: 2, records: 2, retries_max: 1, restarts_max: 1, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Transactions { variant, ..self }
    }

    /// The broker is told that a transaction ends.
    fn end(&self, state: &mut State, epoch: u8) {
        let is_late = epoch != state.epoch;
        if is_late && !self.accepts_late_end() {
            return;
        }
        // There is nothing to end: the same end was there before.
        if state.open.iter().all(|records| *records == 0) {
            return;
        }
        for (visible, open) in state.visible.iter_mut().zip(&mut state.open) {
            *visible += std::mem::take(open);
        }
        if state.is_ending {
            state.transaction += 1;
            (state.written, state.is_ending) = (0, false);
        }
        if !self.keeps_epoch() {
            state.epoch += 1;
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Transactions {
    /// Whether an end of an earlier epoch ends what is open now.
    fn accepts_late_end(&self) -> bool {
        self.variant == Variant::AcceptsLateEnd
    }

    /// Whether the epoch stays as it is when a transaction has ended.
    fn keeps_epoch(&self) -> bool {
        self.variant == Variant::KeepsEpoch
    }

    /// Whether the records of a transaction that was aborted stay in the open one.
    fn keeps_aborted(&self) -> bool {
        self.variant == Variant::KeepsAborted
    }
}

impl Model for Transactions {
    type State = State;
    type Action = Action;

    /// # Panics
    /// If the bounds are beyond what a state has room for.
    fn init_states(&self) -> Vec<State> {
        let epochs = 1 + usize::from(self.restarts_max) + usize::from(self.transactions) * usize::from(self.records);
        assert!(usize::from(self.transactions) <= TRANSACTIONS_MAX && epochs <= EPOCHS_MAX);
        vec![State {
            transaction: 0,
            written: 0,
            is_ending: false,
            epoch: 0,
            open: [0; TRANSACTIONS_MAX],
            ends: [0; EPOCHS_MAX],
            visible: [0; TRANSACTIONS_MAX],
            retries: 0,
            restarts: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.transaction < self.transactions && !state.is_ending {
            actions.push(if state.written < self.records { Action::Write } else { Action::SendEnd });
        }
        if state.is_ending && state.retries < self.retries_max {
            actions.push(Action::RetryEnd);
        }
        for (epoch, ends) in (0..).zip(&state.ends) {
            if *ends > 0 {
                actions.extend([Action::ArriveEnd { epoch }, Action::DropEnd { epoch }]);
            }
        }
        if state.restarts < self.restarts_max {
            actions.push(Action::Restart);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Write => {
                state.written += 1;
                state.open[usize::from(state.transaction)] += 1;
            }
            Action::SendEnd => {
                state.is_ending = true;
                state.ends[usize::from(state.epoch)] += 1;
            }
            Action::RetryEnd => {
                state.retries += 1;
                state.ends[usize::from(state.epoch)] += 1;
            }
            Action::ArriveEnd { epoch } => {
                state.ends[usize::from(epoch)] -= 1;
                self.end(&mut state, epoch);
            }
            Action::DropEnd { epoch } => state.ends[usize::from(epoch)] -= 1,
            Action::Restart => {
                state.restarts += 1;
                state.epoch += 1;
                (state.written, state.is_ending) = (0, false);
                if !self.keeps_aborted() {
                    state.open = [0; TRANSACTIONS_MAX];
                }
            }
        }
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
