//! The words in which traces are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::{FairKey, Temporal};
use serde_json::{Value, json};

use super::model::{Action, Distributed, State};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct DistributedSpec;

impl Spec for DistributedSpec {
    type Model = Distributed;

    fn temporal(&self) -> Vec<Temporal<Distributed>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Distributed, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Distributed, _: &State, action: &Action) -> bool {
        !matches!(action, Action::Crash { .. })
    }

    fn parameters(&self, model: &Distributed) -> BTreeMap<String, String> {
        [
            ("clients", model.clients.to_string()),
            ("limit", model.limit.to_string()),
            ("window", format!("{} ticks", model.window_ticks)),
            ("crashes", model.crashes_max.to_string()),
            ("commands", format!("{:?}", model.commands)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Begin { client } | Action::GoOn { client } | Action::Crash { client } => format!("client {client}"),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Distributed, state: &State) -> Value {
        let key = state.key.map_or("none".into(), |key| match key.ttl_ticks {
            Some(ticks) => format!("{}, lives {ticks} more", key.count),
            None => format!("{}, lives for ever", key.count),
        });
        let between: Vec<String> = (0..model.clients)
            .filter(|client| state.between[usize::from(*client)])
            .map(|client| client.to_string())
            .collect();
        json!({ "key": key, "between two commands": between.join(" "), "admitted": state.admitted })
    }
}
