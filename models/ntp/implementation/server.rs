//! The server's side of an exchange. It answers questions and nothing else: two servers that answered answers would
//! send each other packets for ever.

use std::hash::Hash;

use thiserror::Error;

use super::packet::{DecodeError, KissCode, Leap, Mode, Packet, Timestamp, VERSION, Version};

/// What a server says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Condition {
    /// Warning of a leap second, or that the clock is not synchronised. By default the latter.
    pub leap: Leap,
    /// Steps from a reference clock, 1 to 15; 16 where there is none. By default 16.
    pub stratum: u8,
    /// Precision of the clock, as the power of two of seconds. By default −20, about a microsecond.
    pub precision: i8,
    /// Round trip to the reference clock, in 2⁻¹⁶ s.
    pub root_delay: u32,
    /// Dispersion to the reference clock, in 2⁻¹⁶ s.
    pub root_dispersion: u32,
    /// The reference clock.
    pub reference_id: [u8; 4],
    /// When the clock was last set.
    pub reference: Timestamp,
}

impl Default for Condition {
    fn default() -> Self {
        Condition {
            leap: Leap::Unsynchronised,
            stratum: 16,
            precision: -20,
            root_delay: 0,
            root_dispersion: 0,
            reference_id: *b"INIT",
            reference: Timestamp::UNKNOWN,
        }
    }
}

impl Condition {
    /// A clock that is believed without one above it, of `stratum` 1 to 15 (others are taken as the nearest).
    pub fn local(stratum: u8, reference: Timestamp) -> Self {
        let stratum = stratum.clamp(1, 15);
        Condition { leap: Leap::None, stratum, reference_id: *b"LOCL", reference, ..Condition::default() }
    }
}

/// Why a packet is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// The packet is malformed.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The packet is no question.
    #[error("mode {0:?} is no question")]
    NotAQuestion(Mode),
    /// The packet is of a version that is not spoken here: 0, or above 4.
    #[error("version {}", .0.number())]
    Version(Version),
}

/// A question that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    packet: Packet,
    received: Timestamp,
}

/// The reply that a question gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The reply is the time.
    Time,
    /// The reply is a kiss instead.
    Kiss(KissCode),
}

/// What is kept of an answer, for the interleaved one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kept<C> {
    client: C,
    received: Timestamp,
    /// Instant when the answer left; unknown if another answer bore the same receive stamp: the two cannot be told
    /// apart later.
    left: Timestamp,
}

/// A server. `C` tells clients apart (an address); `KEPT` is how many of their last answers it remembers for
/// interleaved mode, which bounds its memory: the oldest is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server<C, const KEPT: usize = 64> {
    condition: Condition,
    interleaves: bool,
    kept: [Option<Kept<C>>; KEPT],
}

impl<C: Copy + Eq + Hash, const KEPT: usize> Server<C, KEPT> {
    /// A server whose clock is in `condition`.
    pub fn new(condition: Condition) -> Self {
        Server { condition, interleaves: false, kept: [None; KEPT] }
    }

    /// A server that gives interleaved answers to clients that ask for them (RFC 9769 §2).
    pub fn interleaved(condition: Condition) -> Self {
        Server { interleaves: true, ..Server::new(condition) }
    }

    /// Takes note that the clock's condition has changed.
    pub fn set_condition(&mut self, condition: Condition) {
        self.condition = condition;
    }

    /// Takes a datagram that came in at `now`.
    ///
    /// # Errors
    /// It is not answered, and why.
    pub fn receive(&self, datagram: &[u8], now: Timestamp) -> Result<Question, Unanswered> {
        let packet = Packet::decode(datagram)?;
        if !matches!(packet.mode, Mode::Client | Mode::SymmetricActive) {
            return Err(Unanswered::NotAQuestion(packet.mode));
        }
        if !(1..=VERSION).contains(&packet.version.number()) {
            return Err(Unanswered::Version(packet.version));
        }
        Ok(Question { packet, received: Timestamp::from_bits(now.to_bits().max(1)) })
    }

    /// The answer to `client`'s `question`, which leaves at `now`.
    pub fn answer(&mut self, client: C, question: &Question, reply: Reply, now: Timestamp) -> Packet {
        let now = Timestamp::from_bits(now.to_bits().max(1));
        let asked = question.packet;
        let mode = if asked.mode == Mode::Client { Mode::Server } else { Mode::SymmetricPassive };
        let answer = Packet {
            version: asked.version,
            mode,
            poll: asked.poll,
            precision: self.condition.precision,
            origin: asked.transmit,
            receive: question.received,
            transmit: now,
            ..Packet::default()
        };
        match reply {
            Reply::Kiss(KissCode(code)) => Packet {
                // Stratum 0, and nobody takes it for the time (RFC 5905 §7.4).
                leap: Leap::Unsynchronised,
                reference_id: code,
                ..answer
            },
            Reply::Time => {
                let before = self.kept_of(client, asked.origin).filter(|_| asked.receive != asked.transmit);
                if self.interleaves {
                    self.keep(Kept { client, received: question.received, left: now });
                }
                let (origin, transmit) = match before {
                    Some(before) => (asked.receive, before.left),
                    None => (asked.transmit, now),
                };
                let Condition { leap, stratum, precision, root_delay, root_dispersion, reference_id, reference } =
                    self.condition;
                Packet {
                    leap,
                    stratum,
                    precision,
                    root_delay,
                    root_dispersion,
                    reference_id,
                    reference,
                    origin,
                    transmit,
                    ..answer
                }
            }
        }
    }

    /// Takes note that the last answer to `client` left at `now`, which is known only after it was sent: what the next
    /// interleaved one will say.
    pub fn left(&mut self, client: C, now: Timestamp) {
        let last = self.kept.iter_mut().flatten().find(|kept| kept.client == client && !kept.left.is_unknown());
        if let Some(last) = last {
            last.left = Timestamp::from_bits(now.to_bits().max(1));
        }
    }

    /// The answer that `client` says it has had: it names the receive stamp that stood in it.
    fn kept_of(&self, client: C, received: Timestamp) -> Option<Kept<C>> {
        let named = |kept: &&Kept<C>| kept.client == client && kept.received == received && !kept.left.is_unknown();
        self.kept.iter().flatten().find(named).copied()
    }

    /// Keeps an answer, the only one of its client.
    fn keep(&mut self, mut kept: Kept<C>) {
        if self.kept.iter().flatten().any(|old| old.client == kept.client && old.received == kept.received) {
            kept.left = Timestamp::UNKNOWN;
        }
        let place = self.kept.iter().position(|old| old.is_some_and(|old| old.client == kept.client));
        let end = place.or_else(|| self.kept.iter().position(Option::is_none)).unwrap_or(KEPT.saturating_sub(1));
        if let Some(shifted) = self.kept.get_mut(..=end) {
            shifted.rotate_right(1);
            shifted[0] = Some(kept);
        }
    }
}
