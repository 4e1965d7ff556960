//! Everybody votes once: wait for all, the AND of two-phase commit, a sequencer, the first votes.
//!
//! # On disk before it is sent
//! The vote, before it is sent: it is given once. Of a leader, or where the first votes decide: the decision, and for the
//! sequencer that is the first vote that it got, before anybody is told.

use super::{Event, Group, GroupError, Process, ProcessId, Refused, Sent, Stepped, to_each};

/// What the votes are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// All votes are waited for, and more than half decide for 1. Blocks if anyone stops.
    WaitForAll,
    /// The leader waits for all votes and decides 1 if all are. Blocks if anyone stops.
    And,
    /// The leader decides the first vote that it gets; its own does not count. Blocks if the leader stops.
    Sequencer,
    /// All votes but one are waited for, one's own included, and more than half of them decide for 1. Does not agree.
    FirstVotes,
}

/// The leader, where a rule has one.
pub const LEADER: ProcessId = 0;

/// What voters send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A process votes.
    Vote(bool),
    /// The leader tells what it decided.
    Decision(bool),
}

/// A process that votes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Voter {
    group: Group,
    id: ProcessId,
    rule: Rule,
    input: bool,
    voted: bool,
    heard: Vec<Option<bool>>,
    decided: Option<bool>,
}

impl Voter {
    /// Process `id` of `group`, which votes for `input` with its first step.
    ///
    /// # Errors
    /// There is no such process.
    pub fn new(group: Group, id: ProcessId, rule: Rule, input: bool) -> Result<Self, GroupError> {
        group.admit(id)?;
        Ok(Voter { group, id, rule, input, voted: false, heard: vec![None; group.count()], decided: None })
    }

    fn has_leader(&self) -> bool {
        matches!(self.rule, Rule::And | Rule::Sequencer)
    }

    fn hear(&mut self, from: ProcessId, vote: bool) -> Result<(), Refused> {
        if self.has_leader() && self.id != LEADER {
            return Err(Refused::OutOfPlace { from });
        }
        match self.heard[from].replace(vote) {
            Some(before) if before != vote => Err(Refused::Contradicts { from }),
            _ => Ok(()),
        }
    }

    fn vote(&mut self) -> Vec<Sent<Message>> {
        if std::mem::replace(&mut self.voted, true) {
            return Vec::new();
        }
        let counts_itself = !self.has_leader() || (self.rule == Rule::And && self.id == LEADER);
        if counts_itself {
            self.heard[self.id] = Some(self.input);
        }
        let vote = Message::Vote(self.input);
        match (self.has_leader(), self.id) {
            (false, _) => to_each(self.group.others(self.id), &vote),
            (true, LEADER) => Vec::new(),
            (true, _) => vec![Sent { to: LEADER, message: vote }],
        }
    }

    fn count(&self) -> Option<bool> {
        let count = self.heard.iter().flatten().count();
        let ones = self.heard.iter().flatten().filter(|vote| **vote).count();
        let all = self.group.count();
        match self.rule {
            Rule::WaitForAll => (count == all).then_some(2 * ones > count),
            Rule::And => (self.id == LEADER && count == all).then_some(ones == count),
            Rule::Sequencer => self.heard.iter().flatten().next().copied(),
            Rule::FirstVotes => (count + 1 >= all).then_some(2 * ones > count),
        }
    }
}

impl Process for Voter {
    type Message = Message;
    type Value = bool;

    fn step(&self, event: &Event<Message>) -> Stepped<Self> {
        let mut after = self.clone();
        let mut sent = after.vote();
        match *event {
            Event::Message { from, message } => match (after.group.admit(from)?, message) {
                (from, _) if from == self.id => return Err(Refused::OutOfPlace { from }),
                (from, Message::Vote(vote)) if self.decided.is_none() => after.hear(from, vote)?,
                (_, Message::Vote(_)) => {}
                (from, Message::Decision(_)) if !self.has_leader() || from != LEADER => {
                    return Err(Refused::OutOfPlace { from });
                }
                (from, Message::Decision(value)) => {
                    if *after.decided.get_or_insert(value) != value {
                        return Err(Refused::Contradicts { from });
                    }
                }
            },
            Event::Nothing | Event::Suspicion { .. } | Event::Coin(_) => {}
        }
        if after.decided.is_none()
            && let Some(value) = after.count()
        {
            after.decided = Some(value);
            if after.has_leader() {
                sent.extend(to_each(after.group.others(after.id), &Message::Decision(value)));
            }
        }
        Ok((after, sent))
    }

    fn decision(&self) -> Option<&bool> {
        self.decided.as_ref()
    }
}
