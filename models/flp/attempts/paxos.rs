//! Paxos, single-decree: processes 0 and 1 propose, all three accept.
//!
//! Source: L. Lamport, "Paxos Made Simple", ACM SIGACT News 32(4), 2001.

use serde::Serialize;

use crate::flp::model::{Attempt, Configuration, Event, PROCESSES, Reaction};

/// A majority of the acceptors.
const QUORUM: u32 = PROCESSES as u32 / 2 + 1;

/// Processes below this one propose.
pub const PROPOSERS: u8 = 2;

/// A ballot above every ballot that is counted by rank.
const HIGHEST: u8 = 100;

/// A ballot: 0 is none; `b` is owned by process `(b - 1) % PROPOSERS`.
type Ballot = u8;

/// The attempt, its bounds, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    /// Most ballots that a proposer may begin. `None`: as many as it likes, each above all there are, and ballots count
    /// by their rank among those that anyone still knows.
    pub ballots_max: Option<u8>,
    /// Whether a proposer begins a ballot only when nothing of its last one is on its way any more. Without a bound on
    /// ballots it keeps their number finite.
    pub one_at_a_time: bool,
    /// What is wrong with it.
    pub variant: Variant,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing is wrong.
    Sound,
    /// A proposer proposes its own value, whatever was accepted.
    IgnoresAcceptedValue,
    /// A proposer takes up the value of the lowest accepted ballot that it hears of.
    ChoosesLowestAccepted,
    /// An acceptor accepts below the ballot that it promised.
    IgnoresPromise,
    /// An acceptor keeps one ballot for what it promised and what it accepted.
    OneBallotForBoth,
}

/// A value, and the ballot in which it was accepted.
pub type Accepted = Option<(Ballot, u8)>;

/// Where the rules deviate: each hook is asked by them once.
impl Variant {
    /// The value that a proposer whose ballot is promised proposes.
    fn proposed(self, input: u8, heard: Accepted) -> u8 {
        match heard {
            Some((_, value)) if self != Variant::IgnoresAcceptedValue => value,
            Some(_) | None => input,
        }
    }

    /// What a proposer takes up of two values that were accepted: that of the higher ballot.
    fn chosen(self, one: Accepted, other: Accepted) -> Accepted {
        match self {
            Variant::ChoosesLowestAccepted => one.into_iter().chain(other).min(),
            Variant::Sound | Variant::IgnoresAcceptedValue | Variant::IgnoresPromise | Variant::OneBallotForBoth => {
                one.max(other)
            }
        }
    }

    /// Whether an acceptor accepts below what it promised.
    fn ignores_promise(self) -> bool {
        self == Variant::IgnoresPromise
    }

    /// What an acceptor has accepted once it promised `ballot`: the same as before.
    fn accepted_at_promise(self, accepted: Accepted, ballot: Ballot) -> Accepted {
        if self == Variant::OneBallotForBoth { accepted.map(|(_, value)| (ballot, value)) } else { accepted }
    }
}

/// What a proposer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Proposer {
    /// The process has not begun a ballot, or never will.
    Idle,
    /// The process collects promises.
    Preparing {
        /// Acceptors that promised, by bit.
        promised_by: u8,
        /// The value that it has heard to be accepted in the highest ballot.
        heard: Accepted,
    },
    /// The process collects acceptances.
    Proposing {
        /// The value that it proposes.
        value: u8,
        /// Acceptors that accepted, by bit.
        accepted_by: u8,
    },
    /// The process has decided.
    Decided {
        /// The value.
        value: u8,
    },
}

/// What a process does, as a proposer and as an acceptor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Local {
    /// The value that it would propose.
    pub input: u8,
    /// The highest ballot that it has promised to.
    pub promised: Ballot,
    /// The value that it accepted last, with its ballot.
    pub accepted: Accepted,
    /// Its own ballot.
    pub ballot: Ballot,
    /// What it does as a proposer.
    pub proposer: Proposer,
}

/// What processes send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Message {
    /// A proposer asks an acceptor for its promise (1a).
    Prepare {
        /// The ballot.
        ballot: Ballot,
        /// Its proposer.
        from: u8,
    },
    /// An acceptor promises (1b).
    Promise {
        /// The ballot.
        ballot: Ballot,
        /// The acceptor.
        from: u8,
        /// The value that it accepted last, with its ballot.
        accepted: Accepted,
    },
    /// A proposer asks an acceptor to accept (2a).
    Accept {
        /// The ballot.
        ballot: Ballot,
        /// Its proposer.
        from: u8,
        /// The value.
        value: u8,
    },
    /// An acceptor has accepted (2b).
    Accepted {
        /// The ballot.
        ballot: Ballot,
        /// The acceptor.
        from: u8,
    },
}

fn to_all(message: Message) -> impl Iterator<Item = (u8, Message)> {
    (0..PROCESSES as u8).map(move |to| (to, message))
}

impl Paxos {
    /// A proposer's next ballot.
    fn next_ballot(self, process: u8, local: &Local) -> Option<Ballot> {
        let Some(max) = self.ballots_max else { return Some(HIGHEST) };
        let known = local.ballot.max(local.promised);
        (0..max).map(|round| round * PROPOSERS + process + 1).find(|ballot| *ballot > known)
    }
}

