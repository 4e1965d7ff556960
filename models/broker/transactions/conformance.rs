//! The words in which traces of transactions are told. Nothing of it is driven, so that there is no outside view.

use std::collections::BTreeMap;

use counterpart::Spec;
use counterpart::trace::itf_state;
use serde_json::{Value, json};

use super::model::{Action, State, Transactions};
use super::properties;

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionsSpec;

impl Spec for TransactionsSpec {
    type Model = Transactions;

    fn parameters(&self, model: &Transactions) -> BTreeMap<String, String> {
        [
            ("transactions", model.transactions.to_string()),
            ("records of each", model.records.to_string()),
            ("ends sent again", model.retries_max.to_string()),
            ("starts anew", model.restarts_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Write | Action::SendEnd | Action::RetryEnd | Action::Restart => "producer",
            Action::ArriveEnd { .. } | Action::DropEnd { .. } => "network",
        }
        .into()
    }

    fn state_json(&self, model: &Transactions, state: &State) -> Value {
        let count = usize::from(model.transactions);
        json!({
            "producer": format!(
                "transaction {}, {} records written, epoch {}{}",
                state.transaction, state.written, state.epoch, if state.is_ending { ", ending" } else { "" }
            ),
            "open": itf_state(&state.open[..count].to_vec()),
            "ends on their way, by epoch": itf_state(&state.ends.to_vec()),
            "seen": itf_state(&state.visible[..count].to_vec()),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[(properties::WHOLE, "records of a transaction are seen that is not what its producer has made it")]
    }
}
