//! What the proof's lemmas say, asked of the graph at hand.

use super::{Printed, Valencies, Valency};
use crate::model::Event;

/// What Lemma 2 is about: whether the inputs alone leave the decision open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lemma2 {
    /// It holds: these initial configurations, by node, are bivalent.
    Bivalent(Vec<usize>),
    /// None is bivalent, and these two are adjacent: as in the proof.
    Adjacent(AdjacentPair),
    /// All initial configurations have this valency, which is not bivalent: the protocol is trivial, or decides
    /// nothing.
    Uniform(Valency),
    /// None is bivalent, they are not all alike, and yet no two adjacent ones are univalent with different values: some
    /// inputs are no initial configuration, or nothing can be decided from it.
    Apart,
}

/// Two initial configurations that differ in the input of one process, and decide differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjacentPair {
    /// Their nodes, the lesser first.
    pub nodes: (usize, usize),
    /// The value of each.
    pub values: (u8, u8),
    /// Whose input differs.
    pub process: usize,
}

/// What Lemma 3 says of every bivalent configuration and every event applicable in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lemma3 {
    /// How many pairs there are.
    pub pairs: usize,
    /// Pairs for which it does not hold.
    pub failures: usize,
    /// The nearest of these pairs, by node and then in the order in which events were first seen; at most
    /// [`FAILURES_KEPT`].
    pub nearest: Vec<Pair>,
}

/// A bivalent configuration, and an event that is applicable in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pair {
    /// The configuration.
    pub node: usize,
    /// The event.
    pub event: Event<Printed>,
}

/// How many failures of Lemma 3 are told one by one.
pub const FAILURES_KEPT: usize = 64;

/// The transitions into the bivalent configurations from one another, backwards.
struct Backwards {
    /// Node `n` owns `edges[offsets[n]..offsets[n + 1]]`.
    offsets: Vec<usize>,
    /// From where.
    edges: Vec<u32>,
}

impl Valencies<'_> {
    /// Whether an initial configuration is bivalent; if none is, the first two adjacent ones that decide differently.
    pub fn lemma_2(&self) -> Lemma2 {
        let initial = self.initial();
        let bivalent = initial.iter().filter(|initial| matches!(initial.valency, Valency::Bivalent(_)));
        let bivalent: Vec<usize> = bivalent.map(|initial| initial.node).collect();
        if !bivalent.is_empty() {
            return Lemma2::Bivalent(bivalent);
        }
        for (index, one) in initial.iter().enumerate() {
            for other in &initial[index + 1..] {
                let (Valency::Univalent(value), Valency::Univalent(other_value)) = (one.valency, other.valency) else {
                    continue;
                };
                let mut differing =
                    (0..one.inputs.len()).filter(|process| one.inputs[*process] != other.inputs[*process]);
                if let (true, Some(process), None) = (value != other_value, differing.next(), differing.next()) {
                    let (nodes, values) = ((one.node, other.node), (value, other_value));
                    return Lemma2::Adjacent(AdjacentPair { nodes, values, process });
                }
            }
        }
        match initial.first() {
            Some(first) if initial.iter().all(|other| other.valency == first.valency) => Lemma2::Uniform(first.valency),
            _ => Lemma2::Apart,
        }
    }

    /// The pairs for which Lemma 3 does not hold.
    ///
    /// One search an event and not one a pair: backwards from where the event leads to a bivalent configuration. What
    /// leads to a bivalent configuration is bivalent, so that the search is among those only; and it need not keep off
    /// the event itself, since where that leads to a bivalent configuration is where it begins.
    pub fn lemma_3(&self) -> Lemma3 {
        let backwards = self.backwards();
        let mut applicable: Vec<Vec<u32>> = vec![Vec::new(); self.events.len()];
        for node in (0..self.open.len()).filter(|node| self.is_bivalent(*node)) {
            for (_, event) in self.steps(node) {
                let nodes = &mut applicable[event as usize];
                // Several actions may be the same event.
                if nodes.last() != Some(&(node as u32)) {
                    nodes.push(node as u32);
                }
            }
        }
        let mut pairs = 0;
        let mut failures = Vec::new();
        let mut failure_count = 0;
        // The number of the last event whose search came to a node.
        let mut reached = vec![u32::MAX; self.open.len()];
        let mut waiting: Vec<u32> = Vec::new();
        for (event, nodes) in (0u32..).zip(&applicable) {
            let leads_to_bivalent =
                |node: u32| self.steps(node as usize).any(|(to, by)| by == event && self.is_bivalent(to));
            waiting.extend(nodes.iter().filter(|node| leads_to_bivalent(**node)));
            waiting.iter().for_each(|node| reached[*node as usize] = event);
            while let Some(node) = waiting.pop() {
                for from in backwards.onto(node as usize) {
                    if std::mem::replace(&mut reached[*from as usize], event) != event {
                        waiting.push(*from);
                    }
                }
            }
            pairs += nodes.len();
            let before = failures.len();
            failures.extend(nodes.iter().filter(|node| reached[**node as usize] != event).map(|node| (*node, event)));
            failure_count += failures.len() - before;
            failures.sort_unstable();
            failures.truncate(FAILURES_KEPT);
        }
        let pair = |(node, event): (u32, u32)| Pair { node: node as usize, event: self.events[event as usize].clone() };
        Lemma3 { pairs, failures: failure_count, nearest: failures.into_iter().map(pair).collect() }
    }

    fn backwards(&self) -> Backwards {
        let count = self.open.len();
        let edges = || {
            let bivalent = (0..count).filter(|node| self.is_bivalent(*node));
            bivalent.flat_map(|from| self.steps(from).map(move |(to, _)| (from, to)))
        };
        let edges = || edges().filter(|(from, to)| from != to && self.is_bivalent(*to));
        let mut offsets = vec![0; count + 1];
        edges().for_each(|(_, to)| offsets[to + 1] += 1);
        for node in 0..count {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut backwards = vec![0; offsets[count]];
        for (from, to) in edges() {
            backwards[next[to]] = from as u32;
            next[to] += 1;
        }
        Backwards { offsets, edges: backwards }
    }
}

impl Backwards {
    fn onto(&self, node: usize) -> &[u32] {
        &self.edges[self.offsets[node]..self.offsets[node + 1]]
    }
}
