//! Sub-model *exchange*: a client, a server, and a network that delays, loses, doubles and reorders; an attacker who
//! sees nothing and may send anything.
//!
//! Time is a tick counter modulo [`ERA`], so that the rollover of 2036 is a part of every run. One thing is counted by
//! it: what clocks show. How long a question waits and how old a packet is are counted down and know no era.

use serde::Serialize;
use stateright::{Model, Property};

pub use super::deviations::Variant;
use super::properties;

mod state;
mod steps;

pub use self::state::{Asked, Before, Client, Heard, History, Packet, Seen, State, Told};

/// Number of ticks in an era.
pub const ERA: u8 = 16;

/// Most packets at one time that are on their way or at the server.
pub const PACKETS_MAX: usize = 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Ticks that the server's clock is ahead of the client's: −3 to 3.
    pub offset: i8,
    /// Most ticks that a packet is on its way.
    pub delay_max: u8,
    /// Most ticks that the server keeps a question.
    pub hold_max: u8,
    /// Least ticks between questions, which are also the first, as a power of two.
    pub poll_min: u8,
    /// Most ticks between questions, as a power of two.
    pub poll_max: u8,
    /// The stamp in a question's transmit field.
    pub stamps: Stamps,
    /// Whether the client asks for interleaved answers, and the server gives them (RFC 9769).
    pub interleaved: bool,
    /// Answers that the server may give.
    pub answers: Vec<Answer>,
    /// Most packets that the network may lose.
    pub losses_max: u8,
    /// Most packets that the network, or somebody who listens, may send a second time.
    pub doubles_max: u8,
    /// Most packets that the attacker may forge.
    pub forgeries_max: u8,
    /// Most ticks that the client's clock may miss: drift.
    pub slips_max: u8,
    /// What is done otherwise than it should be.
    pub variant: Variant,
}

/// The stamp in a question's transmit field, which comes back as the answer's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Stamps {
    /// Random bits. An attacker who does not see the question misses them, as often as there are forgeries: a hit, one
    /// in 2⁶⁴ for each, is left out.
    Random,
    /// The time when the question left. Who knows when the client asks knows it.
    Predictable,
}

/// An answer of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Answer {
    /// The server tells the time.
    Time,
    /// The server sends a kiss: ask less often.
    Rate,
    /// The server sends a kiss: go away.
    Deny,
    /// The server says that it is not synchronised: leap indicator 3.
    Unsynchronised,
    /// The server says that its stratum is 16.
    TooDeep,
    /// The server sends no receive stamp.
    NoTime,
    /// The server tells the time, its clock having been set forward by three ticks since the question arrived.
    Stepped,
}

/// The attacker's guess of the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Guess {
    /// The origin is 0.
    Zero,
    /// The origin is any other.
    Wrong,
    /// The origin is the time when the client asked last, if it asks by the schedule.
    Schedule,
}

/// The mark of a question: a stamp, random bits, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Mark {
    /// The mark is 0.
    Unknown,
    /// A clock's reading.
    Time(u8),
    /// Random bits, by number: equal numbers, equal bits.
    Nonce(u8),
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A tick goes by.
    Tick,
    /// The client asks, if it is time. Drawn: random bits that no packet bears.
    Poll {
        /// Numbers of the random bits for the transmit and the receive field.
        nonces: [u8; 2],
    },
    /// A packet arrives.
    Deliver {
        /// The packet, 0-based.
        packet: u8,
    },
    /// The server answers.
    Reply {
        /// The packet of the question, 0-based.
        packet: u8,
        /// The answer.
        answer: Answer,
    },
    /// A packet is lost.
    Lose {
        /// The packet, 0-based.
        packet: u8,
    },
    /// A packet is sent a second time, as it is, and has all its time before it.
    Double {
        /// The packet, 0-based.
        packet: u8,
    },
    /// A packet of the attacker's arrives at the client: a time that is wrong by five ticks, or a kiss.
    Forge {
        /// The origin of the packet.
        origin: Guess,
        /// The answer that it pretends to be: [`Answer::Time`], [`Answer::Rate`] or [`Answer::Deny`].
        says: Answer,
    },
    /// A packet of the attacker's arrives at the server: an answer.
    Reflect,
    /// The client's clock misses a tick.
    Slip,
}

