//! Where the numbers of a model meet its types: the one part of this floor that is compiled for each model and
//! interface. It numbers, looks up and calls; whatever is decided is decided elsewhere.

use std::any::Any;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde_json::Value;
use stateright::Model;

use super::drive::{Driven, Likely, Make, Observed};
use super::lts::{ASKED, Edge, Label, Node, Outside, UNASKED};
use super::product::{Explorable, MakeExplorable};
use super::shelf::Shelf;
use super::words::{Clash, Numbered, Origin};
use crate::model::{Counterpart, Interface, Spec};

pub(super) type State<F> = <<F as Interface>::Model as Model>::State;
pub(super) type Action<F> = <<F as Interface>::Model as Model>::Action;

/// What comes of an action.
pub(super) struct Taken<F: Interface> {
    /// None where it is refused.
    pub(super) to: Option<State<F>>,
    /// None where it is internal.
    pub(super) label: Option<(F::Input, F::Output)>,
}

/// A model and its interface, and all that was met of both, by number.
pub(super) struct Typed<F: Interface> {
    pub(super) model: Arc<F::Model>,
    interface: Arc<F>,
    spec: Arc<dyn Spec<Model = F::Model>>,
    states: Shelf<State<F>>,
    /// Each with its hash.
    index: Mutex<HashTable<(u64, Node)>>,
    pub(super) inputs: Numbered<F::Input>,
    pub(super) outputs: Numbered<F::Output>,
    pub(super) snapshots: Numbered<F::Snapshot>,
}

impl<F: Interface> Typed<F> {
    pub(super) fn new(model: Arc<F::Model>, interface: Arc<F>, spec: Arc<dyn Spec<Model = F::Model>>) -> Arc<Self> {
        Arc::new(Typed {
            model,
            interface,
            spec,
            states: Shelf::new(),
            index: Mutex::default(),
            inputs: Numbered::new(),
            outputs: Numbered::new(),
            snapshots: Numbered::new(),
        })
    }

    pub(super) fn state_of(&self, node: Node) -> &State<F> {
        self.states.at(node)
    }

