//! A second opinion on valency, slow and simple: every question is a search of its own, on graphs drawn at random.

use std::collections::BTreeSet;
use std::sync::Arc;

use counterpart::explore::{Budget, explore};
use counterpart::model::{Consensus, Event, Values};
use counterpart::verdict::valency::{FAILURES_KEPT, Lemma2, Printed, Valencies, Valency};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::toy::{self, At, Take, Toy};

const GRAPHS: usize = 6_000;
const NODES_MAX: u64 = 9;
const EDGES_MAX: u64 = 18;
const SEED: u64 = 7;

/// An edge, and the event that it is.
#[derive(Clone, Debug)]
struct Edge {
    from: u8,
    /// `None`: refused.
    to: Option<u8>,
    process: Option<usize>,
    message: u8,
}

#[derive(Clone, Debug)]
struct Drawn {
    /// The inputs of the first states, which are initial.
    inputs: Vec<Vec<u8>>,
    edges: Vec<Edge>,
    /// By state, as bits.
    decided: Vec<u8>,
}

impl Drawn {
    fn toy(&self) -> Toy {
        let inits: Vec<At> = (0..self.inputs.len() as At).collect();
        let edges = self.edges.iter().map(|edge| toy::Edge::new(edge.from.into(), edge.to.map(At::from), ""));
        Toy::new(edges).starting(&inits)
    }
}

impl Consensus for Drawn {
    type Model = Toy;
    type Message = u8;

    fn inputs(&self, _: &Toy, initial: &At) -> Vec<u8> {
        self.inputs[usize::from(*initial)].clone()
    }

    fn decided(&self, _: &Toy, state: &At) -> Values {
        (0..3).filter(|value| self.decided[usize::from(*state)] >> value & 1 == 1).collect()
    }

    fn event(&self, _: &Toy, _: &At, take: &Take) -> Event<u8> {
        Event { process: self.edges[take.edge].process, message: self.edges[take.edge].message }
    }
}

type Key = (Option<usize>, u8);

impl Drawn {
    fn draw(random: &mut Pcg64Mcg) -> Self {
        let mut below = |bound: u64| random.next_u64() % bound;
        let node_count = 1 + below(NODES_MAX);
        let initial_count = 1 + below(node_count.min(4));
        let inputs = (0..initial_count).map(|_| vec![below(2) as u8, below(2) as u8]).collect();
        let process_count = 1 + below(3);
        // Of half of them the first states decide nothing and the last lead nowhere, as it is where a decision stays:
        // without these, few configurations would be critical because of a choice.
        let settles = below(2) == 0;
        let undecided = if settles { node_count.div_ceil(2) } else { 0 };
        let edges = (0..1 + below(EDGES_MAX)).map(|_| Edge {
            from: below(if settles { undecided } else { node_count }) as u8,
            to: (below(12) > 0).then(|| below(node_count) as u8),
            process: (process_count == 1 || below(8) > 0).then(|| below(process_count) as usize),
            message: below(2) as u8,
        });
        let edges = edges.collect();
        // Disagreement and a third value now and then.
        let decided = (0..node_count).map(|node| match below(if settles { 7 } else { 16 }) {
            _ if node < undecided => 0,
            0..=2 => 1,
            3..=5 => 2,
            6 => [3, 4, 5][below(3) as usize],
            _ => 0,
        });
        let decided = decided.collect();
        Drawn { inputs, edges, decided }
    }

    fn key(edge: &Edge) -> Key {
        (edge.process, edge.message)
    }

