//! Sub-model *outbox*: orders that are committed or not, a table of what is to be published, and a relay that crashes.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most orders.
pub const ORDERS_MAX: usize = 3;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordering {
    /// Orders.
    pub orders: u8,
    /// Crashes, of the service and of the relay together.
    pub crashes_max: u8,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// The order is committed, and the row written in a transaction of its own.
    WritesTwice,
    /// The row is written in a transaction of its own, and the order may then be rolled back.
    WritesRowFirst,
    /// A row is marked before it is published.
    MarksFirst,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What has become of each order.
    pub business: [Business; ORDERS_MAX],
    /// The row of each order.
    pub rows: [Row; ORDERS_MAX],
    /// Order whose row the service is about to write in a transaction of its own.
    pub to_write: Option<u8>,
    /// What the relay does.
    pub relay: Relay,
    /// How often each order was published, 2 at most.
    pub published: [u8; ORDERS_MAX],
    /// Crashes so far.
    pub crashes: u8,
}

/// What has become of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Business {
    /// It is worked on.
    #[default]
    Open,
    /// It is placed.
    Committed,
    /// It never was.
    RolledBack,
}

/// A row of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Row {
    /// There is none.
    #[default]
    Absent,
    /// It is to be published.
    Pending,
    /// It was published.
    Marked,
}

/// What the relay does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Relay {
    /// Nothing.
    #[default]
    Idle,
    /// It has read the row of this order.
    Read(u8),
    /// It has done the first of the two things there are to do with it.
    Half(u8),
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The service commits an order.
    Commit {
        /// The order, 0-based.
        order: u8,
    },
    /// The service rolls an order back.
    RollBack {
        /// The order.
        order: u8,
    },
    /// The service writes a row in a transaction of its own.
    WriteRow {
        /// The order.
        order: u8,
    },
    /// The relay reads the oldest row that is not marked.
    Read,
    /// The relay publishes what it has read.
    Publish,
    /// The relay marks what it has read.
    Mark,
    /// The relay crashes, and starts anew.
    CrashRelay,
    /// The service crashes, and starts anew.
    CrashService,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// Nothing but that it is done.
    Done,
    /// The row of this order.
    Row(u8),
    /// There is none.
    Nothing,
}

impl Ordering {
    /// Two orders, two crashes.
    pub fn small() -> Self {
        Ordering { orders: 2, crashes_max: 2, variant: Variant::Sound }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Ordering { variant, ..self }
    }

    fn next_row(state: &State) -> Option<u8> {
        state.rows.iter().position(|row| *row == Row::Pending).map(|order| order as u8)
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let mut told = Told::Done;
        match action {
            Action::Commit { order } => {
                let at = usize::from(order);
                state.business[at] = Business::Committed;
                if self.writes_twice() {
                    state.to_write = Some(order);
                } else if state.rows[at] == Row::Absent {
                    state.rows[at] = Row::Pending;
                }
            }
            Action::RollBack { order } => state.business[usize::from(order)] = Business::RolledBack,
            Action::WriteRow { order } => {
                state.rows[usize::from(order)] = Row::Pending;
                state.to_write = None;
            }
            Action::Read => match Self::next_row(before) {
                Some(order) => {
                    state.relay = Relay::Read(order);
                    told = Told::Row(order);
                }
                None => told = Told::Nothing,
            },
            Action::Publish | Action::Mark => {
                let (order, relay) = match before.relay {
                    Relay::Idle => return (state, Told::Nothing),
                    Relay::Read(order) => (order, Relay::Half(order)),
                    Relay::Half(order) => (order, Relay::Idle),
                };
                state.relay = relay;
                if action == Action::Mark {
                    state.rows[usize::from(order)] = Row::Marked;
                } else {
                    let published = &mut state.published[usize::from(order)];
                    *published = (*published + 1).min(2);
                }
            }
            Action::CrashRelay => {
                state.crashes += 1;
                state.relay = Relay::Idle;
            }
            Action::CrashService => {
                state.crashes += 1;
                state.to_write = None;
            }
        }
        (state, told)
    }
}

/// Where the model deviates: the rules ask these.
impl Ordering {
    /// Whether the row is written in a transaction of its own, after the order's.
    fn writes_twice(&self) -> bool {
        self.variant == Variant::WritesTwice
    }

    /// Whether the row may be written in a transaction of its own, before the order's.
    fn writes_row_first(&self) -> bool {
        self.variant == Variant::WritesRowFirst
    }

    /// Whether the relay marks before it publishes.
    fn marks_first(&self) -> bool {
        self.variant == Variant::MarksFirst
    }
}

impl Model for Ordering {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            business: Default::default(),
            rows: Default::default(),
            to_write: None,
            relay: Relay::Idle,
            published: [0; ORDERS_MAX],
            crashes: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // One after the other, so that the oldest row is that of the first order.
        let open = (0..self.orders).find(|order| state.business[usize::from(*order)] == Business::Open);
        if let (Some(order), None) = (open, state.to_write) {
            actions.extend([Action::Commit { order }, Action::RollBack { order }]);
            if self.writes_row_first() && state.rows[usize::from(order)] == Row::Absent {
                actions.push(Action::WriteRow { order });
            }
        }
        actions.extend(state.to_write.map(|order| Action::WriteRow { order }));
        let marks_first = self.marks_first();
        match state.relay {
            Relay::Idle => actions.push(Action::Read),
            Relay::Read(_) => actions.push(if marks_first { Action::Mark } else { Action::Publish }),
            Relay::Half(_) => actions.push(if marks_first { Action::Publish } else { Action::Mark }),
        }
        if state.crashes < self.crashes_max {
            actions.extend([Action::CrashRelay, Action::CrashService]);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
