//! Paxos without leaders or learners: acceptors and the set of all messages ever sent.
//!
//! **Sources.** Lamport, "The Paxos algorithm, or how to win a Turing Award", 2019; its `Paxos.tla` and the model
//! `MCPaxosTiny` in TLA+ Examples (`specifications/PaxosHowToWinATuringAward`, MIT), of which this is a transcription:
//! three acceptors, two values, ballots 0 and 1, and the quorums are the pairs.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use stateright::{Model, Property};

use super::{Figures, can_fail, figures};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::paxos_tiny_has_3921_states_23563_generated_depth_17", tiny),
        claim("golden::paxos_that_forgets_earlier_votes_chooses_twice", chooses_twice),
    ]
}

fn tiny() {
    let model = || Paxos { variant: Variant::Sound };
    assert_eq!(figures(model), Figures { states: 3_921, generated: 23_563, depth: 17 });
}

fn chooses_twice() {
    let model = |variant| Paxos { variant };
    can_fail(model(Variant::Sound), model(Variant::ForgetsEarlierVotes), AGREEMENT);
}

const AGREEMENT: &str = "at most one value is chosen";

const ACCEPTORS: usize = 3;
const VALUES: [u8; 2] = [1, 2];
const BALLOTS: [u8; 2] = [0, 1];
const QUORUMS: [[usize; 2]; 3] = [[0, 1], [0, 2], [1, 2]];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// Phase 2a takes any value, whatever the quorum has voted for.
    ForgetsEarlierVotes,
}

#[derive(Clone)]
struct Paxos {
    variant: Variant,
}

/// Ordered by ballot first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Vote {
    ballot: u8,
    value: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Phase1a { ballot: u8 },
    Phase1b { acceptor: usize, ballot: u8, last: Option<Vote> },
    Phase2a(Vote),
    Phase2b { acceptor: usize, vote: Vote },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// The highest ballot an acceptor has taken part in (`maxBal`; `None` for -1).
    joined: [Option<u8>; ACCEPTORS],
    /// Its latest vote (`maxVBal` and `maxVal`).
    voted: [Option<Vote>; ACCEPTORS],
    messages: BTreeSet<Message>,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Phase1a { ballot: u8 },
    Phase1b { acceptor: usize, ballot: u8 },
    Phase2a { vote: Vote, witness: Witness },
    Phase2b { acceptor: usize, vote: Vote },
}

/// Why a value may be proposed. It is no part of what happens, but TLC evaluates each and counts each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Witness {
    quorum: [usize; 2],
    /// Who reported the highest vote; nobody did if there is none.
    reporter: Option<usize>,
}

impl Paxos {
    /// The ways in which `vote` may be proposed.
    fn witnesses(&self, state: &State, vote: Vote) -> Vec<Witness> {
        let mut witnesses = Vec::new();
        for quorum in QUORUMS {
            let reports: Vec<(usize, Option<Vote>)> = state
                .messages
                .iter()
                .filter_map(|message| match *message {
                    Message::Phase1b { acceptor, ballot, last } => {
                        (ballot == vote.ballot && quorum.contains(&acceptor)).then_some((acceptor, last))
                    }
                    Message::Phase1a { .. } | Message::Phase2a(_) | Message::Phase2b { .. } => None,
                })
                .collect();
            if !quorum.iter().all(|member| reports.iter().any(|(acceptor, _)| acceptor == member)) {
                continue;
            }
            let votes: Vec<(usize, Vote)> =
                reports.iter().filter_map(|&(acceptor, last)| Some((acceptor, last?))).collect();
            if votes.is_empty() || self.variant == Variant::ForgetsEarlierVotes {
                witnesses.push(Witness { quorum, reporter: None });
            }
            for &(acceptor, last) in &votes {
                if last.value == vote.value && votes.iter().all(|(_, other)| last.ballot >= other.ballot) {
                    witnesses.push(Witness { quorum, reporter: Some(acceptor) });
                }
            }
        }
        witnesses
    }
}

impl Model for Paxos {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { joined: [None; ACCEPTORS], voted: [None; ACCEPTORS], messages: BTreeSet::new() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for ballot in BALLOTS {
            actions.push(Action::Phase1a { ballot });
            let proposed = |message: &Message| matches!(message, Message::Phase2a(vote) if vote.ballot == ballot);
            if state.messages.iter().any(proposed) {
                continue;
            }
            for value in VALUES {
                let vote = Vote { ballot, value };
                let witnesses = self.witnesses(state, vote);
                actions.extend(witnesses.into_iter().map(|witness| Action::Phase2a { vote, witness }));
            }
        }
        for acceptor in 0..ACCEPTORS {
            for message in &state.messages {
                match *message {
                    Message::Phase1a { ballot } if Some(ballot) > state.joined[acceptor] => {
                        actions.push(Action::Phase1b { acceptor, ballot });
                    }
                    Message::Phase2a(vote) if Some(vote.ballot) >= state.joined[acceptor] => {
                        actions.push(Action::Phase2b { acceptor, vote });
                    }
                    Message::Phase1a { .. }
                    | Message::Phase1b { .. }
                    | Message::Phase2a(_)
                    | Message::Phase2b { .. } => {}
                }
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Phase1a { ballot } => {
                next.messages.insert(Message::Phase1a { ballot });
            }
            Action::Phase1b { acceptor, ballot } => {
                next.joined[acceptor] = Some(ballot);
                next.messages.insert(Message::Phase1b { acceptor, ballot, last: state.voted[acceptor] });
            }
            Action::Phase2a { vote, witness: _ } => {
                next.messages.insert(Message::Phase2a(vote));
            }
            Action::Phase2b { acceptor, vote } => {
                next.joined[acceptor] = Some(vote.ballot);
                next.voted[acceptor] = Some(vote);
                next.messages.insert(Message::Phase2b { acceptor, vote });
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(AGREEMENT, |_, state: &State| {
            let voted = |quorum: [usize; 2], vote| {
                quorum.iter().all(|&acceptor| state.messages.contains(&Message::Phase2b { acceptor, vote }))
            };
            let chosen = |value: &u8| {
                BALLOTS
                    .iter()
                    .any(|&ballot| QUORUMS.iter().any(|&quorum| voted(quorum, Vote { ballot, value: *value })))
            };
            VALUES.iter().filter(|value| chosen(value)).count() <= 1
        })]
    }
}
