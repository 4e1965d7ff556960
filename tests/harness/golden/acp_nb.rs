//! Non-blocking atomic commitment: a coordinator asks for votes, and participants forward the decision before they
//! take it, so that a dead coordinator blocks nobody.
//!
//! **Sources.** Babaoglu and Toueg, "Non-blocking atomic commitment", in Mullender (ed.), "Distributed Systems", 1993;
//! `ACP_SB.tla` and `ACP_NB.tla` by Charpentier and Merz in TLA+ Examples (`specifications/acp`, MIT), of which this
//! is a transcription, with two participants. The broken variant has the mistake of `ACP_NB_WRONG_TLC.tla` there.

use libtest_mimic::Trial;
use stateright::{Model, Property};

use super::{Figures, can_fail, figures};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::acp_nb_of_two_has_4284_states_23988_generated_depth_19", two),
        claim("golden::acp_nb_that_decides_before_it_forwards_disagrees", disagrees),
    ]
}

fn two() {
    let model = || Commitment { variant: Variant::Sound };
    assert_eq!(figures(model), Figures { states: 4_284, generated: 23_988, depth: 19 });
}

fn disagrees() {
    let model = |variant| Commitment { variant };
    can_fail(model(Variant::Sound), model(Variant::DecidesBeforeForwarding), AC1);
}

const AC1: &str = "all participants that decide reach the same decision";
const AC2: &str = "a commit needs the yes of every participant";
const AC3: &str = "an abort needs a no or a failure";

const PARTICIPANTS: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// A participant decides on what it was told before it has forwarded it to all others.
    DecidesBeforeForwarding,
}

#[derive(Clone)]
struct Commitment {
    variant: Variant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Decision {
    Commit,
    Abort,
}

/// `faulty` of the original is `!alive` in every state, and left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Participant {
    votes_yes: bool,
    alive: bool,
    decision: Option<Decision>,
    vote_sent: bool,
    /// What was forwarded to each participant; its own place holds what it was told itself.
    forward: [Option<Decision>; PARTICIPANTS],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Coordinator {
    requested: [bool; PARTICIPANTS],
    /// The votes received: whether yes.
    votes: [Option<bool>; PARTICIPANTS],
    broadcast: [Option<Decision>; PARTICIPANTS],
    decision: Option<Decision>,
    alive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    participants: [Participant; PARTICIPANTS],
    coordinator: Coordinator,
}

/// A participant's actions are written under `∃ i, j` in the original, also those that do not look at `j`: TLC counts
/// each of them once for every `j`, and so do we.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Request {
        to: usize,
    },
    GetVote {
        from: usize,
    },
    DetectFault {
        of: usize,
    },
    DecideCommit,
    /// Because of this participant's no.
    DecideAbort {
        voter: usize,
    },
    Broadcast {
        to: usize,
    },
    CoordinatorDies,
    Step {
        participant: usize,
        other: usize,
        step: Step,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Die,
    SendVote,
    AbortOnVote,
    AbortOnTimeoutRequest,
    Forward,
    PredecideOnForward,
    AbortOnTimeout,
    Predecide,
    Decide,
}

impl Commitment {
    fn coordinator_actions(state: &State, actions: &mut Vec<Action>) {
        let coordinator = &state.coordinator;
        if !coordinator.alive {
            return;
        }
        actions.push(Action::CoordinatorDies);
        let all_requested = coordinator.requested.iter().all(|requested| *requested);
        for index in 0..PARTICIPANTS {
            let participant = &state.participants[index];
            if !coordinator.requested[index] {
                actions.push(Action::Request { to: index });
            }
            if coordinator.decision.is_none() && all_requested && coordinator.votes[index].is_none() {
                if participant.vote_sent {
                    actions.push(Action::GetVote { from: index });
                }
                if !participant.alive && !participant.vote_sent {
                    actions.push(Action::DetectFault { of: index });
                }
            }
            if coordinator.decision.is_some() && coordinator.broadcast[index].is_none() {
                actions.push(Action::Broadcast { to: index });
            }
        }
        if coordinator.decision.is_none() && coordinator.votes.iter().all(Option::is_some) {
            if coordinator.votes == [Some(true); PARTICIPANTS] {
                actions.push(Action::DecideCommit);
            }
            let voters = (0..PARTICIPANTS).filter(|&voter| coordinator.votes[voter] == Some(false));
            actions.extend(voters.map(|voter| Action::DecideAbort { voter }));
        }
    }

