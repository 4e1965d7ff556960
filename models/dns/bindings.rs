//! Our cache, bound: one to three of them above one another, and an authority. A tick is a second.

use std::net::Ipv4Addr;

use counterpart::Counterpart;

use super::conformance::{CacheInterface, Kept, QUESTION_NAMES};
use super::implementation::{
    Answer, Code, Config, Core, Data, Denial, Effect, Fact, Name, Question, Record, Response, Soa, Stale, Type,
};
use super::model::{Action, CLIENTS_MAX, Cache, Content, How, Kind, LAYERS_MAX, QUESTIONS, Told};

/// A tick, in milliseconds.
pub const TICK_MS: u64 = 1_000;

/// Later than anything that a cache may remember.
const START_MS: u64 = 1_000_000;

/// Who asks a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A client.
    Client(u8),
    /// The cache below.
    Below,
}

/// Where a cache's question is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Flight {
    #[default]
    Idle,
    Asked,
    Above,
    Replied(Response),
}

/// Caches above one another, and the authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    model: Zone,
    layers: Vec<Core<Asker>>,
    flights: [[Flight; QUESTIONS]; LAYERS_MAX],
    version: u8,
    now_ms: u64,
}

/// What the authority has, by version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Zone {
    contents: Vec<Content>,
    questions: u8,
    soa: Option<super::model::Soa>,
}

/// Question number `question`.
///
/// # Panics
/// There are only three.
pub fn question(question: u8) -> Question {
    let (name, kind) = QUESTION_NAMES[usize::from(question)].split_once(' ').expect("a name and a type");
    let kind = if kind == "A" { Type::A } else { Type::AAAA };
    Question { name: name.parse::<Name>().expect("a name"), kind }
}

/// An address that says which version of the zone it is of.
fn address(version: u8, ttl: u8) -> Vec<Record> {
    let data = Data::A(Ipv4Addr::new(192, 0, 2, version));
    vec![Record { name: question(0).name, ttl_s: ttl.into(), data }]
}

fn denial(soa: super::model::Soa) -> Denial {
    let soa_data = Soa { minimum_s: soa.minimum.into(), ..Soa::default() };
    Denial { zone: Name::root(), ttl_s: soa.ttl.into(), soa: soa_data }
}

impl Zone {
    fn answer(&self, version: u8, question: u8, how: How) -> Response {
        let denied = self.soa.map(denial);
        match (how, self.contents[usize::from(version)], question) {
            (How::Fails, _, _) => Response::Failure,
            (How::Truncated, _, _) => Response::Truncated,
            (How::Whole, Content::Has { ttl }, 0) => Response::Records(address(version, ttl)),
            (How::Whole, Content::Has { .. }, 1) => Response::NoData(denied),
            (How::Whole, _, _) => Response::NxDomain(denied),
        }
    }
}

/// The configuration that `model` speaks of.
fn config(model: &Cache) -> Config {
    let ms = |ticks: u8| u64::from(ticks) * TICK_MS;
    let stale = model.stale.map(|stale| Stale {
        keep_ms: stale.max.map_or(u64::MAX, ms),
        client_timer_ms: ms(stale.client_timer),
        retry_ms: ms(stale.retry),
        ttl_s: stale.ttl.into(),
    });
    Config {
        ttl_s_max: model.ttl_max.into(),
        serve_at_zero: model.serve_at_zero,
        failure_ttl_ms: ms(model.failure_ttl),
        timeout_ms: ms(model.timeout),
        stale,
        ..Config::default()
    }
}

/// What an answer says, as the model has it.
fn kind(answer: &Answer) -> (Kind, u8) {
    match (answer.code, answer.records.first()) {
        (Code::ServFail, _) => (Kind::Failure, 0),
        (Code::NxDomain, _) => (Kind::NxDomain, 0),
        (Code::NoError, None) => (Kind::NoData, 0),
        (Code::NoError, Some(Record { data: Data::A(address), .. })) => (Kind::Address, address.octets()[3]),
        (Code::NoError, Some(_)) => (Kind::Address, u8::MAX),
    }
}

/// What one cache tells another: TTLs are what is left.
fn passed_on(answer: &Answer) -> Response {
    let left = u8::try_from(answer.ttl_s).unwrap_or(u8::MAX);
    let denial = || Some(denial(super::model::Soa { ttl: left, minimum: left }));
    match kind(answer) {
        (Kind::Address, version) => Response::Records(address(version, left)),
        (Kind::NoData, _) => Response::NoData(denial()),
        (Kind::NxDomain, _) => Response::NxDomain(denial()),
        (Kind::Failure, _) => Response::Failure,
    }
}

