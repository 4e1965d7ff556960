//! Our questions on their way, bound, with a store behind them.

use std::net::{Ipv4Addr, SocketAddr};

use counterpart::Counterpart;

use super::super::implementation::{Data, Fact, Finding, Message, Name, Question, Rank, Record, Store, Type};
use super::conformance::{NAME_TEXTS, PoisonInterface, Seen};
use super::implementation::{Draw, Exchanges};
use super::model::{Action, Content, Field, Known, NAMES, Poison, Told};

const TRUE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const FORGED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);

/// Ports are drawn from here on.
const PORT_MIN: u16 = 50_000;

/// No time passes: all that is kept lives.
const NOW_MS: u64 = 0;
const ENDS_MS: u64 = 60_000;

/// A resolver's questions, what it knows, and who answers it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    exchanges: Exchanges,
    store: Store,
    /// What was drawn for the last question for each name.
    sent: [Option<Draw>; NAMES],
    guesses: u8,
    model: (u8, u8),
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn address_of(text: &str) -> Question {
    Question { name: name(text), kind: Type::A }
}

fn zone(number: usize) -> Name {
    name(&NAME_TEXTS[number][4..])
}

fn server(number: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + number as u8], 53))
}

fn record(of: Name, data: Data) -> Record {
    Record { name: of, ttl_s: 60, data }
}

fn draw(id: u8, port: u8) -> Draw {
    Draw { id: id.into(), port: PORT_MIN + u16::from(port) }
}

impl Bound {
    pub(super) fn new(model: &Poison) -> Self {
        Bound {
            exchanges: Exchanges::new(NAMES),
            store: Store::new(100, 0, false),
            sent: [None; NAMES],
            guesses: 0,
            model: (model.ids, model.ports),
        }
    }

    fn ask(&mut self, number: usize, draw: Draw) -> Told {
        let question = address_of(NAME_TEXTS[number]);
        if self.store.answer(&question, NOW_MS).is_some() {
            return Told::Hit;
        }
        match self.exchanges.ask(question, zone(number), server(number), draw) {
            Ok(_) => {
                self.sent[number] = Some(draw);
                Told::Sent
            }
            Err(_) => Told::UnderWay,
        }
    }

    fn receive(&mut self, message: &Message, from: SocketAddr, port: u16) -> Told {
        let Ok((question, finding)) = self.exchanges.receive(message, from, port) else { return Told::Ignored };
        for (sent, text) in self.sent.iter_mut().zip(NAME_TEXTS) {
            *sent = sent.filter(|_| question.name != name(text));
        }
        let keep = |store: &mut Store, record: &Record, rank: Rank| {
            let about = Question { name: record.name.clone(), kind: record.data.kind() };
            store.insert(&about, Fact::Records([record.clone()].into()), rank, ENDS_MS, NOW_MS);
        };
        match finding {
            Finding::Records(records) => {
                let fact = Fact::Records(records.into());
                self.store.insert(&question, fact, Rank::Answer, ENDS_MS, NOW_MS);
                Told::Believed
            }
            Finding::Referral { servers, glue, .. } => {
                servers.iter().for_each(|record| keep(&mut self.store, record, Rank::Referral));
                glue.iter().for_each(|record| keep(&mut self.store, record, Rank::Additional));
                Told::Referred
            }
            Finding::Alias { .. }
            | Finding::NoData(_)
            | Finding::NxDomain(_)
            | Finding::Truncated
            | Finding::Failure => Told::Lame,
        }
    }

    fn answer(&mut self, number: usize, content: Content) -> Told {
        let own = name(NAME_TEXTS[number]);
        let ns = |of: Name| record(of, Data::Ns(own.clone()));
        let mut message = answer(number, TRUE);
        match content {
            Content::Plain => {}
            Content::WithAuthority => message.authorities.push(ns(zone(1 - number))),
            Content::WithAdditional => {
                message.additionals.push(record(name(&format!("ns.{}", zone(number))), Data::A(FORGED)));
            }
            Content::WithForeignAnswer => message.answers.push(record(name(NAME_TEXTS[1 - number]), Data::A(FORGED))),
            Content::Referral => {
                message.answers.clear();
                message.authorities.push(ns(own.clone()));
                message.additionals.push(record(own.clone(), Data::A(FORGED)));
                message.is_authoritative = false;
            }
            Content::ReferralWithAnswer => {
                message.answers = vec![record(own.clone(), Data::A(FORGED))];
                message.authorities.push(ns(own.clone()));
                message.is_authoritative = false;
            }
            Content::SiblingReferral => {
                message.answers.clear();
                message.authorities.push(ns(zone(1 - number)));
                message.is_authoritative = false;
            }
        }
        let sent = self.sent[number].unwrap_or(draw(0, 0));
        message.id = sent.id;
        self.receive(&message, server(number), sent.port)
    }

    fn forge(&mut self, number: usize, wrong: Field) -> Told {
        let (ids, ports) = self.model;
        let Some(sent) = self.sent[number] else { return Told::Ignored };
        let mut message = Message { id: sent.id, ..answer(number, FORGED) };
        let (mut from, mut port) = (server(number), sent.port);
        match wrong {
            Field::Id => message.id = (sent.id + 1) % u16::from(ids),
            Field::Port => port = PORT_MIN + (sent.port - PORT_MIN + 1) % u16::from(ports),
            Field::Question => message.question = Some(address_of(NAME_TEXTS[1 - number])),
            Field::Server => from.set_port(54),
        }
        self.receive(&message, from, port)
    }
}

/// The answer to question `number`.
fn answer(number: usize, address: Ipv4Addr) -> Message {
    let question = address_of(NAME_TEXTS[number]);
    Message {
        is_answer: true,
        is_authoritative: true,
        answers: vec![record(question.name.clone(), Data::A(address))],
        question: Some(question),
        ..Message::default()
    }
}

impl Counterpart<PoisonInterface> for Bound {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Ask { name, id, port } => self.ask(name.into(), draw(id, port)),
            Action::Guess { name } => {
                let (ids, ports) = self.model;
                let guess = draw(self.guesses % ids, self.guesses / ids % ports);
                self.guesses += 1;
                let message = Message { id: guess.id, ..answer(name.into(), FORGED) };
                self.receive(&message, server(name.into()), guess.port)
            }
            Action::Forge { name, wrong } => self.forge(name.into(), wrong),
            Action::Answer { name, content } => self.answer(name.into(), content),
        }
    }

    fn observe(&self) -> Option<Seen> {
        let known = |number: usize| {
            let found = self.store.answer(&address_of(NAME_TEXTS[number]), NOW_MS);
            match found.map(|found| found.fact) {
                None => Known::Nothing,
                Some(Fact::Records(records)) if records[..] == [record(name(NAME_TEXTS[number]), Data::A(TRUE))] => {
                    Known::True
                }
                Some(_) => Known::Forged,
            }
        };
        let servers = |of: Name| self.store.live(&Question { name: of, kind: Type::NS }, NOW_MS).is_some();
        let more = (0..NAMES).any(|number| {
            let other = address_of(&format!("ns.{}", zone(number)));
            servers(zone(number)) || self.store.live(&other, NOW_MS).is_some()
        });
        Some(Seen {
            known: std::array::from_fn(known),
            referred: std::array::from_fn(|number| servers(name(NAME_TEXTS[number]))),
            more,
            open: self.exchanges.len(),
        })
    }
}
