//! Non-blocking atomic commitment with crashes and a failure detector that may say anything.
//!
//! **Sources.** Raynal, "A case study of agreement problems in distributed systems: non-blocking atomic commitment",
//! 1997; its encoding `nbacc_ray97.tla` by Konnov, Tran and Widder in TLA+ Examples (MIT), of which this is a
//! transcription, with two processes. That model checks types only. As its failure detector is bound by nothing,
//! processes may decide differently in it, which is pinned here; that a commit needs every vote does hold.

use libtest_mimic::Trial;
use stateright::{Model, Property};

use counterpart::Check;
use counterpart::report::Outcome;

use super::{Figures, figures, run};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::nbacc_of_two_has_3016_states_49592_generated_depth_7", two),
        claim("golden::nbacc_commits_with_every_vote_only_but_may_disagree_under_such_a_detector", judged),
        claim("golden::nbacc_that_does_not_wait_for_votes_commits_against_one", commits_against_a_vote),
    ]
}

fn two() {
    let model = || Commitment { variant: Variant::Sound };
    assert_eq!(figures(model), Figures { states: 3_016, generated: 49_592, depth: 7 });
}

fn judged() {
    // `violates` names all that is expected to fail: the other property holds.
    let report = run(Check::of(Commitment { variant: Variant::Sound }).violates(AGREEMENT));
    assert_eq!(report.outcome(), Outcome::AsExpected, "{report:?}");
}

fn commits_against_a_vote() {
    let broken = Commitment { variant: Variant::CommitsUnlessNoIsHeard };
    let report = run(Check::of(broken).violates(AGREEMENT).violates(VALIDITY));
    assert_eq!(report.outcome(), Outcome::AsExpected, "{report:?}");
}

const VALIDITY: &str = "who commits does so after every process voted yes";
const AGREEMENT: &str = "no process commits while another aborts";

const PROCESSES: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// A process commits when it has heard of no `no`, whether or not it has heard every vote.
    CommitsUnlessNoIsHeard,
}

#[derive(Clone)]
struct Commitment {
    variant: Variant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Location {
    Yes,
    No,
    Sent,
    Abort,
    Commit,
    Crash,
}

/// A set of votes: bit `p` for a yes of process `p`, bit `PROCESSES + p` for its no.
type Votes = u8;

const ALL_YES: Votes = (1 << PROCESSES) - 1;
const ALL: Votes = (1 << (2 * PROCESSES)) - 1;

fn yes(process: usize) -> Votes {
    1 << process
}

fn no(process: usize) -> Votes {
    1 << (PROCESSES + process)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    locations: [Location; PROCESSES],
    received: [Votes; PROCESSES],
    sent: Votes,
    /// What the failure detector last told each process: whether some process has crashed.
    suspects: [bool; PROCESSES],
}

/// One process receives, hears its failure detector, and moves, all in one step.
#[derive(Clone, Debug, PartialEq)]
struct Action {
    process: usize,
    received: Votes,
    suspects: bool,
    choice: Choice,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Choice {
    Vote,
    Crash,
    AbortOnSuspicion,
    /// The process from which a no had been received *before* this step, as in the original.
    AbortOnNo {
        voter: usize,
    },
    Commit,
    Stay,
}

impl Commitment {
    fn choices(&self, state: &State, process: usize, received: Votes, suspects: bool) -> Vec<Choice> {
        let mut choices = vec![Choice::Stay];
        let location = state.locations[process];
        if matches!(location, Location::Yes | Location::No) {
            choices.push(Choice::Vote);
        }
        if location != Location::Crash {
            choices.push(Choice::Crash);
        }
        if location == Location::Sent {
            if suspects {
                choices.push(Choice::AbortOnSuspicion);
            }
            let voters = (0..PROCESSES).filter(|&voter| state.received[process] & no(voter) != 0);
            choices.extend(voters.map(|voter| Choice::AbortOnNo { voter }));
            let hears_yes = match self.variant {
                Variant::Sound => received & ALL_YES == ALL_YES,
                Variant::CommitsUnlessNoIsHeard => received & !ALL_YES == 0,
            };
            if !suspects && hears_yes {
                choices.push(Choice::Commit);
            }
        }
        choices
    }
}

impl Model for Commitment {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut states = Vec::new();
        for bits in 0..1_u8 << (2 * PROCESSES) {
            let bit = |index: usize| bits & (1 << index) != 0;
            states.push(State {
                locations: std::array::from_fn(|process| if bit(process) { Location::Yes } else { Location::No }),
                received: [0; PROCESSES],
                sent: 0,
                suspects: std::array::from_fn(|process| bit(PROCESSES + process)),
            });
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for process in 0..PROCESSES {
            // Any set between what was received and what was sent.
            let held = state.received[process];
            for received in (0..=ALL).filter(|set| set & !state.sent == 0 && held & !set == 0) {
                for suspects in [false, true] {
                    for choice in self.choices(state, process, received, suspects) {
                        actions.push(Action { process, received, suspects, choice });
                    }
                }
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let Action { process, received, suspects, choice } = action;
        let mut next = state.clone();
        next.received[process] = received;
        next.suspects[process] = suspects;
        match choice {
            Choice::Vote => {
                let votes_yes = state.locations[process] == Location::Yes;
                next.sent |= if votes_yes { yes(process) } else { no(process) };
                next.locations[process] = Location::Sent;
            }
            Choice::Crash => next.locations[process] = Location::Crash,
            Choice::AbortOnSuspicion | Choice::AbortOnNo { voter: _ } => next.locations[process] = Location::Abort,
            Choice::Commit => next.locations[process] = Location::Commit,
            Choice::Stay => {}
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(VALIDITY, |_, state: &State| {
                !state.locations.contains(&Location::Commit) || state.sent == ALL_YES
            }),
            Property::always(AGREEMENT, |_, state: &State| {
                !(state.locations.contains(&Location::Commit) && state.locations.contains(&Location::Abort))
            }),
        ]
    }
}
