//! What a configuration of the exchange is made of.
//!
//! A question is open from when it leaves until it is answered or the next one leaves; of two packets with one mark one
//! is the other's double. What is told and seen is of the last step alone.

use serde::Serialize;

use super::{Answer, Mark, PACKETS_MAX};

/// A packet on its way or at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Packet {
    /// On its way to the server.
    Question {
        /// Transmit field.
        transmit: Mark,
        /// Receive field, of a client that asks for interleaved answers.
        receive: Mark,
        /// Origin field: the receive stamp of the answer that the client had last.
        origin: Option<u8>,
        /// Ticks that it may still take.
        left: u8,
    },
    /// At the server.
    Held {
        /// As above.
        transmit: Mark,
        /// As above.
        receive: Mark,
        /// As above.
        origin: Option<u8>,
        /// Receive stamp.
        received: u8,
        /// Ticks that the server may still take.
        left: u8,
    },
    /// On its way to the client.
    Answer {
        /// What it says.
        says: Answer,
        /// Origin.
        origin: Mark,
        /// Receive stamp.
        received: u8,
        /// Transmit stamp; of the answer before, if it is interleaved.
        transmitted: u8,
        /// Ticks that it may still take.
        left: u8,
    },
}

/// The client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Client {
    /// The question that waits for its answer.
    pub asked: Option<Asked>,
    /// Transmit stamp of the answer counted last, until the next question.
    pub last_transmit: Option<u8>,
    /// The exchange that an interleaved answer completes.
    pub before: Option<Before>,
    /// Ticks between questions, as a power of two.
    pub poll: u8,
    /// Ticks until the next question.
    pub wait: u8,
    /// It was denied.
    pub denied: bool,
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Asked {
    /// When it left, by the client's clock.
    pub at: u8,
    /// Transmit field.
    pub transmit: Mark,
    /// Receive field.
    pub receive: Mark,
}

/// An exchange that is over but for its transmit stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Before {
    /// When the question left.
    pub asked: u8,
    /// When the server received it.
    pub received: u8,
    /// When the answer arrived.
    pub arrived: u8,
}

/// A configuration. Packets lie in slots; one keeps its slot from the question to the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The server's clock, which is right.
    pub time: u8,
    /// Ticks that it is ahead of the client's.
    pub offset: i8,
    /// The client.
    pub client: Client,
    /// What the server keeps for interleaved answers: receive and transmit stamp of its last answer; no transmit
    /// stamp, if another answer bore the same receive stamp.
    pub kept: Option<(u8, Option<u8>)>,
    /// On their way.
    pub packets: [Option<Packet>; PACKETS_MAX],
    /// So far.
    pub losses: u8,
    /// So far.
    pub doubles: u8,
    /// So far.
    pub forgeries: u8,
    /// So far.
    pub slips: u8,
    /// History.
    pub history: History,
}

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct History {
    /// The client has measured.
    pub synchronised: bool,
    /// What this step has shown.
    pub seen: Seen,
    /// The question was answered and counted.
    pub counted: bool,
    /// Ticks missed since the question left; of an interleaved exchange, since the one before.
    pub slipped: [u8; 2],
}

/// What was seen to happen, in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// A forged packet was counted.
    pub believed_forged: bool,
    /// A packet that is no answer changed something.
    pub disturbed: bool,
    /// An exchange was counted twice.
    pub counted_twice: bool,
    /// An offset was wrong by more than half the round trip.
    pub beyond_half: bool,
    /// The same, and drift does not explain it.
    pub beyond_drift: bool,
    /// A round trip was longer than the network makes it.
    pub too_long: bool,
    /// The interval became shorter by a kiss.
    pub shortened: bool,
    /// A question left after a denial.
    pub asked_denied: bool,
    /// A server was believed that says it has no time.
    pub believed_timeless: bool,
    /// The server answered an answer.
    pub answered_answer: bool,
    /// An offset was wrong by exactly half the round trip.
    pub tight: bool,
    /// The era ended between question and answer.
    pub rolled_over: bool,
    /// An interleaved answer was counted.
    pub interleaved: bool,
    /// A negative round trip was told as such.
    pub negative: bool,
}

/// What comes of a packet at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Heard {
    /// Twice the offset and the round trip, in ticks.
    Measured {
        /// Twice what the server is ahead by.
        offset_doubled: i8,
        /// Round trip.
        delay: i8,
    },
    /// A kiss.
    Kissed(Answer),
    /// Not synchronised.
    Unsynchronised,
    /// Stratum above 15.
    TooDeep,
    /// Stamps are missing.
    NoTime,
    /// The round trip is negative.
    NegativeDelay,
    /// The last answer again.
    Duplicate,
    /// No answer to what was asked.
    Bogus,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// Nothing.
    Done,
    /// A question left.
    Asked,
    /// It is not time to ask, or it will never be again.
    NotYet,
    /// The server has a question.
    Taken,
    /// The server takes no notice.
    Unanswered,
    /// What the client makes of a packet.
    Heard(Heard),
}

impl Packet {
    pub(super) fn left(&self) -> u8 {
        match *self {
            Packet::Question { left, .. } | Packet::Held { left, .. } | Packet::Answer { left, .. } => left,
        }
    }

    pub(super) fn left_mut(&mut self) -> &mut u8 {
        match self {
            Packet::Question { left, .. } | Packet::Held { left, .. } | Packet::Answer { left, .. } => left,
        }
    }
}
