//! The client's side of an exchange: what is asked and when, and which answers count.
//!
//! No socket and no clock is in here. Time comes in twice and is never mixed: [`Client::elapse`] is told what a
//! monotonic clock has measured and decides when to ask, wall-clock readings are only ever written on packets and
//! subtracted from one another. A wall clock that is stepped moves no timer.

use thiserror::Error;

use super::DISPERSION_S_MAX;
use super::packet::{DecodeError, KissCode, Leap, Mode, Packet, Timestamp, Version};

/// How a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Shortest time between questions, as the power of two of seconds. By default 6, 64 s (RFC 5905 §7.3 suggests 6 and
    /// 10; §7.2 has MINPOLL at 4).
    pub poll_min: u8,
    /// Longest time between questions. By default 10, 1,024 s.
    pub poll_max: u8,
    /// The stamp in the question's transmit field.
    pub stamp: Stamp,
    /// Whether to ask for interleaved answers (RFC 9769 §2).
    pub interleaved: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig { poll_min: 6, poll_max: 10, stamp: Stamp::Random, interleaved: false }
    }
}

/// What stands in a question's transmit field, and has to come back as the answer's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// The question bears 64 random bits; when it left is kept at home. Who does not see the question has to guess
    /// them.
    Random,
    /// The question bears the time when it left, as in RFC 5905. Who knows when a client asks knows most of it.
    Time,
}

/// Random bits for one question, fresh each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonces {
    /// Bits for the transmit field.
    pub transmit: u64,
    /// Bits for the receive field, by which an interleaved answer is known. They differ from those for the transmit
    /// field.
    pub receive: u64,
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked {
    /// Instant by the wall clock.
    at: Timestamp,
    transmit: Timestamp,
    receive: Timestamp,
}

/// What an interleaved answer completes: the exchange before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Exchanged {
    asked: Timestamp,
    server_received: Timestamp,
    answered: Timestamp,
}

/// What an exchange has measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sample {
    /// Twice the time that the server's clock is ahead by, in 2⁻³² s: twice, so that no half is lost.
    pub offset_doubled: i128,
    /// Round trip without the server's own time, in 2⁻³² s.
    pub delay: i128,
    /// The server's warning.
    pub leap: Leap,
    /// The server's stratum, 1 to 15.
    pub stratum: u8,
    /// Round trip from the server to its reference clock, in 2⁻¹⁶ s.
    pub root_delay: u32,
    /// Dispersion of the server to its reference clock, in 2⁻¹⁶ s.
    pub root_dispersion: u32,
    /// Whether the server's transmit stamp is of the exchange before.
    pub interleaved: bool,
}

impl Sample {
    /// From the four stamps of an exchange: asked, received, answered, arrived (RFC 5905 §8).
    pub fn measure(asked: Timestamp, received: Timestamp, answered: Timestamp, arrived: Timestamp) -> (i128, i128) {
        let wide = i128::from;
        let offset_doubled = wide(received.since(asked)) + wide(answered.since(arrived));
        let delay = wide(arrived.since(asked)) - wide(answered.since(received));
        (offset_doubled, delay)
    }

    /// Time that the server's clock is ahead by, in nanoseconds, rounded towards 0.
    pub fn offset_ns(&self) -> i128 {
        self.offset_doubled * 1_000_000_000 / (1 << 33)
    }
}

/// What came of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// The packet gave a measurement.
    Sample(Sample),
    /// The server sent a kiss. The client has done what it asks for.
    Kiss(KissCode),
}

/// Why a packet counts for nothing. The client is as it was before, but where it is said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Ignored {
    /// The packet is malformed.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The packet is no answer.
    #[error("mode {0:?} is no answer")]
    NotAnAnswer(Mode),
    /// The packet is of another version than the question.
    #[error("version {}", .0.number())]
    Version(Version),
    /// The packet is the answer that was counted last, again.
    #[error("a duplicate of the last answer")]
    Duplicate,
    /// The packet's origin is not what was asked, or nothing was.
    #[error("no answer to what was asked")]
    Bogus,
    /// The server is not synchronised. The question is answered.
    #[error("the server is not synchronised")]
    Unsynchronised,
    /// The server's stratum is above 15. The question is answered.
    #[error("stratum {0}")]
    Stratum(u8),
    /// The server's distance from its reference clock is 16 s or more, as it says itself. The question is answered.
    #[error("the server may be wrong by 16 s or more")]
    TooFar,
    /// The answer does not say when the question arrived, or when it left. The question is answered.
    #[error("the server's stamps are missing")]
    NoTime,
    /// A clock was set between its stamps: the server claims to have spent more time than went by. The question is
    /// answered.
    #[error("the round trip is negative")]
    NegativeDelay,
}

/// A client of one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    config: ClientConfig,
    /// Time between questions, as the power of two of seconds.
    poll: u8,
    /// Seconds until the next question.
    wait_s: u32,
    asked: Option<Asked>,
    /// Transmit stamp of the answer counted last, until the next question.
    last_transmit: Timestamp,
    before: Option<Exchanged>,
    denied: Option<KissCode>,
}

impl Client {
    /// A client that asks at once.
    pub fn new(config: ClientConfig) -> Self {
        // 2³¹ s still fits in the field that counts down.
        let poll_max = config.poll_max.min(31);
        let config = ClientConfig { poll_min: config.poll_min.min(poll_max), poll_max, ..config };
        Client {
            poll: config.poll_min,
            config,
            wait_s: 0,
            asked: None,
            last_transmit: Timestamp::UNKNOWN,
            before: None,
            denied: None,
        }
    }

