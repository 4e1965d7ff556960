//! Where a tour goes next: to the nearest transition that is still open, found without looking at the rest again.
//!
//! Open transitions only ever become fewer, so the way to the nearest one only ever becomes longer. What a search has
//! learnt of a state's distance therefore stays a lower bound, and the next search is an A* guided by it (adaptive A*):
//! a region with nothing left to do is looked at once, and a search costs little more than the way that it finds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::lts::{Edge, Lts, Node};

/// What is known of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// It has no label: nobody can ask for it.
    Internal,
    /// It leads outside the boundary.
    Beyond,
    /// The subject has no such input.
    Unsupported,
    /// To be driven; aimed at so many times in vain.
    Open(u8),
    /// It was driven, and nothing else explains what was seen.
    Driven,
    /// It explains an answer that another transition explains as well, and was never told apart from it.
    Ambiguous,
    /// The model allows it, and the implementation never took it.
    Unchosen,
}

/// How often a transition is aimed at, in vain because the implementation chose otherwise, before it is given up.
const ATTEMPTS_MAX: u8 = 3;

/// No open transition can be reached.
const NEVER: u32 = u32::MAX;

/// Successors compared before one is taken, where a state has very many.
const COMPARED_MAX: usize = 32;

/// The transitions of the bounded model, what is known of each, and the way to what is left.
pub(super) struct Plan {
    /// Edge `e` of node `n` is at place `first[n] + e`; one entry more than there are nodes.
    first: Vec<usize>,
    /// Whether a node is within the bounds of the tour.
    inside: Vec<bool>,
    to: Vec<Node>,
    cover: Vec<Cover>,
    /// Whether it explained an answer that others explain as well, and was never told from these.
    explained: Vec<bool>,
    /// Open edges of each node.
    open: Vec<u32>,
    open_total: usize,
    /// All edges before it are settled.
    cursor: Vec<u32>,
    /// At least this far from an open edge.
    distance: Vec<u32>,
    search: Search,
}

/// The stamp of a search, the steps from its start, and the step that led to a node.
type Reached = (u32, u32, Option<(Node, u32)>);

/// What one search notes of each node, reused from search to search.
#[derive(Default)]
struct Search {
    stamp: u32,
    seen: Vec<Reached>,
    /// The stamp of the last search that raised what was learnt of it.
    raised: Vec<u32>,
    closed: Vec<Node>,
    queue: BinaryHeap<Reverse<(u32, u32, Node)>>,
}

impl Plan {
    /// Everything that `supports` lets be driven is open.
    pub(super) fn of(lts: &Lts, nodes: &[Node], supports: impl Fn(u32) -> bool) -> Plan {
        let size = nodes.iter().max().map_or(0, |max| *max as usize + 1);
        let mut inside = vec![false; size];
        nodes.iter().for_each(|node| inside[*node as usize] = true);
        let mut plan = Plan {
            first: Vec::with_capacity(size + 1),
            inside,
            to: Vec::new(),
            cover: Vec::new(),
            explained: Vec::new(),
            open: vec![0; size],
            open_total: 0,
            cursor: vec![0; size],
            distance: vec![0; size],
            search: Search { seen: vec![(0, 0, None); size], raised: vec![0; size], ..Search::default() },
        };
        for node in 0..size {
            plan.first.push(plan.to.len());
            if !plan.inside[node] {
                continue;
            }
            for edge in lts.edges(node as Node).iter() {
                let cover = match edge.label {
                    _ if edge.beyond => Cover::Beyond,
                    None => Cover::Internal,
                    Some(label) if !supports(label.input) => Cover::Unsupported,
                    Some(_) => Cover::Open(0),
                };
                plan.open[node] += u32::from(cover == Cover::Open(0));
                plan.to.push(edge.to);
                plan.cover.push(cover);
            }
            plan.open_total += plan.open[node] as usize;
        }
        plan.first.push(plan.to.len());
        plan.explained = vec![false; plan.to.len()];
        plan
    }

    /// Transitions that someone outside could ask for.
    pub(super) fn asked(&self) -> usize {
        self.cover.iter().filter(|cover| !matches!(cover, Cover::Internal | Cover::Beyond)).count()
    }

    pub(super) fn count(&self, wanted: Cover) -> usize {
        self.cover.iter().filter(|cover| **cover == wanted).count()
    }

