//! A second judge of liveness, slow and simple, that the search for fair components has to agree with.
//!
//! The transitions that a run takes again and again are a set whose edges hang together in one strongly connected
//! piece, and every such set is what some run takes again and again. So all sets of edges are gone through, of graphs
//! small enough for that. Loops without repetition alone would not do: a fair run may have to go round two of them in
//! turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use counterpart::explore::{Budget, explore};
use counterpart::model::{FairKey, Kind, Strength};
use counterpart::verdict::{Evidence, Verdict, judge};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::toy::{At, Promise, Toy};

const GRAPHS: usize = 12_000;
const EDGES_MAX: u64 = 12;
const NODES_MAX: u64 = 6;
const SEED: u64 = 3;
/// Four kinds with and without fairness, and recoverable.
const PROMISES: usize = 9;

/// States as bits.
type Set = u32;

fn set(states: &[At]) -> Set {
    states.iter().fold(0, |set, state| set | 1 << state)
}

/// A step that a run may take for ever: an edge of the table, or staying where it is.
#[derive(Clone, Copy)]
struct Step {
    from: At,
    to: At,
    edge: Option<usize>,
}

/// Where the edges lead from and to. None of them is refused.
fn ends(table: &Toy) -> impl Iterator<Item = (At, At)> {
    table.edges.iter().filter_map(|edge| Some((edge.from, edge.to?)))
}

struct Judge<'a> {
    table: &'a Toy,
    steps: Vec<Step>,
    /// Every set of steps that some run takes again and again, as bits over `steps`, with the states it visits.
    loops: Vec<(u32, Set)>,
    reachable: Set,
    /// Whether a cut lies within reach.
    cut: bool,
}

/// What the simple judge says, with the fewest steps to a loop that violates, or to a trap.
#[derive(Debug, PartialEq)]
enum Said {
    Holds,
    Violated(usize),
    Incomplete,
}

impl<'a> Judge<'a> {
    fn new(table: &'a Toy) -> Self {
        let inside = |state: At| table.bound.is_none_or(|bound| state <= bound);
        let mut steps: Vec<Step> = Vec::new();
        for (edge, (from, to)) in ends(table).enumerate() {
            if inside(from) && inside(to) {
                steps.push(Step { from, to, edge: Some(edge) });
            }
        }
        let mut judge = Judge { table, steps, loops: Vec::new(), reachable: 0, cut: false };
        let everywhere = Set::MAX;
        judge.reachable = judge.distances(set(&table.inits), everywhere).iter().fold(0, |all, level| all | level);
        judge.cut = ends(table).any(|(from, to)| judge.reachable >> from & 1 == 1 && !inside(to));
        for state in (0..NODES_MAX as At).filter(|state| judge.reachable >> state & 1 == 1) {
            let mut edges = table.edges.iter().filter(|edge| edge.from == state);
            if edges.all(|edge| edge.unforced) {
                judge.steps.push(Step { from: state, to: state, edge: None });
            }
        }
        judge.loops = (1u32..1 << judge.steps.len())
            .filter_map(|chosen| Some((chosen, judge.strongly_connected(chosen)?)))
            .collect();
        judge
    }

    /// The states first reached after 0, 1, 2 … steps from `starts`, going through `through` only.
    fn distances(&self, starts: Set, through: Set) -> Vec<Set> {
        let mut levels = Vec::new();
        let (mut seen, mut level) = (starts & through, starts & through);
        while level != 0 {
            levels.push(level);
            let taken = self.steps.iter().filter(|step| level >> step.from & 1 == 1);
            level = taken.fold(0, |next, step| next | 1 << step.to) & through & !seen;
            seen |= level;
        }
        levels
    }

    fn enabled(&self, key: FairKey, state: At) -> bool {
        self.table.edges.iter().any(|edge| edge.from == state && edge.keys.contains(&key))
    }

