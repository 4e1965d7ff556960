//! The model as a labelled transition system: what someone outside can do to it and hear from it.
//!
//! States, inputs and outputs are numbered as they are met, so that the modes compare small integers. It unfolds on
//! demand: a tour unfolds all of the bounded model, a walk goes where it goes, beyond the boundary as well.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use stateright::Model;

use crate::model::Interface;

/// The number of a state.
pub(crate) type Node = u32;

/// The states that explain what was seen: sorted, without repetition, closed under internal steps.
pub(crate) type Belief = Vec<Node>;

type State<F> = <<F as Interface>::Model as Model>::State;

/// One step of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Index among the state's actions.
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

/// An input and the answer that belongs to it, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) input: u32,
    pub(crate) output: u32,
}

/// A model seen through an interface.
pub(crate) struct Lts<F: Interface> {
    pub(crate) model: Arc<F::Model>,
    pub(crate) interface: Arc<F>,
    seen: RwLock<Seen<F>>,
    initial: OnceLock<Belief>,
}

struct Seen<F: Interface> {
    states: Vec<State<F>>,
    hashes: Vec<u64>,
    index: HashTable<Node>,
    edges: Vec<Option<Arc<[Edge]>>>,
    inputs: Numbered<F::Input>,
    outputs: Numbered<F::Output>,
}

/// Values numbered in the order they were met. Told apart by `Debug`, since neither `Hash` nor `Ord` is asked of them.
struct Numbered<T> {
    values: Vec<T>,
    index: HashMap<String, u32>,
}

impl<T: Debug> Numbered<T> {
    fn number(&mut self, value: T) -> u32 {
        let values = &mut self.values;
        *self.index.entry(format!("{value:?}")).or_insert_with(|| {
            values.push(value);
            (values.len() - 1) as u32
        })
    }
}

impl<F: Interface> Lts<F> {
    pub(crate) fn new(model: Arc<F::Model>, interface: Arc<F>) -> Self {
        let seen = Seen {
            states: Vec::new(),
            hashes: Vec::new(),
            index: HashTable::new(),
            edges: Vec::new(),
            inputs: Numbered { values: Vec::new(), index: HashMap::new() },
            outputs: Numbered { values: Vec::new(), index: HashMap::new() },
        };
        Lts { model, interface, seen: RwLock::new(seen), initial: OnceLock::new() }
    }

    fn read(&self) -> RwLockReadGuard<'_, Seen<F>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Seen<F>> {
        self.seen.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `number` stands for `output`.
    fn is_output(&self, number: u32, output: &F::Output) -> bool {
        self.read().outputs.values[number as usize] == *output
    }

    pub(crate) fn state(&self, node: Node) -> State<F> {
        self.read().states[node as usize].clone()
    }

    pub(crate) fn input(&self, number: u32) -> F::Input {
        self.read().inputs.values[number as usize].clone()
    }

    pub(crate) fn output(&self, number: u32) -> F::Output {
        self.read().outputs.values[number as usize].clone()
    }

    /// All inputs and outputs met so far, by number.
    pub(crate) fn words(&self) -> (Vec<F::Input>, Vec<F::Output>) {
        let seen = self.read();
        (seen.inputs.values.clone(), seen.outputs.values.clone())
    }

    /// The number of `input`, whether or not a state has offered it so far.
    #[cfg(feature = "interleave")]
    pub(crate) fn number_of(&self, input: &F::Input) -> u32 {
        self.write().inputs.number(input.clone())
    }

    pub(crate) fn snapshot(&self, node: Node) -> Option<F::Snapshot> {
        self.interface.snapshot(&self.model, &self.read().states[node as usize])
    }

    pub(crate) fn action(&self, node: Node, edge: &Edge) -> <F::Model as Model>::Action {
        let mut actions = Vec::new();
        self.model.actions(&self.state(node), &mut actions);
        actions.swap_remove(edge.action as usize)
    }

    /// The belief before anything was done.
    pub(crate) fn initial(&self) -> Belief {
        self.initial.get_or_init(|| self.begin()).clone()
    }

    fn begin(&self) -> Belief {
        let states = self.model.init_states();
        let nodes = {
            let mut seen = self.write();
            states.into_iter().filter(|state| self.model.within_boundary(state)).map(|state| seen.node(state)).collect()
        };
        self.closed(nodes)
    }

