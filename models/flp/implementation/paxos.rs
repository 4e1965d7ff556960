//! Paxos, single-decree: every process accepts, and some propose.
//!
//! Agrees whatever happens, and decides when a majority goes on and one proposer is left alone for long enough; two
//! that take turns at the wrong moments keep each other from it for ever.
//!
//! Source: L. Lamport, "Paxos Made Simple", ACM SIGACT News 32(4), 2001.
//!
//! # On disk before it is sent
//! An acceptor: the highest ballot that it has promised, before a promise; ballot and value that it has accepted last,
//! before it says that it has. A proposer: its newest ballot, before it asks for promises, so that it never proposes two
//! values in one. Promises and acceptances that it has counted may be lost: it begins a higher ballot.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Group, GroupError, Process, ProcessId, Refused, Sent, Stepped, to_each};

/// A ballot. Ballots are ordered by round, and by proposer within one, so that no two proposers share any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ballot {
    /// Its round, from 0.
    pub round: u64,
    /// The proposer whose ballot it is.
    pub proposer: ProcessId,
}

/// A value, and the ballot in which it was accepted.
pub type Accepted = Option<(Ballot, u64)>;

/// What processes send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A proposer asks for promises (1a).
    Prepare(Ballot),
    /// An acceptor promises to the ballot's proposer (1b).
    Promise {
        /// The ballot.
        ballot: Ballot,
        /// The value that the acceptor accepted last, with its ballot.
        accepted: Accepted,
    },
    /// A proposer asks acceptors to accept (2a).
    Accept {
        /// The ballot.
        ballot: Ballot,
        /// The value.
        value: u64,
    },
    /// An acceptor tells the ballot's proposer that it has accepted (2b).
    Accepted(Ballot),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Proposing {
    Nothing,
    Preparing { promises: BTreeMap<ProcessId, Accepted> },
    Accepting { value: u64, accepted_by: BTreeSet<ProcessId> },
    Decided(u64),
}

/// A process of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    group: Group,
    id: ProcessId,
    /// The value that it would propose; `None` for a process that only accepts.
    proposal: Option<u64>,
    promised: Option<Ballot>,
    accepted: Accepted,
    ballot: Option<Ballot>,
    proposing: Proposing,
}

impl Paxos {
    /// Process `id` of `group`. With a `proposal` it begins a ballot whenever it is woken, and only then. Whoever runs
    /// it says how long to wait, and the longer two proposers wait the less they get in each other's way.
    ///
    /// # Errors
    /// There is no such process.
    pub fn new(group: Group, id: ProcessId, proposal: Option<u64>) -> Result<Self, GroupError> {
        group.admit(id)?;
        let proposing = Proposing::Nothing;
        Ok(Paxos { group, id, proposal, promised: None, accepted: None, ballot: None, proposing })
    }

    /// The process's own first ballot above all that it knows of.
    fn next_ballot(&self) -> Option<Ballot> {
        let Some(known) = self.ballot.max(self.promised) else { return Some(Ballot { round: 0, proposer: self.id }) };
        let same_round = Ballot { round: known.round, proposer: self.id };
        if same_round > known {
            return Some(same_round);
        }
        Some(Ballot { round: known.round.checked_add(1)?, proposer: self.id })
    }

    fn begin_ballot(&mut self) -> Vec<Sent<Message>> {
        if self.proposal.is_none() || matches!(self.proposing, Proposing::Decided(_)) {
            return Vec::new();
        }
        // Whoever has seen the last ballot there can be, from a stranger's hand, begins none.
        let Some(ballot) = self.next_ballot() else { return Vec::new() };
        self.ballot = Some(ballot);
        self.proposing = Proposing::Preparing { promises: BTreeMap::new() };
        to_each(self.group.members(), &Message::Prepare(ballot))
    }

