//! The words in which traces are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::model::{FairKey, Temporal};
use serde_json::{Value, json};

use super::model::{Action, Order, State, Waiting};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitingSpec;

impl Spec for WaitingSpec {
    type Model = Waiting;

    fn temporal(&self) -> Vec<Temporal<Waiting>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Waiting, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Waiting, _: &State, action: &Action) -> bool {
        matches!(action, Action::Take { .. } | Action::Tick)
    }

    fn parameters(&self, model: &Waiting) -> BTreeMap<String, String> {
        [("callers", model.callers.to_string()), ("order", format!("{:?}", model.order))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Ask { caller } | Action::Take { caller } | Action::GiveUp { caller } => format!("caller {caller}"),
            Action::Tick => "clock".into(),
        }
    }

    fn state_json(&self, model: &Waiting, state: &State) -> Value {
        let waiting: Vec<String> = (0..model.callers)
            .filter(|caller| state.waits[usize::from(*caller)])
            .map(|caller| caller.to_string())
            .collect();
        let mut shown = json!({ "token": state.token, "waiting": waiting.join(" ") });
        if model.order != Order::WhoeverTries {
            let queue: Vec<String> = state.queue.iter().map(u8::to_string).collect();
            shown["queue"] = queue.join(" ").into();
        }
        shown
    }
}
