//! What the outside sees of what is used, and how the model reads.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, FORMS, Kept, Origin, Reuse, State, Told};
use super::properties;

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReuseSpec;

impl Spec for ReuseSpec {
    type Model = Reuse;

    fn parameters(&self, model: &Reuse) -> BTreeMap<String, String> {
        [
            ("things that the origin may say", model.forms.to_string()),
            ("changes", model.changes_max.to_string()),
            ("ticks that stale content is kept", model.stale_kept.to_string()),
            ("s-maxage forbids stale use", model.s_maxage_forbids_stale.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Request { .. } => "client",
            Action::Say { .. } | Action::Change | Action::Turn { .. } => "origin",
            Action::Tick => "clock",
        }
        .into()
    }

    fn state_json(&self, model: &Reuse, state: &State) -> Value {
        let name = |form: u8| FORMS[usize::from(form)].name;
        let kept = |kept: Kept| {
            let over = if kept.age < model.life(kept.form) { "fresh" } else { "stale" };
            let whose = if kept.is_authorized { "to a request with Authorization" } else { "to anybody" };
            format!("version {}, {}, {over}, age {}, an answer {whose}", kept.version, name(kept.said), kept.age)
        };
        let origin = match state.origin {
            Origin::Answers => "answers",
            Origin::Errs => "answers with an error",
            Origin::IsAway => "is away",
        };
        json!({
            "origin": format!("{origin}; version {}, {}", state.version, name(state.form)),
            "kept": state.kept.map_or("nothing".to_string(), kept),
            "seen": state.breach.map_or(String::new(), |breach| format!("{breach:?}")),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::IN_TIME, "of several things that the origin says of its content's life another one counts"),
            (properties::NOT_FORBIDDEN, "the origin would rather have an error shown than content that is over"),
            (properties::IN_WINDOW, "the origin said for how long its content is better than an error"),
            (properties::OWN, "the next who asks is shown what was made for the one before"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReuseInterface;

/// What an operator sees between calls: version and age of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub Option<(u8, u8)>);

impl Interface for ReuseInterface {
    type Model = Reuse;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Reuse, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Reuse, state: &State) -> Option<Seen> {
        Some(Seen(state.kept.map(|kept| (kept.version, kept.age))))
    }
}
