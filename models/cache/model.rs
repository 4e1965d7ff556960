//! Sub-model `cache`: what clients, loads and deletes do to one cache, and time.
//!
//! A load is begin → run → end, arbitrarily slow, and its holder may die: the database is whatever lies between the
//! two. A value is known by its *version*, the number of writes that the database has seen; a load reads when it
//! begins, which is the oldest that it can bring back. Draws (the jitter of a time to live, an early refresh) are part
//! of the actions.

use serde::Serialize;
use stateright::{Model, Property};

pub use super::deviations::Variant;
use super::properties;
pub use super::properties::History;

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 4;

/// Most keys that a state has room for.
pub const KEYS_MAX: usize = 2;

/// Cost of loading each key, in whatever unit: costs differ, so that counting misses is not adding costs.
pub const COSTS: [u8; KEYS_MAX] = [3, 1];

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Clients, each at one thing at a time.
    pub clients: u8,
    /// Keys, each of which the cache has room for: what is evicted is the sub-model `eviction`'s.
    pub keys: u8,
    /// Ticks that a value lives at most.
    pub ttl_ticks: u8,
    /// Ticks that jitter may take off a value's life.
    pub jitter_ticks: u8,
    /// Ticks before its end at which an early draw refreshes a value. 0: it is never refreshed early.
    pub early_ticks: u8,
    /// Ticks that a load may take before others may load in its stead.
    pub lease_ticks: u8,
    /// Most loads at once.
    pub loads_max: u8,
    /// Writes to the database that the world brings: a bound of the model.
    pub writes_max: u8,
    /// Whether all keys are written at once, too, and then deleted.
    pub writes_all: bool,
    /// What the cache does otherwise than it should.
    pub variant: Variant,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// An idle client asks for a key.
    Get {
        /// The client, 0-based.
        client: u8,
        /// The key, 0-based.
        key: u8,
        /// The draw for an early refresh.
        draw: Draw,
    },
    /// A client waits until the load that it has joined has ended.
    Wait {
        /// The client, 0-based.
        client: u8,
    },
    /// A client's load ends.
    EndLoad {
        /// The client, 0-based.
        client: u8,
        /// How it ends.
        ending: Ending,
    },
    /// A client that loads dies without a word.
    Die {
        /// The client, 0-based.
        client: u8,
    },
    /// A key is written to the database, and then to the cache.
    Insert {
        /// The key, 0-based.
        key: u8,
    },
    /// A key is written to the database, and then deleted from the cache.
    Invalidate {
        /// The key, 0-based.
        key: u8,
    },
    /// All keys are written to the database, and then everything is deleted from the cache.
    InvalidateAll,
    /// Time passes.
    Tick,
}

/// The draw for an early refresh: each outcome has a probability, and any is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Draw {
    /// No value is refreshed before its end.
    Late,
    /// A value that ends soon is refreshed now.
    Early,
}

/// How a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Ending {
    /// The load brings a value.
    Value {
        /// Ticks that are drawn to be taken off its time to live.
        jitter_ticks: u8,
    },
    /// The load ends with an error.
    Error,
    /// The load is given up.
    Cancelled,
}

/// A configuration.
///
/// Invariants, whatever the variant: clients and keys beyond the model's are untouched; no value is of a version that
/// the database has not seen; whoever waits waits for a client that holds a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Number of writes to the database, of each key.
    pub versions: [u8; KEYS_MAX],
    /// The cached value of each key.
    pub cached: [Option<Cached>; KEYS_MAX],
    /// What each client does.
    pub clients: [Client; CLIENTS_MAX],
    /// History variables.
    pub history: History,
}

/// A value in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Cached {
    /// The value's version.
    pub version: u8,
    /// Ticks until its life ends.
    pub ticks_left: u8,
}

/// What a client does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Client {
    /// The client does nothing.
    #[default]
    Idle,
    /// The client loads a key.
    Leading {
        /// The key.
        key: u8,
        /// The version when the load began.
        version: u8,
        /// Ticks left of its lease; 0 where it has expired.
        ticks_left: u8,
    },
    /// The client was loading, and has died. Its lease goes on.
    Dead {
        /// The key.
        key: u8,
        /// The version when the load began.
        version: u8,
        /// Ticks left of its lease.
        ticks_left: u8,
    },
    /// The client has joined a load.
    Waiting {
        /// The client that loads.
        leader: u8,
    },
    /// The load that it has joined has ended, and it does not know yet.
    Told {
        /// The value's version; `None` where the load failed, was given up, or its lease expired.
        version: Option<u8>,
    },
    /// The client has joined a load of which it will never hear.
    Stranded,
}

