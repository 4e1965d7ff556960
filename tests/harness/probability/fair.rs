//! A second judge of `almost_surely` under fairness, slow and simple: every set of choices is gone through, and those
//! are kept that a scheduler can go about in for ever, being fair and away from the goal.

use std::sync::Arc;

use counterpart::model::{FairKey, Spec, Strength};
use counterpart::verdict::{Evidence, Verdict, check_end_component, judge};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::toy::{FAIR, Process, REFUSED, reaches_goal};
use crate::toy::At;

const PROCESSES: usize = 4_000;
const NODES_MAX: u64 = 5;
const CHOICES_MAX: u64 = 9;
const SEED: u64 = 11;

/// A choice as the simple judge sees it.
struct Choice {
    of: At,
    /// Nodes as bits.
    to: u32,
    cut: bool,
    keys: Vec<FairKey>,
}

struct Judge<'a> {
    toy: &'a Process,
    choices: Vec<Choice>,
}

#[derive(Debug, PartialEq)]
enum Said {
    Holds,
    /// Steps to the nearest such set.
    Violated(usize),
    Incomplete,
}

impl<'a> Judge<'a> {
    fn new(toy: &'a Process) -> Self {
        let cut = |to: At| to != REFUSED && toy.bound.is_some_and(|bound| to > bound);
        let mut choices = Vec::new();
        let mut forced = 0u32;
        for (index, (of, outcomes)) in toy.choices.iter().enumerate() {
            if outcomes.iter().all(|(to, _)| *to == REFUSED) {
                continue;
            }
            let inside = outcomes.iter().filter(|(to, _)| !cut(*to));
            let to = inside.fold(0, |all, (to, _)| all | 1 << if *to == REFUSED { *of } else { *to });
            let keys =
                toy.keys.iter().filter(|(choice, outcome, _)| *choice == index && outcomes[*outcome].0 != REFUSED);
            let keys = keys.map(|(_, _, key)| *key).collect();
            choices.push(Choice { of: *of, to, cut: outcomes.iter().any(|(to, _)| cut(*to)), keys });
            forced |= u32::from(!toy.unforced.contains(&index)) << of;
        }
        for of in (0..NODES_MAX as At).filter(|node| forced >> node & 1 == 0) {
            choices.push(Choice { of, to: 1 << of, cut: false, keys: Vec::new() });
        }
        Judge { toy, choices }
    }

    fn levels(&self, through: u32) -> Vec<u32> {
        let mut level = self.toy.inits.iter().fold(0, |all, node| all | 1 << node) & through;
        let (mut seen, mut levels) = (level, Vec::new());
        while level != 0 {
            levels.push(level);
            let next = self.choices.iter().filter(|choice| level >> choice.of & 1 == 1);
            level = next.fold(0, |all, choice| all | choice.to) & through & !seen;
            seen |= level;
        }
        levels
    }

    /// The nodes of `chosen`, bits over the choices, if it is an end component.
    fn component(&self, chosen: u32) -> Option<u32> {
        let inside = || self.choices.iter().enumerate().filter(move |(index, _)| chosen >> index & 1 == 1);
        let nodes = inside().fold(0, |all, (_, choice)| all | 1 << choice.of);
        if inside().any(|(_, choice)| choice.cut || choice.to & !nodes != 0) {
            return None;
        }
        let all_reach_all = (0..NODES_MAX as At).filter(|node| nodes >> node & 1 == 1).all(|node| {
            let mut grown = 1u32 << node;
            for _ in 0..NODES_MAX {
                grown = inside()
                    .filter(|(_, choice)| grown >> choice.of & 1 == 1)
                    .fold(grown, |grown, (_, choice)| grown | choice.to);
            }
            grown == nodes
        });
        all_reach_all.then_some(nodes)
    }

    fn is_fair(&self, chosen: u32, nodes: u32) -> bool {
        let keys = self.toy.keys.iter().map(|(_, _, key)| *key);
        keys.into_iter().all(|key| {
            let has = |choice: &Choice| choice.keys.contains(&key);
            let taken = self.choices.iter().enumerate().any(|(index, choice)| chosen >> index & 1 == 1 && has(choice));
            let enabled =
                self.choices.iter().filter(|choice| has(choice)).fold(0u32, |all, choice| all | 1 << choice.of);
            taken
                || match key.strength {
                    Strength::Weak => nodes & !enabled != 0,
                    Strength::Strong => nodes & enabled == 0,
                }
        })
    }

