//! What the chord table says of states from which no repair leads back to a ring: counted here, since a property says only
//! that there are some.

use std::collections::{BTreeSet, HashMap, VecDeque};

use counterpart_models::hash_ring::chord::model::{Action, Chord, Rules, State};
use counterpart_models::hash_ring::chord::properties::is_ideal;
use libtest_mimic::Trial;
use stateright::Model;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("hash_ring::720_states_of_the_original_rules_with_fixes_cannot_be_repaired", unrepairable)]
}

/// Every state that can come about, and where repairs alone lead from it.
fn repairs(model: &Chord) -> Vec<(State, Vec<usize>)> {
    let mut numbers = HashMap::new();
    let (mut states, mut repairs): (Vec<State>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
    let mut open = VecDeque::from(model.init_states());
    for state in &open {
        numbers.insert(state.clone(), states.len());
        states.push(state.clone());
    }
    while let Some(state) = open.pop_front() {
        let (mut actions, mut leads) = (Vec::new(), Vec::new());
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(next) = model.next_state(&state, action) else { continue };
            let number = *numbers.entry(next.clone()).or_insert_with(|| {
                states.push(next.clone());
                open.push_back(next);
                states.len() - 1
            });
            if !matches!(action, Action::Join { .. } | Action::Fail { .. }) {
                leads.push(number);
            }
        }
        repairs.push(leads);
    }
    states.into_iter().zip(repairs).collect()
}

fn unrepairable() {
    let model = Chord { rules: Rules::AdoptsTheLive, ..Chord::original(3) };
    let repairs = repairs(&model);
    let mut from = vec![Vec::new(); repairs.len()];
    for (number, (_, leads)) in repairs.iter().enumerate() {
        leads.iter().for_each(|to| from[*to].push(number));
    }
    let ideal = repairs.iter().enumerate().filter(|(_, (state, _))| is_ideal(&model, state)).map(|(number, _)| number);
    let mut open: Vec<usize> = ideal.collect();
    let mut repairable: BTreeSet<usize> = open.iter().copied().collect();
    while let Some(number) = open.pop() {
        open.extend(from[number].iter().copied().filter(|before| repairable.insert(*before)));
    }
    assert_eq!((repairs.len(), repairs.len() - repairable.len()), (12_808, 720));
}