    /// Lets `seconds` go by on a clock that is never set.
    pub fn elapse(&mut self, seconds: u32) {
        self.wait_s = self.wait_s.saturating_sub(seconds);
    }

    /// Seconds until the client wants to ask; `None`: never again.
    pub fn asks_in_s(&self) -> Option<u32> {
        self.denied.is_none().then_some(self.wait_s)
    }

    /// Seconds between questions.
    pub fn interval_s(&self) -> u32 {
        1 << self.poll
    }

    /// The kiss that ended the client's asking.
    pub fn denied(&self) -> Option<KissCode> {
        self.denied
    }

    /// Whether a question waits for its answer.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// The next question, if it is time for it. A question that is still unanswered is given up. `now` is the wall
    /// clock's reading, `nonces` are random bits for this question alone.
    pub fn poll(&mut self, now: Timestamp, nonces: Nonces) -> Option<Packet> {
        if self.denied.is_some() || self.wait_s > 0 {
            return None;
        }
        self.wait_s = self.interval_s();
        let transmit = match self.config.stamp {
            Stamp::Random => Timestamp::from_bits(nonces.transmit.max(1)),
            Stamp::Time => Timestamp::from_bits(now.to_bits().max(1)),
        };
        let interleaves = self.config.interleaved && self.before.is_some();
        let receive = if interleaves { Timestamp::from_bits(nonces.receive.max(2)) } else { Timestamp::UNKNOWN };
        // By one stamp an answer could match both ways.
        let receive = if receive == transmit { receive.plus(1) } else { receive };
        self.asked = Some(Asked { at: now, transmit, receive });
        self.last_transmit = Timestamp::UNKNOWN;
        let origin = self.before.filter(|_| interleaves).map_or(Timestamp::UNKNOWN, |before| before.server_received);
        // Nothing else is told: a server needs no more (RFC 9769 §2, RFC 8633 §5.1).
        Some(Packet { poll: self.poll.cast_signed(), origin, receive, transmit, ..Packet::default() })
    }

    /// Takes a datagram that came from the server's address. `now` is the wall clock's reading when it arrived.
    ///
    /// # Errors
    /// It counts for nothing, and why.
    pub fn receive(&mut self, datagram: &[u8], now: Timestamp) -> Result<Received, Ignored> {
        let packet = Packet::decode(datagram)?;
        if packet.mode != Mode::Server {
            return Err(Ignored::NotAnAnswer(packet.mode));
        }
        if packet.version != Version::default() {
            return Err(Ignored::Version(packet.version));
        }
        // Nothing that is read before this may change anything: anybody can send it.
        let Some((asked, interleaved)) = self.matches(&packet) else {
            let again = packet.transmit == self.last_transmit && !packet.transmit.is_unknown();
            return Err(if again { Ignored::Duplicate } else { Ignored::Bogus });
        };
        self.asked = None;
        if packet.stratum == 0 {
            return Ok(Received::Kiss(self.kissed(KissCode(packet.reference_id))));
        }
        if packet.leap == Leap::Unsynchronised {
            return Err(Ignored::Unsynchronised);
        }
        if packet.stratum > 15 {
            return Err(Ignored::Stratum(packet.stratum));
        }
        if u64::from(packet.root_delay / 2) + u64::from(packet.root_dispersion) >= u64::from(DISPERSION_S_MAX) << 16 {
            return Err(Ignored::TooFar);
        }
        if packet.receive.is_unknown() || packet.transmit.is_unknown() {
            return Err(Ignored::NoTime);
        }
        self.last_transmit = packet.transmit;
        let own = Exchanged { asked: asked.at, server_received: packet.receive, answered: now };
        let before = std::mem::replace(&mut self.before, self.config.interleaved.then_some(own));
        // The stamps of one exchange, never of two: an interleaved answer completes the one before.
        let (offset_doubled, delay) = match before.filter(|_| interleaved) {
            Some(one) => Sample::measure(one.asked, one.server_received, packet.transmit, one.answered),
            None => Sample::measure(asked.at, packet.receive, packet.transmit, now),
        };
        if delay < 0 {
            return Err(Ignored::NegativeDelay);
        }
        Ok(Received::Sample(Sample {
            offset_doubled,
            delay,
            leap: packet.leap,
            stratum: packet.stratum,
            root_delay: packet.root_delay,
            root_dispersion: packet.root_dispersion,
            interleaved,
        }))
    }

    /// The question that `packet` answers, and whether interleaved. A stamp that is unknown matches nothing.
    fn matches(&self, packet: &Packet) -> Option<(Asked, bool)> {
        let asked = self.asked.filter(|_| !packet.origin.is_unknown())?;
        if packet.origin == asked.transmit {
            Some((asked, false))
        } else if packet.origin == asked.receive {
            Some((asked, true))
        } else {
            None
        }
    }

    fn kissed(&mut self, code: KissCode) -> KissCode {
        match code {
            KissCode::DENY | KissCode::RESTRICT => self.denied = Some(code),
            KissCode::RATE => {
                self.poll = (self.poll + 1).min(self.config.poll_max);
                self.wait_s = self.wait_s.max(self.interval_s());
            }
            // Information, and no more than that (RFC 5905 §7.4).
            _ => {}
        }
        code
    }
}
