//! The implementations bound to the model's words: a group of processes, stepped one at a time.

use counterpart::Counterpart;

use super::attempts::chandra_toueg::{self as ct_model, ChandraToueg};
use super::attempts::coordinator;
use super::attempts::paxos::{self as paxos_model, Paxos};
use super::attempts::rotating_coordinator::{self as rotating_model, RotatingCoordinator};
use super::attempts::votes::{self as votes_model, Votes};
use super::conformance::{Answer, AttemptInterface};
use super::implementation::paxos::Ballot;
use super::implementation::{self, Event, Group, Process, votes};
use super::model::{Action, Attempt, PROCESSES};

/// How an attempt's implementation speaks the model's language.
pub trait Bound: Attempt {
    /// One process of the implementation.
    type Process: Process + PartialEq + Eq + std::hash::Hash + Send + Sync + 'static;

    /// Process `id` with its input.
    fn process(&self, group: Group, id: usize, input: u8) -> Self::Process;

    /// A message to `to` as the implementation has it, with its sender.
    fn inward(&self, to: u8, message: Self::Message) -> (usize, <Self::Process as Process>::Message);

    /// A message that `from` sends, as the model has it.
    fn outward(&self, from: u8, message: &<Self::Process as Process>::Message) -> Self::Message;

    /// A decision as the model has it.
    fn value(value: &<Self::Process as Process>::Value) -> u8;
}

/// All processes of a group; none before the inputs are given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Processes<A: Bound> {
    attempt: A,
    processes: Vec<A::Process>,
}

impl<A: Bound> Processes<A> {
    /// A group before anyone has an input.
    pub fn of(attempt: A) -> Self {
        Processes { attempt, processes: Vec::new() }
    }
}

impl<A: Bound> Counterpart<AttemptInterface<A>> for Processes<A> {
    fn apply(&mut self, input: &Action<A::Message>) -> Answer<A::Message> {
        let (process, event) = match *input {
            Action::Begin { inputs } => {
                let group = Group::of(PROCESSES).expect("three processes are a group");
                let process = |id: usize| self.attempt.process(group, id, inputs[id]);
                self.processes = group.members().map(process).collect();
                return Answer { sent: Vec::new(), decided: None };
            }
            Action::Crash { .. } | Action::Trust { .. } => return Answer { sent: Vec::new(), decided: None },
            Action::Step { process } => (process, Event::Nothing),
            Action::Suspect { process } => {
                let of = self.processes[usize::from(process)].awaited();
                (process, of.map_or(Event::Nothing, |of| Event::Suspicion { of }))
            }
            Action::Receive { process, message } => {
                let (from, message) = self.attempt.inward(process, message);
                (process, Event::Message { from, message })
            }
        };
        let before = &self.processes[usize::from(process)];
        let (after, sent) = before.step(&event).unwrap_or_else(|refused| panic!("refused: {refused}"));
        let mut sent: Vec<_> =
            sent.iter().map(|sent| (small(sent.to as u64), self.attempt.outward(process, &sent.message))).collect();
        sent.sort_unstable();
        let decided = after.decision().map(A::value);
        self.processes[usize::from(process)] = after;
        Answer { sent, decided }
    }

    fn observe(&self) -> Option<Vec<Option<u8>>> {
        let decided = |process: usize| self.processes.get(process).and_then(|process| process.decision().map(A::value));
        Some((0..PROCESSES).map(decided).collect())
    }
}

impl Bound for Votes {
    type Process = votes::Voter;

    fn process(&self, group: Group, id: usize, input: u8) -> votes::Voter {
        let rule = match self {
            // Ours is never of these: they are defects.
            Votes::WaitForAll | Votes::AlwaysZero => votes::Rule::WaitForAll,
            Votes::TwoPhaseAnd => votes::Rule::And,
            Votes::Sequencer | Votes::SequencerMisspeaks => votes::Rule::Sequencer,
            Votes::FirstVotes => votes::Rule::FirstVotes,
        };
        votes::Voter::new(group, id, rule, input == 1).expect("a member")
    }

    fn inward(&self, _: u8, message: votes_model::Message) -> (usize, votes::Message) {
        match message {
            votes_model::Message::Vote { from, value } => (from.into(), votes::Message::Vote(value == 1)),
            votes_model::Message::Decision { value } => (votes::LEADER, votes::Message::Decision(value == 1)),
        }
    }

    fn outward(&self, from: u8, message: &votes::Message) -> votes_model::Message {
        match *message {
            votes::Message::Vote(value) => votes_model::Message::Vote { from, value: value.into() },
            votes::Message::Decision(value) => votes_model::Message::Decision { value: value.into() },
        }
    }

    fn value(value: &bool) -> u8 {
        (*value).into()
    }
}

/// A number that fits the model's; one that does not is at least told apart from all that do.
fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The sender of a message to `to` that is not the coordinator's. The model does not name it, because it does not
/// matter there: with three processes and one coordinator it is the third process. To the coordinator itself either of
/// the others would do.
fn other_than(to: u8, coordinator: usize) -> usize {
    (0..PROCESSES).find(|process| *process != usize::from(to) && *process != coordinator).unwrap_or_default()
}

impl Bound for RotatingCoordinator {
    type Process = implementation::rotating_coordinator::RotatingCoordinator;

    fn process(&self, group: Group, id: usize, input: u8) -> Self::Process {
        Self::Process::new(group, id, input.into()).expect("a member")
    }

