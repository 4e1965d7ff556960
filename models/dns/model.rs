//! Sub-model *cache*: clients, one to three caches above one another, and an authority whose zone changes.
//!
//! The zone has a name `n` and may have a name `x.n` below it, which never exists. Three questions can be asked: `n A`,
//! `n AAAA` and `x.n A`. Where `n` exists it has an address and no IPv6 address; where it does not, nothing below it
//! does. To read at the authority and to deliver what was read are two steps: the zone can change between them.
//!
//! Times are what is left: there is no clock but the step *tick*. What is *due* is what the authority would say is left;
//! a cache never looks at it.

use serde::Serialize;
use stateright::{Model, Property};

pub use super::deviations::Variant;
use super::properties;

/// Questions, and where the denial of `n` is kept.
pub const QUESTIONS: usize = 3;

/// Where a cache keeps that `n` does not exist.
pub const DENIED: usize = QUESTIONS;

/// Most clients.
pub const CLIENTS_MAX: usize = 2;

/// Most caches above one another.
pub const LAYERS_MAX: usize = 3;

/// What is due is not counted further back than this.
const OVERDUE_MAX: i8 = 12;

/// What has ended is not counted further back than this.
const ENDED_MAX: i8 = 4;

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// How many of the questions are asked.
    pub questions: u8,
    /// Clients, each at one question at a time.
    pub clients: u8,
    /// Caches, the clients' own first.
    pub layers: u8,
    /// The zone by its version; each change goes on to the next.
    pub zone: Vec<Content>,
    /// What denials carry. `None`: no SOA.
    pub soa: Option<Soa>,
    /// What a TTL is cut down to.
    pub ttl_max: u8,
    /// Whether what has 0 ticks left is told.
    pub serve_at_zero: bool,
    /// Ticks for which a failure is remembered.
    pub failure_ttl: u8,
    /// After how long a question has failed.
    pub timeout: u8,
    /// Whether and when what has ended is told.
    pub stale: Option<Stale>,
    /// Whether answers can come cut short.
    pub truncates: bool,
    /// Whether the authority can fail.
    pub fails: bool,
    /// Times that the wall clock is set back by a tick.
    pub setbacks_max: u8,
    /// Whether time stands still while a question is under way: for what is driven by timers of its own.
    pub answers_at_once: bool,
    /// What it does otherwise than it should.
    pub variants: Vec<Variant>,
}

/// The zone, as far as questions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Content {
    /// `n` has an address.
    Has {
        /// The address's TTL.
        ttl: u8,
    },
    /// There is no `n`.
    Absent,
}

/// What a denial carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Soa {
    /// The record's own TTL.
    pub ttl: u8,
    /// What it says.
    pub minimum: u8,
}

/// Serve-stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Stale {
    /// Ticks after its end for which it is told. `None`: for ever.
    pub max: Option<u8>,
    /// How long a client waits for something better.
    pub client_timer: u8,
    /// Ticks for which nobody asks again after asking has failed.
    pub retry: u8,
    /// What a client is told it may keep it for.
    pub ttl: u8,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks.
    Query {
        /// 0-based.
        client: u8,
        /// 0: `n A`, 1: `n AAAA`, 2: `x.n A`.
        question: u8,
    },
    /// What a cache has asked for is read: at the cache above, or at the authority.
    Read {
        /// The cache that has asked.
        layer: u8,
        /// What.
        question: u8,
        /// What comes of it.
        how: How,
    },
    /// The answer arrives; if nobody waits for it, one that nobody asked for.
    Deliver {
        /// The cache that has asked.
        layer: u8,
        /// What was asked.
        question: u8,
    },
    /// The zone changes.
    Change,
    /// Time passes.
    Tick,
    /// The wall clock is set back by a tick.
    SetBack,
}

/// What comes of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum How {
    /// The answer.
    Whole,
    /// A part of it.
    Truncated,
    /// Nothing: the server fails.
    Fails,
}

/// A configuration.
///
/// Invariants: caches and clients beyond the model's are as they began. What a client waits for is under way in its own
/// cache; what a cache has handed on is under way in the one above. Where the denial of `n` is kept there is nothing
/// else. Without [`Variant::IgnoresCap`] nothing lives longer than the bound, but for the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The zone's version.
    pub version: u8,
    /// The caches.
    pub layers: [Layer; LAYERS_MAX],
    /// What each client waits for.
    pub clients: [Option<u8>; CLIENTS_MAX],
    /// Times that the wall clock was set back.
    pub setbacks: u8,
    /// What the last step has shown.
    pub seen: Seen,
}

