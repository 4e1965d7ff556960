//! What the outside sees of clients and requests, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Collapse, State, Told};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollapseSpec;

impl Spec for CollapseSpec {
    type Model = Collapse;

    fn temporal(&self) -> Vec<Temporal<Collapse>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Collapse, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Collapse, _: &State, action: &Action) -> bool {
        !properties::fairness(action).is_empty()
    }

    fn parameters(&self, model: &Collapse) -> BTreeMap<String, String> {
        [("clients", model.clients.to_string()), ("variant", format!("{:?}", model.variant))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Ask { client } | Action::Leave { client } => format!("client {client}"),
            Action::Come { .. } => "origin".into(),
        }
    }

    fn state_json(&self, model: &Collapse, state: &State) -> Value {
        let count = usize::from(model.clients);
        let clients = state.clients[..count].iter().map(|client| format!("{client:?}"));
        let fetches = state.fetches.iter().enumerate().filter_map(|(client, fetch)| {
            let shared = if fetch.as_ref()?.is_shared { "shared" } else { "its own" };
            Some(format!("of client {client}, {shared}"))
        });
        json!({
            "clients": clients.collect::<Vec<_>>(),
            "requests under way": fetches.collect::<Vec<_>>().join("; "),
            "stored": state.is_stored,
            "each asks for itself": state.is_passed,
            "seen": state.breach.map_or(String::new(), |breach| format!("{breach:?}")),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::ONE, "as many requests as clients reach the origin at the same time"),
            (properties::OWN, "what was made for one client's session is served to another"),
            (
                properties::NO_QUEUE,
                "who may not share an answer waits for the others' all the same, one after the other",
            ),
            (properties::ANSWERED, "the request that it waits for is over, and nobody has told it"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollapseInterface;

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether something is stored.
    pub stored: bool,
    /// Requests under way upstream.
    pub fetches: u8,
    /// Whether who asks now would wait for one of them.
    pub shared: bool,
}

impl Interface for CollapseInterface {
    type Model = Collapse;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Collapse, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Collapse, state: &State) -> Option<Seen> {
        let fetches = || state.fetches.iter().flatten();
        Some(Seen {
            stored: state.is_stored,
            fetches: fetches().count() as u8,
            shared: fetches().any(|fetch| fetch.is_shared),
        })
    }
}
