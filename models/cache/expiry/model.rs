//! Keys that are stored at one moment, and the tick in which each of them ends.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 6;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Keys that are stored together.
    pub keys: u8,
    /// Ticks over which their ends are spread.
    pub spread_ticks: u8,
    /// Loads at once that the database can bear.
    pub burst_max: u8,
    /// How the ends are spread.
    pub spread: Spread,
}

/// How ends are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// One time to live for all keys: no spread.
    OneTtl,
    /// A draw for each key.
    Drawn,
    /// A turn for each key: it ends a tick later than the one before.
    InTurn,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// The next key is stored, and a tick is drawn in which it will end.
    Store {
        /// The tick in which it ends, 0-based.
        tick: u8,
    },
}

/// Keys stored so far, by the tick in which they end.
///
/// Invariants: there are no more keys than the model has, and none beyond the ticks over which they are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Number of keys that end in each tick, 0-based.
    pub ends: [u8; KEYS_MAX],
}

impl State {
    fn stored(&self) -> u8 {
        self.ends.iter().sum()
    }

    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Expiry) -> bool {
        let ticks = match model.spread {
            Spread::OneTtl => 1,
            Spread::Drawn | Spread::InTurn => usize::from(model.spread_ticks),
        };
        self.stored() <= model.keys && self.ends.iter().skip(ticks).all(|keys| *keys == 0)
    }
}

impl Model for Expiry {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let stored = state.stored();
        if stored < self.keys {
            match self.spread {
                Spread::OneTtl => actions.push(Action::Store { tick: 0 }),
                Spread::Drawn => actions.extend((0..self.spread_ticks).map(|tick| Action::Store { tick })),
                Spread::InTurn => actions.push(Action::Store { tick: stored % self.spread_ticks }),
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = *before;
        match action {
            Action::Store { tick } => after.ends[usize::from(tick)] += 1,
        }
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}

impl Expiry {
    /// Whether more end in one tick than the database can bear.
    pub fn bursts(&self, state: &State) -> bool {
        state.ends.iter().any(|keys| *keys > self.burst_max)
    }
}
