//! What the outside sees of what is kept, and how the model reads.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Kept, OBJECTS, OBJECTS_MAX, State, Storing, Told, objects};
use super::properties;

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoringSpec;

impl Spec for StoringSpec {
    type Model = Storing;

    fn parameters(&self, model: &Storing) -> BTreeMap<String, String> {
        [
            ("ticks that content is fresh", model.life.to_string()),
            ("ticks that an error is fresh", model.error_life.to_string()),
            ("writes", model.writes_max.to_string()),
            ("failures", model.failures_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Request { .. } | Action::Write { .. } => "client",
            Action::Fail => "origin",
            Action::Tick => "clock",
        }
        .into()
    }

    fn state_json(&self, _: &Storing, state: &State) -> Value {
        let text = |kept: Kept| {
            let what = if kept.is_error { "an error" } else { "content" };
            format!("{what} of {}, version {}, age {}", OBJECTS[usize::from(kept.of)].name, kept.version, kept.age)
        };
        let of = |(at, object): (usize, &super::model::Object)| {
            let kept = state.kept[at].map_or("nothing".to_string(), text);
            (object.name.to_string(), json!({ "version": state.versions[at], "kept": kept }))
        };
        let mut all: serde_json::Map<String, Value> = objects().map(of).collect();
        all.insert("the next answer".into(), json!(if state.fails { "an error" } else { "content" }));
        all.insert("seen".into(), json!(state.breach.map_or(String::new(), |breach| format!("{breach:?}"))));
        Value::Object(all)
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::ASKED_FOR, "two requests that are told apart by more than the key were taken for one"),
            (properties::IN_TIME, "what the origin said of its life was not heeded"),
            (properties::ERRORS_IN_TIME, "what was out of order for a moment is so for as long as content is fresh"),
            (properties::WRITTEN, "the client was told that its write was done, and is served what was before it"),
            (properties::SAME_ORIGIN, "one origin decides what is kept of another"),
            (properties::OWN_GROUP, "one write empties the cache of what it has nothing to do with"),
            (properties::SAFE, "whoever may read may empty the cache"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoringInterface;

/// What an operator sees between calls: in the place of each object the object, the version, and whether it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub [Option<(u8, u8, bool)>; OBJECTS_MAX]);

impl Interface for StoringInterface {
    type Model = Storing;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Storing, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Storing, state: &State) -> Option<Seen> {
        Some(Seen(state.kept.map(|kept| kept.map(|kept| (kept.of, kept.version, kept.is_error)))))
    }
}
