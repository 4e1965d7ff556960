//! Consensus attempts as pure steps: a process gets an event and says what it is now and what it sends.
//!
//! No clock, no channel, no random source: whoever runs a [`Process`] brings messages, suspicions and coins, in any
//! order, as early or late as they come. Processes are numbered from 0; there may be any number of them, of which fewer
//! than half may stop, except where an attempt says otherwise. A message that cannot be from a correct process is
//! refused, and changes nothing.
//!
//! # On disk before it is sent
//! Nothing here is written down: a process that stops has stopped. One that is to come back must, *before* a message
//! of a step leaves, have on disk what that message promises; otherwise it comes back as somebody else of the same
//! number, and two values are decided. A step depends on the process and the event and on nothing else, so the whole of it is
//! a log: append the event (and sync) before what its step sends is sent, and step through the log from `new` when it
//! comes back. Coins are events, and so are not thrown twice. Whoever keeps less keeps at least what each attempt names
//! under the same heading, and its decision before anybody is told of it.
//!
//! ```
//! use counterpart_models::flp::implementation::{Event, Group, Process, votes::{Rule, Voter}};
//!
//! let group = Group::of(3).expect("a group");
//! let voter = Voter::new(group, 1, Rule::WaitForAll, true).expect("a member");
//! let (voter, sent) = voter.step(&Event::Nothing).expect("a step");
//! assert_eq!(sent.len(), 2, "its vote goes to the two others");
//! assert_eq!(voter.decision(), None);
//! ```

pub mod ben_or;
pub mod chandra_toueg;
pub mod paxos;
pub mod rotating_coordinator;
pub mod threads;
pub mod votes;

use std::fmt::Debug;

use thiserror::Error;

/// Number of a process, from 0.
pub type ProcessId = usize;

/// The processes that are to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    count: usize,
}

/// Most processes in a group.
pub const PROCESSES_MAX: usize = 1_024;

impl Group {
    /// A group of `count` processes.
    ///
    /// # Errors
    /// There is none, or more than [`PROCESSES_MAX`].
    pub fn of(count: usize) -> Result<Self, GroupError> {
        match count {
            0 => Err(GroupError::Empty),
            1..=PROCESSES_MAX => Ok(Group { count }),
            _ => Err(GroupError::TooMany { count }),
        }
    }

    /// Number of processes.
    pub fn count(self) -> usize {
        self.count
    }

    /// Smallest number that any two sets of that many have a process in common: more than half.
    pub fn majority(self) -> usize {
        self.count / 2 + 1
    }

    /// Number of processes that can be waited for when fewer than half may stop.
    pub fn quorum(self) -> usize {
        self.count - self.stopping_max()
    }

    /// Most processes that may stop: fewer than half.
    pub fn stopping_max(self) -> usize {
        (self.count - 1) / 2
    }

    /// All processes of the group.
    pub fn members(self) -> std::ops::Range<ProcessId> {
        0..self.count
    }

    /// All processes of the group but `process`.
    pub fn others(self, process: ProcessId) -> impl Iterator<Item = ProcessId> {
        self.members().filter(move |other| *other != process)
    }

    /// The process that coordinates `round`, counted from 0, where that goes round.
    fn coordinator(self, round: u64) -> ProcessId {
        (round % self.count as u64) as ProcessId
    }

    fn admit(self, process: ProcessId) -> Result<ProcessId, GroupError> {
        if process < self.count { Ok(process) } else { Err(GroupError::NoMember { process, count: self.count }) }
    }
}

/// Why there is no such group, or no such process in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GroupError {
    /// The group would have nobody who is to agree.
    #[error("a group has at least one process")]
    Empty,
    /// The group would have more than [`PROCESSES_MAX`] processes.
    #[error("a group of {count} processes is more than the {PROCESSES_MAX} there is room for")]
    TooMany {
        /// Number of processes that were asked for.
        count: usize,
    },
    /// The group has no process of that number.
    #[error("process {process} is not one of the {count} of the group, which are numbered from 0")]
    NoMember {
        /// Number of the process.
        process: ProcessId,
        /// Number of processes in the group.
        count: usize,
    },
}

/// What a process gets in one step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<M> {
    /// The process gets nothing: it was woken to see what it would do by itself.
    Nothing,
    /// The process gets a message.
    Message {
        /// The sender.
        from: ProcessId,
        /// The message.
        message: M,
    },
    /// The failure detector suspects a process.
    Suspicion {
        /// The process that is suspected.
        of: ProcessId,
    },
    /// A coin was thrown for the process.
    Coin(bool),
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sent<M> {
    /// The receiver.
    pub to: ProcessId,
    /// The message.
    pub message: M,
}

/// Why an event is refused. The process is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The event names a process that is not of the group.
    #[error(transparent)]
    Stranger(#[from] GroupError),
    /// The message says something else than its sender said before in its place.
    #[error("process {from} contradicts what it said before")]
    Contradicts {
        /// The sender.
        from: ProcessId,
    },
    /// A correct process would not send this message to this one, or not in this place.
    #[error("process {from} has no business to send this here")]
    OutOfPlace {
        /// The sender.
        from: ProcessId,
    },
    /// The message speaks of a round that is too far ahead to keep what it says.
    #[error("round {round} is more than {ROUNDS_AHEAD_MAX} ahead")]
    FarAhead {
        /// The round, from 0.
        round: u64,
    },
}

/// Most rounds ahead whose messages are kept: a process that is further behind catches up by other means.
pub const ROUNDS_AHEAD_MAX: u64 = 1_024;

/// Whether what is said of `round` may be kept by a process that is in round `now`.
fn within_reach(round: u64, now: u64) -> Result<(), Refused> {
    if round > now.saturating_add(ROUNDS_AHEAD_MAX) { Err(Refused::FarAhead { round }) } else { Ok(()) }
}

/// What a step comes to: the process afterwards, and what it sends, in the order of the receivers' numbers.
pub type Stepped<P> = Result<(P, Vec<Sent<<P as Process>::Message>>), Refused>;

/// One process of a consensus attempt.
pub trait Process: Clone + Debug {
    /// What processes send each other.
    type Message: Clone + Debug + Send;
    /// What they decide about.
    type Value: Clone + Debug + PartialEq + Send;

    /// The process after one step on `event`, and what it sends.
    ///
    /// # Errors
    /// The event cannot be.
    fn step(&self, event: &Event<Self::Message>) -> Stepped<Self>;

    /// The value that it has decided; never another once it has one.
    fn decision(&self) -> Option<&Self::Value>;

    /// The process that it waits for, so that suspecting that one would free it.
    fn awaited(&self) -> Option<ProcessId> {
        None
    }

    /// Whether it waits for a coin.
    fn wants_coin(&self) -> bool {
        false
    }
}

fn to_each<M: Clone>(receivers: impl Iterator<Item = ProcessId>, message: &M) -> Vec<Sent<M>> {
    receivers.map(|to| Sent { to, message: message.clone() }).collect()
}
