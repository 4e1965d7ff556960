//! Attempts in which everybody votes once: wait for all, two-phase commit's AND, a sequencer, and the first votes.

use serde::Serialize;

use super::to_others;
use crate::flp::model::{Attempt, Event, PROCESSES, Reaction};

/// An attempt in which everybody votes; what the votes are taken for differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Votes {
    /// Each process waits for all votes and decides their majority.
    WaitForAll,
    /// Process 0 waits for all votes, decides their AND and says so.
    TwoPhaseAnd,
    /// Process 0 decides the first vote that it gets and says so. It has no vote of its own.
    Sequencer,
    /// Each process decides the majority of the first two votes, its own included; 0 if they differ.
    FirstVotes,
    /// Each process decides 0, whatever anyone's input is: what the definition of consensus has to rule out.
    AlwaysZero,
    /// Process 0 decides as with `Sequencer`, but says the opposite of what it decides.
    SequencerMisspeaks,
}

/// What a process does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Local {
    /// The value that it votes for.
    pub input: u8,
    /// Whether it has taken its first step, with which it votes.
    pub started: bool,
    /// The votes it has heard, by process.
    pub heard: [Option<u8>; PROCESSES],
    /// The value that it has decided.
    pub decided: Option<u8>,
}

/// What processes send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Message {
    /// A process votes.
    Vote {
        /// The sender.
        from: u8,
        /// The value.
        value: u8,
    },
    /// A process tells what was decided.
    Decision {
        /// The value.
        value: u8,
    },
}

const LEADER: u8 = 0;

impl Votes {
    /// The processes that `process` sends its vote to.
    fn voters_to(self, process: u8) -> Vec<u8> {
        match self {
            Votes::WaitForAll | Votes::FirstVotes => (0..PROCESSES as u8).filter(|to| *to != process).collect(),
            Votes::TwoPhaseAnd | Votes::Sequencer | Votes::SequencerMisspeaks if process != LEADER => vec![LEADER],
            Votes::TwoPhaseAnd | Votes::Sequencer | Votes::SequencerMisspeaks | Votes::AlwaysZero => Vec::new(),
        }
    }

    fn is_led(self) -> bool {
        matches!(self, Votes::TwoPhaseAnd | Votes::Sequencer | Votes::SequencerMisspeaks)
    }

    /// What a leader that decides `value` says that it decided.
    fn told(self, value: u8) -> u8 {
        if self == Votes::SequencerMisspeaks { 1 - value } else { value }
    }

    /// The value that `local` decides by the votes it has heard, if they are enough.
    fn verdict(self, process: u8, local: &Local) -> Option<u8> {
        let votes = || local.heard.iter().flatten();
        let (count, ones) = (votes().count(), votes().filter(|vote| **vote == 1).count());
        match self {
            Votes::WaitForAll => (count == PROCESSES).then_some(u8::from(2 * ones > count)),
            Votes::TwoPhaseAnd => (process == LEADER && count == PROCESSES).then_some(u8::from(ones == count)),
            Votes::Sequencer | Votes::SequencerMisspeaks => {
                (process == LEADER).then(|| votes().next().copied()).flatten()
            }
            Votes::FirstVotes => (count == PROCESSES - 1).then_some(u8::from(2 * ones > count)),
            Votes::AlwaysZero => Some(0),
        }
    }
}

impl Attempt for Votes {
    type Local = Local;
    type Message = Message;

    fn initial(&self, _: u8, input: u8) -> Local {
        Local { input, started: false, heard: [None; PROCESSES], decided: None }
    }

    fn step(&self, process: u8, before: &Local, event: Event<Message>) -> Option<Reaction<Self>> {
        let (mut local, mut sent) = (before.clone(), Vec::new());
        if !local.started {
            // The sequencer has nothing to do before it is asked, so that its first step is nothing to tell apart.
            let idle = matches!(self, Votes::Sequencer | Votes::SequencerMisspeaks) && process == LEADER;
            local.started = !idle;
            let vote = Message::Vote { from: process, value: local.input };
            sent.extend(self.voters_to(process).into_iter().map(|to| (to, vote)));
            if !idle {
                local.heard[usize::from(process)] = Some(local.input);
            }
        }
        match event {
            Event::Message(Message::Decision { value }) => local.decided = local.decided.or(Some(value)),
            Event::Message(Message::Vote { from, value }) if local.decided.is_none() => {
                local.heard[usize::from(from)] = Some(value);
            }
            Event::Message(Message::Vote { .. }) | Event::Nothing | Event::Suspicion => {}
        }
        if local.decided.is_none()
            && let Some(value) = self.verdict(process, &local)
        {
            local.decided = Some(value);
            // The other votes do not matter any more, nor who they were of.
            if *self == Votes::FirstVotes {
                local.heard = [None; PROCESSES];
            }
            if self.is_led() {
                sent.extend(to_others(process, Message::Decision { value: self.told(value) }));
            }
        }
        Some((local, sent))
    }

    fn decision(&self, local: &Local) -> Option<u8> {
        local.decided
    }
}