    fn inward(
        &self,
        to: u8,
        message: rotating_model::Message,
    ) -> (usize, implementation::rotating_coordinator::Message) {
        use implementation::rotating_coordinator::Message;
        match message {
            rotating_model::Message::Estimate { round, value } => {
                (coordinator(round).into(), Message::Estimate { round: round.into(), value: value.into() })
            }
            rotating_model::Message::Vote { round, from, value } => {
                (from.into(), Message::Vote { round: round.into(), value: value.map(u64::from) })
            }
            rotating_model::Message::Decision { value } => (other_than(to, PROCESSES), Message::Decision(value.into())),
        }
    }

    fn outward(&self, from: u8, message: &implementation::rotating_coordinator::Message) -> rotating_model::Message {
        use implementation::rotating_coordinator::Message;
        match *message {
            Message::Estimate { round, value } => {
                rotating_model::Message::Estimate { round: small(round), value: small(value) }
            }
            Message::Vote { round, value } => {
                rotating_model::Message::Vote { round: small(round), from, value: value.map(small) }
            }
            Message::Decision(value) => rotating_model::Message::Decision { value: small(value) },
        }
    }

    fn value(value: &u64) -> u8 {
        small(*value)
    }
}

impl Bound for ChandraToueg {
    type Process = implementation::chandra_toueg::ChandraToueg;

    fn process(&self, group: Group, id: usize, input: u8) -> Self::Process {
        Self::Process::new(group, id, input.into()).expect("a member")
    }

    fn inward(&self, to: u8, message: ct_model::Message) -> (usize, implementation::chandra_toueg::Message) {
        use implementation::chandra_toueg::Message;
        match message {
            ct_model::Message::Estimate { round, from, value, stamp } => {
                let estimate = (u64::try_from(stamp).ok(), value.into());
                (from.into(), Message::Estimate { round: round.into(), estimate })
            }
            ct_model::Message::Proposal { round, value } => {
                (coordinator(round).into(), Message::Proposal { round: round.into(), value: value.into() })
            }
            ct_model::Message::Reply { round, from, acknowledges } => {
                (from.into(), Message::Reply { round: round.into(), acknowledges })
            }
            ct_model::Message::Decision { value } => (other_than(to, PROCESSES), Message::Decision(value.into())),
        }
    }

    fn outward(&self, from: u8, message: &implementation::chandra_toueg::Message) -> ct_model::Message {
        use implementation::chandra_toueg::Message;
        match *message {
            Message::Estimate { round, estimate: (stamp, value) } => ct_model::Message::Estimate {
                round: small(round),
                from,
                value: small(value),
                stamp: stamp.map_or(-1, |stamp| i8::try_from(stamp).unwrap_or(i8::MAX)),
            },
            Message::Proposal { round, value } => {
                ct_model::Message::Proposal { round: small(round), value: small(value) }
            }
            Message::Reply { round, acknowledges } => {
                ct_model::Message::Reply { round: small(round), from, acknowledges }
            }
            Message::Decision(value) => ct_model::Message::Decision { value: small(value) },
        }
    }

    fn value(value: &u64) -> u8 {
        small(*value)
    }
}

/// The number of a ballot in the model, which counts ballots in one number.
fn number(ballot: Ballot) -> u8 {
    small(ballot.round * u64::from(paxos_model::PROPOSERS) + ballot.proposer as u64 + 1)
}

fn ballot(number: u8) -> Ballot {
    let place = number.saturating_sub(1);
    Ballot { round: u64::from(place / paxos_model::PROPOSERS), proposer: usize::from(place % paxos_model::PROPOSERS) }
}

impl Bound for Paxos {
    type Process = implementation::paxos::Paxos;

    fn process(&self, group: Group, id: usize, input: u8) -> Self::Process {
        let proposal = (id < usize::from(paxos_model::PROPOSERS)).then_some(u64::from(input));
        Self::Process::new(group, id, proposal).expect("a member")
    }

    fn inward(&self, _: u8, message: paxos_model::Message) -> (usize, implementation::paxos::Message) {
        use implementation::paxos::Message;
        match message {
            paxos_model::Message::Prepare { ballot: of, from } => (from.into(), Message::Prepare(ballot(of))),
            paxos_model::Message::Promise { ballot: of, from, accepted } => {
                let accepted = accepted.map(|(of, value)| (ballot(of), u64::from(value)));
                (from.into(), Message::Promise { ballot: ballot(of), accepted })
            }
            paxos_model::Message::Accept { ballot: of, from, value } => {
                (from.into(), Message::Accept { ballot: ballot(of), value: value.into() })
            }
            paxos_model::Message::Accepted { ballot: of, from } => (from.into(), Message::Accepted(ballot(of))),
        }
    }

    fn outward(&self, from: u8, message: &implementation::paxos::Message) -> paxos_model::Message {
        use implementation::paxos::Message;
        match *message {
            Message::Prepare(of) => paxos_model::Message::Prepare { ballot: number(of), from },
            Message::Promise { ballot: of, accepted } => paxos_model::Message::Promise {
                ballot: number(of),
                from,
                accepted: accepted.map(|(of, value)| (number(of), small(value))),
            },
            Message::Accept { ballot: of, value } => {
                paxos_model::Message::Accept { ballot: number(of), from, value: small(value) }
            }
            Message::Accepted(of) => paxos_model::Message::Accepted { ballot: number(of), from },
        }
    }

    fn value(value: &u64) -> u8 {
        small(*value)
    }
}
