//! The graph engine: every reachable state of a model, breadth first, and every transition between them.
//!
//! Breadth first by whole levels, so that the first path found to a state is a shortest one whatever is asked of it
//! later. Node numbers, paths and everything after them are the same for any number of threads. How that goes stands in
//! `engine.rs`.
//!
//! [`explore`] keeps every state and every transition, for whatever is to be judged of runs. [`survey`] is for `always`
//! and `sometimes` alone, and drops a state once it was expanded.
//!
//! [`Actors`] surveys stateright's actor systems, with the parts of their states interned; [`survey_packed`] models whose
//! states are a few words, and [`survey_on_disk`] those of them that outgrow memory.
//!
//! States are compared with `==` while they are few, and by a fingerprint of 64 bits where they are many: see
//! [`Equality`]. This engine looks at no clock: whoever wants a time limit hands in [`Budget::interrupt`].

mod actors;
mod checkpoint;
#[cfg(feature = "cluster")]
mod cluster;
mod debug;
mod disk;
mod engine;
mod face;
mod form;
mod pack;
mod referee;
mod shape;
mod step;
mod survey;
mod surveyor;
mod sweep;
mod table;
mod written;

use std::fmt::{self, Debug};
use std::ops::Deref;
use std::sync::Arc;

use stateright::Model;
use thiserror::Error;

use crate::model::CheckedModel;

use self::engine::{Engine, Wanted};
use self::form::Whole;

pub use self::actors::{Actors, History, Packed, ReducedSurvey, Step, System};
pub use self::checkpoint::{CheckpointError, Keeper};
#[cfg(feature = "cluster")]
pub use self::cluster::{ClusterConfig, ClusterError, ClusterSurvey, survey_in_cluster, survey_packed_in_cluster};
pub use self::disk::{Disk, DiskError, DiskSurvey, survey_on_disk};
pub(crate) use self::face::{Action, AnyState, Asked, Explored, Face, Spoken, State, recalled};
pub use self::face::{Judged, Run};
pub use self::pack::{Pack, survey_packed};
pub(crate) use self::referee::referee_of;
pub use self::referee::{Referee, RefereeError, referee};
pub use self::shape::{Shape, Target};
pub(crate) use self::step::panic_message;
pub use self::survey::{Discovery, Survey, survey, survey_up_to_symmetry};
pub(crate) use self::surveyor::Surveyed;
#[cfg(feature = "cluster")]
pub(crate) use self::surveyor::{IN_A_CLUSTER, survey_with_others};
pub use self::surveyor::{SurveyError, Surveyor};

/// Asked now and then; an answer is the reason to stop.
pub type Interrupt = Arc<dyn Fn() -> Option<Stop> + Send + Sync>;

/// How far an exploration may go.
#[derive(Clone)]
#[non_exhaustive]
pub struct Budget {
    /// States kept at most.
    pub states_max: usize,
    /// Steps from an initial state at most.
    pub depth_max: usize,
    /// Threads that expand states. No result depends on it.
    pub threads: usize,
    /// Asked before each block of states.
    pub interrupt: Interrupt,
    /// Whether states are expanded a second time, to see that the model answers the same: the first 10,000 of them, and
    /// one in 64 of the rest.
    pub recheck: bool,
    /// What states are told apart by.
    pub equality: Equality,
    /// Where what is explored is left behind, so that another process can go on with it. What was left there before is
    /// gone on with.
    pub checkpoint: Option<Arc<dyn Keeper>>,
}

/// What states are told apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Equality {
    /// States are compared by `==` up to [`EXACT_STATES_MAX`](Equality::EXACT_STATES_MAX) states, and above by 64 bits of
    /// their hash.
    #[default]
    Automatic,
    /// States are compared by `==`, so that a hash that collides costs time and never a state. Every state is kept.
    Exact,
    /// States are compared by 64 bits of their hash.
    Fingerprint64,
    /// States are compared by two hashes of 64 bits each.
    Fingerprint128,
}

impl Equality {
    /// Most states that are compared by `==` unless it is asked for. So many are cheap to keep, and enough to notice a
    /// model whose `Hash` and `PartialEq` contradict each other. Where states that differ have the same hash among them
    /// ([`Shape::hashes_alike`]) their `Hash` leaves something out, as that of stateright's sets does, and states are
    /// compared by `==` to the end.
    pub const EXACT_STATES_MAX: usize = 100_000;

