//! A published cache, unchanged, driven through the same model.
//!
//! `ResponseCache` keeps answers and no more: which questions are on their way, and when one has failed, is kept here.
//! It is told the time, but the cache inside it also reads the clock itself; with a base ten years ahead that one never
//! finds anything to have ended.

use std::time::{Duration, Instant};

use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};
use hickory_resolver::config::ResolverOpts;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{ResponseCache, TtlConfig};

use super::check;
use super::conformance::{CacheInterface, Kept, QUESTION_NAMES};
use super::defects::{denials, without_soa};
use super::model::{Action, Cache, Content, How, Kind, QUESTIONS, Soa, Told, Variant};

const HICKORY: &str = "hickory-resolver 0.26.3";

/// A time beyond what any clock will show while this runs.
const AHEAD: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What is told: its kind, the version of an address, the TTL.
type Answer = (Kind, u8, u8);

#[derive(Clone, Copy)]
enum Flight {
    Asked,
    /// A truncated answer is `None`.
    Replied(Option<Result<u8, Kind>>),
}

/// The cache, one client, and the questions on their way.
struct Hickory {
    cache: ResponseCache,
    now: Instant,
    model: Cache,
    version: u8,
    waits: Option<u8>,
    flights: [Option<(u8, Flight)>; QUESTIONS],
}

fn query(question: usize) -> Query {
    let (name, kind) = QUESTION_NAMES[question].split_once(' ').expect("a name and a type");
    let kind = if kind == "A" { RecordType::A } else { RecordType::AAAA };
    Query::query(Name::from_ascii(format!("{name}.")).expect("a name"), kind)
}

/// A denial as a resolver of that crate hands it to its cache.
fn denied(query: &Query, kind: Kind, soa: Option<Soa>) -> NetError {
    let code = if kind == Kind::NxDomain { ResponseCode::NXDomain } else { ResponseCode::NoError };
    let mut none = NoRecords::new(query.clone(), code);
    none.negative_ttl = soa.map(|soa| u32::from(soa.ttl.min(soa.minimum)));
    NetError::from(none)
}

impl Hickory {
    fn new(model: &Cache) -> Self {
        let mut options = ResolverOpts::default();
        let most = Some(Duration::from_secs(model.ttl_max.into()));
        (options.positive_max_ttl, options.negative_max_ttl) = (most, most);
        Hickory {
            cache: ResponseCache::new(100, TtlConfig::from_opts(&options)),
            now: Instant::now() + AHEAD,
            model: model.clone(),
            version: 0,
            waits: None,
            flights: [None; QUESTIONS],
        }
    }

    fn get(&self, question: usize) -> Option<Answer> {
        let small = |ttl: u32| u8::try_from(ttl).unwrap_or(u8::MAX);
        match self.cache.get(&query(question), self.now)? {
            Ok(message) => {
                let record = message.answers.first()?;
                let RData::A(A(address)) = &record.data else { return None };
                Some((Kind::Address, address.octets()[3], small(record.ttl)))
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                let kind = if none.response_code == ResponseCode::NXDomain { Kind::NxDomain } else { Kind::NoData };
                Some((kind, 0, small(none.negative_ttl.unwrap_or(0))))
            }
            Err(_) => Some((Kind::Failure, 0, 0)),
        }
    }

    fn tell(&mut self, question: usize, answer: Answer, told: &mut Told) {
        if self.waits == Some(question as u8) {
            self.waits = None;
            told.clients[0] = Some(answer);
        }
    }

    fn deliver(&mut self, question: usize, told: &mut Told) {
        let Some((age, Flight::Replied(reply))) = self.flights[question] else { return };
        let asked = query(question);
        self.flights[question] = None;
        match reply {
            None => {
                self.flights[question] = Some((age, Flight::Asked));
                (told.asked, told.over_tcp) = (1, true);
            }
            Some(Err(Kind::Failure)) => self.tell(question, (Kind::Failure, 0, 0), told),
            Some(Err(kind)) => {
                self.cache.insert(asked.clone(), Err(denied(&asked, kind, self.model.soa)), self.now);
                let answer = self.get(question).unwrap_or((kind, 0, 0));
                self.tell(question, answer, told);
            }
            Some(Ok(version)) => {
                let Content::Has { ttl } = self.model.zone[usize::from(version)] else { return };
                let mut message = Message::new(0, MessageType::Response, OpCode::Query);
                let address = A::new(192, 0, 2, version);
                message.add_answer(Record::from_rdata(asked.name().clone(), ttl.into(), RData::A(address)));
                self.cache.insert(asked, Ok(message), self.now);
                let answer = self.get(question).unwrap_or((Kind::Address, version, 0));
                self.tell(question, answer, told);
            }
        }
    }
}