    /// What participant `i` may do, as seen together with `j`. `i` and `j` as in the original.
    fn steps(&self, state: &State, i: usize, j: usize) -> Vec<Step> {
        let State { participants, coordinator } = state;
        let me = &participants[i];
        if !me.alive {
            return Vec::new();
        }
        let undecided = me.decision.is_none();
        let nobody_alive_was_told = (0..PARTICIPANTS).all(|index| {
            let dead_told_it = participants.iter().any(|dead| !dead.alive && dead.forward[index].is_some());
            !participants[index].alive || (coordinator.broadcast[index].is_none() && !dead_told_it)
        });
        let may_decide = match self.variant {
            Variant::Sound => me.forward.iter().all(Option::is_some),
            Variant::DecidesBeforeForwarding => me.forward[i].is_some(),
        };
        let enabled = [
            (Step::Die, true),
            (Step::SendVote, coordinator.requested[i]),
            (Step::AbortOnVote, undecided && me.vote_sent && !me.votes_yes),
            (Step::AbortOnTimeoutRequest, undecided && !coordinator.alive && !coordinator.requested[i]),
            (Step::Forward, i != j && me.forward[i].is_some() && me.forward[j].is_none()),
            (Step::PredecideOnForward, i != j && me.forward[i].is_none() && participants[j].forward[i].is_some()),
            (Step::AbortOnTimeout, undecided && !coordinator.alive && nobody_alive_was_told),
            (Step::Predecide, me.forward[i].is_none() && coordinator.broadcast[i].is_some()),
            // Not only while undecided, as in the original.
            (Step::Decide, may_decide),
        ];
        enabled.into_iter().filter_map(|(step, enabled)| enabled.then_some(step)).collect()
    }
}

impl Model for Commitment {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let coordinator = Coordinator {
            requested: [false; PARTICIPANTS],
            votes: [None; PARTICIPANTS],
            broadcast: [None; PARTICIPANTS],
            decision: None,
            alive: true,
        };
        let participant = |votes_yes| Participant {
            votes_yes,
            alive: true,
            decision: None,
            vote_sent: false,
            forward: [None; PARTICIPANTS],
        };
        (0..1_u8 << PARTICIPANTS)
            .map(|votes| State {
                participants: std::array::from_fn(|index| participant(votes & (1 << index) != 0)),
                coordinator: coordinator.clone(),
            })
            .collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        Self::coordinator_actions(state, actions);
        for participant in 0..PARTICIPANTS {
            for other in 0..PARTICIPANTS {
                let steps = self.steps(state, participant, other);
                actions.extend(steps.into_iter().map(|step| Action::Step { participant, other, step }));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        let coordinator = &mut next.coordinator;
        match action {
            Action::Request { to } => coordinator.requested[to] = true,
            Action::GetVote { from } => coordinator.votes[from] = Some(state.participants[from].votes_yes),
            Action::DetectFault { of: _ } | Action::DecideAbort { voter: _ } => {
                coordinator.decision = Some(Decision::Abort);
            }
            Action::DecideCommit => coordinator.decision = Some(Decision::Commit),
            Action::Broadcast { to } => coordinator.broadcast[to] = coordinator.decision,
            Action::CoordinatorDies => coordinator.alive = false,
            Action::Step { participant: i, other: j, step } => {
                let me = &mut next.participants[i];
                match step {
                    Step::Die => me.alive = false,
                    Step::SendVote => me.vote_sent = true,
                    Step::AbortOnVote | Step::AbortOnTimeoutRequest | Step::AbortOnTimeout => {
                        me.decision = Some(Decision::Abort);
                    }
                    Step::Forward => me.forward[j] = me.forward[i],
                    Step::PredecideOnForward => me.forward[i] = state.participants[j].forward[i],
                    Step::Predecide => me.forward[i] = state.coordinator.broadcast[i],
                    Step::Decide => me.decision = me.forward[i],
                }
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn anyone(state: &State, decision: Decision) -> bool {
            state.participants.iter().any(|participant| participant.decision == Some(decision))
        }
        vec![
            Property::always(AC1, |_, state: &State| {
                !(anyone(state, Decision::Commit) && anyone(state, Decision::Abort))
            }),
            Property::always(AC2, |_, state: &State| {
                !anyone(state, Decision::Commit) || state.participants.iter().all(|participant| participant.votes_yes)
            }),
            Property::always(AC3, |_, state: &State| {
                !anyone(state, Decision::Abort)
                    || !state.coordinator.alive
                    || state.participants.iter().any(|participant| !participant.votes_yes || !participant.alive)
            }),
        ]
    }
}
