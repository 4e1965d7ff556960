//! The graph engine: every reachable state of a model, breadth first, and every transition between them.
//!
//! Breadth first by whole levels, so that the first path found to a state is a shortest one whatever is asked of it
//! later. A level is expanded by several threads but merged in the order of its nodes, so that node numbers, paths and
//! everything after them are the same for any number of threads.
//!
//! States are kept and compared with `==`: a fingerprint that collides costs time here and never a state. This engine
//! looks at no clock: whoever wants a time limit hands in [`Budget::interrupt`].

mod referee;

use std::fmt::{self, Debug};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use stateright::Model;
use thiserror::Error;

use crate::model::CheckedModel;

pub use referee::{Referee, RefereeError, referee};

/// Asked now and then; an answer is the reason to stop.
pub type Interrupt = Arc<dyn Fn() -> Option<Stop> + Send + Sync>;

/// How far an exploration may go.
#[derive(Clone)]
pub struct Budget {
    /// States kept at most.
    pub states_max: usize,
    /// Steps from an initial state at most.
    pub depth_max: usize,
    /// Threads that expand states. No result depends on it.
    pub threads: usize,
    /// Asked before each block of states.
    pub interrupt: Interrupt,
    /// Whether states are expanded a second time, to see that the model answers the same.
    pub recheck: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            states_max: 10_000_000,
            depth_max: usize::MAX,
            threads: 1,
            interrupt: Arc::new(|| None),
            recheck: true,
        }
    }
}

/// Why an exploration ended before it had seen everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// [`Budget::states_max`] was reached.
    States(usize),
    /// [`Budget::depth_max`] was reached.
    Depth(usize),
    /// A limit on time.
    Time(String),
    /// A limit on memory.
    Memory(String),
    /// The user asked for it.
    Interrupted,
    /// A state that was looked for was found.
    Found,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::States(max) => write!(f, "the limit of {max} states was reached"),
            Stop::Depth(max) => write!(f, "the limit of {max} steps was reached"),
            Stop::Time(limit) => write!(f, "the time limit of {limit} was reached"),
            Stop::Memory(limit) => write!(f, "the memory limit of {limit} was reached"),
            Stop::Interrupted => write!(f, "interrupted"),
            Stop::Found => write!(f, "stopped at the state that was looked for"),
        }
    }
}

/// The model is not a function of its states.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The same question had two answers.
    #[error(
        "the model is not deterministic: {what} differs when asked twice of state {state}; a model may depend on its \
         fields and the state alone (no clock, no random source, no iteration over a hash map)"
    )]
    Nondeterministic {
        /// `init_states`, `actions`, or `next_state` of an action.
        what: String,
        /// The state asked about.
        state: String,
    },
    /// Nothing to explore.
    #[error("the model has no initial state within its boundary")]
    NoInitialState,
}

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
#[derive(Clone, Copy)]
struct PackedTarget(u32);

impl PackedTarget {
    const REFUSED: PackedTarget = PackedTarget(u32::MAX);
    const CUT: PackedTarget = PackedTarget(u32::MAX - 1);
    /// The largest number of nodes that the packing has room for.
    const NODES_MAX: usize = (u32::MAX - 2) as usize;

    #[inline]
    fn unpack(self) -> Target {
        match self {
            PackedTarget(u32::MAX) => Target::Refused,
            PackedTarget(packed) if packed == u32::MAX - 1 => Target::Cut,
            PackedTarget(node) => Target::Node(node as usize),
        }
    }
}

/// The step by which a node was first reached: from a node, by the action of this index.
#[derive(Clone, Copy)]
struct Origin {
    node: u32,
    action: u32,
}

/// What was reached. Nodes are numbered from 0 in breadth-first order.
pub struct Graph<M: Model> {
    model: Arc<M>,
    states: Vec<M::State>,
    origins: Vec<Option<Origin>>,
    /// First node of each level.
    levels: Vec<usize>,
    /// Node `n` owns `targets[offsets[n]..offsets[n + 1]]`, one for each of its actions in their order. Nodes beyond
    /// were never expanded.
    offsets: Vec<usize>,
    targets: Vec<PackedTarget>,
    edge_count: usize,
    cut_count: usize,
    stop: Option<Stop>,
}

