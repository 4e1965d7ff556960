//! States from which no repair leads back to an ideal ring: how many there are, which no property says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use counterpart::Spec;
use stateright::{Model, Property};

use super::conformance::ChordSpec;
use super::model::{Action, Chord, State};
use super::properties::is_ideal;

/// The states from which repairs alone do not lead to an ideal ring, as a model: it begins in any of them, and nothing
/// happens there. So its states are counted as those of any model are.
#[derive(Clone, Debug)]
pub struct BeyondRepair {
    of: Chord,
    found: Arc<OnceLock<Vec<State>>>,
}

impl BeyondRepair {
    /// Those of `of`.
    pub fn of(of: Chord) -> Self {
        BeyondRepair { of, found: Arc::default() }
    }
}

impl Model for BeyondRepair {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.found.get_or_init(|| beyond_repair(&self.of).1).clone()
    }

    fn actions(&self, _: &State, _: &mut Vec<Action>) {}

    fn next_state(&self, _: &State, _: Action) -> Option<State> {
        None
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("none of them is an ideal ring", |model: &BeyondRepair, state: &State| {
            !is_ideal(&model.of, state)
        })]
    }
}

/// How such states read.
#[derive(Clone, Copy, Debug)]
pub struct BeyondRepairSpec;

impl Spec for BeyondRepairSpec {
    type Model = BeyondRepair;

    fn parameters(&self, model: &BeyondRepair) -> BTreeMap<String, String> {
        ChordSpec { settles: false }.parameters(&model.of)
    }
}

/// How many states `model` has, and those of them from which repairs alone, without joins and failures, do not lead to an
/// ideal ring, nearest first.
pub fn beyond_repair(model: &Chord) -> (usize, Vec<State>) {
    let mut numbers: HashMap<State, usize> = HashMap::new();
    // By number: whether it is ideal, and where its repairs begin in `leads`.
    let (mut repairable, mut begins, mut leads) = (Vec::new(), Vec::new(), Vec::<u32>::new());
    let mut open = VecDeque::from(model.init_states());
    open.iter().for_each(|state| numbers.extend([(state.clone(), numbers.len())]));
    while let Some(state) = open.pop_front() {
        repairable.push(is_ideal(model, &state));
        begins.push(leads.len());
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(next) = model.next_state(&state, action) else { continue };
            let count = numbers.len();
            let number = *numbers.entry(next.clone()).or_insert_with(|| {
                open.push_back(next);
                count
            });
            if !matches!(action, Action::Join { .. } | Action::Fail { .. }) {
                leads.push(u32::try_from(number).expect("fewer than 2^32 states"));
            }
        }
    }
    begins.push(leads.len());
    let mut grows = true;
    while grows {
        grows = false;
        for number in (0..repairable.len()).rev().filter(|number| !repairable[*number]).collect::<Vec<_>>() {
            let repairs = &leads[begins[number]..begins[number + 1]];
            repairable[number] = repairs.iter().any(|to| repairable[*to as usize]);
            grows |= repairable[number];
        }
    }
    let count = numbers.len();
    let mut beyond: Vec<(usize, State)> =
        numbers.into_iter().filter(|(_, number)| !repairable[*number]).map(|(state, number)| (number, state)).collect();
    beyond.sort_unstable_by_key(|(number, _)| *number);
    (count, beyond.into_iter().map(|(_, state)| state).collect())
}