    pub(super) fn is_done(&self) -> bool {
        self.open_total == 0
    }

    /// The nodes and edge indices of all transitions of which `wanted` is known, in the order of nodes.
    pub(super) fn places(&self, wanted: Cover) -> impl Iterator<Item = (Node, usize)> + '_ {
        let nodes = 0..self.inside.len();
        nodes.flat_map(move |node| {
            let (from, to) = (self.first[node], self.first[node + 1]);
            (from..to).filter(move |place| self.cover[*place] == wanted).map(move |place| (node as Node, place - from))
        })
    }

    /// The place of an edge; `None` where it is not one that a tour covers.
    pub(super) fn place(&self, lts: &Lts, node: Node, edge: &Edge) -> Option<usize> {
        if edge.beyond || !self.inside.get(node as usize).copied().unwrap_or(false) {
            return None;
        }
        let index = lts.edges(node).iter().position(|other| other == edge)?;
        Some(self.first[node as usize] + index)
    }

    pub(super) fn cover_at(&self, place: usize) -> Cover {
        self.cover[place]
    }

    /// The edge at `place` of `node` was driven.
    pub(super) fn driven(&mut self, node: Node, place: usize) {
        self.settle(node, place, Cover::Driven);
    }

    /// The edge at `place` explains an answer, and so do others that will never be told from it.
    pub(super) fn explains(&mut self, node: Node, place: usize) {
        self.explained[place] = true;
        if self.cover[place] == Cover::Unchosen {
            self.settle(node, place, Cover::Ambiguous);
        }
    }

    /// Edge `index` of `node` was aimed at.
    pub(super) fn aimed(&mut self, node: Node, index: usize) {
        let place = self.first[node as usize] + index;
        if let Cover::Open(attempts) = self.cover[place] {
            if attempts + 1 >= ATTEMPTS_MAX {
                self.give_up(node, place);
            } else {
                self.cover[place] = Cover::Open(attempts + 1);
            }
        }
    }

    /// What is still open was on no way that the implementation took.
    pub(super) fn close(&mut self) {
        for node in 0..self.inside.len() {
            for place in self.first[node]..self.first[node + 1] {
                if matches!(self.cover[place], Cover::Open(_)) {
                    self.give_up(node as Node, place);
                }
            }
        }
    }

    fn give_up(&mut self, node: Node, place: usize) {
        let to = if self.explained[place] { Cover::Ambiguous } else { Cover::Unchosen };
        self.settle(node, place, to);
    }

    fn settle(&mut self, node: Node, place: usize, to: Cover) {
        match self.cover[place] {
            Cover::Open(_) => {
                self.open[node as usize] -= 1;
                self.open_total -= 1;
            }
            // It can be passed after all: what was learnt of distances no longer bounds them.
            Cover::Unchosen => self.distance.fill(0),
            Cover::Driven => return,
            Cover::Ambiguous | Cover::Internal | Cover::Beyond | Cover::Unsupported => {}
        }
        self.cover[place] = to;
    }

    /// The edges on the way from one of `from` to the nearest open one, which is the last: each as node and index.
    pub(super) fn way(&mut self, from: &[Node]) -> Option<Vec<(Node, usize)>> {
        let inside = from.iter().copied().filter(|node| self.inside.get(*node as usize).copied().unwrap_or(false));
        let from: Vec<Node> = inside.collect();
        let goal = match from.iter().find(|node| self.open[**node as usize] > 0) {
            Some(node) => {
                let index = self.open_edge(*node)?;
                return Some(vec![(*node, index)]);
            }
            None => self.search(&from)?,
        };
        let mut way = vec![(goal, self.open_edge(goal)?)];
        let mut at = goal;
        while let Some((before, index)) = self.search.seen[at as usize].2 {
            way.push((before, index as usize));
            at = before;
        }
        way.reverse();
        Some(way)
    }

    /// The open edge of `node` that is best taken now: one that stays, since it costs no way back; else one after which
    /// there is something left to do nearby.
    fn open_edge(&mut self, node: Node) -> Option<usize> {
        let (first, end) = (self.first[node as usize], self.first[node as usize + 1]);
        let is_open = |cover: &Cover| matches!(cover, Cover::Open(_));
        let mut from = first + self.cursor[node as usize] as usize;
        while from < end && !is_open(&self.cover[from]) {
            from += 1;
        }
        self.cursor[node as usize] = (from - first) as u32;
        let open = (from..end).filter(|place| is_open(&self.cover[*place])).take(COMPARED_MAX);
        let rank = |place: &usize| {
            let to = self.to[*place];
            match to == node {
                true => (0, 0),
                false => (1, if self.open[to as usize] > 0 { 0 } else { self.distance[to as usize].max(1) }),
            }
        };
        open.min_by_key(rank).map(|place| place - first)
    }

    /// The nearest node with an open edge.
    fn search(&mut self, from: &[Node]) -> Option<Node> {
        let Search { stamp, seen, raised, closed, queue } = &mut self.search;
        *stamp += 1;
        closed.clear();
        queue.clear();
        for node in from {
            let distance = self.distance[*node as usize];
            if distance != NEVER {
                seen[*node as usize] = (*stamp, 0, None);
                queue.push(Reverse((distance, distance, *node)));
            }
        }
        let mut found = None;
        while let Some(Reverse((total, distance, node))) = queue.pop() {
            let steps = seen[node as usize].1;
            // Reached on a shorter way since it was queued, or known to be further away.
            if steps + distance != total || self.distance[node as usize] != distance {
                continue;
            }
            if self.open[node as usize] > 0 {
                found = Some((node, steps));
                break;
            }
            // What was learnt of its successors may already show that it is further away: then others come first. Once
            // for each search, since two that lead to one another would raise each other step by step.
            let places = self.first[node as usize]..self.first[node as usize + 1];
            let passable = |place: &usize| {
                !matches!(self.cover[*place], Cover::Beyond | Cover::Unsupported | Cover::Unchosen)
                    && self.distance[self.to[*place] as usize] != NEVER
            };
            if raised[node as usize] != *stamp {
                raised[node as usize] = *stamp;
                let least =
                    places.clone().filter(passable).map(|place| self.distance[self.to[place] as usize] + 1).min();
                if least.is_none_or(|least| least > distance) {
                    self.distance[node as usize] = least.unwrap_or(NEVER);
                    queue.extend(least.map(|least| Reverse((steps + least, least, node))));
                    continue;
                }
            }
            closed.push(node);
            let first = places.start;
            for place in places.filter(passable) {
                let to = self.to[place] as usize;
                if seen[to].0 == *stamp && seen[to].1 <= steps + 1 {
                    continue;
                }
                seen[to] = (*stamp, steps + 1, Some((node, (place - first) as u32)));
                queue.push(Reverse((steps + 1 + self.distance[to], self.distance[to], to as Node)));
            }
        }
        for node in closed.iter() {
            let distance = &mut self.distance[*node as usize];
            *distance = found.map_or(NEVER, |(_, steps)| (steps - seen[*node as usize].1).max(*distance));
        }
        found.map(|(node, _)| node)
    }
}