    /// An upper bound on the probability that two of so many states were taken for one, provided that the model's
    /// `Hash` feeds all that `==` compares into the hasher. 0 where none can have been.
    pub fn collision_odds(self, states: usize) -> f64 {
        let pairs = states as f64 * (states as f64 - 1.0) / 2.0;
        match self {
            Equality::Exact => 0.0,
            Equality::Automatic if states <= Equality::EXACT_STATES_MAX => 0.0,
            Equality::Automatic | Equality::Fingerprint64 => pairs * 0.5_f64.powi(64),
            Equality::Fingerprint128 => pairs * 0.5_f64.powi(128),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            states_max: 10_000_000,
            depth_max: usize::MAX,
            threads: 1,
            interrupt: Arc::new(|| None),
            recheck: true,
            equality: Equality::Automatic,
            checkpoint: None,
        }
    }
}

impl Budget {
    /// States kept at most.
    #[must_use]
    pub fn states_max(mut self, states: usize) -> Self {
        self.states_max = states;
        self
    }

    /// Steps from an initial state at most.
    #[must_use]
    pub fn depth_max(mut self, steps: usize) -> Self {
        self.depth_max = steps;
        self
    }

    /// Threads that expand states.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Asks `interrupt` before each block of states whether to stop, and why.
    #[must_use]
    pub fn interrupt(mut self, interrupt: impl Fn() -> Option<Stop> + Send + Sync + 'static) -> Self {
        self.interrupt = Arc::new(interrupt);
        self
    }

    /// Tells states apart by this.
    #[must_use]
    pub fn equality(mut self, equality: Equality) -> Self {
        self.equality = equality;
        self
    }

    /// Leaves what is explored behind at `keeper`, and goes on with what was left there before.
    #[must_use]
    pub fn checkpoint(mut self, keeper: Arc<dyn Keeper>) -> Self {
        self.checkpoint = Some(keeper);
        self
    }
}

/// Why an exploration ended before it had seen everything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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
    /// The model panics.
    #[error(
        "the model panics in {what}, in state {state}, which is {}: {words}",
        if path.is_empty() { "an initial one".to_string() } else { format!("reached by {}", path.join(", ")) }
    )]
    Panics {
        /// `actions`, `next_state` of an action, or `within_boundary` of a state.
        what: String,
        /// The state asked about.
        state: String,
        /// The actions that lead there.
        path: Vec<String>,
        /// What it says.
        words: String,
    },
    /// The model has no initial state.
    #[error("the model has no initial state within its boundary")]
    NoInitialState,
    /// A state and its representative are not alike.
    #[error(
        "the states are not symmetric as they are said to be: {what} differs between state {state} and its \
         representative {representative}; explore without symmetry, or mend `Representative::representative`"
    )]
    NotSymmetric {
        /// A property, `within_boundary`, or where actions lead.
        what: String,
        /// The state asked about.
        state: String,
        /// What it is represented by.
        representative: String,
    },
    /// A state is another once it was packed.
    #[error(
        "the state {state} is {unpacked} once it was packed: mend `Pack` for what the model reaches, or explore without it"
    )]
    PackedWithLoss {
        /// The state.
        state: String,
        /// What was made of its words.
        unpacked: String,
    },
    /// Something does not go together with partial-order reduction.
    #[error("{what}: orders of steps cannot be left out; explore without reduction, or leave it out")]
    NotReduced {
        /// What it is.
        what: String,
    },
    /// What was left behind is not gone on with, or not kept.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A property of whole runs, where only states are told up to symmetry.
    #[error(
        "the property {property:?} is of whole runs, and symmetry is sound for those of states alone: explore without it, \
         or leave that property out"
    )]
    OfRuns {
        /// The property's name.
        property: String,
    },
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

/// Explores `model` from the states where it is `begun`, or else from its own.
pub(crate) fn explore_from<M: CheckedModel>(
    model: Arc<M>,
    begun: Option<Vec<M::State>>,
    budget: &Budget,
) -> Result<Graph<M>, ModelError> {
    explored(model, begun, budget, |_| false)
}

/// Explores `model` as [`explore`] does, and ends with [`Stop::Found`] when a state is kept that `halt` holds of. That
/// state is then the last node, and there is no shorter path to another such state.
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
    let mut engine: Engine<M, Whole> = Engine::new(model, budget, Wanted::Graph);
    if let Some(kept) = engine.recorded()? {
        engine.resume(kept)?;
    }
    engine.run(begun, &halt)?;
    let graph = Graph { model: engine.model, states: engine.states, shape: engine.shape };
    tracing::debug!(
        states = graph.states.len(),
        edges = graph.edge_count(),
        depth = graph.depth(),
        stop = graph.stop().map(tracing::field::display),
        "explored"
    );
    Ok(graph)
}
