//! A rotating coordinator and quorums of votes: safe however wrongly coordinators are suspected.
//!
//! In round r process r mod 3 says its estimate. Each process votes for it, or for nothing if it suspects the
//! coordinator; two votes for a value decide it, one makes it the estimate.
//! Source: A. Mostéfaoui, M. Raynal, "Solving Consensus Using Chandra-Toueg's Unreliable Failure Detectors: A General
//! Quorum-Based Approach", DISC 1999.

use serde::Serialize;

use super::{coordinator, to_others};
use crate::flp::model::{Attempt, Configuration, Event, PROCESSES, Reaction};

/// Number of votes that a process waits for in each round, its own included: all but one.
const QUORUM: usize = PROCESSES - 1;

/// The attempt, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RotatingCoordinator {
    /// Whether rounds are named by who coordinates them, instead of being counted on for ever.
    pub forgets_old_rounds: bool,
    /// What is wrong with it.
    pub variant: Variant,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing is wrong.
    Sound,
    /// One vote for a value decides it.
    DecidesOnOneVote,
    /// A process that hears one vote for a value does not make it its estimate.
    KeepsItsEstimate,
}

/// Where the rules deviate: each hook is asked by them once.
impl Variant {
    /// The value that a quorum of votes decides: the one that all of them are for, or that any is.
    fn decided(self, all: Option<u8>, any: Option<u8>) -> Option<u8> {
        if self == Variant::DecidesOnOneVote { any } else { all }
    }

    /// The estimate that a process takes over from a quorum in which `any` vote is for one.
    fn adopted(self, any: Option<u8>) -> Option<u8> {
        if self == Variant::KeepsItsEstimate { None } else { any }
    }
}

/// What a process does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Local {
    /// The process has not taken its first step.
    New {
        /// Its input.
        input: u8,
    },
    /// The process waits for the coordinator's estimate.
    AwaitsEstimate {
        /// The round.
        round: u8,
        /// Its own estimate.
        estimate: u8,
    },
    /// The process waits for votes.
    AwaitsVotes {
        /// The round.
        round: u8,
        /// Its own estimate.
        estimate: u8,
        /// Its own vote.
        vote: Option<u8>,
    },
    /// The process has decided.
    Decided {
        /// The value.
        value: u8,
    },
    /// The process has crashed undecided.
    Gone,
}

/// What processes send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Message {
    /// The coordinator tells its estimate.
    Estimate {
        /// The round.
        round: u8,
        /// The estimate.
        value: u8,
    },
    /// A process votes for the coordinator's estimate, or for nothing.
    Vote {
        /// The round.
        round: u8,
        /// The sender.
        from: u8,
        /// The estimate; `None` if the coordinator was suspected.
        value: Option<u8>,
    },
    /// A process tells what was decided.
    Decision {
        /// The value.
        value: u8,
    },
}

impl RotatingCoordinator {
    fn enter(self, process: u8, round: u8, estimate: u8, sent: &mut Vec<(u8, Message)>) -> Local {
        if coordinator(round) != process {
            return Local::AwaitsEstimate { round, estimate };
        }
        sent.extend(to_others(process, Message::Estimate { round, value: estimate }));
        self.vote(process, round, estimate, Some(estimate), sent)
    }

    fn vote(self, process: u8, round: u8, estimate: u8, vote: Option<u8>, sent: &mut Vec<(u8, Message)>) -> Local {
        sent.extend(to_others(process, Message::Vote { round, from: process, value: vote }));
        Local::AwaitsVotes { round, estimate, vote }
    }

    /// Counts a vote from another process, which completes a quorum.
    fn count(
        self,
        process: u8,
        (round, estimate): (u8, u8),
        votes: [Option<u8>; QUORUM],
        sent: &mut Vec<(u8, Message)>,
    ) -> Local {
        let (all, any) = (votes[0].and(votes[1]), votes[0].or(votes[1]));
        if let Some(value) = self.variant.decided(all, any) {
            sent.extend(to_others(process, Message::Decision { value }));
            return Local::Decided { value };
        }
        self.enter(process, round + 1, self.variant.adopted(any).unwrap_or(estimate), sent)
    }
}

