//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, COSTS, Cache, Client, Draw, Ending, KEYS_MAX, State};
use super::properties::{self, ALL_IDLE, TOLD};

/// A tick of the model, as a cache under test sees it.
pub const TICK_MS: u64 = 1_000;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheSpec;

impl Spec for CacheSpec {
    type Model = Cache;

    fn temporal(&self) -> Vec<Temporal<Cache>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Cache, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Cache, _: &State, action: &Action) -> bool {
        *action == Action::Tick
    }

    fn parameters(&self, model: &Cache) -> BTreeMap<String, String> {
        let all = model.writes_all.then(|| ("all at once", "written too".to_string()));
        [
            ("clients", model.clients.to_string()),
            ("keys", model.keys.to_string()),
            ("time to live", format!("{} ticks", model.ttl_ticks)),
            ("jitter", format!("{} ticks", model.jitter_ticks)),
            ("early refresh", format!("{} ticks", model.early_ticks)),
            ("lease", format!("{} ticks", model.lease_ticks)),
            ("loads at once", model.loads_max.to_string()),
            ("writes", model.writes_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .chain(all)
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Get { client, .. }
            | Action::Wait { client }
            | Action::EndLoad { client, .. }
            | Action::Die { client } => format!("client {client}"),
            Action::Insert { .. } | Action::Invalidate { .. } | Action::InvalidateAll => "writer".into(),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Cache, state: &State) -> Value {
        let keys = usize::from(model.keys);
        let cached = state.cached[..keys].iter().map(|cached| match cached {
            None => "nothing".to_string(),
            Some(cached) => format!("version {} for {} ticks", cached.version, cached.ticks_left),
        });
        let client = |client: &Client| match client {
            Client::Idle => "idle".to_string(),
            Client::Leading { key, version, ticks_left: 0 } => {
                format!("loads {key}, version {version}, its lease expired")
            }
            Client::Leading { key, version, ticks_left } => {
                format!("loads {key}, version {version}, on a lease of {ticks_left}")
            }
            Client::Dead { key, ticks_left, .. } => format!("dead, with the lease of {key} for {ticks_left}"),
            Client::Waiting { leader } => format!("waits for client {leader}"),
            Client::Told { version: Some(version) } => format!("told version {version}"),
            Client::Told { version: None } => "told of a failure".into(),
            Client::Stranded => "waits for nobody".into(),
        };
        let history = [
            (state.history.joined_voided, "joined a voided load"),
            (state.history.miscounted, "charged otherwise than the cost"),
            (state.history.served_expired, "served after its end"),
        ];
        json!({
            "database": itf_state(&&state.versions[..keys]),
            "cached": cached.collect::<Vec<_>>().join("; "),
            "clients": itf_state(&state.clients[..usize::from(model.clients)].iter().map(client).collect::<Vec<_>>()),
            "history": history.iter().filter(|(breach, _)| *breach).map(|(_, what)| *what).collect::<Vec<_>>().join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (
        "one load at most that may store a key",
        "everybody who misses goes to the database: when a hot key expires that is everybody at once",
    ),
    (
        "what is cached is what the database has",
        "the load read the database before the write, and its result is stored after the delete: the old value stays \
         cached as if nothing had been written",
    ),
    (
        "no more loads than the database is to bear",
        "the bound is what keeps the database answering; whoever loads beyond it makes all others late",
    ),
    (
        "nobody joins a load that a delete has voided",
        "whoever asks after a write must not be told what was there before it",
    ),
    (
        "no value is served after its end",
        "the time to live is how long a value may be wrong; it is served longer than that",
    ),
    (
        "the ledger is the sum of the costs",
        "a miss is charged as a miss, whatever it has cost: that is the ratio over again, and not the load",
    ),
    (TOLD, "the load that it waits for is over, and nobody will ever tell it"),
    (ALL_IDLE, "a client waits for a load that is over, and nothing ends that"),
];

/// What the outside sees of the cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheInterface;

/// What a client, a writer or the clock gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The value is cached.
    Hit {
        /// The value's version.
        version: u8,
    },
    /// The value is cached, and is to be loaded anew.
    HitAndLeads {
        /// The value's version.
        version: u8,
    },
    /// The client is to load the value.
    Leads,
    /// Somebody else loads the value.
    Joins,
    /// Nobody loads the value, and nobody may.
    Shed,
    /// The load that was waited for has brought a value.
    Value {
        /// The value's version.
        version: u8,
    },
    /// The load that was waited for has brought no value.
    Failed,
    /// A load has ended.
    Ended {
        /// Whether what it brought is cached.
        stored: bool,
        /// Cost that was added to the ledger.
        charged: u8,
    },
    /// There is nothing to say.
    Done,
    /// There is nothing that the client loads, or waits for.
    Nothing,
}

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Version and ticks left, of each key that is cached.
    pub cached: [Option<(u8, u64)>; KEYS_MAX],
    /// Loads under way.
    pub loads: u32,
}

impl Interface for CacheInterface {
    type Model = Cache;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Cache, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match *action {
            Action::Get { client, key, draw: Draw::Late | Draw::Early } => {
                let after = to.unwrap_or(from).clients[usize::from(client)];
                match (model.found(from, key), after) {
                    (Some(found), Client::Leading { .. }) => Answer::HitAndLeads { version: found.version },
                    (Some(found), _) => Answer::Hit { version: found.version },
                    (None, Client::Leading { .. }) => Answer::Leads,
                    (None, Client::Waiting { .. }) => Answer::Joins,
                    (None, _) => Answer::Shed,
                }
            }
            Action::Wait { client } => match from.clients[usize::from(client)] {
                Client::Told { version: Some(version) } => Answer::Value { version },
                Client::Told { version: None } => Answer::Failed,
                Client::Idle | Client::Leading { .. } | Client::Dead { .. } => Answer::Nothing,
                // It goes on waiting.
                Client::Waiting { .. } | Client::Stranded => return None,
            },
            Action::EndLoad { client, ending } => match from.clients[usize::from(client)] {
                Client::Leading { key, version, ticks_left } => {
                    let voided = version < from.versions[usize::from(key)];
                    let stored = matches!(ending, Ending::Value { .. }) && model.stores(voided, ticks_left == 0);
                    Answer::Ended { stored, charged: model.charged(key, ending) }
                }
                Client::Idle
                | Client::Dead { .. }
                | Client::Waiting { .. }
                | Client::Told { .. }
                | Client::Stranded => Answer::Nothing,
            },
            Action::Die { .. }
            | Action::Insert { .. }
            | Action::Invalidate { .. }
            | Action::InvalidateAll
            | Action::Tick => Answer::Done,
        };
        Some((*action, answer))
    }

    fn may_wait(&self, input: &Action) -> bool {
        matches!(input, Action::Wait { .. })
    }

    fn snapshot(&self, model: &Cache, state: &State) -> Option<Seen> {
        let mut cached = [None; KEYS_MAX];
        for (key, seen) in (0..model.keys).zip(&mut cached) {
            *seen = model.found(state, key).map(|found| (found.version, found.ticks_left.into()));
        }
        Some(Seen { cached, loads: model.loads(state).into() })
    }
}

/// What loading `key` costs, as a cache under test is told.
pub fn cost(key: u8) -> u32 {
    COSTS[usize::from(key)].into()
}