/// A cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layer {
    /// What is held by question, and last that `n` does not exist.
    pub held: [Option<Held>; QUESTIONS + 1],
    /// Ticks for which each question is not asked again.
    pub failed: [u8; QUESTIONS],
    /// Questions under way.
    pub fetches: [Option<Fetch>; QUESTIONS],
    /// Ticks that the zone's SOA record lives, of a cache with [`Variant::SharesSoa`].
    pub soa_left: Option<i8>,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// What it says.
    pub kind: Kind,
    /// The version of the zone that it is of.
    pub version: u8,
    /// Ticks that it lives. Negative: it has ended so long ago.
    pub left: i8,
    /// What the authority would say is left.
    pub due: i8,
    /// It is a part of an answer.
    pub partial: bool,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// An address.
    Address,
    /// None of that type.
    NoData,
    /// There is no such name.
    NxDomain,
    /// It could not be found out.
    Failure,
}

/// A question under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// Ticks since it was asked.
    pub age: u8,
    /// Where it is.
    pub phase: Phase,
}

/// Where a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// On its way.
    Asked {
        /// Whether it went over TCP, the answer being too long otherwise.
        over_tcp: bool,
    },
    /// The cache above has it, and asks in turn.
    Above,
    /// Its answer is on its way.
    Replied(Reply),
}

/// An answer on its way, or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// What it says.
    pub kind: Kind,
    /// The version of the zone that it is of.
    pub version: u8,
    /// How long it may be kept. `None`: it does not say.
    pub ttl: Option<u8>,
    /// What the authority would say.
    pub due: i8,
    /// It is a part.
    pub partial: bool,
}

/// What was seen to happen, in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// A client was told what the authority no longer says.
    pub outdated: bool,
    /// A client was told what has ended, and that it has.
    pub stale: bool,
    /// A client was told something from a cache, in time.
    pub hit: bool,
    /// A client was told what had ended so many ticks before, as if it lived.
    pub overdue: u8,
    /// Something else is wrong.
    pub breach: Option<Breach>,
}

/// What should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Breach {
    /// A client was told what had ended by the cache's own reckoning.
    ToldEnded,
    /// A client was told stale data though nothing had failed and it had not waited.
    ToldStaleAtOnce,
    /// A client was told that it may keep stale data for another time than it should.
    ToldStaleTtl,
    /// A client was told what was so in no version of the zone.
    ToldUntrue,
    /// What had just failed was asked for.
    AskedFailed,
    /// A name was asked for that is known not to exist, or is below one.
    AskedDenied,
    /// A denial that may not be kept has driven out what was known.
    DroppedForNothing,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// How many questions went upstream.
    pub asked: u8,
    /// One of them over TCP.
    pub over_tcp: bool,
    /// What each client was told: its kind, the version of an address, the TTL.
    pub clients: [Option<(Kind, u8, u8)>; CLIENTS_MAX],
}

impl Cache {
    /// One name, one cache, two clients, one change.
    pub fn small() -> Self {
        Cache {
            questions: 1,
            clients: 2,
            layers: 1,
            zone: vec![Content::Has { ttl: 2 }, Content::Absent, Content::Has { ttl: 3 }],
            soa: Some(Soa { ttl: 2, minimum: 1 }),
            ttl_max: 3,
            serve_at_zero: false,
            failure_ttl: 1,
            timeout: 2,
            stale: None,
            truncates: false,
            fails: true,
            setbacks_max: 0,
            answers_at_once: false,
            variants: Vec::new(),
        }
    }

