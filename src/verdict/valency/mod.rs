//! Which decisions are still open, and who closes them: the valency of every configuration of a consensus protocol, and
//! what the proof of impossibility says of each, looked up in the explored graph.
//!
//! Source: M. Fischer, N. Lynch, M. Paterson, "Impossibility of Distributed Consensus with One Faulty Process", J. ACM
//! 32(2), 1985. No protocol in which every process may stop is safe and always decides; so each attempt fails
//! somewhere, and this says where.
//!
//! # Definitions
//! - The *valency* of a configuration is the set of values decided in the configurations that can be reached from it,
//!   itself included. With one value it is *univalent* (0-valent, 1-valent), with two *bivalent*. The paper's protocols
//!   can always still decide; one that cannot has configurations with no value at all, called *nullvalent* here and
//!   kept apart from the others.
//! - *Lemma 2*: some initial configuration is bivalent. Where none is, the proof finds two *adjacent* ones, whose
//!   inputs differ in one process only, that are univalent with different values ([`Valencies::lemma_2`]). Were
//!   anything decided without that process taking a step, the same steps would decide the same from both: so its
//!   stopping blocks.
//! - *Lemma 3*: from a bivalent configuration `C` in which event `e` is applicable, a bivalent configuration can be
//!   reached whose last event is `e`: among `D = e(what is reached from C without e)` one is bivalent. The pairs `(C,
//!   e)` of which that is not so are where the protocol lets `e` decide ([`Valencies::lemma_3`]).
//! - A *critical* configuration is bivalent and every step that changes it leads to a univalent one
//!   ([`Valencies::critical`]). If all those steps are of one process, that is the *decider*. What becomes of the
//!   others when it stops there, [`Valencies::decision_without`] tells.
//!
//! Steps that change nothing, such as a process that looks into an empty buffer, are events as all others. They cannot
//! settle anything, and so a configuration is not kept from being critical by them.
//!
//! Agreement is not assumed: a configuration in which two values *are* decided is bivalent by definition, and counted
//! as a disagreement. Neither is it assumed that a decision stays.
//!
//! # What it does not show
//! All of it is of the model within its bounds. That a process blocks the others is told by valency; that they go on
//! for ever without deciding, although all are alive, is for the lasso of an `eventually` to show.
//!
//! ```
//! use counterpart::explore::{Budget, explore};
//! use counterpart::model::{Consensus, Event, Values};
//! use counterpart::verdict::valency::{Valencies, Valency};
//! use stateright::Model;
//! use std::sync::Arc;
//!
//! /// Process 0 decides the input of whichever process it hears of first.
//! struct FirstHeard;
//!
//! impl Model for FirstHeard {
//!     /// The inputs of both, and the decision.
//!     type State = ([u8; 2], Option<u8>);
//!     /// Process 0 hears of this one.
//!     type Action = usize;
//!     fn init_states(&self) -> Vec<Self::State> {
//!         [[0, 0], [0, 1], [1, 0], [1, 1]].map(|inputs| (inputs, None)).to_vec()
//!     }
//!     fn actions(&self, _: &Self::State, actions: &mut Vec<usize>) { actions.extend([0, 1]) }
//!     fn next_state(&self, (inputs, decision): &Self::State, of: usize) -> Option<Self::State> {
//!         decision.is_none().then_some((*inputs, Some(inputs[of])))
//!     }
//! }
//!
//! struct AsConsensus;
//!
//! impl Consensus for AsConsensus {
//!     type Model = FirstHeard;
//!     type Message = usize;
//!     fn inputs(&self, _: &FirstHeard, (inputs, _): &([u8; 2], Option<u8>)) -> Vec<u8> { inputs.to_vec() }
//!     fn decided(&self, _: &FirstHeard, (_, decision): &([u8; 2], Option<u8>)) -> Values {
//!         decision.iter().copied().collect()
//!     }
//!     fn event(&self, _: &FirstHeard, _: &([u8; 2], Option<u8>), of: &usize) -> Event<usize> { Event::of(0, *of) }
//! }
//!
//! let graph = explore(Arc::new(FirstHeard), &Budget::default())?;
//! let valencies = Valencies::of(&graph, &AsConsensus)?;
//! assert_eq!(valencies.initial()[0].valency, Valency::Univalent(0));
//! let critical = valencies.critical();
//! assert_eq!(critical.len(), 2, "inputs 01 and 10");
//! assert_eq!(critical[0].decider(), Some(0));
//! assert_eq!(valencies.decision_without(critical[0].node, 0), None, "process 0 stops, and nothing is decided");
//! println!("{}", valencies.summary());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod lemmas;
mod summary;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

use thiserror::Error;

use super::components::Components;
use crate::explore::{Graph, Shape, Target};
use crate::model::{Consensus, Event, Values};

pub use lemmas::{AdjacentPair, FAILURES_KEPT, Lemma2, Lemma3, Pair};
pub use summary::{Deciding, Summary};

