//! Two-phase commit with messages that are never taken away, as a transaction manager and its resource managers.
//!
//! **Sources.** Gray and Lamport, "Consensus on Transaction Commit", 2006; its `TwoPhase.tla` in TLA+ Examples
//! (`specifications/transaction_commit`, MIT), of which this is a transcription; stateright's example `2pc.rs` (MIT),
//! whose counts are 288 and 8,832 for three and five resource managers.

use std::sync::Arc;

use counterpart::explore::{Budget, Equality, survey, survey_up_to_symmetry};
use counterpart::model::CheckedModel;
use libtest_mimic::Trial;
use stateright::{Model, Property, Representative};

use super::{Figures, can_fail, figures};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::two_phase_commit_of_three_has_288_states_1146_generated_depth_11", three),
        claim("golden::two_phase_commit_of_five_has_8832_states", five),
        claim("golden::two_phase_commit_that_counts_too_few_votes_disagrees", disagrees),
        claim("golden::two_phase_commit_of_five_has_314_states_up_to_the_order_of_its_managers", up_to_symmetry),
        claim("golden::two_phase_commit_disagrees_as_soon_up_to_symmetry", disagrees_up_to_symmetry),
    ]
}

/// For trials of other engines: `is_sound`, or the manager commits with one vote missing.
pub(crate) fn two_phase_commit(manager_count: usize, is_sound: bool) -> impl CheckedModel<State: Representative> {
    TwoPhase { manager_count, variant: if is_sound { Variant::Sound } else { Variant::CommitsWithOneVoteMissing } }
}

fn three() {
    let model = || TwoPhase { manager_count: 3, variant: Variant::Sound };
    // 1,146 is the initial state and 1,145 successors, those that stay where they are included; 11 states are 10 steps.
    assert_eq!(figures(model), Figures { states: 288, generated: 1_146, depth: 11 });
}

fn five() {
    assert_eq!(figures(|| TwoPhase { manager_count: 5, variant: Variant::Sound }).states, 8_832);
}

fn disagrees() {
    let model = |variant| TwoPhase { manager_count: 3, variant };
    can_fail(model(Variant::Sound), model(Variant::CommitsWithOneVoteMissing), AGREEMENT);
}

/// stateright's example has 665: its representative puts managers in order by their states alone, which leaves more than
/// one representative of an orbit, how many depends on the order of exploring (breadth first it is 508). By all that is
/// said of a manager one is left of each orbit.
fn up_to_symmetry() {
    let model = Arc::new(TwoPhase { manager_count: 5, variant: Variant::Sound });
    let all = counterpart::explore::explore(model.clone(), &Budget::default()).expect("a model");
    let mut orbits: Vec<[usize; 7]> = all.states().iter().map(State::orbit).collect();
    orbits.sort_unstable();
    orbits.dedup();
    assert_eq!(orbits.len(), 314);
    for (equality, threads) in [(Equality::Exact, 1), (Equality::Automatic, 2), (Equality::Fingerprint64, 3)] {
        let budget = Budget::default().equality(equality).threads(threads);
        let survey = survey_up_to_symmetry(model.clone(), &budget).expect("the managers may be exchanged");
        assert_eq!((survey.node_count(), survey.depth()), (314, all.depth()), "{equality:?}, {threads} threads");
        assert!(survey.discoveries().iter().all(|found| found.node.is_none()));
    }
}

fn disagrees_up_to_symmetry() {
    let model = Arc::new(TwoPhase { manager_count: 4, variant: Variant::CommitsWithOneVoteMissing });
    let whole = survey(model.clone(), &Budget::default()).expect("a model");
    let reduced = survey_up_to_symmetry(model.clone(), &Budget::default()).expect("the managers may be exchanged");
    assert!(reduced.node_count() * 5 < whole.node_count(), "{} of {}", reduced.node_count(), whole.node_count());
    let (theirs, ours) = (whole.discoveries()[0].node.expect("found"), reduced.discoveries()[0].node.expect("found"));
    assert_eq!(reduced.depth_of(ours), whole.depth_of(theirs));
    // It is a path of the model, not of representatives.
    let path = reduced.path_to(ours);
    let mut state = path.initial;
    assert!(model.init_states().contains(&state));
    for (action, to) in path.steps {
        state = model.next_state(&state, action).expect("a step of the model");
        assert_eq!(state, to);
    }
    assert!(state.managers.contains(&Manager::Committed) && state.managers.contains(&Manager::Aborted));
}