impl Exchange {
    /// An exchange with an honest server, one tick each way and one at the server, and a question every four ticks.
    pub fn small() -> Self {
        Exchange {
            offset: 3,
            delay_max: 1,
            hold_max: 1,
            poll_min: 2,
            poll_max: 2,
            stamps: Stamps::Random,
            interleaved: false,
            answers: vec![Answer::Time],
            losses_max: 1,
            doubles_max: 1,
            forgeries_max: 1,
            slips_max: 0,
            variant: Variant::Sound,
        }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Exchange { variant, ..self }
    }
}

impl Exchange {
    /// The state that `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut after = before.clone();
        after.history.seen = Seen::default();
        let told = match action {
            Action::Tick => {
                after.time = wrapped(after.time, 1);
                after.client.wait = after.client.wait.saturating_sub(1);
                for packet in after.packets.iter_mut().flatten() {
                    let left = packet.left_mut();
                    *left = left.saturating_sub(1);
                }
                Told::Done
            }
            Action::Poll { nonces } => self.poll(&mut after, nonces),
            Action::Deliver { packet } => self.deliver(&mut after, usize::from(packet)),
            Action::Reply { packet, answer } => {
                self.reply(&mut after, usize::from(packet), answer);
                Told::Done
            }
            Action::Lose { packet } => {
                after.packets[usize::from(packet)] = None;
                after.losses += 1;
                Told::Done
            }
            Action::Double { packet } => {
                let mut copy = after.packets[usize::from(packet)];
                if let Some(copy) = &mut copy {
                    *copy.left_mut() = self.delay_max;
                }
                if let Some(slot) = after.packets.iter_mut().find(|slot| slot.is_none()) {
                    *slot = copy;
                    after.doubles += 1;
                }
                Told::Done
            }
            Action::Forge { origin, says } => {
                after.forgeries += 1;
                self.forge(&mut after, origin, says)
            }
            Action::Reflect => {
                after.forgeries += 1;
                after.history.seen.answered_answer |= self.answers_answers();
                if self.answers_answers() { Told::Taken } else { Told::Unanswered }
            }
            Action::Slip => {
                after.offset += 1;
                after.slips += 1;
                let [now, earlier] = after.history.slipped;
                after.history.slipped = [now + 1, earlier];
                Told::Done
            }
        };
        (after, told)
    }

    fn offer(&self, state: &State, slot: u8, packet: &Packet, actions: &mut Vec<Action>) {
        match packet {
            Packet::Held { .. } => {
                let replies = self.answers.iter().map(|answer| Action::Reply { packet: slot, answer: *answer });
                actions.extend(replies);
            }
            Packet::Question { .. } | Packet::Answer { .. } => {
                actions.push(Action::Deliver { packet: slot });
                if state.losses < self.losses_max {
                    actions.push(Action::Lose { packet: slot });
                }
                if state.doubles < self.doubles_max && state.packets.contains(&None) {
                    actions.push(Action::Double { packet: slot });
                }
            }
        }
    }
}

impl Model for Exchange {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let client =
            Client { asked: None, last_transmit: None, before: None, poll: self.poll_min, wait: 0, denied: false };
        vec![State {
            time: 0,
            offset: self.offset,
            client,
            kept: None,
            packets: [None; PACKETS_MAX],
            losses: 0,
            doubles: 0,
            forgeries: 0,
            slips: 0,
            history: History::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.packets.contains(&None) {
            actions.push(Action::Poll { nonces: self.fresh(state) });
        }
        for (slot, packet) in (0..).zip(&state.packets) {
            if let Some(packet) = packet {
                self.offer(state, slot, packet, actions);
            }
        }
        if state.forgeries < self.forgeries_max {
            for origin in [Guess::Zero, Guess::Wrong, Guess::Schedule] {
                for says in [Answer::Time, Answer::Rate, Answer::Deny] {
                    actions.push(Action::Forge { origin, says });
                }
            }
            actions.push(Action::Reflect);
        }
        if state.slips < self.slips_max {
            actions.push(Action::Slip);
        }
        // What has to arrive in this tick arrives in this tick.
        if state.packets.iter().flatten().all(|packet| packet.left() > 0) {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

/// The reading that is `ticks` later than `time`, in its era.
pub fn wrapped(time: u8, ticks: i8) -> u8 {
    (time.cast_signed() + ticks).rem_euclid(ERA.cast_signed()).cast_unsigned()
}
