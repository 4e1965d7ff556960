//! stateright's own breadth-first search over the same model, as the second opinion that makes a verdict trustworthy.
//!
//! It is run so that it can neither stop early nor pass when truncated: one property more, which is never discovered,
//! keeps it going to the end; no limit is set; it is asked for its count and for *which* properties it discovered, not
//! for its paths, which are not shortest.
//!
//! It searches a model whose types are forgotten, and so is compiled once. What it is told of states is still theirs:
//! their own `Hash` and their own `==`.

use std::collections::BTreeSet;
use std::sync::Arc;

use stateright::{Checker, Expectation, Model, Property};
use thiserror::Error;

use super::Interrupt;
use super::face::{Action, Face, Spoken, State};
use crate::model::{CheckedModel, Kind, PlainSpec};

/// What stateright's search found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Referee {
    /// Its unique-state count.
    pub states: usize,
    /// The safety properties it discovered: an `always` with a counterexample, a `sometimes` with a witness.
    pub discovered: BTreeSet<&'static str>,
}

/// Why there is no second opinion.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RefereeError {
    /// The wrapper hands properties over in a table of fixed size.
    #[error("the model has {0} properties, the referee judges at most {PROPERTIES_MAX}")]
    TooManyProperties(usize),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// Runs stateright's breadth-first search over all of `model`.
///
/// # Errors
/// The model has more safety properties than the wrapper has room for, or the run was interrupted.
///
/// # Panics
/// If the model panics.
pub fn referee<M: CheckedModel>(model: &Arc<M>, interrupt: &Interrupt) -> Result<Referee, RefereeError> {
    referee_of(Arc::new(Spoken::new(model.clone(), Arc::new(PlainSpec::default()))), interrupt)
}

/// Runs [`referee`] on a model whose type is forgotten. stateright's search is compiled for this one.
pub(crate) fn referee_of(model: Arc<dyn Face>, interrupt: &Interrupt) -> Result<Referee, RefereeError> {
    let mut judged = Vec::new();
    for (index, property) in model.properties().iter().enumerate() {
        if let (Kind::Always | Kind::Sometimes, Some(name)) = (property.kind, property.own) {
            judged.push((index, name, property.kind));
        }
    }
    if judged.len() > PROPERTIES_MAX {
        return Err(RefereeError::TooManyProperties(judged.len()));
    }
    let wrapper = Wrapper { model, judged, interrupt: interrupt.clone() };
    let checker = wrapper.checker().threads(1).spawn_bfs().join();
    if interrupt().is_some() {
        return Err(RefereeError::Interrupted);
    }
    let discovered = checker.discoveries().into_keys().collect();
    Ok(Referee { states: checker.unique_state_count(), discovered })
}

/// The model again, with a property that is never discovered.
struct Wrapper {
    model: Arc<dyn Face>,
    /// The index of each safety property, its name and its kind.
    judged: Vec<(usize, &'static str, Kind)>,
    interrupt: Interrupt,
}

/// How many properties [`CONDITIONS`] has room for.
const PROPERTIES_MAX: usize = 32;

/// `Property::condition` is a plain `fn` and captures nothing: which property it judges is its type parameter.
fn condition<const INDEX: usize>(wrapper: &Wrapper, state: &State) -> bool {
    wrapper.model.is_met(wrapper.judged[INDEX].0, &**state)
}

/// One instance of [`condition`] for each property that a model may have.
#[rustfmt::skip]
const CONDITIONS: [fn(&Wrapper, &State) -> bool; PROPERTIES_MAX] = [
    condition::<0>, condition::<1>, condition::<2>, condition::<3>, condition::<4>, condition::<5>, condition::<6>,
    condition::<7>, condition::<8>, condition::<9>, condition::<10>, condition::<11>, condition::<12>, condition::<13>,
    condition::<14>, condition::<15>, condition::<16>, condition::<17>, condition::<18>, condition::<19>,
    condition::<20>, condition::<21>, condition::<22>, condition::<23>, condition::<24>, condition::<25>,
    condition::<26>, condition::<27>, condition::<28>, condition::<29>, condition::<30>, condition::<31>,
];

impl Model for Wrapper {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.model.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if (self.interrupt)().is_none() {
            let of = self.model.actions(&**state);
            actions.extend((0..of.len()).map(|index| Action { of: of.clone(), index }));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.model.next_state(&**state, &*action.of, action.index)
    }

    fn within_boundary(&self, state: &State) -> bool {
        self.model.within_boundary(&**state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let judged = self.judged.iter().zip(CONDITIONS);
        let mut properties: Vec<Property<Self>> = judged
            .map(|((_, name, kind), condition)| Property {
                expectation: if *kind == Kind::Always { Expectation::Always } else { Expectation::Sometimes },
                name,
                condition,
            })
            .collect();
        properties.push(Property::always("(runs to the end)", |_, _| true));
        properties
    }
}