    /// The same with a defect more.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variants.push(variant);
        self
    }

    /// Whether it has the defect.
    pub fn has(&self, variant: Variant) -> bool {
        self.variants.contains(&variant)
    }

    /// What was so of `question` in `version`.
    pub fn truth(&self, version: u8, question: u8) -> Kind {
        match (self.zone[usize::from(version)], question) {
            (Content::Has { .. }, 0) => Kind::Address,
            (Content::Has { .. }, 1) => Kind::NoData,
            (Content::Has { .. } | Content::Absent, _) => Kind::NxDomain,
        }
    }

    /// What the authority says.
    pub(super) fn authority(&self, version: u8, question: u8, how: How) -> Reply {
        let kind = if how == How::Fails { Kind::Failure } else { self.truth(version, question) };
        let due = match (kind, self.zone[usize::from(version)], self.soa) {
            (Kind::Failure, _, _) => None,
            (Kind::Address, Content::Has { ttl }, _) => Some(ttl),
            (_, _, soa) => soa.map(|soa| soa.ttl.min(soa.minimum)),
        };
        let ttl = match (kind, self.soa) {
            (Kind::NoData | Kind::NxDomain, Some(soa)) if self.takes_soa_ttl_alone() => Some(soa.ttl),
            (Kind::NoData | Kind::NxDomain, None) if self.keeps_denial_without_soa() => Some(0),
            _ => due,
        };
        let due = due.unwrap_or(0).cast_signed();
        Reply { kind, version, ttl, due, partial: how == How::Truncated }
    }

    /// What a cache tells of what it holds.
    pub(super) fn reply_of(&self, held: &Held) -> Reply {
        let left = held.left.max(0).cast_unsigned();
        let ttl = match self.zone[usize::from(held.version)] {
            Content::Has { ttl } if self.restarts_ttl() && held.kind == Kind::Address => ttl,
            _ => left,
        };
        Reply { kind: held.kind, version: held.version, ttl: Some(ttl), due: held.due, partial: held.partial }
    }

    /// What a client may be told for lack of better.
    pub(super) fn stale_reply(&self, held: &Held, stale: Stale) -> Reply {
        Reply { ttl: Some(self.stale_ttl(stale)), ..self.reply_of(held) }
    }

    /// Whether what is held lives.
    pub fn lives(&self, held: &Held) -> bool {
        held.left > 0 || held.left == 0 && (self.serve_at_zero || self.serves_one_tick_more())
    }

    pub(super) fn is_kept(&self, held: &Held) -> bool {
        let within = |stale: Stale| stale.max.is_none_or(|max| -held.left <= max.cast_signed());
        self.lives(held) || self.stale.is_some_and(within)
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Cache) -> bool {
        let (layers, beyond) = self.layers.split_at(model.layers.into());
        let under_way =
            |layer: usize, question: usize| layers.get(layer).is_some_and(|of| of.fetches[question].is_some());
        let handed_on = |layer: usize, question: usize| {
            let is_above = |fetch: Fetch| fetch.phase == Phase::Above;
            !layers[layer].fetches[question].is_some_and(is_above) || under_way(layer + 1, question)
        };
        let left_max = if model.has(Variant::IgnoresCap) { u8::MAX } else { model.ttl_max + self.setbacks };
        usize::from(self.version) < model.zone.len()
            && self.setbacks <= model.setbacks_max
            && beyond.iter().all(|layer| *layer == Layer::default())
            && self.clients[model.clients.into()..].iter().all(Option::is_none)
            && self.clients.iter().flatten().all(|question| under_way(0, (*question).into()))
            && (0..layers.len()).all(|layer| (0..QUESTIONS).all(|question| handed_on(layer, question)))
            && layers.iter().filter_map(|layer| layer.held[DENIED]).all(|held| held.kind == Kind::NxDomain)
            && layers
                .iter()
                .flat_map(|layer| layer.held.iter().flatten())
                .all(|held| i16::from(held.left) <= left_max.into())
    }
}

impl Model for Cache {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            version: 0,
            layers: Default::default(),
            clients: [None; CLIENTS_MAX],
            setbacks: 0,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for client in (0..self.clients).filter(|client| state.clients[usize::from(*client)].is_none()) {
            actions.extend((0..self.questions).map(|question| Action::Query { client, question }));
        }
        for layer in 0..self.layers {
            let is_last = layer + 1 == self.layers;
            for question in 0..self.questions {
                let fetch = state.layers[usize::from(layer)].fetches[usize::from(question)];
                let read = |how| Action::Read { layer, question, how };
                match fetch.map(|fetch| fetch.phase) {
                    Some(Phase::Asked { over_tcp }) => {
                        actions.push(read(How::Whole));
                        if is_last && self.truncates && !over_tcp {
                            actions.push(read(How::Truncated));
                        }
                        if is_last && self.fails {
                            actions.push(read(How::Fails));
                        }
                    }
                    Some(Phase::Above) => {}
                    Some(Phase::Replied(_)) | None => actions.push(Action::Deliver { layer, question }),
                }
            }
        }
        if usize::from(state.version) + 1 < self.zone.len() {
            actions.push(Action::Change);
        }
        if state.setbacks < self.setbacks_max {
            actions.push(Action::SetBack);
        }
        let is_asked = state.layers.iter().any(|layer| layer.fetches.iter().any(Option::is_some));
        if !(self.answers_at_once && is_asked) {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before || action == Action::Tick).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Cache {
    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut step = super::steps::Step::new(self, before);
        match action {
            Action::Query { client, question } => step.query(client, question),
            Action::Read { layer, question, how } => step.read(layer, question, how),
            Action::Deliver { layer, question } if step.fetch(layer, question).is_none() => {
                return (before.clone(), Told::default());
            }
            Action::Deliver { layer, question } => step.deliver(layer, question),
            Action::Change => step.state.version += 1,
            Action::Tick => step.tick(),
            Action::SetBack => step.set_back(),
        }
        (step.state, step.told)
    }
}

impl Held {
    /// A tick of life less.
    pub(super) fn age(&mut self) {
        self.left = (self.left - 1).max(-ENDED_MAX);
        self.due = (self.due - 1).max(-OVERDUE_MAX);
    }
}
