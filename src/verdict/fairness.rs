//! What the spec says of each transition, asked once for all properties: under which fairness it is, and where a run
//! may stay for ever.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::Serialize;

use super::probability::Process;
use crate::explore::{Explored, Shape, Target};
use crate::model::{FairKey, Strength};

/// The fairness a property was judged under, and how much of the model it spoke of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FairnessFound {
    /// The assumption's name.
    pub assumption: String,
    /// Sets of weakly fair actions, each enabled somewhere.
    pub weak: usize,
    /// Sets of strongly fair actions, each enabled somewhere.
    pub strong: usize,
    /// Of both, those that a step back into the same state neither enables nor takes.
    pub changing: usize,
    /// States in which an action of some set is enabled.
    pub states: usize,
}

/// Fairness and stuttering on a graph.
#[derive(Clone)]
pub(super) struct Labels {
    /// By node, whether a run may stay there for ever.
    stutters: Vec<bool>,
    /// By place of a transition, an index into `sets`; empty where no property assumes anything.
    set_by_place: Vec<u32>,
    /// Lists of indices into `keys`, ascending. Transitions are many and the sets of keys on them few, so that each is
    /// kept once. The first is empty.
    sets: Vec<Vec<u32>>,
    keys: Vec<FairKey>,
    found: Vec<FairnessFound>,
}

impl Labels {
    /// Asks the spec of every transition; of fairness only what `assumptions` name.
    pub(super) fn of(graph: Explored<'_>, assumptions: &BTreeSet<&'static str>) -> Self {
        let face = graph.face;
        let mut labels = Labels {
            stutters: Vec::with_capacity(graph.node_count()),
            set_by_place: Vec::new(),
            sets: vec![Vec::new()],
            keys: Vec::new(),
            found: assumptions
                .iter()
                .map(|name| FairnessFound { assumption: (*name).into(), weak: 0, strong: 0, changing: 0, states: 0 })
                .collect(),
        };
        if !assumptions.is_empty() {
            labels.set_by_place.reserve_exact(graph.place_count());
        }
        // A key goes by the number of its assumption, since names are slow to hash.
        let numbered: Vec<&str> = assumptions.iter().copied().collect();
        let number = |key: &FairKey| numbered.iter().position(|assumption| *assumption == key.assumption);
        let mut key_index: HashMap<(usize, Strength, bool, u128), u32, FixedState> = HashMap::default();
        let mut set_index: HashMap<Vec<u32>, u32, FixedState> = HashMap::default();
        let mut set = Vec::new();
        for node in 0..graph.node_count() {
            let Some(actions) = graph.actions(node) else {
                labels.stutters.push(false);
                continue;
            };
            let state = graph.state(node);
            let enabled = |place| graph.target_at(place) != Target::Refused;
            let mut offered = graph.places(node).enumerate();
            labels
                .stutters
                .push(offered.all(|(index, place)| !enabled(place) || !face.must_progress(state, &*actions, index)));
            if assumptions.is_empty() {
                continue;
            }
            for (index, place) in graph.places(node).enumerate() {
                set.clear();
                let keys = if enabled(place) { face.fairness(state, &*actions, index) } else { Vec::new() };
                for key in keys {
                    let Some(assumption) = number(&key) else { continue };
                    set.push(*key_index.entry((assumption, key.strength, key.changing, key.value)).or_insert_with(
                        || {
                            labels.keys.push(key);
                            labels.keys.len() as u32 - 1
                        },
                    ));
                }
                set.sort_unstable();
                set.dedup();
                let number = match set_index.get(set.as_slice()) {
                    _ if set.is_empty() => 0,
                    Some(number) => *number,
                    None => {
                        set_index.insert(set.clone(), labels.sets.len() as u32);
                        labels.sets.push(set.clone());
                        labels.sets.len() as u32 - 1
                    }
                };
                labels.set_by_place.push(number);
            }
        }
        labels.count(graph.shape(), assumptions);
        labels
    }

