//! The part of a graph that has nothing to do with the model's types: nodes by number, where their transitions lead,
//! and how far it was explored. Whatever only walks about in a graph is written for this, and compiled once for all
//! models.

use std::fmt;
use std::ops::Range;

use super::{Equality, Stop};

/// Where a transition leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into this node.
    Node(usize),
    /// `next_state` was `None`: the state stays as it is.
    Refused,
    /// Into a state outside `within_boundary`, which is not kept.
    Cut,
}

/// A [`Target`] in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedTarget(pub(super) u32);

impl PackedTarget {
    pub(super) const REFUSED: PackedTarget = PackedTarget(u32::MAX);
    pub(super) const CUT: PackedTarget = PackedTarget(u32::MAX - 1);
    /// Not looked up yet; never in a [`Shape`].
    pub(super) const OPEN: PackedTarget = PackedTarget(u32::MAX - 2);

    #[inline]
    fn unpack(self) -> Target {
        match self {
            PackedTarget(u32::MAX) => Target::Refused,
            PackedTarget(packed) if packed == u32::MAX - 1 => Target::Cut,
            PackedTarget(node) => Target::Node(node as usize),
        }
    }
}

/// The step by which a node was first reached: from a node, by the action of this index. An initial node has the index
/// among `Model::init_states` instead, and no meaning in `node`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) node: u32,
    pub(super) action: u32,
}

impl Origin {
    pub(super) fn initial(index: usize) -> Self {
        Origin { node: u32::MAX, action: index as u32 }
    }
}

/// Nodes and transitions of a [`Graph`](super::Graph). Nodes are numbered from 0 in breadth-first order.
pub struct Shape {
    pub(super) origins: Vec<Origin>,
    /// First node of each level.
    pub(super) levels: Vec<usize>,
    /// Node `n` owns `targets[offsets[n]..offsets[n + 1]]`, one for each of its actions in their order. Nodes beyond
    /// were never expanded. Empty where no transitions are kept.
    pub(super) offsets: Vec<usize>,
    pub(super) targets: Vec<PackedTarget>,
    pub(super) edge_count: usize,
    pub(super) cut_count: usize,
    pub(super) stop: Option<Stop>,
    pub(super) hashes_alike: bool,
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape")
            .field("nodes", &self.node_count())
            .field("edges", &self.edge_count)
            .field("cuts", &self.cut_count)
            .field("depth", &self.depth())
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

impl Shape {
    /// Nodes that there are numbers for.
    pub(super) const NODES_MAX: usize = (u32::MAX - 3) as usize;

    pub(super) fn new(has_edges: bool) -> Self {
        Shape {
            origins: Vec::new(),
            levels: vec![0],
            offsets: if has_edges { vec![0] } else { Vec::new() },
            targets: Vec::new(),
            edge_count: 0,
            cut_count: 0,
            stop: None,
            hashes_alike: false,
        }
    }

    /// Whether states that differ were met, by `==`, whose hashes are the same: their `Hash` leaves something out.
    pub fn hashes_alike(&self) -> bool {
        self.hashes_alike
    }

    /// An upper bound on the probability that two states were taken for one, told apart by `equality`: see
    /// [`Equality::collision_odds`].
    pub fn collision_odds(&self, equality: Equality) -> f64 {
        let equality = if self.hashes_alike { Equality::Exact } else { equality };
        equality.collision_odds(self.node_count())
    }

    pub(super) fn has_edges(&self) -> bool {
        !self.offsets.is_empty()
    }

    /// Whether the states that are there and were not expanded may be; if not, that is the reason to stop.
    pub(super) fn begin_level(&mut self, depth_max: usize) -> bool {
        if self.depth() >= depth_max {
            self.stop = Some(Stop::Depth(depth_max));
            return false;
        }
        self.levels.push(self.node_count());
        true
    }

    /// The nodes of the level that is being expanded.
    pub(super) fn last_level(&self) -> Range<usize> {
        match self.levels[..] {
            [.., first, end] => first..end,
            _ => 0..self.node_count(),
        }
    }

    /// Nothing is explored any more. The last level has no states of its own unless the exploration was stopped inside
    /// it.
    pub(super) fn end(&mut self) {
        if self.levels.last() == Some(&self.node_count()) && self.levels.len() > 1 {
            self.levels.pop();
        }
    }

