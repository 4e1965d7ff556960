//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Eviction, KEYS_MAX, Policy, State};
use super::properties::{COSTLY, NAMED, ROOM};

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvictionSpec;

impl Spec for EvictionSpec {
    type Model = Eviction;

    fn parameters(&self, model: &Eviction) -> BTreeMap<String, String> {
        let keys = usize::from(model.keys);
        [
            ("policy", format!("{:?}", model.policy)),
            ("capacity", model.capacity.to_string()),
            ("sizes", format!("{:?}", &model.sizes[..keys])),
            ("costs", format!("{:?}", &model.costs[..keys])),
            (
                "scan",
                model.scan_max.map_or("any".into(), |max| format!("{max} cheap keys for a use of the costly one")),
            ),
            ("makes room to replace", if model.makes_room_to_replace { "yes" } else { "no" }.into()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, _: &Action) -> String {
        "client".into()
    }

    fn state_json(&self, model: &Eviction, state: &State) -> Value {
        let order = state.order.iter().map(|node| match (node.orphan, model.policy) {
            (true, _) => format!("{} removed", node.key),
            (false, Policy::Gdsf { .. }) => {
                format!("{} used {} times, {} halves above", node.key, node.frequency, node.surplus)
            }
            (false, _) => node.key.to_string(),
        });
        json!({
            "first to go": order.collect::<Vec<_>>().join(", "),
            "scanned": state.scanned,
            "history": if state.history.wronged { "something went out of its turn" } else { "" },
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                COSTLY,
                "least recently used is blind to what a miss costs: a few cheap keys, each asked for once, and the one \
                 that is dear to load again is gone",
            ),
            (ROOM, "more is kept than there is room for, and nothing makes it go"),
            (NAMED, "something that was to stay has gone, and what was to go is still there"),
        ]
    }
}

/// What the outside sees of the store: whether a key is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvictionInterface;

impl Interface for EvictionInterface {
    type Model = Eviction;
    type Input = Action;
    /// Whether the key was found, or is kept.
    type Output = bool;
    /// Which keys are there.
    type Snapshot = [bool; KEYS_MAX];

    fn label(&self, model: &Eviction, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, bool)> {
        let answer = match *action {
            Action::Get { key } | Action::Remove { key } => model.holds(from, key),
            Action::Insert { .. } => true,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Eviction, state: &State) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| model.holds(state, key as u8)))
    }
}