/// What can still be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Valency {
    /// This value only.
    Univalent(u8),
    /// These values, two or more.
    Bivalent(Values),
    /// No value: no run from here decides anything.
    Nullvalent,
}

impl From<Values> for Valency {
    fn from(values: Values) -> Self {
        match (values.iter().next(), values.len()) {
            (None, _) => Valency::Nullvalent,
            (Some(value), 1) => Valency::Univalent(value),
            (Some(_), _) => Valency::Bivalent(values),
        }
    }
}

impl fmt::Display for Valency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Valency::Univalent(value) => write!(f, "{value}-valent"),
            Valency::Bivalent(values) if *values == Values::from_iter([0, 1]) => f.write_str("bivalent"),
            Valency::Bivalent(values) => write!(f, "bivalent {values:?}"),
            Valency::Nullvalent => f.write_str("nullvalent"),
        }
    }
}

/// Why valency cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValencyError {
    /// A value that seems out of reach may lie where nothing was explored.
    #[error(
        "valency speaks of all that can be reached, and the graph is incomplete: {0}; raise the limit, or bound the model"
    )]
    Incomplete(String),
    /// Adjacent configurations can only be told among the same processes.
    #[error(
        "initial configuration {node} has {found} inputs, the first one {expected}: each needs one input for each process"
    )]
    Inputs {
        /// The configuration.
        node: usize,
        /// How many inputs it has.
        found: usize,
        /// How many the first one has.
        expected: usize,
    },
}

/// An initial configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Initial {
    /// Its node.
    pub node: usize,
    /// The input of each process.
    pub inputs: Vec<u8>,
    /// What can be decided from it.
    pub valency: Valency,
}

impl Initial {
    /// The inputs as digits, `011`; with commas between them where one has two digits.
    pub fn inputs_text(&self) -> String {
        let separator = if self.inputs.iter().any(|input| *input > 9) { "," } else { "" };
        self.inputs.iter().map(u8::to_string).collect::<Vec<_>>().join(separator)
    }
}

/// A bivalent configuration that every step which changes it makes univalent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Critical {
    /// Its node.
    pub node: usize,
    /// The steps that change it, in the order of the model's actions; at least one.
    pub steps: Vec<SettlingStep>,
}

/// A step out of a critical configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettlingStep {
    /// What happens.
    pub event: Event<Printed>,
    /// The node it leads to.
    pub node: usize,
    /// The one value that can be decided from there.
    pub value: u8,
}

impl Critical {
    /// The values that its steps lead to.
    pub fn values(&self) -> Values {
        self.steps.iter().map(|step| step.value).collect()
    }

    /// The processes whose steps choose between values: all that have a step here, unless every step leads to the same
    /// value, as it may where a decision does not stay. `None` among them is the environment.
    pub fn deciders(&self) -> BTreeSet<Option<usize>> {
        let chosen = if self.values().len() > 1 { &self.steps[..] } else { &[] };
        chosen.iter().map(|step| step.event.process).collect()
    }

    /// The one process that all deciding steps are of.
    pub fn decider(&self) -> Option<usize> {
        let deciders = self.deciders();
        deciders.first().copied().flatten().filter(|_| deciders.len() == 1)
    }
}

/// A message as its `Debug` prints it. Whatever asks about valency works on numbers; only the texts are kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Printed(pub String);

impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The valency of every configuration of an explored graph.
pub struct Valencies<'a> {
    shape: &'a Shape,
    decided: Vec<Values>,
    /// What can be decided, by node.
    open: Vec<Values>,
    initial: Vec<Initial>,
    /// Every event, in the order in which nodes and their actions show them.
    events: Vec<Event<Printed>>,
    /// The event of each place of the graph; [`NO_EVENT`] where a step was refused.
    event_at: Vec<u32>,
}

impl fmt::Debug for Valencies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Valencies").field("initial", &self.initial).finish_non_exhaustive()
    }
}

/// The event of a step that is none.
const NO_EVENT: u32 = u32::MAX;

impl<'a> Valencies<'a> {
    /// Reads `graph` as `consensus` says.
    ///
    /// # Errors
    /// The graph is incomplete, or its initial configurations are not of the same number of processes.
    pub fn of<C: Consensus>(graph: &'a Graph<C::Model>, consensus: &C) -> Result<Self, ValencyError> {
        if let Some(why) = graph.incomplete() {
            return Err(ValencyError::Incomplete(why));
        }
        let model = &**graph.model();
        let decided: Vec<Values> = graph.states().iter().map(|state| consensus.decided(model, state)).collect();
        let open = open_values(graph, &decided);
        let initial = graph.states()[..graph.initial_count()].iter().enumerate();
        let initial: Vec<Initial> = initial
            .map(|(node, state)| Initial { node, inputs: consensus.inputs(model, state), valency: open[node].into() })
            .collect();
        let expected = initial.first().map_or(0, |first| first.inputs.len());
        if let Some(other) = initial.iter().find(|other| other.inputs.len() != expected) {
            return Err(ValencyError::Inputs { node: other.node, found: other.inputs.len(), expected });
        }
        let (events, event_at) = read_events(graph, consensus);
        let printed = |event: Event<C::Message>| Event {
            process: event.process,
            message: Printed(format!("{:?}", event.message)),
        };
        let events = events.into_iter().map(printed).collect();
        Ok(Valencies { shape: graph, decided, open, initial, events, event_at })
    }

