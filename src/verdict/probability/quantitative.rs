//! Probabilities and expected rewards as equations that interval iteration solves.
//!
//! The bounds meet if the equations have one solution, which end components spoil: in one without the goal each state
//! is worth whatever the others are said to be worth. For the least probability and the greatest reward there are none
//! left once the states are known where the probability is 0, or not surely 1. For the greatest probability, and where
//! going round costs nothing also for the least reward, a scheduler can go from anywhere in such a component to
//! anywhere, so that it is worth one value: it becomes one unknown, whose options are the ways out.

use super::iteration::{Equations, Term, Way};
use super::{Bounds, Extreme, Mdp, Precision};

/// No unknown.
const NONE: u32 = u32::MAX;

impl Mdp {
    /// The `extreme` probability of reaching a node of `goal`, by node.
    pub fn probability(&self, goal: &[bool], extreme: Extreme, precision: &Precision) -> Vec<Bounds> {
        let (never, surely) = (self.never(goal, extreme), self.surely(goal, extreme));
        // The first two are 0 and 1.
        let known = (0..self.node_count()).map(|node| if never[node] { Some(0) } else { surely[node].then_some(1) });
        let known: Vec<Option<u32>> = known.collect();
        let open: Vec<bool> = known.iter().map(Option::is_none).collect();
        let components = match extreme {
            Extreme::Min => Vec::new(),
            Extreme::Max => self.end_components(&open, |_| true),
        };
        let unknowns = number(&known, 2, &components);
        let mut equations = self.equations(&unknowns, 2, extreme, |_| 0.0);
        equations.bounds = vec![Bounds { lower: 0.0, upper: 1.0 }; equations.unknown_count()];
        equations.bounds[0] = Bounds::exactly(0.0);
        equations.bounds[1] = Bounds::exactly(1.0);
        equations.solve(precision);
        unknowns.iter().map(|unknown| equations.bounds[*unknown as usize]).collect()
    }

    /// The `extreme` expected sum of the rewards of the choices made until a node of `goal` is reached, by node. With
    /// `Max` it is infinite unless every scheduler reaches the goal almost surely, with `Min` unless some scheduler
    /// does.
    ///
    /// # Panics
    /// If `rewards` has not one for each choice, or one that is negative or not finite.
    pub fn reward(&self, goal: &[bool], rewards: &[f64], extreme: Extreme, precision: &Precision) -> Vec<Bounds> {
        assert_eq!(rewards.len(), self.choice_count(), "one reward for each choice");
        assert!(
            rewards.iter().all(|reward| reward.is_finite() && *reward >= 0.0),
            "rewards are finite and not negative"
        );
        let opposite = match extreme {
            Extreme::Min => Extreme::Max,
            Extreme::Max => Extreme::Min,
        };
        let surely = self.surely(goal, opposite);
        let known =
            (0..self.node_count()).map(|node| if goal[node] { Some(0) } else { (!surely[node]).then_some(NONE) });
        let known: Vec<Option<u32>> = known.collect();
        let open: Vec<bool> = known.iter().map(Option::is_none).collect();
        let components = match extreme {
            Extreme::Min => self.end_components(&open, |choice| rewards[choice] == 0.0),
            Extreme::Max => Vec::new(),
        };
        let unknowns = number(&known, 1, &components);
        let mut equations = self.equations(&unknowns, 1, extreme, |choice| rewards[choice]);
        let policy = match extreme {
            Extreme::Min => {
                Some(equations.proper_policy().expect("where some scheduler is sure to arrive, a policy is"))
            }
            Extreme::Max => None,
        };
        let reward_max = equations.options.iter().map(|option| option.reward).fold(0.0, f64::max);
        let upper = match equations.steps_max(policy.as_deref(), precision) {
            Some(steps) => steps.into_iter().map(|steps| (steps * reward_max).next_up()).collect(),
            None => vec![f64::INFINITY; equations.unknown_count()],
        };
        equations.bounds = upper.into_iter().map(|upper| Bounds { lower: 0.0, upper }).collect();
        equations.bounds[0] = Bounds::exactly(0.0);
        equations.solve(precision);
        let bounds = |unknown: &u32| match *unknown {
            NONE => Bounds::exactly(f64::INFINITY),
            unknown => equations.bounds[unknown as usize],
        };
        unknowns.iter().map(bounds).collect()
    }

    /// One equation for each unknown, the first `known` having no options. A choice that may lead to no unknown is no
    /// option, nor is one that goes nowhere and costs nothing.
    fn equations(&self, unknowns: &[u32], known: u32, extreme: Extreme, reward: impl Fn(usize) -> f64) -> Equations {
        let count =
            unknowns.iter().filter(|unknown| **unknown != NONE).max().map_or(0, |last| *last + 1).max(known) as usize;
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (node, unknown) in unknowns.iter().enumerate() {
            if *unknown != NONE && *unknown >= known {
                members[*unknown as usize].push(node);
            }
        }
        let mut equations =
            Equations { extreme, offsets: vec![0], options: Vec::new(), terms: Vec::new(), bounds: Vec::new() };
        for (unknown, members) in members.iter().enumerate() {
            for choice in members.iter().flat_map(|node| self.choices(*node)) {
                let start = equations.terms.len();
                for branch in self.branches(choice) {
                    let to = unknowns[branch.to];
                    match equations.terms[start..].iter_mut().find(|term| term.unknown == to) {
                        Some(term) => term.weight += branch.weight,
                        None => equations.terms.push(Term { unknown: to, weight: branch.weight }),
                    }
                }
                let terms = &equations.terms[start..];
                let idle = reward(choice) == 0.0 && terms.iter().all(|term| term.unknown as usize == unknown);
                if idle || terms.iter().any(|term| term.unknown == NONE) {
                    equations.terms.truncate(start);
                    continue;
                }
                let terms_end = equations.terms.len();
                equations.options.push(Way { reward: reward(choice), total: self.total(choice), terms_end });
            }
            equations.offsets.push(equations.options.len());
        }
        equations
    }
}

/// By node, its unknown: those known keep theirs, the nodes of a component share one, and the others have their own.
fn number(known: &[Option<u32>], first: u32, components: &[Vec<usize>]) -> Vec<u32> {
    let mut next = first;
    let mut unknowns: Vec<u32> = Vec::with_capacity(known.len());
    for known in known {
        unknowns.push(known.unwrap_or(next));
        next += u32::from(known.is_none());
    }
    for component in components {
        for node in component {
            unknowns[*node] = unknowns[component[0]];
        }
    }
    unknowns
}
