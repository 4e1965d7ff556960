//! How a model reads to a person, and (from the liveness engine on) what it promises beyond invariants.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::{Value, json};
use stateright::{Expectation, Model};

use super::CheckedModel;

/// What is said of a model beside its transitions. Every method has a default, so that a plain `stateright::Model`
/// needs none.
pub trait Spec: Send + Sync + 'static {
    /// The model this speaks of.
    type Model: CheckedModel;

    /// The bounds and the variant, by name: printed with every verdict, and part of a trace's hash.
    fn parameters(&self, _model: &Self::Model) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Whose column a step stands in: `client 0`, `clock`, `network`.
    fn actor(&self, _action: &<Self::Model as Model>::Action) -> String {
        String::new()
    }

    /// The state as structured JSON. Names and shapes are what a reader of a trace sees.
    fn state_json(&self, _model: &Self::Model, state: &<Self::Model as Model>::State) -> Value {
        json!(format!("{state:?}"))
    }

    /// Why a violation of `property` comes about, in a sentence for someone who has read only the story.
    fn because(&self, _property: &str) -> Option<String> {
        None
    }
}

/// The spec of a model that nothing more is said of.
pub struct PlainSpec<M>(PhantomData<fn() -> M>);

impl<M> Default for PlainSpec<M> {
    fn default() -> Self {
        PlainSpec(PhantomData)
    }
}

impl<M: CheckedModel> Spec for PlainSpec<M> {
    type Model = M;
}

/// The kinds of property. Those that speak of infinite runs or of chance are judged by engines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// In every reachable state.
    Always,
    /// In some reachable state.
    Sometimes,
    /// On every path, at some point.
    Eventually,
}

impl From<&Expectation> for Kind {
    fn from(expectation: &Expectation) -> Self {
        match expectation {
            Expectation::Always => Kind::Always,
            Expectation::Sometimes => Kind::Sometimes,
            Expectation::Eventually => Kind::Eventually,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Always => "always",
            Kind::Sometimes => "sometimes",
            Kind::Eventually => "eventually",
        })
    }
}
