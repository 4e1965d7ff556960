//! What the outside sees of a client of several servers, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Sources, Span, State, Told};
use super::properties::{self, AGREES};

/// The assumption that liveness needs.
const LIFE_GOES_ON: &str = "servers are asked, and time passes";

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourcesSpec {
    /// Whether to ask that the servers agree in the end.
    pub agrees: bool,
}

impl Spec for SourcesSpec {
    type Model = Sources;

    fn temporal(&self) -> Vec<Temporal<Sources>> {
        let agree = |model: &Sources, state: &State| model.agreed(state).is_some();
        let agrees = self.agrees.then(|| Temporal::infinitely_often(AGREES, agree).under(LIFE_GOES_ON));
        agrees.into_iter().collect()
    }

    fn fairness(&self, _: &Sources, _: &State, action: &Action) -> Vec<FairKey> {
        let key = FairKey::weak(LIFE_GOES_ON);
        match action {
            Action::Tick { .. } => vec![key.of_each("tick")],
            Action::Ask { server, .. } => vec![key.of_each(("ask", server))],
            Action::Step { .. } => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Sources, _: &State, action: &Action) -> bool {
        matches!(action, Action::Tick { .. } | Action::Ask { .. })
    }

    fn parameters(&self, model: &Sources) -> BTreeMap<String, String> {
        let lies: Vec<String> = model.lies.iter().map(i8::to_string).collect();
        [
            ("servers that tell the truth", model.truechimers.to_string()),
            ("servers that need not", model.falsetickers.to_string()),
            ("what they say", lies.join(" ")),
            ("unit", "15 ms; a tick is 1,000 s".into()),
            ("drift at most", model.drift_max.to_string()),
            ("wrong by at most, to be looked at", model.distance_max.to_string()),
            ("an answer may not come", model.is_silent.to_string()),
            ("a server may say DENY", model.denies.to_string()),
            ("the clock is stepped", model.steps.to_string()),
            ("off by after a step, at most", model.off_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick { .. } | Action::Step { .. } => "clock".into(),
            Action::Ask { server, .. } => format!("server {server}"),
        }
    }

    fn state_json(&self, model: &Sources, state: &State) -> Value {
        let shown = |(low, high): Span| format!("[{low}, {high}]");
        let servers: Vec<String> = state.sources[..model.servers()]
            .iter()
            .map(|source| match source.kept {
                Some(kept) => shown(kept.span()),
                None if source.is_denied => "denied".into(),
                None => "nothing".into(),
            })
            .collect();
        json!({
            "behind the truth by": state.truth,
            "servers": servers.join(" "),
            "agreed on": model.agreed(state).map_or("nothing".into(), shown),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                properties::TRUTH_INSIDE,
                "fewer than half of the servers lie, and the clock is believed to be where it is not",
            ),
            (properties::NOT_TOO_OLD, "nothing was heard of the server for long, and the clock has drifted since"),
            (
                properties::DENIED,
                "the server is asked no more, so that what it said last grows old and is never mended",
            ),
            (AGREES, "those who tell the truth are heard in every tick, and one that says nothing is waited for"),
        ]
    }
}

/// What the outside sees of a client of several servers.
#[derive(Debug)]
pub struct SourcesInterface;

impl Interface for SourcesInterface {
    type Model = Sources;
    type Input = Action;
    type Output = Told;
    /// What the servers agree on, in units, and which of them count, as bits.
    type Snapshot = (Option<Span>, u8);

    fn label(&self, model: &Sources, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, model: &Sources, state: &State) -> Option<(Option<Span>, u8)> {
        Some((model.agreed(state), Sources::counted(state)))
    }
}
