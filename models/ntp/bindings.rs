//! Our client and our server, bound: between them a network of real packets, 48 bytes each.
//!
//! A tick of the model is 2²⁸ seconds on the wire, so that sixteen of them are an era and its end is met as it will be
//! in 2036. On the clock that counts the client's waiting it is one second.

use counterpart::Counterpart;

use super::conformance::{ExchangeInterface, Seen};
use super::implementation::client::{Client, ClientConfig, Ignored, Nonces, Received, Sample, Stamp};
use super::implementation::packet::{KissCode, Leap, Mode, PACKET_BYTES, Packet, Timestamp};
use super::implementation::server::{Condition, Question, Reply, Server};
use super::model::{Action, Answer, Exchange, Guess, Heard, PACKETS_MAX, Stamps, Told, wrapped};

/// Bits of a timestamp below a tick.
const TICK_BITS: u32 = 60;

/// A packet where it is.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Carried {
    ToServer([u8; PACKET_BYTES]),
    AtServer(Question),
    ToClient([u8; PACKET_BYTES]),
}

/// A client, as the network around it sees one. A tick is 2²⁸ s on the wire.
pub trait Asks {
    /// Lets a tick go by.
    fn elapse(&mut self);

    /// The next question, if it is time for it; `nonces` are random bits, for who wants to be given them.
    fn poll(&mut self, now: Timestamp, nonces: Nonces) -> Option<Packet>;

    /// What becomes of a datagram from the server's address.
    fn receive(&mut self, datagram: &[u8], now: Timestamp) -> Heard;

    /// What can be read of the client between inputs.
    fn seen(&self) -> Option<Seen>;
}

impl Asks for Client {
    fn elapse(&mut self) {
        Client::elapse(self, 1);
    }

    fn poll(&mut self, now: Timestamp, nonces: Nonces) -> Option<Packet> {
        Client::poll(self, now, nonces)
    }

    fn receive(&mut self, datagram: &[u8], now: Timestamp) -> Heard {
        heard(Client::receive(self, datagram, now))
    }

    fn seen(&self) -> Option<Seen> {
        Some(Seen { waiting: self.is_waiting(), interval: self.interval_s(), asks_in: self.asks_in_s() })
    }
}

/// Client, server and network.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bound<C = Client> {
    client: C,
    server: Server<u8, 1>,
    time: u8,
    offset: i8,
    packets: [Option<Carried>; PACKETS_MAX],
    /// Transmit field of the last question, if it is a time: an attacker knows when the client asks.
    known: Timestamp,
}

/// The timestamp that a clock which shows `ticks` writes. Never 0: half a tick is added.
pub fn stamp(ticks: u8) -> Timestamp {
    Timestamp::from_bits(u64::from(ticks) << TICK_BITS | 1 << (TICK_BITS - 1))
}

/// The condition of a server of stratum 1.
fn true_clock() -> Condition {
    Condition::local(1, Timestamp::UNKNOWN)
}

/// The ticks in a difference; a part of a tick is an error of the implementation, and is told as a number no model
/// knows.
fn ticks(difference: i128) -> i8 {
    let whole = difference >> TICK_BITS;
    if whole << TICK_BITS == difference { i8::try_from(whole).unwrap_or(i8::MAX) } else { i8::MAX }
}

/// What the outside is told of a sample.
pub fn measured(sample: &Sample) -> Heard {
    Heard::Measured { offset_doubled: ticks(sample.offset_doubled), delay: ticks(sample.delay) }
}

/// What the outside is told of what came of a packet.
pub fn heard(outcome: Result<Received, Ignored>) -> Heard {
    match outcome {
        Ok(Received::Sample(sample)) => measured(&sample),
        Ok(Received::Kiss(KissCode::RATE)) => Heard::Kissed(Answer::Rate),
        Ok(Received::Kiss(KissCode::DENY)) => Heard::Kissed(Answer::Deny),
        Err(Ignored::Unsynchronised) => Heard::Unsynchronised,
        Err(Ignored::Stratum(_)) => Heard::TooDeep,
        Err(Ignored::NoTime) => Heard::NoTime,
        Err(Ignored::NegativeDelay) => Heard::NegativeDelay,
        Err(Ignored::Duplicate) => Heard::Duplicate,
        Ok(Received::Kiss(_)) | Err(_) => Heard::Bogus,
    }
}

/// The configuration that belongs to a model.
pub fn config(model: &Exchange) -> ClientConfig {
    let stamp = match model.stamps {
        Stamps::Random => Stamp::Random,
        Stamps::Predictable => Stamp::Time,
    };
    ClientConfig { poll_min: model.poll_min, poll_max: model.poll_max, stamp, interleaved: model.interleaved }
}

