//! The whole resolver, bound: what it sends is answered by three servers that say what the model's zones hold.

use std::net::{Ipv4Addr, SocketAddr};

use counterpart::Counterpart;

use super::super::implementation::message::CODE_NX_DOMAIN;
use super::super::implementation::resolver::{Act, Resolver};
use super::super::implementation::settings::Settings;
use super::super::implementation::{Answer, Code, Config, Data, Message, Name, Question, Record, Type};
use super::super::poison::implementation::Draw;
use super::conformance::{QUESTION_NAMES, Seen, WalkInterface};
use super::model::{Action, NS, QUESTIONS, SERVER, Told, WWW, Walk};

/// A tick, in milliseconds.
const TICK_MS: u64 = 1_000;

const ROOT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const UPPER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The lower zone's server by the word of the zone above, and by its own.
const LOWER_BY_GLUE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
const LOWER_BY_ITSELF: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 4);

/// The resolver, and what is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    resolver: Resolver<()>,
    sent: Option<(SocketAddr, Message)>,
    revoked: bool,
    now_ms: u64,
    ttls: (u8, u8, [u8; QUESTIONS]),
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn question(number: usize) -> Question {
    let (text, kind) = QUESTION_NAMES[number].split_once(' ').expect("a name and a type");
    Question { name: name(text), kind: if kind == "A" { Type::A } else { Type::NS } }
}

fn record(owner: &str, ttl: u8, data: Data) -> Record {
    Record { name: name(owner), ttl_s: ttl.into(), data }
}

impl Bound {
    pub(super) fn new(model: &Walk) -> Self {
        let cache = Config { timeout_ms: u64::MAX, ..Config::default() };
        let settings = Settings { cache, exchange_timeout_ms: u64::MAX, ..Settings::new(vec![(ROOT, 53).into()]) };
        Bound {
            resolver: Resolver::new(settings).expect("settings"),
            sent: None,
            revoked: false,
            now_ms: 0,
            ttls: (model.upper_ttl, model.lower_ttl, model.own_ttls),
        }
    }

    /// What the server at `address` answers.
    fn answer(&self, address: SocketAddr, asked: &Message) -> Message {
        let (upper_ttl, lower_ttl, own_ttls) = self.ttls;
        let mut answer = Message { is_answer: true, ..asked.clone() };
        let mut refer = |zone: &str, ttl: u8, server: &str, ip: Ipv4Addr| {
            answer.authorities = vec![record(zone, ttl, Data::Ns(name(server)))];
            answer.additionals = vec![record(server, ttl, Data::A(ip))];
        };
        if address.ip() == ROOT {
            refer("zz", upper_ttl, "ns.zz", UPPER);
        } else if address.ip() == UPPER && !self.revoked {
            refer("a.zz", lower_ttl, "ns.a.zz", LOWER_BY_GLUE);
        } else if address.ip() == UPPER {
            (answer.is_authoritative, answer.code) = (true, CODE_NX_DOMAIN);
        } else {
            answer.is_authoritative = true;
            let own = (0..QUESTIONS).filter(|number| Some(question(*number)) == asked.question);
            answer.answers.extend(own.map(|number| match number {
                WWW => record("www.a.zz", own_ttls[WWW], Data::A(Ipv4Addr::new(192, 0, 2, 80))),
                NS => record("a.zz", own_ttls[NS], Data::Ns(name("ns.a.zz"))),
                _ => record("ns.a.zz", own_ttls[SERVER], Data::A(LOWER_BY_ITSELF)),
            }));
        }
        answer
    }

    fn act(&mut self, acts: Vec<Act<()>>, told: &mut Told) {
        for act in acts {
            match act {
                Act::Tell { answer: Answer { code: Code::NoError, ttl_s, .. }, .. } => {
                    told.client = Some(u8::try_from(ttl_s).unwrap_or(u8::MAX));
                }
                Act::Tell { answer: Answer { code: Code::NxDomain, .. }, .. } => told.client = Some(0),
                Act::Tell { answer: Answer { code: Code::ServFail, .. }, .. } => told.client = Some(u8::MAX),
                Act::Send { server, message, .. } => {
                    let numbers = [ROOT, UPPER, LOWER_BY_GLUE, LOWER_BY_ITSELF];
                    let number = numbers.iter().position(|ip| server.ip() == *ip).unwrap_or(numbers.len());
                    told.asked = Some((number.min(2) as u8, number == 3));
                    self.sent = Some((server, message));
                }
            }
        }
    }
}

/// All answers come: ids need not differ.
fn draw(_: SocketAddr, _: bool) -> Option<Draw> {
    Some(Draw { id: 7, port: 50_000 })
}

impl Counterpart<WalkInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        let mut told = Told::default();
        let acts = match *input {
            Action::Query { question: number } => {
                self.resolver.query((), question(number.into()), self.now_ms, &mut draw)
            }
            Action::Deliver => match self.sent.take() {
                None => Vec::new(),
                Some((server, asked)) => {
                    let answer = self.answer(server, &asked);
                    let received = self.resolver.receive(&answer, server, 50_000, self.now_ms, &mut draw);
                    received.unwrap_or_default()
                }
            },
            Action::Revoke => {
                self.revoked = true;
                Vec::new()
            }
            Action::Tick => {
                self.now_ms += TICK_MS;
                self.resolver.tick(self.now_ms, &mut draw)
            }
        };
        self.act(acts, &mut told);
        told
    }

    fn observe(&self) -> Option<Seen> {
        let small = |left: u64| u8::try_from(left).unwrap_or(u8::MAX);
        let answers = std::array::from_fn(|number| {
            let (_, ttl_s) = self.resolver.core().peek(&question(number), self.now_ms)?;
            Some(small(ttl_s.into()))
        });
        let zones = ["zz", "a.zz"].map(|zone| {
            let ends_ms = self.resolver.delegations().ends_ms(&name(zone), self.now_ms)?;
            Some(small((ends_ms - self.now_ms) / TICK_MS))
        });
        Some(Seen { answers, zones, looks: self.resolver.walks() > 0 })
    }

    fn canonical(&mut self) {
        self.resolver.rebase(self.now_ms);
        self.now_ms = 0;
    }
}
