//! A model, what is said of it and what was explored of it, their types forgotten: what the floors above work on, so
//! that they are compiled once and not once for each model.
//!
//! States and lists of actions stay what they are and are only referred to by what every one of them can do. The lists
//! are kept whole, and an action is an index into one.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use serde_json::Value;
use stateright::{Path, Property};

use super::step::panic_message;
use super::written::Written;
use super::{Budget, Graph, ModelError, Shape, Target, explore_from};
use crate::model::{Bound, Chance, CheckedModel, FairKey, Kind, Spec, Temporal};

/// A state of some model.
pub(crate) trait AnyState: Any + Send + Sync {
    fn cloned(&self) -> State;
    fn equals(&self, other: &dyn AnyState) -> bool;
    fn hash_into(&self, state: &mut dyn Hasher);
    /// As `Debug` has it.
    fn text(&self) -> String;
}

impl<S: Clone + Debug + Hash + PartialEq + Send + Sync + 'static> AnyState for S {
    fn cloned(&self) -> State {
        State(Box::new(self.clone()))
    }

    fn equals(&self, other: &dyn AnyState) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<S>().is_some_and(|other| other == self)
    }

    fn hash_into(&self, state: &mut dyn Hasher) {
        Written::by(self, state);
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }
}

/// A state of its own. It has no `Debug`, so that it is none of the states that it can hold.
pub(crate) struct State(Box<dyn AnyState>);

impl Deref for State {
    type Target = dyn AnyState;

    fn deref(&self) -> &(dyn AnyState + 'static) {
        &*self.0
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        self.0.cloned()
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_into(state);
    }
}

/// The actions of some state, in the order of `Model::actions`.
pub(crate) trait AnyActions: Any + Send + Sync {
    fn len(&self) -> usize;
    fn equals(&self, index: usize, other: &dyn AnyActions, other_index: usize) -> bool;
    /// As `Debug` has it.
    fn text(&self, index: usize) -> String;
}

impl<A: Debug + PartialEq + Send + Sync + 'static> AnyActions for Vec<A> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn equals(&self, index: usize, other: &dyn AnyActions, other_index: usize) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<Vec<A>>().is_some_and(|other| other[other_index] == self[index])
    }

    fn text(&self, index: usize) -> String {
        format!("{:?}", self[index])
    }
}

/// The actions of a state.
pub(crate) type Actions = Arc<dyn AnyActions>;

/// One of the actions of a state.
#[derive(Clone)]
pub(crate) struct Action {
    pub(crate) of: Actions,
    pub(crate) index: usize,
}

impl Action {
    pub(crate) fn text(&self) -> String {
        self.of.text(self.index)
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.of.equals(self.index, &*other.of, other.index)
    }
}

/// A run of a model: where it begins, and each step with the state it leads to.
pub struct Run {
    pub(crate) initial: State,
    /// `None` where the run stays as it is.
    pub(crate) steps: Vec<(Option<Action>, State)>,
    /// Steps before the loop, where it has one.
    pub(crate) loop_start: usize,
}

impl Run {
    /// Begins in `initial`, takes `steps`, each an action (`None`: it stays as it is) with the state it leads to, and
    /// goes round those from `loop_start` on, a number of steps, for ever.
    pub fn new<S, A>(initial: S, steps: Vec<(Option<A>, S)>, loop_start: usize) -> Self
    where
        S: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
        A: Debug + PartialEq + Send + Sync + 'static,
    {
        let action = |action: A| Action { of: Arc::new(vec![action]), index: 0 };
        let steps = steps.into_iter().map(|(taken, to)| (taken.map(action), State(Box::new(to)))).collect();
        Run { initial: State(Box::new(initial)), steps, loop_start }
    }