impl Cache {
    /// One key and three clients, the smallest that shows what can go wrong.
    pub fn small() -> Self {
        Cache {
            clients: 3,
            keys: 1,
            ttl_ticks: 3,
            jitter_ticks: 0,
            early_ticks: 0,
            lease_ticks: 2,
            loads_max: 2,
            writes_max: 2,
            writes_all: false,
            variant: Variant::Sound,
        }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Cache { variant, ..self }
    }
}

impl Model for Cache {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            versions: [0; KEYS_MAX],
            cached: [None; KEYS_MAX],
            clients: [Client::Idle; CLIENTS_MAX],
            history: History::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for client in 0..self.clients {
            let at = state.clients[usize::from(client)];
            for key in (0..self.keys).filter(|_| at == Client::Idle) {
                actions.push(Action::Get { client, key, draw: Draw::Late });
                if self.early_ticks > 0 {
                    actions.push(Action::Get { client, key, draw: Draw::Early });
                }
            }
            if let Client::Dead { .. } = at {
                continue;
            }
            actions.push(Action::Wait { client });
            let value = (0..=self.jitter_ticks).map(|jitter_ticks| Ending::Value { jitter_ticks });
            for ending in value.chain([Ending::Error, Ending::Cancelled]) {
                actions.push(Action::EndLoad { client, ending });
            }
            if matches!(at, Client::Leading { ticks_left: 1.., .. }) {
                actions.push(Action::Die { client });
            }
        }
        if self.may_write(state, 1) {
            for key in 0..self.keys {
                actions.extend([Action::Insert { key }, Action::Invalidate { key }]);
            }
        }
        if self.writes_all && self.may_write(state, self.keys) {
            actions.push(Action::InvalidateAll);
        }
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        let changed = match action {
            Action::Get { client, key, draw } => self.get(&mut after, client, key, draw) || after != *before,
            Action::Wait { client } => match after.clients[usize::from(client)] {
                Client::Told { .. } => {
                    after.clients[usize::from(client)] = Client::Idle;
                    true
                }
                Client::Idle
                | Client::Leading { .. }
                | Client::Dead { .. }
                | Client::Waiting { .. }
                | Client::Stranded => false,
            },
            Action::EndLoad { client, ending } => self.end_load(&mut after, client, ending),
            Action::Die { client } => {
                let at = &mut after.clients[usize::from(client)];
                if let Client::Leading { key, version, ticks_left } = *at {
                    *at = Client::Dead { key, version, ticks_left };
                }
                true
            }
            Action::Insert { key } => {
                self.write(&mut after, key, Some(Cached { version: 0, ticks_left: self.ttl_ticks }))
            }
            Action::Invalidate { key } => self.write(&mut after, key, None),
            Action::InvalidateAll => {
                self.may_write(before, self.keys) && (0..self.keys).all(|key| self.write(&mut after, key, None))
            }
            Action::Tick => {
                self.tick(&mut after);
                true
            }
        };
        assert!(after.is_consistent(self), "{after:?}");
        changed.then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}

