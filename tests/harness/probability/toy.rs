//! A process written down choice by choice, and its truth by going through every policy with exact fractions.

use std::sync::Arc;

use counterpart::explore::{Budget, Graph};
use counterpart::model::{FairKey, Temporal};
use counterpart::verdict::probability::{Extreme, Mdp, MdpError};

use crate::toy::{At, Edge, Toy, ToySpec};

/// To this node no outcome leads: it is refused.
pub(super) const REFUSED: At = At::MAX;

#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) inits: Vec<At>,
    /// The node each choice is of, and its outcomes with their weights.
    pub(super) choices: Vec<(At, Vec<(At, u64)>)>,
    /// Choices that are not forced.
    pub(super) unforced: Vec<usize>,
    pub(super) bound: Option<At>,
    /// A choice, one of its outcomes, and a key that this is under.
    pub(super) keys: Vec<(usize, usize, FairKey)>,
    pub(super) goal: Vec<At>,
}

/// The assumption of [`Process::keys`].
pub(super) const FAIR: &str = "fair";

impl Process {
    pub(super) fn of(choices: &[(At, &[(At, u64)])]) -> Self {
        let choices = choices.iter().map(|(node, outcomes)| (*node, outcomes.to_vec())).collect();
        Process { inits: vec![0], choices, ..Process::default() }
    }

    /// With an action for each outcome, in order, that reads as its choice and its number.
    pub(super) fn toy(&self) -> Toy {
        let mut toy = Toy::new([]).starting(&self.inits).bound(self.bound);
        toy.goal.clone_from(&self.goal);
        for (choice, (node, outcomes)) in self.choices.iter().enumerate() {
            let alone = outcomes.len() == 1 && outcomes[0].1 == 1;
            for (outcome, (to, weight)) in outcomes.iter().enumerate() {
                let keys = self.keys.iter().filter(|(of, which, _)| (*of, *which) == (choice, outcome));
                let to = Some(*to).filter(|to| *to != REFUSED);
                toy.push(Edge {
                    keys: keys.map(|(_, _, key)| *key).collect(),
                    unforced: self.unforced.contains(&choice),
                    chance: (!alone).then_some((choice, *weight)),
                    ..Edge::new(*node, to, "")
                });
            }
        }
        toy
    }

    pub(super) fn graph(&self) -> Graph<Toy> {
        counterpart::explore::explore(Arc::new(self.toy()), &Budget::default()).expect("a model")
    }

    pub(super) fn mdp(&self) -> Result<Mdp, MdpError> {
        let graph = self.graph();
        assert!(graph.states().is_sorted(), "nodes are to be numbered as found: {:?}", graph.states());
        Mdp::of(&graph, reaches_goal())
    }
}

/// The goal is reached, whoever schedules, and under fairness.
pub(super) fn reaches_goal() -> ToySpec {
    let reached = |name: &str| Temporal::almost_surely(name, |toy: &Toy, node| toy.goal.contains(node));
    ToySpec::new(move || vec![reached("under all schedulers"), reached("under fair ones").under(FAIR)])
}

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(over: i128, under: i128) -> Self {
        let (mut a, mut b) = (over.abs(), under.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Fraction(over * under.signum() / a, under.abs() / a)
    }

    fn minus(self, other: Self) -> Self {
        Fraction::new(self.0 * other.1 - other.0 * self.1, self.1 * other.1)
    }

    fn times(self, other: Self) -> Self {
        Fraction::new(self.0 * other.0, self.1 * other.1)
    }

    fn over(self, other: Self) -> Self {
        Fraction::new(self.0 * other.1, self.1 * other.0)
    }
}

/// The choices of one node, each with its outcomes (every one into a node) and its reward.
pub(super) type Options = Vec<(Vec<(usize, u64)>, u64)>;

