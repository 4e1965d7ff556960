//! Clients that count in a store: each command is a step, and a client can crash between two.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 4;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributed {
    /// Number of clients, each with at most one request under way.
    pub clients: u8,
    /// Most requests in one life of the key.
    pub limit: u8,
    /// Ticks that the key is to live.
    pub window_ticks: u8,
    /// Most clients that crash in the middle of a request; each comes back for another one.
    pub crashes_max: u8,
    /// Commands that are sent for a request.
    pub commands: Commands,
}

/// The commands of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// One script: it increments the key, and gives a new key a time to live.
    Script,
    /// `INCR`, then `EXPIRE … NX`.
    IncrementThenExpireIfNone,
    /// `INCR`, and `EXPIRE` after the first.
    IncrementThenExpire,
    /// `INCR`, then `EXPIRE`, at every request.
    ExpireAtEveryHit,
    /// `GET`, and if there is room the script.
    GetThenIncrement,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client begins a request with its first command.
    Begin {
        /// The client, 0-based.
        client: u8,
    },
    /// A client sends the second command.
    GoOn {
        /// The client, 0-based.
        client: u8,
    },
    /// A client crashes between its commands.
    Crash {
        /// The client, 0-based.
        client: u8,
    },
    /// Time passes.
    Tick,
}

/// A configuration.
///
/// Invariants: only clients of the model are between two commands; no more of them crashed than may; while there is no
/// key nobody has been admitted by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The key in the store.
    pub key: Option<Key>,
    /// Whether each client is between its commands.
    pub between: [bool; CLIENTS_MAX],
    /// Crashes so far.
    pub crashes: u8,
    /// Number of requests let through since the key was new: a history variable.
    pub admitted: u8,
}

/// A key in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Key {
    /// Value of the key; what is beyond the limit by more than one is alike.
    pub count: u8,
    /// Ticks that the key has to live; `None`: it lives for ever.
    pub ttl_ticks: Option<u8>,
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Distributed) -> bool {
        self.crashes <= model.crashes_max
            && !self.between[usize::from(model.clients)..].contains(&true)
            && (self.key.is_some() || self.admitted == 0)
    }
}

impl Distributed {
    /// Counts a hit, as `INCR` does.
    fn increment(&self, state: &mut State) {
        let key = state.key.get_or_insert(Key { count: 0, ttl_ticks: None });
        key.count = (key.count + 1).min(self.limit + 1);
        if key.count <= self.limit {
            state.admitted += 1;
        }
    }

    /// Gives the key a time to live, as `EXPIRE` does; with `NX` only where it has none so far.
    fn expire(&self, state: &mut State, only_if_none: bool) {
        if let Some(key) = state.key.as_mut().filter(|key| !only_if_none || key.ttl_ticks.is_none()) {
            key.ttl_ticks = Some(self.window_ticks);
        }
    }

    /// Whether a request would be let through.
    pub fn has_room(&self, state: &State) -> bool {
        state.key.is_none_or(|key| key.count < self.limit)
    }

    fn begin(&self, state: &mut State, client: u8) {
        let goes_on = match self.commands {
            Commands::Script => {
                self.increment(state);
                self.expire(state, true);
                false
            }
            Commands::IncrementThenExpireIfNone | Commands::ExpireAtEveryHit => {
                self.increment(state);
                true
            }
            Commands::IncrementThenExpire => {
                self.increment(state);
                state.key.is_some_and(|key| key.count == 1)
            }
            Commands::GetThenIncrement => self.has_room(state),
        };
        state.between[usize::from(client)] = goes_on;
    }

    fn go_on(&self, state: &mut State, client: u8) {
        state.between[usize::from(client)] = false;
        match self.commands {
            Commands::Script => {}
            Commands::IncrementThenExpireIfNone => self.expire(state, true),
            Commands::IncrementThenExpire | Commands::ExpireAtEveryHit => self.expire(state, false),
            Commands::GetThenIncrement => {
                // It has seen that there is room, and looks no more.
                let key = state.key.get_or_insert(Key { count: 0, ttl_ticks: Some(self.window_ticks) });
                key.count = (key.count + 1).min(self.limit + 1);
                state.admitted += 1;
            }
        }
    }
}

impl Model for Distributed {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { key: None, between: [false; CLIENTS_MAX], crashes: 0, admitted: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for client in 0..self.clients {
            if state.between[usize::from(client)] {
                actions.push(Action::GoOn { client });
                if state.crashes < self.crashes_max {
                    actions.push(Action::Crash { client });
                }
            } else {
                actions.push(Action::Begin { client });
            }
        }
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Begin { client } => self.begin(&mut after, client),
            Action::GoOn { client } => self.go_on(&mut after, client),
            Action::Crash { client } => {
                after.between[usize::from(client)] = false;
                after.crashes += 1;
            }
            Action::Tick => {
                if let Some(ttl_ticks) = after.key.as_mut().and_then(|key| key.ttl_ticks.as_mut()) {
                    *ttl_ticks -= 1;
                    if *ttl_ticks == 0 {
                        after.key = None;
                        after.admitted = 0;
                    }
                }
            }
        }
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties(self)
    }
}
