//! What a configuration of the exchange is made of.
//!
//! A question is open from when it leaves until it is answered or the next one leaves; of two packets with one mark one
//! is the other's double. What is told and seen is of the last step alone.

use serde::Serialize;

use super::{Answer, ERA, Exchange, Mark, PACKETS_MAX};

/// A packet on its way or at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Packet {
    /// The packet is a question on its way to the server.
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
    /// The packet is a question at the server.
    Held {
        /// Transmit field of the question.
        transmit: Mark,
        /// Receive field of the question, of a client that asks for interleaved answers.
        receive: Mark,
        /// Origin field of the question: the receive stamp of the answer that the client had last.
        origin: Option<u8>,
        /// Receive stamp.
        received: u8,
        /// Ticks that the server may still take.
        left: u8,
    },
    /// The packet is an answer on its way to the client.
    Answer {
        /// The answer.
        says: Answer,
        /// Origin field: the mark of the question.
        origin: Mark,
        /// Receive stamp.
        received: u8,
        /// Transmit stamp; if the answer is interleaved, that of the answer before.
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
    /// Whether the client was denied.
    pub denied: bool,
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Asked {
    /// Time when it left, by the client's clock.
    pub at: u8,
    /// Transmit field.
    pub transmit: Mark,
    /// Receive field.
    pub receive: Mark,
}

/// An exchange that is over but for its transmit stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Before {
    /// Time when the question left.
    pub asked: u8,
    /// Time when the server received it.
    pub received: u8,
    /// Time when the answer arrived.
    pub arrived: u8,
}

/// A configuration. Packets lie in slots; one keeps its slot from the question to the answer.
///
/// Invariants, whatever the variant: clocks and stamps are inside an era; no packet has longer to go, or to be held,
/// than the model allows; no more was lost, doubled, forged or missed than it allows; the client's interval is no
/// longer than the longest, and it has no longer to wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Reading of the server's clock, which is right.
    pub time: u8,
    /// Ticks that it is ahead of the client's.
    pub offset: i8,
    /// The client.
    pub client: Client,
    /// What the server keeps for interleaved answers: receive and transmit stamp of its last answer; no transmit
    /// stamp, if another answer bore the same receive stamp.
    pub kept: Option<(u8, Option<u8>)>,
    /// Packets that are on their way or at the server, by slot.
    pub packets: [Option<Packet>; PACKETS_MAX],
    /// Number of packets lost so far.
    pub losses: u8,
    /// Number of packets doubled so far.
    pub doubles: u8,
    /// Number of packets forged so far.
    pub forgeries: u8,
    /// Number of ticks missed so far.
    pub slips: u8,
    /// History variables.
    pub history: History,
}

impl State {
    /// Whether the invariants hold.
    pub(super) fn is_consistent(&self, model: &Exchange) -> bool {
        let client = &self.client;
        let asked = client.asked.iter().map(|asked| asked.at).chain(client.last_transmit);
        let before = client.before.iter().flat_map(|before| [before.asked, before.received, before.arrived]);
        let kept = self.kept.iter().flat_map(|(received, left)| [Some(*received), *left]).flatten();
        let mut stamps = asked.chain(before).chain(kept).chain([self.time]);
        let fits = |packet: &Packet| match *packet {
            Packet::Question { left, .. } => left <= model.delay_max,
            Packet::Held { received, left, .. } => left <= model.hold_max && received < ERA,
            Packet::Answer { received, transmitted, left, .. } => {
                left <= model.delay_max && received < ERA && transmitted < ERA
            }
        };
        stamps.all(|stamp| stamp < ERA)
            && self.packets.iter().flatten().all(fits)
            && self.losses <= model.losses_max
            && self.doubles <= model.doubles_max
            && self.forgeries <= model.forgeries_max
            && self.slips <= model.slips_max
            && client.poll <= model.poll_max
            && client.wait <= 1 << model.poll_max
    }
}

/// History variables: they steer nothing, properties read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct History {
    /// Whether the client has measured.
    pub synchronised: bool,
    /// What this step has shown.
    pub seen: Seen,
    /// Whether the question was answered and counted.
    pub counted: bool,
    /// Ticks missed since the question left, and, of an interleaved exchange, since the one before.
    pub slipped: [u8; 2],
}

/// What was seen to happen in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether a forged packet was counted.
    pub believed_forged: bool,
    /// Whether a packet that is no answer changed something.
    pub disturbed: bool,
    /// Whether an exchange was counted twice.
    pub counted_twice: bool,
    /// Whether an offset was wrong by more than half the round trip.
    pub beyond_half: bool,
    /// Whether an offset was wrong by more than half the round trip, and drift does not explain it.
    pub beyond_drift: bool,
    /// Whether a round trip was longer than the network makes it.
    pub too_long: bool,
    /// Whether the interval became shorter by a kiss.
    pub shortened: bool,
    /// Whether a question left after a denial.
    pub asked_denied: bool,
    /// Whether a server was believed that says it has no time.
    pub believed_timeless: bool,
    /// Whether the server answered an answer.
    pub answered_answer: bool,
    /// Whether an offset was wrong by exactly half the round trip.
    pub tight: bool,
    /// Whether the era ended between question and answer.
    pub rolled_over: bool,
    /// Whether an interleaved answer was counted.
    pub interleaved: bool,
    /// Whether a negative round trip was told as such.
    pub negative: bool,
}

/// What comes of a packet at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Heard {
    /// The packet gave a measurement: twice the offset and the round trip, in ticks.
    Measured {
        /// Twice the ticks that the server is ahead by.
        offset_doubled: i8,
        /// Round trip in ticks.
        delay: i8,
    },
    /// The server sent a kiss.
    Kissed(Answer),
    /// The server is not synchronised.
    Unsynchronised,
    /// The server's stratum is above 15.
    TooDeep,
    /// The answer lacks a stamp.
    NoTime,
    /// The round trip is negative.
    NegativeDelay,
    /// The packet is the last answer again.
    Duplicate,
    /// The packet is no answer to what was asked.
    Bogus,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// There is nothing to say.
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
