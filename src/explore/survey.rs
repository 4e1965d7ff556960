//! Every reachable state, and of each property the first that shows something: no state and no transition is kept.

use std::fmt;
use std::sync::Arc;

use stateright::{Expectation, Model, Property, Representative};

use super::checkpoint::Kept;
use super::engine::{Condition, Engine, Looked, Wanted};
use super::form::{Form, UpToSymmetry, Whole};
use super::shape::{Origin, Shape};
use super::sweep::Sweep;
use super::{Budget, Equality, ModelError, Path, Stop};
use crate::model::CheckedModel;

/// What was found while nothing was kept but how each node was reached. A path is told by running it again.
pub struct Survey<M: CheckedModel> {
    model: Arc<M>,
    shape: Shape,
    discoveries: Vec<Discovery>,
    equality: Equality,
}

/// An `always` or `sometimes` of a model, and the first node that shows something of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovery {
    /// The property's name.
    pub name: &'static str,
    /// Its kind.
    pub expectation: Expectation,
    /// The first of the nearest nodes at which an `always` does not hold, or a `sometimes` holds.
    pub node: Option<usize>,
}

impl<M: CheckedModel> fmt::Debug for Survey<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Survey")
            .field("states", &self.node_count())
            .field("edges", &self.edge_count())
            .field("discoveries", &self.discoveries)
            .finish_non_exhaustive()
    }
}

impl<M: CheckedModel> Survey<M> {
    /// The model explored.
    pub fn model(&self) -> &Arc<M> {
        &self.model
    }

    /// How many states were reached.
    pub fn node_count(&self) -> usize {
        self.shape.node_count()
    }

    /// How many nodes, the first of all, are initial.
    pub fn initial_count(&self) -> usize {
        self.shape.initial_count()
    }

    /// Transitions into kept states, loops at a state included, refusals not.
    pub fn edge_count(&self) -> usize {
        self.shape.edge_count()
    }

    /// Transitions that lead outside the model's boundary.
    pub fn cut_count(&self) -> usize {
        self.shape.cut_count()
    }

    /// Steps from an initial state to the farthest state.
    pub fn depth(&self) -> usize {
        self.shape.depth()
    }

    /// Steps from an initial state to `node`.
    pub fn depth_of(&self, node: usize) -> usize {
        self.shape.depth_of(node)
    }

    /// Why the exploration ended early, if it did.
    pub fn stop(&self) -> Option<&Stop> {
        self.shape.stop()
    }

    /// Why the survey is incomplete: a reachable state was not seen, or a transition leads to none that was. `None`
    /// where it is complete.
    pub fn incomplete(&self) -> Option<String> {
        self.shape.incomplete()
    }

    /// The model's `always` and `sometimes` properties, in their order.
    pub fn discoveries(&self) -> &[Discovery] {
        &self.discoveries
    }

    /// Whether states that differ were met whose hashes are the same: see [`Shape::hashes_alike`].
    pub fn hashes_alike(&self) -> bool {
        self.shape.hashes_alike()
    }

    /// An upper bound on the probability that two states were taken for one: see [`Equality::collision_odds`].
    pub fn collision_odds(&self) -> f64 {
        self.shape.collision_odds(self.equality)
    }

    /// A shortest path to `node`, the same that [`Graph::path_to`](super::Graph::path_to) returns.
    ///
    /// # Panics
    /// If the model does not answer as it did.
    pub fn path_to(&self, node: usize) -> Path<M> {
        let way = self.shape.way_to(node);
        let Origin { action: index, .. } = self.shape.origins[way.first().map_or(node, |(from, _)| *from)];
        let initial = self.model.init_states().swap_remove(index as usize);
        let mut steps: Vec<(M::Action, M::State)> = Vec::with_capacity(way.len());
        for (_, index) in way {
            let from = steps.last().map_or(&initial, |(_, state)| state);
            let mut actions = Vec::new();
            self.model.actions(from, &mut actions);
            let action = actions.swap_remove(index);
            let to = self.model.next_state(from, action.clone()).expect("the step was taken before");
            steps.push((action, to));
        }
        Path { initial, steps }
    }
}