    /// The steps of `node`.
    pub(crate) fn edges(&self, node: Node) -> Arc<[Edge]> {
        if let Some(edges) = &self.read().edges[node as usize] {
            return edges.clone();
        }
        let from = self.state(node);
        let mut actions = Vec::new();
        self.model.actions(&from, &mut actions);
        let mut edges = Vec::with_capacity(actions.len());
        for (index, action) in actions.into_iter().enumerate() {
            let to = self.model.next_state(&from, action.clone());
            let label = self.interface.label(&self.model, &from, &action, to.as_ref());
            if to.is_none() && label.is_none() {
                continue;
            }
            let beyond = to.as_ref().is_some_and(|to| !self.model.within_boundary(to));
            let refused = to.is_none();
            let mut seen = self.write();
            edges.push(Edge {
                action: index as u32,
                label: label.map(|(input, output)| Label {
                    input: seen.inputs.number(input),
                    output: seen.outputs.number(output),
                }),
                to: to.map_or(node, |to| seen.node(to)),
                refused,
                beyond,
            });
        }
        let edges: Arc<[Edge]> = edges.into();
        self.write().edges[node as usize] = Some(edges.clone());
        edges
    }

    /// Unfolds the model within its boundary, in breadth-first order. The nodes are then `0..` the count returned,
    /// where none was beyond the boundary; `None` if there are more than `nodes_max`.
    pub(crate) fn unfold(&self, nodes_max: usize) -> Option<Vec<Node>> {
        let mut queue = self.initial();
        let mut queued: Vec<bool> = Vec::new();
        let mut mark = |node: Node| {
            if queued.len() <= node as usize {
                queued.resize(node as usize + 1, false);
            }
            !std::mem::replace(&mut queued[node as usize], true)
        };
        queue.iter().for_each(|node| {
            mark(*node);
        });
        let mut next = 0;
        while next < queue.len() {
            if queue.len() > nodes_max {
                return None;
            }
            for edge in self.edges(queue[next]).iter() {
                if !edge.beyond && mark(edge.to) {
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
        let mut next = 0;
        while next < nodes.len() {
            for edge in self.edges(nodes[next]).iter() {
                if edge.label.is_none() && !nodes.contains(&edge.to) {
                    nodes.push(edge.to);
                }
            }
            next += 1;
        }
        nodes.sort_unstable();
        nodes
    }

    /// The inputs that some state of `belief` offers, each once, in the order of states and actions.
    pub(crate) fn offers(&self, belief: &[Node]) -> Vec<u32> {
        let mut inputs = Vec::new();
        for node in belief {
            for edge in self.edges(*node).iter() {
                if let Some(label) = edge.label
                    && !inputs.contains(&label.input)
                {
                    inputs.push(label.input);
                }
            }
        }
        inputs
    }

    /// The labelled steps of `belief` on `input` that answer `output`.
    pub(crate) fn answers_as(&self, belief: &[Node], input: u32, output: &F::Output) -> Vec<(Node, Edge)> {
        let mut steps = Vec::new();
        for node in belief {
            let edges = self.edges(*node);
            let asked = edges.iter().filter_map(|edge| Some((edge, edge.label.filter(|label| label.input == input)?)));
            steps.extend(
                asked.filter(|(_, label)| self.is_output(label.output, output)).map(|(edge, _)| (*node, *edge)),
            );
        }
        steps
    }

    /// The labelled steps of `belief` on `input`.
    pub(crate) fn answers(&self, belief: &[Node], input: u32) -> Vec<(Node, Edge, Label)> {
        let mut steps = Vec::new();
        for node in belief {
            for edge in self.edges(*node).iter() {
                if let Some(label) = edge.label.filter(|label| label.input == input) {
                    steps.push((*node, *edge, label));
                }
            }
        }
        steps
    }
}

impl<F: Interface> Seen<F> {
    fn node(&mut self, state: State<F>) -> Node {
        let hash = FixedState::default().hash_one(&state);
        let states = &self.states;
        if let Some(node) = self.index.find(hash, |node| states[*node as usize] == state) {
            return *node;
        }
        let node = self.states.len() as Node;
        self.states.push(state);
        self.hashes.push(hash);
        self.edges.push(None);
        let hashes = &self.hashes;
        self.index.insert_unique(hash, node, |other| hashes[*other as usize]);
        node
    }
}
