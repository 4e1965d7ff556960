//! What the outside sees of hops, and how the model reads.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, EDGES, Latency, Place, Request, State, Told};
use super::properties;

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct LatencySpec;

impl Spec for LatencySpec {
    type Model = Latency;

    fn parameters(&self, model: &Latency) -> BTreeMap<String, String> {
        [("copies let go of", model.losses_max.to_string()), ("variant", format!("{:?}", model.variant))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Ask { edge } => format!("client of edge {}", edge + 1),
            Action::Pass { edge } | Action::Lose { edge } => format!("edge {}", edge + 1),
            Action::Fetch | Action::LoseShield => "shield".into(),
        }
    }

    fn state_json(&self, _: &Latency, state: &State) -> Value {
        let has = |has: bool| if has { "a copy" } else { "no copy" };
        let under_way = |request: Request| {
            let at = match request.at {
                Place::Edge => "at the edge",
                Place::Sibling => "at the other edge",
                Place::Shield => "at the shield",
            };
            format!("; a request {at}, hops {}", request.hops)
        };
        let mut all = serde_json::Map::new();
        all.insert("shield".into(), json!(has(state.shield)));
        for edge in 0..EDGES {
            let request = state.requests[edge].map_or(String::new(), under_way);
            all.insert(format!("edge {}", edge + 1), json!(format!("{}{request}", has(state.edges[edge]))));
        }
        all.insert("hops of the last answer".into(), json!(state.hops));
        all.insert("seen".into(), json!(state.breach.map_or(String::new(), |breach| format!("{breach:?}"))));
        Value::Object(all)
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::HIT, "the edge had it, and the client waited for somebody farther away"),
            (properties::COLD, "a place was asked on the way that need not have been"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct LatencyInterface;

/// What an operator sees between calls: who has a copy, the shield first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub bool, pub [bool; EDGES]);

impl Interface for LatencyInterface {
    type Model = Latency;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Latency, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Latency, state: &State) -> Option<Seen> {
        Some(Seen(state.shield, state.edges))
    }
}
