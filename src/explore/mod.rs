//! The graph engine: every reachable state of a model, breadth first, and every transition between them.
//!
//! Breadth first by whole levels, so that the first path found to a state is a shortest one whatever is asked of it
//! later. A level is expanded by several threads but merged in the order of its nodes, so that node numbers, paths and
//! everything after them are the same for any number of threads.
//!
//! States are kept and compared with `==`: a fingerprint that collides costs time here and never a state. This engine
//! looks at no clock: whoever wants a time limit hands in [`Budget::interrupt`].

mod debug;
mod face;
mod referee;
mod shape;

use std::fmt::{self, Debug};
use std::hash::BuildHasher;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use stateright::Model;
use thiserror::Error;

use crate::model::CheckedModel;

use self::shape::{Origin, PackedTarget};

pub(crate) use self::face::{Action, AnyState, Asked, Explored, Face, Spoken, State, recalled};
pub use self::face::{Judged, Run};
pub(crate) use self::referee::referee_of;
pub use self::referee::{Referee, RefereeError, referee};
pub use self::shape::{Shape, Target};

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

/// What was reached: the [`Shape`], to which it dereferences, with a state of the model for each node.
pub struct Graph<M: Model> {
    model: Arc<M>,
    states: Vec<M::State>,
    shape: Shape,
}

/// A way through the graph from an initial state.
pub struct Path<M: Model> {
    /// Where it begins.
    pub initial: M::State,
    /// Each action with the state it leads to.
    pub steps: Vec<(M::Action, M::State)>,
}

impl<M: Model> Deref for Graph<M> {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        &self.shape
    }
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
        let way = self.way_to(node);
        let initial = way.first().map_or(node, |(from, _)| *from);
        let reached = way.iter().skip(1).map(|(from, _)| *from).chain([node]);
        let steps = way.iter().zip(reached).map(|((from, index), to)| {
            let mut actions = Vec::new();
            self.model.actions(&self.states[*from], &mut actions);
            (actions.swap_remove(*index), self.states[to].clone())
        });
        Path { initial: self.states[initial].clone(), steps: steps.collect() }
    }
}

/// Explores `model` as far as `budget` goes.
///
/// # Errors
/// The model has no initial state, or answers the same question in two ways.
pub fn explore<M: CheckedModel>(model: Arc<M>, budget: &Budget) -> Result<Graph<M>, ModelError> {
    explore_from(model, None, budget)
}

/// As [`explore`], but begun in other states than the model's own, where there are any.
pub(crate) fn explore_from<M: CheckedModel>(
    model: Arc<M>,
    begun: Option<Vec<M::State>>,
    budget: &Budget,
) -> Result<Graph<M>, ModelError> {
    explored(model, begun, budget, |_| false)
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
    explored(model, None, budget, halt)
}