    /// What is reached from `state`, itself included, by edges that `taken` allows.
    fn reached(&self, state: u8, taken: impl Fn(&Edge) -> bool) -> BTreeSet<u8> {
        let mut reached = BTreeSet::from([state]);
        loop {
            let step = self.edges.iter().filter(|edge| reached.contains(&edge.from) && taken(edge));
            let more: Vec<u8> = step.filter_map(|edge| edge.to).filter(|to| !reached.contains(to)).collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }

    /// As bits.
    fn open(&self, state: u8) -> u8 {
        self.reached(state, |_| true).iter().fold(0, |open, state| open | self.decided[*state as usize])
    }

    fn is_bivalent(&self, state: u8) -> bool {
        self.open(state).count_ones() > 1
    }

    /// The values of the steps out of `state`, with whose they are, if it is critical.
    fn critical(&self, state: u8) -> Option<Vec<(Option<usize>, u8)>> {
        let steps = self.edges.iter().filter(|edge| edge.from == state);
        let steps: Vec<(Option<usize>, u8)> = steps
            .filter_map(|edge| Some((edge.process, edge.to?)))
            .filter(|(_, to)| *to != state)
            .map(|(process, to)| (process, self.open(to)))
            .collect();
        let settled = steps.iter().all(|(_, open)| open.count_ones() == 1);
        (self.is_bivalent(state) && settled && !steps.is_empty()).then_some(steps)
    }

    /// Whether Lemma 3 holds of `state` and an event applicable in it.
    fn lemma_3(&self, state: u8, event: Key) -> bool {
        let without = self.reached(state, |edge| Self::key(edge) != event);
        let last = self.edges.iter().filter(|edge| Self::key(edge) == event && without.contains(&edge.from));
        last.filter_map(|edge| edge.to).any(|to| self.is_bivalent(to))
    }

    /// The nearest states that decide, by steps from `state` of which none is of `process`.
    fn nearest_without(&self, state: u8, process: usize) -> BTreeSet<u8> {
        let mut level = BTreeSet::from([state]);
        for _ in 0..=self.decided.len() {
            let deciding = level.iter().copied().filter(|state| self.decided[*state as usize] != 0);
            let deciding: BTreeSet<u8> = deciding.collect();
            if !deciding.is_empty() {
                return deciding;
            }
            let step = self.edges.iter().filter(|edge| level.contains(&edge.from) && edge.process != Some(process));
            level = step.filter_map(|edge| edge.to).collect();
        }
        BTreeSet::new()
    }
}

fn bits(values: Values) -> u8 {
    values.iter().fold(0, |bits, value| bits | 1 << value)
}

/// The decider of a critical state, after what is found was compared with what is so.
fn critical(number: usize, drawn: &Drawn, valencies: &Valencies<'_>, node: usize, state: u8) -> Option<Option<usize>> {
    let critical = valencies.critical_at(node);
    let steps = critical
        .as_ref()
        .map(|critical| critical.steps.iter().map(|step| (step.event.process, 1 << step.value)).collect::<Vec<_>>());
    let truth = drawn.critical(state);
    assert_eq!(steps, truth, "graph {number}: whether {state} is critical: {drawn:?}");
    if let (Some(critical), Some(steps)) = (critical, truth) {
        let chosen = steps.iter().any(|(_, open)| *open != steps[0].1);
        let decider = steps[0].0.filter(|first| chosen && steps.iter().all(|step| step.0 == Some(*first)));
        assert_eq!(critical.decider(), decider, "graph {number}: decider in {state}: {drawn:?}");
        return Some(decider);
    }
    None
}

pub(super) fn agreement() {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    // Bivalent, nullvalent, critical, critical with one decider, pairs, failures, adjacent pairs, apart.
    let mut met = [0; 8];
    for number in 0..GRAPHS {
        let drawn = Drawn::draw(&mut random);
        let graph = explore(Arc::new(drawn.toy()), &Budget::default()).expect("a model");
        let valencies = Valencies::of(&graph, &drawn).expect("complete");
        let states = graph.states();
        let mut failures = Vec::new();
        let mut pairs = 0;
        for (node, state) in states.iter().map(|state| *state as u8).enumerate() {
            let open = match valencies.valency(node) {
                Valency::Nullvalent => 0,
                Valency::Univalent(value) => 1 << value,
                Valency::Bivalent(values) => bits(values),
            };
            assert_eq!(open, drawn.open(state), "graph {number}: valency of {state}: {drawn:?}");
            met[0] += usize::from(open.count_ones() > 1);
            met[1] += usize::from(open == 0);

            if let Some(decider) = critical(number, &drawn, &valencies, node, state) {
                met[2] += 1;
                met[3] += usize::from(decider.is_some());
            }

            let applicable = drawn.edges.iter().filter(|edge| edge.from == state && edge.to.is_some());
            for event in applicable.map(Drawn::key).collect::<BTreeSet<_>>() {
                if drawn.is_bivalent(state) {
                    pairs += 1;
                    if !drawn.lemma_3(state, event) {
                        failures.push((node, event));
                    }
                }
            }

            for process in 0..3 {
                let nearest = drawn.nearest_without(state, process);
                match valencies.decision_without(node, process) {
                    Some(found) => {
                        assert!(nearest.contains(&(states[found] as u8)), "graph {number}: {state} {process}")
                    }
                    None => assert!(nearest.is_empty(), "graph {number}: {state} without {process}: {drawn:?}"),
                }
            }
        }
        let lemma_3 = valencies.lemma_3();
        assert_eq!((lemma_3.pairs, lemma_3.failures), (pairs, failures.len()), "graph {number}: {drawn:?}");
        let mut nearest: Vec<(usize, Key)> = lemma_3
            .nearest
            .iter()
            .map(|pair| (pair.node, (pair.event.process, drawn_number(&pair.event.message))))
            .collect();
        assert!(failures.len() <= FAILURES_KEPT && nearest.is_sorted_by_key(|(node, _)| *node));
        nearest.sort_unstable();
        failures.sort_unstable();
        assert_eq!(nearest, failures, "graph {number}: {drawn:?}");
        met[4] += pairs;
        met[5] += failures.len();
        match lemma_2(&drawn, &valencies) {
            Lemma2::Adjacent(_) => met[6] += 1,
            Lemma2::Apart => met[7] += 1,
            Lemma2::Bivalent(_) | Lemma2::Uniform(_) => {}
        }
    }
    // Agreement would say little about what hardly ever occurs.
    assert!(met.iter().all(|count| *count > GRAPHS / 60), "{met:?}");
}

/// A message is a number here.
fn drawn_number(message: &Printed) -> u8 {
    message.0.parse().expect("a number")
}

/// What is found, after it was compared with all pairs of initial states.
fn lemma_2(drawn: &Drawn, valencies: &Valencies<'_>) -> Lemma2 {
    let count = drawn.inputs.len();
    let open: Vec<u8> = (0..count as u8).map(|state| drawn.open(state)).collect();
    let bivalent: Vec<usize> = (0..count).filter(|node| open[*node].count_ones() > 1).collect();
    let adjacent = (0..count).flat_map(|one| (0..count).map(move |other| (one, other))).find(|(one, other)| {
        let differing = (0..2).filter(|process| drawn.inputs[*one][*process] != drawn.inputs[*other][*process]);
        one < other
            && differing.count() == 1
            && open[*one] != open[*other]
            && open[*one].count_ones() == 1
            && open[*other].count_ones() == 1
    });
    let found = valencies.lemma_2();
    match (&found, adjacent) {
        (Lemma2::Bivalent(nodes), _) => assert_eq!(nodes, &bivalent),
        (Lemma2::Adjacent(pair), Some((one, other))) => {
            assert_eq!((pair.nodes, bivalent.len()), ((one, other), 0));
            assert_ne!(drawn.inputs[one][pair.process], drawn.inputs[other][pair.process]);
            assert_eq!((1 << pair.values.0, 1 << pair.values.1), (open[one], open[other]));
        }
        (Lemma2::Uniform(_), None) => assert!(open.iter().all(|other| *other == open[0]) && bivalent.is_empty()),
        (Lemma2::Apart, None) => assert!(open.iter().any(|other| *other != open[0]) && bivalent.is_empty()),
        (found, adjacent) => panic!("{found:?} and {adjacent:?}: {drawn:?}"),
    }
    found
}
