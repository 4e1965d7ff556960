//! stateright's own breadth-first search over the same model, as the second opinion that makes a verdict trustworthy.
//!
//! It is run so that it can neither stop early nor pass when truncated: one property more, which is never discovered,
//! keeps it going to the end; no limit is set; it is asked for its count and for *which* properties it discovered, not
//! for its paths, which are not shortest.

use std::collections::BTreeSet;
use std::sync::Arc;

use stateright::{Checker, Expectation, Model, Property};
use thiserror::Error;

use super::Interrupt;
use crate::model::CheckedModel;

/// What stateright's search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referee {
    /// Its unique-state count.
    pub states: usize,
    /// The safety properties it discovered: an `always` with a counterexample, a `sometimes` with a witness.
    pub discovered: BTreeSet<&'static str>,
}

/// Why there is no second opinion.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
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
    let judged: Vec<Property<M>> =
        model.properties().into_iter().filter(|property| property.expectation != Expectation::Eventually).collect();
    if judged.len() > PROPERTIES_MAX {
        return Err(RefereeError::TooManyProperties(judged.len()));
    }
    let wrapper = Wrapper { model: model.clone(), judged, interrupt: interrupt.clone() };
    let checker = wrapper.checker().threads(1).spawn_bfs().join();
    if interrupt().is_some() {
        return Err(RefereeError::Interrupted);
    }
    let discovered = checker.discoveries().into_keys().collect();
    Ok(Referee { states: checker.unique_state_count(), discovered })
}

/// The model again, with a property that is never discovered.
struct Wrapper<M: Model> {
    model: Arc<M>,
    judged: Vec<Property<M>>,
    interrupt: Interrupt,
}

/// How many properties [`conditions`] has room for.
const PROPERTIES_MAX: usize = 32;

/// `Property::condition` is a plain `fn` and captures nothing: which property it judges is its type parameter.
fn condition<M: CheckedModel, const INDEX: usize>(wrapper: &Wrapper<M>, state: &M::State) -> bool {
    (wrapper.judged[INDEX].condition)(&wrapper.model, state)
}

type Condition<M> = fn(&Wrapper<M>, &<M as Model>::State) -> bool;

/// One instance of [`condition`] for each property that a model may have.
#[rustfmt::skip]
fn conditions<M: CheckedModel>() -> [Condition<M>; PROPERTIES_MAX] {
    [
        condition::<M, 0>, condition::<M, 1>, condition::<M, 2>, condition::<M, 3>,
        condition::<M, 4>, condition::<M, 5>, condition::<M, 6>, condition::<M, 7>,
        condition::<M, 8>, condition::<M, 9>, condition::<M, 10>, condition::<M, 11>,
        condition::<M, 12>, condition::<M, 13>, condition::<M, 14>, condition::<M, 15>,
        condition::<M, 16>, condition::<M, 17>, condition::<M, 18>, condition::<M, 19>,
        condition::<M, 20>, condition::<M, 21>, condition::<M, 22>, condition::<M, 23>,
        condition::<M, 24>, condition::<M, 25>, condition::<M, 26>, condition::<M, 27>,
        condition::<M, 28>, condition::<M, 29>, condition::<M, 30>, condition::<M, 31>,
    ]
}

impl<M: CheckedModel> Model for Wrapper<M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        if (self.interrupt)().is_none() {
            self.model.actions(state, actions);
        }
    }

    fn next_state(&self, state: &M::State, action: M::Action) -> Option<M::State> {
        self.model.next_state(state, action)
    }

    fn within_boundary(&self, state: &M::State) -> bool {
        self.model.within_boundary(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<Property<Self>> = self
            .judged
            .iter()
            .zip(conditions::<M>())
            .map(|(property, condition)| Property {
                expectation: property.expectation.clone(),
                name: property.name,
                condition,
            })
            .collect();
        properties.push(Property::always("(runs to the end)", |_, _| true));
        properties
    }
}