    /// Whether a run that takes exactly the steps of `chosen` again and again is fair to `keys`.
    fn is_fair(&self, chosen: u32, visited: Set, keys: &BTreeSet<FairKey>) -> bool {
        let states = || (0..NODES_MAX as At).filter(|state| visited >> state & 1 == 1);
        keys.iter().all(|key| {
            let taken = self.chosen(chosen).filter_map(|step| step.edge);
            if taken.into_iter().any(|edge| self.table.edges[edge].keys.contains(key)) {
                return true;
            }
            match key.strength {
                Strength::Weak => states().any(|state| !self.enabled(*key, state)),
                Strength::Strong => !states().any(|state| self.enabled(*key, state)),
            }
        })
    }

    fn chosen(&self, chosen: u32) -> impl Iterator<Item = &Step> {
        self.steps.iter().enumerate().filter(move |(index, _)| chosen >> index & 1 == 1).map(|(_, step)| step)
    }

    /// The states of `chosen` if its steps lead from each of them to all.
    fn strongly_connected(&self, chosen: u32) -> Option<Set> {
        let leaves: Set = self.chosen(chosen).fold(0, |states, step| states | 1 << step.from);
        let visited: Set = self.chosen(chosen).fold(0, |states, step| states | 1 << step.to);
        if leaves != visited {
            // Most sets fail here: something is entered and not left, or left and not entered.
            return None;
        }
        let grown = |forwards: bool| {
            let mut grown: Set = 1 << visited.trailing_zeros();
            loop {
                let before = grown;
                for step in self.chosen(chosen) {
                    let (from, to) = if forwards { (step.from, step.to) } else { (step.to, step.from) };
                    if grown >> from & 1 == 1 {
                        grown |= 1 << to;
                    }
                }
                if grown == before {
                    return grown;
                }
            }
        };
        (grown(true) == visited && grown(false) == visited).then_some(visited)
    }

    /// The nearest state from which neither the goal nor a cut can be reached.
    fn judge_recoverable(&self, goal: Set) -> Said {
        let outside = |to: At| self.table.bound.is_some_and(|bound| to > bound);
        let leaves = |(from, to): (At, At)| outside(to).then_some(1 << from);
        let cuts: Set = ends(self.table).filter_map(leaves).fold(0, |cuts, from| cuts | from);
        let is_trap = |state: At| {
            let ahead = self.distances(1 << state, Set::MAX).iter().fold(0, |all, level| all | level);
            ahead & (goal | cuts) == 0
        };
        let levels = self.distances(set(&self.table.inits), Set::MAX);
        let trapped = |level: &Set| (0..NODES_MAX as At).any(|state| level >> state & 1 == 1 && is_trap(state));
        match levels.iter().position(trapped) {
            Some(steps) => Said::Violated(steps),
            None if self.cut => Said::Incomplete,
            None => Said::Holds,
        }
    }

    fn judge(&self, promise: &Promise) -> Said {
        let (goal, trigger) = (set(&promise.goal), set(&promise.trigger));
        if promise.kind == Kind::Recoverable {
            return self.judge_recoverable(goal);
        }
        let all_keys = self.table.edges.iter().flat_map(|edge| edge.keys.iter().copied());
        let keys: BTreeSet<FairKey> = all_keys.filter(|key| Some(key.assumption) == promise.assumption).collect();
        let inits = set(&self.table.inits);
        // For each state the fewest steps in which a run can come there with the promise still open.
        let mut open = [None; NODES_MAX as usize];
        let mut note = |levels: &[Set], before: usize| {
            for (state, fewest) in (0..).zip(open.iter_mut()) {
                if let Some(steps) = levels.iter().position(|level| level >> state & 1 == 1) {
                    *fewest = Some(fewest.unwrap_or(usize::MAX).min(before + steps));
                }
            }
        };
        match promise.kind {
            Kind::Eventually => note(&self.distances(inits, !goal), 0),
            Kind::LeadsTo => {
                for (steps, level) in self.distances(inits, Set::MAX).iter().enumerate() {
                    note(&self.distances(level & trigger, !goal), steps);
                }
            }
            _ => note(&self.distances(inits, Set::MAX), 0),
        }
        let mut fewest: Option<usize> = None;
        for (chosen, visited) in self.loops.iter().copied() {
            let broken = match promise.kind {
                Kind::EventuallyAlways => visited & !goal != 0,
                _ => visited & goal == 0,
            };
            let steps =
                (0..NODES_MAX as usize).filter(|state| visited >> state & 1 == 1).filter_map(|state| open[state]).min();
            if let Some(steps) = steps
                && broken
                && fewest.is_none_or(|fewest| steps < fewest)
                && self.is_fair(chosen, visited, &keys)
            {
                fewest = Some(steps);
            }
        }
        let spoken = (0..NODES_MAX as At)
            .filter(|state| self.reachable >> state & 1 == 1)
            .any(|state| keys.iter().any(|key| self.enabled(*key, state)));
        let vacuous =
            promise.kind == Kind::LeadsTo && self.reachable & trigger == 0 || promise.assumption.is_some() && !spoken;
        match fewest {
            Some(steps) => Said::Violated(steps),
            None if self.cut || vacuous => Said::Incomplete,
            None => Said::Holds,
        }
    }
}

