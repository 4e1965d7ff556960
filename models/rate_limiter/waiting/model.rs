//! Callers that wait for one token a tick, in a queue or in none.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most callers that a state has room for.
pub const CALLERS_MAX: usize = 4;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Number of callers.
    pub callers: u8,
    /// Order in which callers are served.
    pub order: Order,
}

/// Order in which callers are served when there is a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Whoever tries first is served: each caller tries again until it succeeds.
    WhoeverTries,
    /// The caller that has waited longest is served.
    FirstInFirstOut,
    /// The caller that has come last is served.
    LastInFirstOut,
    /// The caller that has waited longest is served, and one that gave up keeps its place.
    KeepsPlaceOfWhoGaveUp,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A caller begins to wait.
    Ask {
        /// The caller, 0-based.
        caller: u8,
    },
    /// A caller that waits takes the token.
    Take {
        /// The caller, 0-based.
        caller: u8,
    },
    /// A caller that waits goes away.
    GiveUp {
        /// The caller, 0-based.
        caller: u8,
    },
    /// Time passes: there is a token, if there was none.
    Tick,
}

/// A configuration.
///
/// Invariants: nobody stands in the queue twice; where there is one, whoever waits stands in it, and where there is
/// none it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Whether there is a token.
    pub token: bool,
    /// Whether each caller waits.
    pub waits: [bool; CALLERS_MAX],
    /// Callers in the order in which they came, where there is an order.
    pub queue: Vec<u8>,
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Waiting) -> bool {
        let stands = |caller: &u8| self.queue.iter().filter(|other| *other == caller).count();
        (0..model.callers).all(|caller| {
            let waits = self.waits[usize::from(caller)];
            stands(&caller) <= usize::from(model.is_queued()) && (stands(&caller) == 1 || !waits || !model.is_queued())
        })
    }
}

impl Waiting {
    fn is_queued(&self) -> bool {
        self.order != Order::WhoeverTries
    }

    fn may_take(&self, state: &State, caller: u8) -> bool {
        let turn = match self.order {
            Order::WhoeverTries => true,
            Order::FirstInFirstOut | Order::KeepsPlaceOfWhoGaveUp => state.queue.first() == Some(&caller),
            Order::LastInFirstOut => state.queue.last() == Some(&caller),
        };
        state.token && state.waits[usize::from(caller)] && turn
    }
}

impl Model for Waiting {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { token: true, waits: [false; CALLERS_MAX], queue: Vec::new() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for caller in 0..self.callers {
            // Whose place is kept cannot queue a second time.
            if !state.waits[usize::from(caller)] && !state.queue.contains(&caller) {
                actions.push(Action::Ask { caller });
            }
            if self.may_take(state, caller) {
                actions.push(Action::Take { caller });
            }
            if state.waits[usize::from(caller)] {
                actions.push(Action::GiveUp { caller });
            }
        }
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Ask { caller } => {
                after.waits[usize::from(caller)] = true;
                if self.is_queued() {
                    after.queue.push(caller);
                }
            }
            Action::Take { caller } => {
                after.token = false;
                after.waits[usize::from(caller)] = false;
                after.queue.retain(|other| *other != caller);
            }
            Action::GiveUp { caller } => {
                after.waits[usize::from(caller)] = false;
                if self.order != Order::KeepsPlaceOfWhoGaveUp {
                    after.queue.retain(|other| *other != caller);
                }
            }
            Action::Tick => after.token = true,
        }
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