impl Bound {
    /// The caches as `model` begins.
    ///
    /// # Panics
    /// If its times make no configuration.
    pub fn new(model: &Cache) -> Self {
        let core = Core::new(config(model)).expect("a configuration");
        Bound {
            model: Zone { contents: model.zone.clone(), questions: model.questions, soa: model.soa },
            layers: vec![core; model.layers.into()],
            flights: Default::default(),
            version: 0,
            now_ms: START_MS,
        }
    }

    /// Does what the cache at `layer` wants done.
    fn act(&mut self, layer: usize, effects: Vec<Effect<Asker>>, told: &mut Told) {
        for effect in effects {
            match effect {
                Effect::Ask { question, over_tcp } => {
                    self.flights[layer][number(&question)] = Flight::Asked;
                    told.asked += 1;
                    told.over_tcp |= over_tcp;
                }
                Effect::Tell { client: Asker::Client(client), answer, .. } => {
                    let (kind, version) = kind(&answer);
                    let ttl = u8::try_from(answer.ttl_s).unwrap_or(u8::MAX);
                    told.clients[usize::from(client)] = Some((kind, version, ttl));
                }
                Effect::Tell { client: Asker::Below, question, answer } => {
                    let below = &mut self.flights[layer - 1][number(&question)];
                    if *below == Flight::Above {
                        *below = Flight::Replied(passed_on(&answer));
                    }
                }
            }
        }
    }

    fn read(&mut self, layer: usize, asked: u8, how: How, told: &mut Told) {
        if layer + 1 == self.layers.len() {
            let answer = self.model.answer(self.version, asked, how);
            self.flights[layer][usize::from(asked)] = Flight::Replied(answer);
            return;
        }
        self.flights[layer][usize::from(asked)] = Flight::Above;
        let effects = self.layers[layer + 1].query(Asker::Below, question(asked), self.now_ms);
        self.act(layer + 1, effects, told);
    }
}

fn number(asked: &Question) -> usize {
    (0..QUESTIONS).find(|number| question(*number as u8) == *asked).unwrap_or(0)
}

impl Counterpart<CacheInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Query { client, question: asked } => {
                let effects = self.layers[0].query(Asker::Client(client), question(asked), self.now_ms);
                self.act(0, effects, &mut told);
            }
            Action::Read { layer, question, how } => self.read(layer.into(), question, how, &mut told),
            Action::Deliver { layer, question: asked } => {
                let layer = usize::from(layer);
                // Nobody has asked for it: an address, for long.
                let unasked = || Response::Records(address(0, 3));
                let response = match std::mem::take(&mut self.flights[layer][usize::from(asked)]) {
                    Flight::Replied(response) => response,
                    Flight::Idle | Flight::Asked | Flight::Above => unasked(),
                };
                let effects = self.layers[layer].on_response(&question(asked), response, self.now_ms);
                self.act(layer, effects, &mut told);
            }
            Action::Change => self.version += 1,
            Action::Tick => {
                self.now_ms += TICK_MS;
                for layer in 0..self.layers.len() {
                    let effects = self.layers[layer].tick(self.now_ms);
                    self.act(layer, effects, &mut told);
                }
            }
            // The cache is told of a clock that never goes back.
            Action::SetBack => {}
        }
        told
    }

    fn observe(&self) -> Option<Kept> {
        let mut kept = Kept::default();
        for (core, seen) in self.layers.iter().zip(&mut kept.0) {
            for asked in 0..self.model.questions {
                let peeked = core.peek(&question(asked), self.now_ms);
                seen[usize::from(asked)] = peeked.map(|(fact, ttl_s)| {
                    let kind = match fact {
                        Fact::Records(_) => Kind::Address,
                        Fact::NoData(_) | Fact::Dangling { exists: true, .. } => Kind::NoData,
                        Fact::NxDomain(_) | Fact::Dangling { exists: false, .. } => Kind::NxDomain,
                    };
                    (kind, u8::try_from(ttl_s).unwrap_or(u8::MAX))
                });
            }
        }
        Some(kept)
    }

    fn canonical(&mut self) {
        let by_ms = self.now_ms - START_MS;
        self.layers.iter_mut().for_each(|core| core.rebase(by_ms));
        self.now_ms = START_MS;
    }
}

const _: () = assert!(CLIENTS_MAX < 256 && LAYERS_MAX < 256);