/// Draws a graph, fairness keys and promises of each kind.
fn draw(random: &mut Pcg64Mcg) -> Toy {
    let mut below = |bound: u64| random.next_u64() % bound;
    let node_count = 1 + below(NODES_MAX);
    let edge_count = 1 + below(EDGES_MAX);
    let edges: Vec<(At, At)> = (0..edge_count).map(|_| (below(node_count) as At, below(node_count) as At)).collect();
    let inits: Vec<At> = if below(4) == 0 && node_count > 1 { vec![0, 1] } else { vec![0] };
    // Now and then the last states lie outside the boundary.
    let bound = if below(6) == 0 { node_count.saturating_sub(2).max(inits.len() as u64 - 1) as At } else { At::MAX };
    let mut table = Toy::of(&inits, &edges).bound(bound);
    for _ in 0..below(7) {
        let key = if below(2) == 0 { FairKey::weak("fair") } else { FairKey::strong("fair") };
        table = table.fair(below(edge_count) as usize, key.of_each(below(3)));
    }
    if below(3) == 0 {
        for edge in 0..edge_count as usize {
            if below(2) == 0 {
                table = table.unforced(edge);
            }
        }
    }
    let mut some = |one_in: u64| -> Vec<At> { (0..node_count as At).filter(|_| below(one_in) == 0).collect() };
    let (trigger, rare, common) = (some(2), some(4), some(2));
    for kind in [Kind::Eventually, Kind::LeadsTo, Kind::InfinitelyOften, Kind::EventuallyAlways] {
        let goal = if kind == Kind::EventuallyAlways { &common } else { &rare };
        table = table.promise(kind, &trigger, goal, None).promise(kind, &trigger, goal, Some("fair"));
    }
    table.promise(Kind::Recoverable, &[], &rare, None)
}

pub(super) fn agreement() {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let (mut judged, mut said) = (0, [0; 3]);
    for number in 0..GRAPHS {
        let table = draw(&mut random);
        let judge_of = Judge::new(&table);
        let graph = explore(Arc::new(table.clone()), &Budget::default()).expect("a model");
        let findings = judge(&graph, table.spec(), &Budget::default().interrupt);
        for (finding, promise) in findings.iter().zip(&table.promises) {
            let truth = judge_of.judge(promise);
            let found = match (&finding.verdict, &finding.evidence) {
                (Verdict::Holds, None) => Said::Holds,
                (Verdict::Violated, Some(Evidence::Lasso(lasso))) => Said::Violated(lasso.loop_start),
                (Verdict::Violated, Some(Evidence::Trap(trap))) => Said::Violated(graph.depth_of(trap.node)),
                (Verdict::Incomplete, None) => Said::Incomplete,
                (verdict, _) => panic!("{verdict} with the wrong evidence"),
            };
            assert_eq!(found, truth, "graph {number}: {}: {table:?}", finding.name);
            judged += 1;
            said[match truth {
                Said::Holds => 0,
                Said::Violated(_) => 1,
                Said::Incomplete => 2,
            }] += 1;
        }
    }
    assert_eq!(judged, GRAPHS * PROMISES);
    // Agreement would say little if nearly all graphs were of one verdict.
    assert!(said.iter().all(|count| *count > judged / 10), "{said:?}");
}
