//! Chandra and Toueg's consensus with an eventually strong failure detector (◇S), while fewer than half crash.
//!
//! In round r everybody sends process r mod 3 its estimate with the round it is of. The coordinator proposes the
//! youngest of the first two; whoever gets the proposal makes it its estimate and acknowledges, whoever suspects the
//! coordinator refuses; two acknowledgements decide.
//! Source: T. D. Chandra, S. Toueg, "Unreliable Failure Detectors for Reliable Distributed Systems", J. ACM 43(2),
//! 1996, figure 6.

use serde::Serialize;

use super::{coordinator, to_others};
use crate::flp::model::{Attempt, Configuration, Event, Reaction};

/// The attempt, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChandraToueg {
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
    /// The coordinator proposes the first estimate that it gets from another, however old.
    ProposesAnyEstimate,
    /// The coordinator takes a refusal for an acknowledgement.
    CountsRefusals,
    /// The failure detector of each process suspects nobody, ever.
    NeverSuspects,
}

/// Where the rules deviate: each hook is asked by them once.
impl Variant {
    /// The estimate that a coordinator proposes, of the newest that it knows and the one that it got.
    fn proposed(self, newest: u8, got: u8) -> u8 {
        if self == Variant::ProposesAnyEstimate { got } else { newest }
    }

    /// Whether a refusal is taken for an acknowledgement.
    fn counts_refusals(self) -> bool {
        self == Variant::CountsRefusals
    }

    /// Whether failure detectors may suspect anyone.
    fn suspects(self) -> bool {
        self != Variant::NeverSuspects
    }
}

/// The round in which an estimate was proposed; −1 before any.
type Stamp = i8;

/// What a process does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Local {
    /// The process has not taken its first step.
    New {
        /// Its input.
        input: u8,
    },
    /// The process coordinates, and waits for another's estimate.
    AwaitsEstimate {
        /// The round.
        round: u8,
        /// Its own estimate.
        estimate: u8,
        /// The round in which that estimate was proposed.
        stamp: Stamp,
    },
    /// The process waits for the coordinator's proposal.
    AwaitsProposal {
        /// The round.
        round: u8,
        /// Its own estimate.
        estimate: u8,
        /// The round in which that estimate was proposed.
        stamp: Stamp,
    },
    /// The process coordinates, and waits for another's reply to its proposal, which is its own estimate now.
    AwaitsReply {
        /// The round.
        round: u8,
        /// The proposal.
        estimate: u8,
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
    /// A process tells the coordinator its estimate.
    Estimate {
        /// The round.
        round: u8,
        /// The sender.
        from: u8,
        /// The estimate.
        value: u8,
        /// The round in which the estimate was proposed.
        stamp: Stamp,
    },
    /// The coordinator makes its proposal.
    Proposal {
        /// The round.
        round: u8,
        /// The value that it proposes.
        value: u8,
    },
    /// A process replies to the coordinator.
    Reply {
        /// The round of the proposal.
        round: u8,
        /// The sender.
        from: u8,
        /// Whether the proposal was taken; otherwise the coordinator was suspected.
        acknowledges: bool,
    },
    /// A process tells what was decided.
    Decision {
        /// The value.
        value: u8,
    },
}

impl Message {
    fn round(self) -> Option<u8> {
        match self {
            Message::Estimate { round, .. } | Message::Proposal { round, .. } | Message::Reply { round, .. } => {
                Some(round)
            }
            Message::Decision { .. } => None,
        }
    }
}

impl ChandraToueg {
    fn enter(self, process: u8, round: u8, (estimate, stamp): (u8, Stamp), sent: &mut Vec<(u8, Message)>) -> Local {
        if coordinator(round) == process {
            return Local::AwaitsEstimate { round, estimate, stamp };
        }
        sent.push((coordinator(round), Message::Estimate { round, from: process, value: estimate, stamp }));
        Local::AwaitsProposal { round, estimate, stamp }
    }
}

impl Attempt for ChandraToueg {
    type Local = Local;
    type Message = Message;

    fn initial(&self, _: u8, input: u8) -> Local {
        Local::New { input }
    }

