//! The model as a labelled transition system: what someone outside can do to it and hear from it, by number.
//!
//! States, inputs, answers and snapshots are numbered as they are met, so that the modes compare small integers and are
//! compiled once, whatever the model. What the numbers stand for is known to [`Outside`] alone. It unfolds on demand: a
//! tour unfolds all of the bounded model, a walk goes where it goes, beyond the boundary as well.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::shelf::Shelf;

/// The number of a state.
pub(crate) type Node = u32;

/// The states that explain what was seen: sorted, without repetition, closed under internal steps.
pub(crate) type Belief = Vec<Node>;

/// One step of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Index among the state's actions, or among those that were asked for: see [`ASKED`].
    pub(crate) action: u32,
    /// Input and output, by number; an internal step has none.
    pub(crate) label: Option<Label>,
    /// For a refusal the state itself.
    pub(crate) to: Node,
    /// The model leaves the state as it is.
    pub(crate) refused: bool,
    /// `to` lies outside the model's boundary.
    pub(crate) beyond: bool,
}

/// Added to an index among the actions that the interface offers for the input of the edge's label.
pub(crate) const ASKED: u32 = 1 << 31;

/// Added to an index among the actions that the interface offers for no input.
pub(crate) const UNASKED: u32 = 1 << 30;

/// An input and the answer that belongs to it, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) input: u32,
    pub(crate) output: u32,
}

/// A model seen through its interface, the types forgotten: what numbers stand for, and how it all reads.
pub(crate) trait Outside: Send + Sync {
    /// The initial states within the boundary.
    fn initial(&self) -> Vec<Node>;

    /// The steps of a state.
    fn edges(&self, node: Node) -> Vec<Edge>;

    /// The number of what a state shows, if it shows anything.
    fn shows(&self, node: Node) -> Option<u32>;

    fn input(&self, number: u32) -> String;
    fn output(&self, number: u32) -> String;
    fn snapshot(&self, number: u32) -> String;
    fn state(&self, node: Node) -> String;
    fn state_json(&self, node: Node) -> Value;

    /// An action of a state, and whose column it stands in.
    fn action(&self, node: Node, edge: &Edge) -> (String, String);

    /// Whether the input may change the state.
    #[cfg(feature = "interleave")]
    fn changes(&self, input: u32) -> bool;

    /// Whether a call with the input may wait.
    #[cfg(feature = "interleave")]
    fn may_wait(&self, input: u32) -> bool;

    /// Two words that differ and print alike, if such were met.
    fn clash(&self) -> Option<String>;
}

/// A model seen through an interface, as far as it was unfolded.
pub(crate) struct Lts {
    outside: Arc<dyn Outside>,
    initial: OnceLock<Belief>,
    initially_shown: OnceLock<Vec<u32>>,
    unfolded: Shelf<Unfolded>,
    shown: Shelf<Option<u32>>,
    stamps: Mutex<Stamps>,
}

struct Unfolded {
    edges: Box<[Edge]>,
    /// Some step of it is internal.
    is_restless: bool,
}

/// Which nodes one search has met, reused from search to search.
#[derive(Default)]
struct Stamps {
    now: u32,
    of: Vec<u32>,
}

impl Stamps {
    fn begin(&mut self) {
        self.now = self.now.checked_add(1).unwrap_or_else(|| {
            self.of.fill(0);
            1
        });
    }

    /// Whether `node` was not met before.
    fn meet(&mut self, node: Node) -> bool {
        let node = node as usize;
        if self.of.len() <= node {
            self.of.resize(node + 1, 0);
        }
        std::mem::replace(&mut self.of[node], self.now) != self.now
    }
}

impl fmt::Debug for Lts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lts").finish_non_exhaustive()
    }
}

impl Lts {
    pub(crate) fn new(outside: Arc<dyn Outside>) -> Self {
        Lts {
            outside,
            initial: OnceLock::new(),
            initially_shown: OnceLock::new(),
            unfolded: Shelf::new(),
            shown: Shelf::new(),
            stamps: Mutex::default(),
        }
    }

    /// How numbers read.
    pub(crate) fn words(&self) -> &dyn Outside {
        &*self.outside
    }

    /// What `node` shows, by number.
    pub(crate) fn shows(&self, node: Node) -> Option<u32> {
        *self.shown.get_or_init(node, || self.outside.shows(node))
    }

    /// The belief before anything was done.
    pub(crate) fn initial(&self) -> Belief {
        self.initial.get_or_init(|| self.closed(self.outside.initial())).clone()
    }