/// What a tour of a model costs whose implementation always takes the transition that is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Labelled transitions within the boundary.
    pub edges: usize,
    /// Transitions that the tour covers: all that can be reached.
    pub edges_covered: usize,
    /// Inputs given.
    pub steps: usize,
    /// Fresh starts, the first one included.
    pub starts: usize,
}

/// Plans a tour to its end without an implementation.
pub(super) fn plan_alone(lts: &Lts, nodes: &[Node]) -> Planned {
    let mut plan = Plan::of(lts, nodes, |_| true);
    let start = lts.initial();
    let mut planned = Planned { edges: plan.asked(), edges_covered: 0, steps: 0, starts: 1 };
    let mut at = start.clone();
    let mut fresh = true;
    while !plan.is_done() {
        let Some(way) = plan.way(&at) else {
            if fresh {
                break;
            }
            planned.starts += 1;
            (at, fresh) = (start.clone(), true);
            continue;
        };
        for (node, index) in way {
            let place = plan.first[node as usize] + index;
            planned.steps += usize::from(plan.cover[place] != Cover::Internal);
            if matches!(plan.cover[place], Cover::Open(_)) {
                plan.driven(node, place);
            }
            at = vec![plan.to[place]];
        }
        fresh = false;
    }
    planned.edges_covered = plan.count(Cover::Driven);
    planned
}