    fn step(&self, process: u8, local: &Local, event: Event<Message>) -> Option<Reaction<Self>> {
        let mut sent = Vec::new();
        let round = match local {
            Local::Decided { .. } | Local::Gone => None,
            _ => Some(self.round(local)),
        };
        let after = match (local.clone(), event) {
            (Local::New { input }, Event::Nothing) => self.enter(process, 0, (input, -1), &mut sent),
            (Local::Decided { .. } | Local::Gone, _) | (_, Event::Nothing) => local.clone(),
            (_, Event::Message(Message::Decision { value })) => Local::Decided { value },
            (Local::New { .. }, Event::Message(_) | Event::Suspicion) => return None,
            (_, Event::Message(message)) if message.round() > round => return None,
            (Local::AwaitsProposal { round, estimate, stamp }, Event::Suspicion) => {
                sent.push((coordinator(round), Message::Reply { round, from: process, acknowledges: false }));
                self.enter(process, round + 1, (estimate, stamp), &mut sent)
            }
            (_, Event::Suspicion) => return None,
            (
                Local::AwaitsEstimate { round, estimate, stamp },
                Event::Message(Message::Estimate { round: of, value, stamp: other, .. }),
            ) if of == round => {
                let newest = if other > stamp { value } else { estimate };
                let value = self.variant.proposed(newest, value);
                sent.extend(to_others(process, Message::Proposal { round, value }));
                Local::AwaitsReply { round, estimate: value }
            }
            // A reply overtakes the estimate that it was sent after.
            (Local::AwaitsEstimate { round, .. }, Event::Message(Message::Reply { round: of, .. })) if of == round => {
                return None;
            }
            (Local::AwaitsProposal { round, .. }, Event::Message(Message::Proposal { round: of, value }))
                if of == round =>
            {
                sent.push((coordinator(round), Message::Reply { round, from: process, acknowledges: true }));
                self.enter(process, round + 1, (value, round as Stamp), &mut sent)
            }
            (
                Local::AwaitsReply { round, estimate },
                Event::Message(Message::Reply { round: of, acknowledges, .. }),
            ) if of == round => {
                if acknowledges || self.variant.counts_refusals() {
                    sent.extend(to_others(process, Message::Decision { value: estimate }));
                    Local::Decided { value: estimate }
                } else {
                    self.enter(process, round + 1, (estimate, round as Stamp), &mut sent)
                }
            }
            // Of rounds, or of a phase, that are over.
            (_, Event::Message(_)) => local.clone(),
        };
        Some((after, sent))
    }

    fn decision(&self, local: &Local) -> Option<u8> {
        match local {
            Local::Decided { value } => Some(*value),
            Local::New { .. }
            | Local::AwaitsEstimate { .. }
            | Local::AwaitsProposal { .. }
            | Local::AwaitsReply { .. }
            | Local::Gone => None,
        }
    }

    fn awaited(&self, local: &Local) -> Option<u8> {
        match local {
            Local::AwaitsProposal { round, .. } if self.variant.suspects() => Some(coordinator(*round)),
            Local::New { .. }
            | Local::AwaitsEstimate { .. }
            | Local::AwaitsProposal { .. }
            | Local::AwaitsReply { .. }
            | Local::Decided { .. }
            | Local::Gone => None,
        }
    }

    fn round(&self, local: &Local) -> u8 {
        match local {
            Local::AwaitsEstimate { round, .. }
            | Local::AwaitsProposal { round, .. }
            | Local::AwaitsReply { round, .. } => *round,
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
        let going =
            configuration.locals.iter().filter(|local| self.decision(local).is_none() && **local != Local::Gone);
        let Some(lowest) = going.map(|local| self.round(local)).min() else { return };
        // Rounds coordinated by the same process are alike: the lowest that anyone is in becomes 0, 1 or 2. Of stamps
        // of rounds that are over only the order matters: they become −1, −2 …
        let over = lowest - coordinator(lowest);
        let mut old: Vec<Stamp> = stamps(configuration).map(|stamp| *stamp).collect();
        old.retain(|stamp| *stamp < lowest as Stamp);
        old.sort_unstable();
        old.dedup();
        for stamp in stamps(configuration) {
            *stamp = match old.iter().rev().position(|other| other == stamp) {
                Some(rank) => -1 - rank as Stamp,
                None => *stamp - over as Stamp,
            };
        }
        for local in &mut configuration.locals {
            if let Local::AwaitsEstimate { round, .. }
            | Local::AwaitsProposal { round, .. }
            | Local::AwaitsReply { round, .. } = local
            {
                *round -= over;
            }
        }
        for (_, message) in &mut configuration.buffer {
            if let Message::Estimate { round, .. } | Message::Proposal { round, .. } | Message::Reply { round, .. } =
                message
            {
                *round -= over;
            }
        }
    }
}

fn stamps(configuration: &mut Configuration<ChandraToueg>) -> impl Iterator<Item = &mut Stamp> {
    let local = configuration.locals.iter_mut().filter_map(|local| match local {
        Local::AwaitsEstimate { stamp, .. } | Local::AwaitsProposal { stamp, .. } => Some(stamp),
        Local::New { .. } | Local::AwaitsReply { .. } | Local::Decided { .. } | Local::Gone => None,
    });
    let sent = configuration.buffer.iter_mut().filter_map(|(_, message)| match message {
        Message::Estimate { stamp, .. } => Some(stamp),
        Message::Proposal { .. } | Message::Reply { .. } | Message::Decision { .. } => None,
    });
    local.chain(sent)
}