/// A way through the graph from an initial state.
pub struct Path<M: Model> {
    /// Where it begins.
    pub initial: M::State,
    /// Each action with the state it leads to.
    pub steps: Vec<(M::Action, M::State)>,
}

impl<M: CheckedModel> Graph<M> {
    /// The model explored.
    pub fn model(&self) -> &Arc<M> {
        &self.model
    }

    /// Every state reached, by node.
    pub fn states(&self) -> &[M::State] {
        &self.states
    }

    /// How many nodes, the first of all, are initial.
    pub fn initial_count(&self) -> usize {
        self.levels.get(1).copied().unwrap_or(self.states.len())
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

    /// Why it ended early, if it did.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Whether every reachable state is here and every transition leads to one. If not, why.
    pub fn incomplete(&self) -> Option<String> {
        match (&self.stop, self.cut_count) {
            (Some(stop), _) => Some(stop.to_string()),
            (None, 0) => None,
            (None, cuts) => Some(format!("{cuts} transitions lead outside the model's boundary")),
        }
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

    /// The actions of `node` with where they lead.
    pub fn transitions(&self, node: usize) -> Vec<(M::Action, Target)> {
        let mut actions = Vec::new();
        if self.is_expanded(node) {
            self.model.actions(&self.states[node], &mut actions);
        }
        actions.into_iter().zip(self.targets(node)).collect()
    }

    /// A shortest path to `node`.
    pub fn path_to(&self, node: usize) -> Path<M> {
        let mut steps = Vec::new();
        let mut at = node;
        while let Some(Origin { node: from, action }) = self.origins[at] {
            let mut actions = Vec::new();
            self.model.actions(&self.states[from as usize], &mut actions);
            steps.push((actions.swap_remove(action as usize), self.states[at].clone()));
            at = from as usize;
        }
        steps.reverse();
        Path { initial: self.states[at].clone(), steps }
    }
}

/// Explores `model` as far as `budget` goes.
///
/// # Errors
/// The model has no initial state, or answers the same question in two ways.
pub fn explore<M: CheckedModel>(model: Arc<M>, budget: &Budget) -> Result<Graph<M>, ModelError> {
    explore_until(model, budget, |_| false)
}

/// As [`explore`], but ends with [`Stop::Found`] when a state is kept that `halt` holds of. The state is then the last
/// node, and there is no shorter path to another such state.
///
/// # Errors
/// As [`explore`].
pub fn explore_until<M: CheckedModel>(
    model: Arc<M>,
    budget: &Budget,
    halt: impl Fn(&M::State) -> bool,
) -> Result<Graph<M>, ModelError> {
    let span = tracing::debug_span!("explore", model = std::any::type_name::<M>());
    let _entered = span.enter();
    let mut builder = Builder {
        recheck: budget.recheck,
        index: HashTable::new(),
        hashes: Vec::new(),
        halt,
        states_max: budget.states_max.min(PackedTarget::NODES_MAX),
        graph: Graph {
            model,
            states: Vec::new(),
            origins: Vec::new(),
            levels: vec![0],
            offsets: vec![0],
            targets: Vec::new(),
            edge_count: 0,
            cut_count: 0,
            stop: None,
        },
    };
    builder.initialise()?;
    builder.run(budget)?;
    let graph = builder.graph;
    tracing::debug!(
        states = graph.states.len(),
        edges = graph.edge_count,
        depth = graph.depth(),
        stop = graph.stop.as_ref().map(tracing::field::display),
        "explored"
    );
    Ok(graph)
}

/// What became of one action of a state that is being expanded.
enum Successor<S> {
    Refused,
    Cut,
    Known(u32),
    /// Not among the nodes when the block was begun; with its hash.
    New(u64, S),
}

/// The successors of a run of nodes, and how many each node has.
struct Expansion<S> {
    counts: Vec<u32>,
    successors: Vec<Successor<S>>,
}

struct Builder<M: Model, H> {
    recheck: bool,
    graph: Graph<M>,
    index: HashTable<u32>,
    hashes: Vec<u64>,
    halt: H,
    states_max: usize,
}

/// Nodes expanded between two questions to [`Budget::interrupt`]: large enough that threads pay, small enough that
/// successors not yet merged stay few.
const BLOCK_NODES: usize = 1 << 14;

/// Below this a block is expanded where it is: a thread costs more than it saves.
const THREADED_NODES_MIN: usize = 512;

/// Every state below this number, and of later ones one in [`RECHECKED_ONE_IN`], is expanded twice to see that the
/// model answers the same.
const RECHECKED_NODES: usize = 10_000;
const RECHECKED_ONE_IN: usize = 16;

impl<M: CheckedModel, H: Fn(&M::State) -> bool> Builder<M, H> {
    fn initialise(&mut self) -> Result<(), ModelError> {
        let states = self.graph.model.init_states();
        if states != self.graph.model.init_states() {
            return Err(nondeterministic("init_states", &"(none)"));
        }
        for state in states {
            if !self.graph.model.within_boundary(&state) {
                self.graph.cut_count += 1;
                continue;
            }
            let hash = hash_of(&state);
            if self.find(hash, &state).is_none() {
                if self.graph.states.len() >= self.states_max {
                    self.graph.stop = Some(Stop::States(self.states_max));
                    break;
                }
                self.keep(hash, state, None);
            }
            if self.graph.stop.is_some() {
                break;
            }
        }
        if self.graph.states.is_empty() { Err(ModelError::NoInitialState) } else { Ok(()) }
    }

    fn run(&mut self, budget: &Budget) -> Result<(), ModelError> {
        let mut level = 0..self.graph.states.len();
        while !level.is_empty() && self.graph.stop.is_none() {
            if self.graph.depth() >= budget.depth_max {
                self.graph.stop = Some(Stop::Depth(budget.depth_max));
                return Ok(());
            }
            self.graph.levels.push(level.end);
            let mut first = level.start;
            while first < level.end && self.graph.stop.is_none() {
                if let Some(stop) = (budget.interrupt)() {
                    self.graph.stop = Some(stop);
                    break;
                }
                let block = first..level.end.min(first + BLOCK_NODES);
                first = block.end;
                for expansion in self.expand_block(block.clone(), budget.threads)? {
                    self.merge(expansion);
                }
            }
            level = level.end..self.graph.states.len();
            tracing::trace!(depth = self.graph.depth(), states = self.graph.states.len(), "level done");
        }
        // The last level pushed has no states of its own unless the exploration was stopped inside it.
        if self.graph.levels.last() == Some(&self.graph.states.len()) && self.graph.levels.len() > 1 {
            self.graph.levels.pop();
        }
        Ok(())
    }

    fn expand_block(&self, block: Range<usize>, threads: usize) -> Result<Vec<Expansion<M::State>>, ModelError> {
        if threads <= 1 || block.len() < THREADED_NODES_MIN {
            return Ok(vec![self.view().expand(block)?]);
        }
        let share = block.len().div_ceil(threads);
        let parts: Vec<Range<usize>> =
            block.clone().step_by(share).map(|first| first..block.end.min(first + share)).collect();
        let view = self.view();
        std::thread::scope(|scope| {
            let workers: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || view.expand(part))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    fn view(&self) -> ExpandView<'_, M> {
        ExpandView { graph: &self.graph, index: &self.index, hashes: &self.hashes, recheck: self.recheck }
    }

    fn merge(&mut self, expansion: Expansion<M::State>) {
        let mut successors = expansion.successors.into_iter();
        for count in expansion.counts {
            let from = self.graph.offsets.len() - 1;
            let first_target = self.graph.targets.len();
            let (edges_before, cuts_before) = (self.graph.edge_count, self.graph.cut_count);
            for action in 0..count {
                let Some(successor) = successors.next() else { return };
                let packed = match successor {
                    Successor::Refused => PackedTarget::REFUSED,
                    Successor::Cut => {
                        self.graph.cut_count += 1;
                        PackedTarget::CUT
                    }
                    Successor::Known(node) => {
                        self.graph.edge_count += 1;
                        PackedTarget(node)
                    }
                    Successor::New(hash, state) => {
                        let node = match self.find(hash, &state) {
                            Some(node) => node,
                            None if self.graph.states.len() < self.states_max => {
                                self.keep(hash, state, Some(Origin { node: from as u32, action }))
                            }
                            None => {
                                self.graph.stop = Some(Stop::States(self.states_max));
                                0
                            }
                        };
                        self.graph.edge_count += 1;
                        PackedTarget(node)
                    }
                };
                if self.graph.stop.is_some() {
                    // This node's transitions are not all known: it counts as not expanded.
                    self.graph.targets.truncate(first_target);
                    (self.graph.edge_count, self.graph.cut_count) = (edges_before, cuts_before);
                    return;
                }
                self.graph.targets.push(packed);
            }
            self.graph.offsets.push(self.graph.targets.len());
        }
    }

    fn find(&self, hash: u64, state: &M::State) -> Option<u32> {
        self.view().find(hash, state)
    }

    fn keep(&mut self, hash: u64, state: M::State, origin: Option<Origin>) -> u32 {
        let node = self.graph.states.len() as u32;
        if (self.halt)(&state) {
            self.graph.stop = Some(Stop::Found);
        }
        self.graph.states.push(state);
        self.graph.origins.push(origin);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.index.insert_unique(hash, node, |other| hashes[*other as usize]);
        node
    }
}

/// What expanding needs to read, apart from what merging writes.
struct ExpandView<'a, M: Model> {
    graph: &'a Graph<M>,
    index: &'a HashTable<u32>,
    hashes: &'a [u64],
    recheck: bool,
}

impl<M: Model> Clone for ExpandView<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for ExpandView<'_, M> {}

impl<M: CheckedModel> ExpandView<'_, M> {
    fn find(&self, hash: u64, state: &M::State) -> Option<u32> {
        self.index
            .find(hash, |node| self.hashes[*node as usize] == hash && self.graph.states[*node as usize] == *state)
            .copied()
    }

    fn expand(&self, nodes: Range<usize>) -> Result<Expansion<M::State>, ModelError> {
        let model = &*self.graph.model;
        let mut expansion = Expansion { counts: Vec::with_capacity(nodes.len()), successors: Vec::new() };
        let mut actions = Vec::new();
        for node in nodes {
            let state = &self.graph.states[node];
            actions.clear();
            model.actions(state, &mut actions);
            if self.recheck && (node < RECHECKED_NODES || node % RECHECKED_ONE_IN == 0) {
                recheck(model, state, &actions)?;
            }
            expansion.counts.push(actions.len() as u32);
            for action in actions.drain(..) {
                expansion.successors.push(match model.next_state(state, action) {
                    None => Successor::Refused,
                    Some(next) if !model.within_boundary(&next) => Successor::Cut,
                    Some(next) => {
                        let hash = hash_of(&next);
                        match self.find(hash, &next) {
                            Some(node) => Successor::Known(node),
                            None => Successor::New(hash, next),
                        }
                    }
                });
            }
        }
        Ok(expansion)
    }
}

/// Asks `model` again what it said of `state`.
fn recheck<M: CheckedModel>(model: &M, state: &M::State, actions: &[M::Action]) -> Result<(), ModelError> {
    let mut again = Vec::with_capacity(actions.len());
    model.actions(state, &mut again);
    if again != actions {
        return Err(nondeterministic("the list of actions", state));
    }
    for action in actions {
        if model.next_state(state, action.clone()) != model.next_state(state, action.clone()) {
            return Err(nondeterministic(&format!("next_state of {action:?}"), state));
        }
    }
    Ok(())
}

fn nondeterministic(what: &str, state: &impl Debug) -> ModelError {
    ModelError::Nondeterministic { what: what.into(), state: format!("{state:?}") }
}

fn hash_of(value: &impl std::hash::Hash) -> u64 {
    FixedState::default().hash_one(value)
}
