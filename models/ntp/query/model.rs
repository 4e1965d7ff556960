//! Sub-model *query*: a question and what comes back, one packet, and after it an honest answer. What does a client
//! that asks once make of it?
//!
//! The honest answer behind is a barrier: whoever ignored the first packet takes it, so that nobody waits for nothing.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Ticks that the server is ahead by, as the honest answer behind says.
pub const BEHIND: i8 = 7;

/// Ticks that the server is ahead by, as whatever lies says.
pub const LIE: i8 = 5;

/// The packet that comes back first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Ask {
    /// The time, from a server that is ahead by so many ticks.
    Time {
        /// Ticks, negative where the server is behind.
        ahead: i8,
    },
    /// The time, with four bytes behind the header.
    Extended,
    /// The time, in a packet of version 3.
    Older,
    /// A lie whose origin is another.
    WrongOrigin,
    /// A lie whose origin is 0.
    ZeroOrigin,
    /// A lie that is no answer but a question.
    Question,
    /// A lie that is no answer but a broadcast.
    Broadcast,
    /// A packet of 47 bytes.
    Short,
    /// A kiss whose origin is another.
    ForgedKiss,
    /// A kiss: ask less often.
    Rate,
    /// A kiss: go away.
    Deny,
    /// An answer with leap indicator 3.
    Unsynchronised,
    /// An answer of stratum 16.
    TooDeep,
    /// An answer without a receive stamp.
    NoReceive,
    /// An answer without a transmit stamp.
    NoTransmit,
    /// An answer of a server that is 16 s from its reference clock.
    TooFar,
}

/// Packets that may come back first.
pub const ASKS: [Ask; 17] = [
    Ask::Time { ahead: -3 },
    Ask::Time { ahead: 0 },
    Ask::Time { ahead: 3 },
    Ask::Extended,
    Ask::Older,
    Ask::WrongOrigin,
    Ask::ZeroOrigin,
    Ask::Question,
    Ask::Broadcast,
    Ask::Short,
    Ask::ForgedKiss,
    Ask::Rate,
    Ask::Deny,
    Ask::Unsynchronised,
    Ask::TooDeep,
    Ask::NoReceive,
    Ask::NoTransmit,
];

/// What the client makes of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Outcome {
    /// The client believes that the server is ahead by so many ticks.
    Believes(i8),
    /// The client believes a number that no server of this model says.
    BelievesNonsense,
    /// The client passes over the packet, and takes the one behind it.
    PassesOver,
    /// The client ends the query with the server's kiss.
    Kissed,
    /// The client ends the query without a time.
    GivesUp,
}

/// The model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Outcomes that a client makes of some packets otherwise than it should.
    pub quirks: Vec<(Ask, Outcome)>,
    /// Whether the server may be 16 s from its reference clock, besides.
    pub is_far: bool,
}

/// The state after the last query. Any packet may have been its last, so that there are no invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct State {
    /// The packet of the last query and its outcome.
    pub last: Option<(Ask, Outcome)>,
}

impl Ask {
    /// Whether the packet answers nothing: anybody may have sent it.
    pub fn answers_nothing(self) -> bool {
        use Ask::{Broadcast, ForgedKiss, Question, Short, WrongOrigin, ZeroOrigin};
        matches!(self, WrongOrigin | ZeroOrigin | Question | Broadcast | Short | ForgedKiss)
    }

    /// Whether the server says itself that it has no time.
    pub fn has_no_time(self) -> bool {
        matches!(self, Ask::Unsynchronised | Ask::TooDeep | Ask::NoReceive | Ask::NoTransmit | Ask::TooFar)
    }

    fn sound(self) -> Outcome {
        match self {
            Ask::Time { ahead } => Outcome::Believes(ahead),
            Ask::Extended => Outcome::Believes(1),
            Ask::Older
            | Ask::WrongOrigin
            | Ask::ZeroOrigin
            | Ask::Question
            | Ask::Broadcast
            | Ask::Short
            | Ask::ForgedKiss => Outcome::PassesOver,
            Ask::Rate | Ask::Deny => Outcome::Kissed,
            Ask::Unsynchronised | Ask::TooDeep | Ask::NoReceive | Ask::NoTransmit | Ask::TooFar => Outcome::GivesUp,
        }
    }
}

impl Query {
    /// The outcome of `ask`.
    pub fn outcome(&self, ask: Ask) -> Outcome {
        let quirk = self.quirks.iter().find(|(quirk, _)| *quirk == ask);
        quirk.map_or(ask.sound(), |(_, outcome)| *outcome)
    }
}

impl Model for Query {
    type State = State;
    type Action = Ask;

    fn init_states(&self) -> Vec<State> {
        vec![State { last: None }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Ask>) {
        actions.extend(ASKS);
        actions.extend(self.is_far.then_some(Ask::TooFar));
    }

    fn next_state(&self, before: &State, ask: Ask) -> Option<State> {
        let after = State { last: Some((ask, self.outcome(ask))) };
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
