//! What the outside sees of a resolver that is lied to, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{Chance, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Breach, Known, NAMES, Poison, State, Told};
use super::properties;

/// The names that are asked for.
pub const NAME_TEXTS: [&str; NAMES] = ["www.a.zz", "www.b.zz"];

/// How the model reads, and how likely a guess may be.
#[derive(Clone, Copy, Debug)]
pub struct PoisonSpec {
    /// Whether a question is asked once.
    pub once: bool,
}

impl Spec for PoisonSpec {
    type Model = Poison;

    fn temporal(&self) -> Vec<Temporal<Poison>> {
        if self.once { properties::temporal() } else { Vec::new() }
    }

    fn chance(&self, _: &Poison, _: &State, action: &Action) -> Option<Chance> {
        if self.once { properties::chance(action) } else { None }
    }

    fn parameters(&self, model: &Poison) -> BTreeMap<String, String> {
        [
            ("names", model.names.to_string()),
            ("ids", model.ids.to_string()),
            ("ports", model.ports.to_string()),
            ("guesses", model.guesses_max.to_string()),
            ("servers add", model.adds.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Ask { .. } => "client".into(),
            Action::Guess { .. } | Action::Forge { .. } => "attacker".into(),
            Action::Answer { name, .. } => format!("server of {}", &NAME_TEXTS[usize::from(*name)][4..]),
        }
    }

    fn state_json(&self, model: &Poison, state: &State) -> Value {
        let of = |name: usize| {
            let open: Vec<String> =
                state.open[name].iter().flatten().map(|(id, port)| format!("id {id} from port {port}")).collect();
            json!({
                "name": NAME_TEXTS[name],
                "on its way": open,
                "known": format!("{:?}", state.known[name]),
                "referred": state.referred[name],
            })
        };
        let names: Vec<Value> = (0..usize::from(model.names)).map(of).collect();
        let (id, port) = model.guess(state.guesses);
        json!({
            "names": names,
            "next guess": format!("id {id} to port {port}"),
            "guesses": state.guesses,
            "history": state.breach.map_or(String::new(), |breach| format!("{breach:?}")),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::MATCHES, "the resolver had what it needs to tell that this is not the answer to its question"),
            (properties::ONCE, "each of two questions can be answered: whoever guesses needs to meet only one of them"),
            (properties::IN_ZONE, "a server speaks of a zone that was never delegated to it, and is believed"),
            (properties::ASKED_FOR, "what comes with an answer is kept as if it had been asked for"),
            (properties::NO_GLUE, "the parent's hint of where to ask is told as if the zone itself had said it"),
            (properties::UNLIKELY, "two guesses among eight meet once in four times; here they meet more often"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug)]
pub struct PoisonInterface;

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// What is told of each name.
    pub known: [Known; NAMES],
    /// Whether servers of a zone that begins at each name, or of the other zone, are known.
    pub referred: [bool; NAMES],
    /// Whether anything else is known.
    pub more: bool,
    /// Questions on their way.
    pub open: usize,
}

impl Interface for PoisonInterface {
    type Model = Poison;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Poison, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Poison, state: &State) -> Option<Seen> {
        Some(Seen {
            known: state.known,
            referred: state.referred,
            more: matches!(state.breach, Some(Breach::OutOfZone | Breach::Unasked)),
            open: state.open.iter().flatten().flatten().count(),
        })
    }
}