    /// What the states of that belief show.
    pub(crate) fn initially_shown(&self) -> &[u32] {
        self.initially_shown.get_or_init(|| self.initial().into_iter().filter_map(|node| self.shows(node)).collect())
    }

    fn unfolded(&self, node: Node) -> &Unfolded {
        self.unfolded.get_or_init(node, || {
            let edges: Box<[Edge]> = self.outside.edges(node).into();
            Unfolded { is_restless: edges.iter().any(|edge| edge.label.is_none()), edges }
        })
    }

    /// The steps of `node`.
    pub(crate) fn edges(&self, node: Node) -> &[Edge] {
        &self.unfolded(node).edges
    }

    /// Whether internal steps lead on from `node`.
    pub(crate) fn is_restless(&self, node: Node) -> bool {
        self.unfolded(node).is_restless
    }

    /// Unfolds the model within its boundary, in breadth-first order. The nodes are then `0..` the count returned,
    /// where none was beyond the boundary; `None` if there are more than `nodes_max`.
    pub(crate) fn unfold(&self, nodes_max: usize) -> Option<Vec<Node>> {
        let mut queue = self.initial();
        let mut met = Stamps::default();
        met.begin();
        queue.retain(|node| met.meet(*node));
        let mut next = 0;
        while next < queue.len() {
            if queue.len() > nodes_max {
                return None;
            }
            for edge in self.edges(queue[next]) {
                if !edge.beyond && met.meet(edge.to) {
                    queue.push(edge.to);
                }
            }
            next += 1;
        }
        Some(queue)
    }

    /// `nodes` and all that internal steps lead to.
    pub(crate) fn closed(&self, mut nodes: Vec<Node>) -> Belief {
        nodes.sort_unstable();
        nodes.dedup();
        if !nodes.iter().any(|node| self.is_restless(*node)) {
            return nodes;
        }
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.begin();
        nodes.retain(|node| stamps.meet(*node));
        let mut next = 0;
        while next < nodes.len() {
            for edge in self.edges(nodes[next]) {
                if edge.label.is_none() && stamps.meet(edge.to) {
                    nodes.push(edge.to);
                }
            }
            next += 1;
        }
        drop(stamps);
        nodes.sort_unstable();
        nodes
    }

    /// The inputs that some state of `belief` offers, each once, in the order of states and actions.
    pub(crate) fn offers(&self, belief: &[Node]) -> Vec<u32> {
        let mut inputs = Vec::new();
        for node in belief {
            for edge in self.edges(*node) {
                if let Some(label) = edge.label
                    && !inputs.contains(&label.input)
                {
                    inputs.push(label.input);
                }
            }
        }
        inputs
    }

    /// Whether some state of `belief` offers `input`.
    pub(crate) fn is_offered(&self, belief: &[Node], input: u32) -> bool {
        let labelled = |edge: &Edge| edge.label.is_some_and(|label| label.input == input);
        belief.iter().any(|node| self.edges(*node).iter().any(labelled))
    }

    /// The labelled steps of `belief` on `input`.
    pub(crate) fn answers(&self, belief: &[Node], input: u32) -> Vec<(Node, Edge, Label)> {
        let mut steps = Vec::new();
        for node in belief {
            for edge in self.edges(*node) {
                if let Some(label) = edge.label.filter(|label| label.input == input) {
                    steps.push((*node, *edge, label));
                }
            }
        }
        steps
    }

    /// Whether any step that can be reached is labelled `input`.
    #[cfg(feature = "interleave")]
    pub(crate) fn is_labelled(&self, input: u32) -> bool {
        let mut seen: std::collections::HashSet<Node> = self.initial().into_iter().collect();
        let mut front: std::collections::VecDeque<Node> = seen.iter().copied().collect();
        while let Some(node) = front.pop_front() {
            for edge in self.edges(node) {
                if edge.label.is_some_and(|label| label.input == input) {
                    return true;
                }
                if seen.insert(edge.to) {
                    front.push_back(edge.to);
                }
            }
        }
        false
    }

    /// The answers of `belief` to `input` as they read, each once.
    pub(crate) fn allowed(&self, belief: &[Node], input: u32) -> Vec<String> {
        let mut outputs: Vec<u32> = Vec::new();
        for (_, _, label) in self.answers(belief, input) {
            if !outputs.contains(&label.output) {
                outputs.push(label.output);
            }
        }
        outputs.into_iter().map(|output| self.words().output(output)).collect()
    }
}