    /// The configurations and the transitions between them.
    pub fn shape(&self) -> &'a Shape {
        self.shape
    }

    /// What can be decided from `node`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn valency(&self, node: usize) -> Valency {
        self.open[node].into()
    }

    /// What is decided in `node`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn decided(&self, node: usize) -> Values {
        self.decided[node]
    }

    /// The event of the transition at a [place](Shape::places) of the graph; `None` where it is refused.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn event_at(&self, place: usize) -> Option<&Event<Printed>> {
        self.events.get(self.event_at[place] as usize)
    }

    /// The number of the event at a place, in the order of [`read_events`].
    pub(crate) fn event_number(&self, place: usize) -> Option<usize> {
        Some(self.event_at[place] as usize).filter(|number| *number < self.events.len())
    }

    /// The initial configurations, by node.
    pub fn initial(&self) -> &[Initial] {
        &self.initial
    }

    /// The configurations in which two values are decided, by node.
    pub fn disagreements(&self) -> impl Iterator<Item = usize> {
        (0..self.decided.len()).filter(|node| self.decided[*node].len() > 1)
    }

    /// The critical configurations, by node, and so the nearest first.
    pub fn critical(&self) -> Vec<Critical> {
        (0..self.open.len()).filter_map(|node| self.critical_at(node)).collect()
    }

    /// Whether `node` is critical, and how. One that nothing leads out of is not: nothing is settled there any more.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn critical_at(&self, node: usize) -> Option<Critical> {
        if self.open[node].len() < 2 {
            return None;
        }
        let mut steps = Vec::new();
        for (to, event) in self.steps(node).filter(|(to, _)| *to != node) {
            let Valency::Univalent(value) = self.valency(to) else { return None };
            steps.push(SettlingStep { event: self.events[event as usize].clone(), node: to, value });
        }
        (!steps.is_empty()).then_some(Critical { node, steps })
    }

    /// The nearest configuration, from `node` on and itself included, in which something is decided, by a run in which
    /// `process` takes no step. `None` where nobody ever decides if it stops in `node`.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn decision_without(&self, node: usize, process: usize) -> Option<usize> {
        let mut seen = vec![false; self.open.len()];
        seen[node] = true;
        let mut waiting = VecDeque::from([node]);
        while let Some(node) = waiting.pop_front() {
            if !self.decided[node].is_empty() {
                return Some(node);
            }
            for (to, event) in self.steps(node) {
                if self.events[event as usize].process != Some(process) && !std::mem::replace(&mut seen[to], true) {
                    waiting.push_back(to);
                }
            }
        }
        None
    }

    /// Where the transitions of `node` lead that are not refused, each with the number of its event.
    fn steps(&self, node: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.shape.places(node).filter_map(|place| match self.shape.target_at(place) {
            Target::Node(to) => Some((to, self.event_at[place])),
            Target::Refused | Target::Cut => None,
        })
    }

    fn is_bivalent(&self, node: usize) -> bool {
        self.open[node].len() > 1
    }
}

/// What is decided in the configurations reached from each node. All nodes of a component reach the same, and a
/// component is found after those that it leads to.
fn open_values(shape: &Shape, decided: &[Values]) -> Vec<Values> {
    let mut open = vec![Values::NONE; decided.len()];
    let mut components = Components::among(decided.iter().map(|_| true));
    components.search(shape, 0..decided.len() as u32, |nodes, _| {
        let mut values = Values::NONE;
        for node in nodes {
            values = values.union(decided[*node as usize]);
            for target in shape.targets(*node as usize) {
                if let Target::Node(to) = target {
                    values = values.union(open[to]);
                }
            }
        }
        for node in nodes {
            open[*node as usize] = values;
        }
    });
    open
}

/// Every event once, and which of them stands at each place.
pub(crate) fn read_events<C: Consensus>(graph: &Graph<C::Model>, consensus: &C) -> (Vec<Event<C::Message>>, Vec<u32>) {
    let model = &**graph.model();
    let mut numbers: HashMap<Event<C::Message>, u32> = HashMap::new();
    let mut events = Vec::new();
    let mut event_at = Vec::with_capacity(graph.place_count());
    for (node, state) in graph.states().iter().enumerate() {
        for (action, target) in graph.transitions(node) {
            let number = match target {
                Target::Refused | Target::Cut => NO_EVENT,
                Target::Node(_) => {
                    let event = consensus.event(model, state, &action);
                    *numbers.entry(event).or_insert_with_key(|event| {
                        events.push(event.clone());
                        events.len() as u32 - 1
                    })
                }
            };
            event_at.push(number);
        }
    }
    (events, event_at)
}
