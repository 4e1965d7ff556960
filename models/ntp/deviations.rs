//! Where the model deviates: each [`Variant`] has one defect, and each deviation is a hook that the rules ask.

use serde::Serialize;

use super::model::{Answer, Asked, Client, ERA, Exchange, Mark, State};

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// Client and server as they should be.
    #[default]
    Sound,
    /// Takes an origin of 0 for an answer when nothing is asked (CVE-2015-8138).
    AcceptsZeroOrigin,
    /// Honours a kiss before it looks at the origin (CVE-2015-7704).
    HonoursKissFirst,
    /// Goes on waiting once it is answered.
    KeepsQuestionOpen,
    /// Gives its question up at a packet that is no answer to it (RFC 5905 §8 read literally: state first, then the
    /// check).
    UpdatesBeforeCheck,
    /// Does not look at the leap indicator.
    BelievesUnsynchronised,
    /// Does not look at the stratum.
    BelievesAnyStratum,
    /// Reads stamps that are missing.
    ReadsMissingStamps,
    /// Subtracts stamps as if a later one were never smaller.
    SubtractsUnsigned,
    /// Subtracts stamps in more bits than they have.
    SubtractsWide,
    /// Halves each part of the offset by itself.
    HalvesTooEarly,
    /// Asks more often when it is told to ask less (RFC 5905 §7.4 says to reduce the interval).
    ShortensOnRate,
    /// Asks on when it is denied.
    AsksOnWhenDenied,
    /// Lets the server answer answers.
    AnswersAnswers,
    /// Lets the server keep an answer for the next although another bore the same receive stamp.
    KeepsTwins,
    /// Lets the server keep its answers to those clients alone that have asked for interleaved ones already.
    KeepsForInterleavedAlone,
    /// Takes an interleaved answer's stamps together with when it arrived itself.
    MispairsInterleaved,
}

impl Exchange {
    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// Difference of two stamps that is `wide` before eras are thought of, where it is not the nearer of the two.
    pub(super) fn subtracted(&self, wide: i8) -> Option<i8> {
        match self.variant {
            Variant::SubtractsWide => Some(wide),
            Variant::SubtractsUnsigned => Some(wide.rem_euclid(ERA.cast_signed())),
            _ => None,
        }
    }

    /// Twice the offset, of what the way out and the way back say.
    pub(super) fn doubled(&self, out: i8, back: i8) -> i8 {
        if self.is(Variant::HalvesTooEarly) { (out / 2 + back / 2) * 2 } else { out + back }
    }

    /// Whether `client` was denied and asks no more.
    pub(super) fn obeys_denial(&self, client: &Client) -> bool {
        client.denied && !self.is(Variant::AsksOnWhenDenied)
    }

    /// Whether the server keeps its answer to a question of this origin field.
    pub(super) fn keeps_answer(&self, origin: Option<u8>) -> bool {
        origin.is_some() || !self.is(Variant::KeepsForInterleavedAlone)
    }

    /// Whether the server keeps an answer though another bore the same receive stamp.
    pub(super) fn keeps_twins(&self) -> bool {
        self.is(Variant::KeepsTwins)
    }

    /// Whether the server answers answers.
    pub(super) fn answers_answers(&self) -> bool {
        self.is(Variant::AnswersAnswers)
    }

    /// Whether the client does what a packet says before it looks at the origin.
    pub(super) fn honours_first(&self, says: Answer) -> bool {
        self.is(Variant::HonoursKissFirst) && matches!(says, Answer::Rate | Answer::Deny)
    }

    /// The question that the client takes `origin` to answer though nothing was asked so.
    pub(super) fn taken_for_asked(&self, state: &mut State, origin: Mark) -> Option<Asked> {
        match self.variant {
            Variant::AcceptsZeroOrigin if origin == Mark::Unknown && state.client.asked.is_none() => {
                let now = Exchange::client_clock(state);
                Some(Asked { at: now, transmit: Mark::Unknown, receive: Mark::Nonce(u8::MAX) })
            }
            Variant::UpdatesBeforeCheck => {
                state.client.asked = None;
                None
            }
            _ => None,
        }
    }

    /// The question that waits once it was answered: none.
    pub(super) fn still_asked(&self, asked: Option<Asked>) -> Option<Asked> {
        asked.filter(|_| self.is(Variant::KeepsQuestionOpen))
    }

    /// Whether the client believes an answer that has no time.
    pub(super) fn believes(&self, says: Answer) -> bool {
        match says {
            Answer::Unsynchronised => self.is(Variant::BelievesUnsynchronised),
            Answer::TooDeep => self.is(Variant::BelievesAnyStratum),
            Answer::NoTime => self.is(Variant::ReadsMissingStamps),
            Answer::Time | Answer::Stepped | Answer::Rate | Answer::Deny => false,
        }
    }

    /// The arrival that belongs to an interleaved answer's stamps: that of the exchange before.
    pub(super) fn paired(&self, before: u8, now: u8) -> u8 {
        if self.is(Variant::MispairsInterleaved) { now } else { before }
    }

    /// Whether the client asks more often when it is told to ask less.
    pub(super) fn shortens_on_rate(&self) -> bool {
        self.is(Variant::ShortensOnRate)
    }
}
