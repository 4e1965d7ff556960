//! What the outside sees of a resolution, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, SERVER_NAME, State, Told, Work};
use super::properties;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug)]
pub struct WorkSpec {
    /// Whether one server is good.
    pub good: bool,
}

impl Spec for WorkSpec {
    type Model = Work;

    fn temporal(&self) -> Vec<Temporal<Work>> {
        properties::temporal(self.good)
    }

    fn fairness(&self, _: &Work, _: &State, _: &Action) -> Vec<FairKey> {
        vec![FairKey::weak(properties::ANSWERED)]
    }

    fn parameters(&self, model: &Work) -> BTreeMap<String, String> {
        [
            ("aliases of one another", model.names.to_string()),
            ("questions upstream at most", model.questions_max.to_string()),
            ("aliases followed at most", model.aliases_max.to_string()),
            ("tries of a server at most", model.tries_max.to_string()),
            ("names looked for at once", model.depth_max.to_string()),
            ("servers of a referral", model.referred_max.to_string()),
            ("one server is good", model.one_is_good.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, _: &Action) -> String {
        "servers".into()
    }

    fn state_json(&self, _: &Work, state: &State) -> Value {
        let quests: Vec<String> = state
            .quests
            .iter()
            .flatten()
            .map(|quest| {
                let name = if quest.name == SERVER_NAME { "a server".into() } else { format!("alias {}", quest.name) };
                format!("{name}, of server {}, asked {:?} times", quest.server, quest.tries)
            })
            .collect();
        json!({
            "looks for": itf_state(&quests),
            "asked upstream": state.asked,
            "aliases followed": state.aliases,
            "over": state.over.map_or(String::new(), |over| format!("{over:?}")),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                properties::BOUNDED,
                "one packet of a client makes so many of the resolver: it is an amplifier for whoever asks",
            ),
            (properties::NO_LOOP, "the alias leads to where it came from, and nobody has kept where that was"),
            (properties::FEW_ALIASES, "each alias leads to another, for as long as somebody makes them up"),
            (properties::FEW_TRIES, "the server says nothing, and is asked again"),
            (properties::RESOLVES, "the first server says nothing, and the second, which would, is never asked"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug)]
pub struct WorkInterface;

impl Interface for WorkInterface {
    type Model = Work;
    type Input = Action;
    type Output = Told;
    /// Questions upstream so far.
    type Snapshot = u8;

    fn label(&self, model: &Work, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Work, state: &State) -> Option<u8> {
        Some(state.asked)
    }
}