    /// The transitions of the next node. `numbers`: of the nodes where those that are open lead, in their order.
    pub(super) fn push(&mut self, targets: &[PackedTarget], numbers: &[u32]) {
        let mut numbers = numbers.iter();
        self.targets.extend(targets.iter().map(|target| match *target {
            PackedTarget::OPEN => numbers.next().map_or(PackedTarget::OPEN, |number| PackedTarget(*number)),
            known => known,
        }));
        self.offsets.push(self.targets.len());
    }

    /// How many states were reached.
    pub fn node_count(&self) -> usize {
        self.origins.len()
    }

    /// How many nodes, the first of all, are initial.
    pub fn initial_count(&self) -> usize {
        self.levels.get(1).copied().unwrap_or(self.node_count())
    }

    /// Transitions into kept states, loops at a state included, refusals not.
    pub fn edge_count(&self) -> usize {
        self.edge_count
    }

    /// Transitions that lead outside the model's boundary.
    pub fn cut_count(&self) -> usize {
        self.cut_count
    }

    /// Steps from an initial state to the farthest state.
    pub fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    /// Steps from an initial state to `node`.
    pub fn depth_of(&self, node: usize) -> usize {
        self.levels.partition_point(|first| *first <= node) - 1
    }

    /// Why the exploration ended early, if it did.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Why the graph is incomplete: it lacks a reachable state, or a transition leads to none of its states. `None`
    /// where it is complete.
    pub fn incomplete(&self) -> Option<String> {
        incomplete(self.stop.as_ref(), self.cut_count)
    }

    /// Whether `node`'s transitions are known.
    pub fn is_expanded(&self, node: usize) -> bool {
        node + 1 < self.offsets.len()
    }

    /// Where the actions of `node` lead, in the order of `Model::actions`; empty where it was not expanded.
    pub fn targets(&self, node: usize) -> impl ExactSizeIterator<Item = Target> + '_ {
        self.targets[self.places(node)].iter().map(|packed| packed.unpack())
    }

    /// The places of `node`'s transitions in a numbering of all the graph's, from 0 and without gaps, so that whoever
    /// learns something of each can keep it in one list. In the order of `Model::actions`; empty where the node was not
    /// expanded.
    #[inline]
    pub fn places(&self, node: usize) -> Range<usize> {
        if self.is_expanded(node) { self.offsets[node]..self.offsets[node + 1] } else { 0..0 }
    }

    /// How many places there are.
    pub fn place_count(&self) -> usize {
        self.targets.len()
    }

    /// Where the transition at `place` leads.
    ///
    /// # Panics
    /// If there is no such place.
    #[inline]
    pub fn target_at(&self, place: usize) -> Target {
        self.targets[place].unpack()
    }

    /// A shortest way to `node`: each node on it that is left, with the index of the action that is taken there. Begins
    /// in an initial node.
    pub fn way_to(&self, node: usize) -> Vec<(usize, usize)> {
        let mut way = Vec::new();
        let mut at = node;
        while at >= self.initial_count() {
            let Origin { node: from, action } = self.origins[at];
            at = from as usize;
            way.push((at, action as usize));
        }
        way.reverse();
        way
    }
    /// A shortest way to `node`: the initial node it begins in, and the place of each transition, never `None`, with
    /// the node it leads to.
    pub(crate) fn steps_to(&self, node: usize) -> (usize, Vec<(Option<usize>, usize)>) {
        let way = self.way_to(node);
        let initial = way.first().map_or(node, |(from, _)| *from);
        let reached = way.iter().skip(1).map(|(from, _)| *from).chain([node]);
        let place = |(from, index): &(usize, usize)| Some(self.places(*from).start + index);
        (initial, way.iter().map(place).zip(reached).collect())
    }
}

/// Why what was explored is incomplete, by why it ended early and how many transitions were cut; `None` where it is complete.
pub(super) fn incomplete(stop: Option<&Stop>, cuts: usize) -> Option<String> {
    match (stop, cuts) {
        (Some(stop), _) => Some(stop.to_string()),
        (None, 0) => None,
        (None, cuts) => Some(format!("{cuts} transitions lead outside the model's boundary")),
    }
}