pub(crate) const AGREEMENT: &str = "no manager commits while another aborts";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Sound,
    /// The transaction manager commits when all but one have prepared.
    CommitsWithOneVoteMissing,
}

#[derive(Clone)]
struct TwoPhase {
    manager_count: usize,
    variant: Variant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Decision {
    Init,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    managers: Vec<Manager>,
    decision: Decision,
    /// Whose `Prepared` the transaction manager has received, one bit each.
    received: u8,
    /// Messages ever sent: `Prepared` of a manager, one bit each.
    sent_prepared: u8,
    sent_commit: bool,
    sent_abort: bool,
}

impl State {
    /// All that is said of a manager.
    fn of(&self, manager: usize) -> (Manager, bool, bool) {
        let bit = |bits: u8| bits & (1 << manager) != 0;
        (self.managers[manager], bit(self.received), bit(self.sent_prepared))
    }

    /// What of a state no exchange of managers changes: how many managers there are of each kind, and the rest. Counted,
    /// so that it owes nothing to the representative.
    fn orbit(&self) -> [usize; 7] {
        let mut kinds = [0_usize; 4];
        for manager in 0..self.managers.len() {
            let (state, received, prepared) = self.of(manager);
            // At most five managers: each count is a digit in base 6.
            kinds[state as usize] += 6_usize.pow(2 * u32::from(received) + u32::from(prepared));
        }
        let [working, prepared, committed, aborted] = kinds;
        [working, prepared, committed, aborted, self.decision as usize, self.sent_commit.into(), self.sent_abort.into()]
    }
}

impl Representative for State {
    fn representative(&self) -> Self {
        let mut managers: Vec<_> = (0..self.managers.len()).map(|manager| self.of(manager)).collect();
        managers.sort_unstable();
        let bits = |of: fn(&(Manager, bool, bool)) -> bool| {
            managers.iter().enumerate().map(|(index, manager)| u8::from(of(manager)) << index).sum()
        };
        State {
            received: bits(|(_, received, _)| *received),
            sent_prepared: bits(|(_, _, prepared)| *prepared),
            managers: managers.iter().map(|(state, ..)| *state).collect(),
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Commit,
    Abort,
    ReceivePrepared { manager: usize },
    Prepare { manager: usize },
    ChooseToAbort { manager: usize },
    ReceiveCommit { manager: usize },
    ReceiveAbort { manager: usize },
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            managers: vec![Manager::Working; self.manager_count],
            decision: Decision::Init,
            received: 0,
            sent_prepared: 0,
            sent_commit: false,
            sent_abort: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let undecided = state.decision == Decision::Init;
        let votes_needed = match self.variant {
            Variant::Sound => self.manager_count,
            Variant::CommitsWithOneVoteMissing => self.manager_count - 1,
        };
        if undecided && state.received.count_ones() as usize >= votes_needed {
            actions.push(Action::Commit);
        }
        if undecided {
            actions.push(Action::Abort);
        }
        for manager in 0..self.manager_count {
            if undecided && state.sent_prepared & (1 << manager) != 0 {
                actions.push(Action::ReceivePrepared { manager });
            }
            if state.managers[manager] == Manager::Working {
                actions.extend([Action::Prepare { manager }, Action::ChooseToAbort { manager }]);
            }
            if state.sent_commit {
                actions.push(Action::ReceiveCommit { manager });
            }
            if state.sent_abort {
                actions.push(Action::ReceiveAbort { manager });
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Commit => {
                next.decision = Decision::Committed;
                next.sent_commit = true;
            }
            Action::Abort => {
                next.decision = Decision::Aborted;
                next.sent_abort = true;
            }
            Action::ReceivePrepared { manager } => next.received |= 1 << manager,
            Action::Prepare { manager } => {
                next.managers[manager] = Manager::Prepared;
                next.sent_prepared |= 1 << manager;
            }
            Action::ChooseToAbort { manager } | Action::ReceiveAbort { manager } => {
                next.managers[manager] = Manager::Aborted;
            }
            Action::ReceiveCommit { manager } => next.managers[manager] = Manager::Committed,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(AGREEMENT, |_, state: &State| {
            !(state.managers.contains(&Manager::Committed) && state.managers.contains(&Manager::Aborted))
        })]
    }
}