    fn node(&self, state: State<F>) -> Node {
        let hash = FixedState::default().hash_one(&state);
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, node)) = index.find(hash, |(other, node)| *other == hash && *self.states.at(*node) == state) {
            return *node;
        }
        let node = index.len() as Node;
        self.states.put(node, state);
        index.insert_unique(hash, (hash, node), |(hash, _)| *hash);
        node
    }

    fn action_of(&self, node: Node, action: u32) -> Action<F> {
        let mut actions = Vec::new();
        self.model.actions(self.states.at(node), &mut actions);
        actions.swap_remove(action as usize)
    }

    /// The action of an edge, wherever it was found.
    fn action_of_edge(&self, node: Node, edge: &Edge) -> Action<F> {
        let asked = match edge.label {
            Some(label) if edge.action & ASKED != 0 => Some(self.inputs.at(label.input)),
            _ if edge.action & UNASKED != 0 => None,
            _ => return self.action_of(node, edge.action),
        };
        let offered = self.interface.offers(&self.model, self.states.at(node), asked);
        offered.expect("what was offered before").swap_remove((edge.action & !(ASKED | UNASKED)) as usize)
    }

    /// The actions of a state that carry `input`, or those that need not be recorded, where the interface lists them.
    pub(super) fn offers(&self, node: Node, input: Option<&F::Input>) -> Option<Vec<Action<F>>> {
        self.interface.offers(&self.model, self.states.at(node), input)
    }

    pub(super) fn may_change(&self, input: &F::Input) -> bool {
        self.interface.changes(input)
    }

    pub(super) fn key_of(&self, input: &F::Input) -> Option<String> {
        self.interface.key(input)
    }

    /// What comes of an action, if it is a step.
    pub(super) fn taken(&self, node: Node, action: &Action<F>) -> Option<Taken<F>> {
        let from = self.states.at(node);
        let to = self.model.next_state(from, action.clone());
        let label = self.interface.label(&self.model, from, action, to.as_ref());
        (to.is_some() || label.is_some()).then_some(Taken { to, label })
    }

    /// Where it leads.
    pub(super) fn leads_to(&self, node: Node, taken: Taken<F>) -> Node {
        taken.to.map_or(node, |to| self.node(to))
    }

    /// The edge that it is, of an action that is `marked` as one asked for.
    pub(super) fn edge_of(&self, node: Node, marked: u32, taken: Taken<F>) -> Edge {
        let origin = Origin::Asked { node };
        let Taken { to, label } = taken;
        Edge {
            action: marked,
            label: label.map(|(input, output)| Label {
                input: self.inputs.number(input, &[], origin),
                output: self.outputs.number(output, &[], origin),
            }),
            refused: to.is_none(),
            beyond: to.as_ref().is_some_and(|to| !self.model.within_boundary(to)),
            to: to.map_or(node, |to| self.node(to)),
        }
    }

    /// Gives `input` to `subject`; `Err` where what came of it does not equal itself.
    fn give<S: Counterpart<F> + ?Sized>(
        &self,
        subject: &mut S,
        input: u32,
        likely: Likely<'_>,
    ) -> Result<Observed, Observed> {
        let output = subject.apply(self.inputs.at(input));
        let snapshot = subject.observe();
        let observed = Observed {
            output: self.outputs.number(output, likely.outputs, Origin::Answer { input }),
            snapshot: snapshot.map(|snapshot| self.snapshots.number(snapshot, likely.snapshots, Origin::Shown)),
        };
        // What was likely equals something, and so itself.
        let is_comparable = likely.outputs.contains(&observed.output) || self.outputs.is_comparable(observed.output);
        let shown = observed.snapshot.is_none_or(|snapshot| self.snapshots.is_comparable(snapshot));
        if is_comparable && shown { Ok(observed) } else { Err(observed) }
    }

    /// What `subject` shows.
    fn shown<S: Counterpart<F> + ?Sized>(&self, subject: &S, likely: &[u32]) -> Option<u32> {
        Some(self.snapshots.number(subject.observe()?, likely, Origin::Shown))
    }

    fn origin(&self, origin: Origin) -> String {
        match origin {
            Origin::Step { node, action } => {
                format!("that of the model's {:?} in {:?}", self.action_of(node, action), self.states.at(node))
            }
            Origin::Asked { node } => format!("that of a step of the model from {:?}", self.states.at(node)),
            Origin::State(node) => format!("that of the model's state {:?}", self.states.at(node)),
            Origin::Answer { input } => format!("the implementation's to {:?}", self.inputs.at(input)),
            Origin::Shown => "the implementation's".into(),
            #[cfg(feature = "interleave")]
            Origin::Script => "one of a script".into(),
        }
    }

    /// Makes subjects that speak in numbers of this model.
    pub(super) fn driven(self: &Arc<Self>, factory: &Factory<F>) -> Make {
        let (words, factory) = (self.clone(), factory.clone());
        Arc::new(move || Box::new(Bound { words: words.clone(), subject: factory() }))
    }

    /// Makes subjects that speak in numbers of this model and can be part of a state.
    pub(super) fn explorable(self: &Arc<Self>, factory: &WholeFactory<F>) -> MakeExplorable {
        let (words, factory) = (self.clone(), factory.clone());
        Arc::new(move || Box::new(Bound { words: words.clone(), subject: factory() }))
    }
}

/// Makes a fresh implementation, as it is before anything was done to it.
pub(super) type Factory<F> = Arc<dyn Fn() -> Box<dyn Counterpart<F>> + Send + Sync>;

pub(super) fn boxed<F: Interface, C: Counterpart<F> + 'static>(
    make: impl Fn() -> C + Send + Sync + 'static,
) -> Factory<F> {
    Arc::new(move || Box::new(make()))
}

/// An implementation, of whatever type, that speaks in numbers.
struct Bound<F: Interface, S: ?Sized> {
    words: Arc<Typed<F>>,
    subject: Box<S>,
}

impl<F: Interface, S: Counterpart<F> + ?Sized> Driven for Bound<F, S> {
    fn apply(&mut self, input: u32, likely: Likely<'_>) -> Result<Observed, Observed> {
        self.words.give(&mut *self.subject, input, likely)
    }

    fn observe(&self, likely: &[u32]) -> Option<u32> {
        self.words.shown(&*self.subject, likely)
    }

    fn supports(&self, input: u32) -> bool {
        self.subject.supports(self.words.inputs.at(input))
    }

    fn canonical(&mut self) {
        self.subject.canonical();
    }
}

