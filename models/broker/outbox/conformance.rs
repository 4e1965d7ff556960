//! What the outside sees of an outbox, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, ORDERS_MAX, Ordering, Row, State, Told};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxSpec;

impl Spec for OutboxSpec {
    type Model = Ordering;

    fn temporal(&self) -> Vec<Temporal<Ordering>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Ordering, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Ordering, _: &State, action: &Action) -> bool {
        !properties::fairness(action).is_empty()
    }

    fn parameters(&self, model: &Ordering) -> BTreeMap<String, String> {
        [
            ("orders", model.orders.to_string()),
            ("crashes", model.crashes_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Commit { .. } | Action::RollBack { .. } | Action::WriteRow { .. } | Action::CrashService => {
                "service"
            }
            Action::Read | Action::Publish | Action::Mark | Action::CrashRelay => "relay",
        }
        .into()
    }

    fn state_json(&self, model: &Ordering, state: &State) -> Value {
        let of = |order: usize| {
            let (business, row) = (state.business[order], state.rows[order]);
            json!({ "order": format!("{business:?}"), "row": format!("{row:?}"), "published": state.published[order] })
        };
        let orders: Vec<Value> = (0..usize::from(model.orders)).map(of).collect();
        let about_to = state.to_write.map_or(String::new(), |order| format!("write the row of order {order}"));
        json!({ "orders": orders, "service is about to": about_to, "relay": format!("{:?}", state.relay) })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::COMMITTED, "the queue has an order that was never placed"),
            (properties::PUBLISHED, "the order is placed, and nobody is left who would say so"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxInterface;

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Whether the row of each order is still to be published.
    pub pending: [bool; ORDERS_MAX],
    /// How often each order was published, 2 at most.
    pub published: [u8; ORDERS_MAX],
}

impl Interface for OutboxInterface {
    type Model = Ordering;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Ordering, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Ordering, state: &State) -> Option<Seen> {
        Some(Seen { pending: state.rows.map(|row| row == Row::Pending), published: state.published })
    }
}