fn explored<M: CheckedModel>(
    model: Arc<M>,
    begun: Option<Vec<M::State>>,
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
        graph: Graph { model, states: Vec::new(), shape: Shape::new() },
    };
    builder.initialise(begun)?;
    builder.run(budget)?;
    let graph = builder.graph;
    tracing::debug!(
        states = graph.states.len(),
        edges = graph.edge_count(),
        depth = graph.depth(),
        stop = graph.stop().map(tracing::field::display),
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
    fn initialise(&mut self, begun: Option<Vec<M::State>>) -> Result<(), ModelError> {
        let states = begun.clone().unwrap_or_else(|| self.graph.model.init_states());
        if begun.is_none() && states != self.graph.model.init_states() {
            return Err(nondeterministic("init_states", &"(none)"));
        }
        for state in states {
            if !self.graph.model.within_boundary(&state) {
                self.graph.shape.cut_count += 1;
                continue;
            }
            let hash = hash_of(&state);
            if self.find(hash, &state).is_none() {
                if self.graph.states.len() >= self.states_max {
                    self.graph.shape.stop = Some(Stop::States(self.states_max));
                    break;
                }
                self.keep(hash, state, None);
            }
            if self.graph.shape.stop.is_some() {
                break;
            }
        }
        if self.graph.states.is_empty() { Err(ModelError::NoInitialState) } else { Ok(()) }
    }

    fn run(&mut self, budget: &Budget) -> Result<(), ModelError> {
        let mut level = 0..self.graph.states.len();
        while !level.is_empty() && self.graph.shape.stop.is_none() {
            if self.graph.depth() >= budget.depth_max {
                self.graph.shape.stop = Some(Stop::Depth(budget.depth_max));
                return Ok(());
            }
            self.graph.shape.levels.push(level.end);
            let mut first = level.start;
            while first < level.end && self.graph.shape.stop.is_none() {
                if let Some(stop) = (budget.interrupt)() {
                    self.graph.shape.stop = Some(stop);
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
        if self.graph.shape.levels.last() == Some(&self.graph.states.len()) && self.graph.shape.levels.len() > 1 {
            self.graph.shape.levels.pop();
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
        let expanded: Vec<Mutex<_>> = parts.iter().map(|_| Mutex::new(None)).collect();
        in_parallel(parts.len(), &|part| {
            *expanded[part].lock().unwrap_or_else(PoisonError::into_inner) = Some(view.expand(parts[part].clone()));
        });
        let expansions =
            expanded.into_iter().filter_map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner));
        expansions.collect()
    }

    fn view(&self) -> ExpandView<'_, M> {
        ExpandView { graph: &self.graph, index: &self.index, hashes: &self.hashes, recheck: self.recheck }
    }

    fn merge(&mut self, expansion: Expansion<M::State>) {
        let mut successors = expansion.successors.into_iter();
        for count in expansion.counts {
            let from = self.graph.shape.offsets.len() - 1;
            let first_target = self.graph.shape.targets.len();
            let (edges_before, cuts_before) = (self.graph.shape.edge_count, self.graph.shape.cut_count);
            for action in 0..count {
                let Some(successor) = successors.next() else { return };
                let packed = match successor {
                    Successor::Refused => PackedTarget::REFUSED,
                    Successor::Cut => {
                        self.graph.shape.cut_count += 1;
                        PackedTarget::CUT
                    }
                    Successor::Known(node) => {
                        self.graph.shape.edge_count += 1;
                        PackedTarget(node)
                    }
                    Successor::New(hash, state) => {
                        let node = match self.find(hash, &state) {
                            Some(node) => node,
                            None if self.graph.states.len() < self.states_max => {
                                self.keep(hash, state, Some(Origin { node: from as u32, action }))
                            }
                            None => {
                                self.graph.shape.stop = Some(Stop::States(self.states_max));
                                0
                            }
                        };
                        self.graph.shape.edge_count += 1;
                        PackedTarget(node)
                    }
                };
                if self.graph.shape.stop.is_some() {
                    // This node's transitions are not all known: it counts as not expanded.
                    self.graph.shape.targets.truncate(first_target);
                    (self.graph.shape.edge_count, self.graph.shape.cut_count) = (edges_before, cuts_before);
                    return;
                }
                self.graph.shape.targets.push(packed);
            }
            self.graph.shape.offsets.push(self.graph.shape.targets.len());
        }
    }

    fn find(&self, hash: u64, state: &M::State) -> Option<u32> {
        self.view().find(hash, state)
    }

    fn keep(&mut self, hash: u64, state: M::State, origin: Option<Origin>) -> u32 {
        let node = self.graph.states.len() as u32;
        if (self.halt)(&state) {
            self.graph.shape.stop = Some(Stop::Found);
        }
        self.graph.states.push(state);
        self.graph.shape.origins.push(origin);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.index.insert_unique(hash, node, |other| hashes[*other as usize]);
        node
    }
}

/// Does each of so many parts of some work on a thread of its own.
fn in_parallel(parts: usize, work: &(dyn Fn(usize) + Sync)) {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts).map(|part| scope.spawn(move || work(part))).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
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
