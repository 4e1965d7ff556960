//! Consensus with an eventually strong failure detector: agrees whatever the detector says, and decides once it is
//! accurate about one process that goes on.
//!
//! Source: T. D. Chandra, S. Toueg, "Unreliable Failure Detectors for Reliable Distributed Systems", J. ACM 43(2),
//! 1996, figure 6. Channels are reliable and a broadcast is one step, so that a decision need not be relayed.
//!
//! # On disk before it is sent
//! The round and the estimate with its stamp, before an estimate or a reply: an acknowledgement promises that the proposal
//! is its estimate from then on. A coordinator: what it proposes, before it does, since it must never propose another
//! value in the same round; and the decision, before it tells it.

use std::collections::BTreeMap;

use super::{Event, Group, GroupError, Process, ProcessId, Refused, Sent, Stepped, to_each, within_reach};

/// An estimate, and the round whose coordinator proposed it; `None` for an input.
pub type Stamped = (Option<u64>, u64);

/// What processes send each other. Rounds are counted from 0; round r is coordinated by process r mod n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A process tells the coordinator its estimate.
    Estimate {
        /// The round.
        round: u64,
        /// The sender's estimate.
        estimate: Stamped,
    },
    /// The coordinator makes its proposal.
    Proposal {
        /// The round.
        round: u64,
        /// The value that it proposes.
        value: u64,
    },
    /// A process replies to the coordinator.
    Reply {
        /// The round.
        round: u64,
        /// Whether the proposal was taken; otherwise the coordinator was suspected.
        acknowledges: bool,
    },
    /// A process tells what was decided.
    Decision(u64),
}

/// What was heard in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Heard {
    estimates: BTreeMap<ProcessId, Stamped>,
    proposal: Option<u64>,
    replies: BTreeMap<ProcessId, bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    New,
    /// The process coordinates, and waits for estimates.
    AwaitsEstimates,
    AwaitsProposal,
    /// The process coordinates, and waits for replies.
    AwaitsReplies,
    Decided(u64),
}

/// A process of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChandraToueg {
    group: Group,
    id: ProcessId,
    round: u64,
    estimate: Stamped,
    phase: Phase,
    /// Messages heard of this round and of later ones.
    heard: BTreeMap<u64, Heard>,
}

impl ChandraToueg {
    /// Process `id` of `group`, which would have `input` decided.
    ///
    /// # Errors
    /// There is no such process.
    pub fn new(group: Group, id: ProcessId, input: u64) -> Result<Self, GroupError> {
        group.admit(id)?;
        let estimate = (None, input);
        Ok(ChandraToueg { group, id, round: 0, estimate, phase: Phase::New, heard: BTreeMap::new() })
    }

    fn begin_round(&mut self, sent: &mut Vec<Sent<Message>>) {
        self.heard = self.heard.split_off(&self.round);
        let coordinator = self.group.coordinator(self.round);
        if coordinator == self.id {
            self.phase = Phase::AwaitsEstimates;
            self.heard.entry(self.round).or_default().estimates.insert(self.id, self.estimate);
        } else {
            self.phase = Phase::AwaitsProposal;
            let message = Message::Estimate { round: self.round, estimate: self.estimate };
            sent.push(Sent { to: coordinator, message });
        }
    }

    fn reply(&mut self, acknowledges: bool, sent: &mut Vec<Sent<Message>>) {
        let message = Message::Reply { round: self.round, acknowledges };
        sent.push(Sent { to: self.group.coordinator(self.round), message });
        self.round += 1;
        self.begin_round(sent);
    }

    /// Goes on as far as what was heard allows.
    fn go_on(&mut self, sent: &mut Vec<Sent<Message>>) {
        loop {
            let Some(heard) = self.heard.get(&self.round) else { return };
            match self.phase {
                Phase::AwaitsEstimates => {
                    if heard.estimates.len() < self.group.majority() {
                        return;
                    }
                    // Estimates of one round are equal; of inputs the coordinator's own will do as well as any.
                    let youngest = heard.estimates.values().fold(self.estimate, |youngest, estimate| {
                        if estimate.0 > youngest.0 { *estimate } else { youngest }
                    });
                    self.estimate = (Some(self.round), youngest.1);
                    self.phase = Phase::AwaitsReplies;
                    self.heard.entry(self.round).or_default().replies.insert(self.id, true);
                    let proposal = Message::Proposal { round: self.round, value: youngest.1 };
                    sent.extend(to_each(self.group.others(self.id), &proposal));
                }
                Phase::AwaitsProposal => match heard.proposal {
                    Some(value) => {
                        self.estimate = (Some(self.round), value);
                        self.reply(true, sent);
                    }
                    None => return,
                },
                Phase::AwaitsReplies => {
                    if heard.replies.len() < self.group.majority() {
                        return;
                    }
                    if heard.replies.values().all(|acknowledges| *acknowledges) {
                        self.phase = Phase::Decided(self.estimate.1);
                        self.heard.clear();
                        sent.extend(to_each(self.group.others(self.id), &Message::Decision(self.estimate.1)));
                        return;
                    }
                    self.round += 1;
                    self.begin_round(sent);
                }
                Phase::New | Phase::Decided(_) => return,
            }
        }
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
        let said_before = match message {
            Message::Estimate { round, .. } | Message::Reply { round, .. }
                if self.group.coordinator(round) != self.id =>
            {
                return Err(Refused::OutOfPlace { from });
            }
            Message::Proposal { round, .. } if self.group.coordinator(round) != from => {
                return Err(Refused::OutOfPlace { from });
            }
            // An estimate of the very round, or of a later one, cannot have been proposed yet.
            Message::Estimate { round, estimate } if estimate.0 >= Some(round) => {
                return Err(Refused::OutOfPlace { from });
            }
            Message::Estimate { round, estimate } => {
                !self.keeps(round)? || {
                    let heard = self.heard.entry(round).or_default();
                    *heard.estimates.entry(from).or_insert(estimate) == estimate
                }
            }
            Message::Proposal { round, value } => {
                !self.keeps(round)? || *self.heard.entry(round).or_default().proposal.get_or_insert(value) == value
            }
            Message::Reply { round, acknowledges } => {
                !self.keeps(round)? || {
                    let heard = self.heard.entry(round).or_default();
                    *heard.replies.entry(from).or_insert(acknowledges) == acknowledges
                }
            }
            Message::Decision(value) => match self.phase {
                Phase::Decided(before) => before == value,
                _ => {
                    self.phase = Phase::Decided(value);
                    self.heard.clear();
                    true
                }
            },
        };
        if said_before { Ok(()) } else { Err(Refused::Contradicts { from }) }
    }
}

impl Process for ChandraToueg {
    type Message = Message;
    type Value = u64;

    fn step(&self, event: &Event<Message>) -> Stepped<Self> {
        let (mut after, mut sent) = (self.clone(), Vec::new());
        match *event {
            Event::Message { from, message } => after.hear(after.group.admit(from)?, message)?,
            Event::Suspicion { of } => {
                if Some(after.group.admit(of)?) == after.awaited() {
                    after.reply(false, &mut sent);
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
            Phase::New | Phase::AwaitsEstimates | Phase::AwaitsProposal | Phase::AwaitsReplies => None,
        }
    }

    fn awaited(&self) -> Option<ProcessId> {
        (self.phase == Phase::AwaitsProposal).then(|| self.group.coordinator(self.round))
    }
}
