//! What the outside sees of the two services, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Exchange, SERVICES, State, Told};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreditsSpec;

impl Spec for CreditsSpec {
    type Model = Exchange;

    fn temporal(&self) -> Vec<Temporal<Exchange>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Exchange, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn parameters(&self, model: &Exchange) -> BTreeMap<String, String> {
        [
            ("places of an inbox", model.capacity.to_string()),
            ("requests each way", model.requests.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Request { service }
            | Action::Take { service }
            | Action::Reply { service }
            | Action::Read { service } => format!("service {service}"),
        }
    }

    fn state_json(&self, _: &Exchange, state: &State) -> Value {
        let of = |service: &super::model::Service| {
            json!({
                "to send": service.to_send,
                "not answered": service.open,
                "inbox": format!(
                    "{} requests, {} replies, {} places set aside",
                    service.requests, service.replies, service.reserved
                ),
                "works on a request": service.works,
            })
        };
        json!({ "services": state.services.iter().map(of).collect::<Vec<_>>() })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::BOUNDED, "an inbox grows as long as others send"),
            (properties::ANSWERED, "there is no place for what would make room"),
            (properties::NO_DEADLOCK, "each waits until the other makes room, and neither can"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreditsInterface;

/// What an operator sees between calls: of each inbox the requests, the replies, and the places set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub [(u8, u8, u8); SERVICES]);

impl Interface for CreditsInterface {
    type Model = Exchange;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Exchange, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Exchange, state: &State) -> Option<Seen> {
        Some(Seen(state.services.map(|service| (service.requests, service.replies, service.reserved))))
    }
}