impl Attempt for RotatingCoordinator {
    type Local = Local;
    type Message = Message;

    fn initial(&self, _: u8, input: u8) -> Local {
        Local::New { input }
    }

    fn step(&self, process: u8, local: &Local, event: Event<Message>) -> Option<Reaction<Self>> {
        let mut sent = Vec::new();
        let after = match (local.clone(), event) {
            (Local::New { input }, Event::Nothing) => self.enter(process, 0, input, &mut sent),
            (_, Event::Message(Message::Decision { value })) => match local {
                Local::Decided { .. } => local.clone(),
                _ => Local::Decided { value },
            },
            // Whoever has not begun is not spoken to yet.
            (Local::New { .. }, Event::Message(_) | Event::Suspicion) => return None,
            (Local::AwaitsEstimate { round, estimate }, Event::Suspicion) => {
                self.vote(process, round, estimate, None, &mut sent)
            }
            (_, Event::Suspicion) => return None,
            (Local::AwaitsEstimate { round, .. }, Event::Message(Message::Estimate { round: of, value }))
                if of == round =>
            {
                self.vote(process, round, value, Some(value), &mut sent)
            }
            (Local::AwaitsEstimate { round, .. }, Event::Message(Message::Vote { round: of, .. })) if of >= round => {
                return None;
            }
            (
                Local::AwaitsEstimate { round, .. } | Local::AwaitsVotes { round, .. },
                Event::Message(Message::Estimate { round: of, .. } | Message::Vote { round: of, .. }),
            ) if of > round => return None,
            (Local::AwaitsVotes { round, estimate, vote }, Event::Message(Message::Vote { round: of, value, .. }))
                if of == round =>
            {
                self.count(process, (round, estimate), [vote, value], &mut sent)
            }
            // Of rounds that are over, or nothing.
            (_, Event::Message(_) | Event::Nothing) => local.clone(),
        };
        Some((after, sent))
    }

    fn decision(&self, local: &Local) -> Option<u8> {
        match local {
            Local::Decided { value } => Some(*value),
            Local::New { .. } | Local::AwaitsEstimate { .. } | Local::AwaitsVotes { .. } | Local::Gone => None,
        }
    }

    fn awaited(&self, local: &Local) -> Option<u8> {
        match local {
            Local::AwaitsEstimate { round, .. } => Some(coordinator(*round)),
            Local::New { .. } | Local::AwaitsVotes { .. } | Local::Decided { .. } | Local::Gone => None,
        }
    }

    fn round(&self, local: &Local) -> u8 {
        match local {
            Local::AwaitsEstimate { round, .. } | Local::AwaitsVotes { round, .. } => *round,
            Local::New { .. } | Local::Decided { .. } | Local::Gone => 0,
        }
    }

    fn rename(&self, configuration: &mut Configuration<Self>) {
        if !self.forgets_old_rounds {
            return;
        }
        if let Some(crashed) = configuration.crashed {
            let local = &mut configuration.locals[usize::from(crashed)];
            if self.decision(local).is_none() {
                *local = Local::Gone;
            }
        }
        // Rounds coordinated by the same process are alike: the lowest that anyone is in becomes 0, 1 or 2.
        let rounds = configuration.locals.iter().filter_map(|local| match local {
            Local::AwaitsEstimate { round, .. } | Local::AwaitsVotes { round, .. } => Some(*round),
            Local::New { .. } => Some(0),
            Local::Decided { .. } | Local::Gone => None,
        });
        let Some(lowest) = rounds.min() else { return };
        let over = lowest - coordinator(lowest);
        for local in &mut configuration.locals {
            if let Local::AwaitsEstimate { round, .. } | Local::AwaitsVotes { round, .. } = local {
                *round -= over;
            }
        }
        for (_, message) in &mut configuration.buffer {
            if let Message::Estimate { round, .. } | Message::Vote { round, .. } = message {
                *round -= over;
            }
        }
    }
}