/// The rules, each as it should be; where a variant deviates, a hook of `deviations.rs` says so.
impl Cache {
    pub(super) fn clients_of<'a>(&self, state: &'a State) -> &'a [Client] {
        &state.clients[..usize::from(self.clients)]
    }

    /// Number of loads whose lease has not expired.
    pub fn loads(&self, state: &State) -> u8 {
        self.clients_of(state).iter().filter(|client| client.lease().is_some()).count() as u8
    }

    /// The client that holds the lease of `key`, where one does and it is not voided.
    fn leader(&self, state: &State, key: u8) -> Option<u8> {
        let current = state.versions[usize::from(key)];
        let joinable = |client: &Client| {
            client.lease().is_some_and(|(of, version)| of == key && (version == current || self.joins_voided_load()))
        };
        self.clients_of(state).iter().position(joinable).map(|index| index as u8)
    }

    /// What an operation finds in the cache.
    pub fn found(&self, state: &State, key: u8) -> Option<Cached> {
        let served = |cached: &Cached| cached.ticks_left > 0 || self.serves_expired();
        state.cached[usize::from(key)].filter(served)
    }

    fn get(&self, state: &mut State, client: u8, key: u8, draw: Draw) -> bool {
        let found = self.found(state, key);
        let early = draw == Draw::Early && found.is_some_and(|cached| cached.ticks_left <= self.early_ticks);
        state.history.served_expired |= found.is_some_and(|cached| cached.ticks_left == 0);
        let leader = self.leader(state, key);
        let may_load = self.loads(state) < self.loads_max || self.loads_beyond_bound();
        let version = state.versions[usize::from(key)];
        let lead = Client::Leading { key, version, ticks_left: self.lease_ticks };
        let becomes = match (found, leader) {
            (Some(_), None) if early && may_load => lead,
            (Some(_), Some(_)) if early && may_load && self.refreshes_in_herds() => lead,
            (Some(_), _) => Client::Idle,
            (None, Some(leader)) if !self.loads_at_every_miss() => {
                let of = state.clients[usize::from(leader)].lease();
                state.history.joined_voided |= of.is_some_and(|(_, begun)| begun < version);
                Client::Waiting { leader }
            }
            (None, _) if may_load => lead,
            (None, _) => Client::Idle,
        };
        state.clients[usize::from(client)] = becomes;
        becomes != Client::Idle
    }

    fn end_load(&self, state: &mut State, client: u8, ending: Ending) -> bool {
        let Client::Leading { key, version, ticks_left } = state.clients[usize::from(client)] else { return false };
        state.clients[usize::from(client)] = Client::Idle;
        // What was loaded has cost what it costs, whatever becomes of it.
        state.history.miscounted |= self.charged(key, ending) != charge(key, ending);
        match ending {
            Ending::Value { jitter_ticks } => {
                let voided = version < state.versions[usize::from(key)];
                if self.stores(voided, ticks_left == 0) {
                    let ticks_left = self.ttl_ticks - jitter_ticks;
                    state.cached[usize::from(key)] = Some(Cached { version, ticks_left });
                }
                tell(state, client, Client::Told { version: Some(version) });
            }
            Ending::Error | Ending::Cancelled => tell(state, client, self.told_of_failure()),
        }
        true
    }

    /// Whether the world brings `more` writes.
    fn may_write(&self, state: &State, more: u8) -> bool {
        state.versions.iter().sum::<u8>() + more <= self.writes_max
    }

    fn write(&self, state: &mut State, key: u8, cached: Option<Cached>) -> bool {
        if !self.may_write(state, 1) {
            return false;
        }
        if self.strands_joiners_on_delete()
            && let Some(leader) = self.leader(state, key)
        {
            tell(state, leader, Client::Stranded);
        }
        state.versions[usize::from(key)] += 1;
        let version = state.versions[usize::from(key)];
        state.cached[usize::from(key)] = cached.map(|cached| Cached { version, ..cached });
        true
    }

    fn tick(&self, state: &mut State) {
        for cached in &mut state.cached {
            *cached = match *cached {
                Some(Cached { ticks_left: 0, .. }) | None => None,
                Some(Cached { ticks_left: 1, .. }) if !self.serves_expired() => None,
                Some(Cached { version, ticks_left }) => Some(Cached { version, ticks_left: ticks_left - 1 }),
            };
        }
        if self.lease_never_expires() {
            return;
        }
        for index in 0..self.clients {
            let client = &mut state.clients[usize::from(index)];
            let expired = match client {
                Client::Leading { ticks_left, .. } if *ticks_left > 0 => {
                    *ticks_left -= 1;
                    *ticks_left == 0
                }
                Client::Dead { ticks_left: 1, .. } => {
                    *client = Client::Idle;
                    true
                }
                Client::Dead { ticks_left, .. } => {
                    *ticks_left -= 1;
                    false
                }
                Client::Idle
                | Client::Leading { .. }
                | Client::Waiting { .. }
                | Client::Told { .. }
                | Client::Stranded => false,
            };
            if expired {
                tell(state, index, Client::Told { version: None });
            }
        }
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Cache) -> bool {
        let untouched = self.clients[usize::from(model.clients)..].iter().all(|client| *client == Client::Idle)
            && self.cached[usize::from(model.keys)..].iter().all(Option::is_none);
        let known =
            self.cached.iter().zip(self.versions).all(|(cached, now)| cached.is_none_or(|one| one.version <= now));
        let led = self.clients.iter().all(|client| match client {
            Client::Waiting { leader } => self.clients[usize::from(*leader)].lease().is_some(),
            _ => true,
        });
        untouched && known && led
    }
}

impl Client {
    /// The key and the version that are loaded under a lease that has not expired.
    pub fn lease(&self) -> Option<(u8, u8)> {
        match *self {
            Client::Leading { key, version, ticks_left } | Client::Dead { key, version, ticks_left } => {
                (ticks_left > 0).then_some((key, version))
            }
            Client::Idle | Client::Waiting { .. } | Client::Told { .. } | Client::Stranded => None,
        }
    }
}

/// Cost of a load of `key` that ends so. A load that is given up has no cost that anybody could state.
pub(super) fn charge(key: u8, ending: Ending) -> u8 {
    match ending {
        Ending::Value { .. } | Ending::Error => COSTS[usize::from(key)],
        Ending::Cancelled => 0,
    }
}

/// Makes those who wait for `leader` become `told`.
fn tell(state: &mut State, leader: u8, told: Client) {
    for client in &mut state.clients {
        if *client == (Client::Waiting { leader }) {
            *client = told;
        }
    }
}