/// Makes a fresh implementation that can be part of a state.
pub(super) type WholeFactory<F> = Arc<dyn Fn() -> Box<dyn Whole<F>> + Send + Sync>;

/// An implementation that can be part of a state, of whatever type.
pub(super) trait Whole<F: Interface>: Counterpart<F> + Any + Send + Sync {
    fn cloned(&self) -> Box<dyn Whole<F>>;
    fn equals(&self, other: &dyn Any) -> bool;
    fn hash_into(&self, state: &mut dyn Hasher);
}

impl<F: Interface, C: Counterpart<F> + Clone + Eq + Hash + Send + Sync + 'static> Whole<F> for C {
    fn cloned(&self) -> Box<dyn Whole<F>> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<C>().is_some_and(|other| other == self)
    }

    fn hash_into(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

impl<F: Interface> Explorable for Bound<F, dyn Whole<F>> {
    fn cloned(&self) -> Box<dyn Explorable> {
        Box::new(Bound { words: self.words.clone(), subject: self.subject.cloned() })
    }

    fn equals(&self, other: &dyn Any) -> bool {
        let other = other.downcast_ref::<Bound<F, dyn Whole<F>>>();
        other.is_some_and(|other| self.subject.equals(&*other.subject as &dyn Any))
    }

    fn hash_into(&self, state: &mut dyn Hasher) {
        self.subject.hash_into(state);
    }
}

impl<F: Interface> Outside for Typed<F> {
    fn initial(&self) -> Vec<Node> {
        let states = self.model.init_states().into_iter();
        states.filter(|state| self.model.within_boundary(state)).map(|state| self.node(state)).collect()
    }

    fn edges(&self, node: Node) -> Vec<Edge> {
        let from = self.states.at(node);
        let mut actions = Vec::new();
        self.model.actions(from, &mut actions);
        let mut edges = Vec::with_capacity(actions.len());
        for (index, action) in actions.into_iter().enumerate() {
            let to = self.model.next_state(from, action.clone());
            let label = self.interface.label(&self.model, from, &action, to.as_ref());
            if to.is_none() && label.is_none() {
                continue;
            }
            let origin = Origin::Step { node, action: index as u32 };
            edges.push(Edge {
                action: index as u32,
                label: label.map(|(input, output)| Label {
                    input: self.inputs.number(input, &[], origin),
                    output: self.outputs.number(output, &[], origin),
                }),
                refused: to.is_none(),
                beyond: to.as_ref().is_some_and(|to| !self.model.within_boundary(to)),
                to: to.map_or(node, |to| self.node(to)),
            });
        }
        edges
    }

    fn shows(&self, node: Node) -> Option<u32> {
        let snapshot = self.interface.snapshot(&self.model, self.states.at(node))?;
        Some(self.snapshots.number(snapshot, &[], Origin::State(node)))
    }

    fn input(&self, number: u32) -> String {
        self.inputs.text(number)
    }

    fn output(&self, number: u32) -> String {
        self.outputs.text(number)
    }

    fn snapshot(&self, number: u32) -> String {
        self.snapshots.text(number)
    }

    fn state(&self, node: Node) -> String {
        format!("{:?}", self.states.at(node))
    }

    fn state_json(&self, node: Node) -> Value {
        self.spec.state_json(&self.model, self.states.at(node))
    }

    fn action(&self, node: Node, edge: &Edge) -> (String, String) {
        let action = self.action_of_edge(node, edge);
        (self.model.format_action(&action), self.spec.actor(&action))
    }

    #[cfg(feature = "interleave")]
    fn changes(&self, input: u32) -> bool {
        self.interface.changes(self.inputs.at(input))
    }

    #[cfg(feature = "interleave")]
    fn may_wait(&self, input: u32) -> bool {
        self.interface.may_wait(self.inputs.at(input))
    }

    fn clash(&self) -> Option<String> {
        let clashes =
            [("inputs", self.inputs.clash()), ("answers", self.outputs.clash()), ("snapshots", self.snapshots.clash())];
        let (what, Clash { text, first, second }) =
            clashes.into_iter().find_map(|(what, clash)| Some((what, clash?)))?;
        Some(format!(
            "two {what} that are not equal print alike, {text}: {}, and {}. Traces name them by their text, so let Debug \
             show all that == compares",
            self.origin(first),
            self.origin(second)
        ))
    }
}