/// Random bits by number: all different, none 0.
fn nonce(number: u8) -> u64 {
    (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Bound {
    /// Client, server and network as `model` begins.
    pub fn new(model: &Exchange) -> Self {
        Bound::around(Client::new(config(model)), model)
    }
}

impl<C: Asks> Bound<C> {
    /// The same around another client.
    pub fn around(client: C, model: &Exchange) -> Self {
        Bound {
            client,
            server: if model.interleaved { Server::interleaved(true_clock()) } else { Server::new(true_clock()) },
            time: 0,
            offset: model.offset,
            packets: [const { None }; PACKETS_MAX],
            known: Timestamp::UNKNOWN,
        }
    }

    fn client_clock(&self) -> Timestamp {
        stamp(wrapped(self.time, -self.offset))
    }

    fn put(&mut self, carried: Carried) {
        if let Some(slot) = self.packets.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(carried);
        }
    }

    fn deliver(&mut self, slot: usize) -> Told {
        match self.packets[slot].take() {
            Some(Carried::ToServer(bytes)) => match self.server.receive(&bytes, stamp(self.time)) {
                Ok(question) => {
                    self.packets[slot] = Some(Carried::AtServer(question));
                    Told::Taken
                }
                Err(_) => Told::Unanswered,
            },
            Some(Carried::ToClient(bytes)) => Told::Heard(self.client.receive(&bytes, self.client_clock())),
            at_server => {
                self.packets[slot] = at_server;
                Told::Done
            }
        }
    }

    fn reply(&mut self, slot: usize, says: Answer) {
        let Some(Carried::AtServer(question)) = &self.packets[slot] else { return };
        let (mut condition, mut now) = (true_clock(), self.time);
        let mut reply = Reply::Time;
        match says {
            Answer::Time | Answer::NoTime => {}
            Answer::Rate => reply = Reply::Kiss(KissCode::RATE),
            Answer::Deny => reply = Reply::Kiss(KissCode::DENY),
            Answer::Unsynchronised => condition.leap = Leap::Unsynchronised,
            Answer::TooDeep => condition.stratum = 16,
            Answer::Stepped => now = wrapped(now, 3),
        }
        self.server.set_condition(condition);
        let mut packet = self.server.answer(0, question, reply, stamp(now));
        self.server.set_condition(true_clock());
        if says == Answer::NoTime {
            // Ours always has a stamp: here is a server that has not.
            packet.receive = Timestamp::UNKNOWN;
        }
        self.packets[slot] = Some(Carried::ToClient(packet.encode()));
    }

    /// Sends what an attacker sends who knows when the client asked last and has no random bits.
    fn forge(&mut self, guess: Guess, says: Answer) -> Told {
        let lie = stamp(wrapped(self.time, 5));
        let origin = match guess {
            Guess::Zero => Timestamp::UNKNOWN,
            Guess::Schedule if !self.known.is_unknown() => self.known,
            Guess::Schedule | Guess::Wrong => Timestamp::from_bits(nonce(u8::MAX - 1)),
        };
        let time = Packet { mode: Mode::Server, stratum: 1, origin, receive: lie, transmit: lie, ..Packet::default() };
        let packet = match says {
            Answer::Rate => Packet { stratum: 0, reference_id: KissCode::RATE.0, ..time },
            Answer::Deny => Packet { stratum: 0, reference_id: KissCode::DENY.0, ..time },
            _ => time,
        };
        let now = self.client_clock();
        Told::Heard(self.client.receive(&packet.encode(), now))
    }
}

impl<C: Asks> Counterpart<ExchangeInterface> for Bound<C> {
    fn apply(&mut self, input: &Action) -> Told {
        match *input {
            Action::Tick => {
                self.time = wrapped(self.time, 1);
                self.client.elapse();
                Told::Done
            }
            Action::Poll { nonces: [transmit, receive] } => {
                let nonces = Nonces { transmit: nonce(transmit), receive: nonce(receive) };
                match self.client.poll(self.client_clock(), nonces) {
                    Some(packet) => {
                        if packet.transmit == self.client_clock() {
                            self.known = packet.transmit;
                        }
                        self.put(Carried::ToServer(packet.encode()));
                        Told::Asked
                    }
                    None => Told::NotYet,
                }
            }
            Action::Deliver { packet } => self.deliver(usize::from(packet)),
            Action::Reply { packet, answer } => {
                self.reply(usize::from(packet), answer);
                Told::Done
            }
            Action::Lose { packet } => {
                self.packets[usize::from(packet)] = None;
                Told::Done
            }
            Action::Double { packet } => {
                if let Some(copy) = self.packets[usize::from(packet)].clone() {
                    self.put(copy);
                }
                Told::Done
            }
            Action::Forge { origin, says } => self.forge(origin, says),
            Action::Reflect => {
                let packet = Packet { mode: Mode::Server, transmit: stamp(self.time), ..Packet::default() };
                match self.server.receive(&packet.encode(), stamp(self.time)) {
                    Ok(_) => Told::Taken,
                    Err(_) => Told::Unanswered,
                }
            }
            Action::Slip => {
                self.offset += 1;
                Told::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        self.client.seen()
    }
}