impl Counterpart<CacheInterface> for Hickory {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        match *input {
            Action::Query { client, question } => match self.get(question.into()) {
                Some(answer) => told.clients[usize::from(client)] = Some(answer),
                None => {
                    self.waits = Some(question);
                    let flight = &mut self.flights[usize::from(question)];
                    if flight.is_none() {
                        *flight = Some((0, Flight::Asked));
                        told.asked = 1;
                    }
                }
            },
            Action::Read { question, how, .. } => {
                let reply = match (how, self.model.truth(self.version, question)) {
                    (How::Truncated, _) => None,
                    (How::Fails, _) => Some(Err(Kind::Failure)),
                    (How::Whole, Kind::Address) => Some(Ok(self.version)),
                    (How::Whole, kind) => Some(Err(kind)),
                };
                if let Some((_, flight)) = &mut self.flights[usize::from(question)] {
                    *flight = Flight::Replied(reply);
                }
            }
            Action::Deliver { question, .. } => self.deliver(question.into(), &mut told),
            Action::Change => self.version += 1,
            Action::Tick => {
                self.now += Duration::from_secs(1);
                for question in 0..QUESTIONS {
                    let Some((age, _)) = &mut self.flights[question] else { continue };
                    *age += 1;
                    if *age >= self.model.timeout {
                        self.flights[question] = None;
                        self.tell(question, (Kind::Failure, 0, 0), &mut told);
                    }
                }
            }
            Action::SetBack => {}
        }
        told
    }

    fn observe(&self) -> Option<Kept> {
        let mut kept = Kept::default();
        for question in 0..QUESTIONS {
            kept.0[0][question] = self.get(question).map(|(kind, _, ttl)| (kind, ttl));
        }
        Some(kept)
    }
}

/// The model of what the crate does: by name and type, to the last instant, failures not its business.
fn quirks(model: Cache) -> Cache {
    let model = Cache { serve_at_zero: true, clients: 1, fails: true, ..model };
    model.with(Variant::CoversTypeOnly).with(Variant::KeepsDenialWithoutSoa).with(Variant::NeverRemembersFailures)
}

/// The quirks but for one.
fn but_for(model: Cache, variant: Variant) -> Cache {
    let mut model = quirks(model);
    model.variants.retain(|other| *other != variant);
    model
}

/// The cases of published crates.
pub(super) fn cases() -> Vec<Case> {
    let bare = || Cache { zone: vec![Content::Has { ttl: 2 }, Content::Absent], ..without_soa() };
    let beside = |name: &str, model: Cache| {
        let of = model.clone();
        let toured = Tour::new().of(move || Hickory::new(&of));
        (format!("dns/{name}"), check(model).alongside_only().subject(HICKORY, toured))
    };
    let deviates = |(name, check): (String, counterpart::Check<Cache, CacheInterface>), why| {
        Case::new(name, check.diverges(HICKORY).because(HICKORY, why))
    };
    let walked = quirks(denials());
    let walk = Walk::new().runs(100).steps(300).of(move || Hickory::new(&walked));
    let (name, conforming) = beside("hickory", quirks(denials()));
    let (bare_name, conforming_bare) = beside("hickory_without_soa", quirks(bare()));
    vec![
        Case::new(name, conforming.subject(HICKORY, walk)),
        Case::new(bare_name, conforming_bare),
        deviates(
            beside("hickory_and_end", Cache { serve_at_zero: false, ..quirks(denials()) }),
            "an answer of TTL n is still told n seconds later, to the instant",
        ),
        deviates(
            beside("hickory_and_rfc_8020", but_for(denials(), Variant::CoversTypeOnly)),
            "a denial is kept of the name and type that was asked for: the same name is asked for by another type",
        ),
        deviates(
            beside("hickory_and_rfc_2308", but_for(bare(), Variant::KeepsDenialWithoutSoa)),
            "a denial that says nothing of how long it is good for is kept, if only for the instant",
        ),
    ]
}