/// Explores `model` as far as `budget` goes, for its `always` and `sometimes` properties.
///
/// # Errors
/// The model has no initial state, or answers the same question in two ways.
pub fn survey<M: CheckedModel>(model: Arc<M>, budget: &Budget) -> Result<Survey<M>, ModelError> {
    let asked = asked(&*model);
    surveyed::<M, Whole>(model, asked, budget)
}

/// Explores `model` as [`survey`] does, and takes states for one whose representatives are equal. So of processes that
/// may be exchanged it sees one order instead of all. Paths are paths of the model, and shortest ones.
///
/// That a state and its representative have the same properties and the same successors, up to symmetry, is checked
/// where states are expanded twice: see [`Budget::recheck`]. How many states are left depends on how good the
/// representative is: one that is not the same for all of an orbit costs states and never a verdict.
///
/// # Errors
/// As [`survey`]; a property is an `eventually`, for which it is not sound (a loop may be one only up to symmetry); or a
/// state and its representative are not alike.
pub fn survey_up_to_symmetry<M>(model: Arc<M>, budget: &Budget) -> Result<Survey<M>, ModelError>
where
    M: CheckedModel + Model<State: Representative>,
{
    let of_runs = model.properties().into_iter().find(|property| property.expectation == Expectation::Eventually);
    if let Some(property) = of_runs {
        return Err(ModelError::OfRuns { property: property.name.into() });
    }
    let asked = asked(&*model);
    surveyed::<M, UpToSymmetry>(model, asked, budget)
}

/// What is asked of states.
pub(super) struct Asked<M: CheckedModel> {
    pub(super) name: &'static str,
    pub(super) expectation: Expectation,
    pub(super) condition: Condition<M>,
}

/// Of a model's own `always` and `sometimes` properties.
pub(super) fn asked<M: CheckedModel>(model: &M) -> Vec<Asked<M>> {
    let properties = model.properties().into_iter().filter(|property| property.expectation != Expectation::Eventually);
    let asked = properties.map(|Property { name, expectation, condition }| Asked {
        name,
        expectation,
        condition: Box::new(condition),
    });
    asked.collect()
}

pub(super) fn surveyed<M, F>(model: Arc<M>, asked: Vec<Asked<M>>, budget: &Budget) -> Result<Survey<M>, ModelError>
where
    M: CheckedModel,
    F: Form<M::State>,
{
    let span = tracing::debug_span!("survey", model = std::any::type_name::<M>());
    let _entered = span.enter();
    let mut engine: Engine<M, F> = Engine::new(model.clone(), budget, Wanted::Discoveries);
    let mut told = Vec::with_capacity(asked.len());
    for Asked { name, expectation, condition } in asked {
        engine.wanted.push((Looked { condition, answer: expectation == Expectation::Sometimes }, None));
        told.push((name, expectation));
    }
    let kept = engine.recorded()?;
    let (shape, wanted) = match began(engine, kept)? {
        Begun::Done(engine) => (engine.shape, engine.wanted),
        Begun::Swept(mut sweep, next) => {
            sweep.run(next)?;
            (sweep.shape, sweep.wanted)
        }
    };
    let found = told.into_iter().zip(wanted);
    let discoveries = found.map(|((name, expectation), (_, node))| Discovery { name, expectation, node });
    Ok(Survey { discoveries: discoveries.collect(), model, shape, equality: budget.equality })
}

/// How far an exploration came that keeps states: to its end, or to where nodes from a number on are left to who keeps
/// less.
enum Begun<M: CheckedModel, F: Form<M::State>> {
    Done(Box<Engine<M, F>>),
    Swept(Box<Sweep<M, F>>, usize),
}

/// Begins, or goes on with what was left behind.
fn began<M, F>(mut engine: Engine<M, F>, kept: Option<Kept>) -> Result<Begun<M, F>, ModelError>
where
    M: CheckedModel,
    F: Form<M::State>,
{
    match kept {
        Some(kept) if kept.progress.is_swept => {
            let next = kept.progress.next;
            return Ok(Begun::Swept(Box::new(Sweep::resumed(engine, kept)?), next));
        }
        Some(kept) => engine.resume(kept)?,
        None => {}
    }
    Ok(match engine.run(None, &|_| false)? {
        None => Begun::Done(Box::new(engine)),
        Some(next) => Begun::Swept(Box::new(Sweep::after(engine, next)), next),
    })
}