    fn hear(&mut self, from: ProcessId, message: Message) -> Result<Vec<Sent<Message>>, Refused> {
        let ballot = match message {
            Message::Prepare(ballot)
            | Message::Promise { ballot, .. }
            | Message::Accept { ballot, .. }
            | Message::Accepted(ballot) => ballot,
        };
        self.group.admit(ballot.proposer)?;
        let speaker = match message {
            Message::Prepare(_) | Message::Accept { .. } => from,
            Message::Promise { .. } | Message::Accepted(_) => self.id,
        };
        // Of a ballot its proposer speaks, and is spoken to; and it knows the ballots that it began.
        let never_begun = ballot.proposer == self.id && Some(ballot) > self.ballot;
        if ballot.proposer != speaker || never_begun {
            return Err(Refused::OutOfPlace { from });
        }
        match message {
            Message::Prepare(ballot) => {
                if self.promised.is_some_and(|promised| promised >= ballot) {
                    return Ok(Vec::new());
                }
                self.promised = Some(ballot);
                Ok(vec![Sent { to: from, message: Message::Promise { ballot, accepted: self.accepted } }])
            }
            Message::Accept { ballot, value } => {
                if self.promised.is_some_and(|promised| promised > ballot) {
                    return Ok(Vec::new());
                }
                if self.accepted.is_some_and(|(before, other)| before == ballot && other != value) {
                    return Err(Refused::Contradicts { from });
                }
                self.promised = Some(ballot);
                self.accepted = Some((ballot, value));
                Ok(vec![Sent { to: from, message: Message::Accepted(ballot) }])
            }
            // Accepted in the ballot itself, or above: before that was proposed at all.
            Message::Promise { ballot, accepted: Some((before, _)) } if before >= ballot => {
                Err(Refused::OutOfPlace { from })
            }
            Message::Promise { ballot, accepted } if Some(ballot) == self.ballot => self.count_promise(from, accepted),
            Message::Accepted(ballot) if Some(ballot) == self.ballot => {
                match &mut self.proposing {
                    Proposing::Accepting { value, accepted_by } => {
                        accepted_by.insert(from);
                        if accepted_by.len() >= self.group.majority() {
                            self.proposing = Proposing::Decided(*value);
                        }
                    }
                    Proposing::Preparing { .. } => return Err(Refused::OutOfPlace { from }),
                    Proposing::Nothing | Proposing::Decided(_) => {}
                }
                Ok(Vec::new())
            }
            Message::Promise { .. } | Message::Accepted(_) => Ok(Vec::new()),
        }
    }

    fn count_promise(&mut self, from: ProcessId, accepted: Accepted) -> Result<Vec<Sent<Message>>, Refused> {
        let (Proposing::Preparing { promises }, Some(ballot)) = (&mut self.proposing, self.ballot) else {
            return Ok(Vec::new());
        };
        if *promises.entry(from).or_insert(accepted) != accepted {
            return Err(Refused::Contradicts { from });
        }
        if promises.len() < self.group.majority() {
            return Ok(Vec::new());
        }
        let highest = promises.values().flatten().max_by_key(|(ballot, _)| *ballot);
        let Some(value) = highest.map(|(_, value)| *value).or(self.proposal) else { return Ok(Vec::new()) };
        self.proposing = Proposing::Accepting { value, accepted_by: BTreeSet::new() };
        Ok(to_each(self.group.members(), &Message::Accept { ballot, value }))
    }
}

impl Process for Paxos {
    type Message = Message;
    type Value = u64;

    fn step(&self, event: &Event<Message>) -> Stepped<Self> {
        let mut after = self.clone();
        let sent = match *event {
            Event::Message { from, message } => after.hear(after.group.admit(from)?, message)?,
            Event::Nothing => after.begin_ballot(),
            Event::Suspicion { .. } | Event::Coin(_) => Vec::new(),
        };
        Ok((after, sent))
    }

    fn decision(&self) -> Option<&u64> {
        match &self.proposing {
            Proposing::Decided(value) => Some(value),
            Proposing::Nothing | Proposing::Preparing { .. } | Proposing::Accepting { .. } => None,
        }
    }
}