/// By node, the extreme probability and the extreme expected reward, by going through all policies without memory,
/// which are enough for both.
pub(super) fn by_policies(nodes: &[Options], goal: &[bool], extreme: Extreme) -> Vec<(f64, f64)> {
    let mut best: Option<Vec<(f64, f64)>> = None;
    let mut policy = vec![0; nodes.len()];
    loop {
        let values = chain(nodes, &policy, goal);
        let choose = |a: f64, b: f64| if (extreme == Extreme::Min) == (a < b) { a } else { b };
        best = Some(match best {
            None => values,
            Some(best) => best.iter().zip(values).map(|(a, b)| (choose(a.0, b.0), choose(a.1, b.1))).collect(),
        });
        let Some(turn) = (0..nodes.len()).find(|node| policy[*node] + 1 < nodes[*node].len()) else {
            return best.expect("at least one policy");
        };
        policy[turn] += 1;
        policy[..turn].fill(0);
    }
}

/// By node, the probability of the goal and the expected reward until then, where `policy` is followed.
fn chain(nodes: &[Options], policy: &[usize], goal: &[bool]) -> Vec<(f64, f64)> {
    let count = nodes.len();
    let row = |node: usize| &nodes[node][policy[node]];
    let grow = |from: &[bool]| {
        let mut reach = from.to_vec();
        for _ in 0..count {
            for node in (0..count).filter(|node| !goal[*node]) {
                reach[node] |= row(node).0.iter().any(|(to, _)| reach[*to]);
            }
        }
        reach
    };
    let reaches = grow(goal);
    let lost: Vec<bool> = reaches.iter().map(|reaches| !reaches).collect();
    let misses = grow(&lost);
    let solve = |open: &[usize], constant: &dyn Fn(usize) -> Fraction| -> Vec<f64> {
        let mut rows: Vec<Vec<Fraction>> = Vec::new();
        for node in open {
            let (outcomes, _) = row(*node);
            let total: u64 = outcomes.iter().map(|(_, weight)| weight).sum();
            let mut line: Vec<Fraction> = open
                .iter()
                .map(|to| {
                    let weight: u64 = outcomes.iter().filter(|(other, _)| other == to).map(|(_, weight)| weight).sum();
                    Fraction::new(i128::from(to == node), 1).minus(Fraction::new(weight.into(), total.into()))
                })
                .collect();
            line.push(constant(*node));
            rows.push(line);
        }
        for at in 0..open.len() {
            let pivot = (at..open.len()).find(|row| rows[*row][at].0 != 0).expect("a chain that ends has one solution");
            rows.swap(at, pivot);
            let head: Vec<Fraction> = rows[at].iter().map(|value| value.over(rows[at][at])).collect();
            for (other, line) in rows.iter_mut().enumerate() {
                let factor = line[at];
                if other == at {
                    line.clone_from(&head);
                } else if factor.0 != 0 {
                    for (value, above) in line.iter_mut().zip(&head) {
                        *value = value.minus(factor.times(*above));
                    }
                }
            }
        }
        rows.iter().map(|line| line[open.len()].0 as f64 / line[open.len()].1 as f64).collect()
    };
    let open: Vec<usize> = (0..count).filter(|node| reaches[*node] && !goal[*node]).collect();
    let into_goal = |node: usize| {
        let outcomes = &row(node).0;
        let hits: u64 = outcomes.iter().filter(|(to, _)| goal[*to]).map(|(_, weight)| weight).sum();
        Fraction::new(hits.into(), outcomes.iter().map(|(_, weight)| i128::from(*weight)).sum())
    };
    let mut values: Vec<(f64, f64)> =
        (0..count).map(|node| (f64::from(goal[node]), if goal[node] { 0.0 } else { f64::INFINITY })).collect();
    for (node, value) in open.iter().zip(solve(&open, &into_goal)) {
        values[*node].0 = value;
    }
    let sure: Vec<usize> = open.into_iter().filter(|node| !misses[*node]).collect();
    for (node, value) in sure.iter().zip(solve(&sure, &|node| Fraction::new(row(node).1.into(), 1))) {
        values[*node].1 = value;
    }
    values
}