    /// The states along it; 0 is the initial one.
    pub(crate) fn states(&self) -> impl Iterator<Item = &State> {
        std::iter::once(&self.initial).chain(self.steps.iter().map(|(_, state)| state))
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> &State {
        self.steps.last().map_or(&self.initial, |(_, state)| state)
    }
}

impl Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.initial.text())?;
        for (action, to) in &self.steps {
            write!(f, " --{}-> {}", action.as_ref().map_or_else(String::new, Action::text), to.text())?;
        }
        write!(f, ", from step {} on for ever", self.loop_start)
    }
}

/// A property, without what it asks of a state.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its name again, where it is the model's own.
    pub(crate) own: Option<&'static str>,
    pub(crate) assumption: Option<&'static str>,
    pub(crate) bound: Option<Bound>,
}

/// A model and what is said of it. Properties are the model's own and then the spec's, and go by their index.
pub(crate) trait Face: Send + Sync {
    fn properties(&self) -> &[Asked];
    fn parameters(&self) -> BTreeMap<String, String>;
    fn because(&self, name: &str) -> Option<String>;

    fn init_states(&self) -> Vec<State>;
    fn within_boundary(&self, state: &dyn AnyState) -> bool;
    fn actions(&self, state: &dyn AnyState) -> Actions;
    fn next_state(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Option<State>;

    /// Whether the condition of a property, or its goal, is met.
    fn is_met(&self, property: usize, state: &dyn AnyState) -> bool;
    fn is_triggered(&self, property: usize, state: &dyn AnyState) -> bool;
    fn reward(&self, property: usize, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> f64;
    fn fairness(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Vec<FairKey>;
    fn must_progress(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> bool;
    fn chance(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Option<Chance>;

    fn actor(&self, actions: &dyn AnyActions, index: usize) -> String;
    /// As the model has it.
    fn action_text(&self, actions: &dyn AnyActions, index: usize) -> String;
    fn state_json(&self, state: &dyn AnyState) -> Value;
    /// The model's own picture of what begins in `initial` and takes the actions of `taken`, where it draws one.
    fn as_svg(&self, initial: &dyn AnyState, taken: &[Action]) -> Option<String>;

    /// Explores the model from `begun`, or from where it begins itself.
    fn explore(&self, begun: Option<Vec<State>>, budget: &Budget) -> Result<Box<dyn Nodes>, ModelError>;
}

/// A model with its spec.
pub(crate) struct Spoken<M: CheckedModel> {
    model: Arc<M>,
    spec: Arc<dyn Spec<Model = M>>,
    own: Vec<Property<M>>,
    promised: Vec<Temporal<M>>,
    asked: Vec<Asked>,
}

impl<M: CheckedModel> Spoken<M> {
    pub(crate) fn new(model: Arc<M>, spec: Arc<dyn Spec<Model = M>>) -> Self {
        let (own, promised) = (model.properties(), spec.temporal());
        let of_states = own.iter().map(|property| {
            let kind = Kind::from(&property.expectation);
            let assumption = spec.own_under().filter(|_| kind.is_of_runs());
            Asked { name: property.name.into(), kind, own: Some(property.name), assumption, bound: None }
        });
        let of_runs = promised.iter().map(|promise| Asked {
            name: promise.name().into(),
            kind: promise.kind(),
            own: None,
            assumption: promise.assumption(),
            bound: promise.bound(),
        });
        let asked = of_states.chain(of_runs).collect();
        Spoken { model, spec, own, promised, asked }
    }

    fn promise(&self, property: usize) -> Option<&Temporal<M>> {
        self.promised.get(property.checked_sub(self.own.len())?)
    }
}

/// What a state or a list of actions was before its type was forgotten.
#[track_caller]
pub(crate) fn recalled<T: 'static>(any: &dyn Any) -> &T {
    any.downcast_ref().expect("a state or an action is asked of the model that it is of")
}

impl<M: CheckedModel> Face for Spoken<M> {
    fn properties(&self) -> &[Asked] {
        &self.asked
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        self.spec.parameters(&self.model)
    }

    fn because(&self, name: &str) -> Option<String> {
        self.spec.because().iter().find(|(other, _)| *other == name).map(|(_, why)| (*why).to_string())
    }

    fn init_states(&self) -> Vec<State> {
        self.model.init_states().into_iter().map(|state| State(Box::new(state))).collect()
    }

    fn within_boundary(&self, state: &dyn AnyState) -> bool {
        self.model.within_boundary(recalled(state))
    }

    fn actions(&self, state: &dyn AnyState) -> Actions {
        let mut actions: Vec<M::Action> = Vec::new();
        self.model.actions(recalled(state), &mut actions);
        Arc::new(actions)
    }

    fn next_state(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Option<State> {
        let action = recalled::<Vec<M::Action>>(actions)[index].clone();
        Some(State(Box::new(self.model.next_state(recalled(state), action)?)))
    }

    fn is_met(&self, property: usize, state: &dyn AnyState) -> bool {
        match self.own.get(property) {
            Some(own) => (own.condition)(&self.model, recalled(state)),
            None => self.promise(property).is_some_and(|promise| promise.is_met(&self.model, recalled(state))),
        }
    }

    fn is_triggered(&self, property: usize, state: &dyn AnyState) -> bool {
        self.promise(property).is_some_and(|promise| promise.is_triggered(&self.model, recalled(state)))
    }

    fn reward(&self, property: usize, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> f64 {
        let action = &recalled::<Vec<M::Action>>(actions)[index];
        self.promise(property).map_or(0.0, |promise| promise.reward_of(&self.model, recalled(state), action))
    }

    fn fairness(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Vec<FairKey> {
        let (state, action) = (recalled(state), &recalled::<Vec<M::Action>>(actions)[index]);
        let mut keys = self.spec.fairness(&self.model, state, action);
        if keys.iter().any(|key| key.changing) && self.model.next_state(state, action.clone()).as_ref() == Some(state) {
            keys.retain(|key| !key.changing);
        }
        keys
    }

    fn must_progress(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> bool {
        self.spec.must_progress(&self.model, recalled(state), &recalled::<Vec<M::Action>>(actions)[index])
    }

    fn chance(&self, state: &dyn AnyState, actions: &dyn AnyActions, index: usize) -> Option<Chance> {
        self.spec.chance(&self.model, recalled(state), &recalled::<Vec<M::Action>>(actions)[index])
    }

    fn actor(&self, actions: &dyn AnyActions, index: usize) -> String {
        self.spec.actor(&recalled::<Vec<M::Action>>(actions)[index])
    }

    fn action_text(&self, actions: &dyn AnyActions, index: usize) -> String {
        self.model.format_action(&recalled::<Vec<M::Action>>(actions)[index])
    }

    fn state_json(&self, state: &dyn AnyState) -> Value {
        self.spec.state_json(&self.model, recalled(state))
    }

    fn as_svg(&self, initial: &dyn AnyState, taken: &[Action]) -> Option<String> {
        let actions = taken.iter().map(|action| &recalled::<Vec<M::Action>>(&*action.of)[action.index]);
        self.model.as_svg(Path::from_actions(&*self.model, recalled::<M::State>(initial).clone(), actions)?)
    }

    fn explore(&self, begun: Option<Vec<State>>, budget: &Budget) -> Result<Box<dyn Nodes>, ModelError> {
        let begun = begun.map(|states| states.iter().map(|state| recalled::<M::State>(&**state).clone()).collect());
        Ok(Box::new(explore_from(self.model.clone(), begun, budget)?))
    }
}

/// The states of a graph by node, and its shape.
pub(crate) trait Nodes: Send + Sync {
    fn shape(&self) -> &Shape;
    fn state(&self, node: usize) -> &dyn AnyState;
}

impl<M: CheckedModel> Nodes for Graph<M> {
    fn shape(&self) -> &Shape {
        self
    }

    fn state(&self, node: usize) -> &dyn AnyState {
        &self.states()[node]
    }
}

/// An explored model: its [`Shape`], to which it dereferences, and what is said of its nodes and places.
#[derive(Clone, Copy)]
pub(crate) struct Explored<'a> {
    pub(crate) face: &'a dyn Face,
    nodes: &'a dyn Nodes,
    shape: &'a Shape,
}

impl Deref for Explored<'_> {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        self.shape
    }
}

impl<'a> Explored<'a> {
    pub(crate) fn new(face: &'a dyn Face, nodes: &'a dyn Nodes) -> Self {
        Explored { face, nodes, shape: nodes.shape() }
    }

    /// With the life of what was explored.
    pub(crate) fn shape(self) -> &'a Shape {
        self.shape
    }

    pub(crate) fn state(self, node: usize) -> &'a dyn AnyState {
        self.nodes.state(node)
    }

    /// The actions of `node`; `None` where it was not expanded.
    pub(crate) fn actions(self, node: usize) -> Option<Actions> {
        self.shape.is_expanded(node).then(|| self.face.actions(self.state(node)))
    }

    pub(crate) fn is_met(self, property: usize, node: usize) -> bool {
        let asked = AssertUnwindSafe(|| self.face.is_met(property, self.state(node)));
        catch_unwind(asked).unwrap_or_else(|panic| self.blamed(property, node, &panic_message(&*panic)))
    }

    /// Goes on with the panic of a property, and says where it is.
    #[cold]
    fn blamed(self, property: usize, node: usize, words: &str) -> ! {
        let way = self.shape.way_to(node).into_iter();
        let path = way.filter_map(|(from, index)| Some(self.face.action_text(&*self.actions(from)?, index))).collect();
        let what = format!("property {:?}", self.face.properties()[property].name);
        let (state, words) = (self.state(node).text(), words.to_string());
        resume_unwind(Box::new(ModelError::Panics { what, state, path, words }.to_string()))
    }

    /// By node, whether the condition of a property, or its goal, is met.
    pub(crate) fn met(self, property: usize) -> Vec<bool> {
        (0..self.shape.node_count()).map(|node| self.is_met(property, node)).collect()
    }

    /// The run that begins in `initial` and takes `steps`: the place of each, or none, and the node it leads to.
    pub(crate) fn run(self, initial: usize, steps: &[(Option<usize>, usize)], loop_start: usize) -> Run {
        let mut from = initial;
        let mut told = Vec::with_capacity(steps.len());
        for (place, to) in steps {
            let index = place.map(|place| place - self.shape.places(from).start);
            let action = index.and_then(|index| Some(Action { of: self.actions(from)?, index }));
            told.push((action, self.state(*to).cloned()));
            from = *to;
        }
        Run { initial: self.state(initial).cloned(), steps: told, loop_start }
    }
    /// The way of `run`, which takes the model's actions by their indices, in the graph: the initial node, and the
    /// place of each step with the node it leads to. `None` where the graph does not go as far.
    pub(crate) fn located(self, run: &Run) -> Option<Way> {
        let initial = (0..self.shape.initial_count()).find(|node| self.state(*node).equals(&*run.initial))?;
        let mut at = initial;
        let mut steps = Vec::with_capacity(run.steps.len());
        for (action, _) in &run.steps {
            let place = match action {
                Some(action) => Some(self.shape.places(at).nth(action.index)?),
                None => None,
            };
            if let Some(place) = place {
                let Target::Node(to) = self.shape.target_at(place) else { return None };
                at = to;
            }
            steps.push((place, at));
        }
        Some((initial, steps))
    }
}

/// An initial node, and the place of each step with the node that it leads to.
pub(crate) type Way = (usize, Vec<(Option<usize>, usize)>);

/// A model and its spec, as the judges want them that know neither's type.
#[derive(Clone)]
pub struct Judged(pub(crate) Arc<dyn Face>);

impl Judged {
    /// A model with its spec.
    pub fn new<M: CheckedModel>(model: Arc<M>, spec: impl Spec<Model = M>) -> Self {
        Judged(Arc::new(Spoken::new(model, Arc::new(spec))))
    }

    /// The property called `name`, by its index.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.0.properties().iter().position(|asked| asked.name == name)
    }
}

impl Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judged").field(&self.0.parameters()).finish()
    }
}
