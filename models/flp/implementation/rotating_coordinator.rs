//! A rotating coordinator and quorums of votes: agrees however wrongly coordinators are suspected, and decides once a
//! coordinator that goes on is suspected by nobody.
//!
//! Source: A. Mostéfaoui, M. Raynal, "Solving Consensus Using Chandra-Toueg's Unreliable Failure Detectors: A General
//! Quorum-Based Approach", DISC 1999.
//!
//! # On disk before it is sent
//! The round, the estimate, and the vote in it, before the vote: whoever voted for an estimate must not vote otherwise in
//! that round, nor go into the next with another. A coordinator: its estimate of the round, before it tells it; and the
//! decision, before it tells that.

use std::collections::BTreeMap;

use super::{Event, Group, GroupError, Process, ProcessId, Refused, Sent, Stepped, to_each, within_reach};

/// What processes send each other. Rounds are counted from 0; round r is coordinated by process r mod n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// The coordinator tells its estimate.
    Estimate {
        /// The round.
        round: u64,
        /// The value that it would decide.
        value: u64,
    },
    /// A process votes for the coordinator's estimate.
    Vote {
        /// The round.
        round: u64,
        /// The estimate; `None` from a process that suspected the coordinator.
        value: Option<u64>,
    },
    /// A process tells what was decided.
    Decision(u64),
}

/// What was heard in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Heard {
    estimate: Option<u64>,
    /// Votes, by process.
    votes: BTreeMap<ProcessId, Option<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    New,
    AwaitsEstimate,
    AwaitsVotes,
    Decided(u64),
}

/// A process of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RotatingCoordinator {
    group: Group,
    id: ProcessId,
    round: u64,
    estimate: u64,
    phase: Phase,
    /// Messages heard of this round and of later ones.
    heard: BTreeMap<u64, Heard>,
}

impl RotatingCoordinator {
    /// Process `id` of `group`, which would have `input` decided.
    ///
    /// # Errors
    /// There is no such process.
    pub fn new(group: Group, id: ProcessId, input: u64) -> Result<Self, GroupError> {
        group.admit(id)?;
        Ok(RotatingCoordinator { group, id, round: 0, estimate: input, phase: Phase::New, heard: BTreeMap::new() })
    }

    fn begin_round(&mut self, sent: &mut Vec<Sent<Message>>) {
        self.heard = self.heard.split_off(&self.round);
        self.phase = Phase::AwaitsEstimate;
        if self.group.coordinator(self.round) == self.id {
            let estimate = Message::Estimate { round: self.round, value: self.estimate };
            sent.extend(to_each(self.group.others(self.id), &estimate));
            self.vote(Some(self.estimate), sent);
        }
    }

    fn vote(&mut self, value: Option<u64>, sent: &mut Vec<Sent<Message>>) {
        self.estimate = value.unwrap_or(self.estimate);
        self.phase = Phase::AwaitsVotes;
        self.heard.entry(self.round).or_default().votes.insert(self.id, value);
        sent.extend(to_each(self.group.others(self.id), &Message::Vote { round: self.round, value }));
    }

    /// Goes on as far as what was heard allows.
    fn go_on(&mut self, sent: &mut Vec<Sent<Message>>) {
        loop {
            let heard = self.heard.get(&self.round);
            match self.phase {
                Phase::AwaitsEstimate => match heard.and_then(|heard| heard.estimate) {
                    Some(value) => self.vote(Some(value), sent),
                    None => return,
                },
                Phase::AwaitsVotes => {
                    let Some(votes) = heard.map(|heard| &heard.votes) else { return };
                    if votes.len() < self.group.quorum() {
                        return;
                    }
                    let value = votes.values().copied().flatten().next();
                    if let Some(value) = value
                        && votes.values().all(|vote| vote.is_some())
                    {
                        return self.decide(value, sent);
                    }
                    self.estimate = value.unwrap_or(self.estimate);
                    self.round += 1;
                    self.begin_round(sent);
                }
                Phase::New | Phase::Decided(_) => return,
            }
        }
    }

    fn decide(&mut self, value: u64, sent: &mut Vec<Sent<Message>>) {
        self.phase = Phase::Decided(value);
        self.heard.clear();
        sent.extend(to_each(self.group.others(self.id), &Message::Decision(value)));
    }

    /// Whether a message of `round` is to be kept.
    fn keeps(&self, round: u64) -> Result<bool, Refused> {
        within_reach(round, self.round)?;
        Ok(round >= self.round && !matches!(self.phase, Phase::Decided(_)))
    }

    fn hear(&mut self, from: ProcessId, message: Message) -> Result<(), Refused> {
        if from == self.id {
            return Err(Refused::OutOfPlace { from });
        }
        match message {
            Message::Estimate { round, .. } if self.group.coordinator(round) != from => {
                Err(Refused::OutOfPlace { from })
            }
            Message::Estimate { round, value } => {
                let of_now = self.phase == Phase::AwaitsVotes && round == self.round;
                if self.keeps(round)?
                    && !of_now
                    && *self.heard.entry(round).or_default().estimate.get_or_insert(value) != value
                {
                    return Err(Refused::Contradicts { from });
                }
                Ok(())
            }
            Message::Vote { round, value } => {
                if self.keeps(round)?
                    && *self.heard.entry(round).or_default().votes.entry(from).or_insert(value) != value
                {
                    return Err(Refused::Contradicts { from });
                }
                Ok(())
            }
            Message::Decision(value) => match self.phase {
                Phase::Decided(before) if before != value => Err(Refused::Contradicts { from }),
                _ => {
                    self.phase = Phase::Decided(value);
                    self.heard.clear();
                    Ok(())
                }
            },
        }
    }
}

impl Process for RotatingCoordinator {
    type Message = Message;
    type Value = u64;

    fn step(&self, event: &Event<Message>) -> Stepped<Self> {
        let (mut after, mut sent) = (self.clone(), Vec::new());
        match *event {
            Event::Message { from, message } => after.hear(after.group.admit(from)?, message)?,
            Event::Suspicion { of } => {
                if Some(after.group.admit(of)?) == after.awaited() {
                    after.vote(None, &mut sent);
                }
            }
            Event::Nothing | Event::Coin(_) => {
                if after.phase == Phase::New {
                    after.begin_round(&mut sent);
                }
            }
        }
        after.go_on(&mut sent);
        Ok((after, sent))
    }

    fn decision(&self) -> Option<&u64> {
        match &self.phase {
            Phase::Decided(value) => Some(value),
            Phase::New | Phase::AwaitsEstimate | Phase::AwaitsVotes => None,
        }
    }

    fn awaited(&self) -> Option<ProcessId> {
        (self.phase == Phase::AwaitsEstimate).then(|| self.group.coordinator(self.round))
    }
}