    /// The verdict, and every fair end component without the goal.
    fn judge(&self, fair: bool) -> (Said, Vec<u32>) {
        let outside = !self.toy.goal.iter().fold(0u32, |all, node| all | 1 << node);
        let components = (1u32..1 << self.choices.len()).filter_map(|chosen| {
            let nodes = self.component(chosen).filter(|nodes| nodes & !outside == 0)?;
            (!fair || self.is_fair(chosen, nodes)).then_some(nodes)
        });
        let components: Vec<u32> = components.collect();
        let all = components.iter().fold(0, |all, nodes| all | nodes);
        let reached = self.levels(u32::MAX).iter().fold(0, |all, level| all | level);
        let spoken = self.choices.iter().any(|choice| reached >> choice.of & 1 == 1 && !choice.keys.is_empty());
        let cut = self.choices.iter().any(|choice| reached >> choice.of & 1 == 1 && choice.cut);
        let said = match self.levels(outside).iter().position(|level| level & all != 0) {
            Some(steps) => Said::Violated(steps),
            None if cut || fair && !spoken => Said::Incomplete,
            None => Said::Holds,
        };
        (said, components)
    }
}

fn draw(random: &mut Pcg64Mcg) -> Process {
    let mut below = |limit: u64| random.next_u64() % limit;
    let count = 2 + below(NODES_MAX - 1);
    let choices: Vec<(At, Vec<(At, u64)>)> = (0..2 + below(CHOICES_MAX - 1))
        .map(|_| {
            let of = below(count) as At;
            let outcome = |to: u64, none: u64| (if none == 0 { REFUSED } else { to as At }, 1);
            (of, (0..1 + below(3)).map(|_| outcome(below(count), below(12))).collect())
        })
        .collect();
    let bound = (below(5) == 0).then(|| 1.max(count - 2) as At);
    let inits = if below(4) == 0 { vec![0, 1] } else { vec![0] };
    let mut toy = Process { inits, bound, goal: vec![below(count) as At], choices, ..Process::default() };
    for _ in 0..below(6) {
        let choice = below(toy.choices.len() as u64) as usize;
        let outcome = below(toy.choices[choice].1.len() as u64) as usize;
        let key = if below(2) == 0 { FairKey::weak(FAIR) } else { FairKey::strong(FAIR) };
        toy.keys.push((choice, outcome, key.of_each(below(3))));
    }
    if below(3) == 0 {
        toy.unforced = (0..toy.choices.len()).filter(|_| below(2) == 0).collect();
    }
    toy
}

pub(super) fn agreement() {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let (mut said, mut fairness_saves, mut large, mut beside_cut) = ([[0; 3]; 2], 0, 0, 0);
    for number in 0..PROCESSES {
        let toy = draw(&mut random);
        let truth = Judge::new(&toy);
        let graph = toy.graph();
        let interrupt: counterpart::explore::Interrupt = Arc::new(|| None);
        let findings = judge(&graph, reaches_goal(), &interrupt);
        assert_eq!(findings.len(), 2);
        let mut violated = [false; 2];
        for (fair, (finding, promise)) in findings.iter().zip(reaches_goal().temporal()).enumerate() {
            let place = format!("process {number}, {}: {toy:?}", finding.name);
            let (expected, components) = truth.judge(fair == 1);
            let found = match (&finding.verdict, &finding.evidence) {
                (Verdict::Holds, None) => Said::Holds,
                (Verdict::Incomplete, None) => Said::Incomplete,
                (Verdict::Violated, Some(Evidence::EndComponent { lasso, states })) => {
                    let at = graph.states()[lasso.nodes().nth(lasso.loop_start).expect("a loop")];
                    let around = components.iter().filter(|nodes| **nodes >> at & 1 == 1);
                    let largest = around.map(|nodes| nodes.count_ones() as usize).max();
                    assert_eq!(Some(*states), largest, "{place}");
                    assert_eq!(
                        check_end_component(&graph, reaches_goal(), promise.name(), lasso, &interrupt),
                        Ok(*states),
                        "{place}"
                    );
                    large += usize::from(*states > 1);
                    beside_cut += usize::from(graph.incomplete().is_some());
                    violated[fair] = true;
                    Said::Violated(lasso.loop_start)
                }
                (verdict, _) => panic!("{verdict} with the wrong evidence: {place}"),
            };
            assert_eq!(found, expected, "{place}");
            said[fair][match found {
                Said::Holds => 0,
                Said::Violated(_) => 1,
                Said::Incomplete => 2,
            }] += 1;
        }
        fairness_saves += usize::from(violated == [true, false]);
    }
    // Agreement would say little if nearly all were of one verdict, or fairness changed nothing.
    assert!(said.iter().flatten().all(|count| *count > PROCESSES / 40), "{said:?}");
    assert!(fairness_saves > 100 && large > 300 && beside_cut > 100, "{fairness_saves} {large} {beside_cut}");
}
