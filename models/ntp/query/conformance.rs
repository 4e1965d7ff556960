//! What the outside sees of a query, and how the model reads.

use std::collections::BTreeMap;

use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Ask, Outcome, Query, State};
use super::properties;

/// How the model reads.
#[derive(Debug)]
pub struct QuerySpec;

impl Spec for QuerySpec {
    type Model = Query;

    fn parameters(&self, model: &Query) -> BTreeMap<String, String> {
        let quirks: Vec<String> = model.quirks.iter().map(|(ask, outcome)| format!("{ask:?} {outcome:?}")).collect();
        let far = model.is_far.then(|| ("a server is 16 s from its reference clock", "true".to_string()));
        [("quirks", quirks.join(", ")), ("tick", "1,000 s".into())]
            .into_iter()
            .chain(far)
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, _: &Ask) -> String {
        "client".into()
    }

    fn state_json(&self, _: &Query, state: &State) -> Value {
        json!({ "last": itf_state(&state.last) })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::GOES_ON, "anybody can send it, and the server's answer behind it is not waited for"),
            (properties::NO_LIE, "the packet answers nothing, and what it says is taken for the time"),
            (properties::NO_NONSENSE, "0 is no time but the lack of one"),
            (properties::NOT_FAR, "the server says itself that its time may be anything"),
        ]
    }
}

/// What the outside sees of a query.
#[derive(Debug)]
pub struct QueryInterface;

impl Interface for QueryInterface {
    type Model = Query;
    type Input = Ask;
    type Output = Outcome;
    type Snapshot = ();

    fn label(&self, model: &Query, _: &State, ask: &Ask, _: Option<&State>) -> Option<(Ask, Outcome)> {
        Some((*ask, model.outcome(*ask)))
    }
}
