//! What the outside sees of parts, and how the model reads.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, HALVES, Kept, Parts, State, Tag, Told};
use super::properties;

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartsSpec;

fn halves_text(halves: [Option<u8>; HALVES]) -> String {
    let half = |half: Option<u8>| half.map_or("-".to_string(), |version| version.to_string());
    format!("versions {}", halves.map(half).join(" and "))
}

fn tag_text(tag: Tag) -> &'static str {
    match tag {
        Tag::Strong => "a strong tag",
        Tag::Weak => "a weak tag",
        Tag::Absent => "no tag",
    }
}

impl Spec for PartsSpec {
    type Model = Parts;

    fn parameters(&self, model: &Parts) -> BTreeMap<String, String> {
        [("changes", model.changes_max.to_string()), ("variant", format!("{:?}", model.variant))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Request { .. } => "client",
            Action::Name { .. } | Action::Change => "origin",
        }
        .into()
    }

    fn state_json(&self, _: &Parts, state: &State) -> Value {
        let kept = |kept: Kept| format!("{}, by {}", halves_text(kept.halves), tag_text(kept.tag));
        json!({
            "origin": format!("version {}, by {}", state.version, tag_text(state.tag)),
            "kept": state.kept.map_or("nothing".to_string(), kept),
            "seen": state.breach.map_or(String::new(), |breach| format!("{breach:?}")),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::UNMIXED, "between the one part and the other the content has changed, and nothing said so"),
            (properties::ALL, "a half was kept as if it were all there is"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartsInterface;

/// What an operator sees between calls: the version of each half that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub Option<[Option<u8>; HALVES]>);

impl Interface for PartsInterface {
    type Model = Parts;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Parts, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Parts, state: &State) -> Option<Seen> {
        Some(Seen(state.kept.map(|kept| kept.halves)))
    }
}
