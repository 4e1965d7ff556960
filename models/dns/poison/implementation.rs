//! Questions on their way, and which answer is theirs.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use thiserror::Error;

use super::super::implementation::{Finding, Message, Name, Question, sift};

/// What is drawn for a question, from a source that nobody can foresee: 32 bits between them (RFC 5452 §9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Draw {
    /// The message's id.
    pub id: u16,
    /// The port that it is sent from.
    pub port: u16,
}

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    draw: Draw,
    server: SocketAddr,
    zone: Name,
}

/// Questions on their way. None is asked twice at once: with two of them a guess would have twice the chance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchanges {
    open: BTreeMap<Question, Open>,
    open_max: usize,
}

/// Why a question is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotSent {
    /// It is on its way, and whoever asks waits for its answer.
    #[error("the question is on its way")]
    UnderWay,
    /// Too many are.
    #[error("too many questions are on their way")]
    Full,
}

/// Why an answer is not believed. It is as if it had not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Ignored {
    /// It is a question.
    #[error("it is no answer")]
    NoAnswer,
    /// Nobody has asked that.
    #[error("nobody has asked that")]
    OtherQuestion,
    /// The question was sent to another server.
    #[error("it comes from another server")]
    OtherServer,
    /// The question was sent from another port.
    #[error("it comes to another port")]
    OtherPort,
    /// The question had another id.
    #[error("it has another id")]
    OtherId,
}

impl Exchanges {
    /// None yet, and at most `open_max` at once.
    pub fn new(open_max: usize) -> Self {
        Exchanges { open: BTreeMap::new(), open_max }
    }

    /// How many are on their way.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// `server`, of `zone`, is asked.
    ///
    /// # Errors
    /// The question is on its way already, or too many are.
    pub fn ask(&mut self, question: Question, zone: Name, server: SocketAddr, draw: Draw) -> Result<Message, NotSent> {
        if self.open.contains_key(&question) {
            return Err(NotSent::UnderWay);
        }
        if self.open.len() >= self.open_max {
            return Err(NotSent::Full);
        }
        let message = Message { id: draw.id, question: Some(question.clone()), ..Message::default() };
        self.open.insert(question, Open { draw, server, zone });
        Ok(message)
    }

    /// A message has come from `from` to our `port`. If it answers a question, that is on its way no more.
    ///
    /// # Errors
    /// It answers none, and why.
    pub fn receive(&mut self, message: &Message, from: SocketAddr, port: u16) -> Result<(Question, Finding), Ignored> {
        if !message.is_answer {
            return Err(Ignored::NoAnswer);
        }
        let asked = message.question.as_ref().and_then(|question| self.open.get_key_value(question));
        let Some((question, open)) = asked else { return Err(Ignored::OtherQuestion) };
        match open {
            Open { server, .. } if *server != from => Err(Ignored::OtherServer),
            Open { draw, .. } if draw.port != port => Err(Ignored::OtherPort),
            Open { draw, .. } if draw.id != message.id => Err(Ignored::OtherId),
            Open { zone, .. } => {
                let (question, finding) = (question.clone(), sift(message, question, zone));
                self.open.remove(&question);
                Ok((question, finding))
            }
        }
    }

    /// No answer will come.
    pub fn give_up(&mut self, question: &Question) -> bool {
        self.open.remove(question).is_some()
    }
}
