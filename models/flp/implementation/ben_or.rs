//! Ben-Or's randomised consensus on a bit: agrees always, and decides with probability 1 while fewer than half stop,
//! against every scheduler that does not see coins before they are thrown.
//!
//! In each round a process reports its bit, waits for as many reports as it can, and proposes a bit that more than half
//! of all reported; enough proposals decide it, one makes it its own, and without any a coin does.
//! Source: M. Ben-Or, "Another Advantage of Free Choice: Completely Asynchronous Agreement Protocols", PODC 1983,
//! protocol A for crashes.
//!
//! # On disk before it is sent
//! The round, the bit, and what was reported and proposed in it, before the report or the proposal; and what the coin
//! showed, before the next report: a coin that is thrown again lets the scheduler choose.

use std::collections::BTreeMap;

use super::{Event, Group, GroupError, Process, ProcessId, Refused, Sent, Stepped, to_each, within_reach};

/// What processes send everybody, themselves included. Rounds are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A process reports its bit.
    Report {
        /// The round.
        round: u64,
        /// The bit.
        bit: bool,
    },
    /// A process proposes the bit that more than half of all reported.
    Proposal {
        /// The round.
        round: u64,
        /// The bit; `None` if the sender heard of none.
        bit: Option<bool>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    New,
    Reports,
    Proposals,
    Coin,
}

/// Posts heard in a round; of each kind the first count, as many as are waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Heard {
    reports: BTreeMap<ProcessId, bool>,
    proposals: BTreeMap<ProcessId, Option<bool>>,
}

/// A process of the protocol. It goes on after it has decided, since others may need it to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BenOr {
    group: Group,
    id: ProcessId,
    round: u64,
    bit: bool,
    phase: Phase,
    decided: Option<bool>,
    /// Posts heard of this round and of later ones.
    heard: BTreeMap<u64, Heard>,
}

impl BenOr {
    /// Process `id` of `group`, which would have `input` decided.
    ///
    /// # Errors
    /// There is no such process.
    pub fn new(group: Group, id: ProcessId, input: bool) -> Result<Self, GroupError> {
        group.admit(id)?;
        let heard = BTreeMap::new();
        Ok(BenOr { group, id, round: 0, bit: input, phase: Phase::New, decided: None, heard })
    }

    fn report(&mut self, sent: &mut Vec<Sent<Message>>) {
        self.phase = Phase::Reports;
        self.heard = self.heard.split_off(&self.round);
        sent.extend(to_each(self.group.members(), &Message::Report { round: self.round, bit: self.bit }));
    }

    fn next_round(&mut self, bit: bool, sent: &mut Vec<Sent<Message>>) {
        self.bit = bit;
        self.round += 1;
        self.report(sent);
    }

    /// Goes on as far as what was heard allows.
    fn go_on(&mut self, sent: &mut Vec<Sent<Message>>) {
        loop {
            let Some(heard) = self.heard.get(&self.round) else { return };
            match self.phase {
                Phase::Reports => {
                    if heard.reports.len() < self.group.quorum() {
                        return;
                    }
                    let of = |bit| heard.reports.values().filter(|report| **report == bit).count();
                    let bit = [false, true].into_iter().find(|bit| of(*bit) >= self.group.majority());
                    self.phase = Phase::Proposals;
                    sent.extend(to_each(self.group.members(), &Message::Proposal { round: self.round, bit }));
                }
                Phase::Proposals => {
                    if heard.proposals.len() < self.group.quorum() {
                        return;
                    }
                    // Two proposals for different bits cannot be: each is of more than half.
                    let proposed = || heard.proposals.values().copied().flatten();
                    match (proposed().next(), proposed().count()) {
                        (None, _) => {
                            self.phase = Phase::Coin;
                            return;
                        }
                        (Some(bit), count) => {
                            if count > self.group.stopping_max() {
                                self.decided = self.decided.or(Some(bit));
                            }
                            self.next_round(bit, sent);
                        }
                    }
                }
                Phase::New | Phase::Coin => return,
            }
        }
    }

    fn hear(&mut self, from: ProcessId, message: Message) -> Result<(), Refused> {
        let (Message::Report { round, .. } | Message::Proposal { round, .. }) = message;
        within_reach(round, self.round)?;
        if round < self.round {
            return Ok(());
        }
        let is_over = round == self.round && matches!(self.phase, Phase::Proposals | Phase::Coin);
        let heard = self.heard.entry(round).or_default();
        let said_before = match message {
            // Only the first count: what comes after was too late.
            Message::Report { .. } if is_over && !heard.reports.contains_key(&from) => true,
            Message::Report { bit, .. } => *heard.reports.entry(from).or_insert(bit) == bit,
            Message::Proposal { .. } if self.phase == Phase::Coin && round == self.round => true,
            Message::Proposal { bit, .. } => *heard.proposals.entry(from).or_insert(bit) == bit,
        };
        if said_before { Ok(()) } else { Err(Refused::Contradicts { from }) }
    }
}

impl Process for BenOr {
    type Message = Message;
    type Value = bool;

    fn step(&self, event: &Event<Message>) -> Stepped<Self> {
        let (mut after, mut sent) = (self.clone(), Vec::new());
        match *event {
            Event::Message { from, message } => after.hear(after.group.admit(from)?, message)?,
            Event::Coin(bit) if after.phase == Phase::Coin => after.next_round(bit, &mut sent),
            Event::Nothing if after.phase == Phase::New => after.report(&mut sent),
            Event::Nothing | Event::Coin(_) | Event::Suspicion { .. } => {}
        }
        after.go_on(&mut sent);
        Ok((after, sent))
    }

    fn decision(&self) -> Option<&bool> {
        self.decided.as_ref()
    }

    fn wants_coin(&self) -> bool {
        self.phase == Phase::Coin
    }
}