    /// How often each assumption speaks, so that one that never does cannot go unnoticed.
    fn count(&mut self, shape: &Shape, assumptions: &BTreeSet<&'static str>) {
        for (found, assumption) in self.found.iter_mut().zip(assumptions) {
            let of_strength = |strength| {
                self.keys.iter().filter(|key| key.assumption == *assumption && key.strength == strength).count()
            };
            found.weak = of_strength(Strength::Weak);
            found.strong = of_strength(Strength::Strong);
            found.changing = self.keys.iter().filter(|key| key.assumption == *assumption && key.changing).count();
            let speaks: Vec<bool> = self
                .sets
                .iter()
                .map(|set| set.iter().any(|key| self.keys[*key as usize].assumption == *assumption))
                .collect();
            found.states = (0..shape.node_count())
                .filter(|node| shape.places(*node).any(|place| speaks[self.set_by_place[place] as usize]))
                .count();
        }
    }

    /// The same, but of choices: a transition is under whatever any outcome of its choice is under, since whoever makes
    /// the choice takes them all.
    pub(super) fn of_choices(&self, shape: &Shape, process: &Process) -> Self {
        let mut labels = self.clone();
        if self.set_by_place.is_empty() {
            return labels;
        }
        let mut set_index: BTreeMap<Vec<u32>, u32> = self.sets.iter().cloned().zip(0..).collect();
        for node in 0..shape.node_count() {
            for choice in process.mdp.choices(node) {
                let places = || shape.places(node).filter(|place| process.choice_at(*place) == Some(choice));
                let keys = |place: usize| self.sets[self.set_by_place[place] as usize].iter().copied();
                let set: Vec<u32> = places().flat_map(keys).collect::<BTreeSet<u32>>().into_iter().collect();
                let number = *set_index.entry(set).or_insert_with_key(|set| {
                    labels.sets.push(set.clone());
                    labels.sets.len() as u32 - 1
                });
                for place in places() {
                    labels.set_by_place[place] = number;
                }
            }
        }
        labels
    }

    /// Whether a run may stay in `node` for ever.
    pub(super) fn stutters(&self, node: usize) -> bool {
        self.stutters[node]
    }

    /// What was found of `assumption`.
    pub(super) fn found(&self, assumption: &str) -> Option<&FairnessFound> {
        self.found.iter().find(|found| found.assumption == assumption)
    }

    /// The fairness that a property under `assumption` is judged with.
    pub(super) fn under(&self, assumption: Option<&str>) -> Fairness<'_> {
        let strengths = self.keys.iter().map(|key| (Some(key.assumption) == assumption).then_some(key.strength));
        let strengths: Vec<Option<Strength>> = strengths.collect();
        Fairness { labels: self, idle: strengths.iter().all(Option::is_none), strengths }
    }
}

/// The keys of one assumption.
pub(super) struct Fairness<'a> {
    pub(super) labels: &'a Labels,
    /// By key; `None` for those of other assumptions.
    strengths: Vec<Option<Strength>>,
    /// Whether there is no key at all.
    idle: bool,
}

impl Fairness<'_> {
    /// How many keys there are, those of other assumptions included.
    pub(super) fn key_count(&self) -> usize {
        self.strengths.len()
    }

    /// Whether there is nothing to be fair to.
    pub(super) fn is_idle(&self) -> bool {
        self.idle
    }

    /// How fair `key` is.
    pub(super) fn strength(&self, key: u32) -> Option<Strength> {
        self.strengths[key as usize]
    }

    /// The keys of the transition at `place`.
    pub(super) fn keys_at(&self, place: usize) -> impl Iterator<Item = u32> + '_ {
        let set = if self.idle { 0 } else { self.labels.set_by_place[place] };
        self.labels.sets[set as usize].iter().copied().filter(|key| self.strength(*key).is_some())
    }

    /// The keys enabled in `node`.
    pub(super) fn enabled(&self, shape: &Shape, node: usize) -> BTreeSet<u32> {
        shape.places(node).flat_map(|place| self.keys_at(place)).collect()
    }
}