impl Attempt for Paxos {
    type Local = Local;
    type Message = Message;

    fn inputs(&self) -> Vec<[u8; PROCESSES]> {
        // Process 2 proposes nothing, so that its input is nobody's concern.
        vec![[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    }

    fn initial(&self, _: u8, input: u8) -> Local {
        Local { input, promised: 0, accepted: None, ballot: 0, proposer: Proposer::Idle }
    }

    fn step(&self, process: u8, before: &Local, event: Event<Message>) -> Option<Reaction<Self>> {
        let (mut local, mut sent) = (before.clone(), Vec::new());
        match event {
            Event::Nothing if process < PROPOSERS && !matches!(local.proposer, Proposer::Decided { .. }) => {
                // Beyond the bound nobody looks: what it would do there is not what it does.
                let ballot = self.next_ballot(process, &local)?;
                local.ballot = ballot;
                local.proposer = Proposer::Preparing { promised_by: 0, heard: None };
                sent.extend(to_all(Message::Prepare { ballot, from: process }));
            }
            Event::Nothing | Event::Suspicion => {}
            Event::Message(Message::Prepare { ballot, from }) => {
                if ballot > local.promised {
                    local.promised = ballot;
                    sent.push((from, Message::Promise { ballot, from: process, accepted: local.accepted }));
                    local.accepted = self.variant.accepted_at_promise(local.accepted, ballot);
                }
            }
            Event::Message(Message::Accept { ballot, from, value }) => {
                if ballot >= local.promised || self.variant.ignores_promise() {
                    local.promised = local.promised.max(ballot);
                    local.accepted = Some((ballot, value));
                    sent.push((from, Message::Accepted { ballot, from: process }));
                }
            }
            Event::Message(Message::Promise { ballot, from, accepted }) => {
                if let Proposer::Preparing { promised_by, heard } = &mut local.proposer
                    && ballot == local.ballot
                {
                    *promised_by |= 1 << from;
                    *heard = self.variant.chosen(*heard, accepted);
                    if promised_by.count_ones() >= QUORUM {
                        let value = self.variant.proposed(local.input, *heard);
                        local.proposer = Proposer::Proposing { value, accepted_by: 0 };
                        sent.extend(to_all(Message::Accept { ballot, from: process, value }));
                    }
                }
            }
            Event::Message(Message::Accepted { ballot, from }) => {
                if let Proposer::Proposing { value, accepted_by } = &mut local.proposer
                    && ballot == local.ballot
                {
                    *accepted_by |= 1 << from;
                    if accepted_by.count_ones() >= QUORUM {
                        local.proposer = Proposer::Decided { value: *value };
                    }
                }
            }
        }
        Some((local, sent))
    }

    fn decision(&self, local: &Local) -> Option<u8> {
        match local.proposer {
            Proposer::Decided { value } => Some(value),
            Proposer::Idle | Proposer::Preparing { .. } | Proposer::Proposing { .. } => None,
        }
    }

    fn decides(&self, process: u8) -> bool {
        process < PROPOSERS
    }

    fn may_act(&self, process: u8, configuration: &Configuration<Self>) -> bool {
        let ballot = configuration.locals[usize::from(process)].ballot;
        let mut on_their_way = configuration.buffer.iter().map(|(_, message)| ballot_of(*message));
        !self.one_at_a_time || !on_their_way.any(|other| other == ballot)
    }

    fn is_bounded(&self) -> bool {
        self.ballots_max.is_some()
    }

    fn rename(&self, configuration: &mut Configuration<Self>) {
        if self.ballots_max.is_some() {
            return;
        }
        let mut known: Vec<Ballot> = Vec::new();
        each_ballot(configuration, |ballot| known.push(*ballot));
        known.push(0);
        known.sort_unstable();
        known.dedup();
        each_ballot(configuration, |ballot| {
            *ballot = known.iter().position(|other| other == ballot).unwrap_or_default() as Ballot;
        });
    }
}

fn ballot_of(mut message: Message) -> Ballot {
    *ballot_in(&mut message)
}

fn ballot_in(message: &mut Message) -> &mut Ballot {
    match message {
        Message::Prepare { ballot, .. }
        | Message::Promise { ballot, .. }
        | Message::Accept { ballot, .. }
        | Message::Accepted { ballot, .. } => ballot,
    }
}

fn each_ballot(configuration: &mut Configuration<Paxos>, mut with: impl FnMut(&mut Ballot)) {
    for local in &mut configuration.locals {
        with(&mut local.promised);
        with(&mut local.ballot);
        if let Some((ballot, _)) = &mut local.accepted {
            with(ballot);
        }
        if let Proposer::Preparing { heard: Some((ballot, _)), .. } = &mut local.proposer {
            with(ballot);
        }
    }
    for (_, message) in &mut configuration.buffer {
        with(ballot_in(message));
        if let Message::Promise { accepted: Some((ballot, _)), .. } = message {
            with(ballot);
        }
    }
}
