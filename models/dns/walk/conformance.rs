//! What the outside sees of a walk, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Known, QUESTIONS, Rank, State, Told, Walk, ZONES};
use super::properties;

/// The questions, by number.
pub const QUESTION_NAMES: [&str; QUESTIONS] = ["www.a.zz A", "a.zz NS", "ns.a.zz A"];

const SERVER_NAMES: [&str; ZONES + 1] = ["the root", "zz", "a.zz"];

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug)]
pub struct WalkSpec {
    /// Whether the lower zone may be taken back.
    pub revokes: bool,
}

impl Spec for WalkSpec {
    type Model = Walk;

    fn temporal(&self) -> Vec<Temporal<Walk>> {
        properties::temporal(self.revokes)
    }

    fn fairness(&self, _: &Walk, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Deliver | Action::Tick => vec![FairKey::weak(properties::TIME).of_each(action)],
            Action::Query { .. } | Action::Revoke => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Walk, _: &State, action: &Action) -> bool {
        matches!(action, Action::Deliver | Action::Tick)
    }

    fn parameters(&self, model: &Walk) -> BTreeMap<String, String> {
        [
            ("TTL of the referral to zz", model.upper_ttl.to_string()),
            ("TTL of the referral to a.zz", model.lower_ttl.to_string()),
            ("TTLs of what a.zz answers", format!("{:?}", model.own_ttls)),
            ("a.zz may be taken back", model.revokes.to_string()),
            ("keeps the story of a name", model.is_story.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Query { .. } => "client",
            Action::Deliver => "servers",
            Action::Revoke => "zz",
            Action::Tick => "clock",
        }
        .into()
    }

    fn state_json(&self, _: &Walk, state: &State) -> Value {
        let known = |known: &Option<Known>| match known {
            None => "nothing".to_string(),
            Some(Known { rank: Rank::Glue, left }) => format!("{left} left, as glue"),
            Some(Known { rank: Rank::Answer, left }) => format!("{left} left"),
        };
        let left = |left: &Option<u8>| left.map_or("none".to_string(), |left| format!("{left} left"));
        let looking = state.looking.map(|looking| {
            let name = QUESTION_NAMES[usize::from(looking.question)];
            format!("{name}, of {}", SERVER_NAMES[usize::from(looking.asks)])
        });
        json!({
            "knows of www.a.zz A": known(&state.known[0]),
            "knows of a.zz NS": known(&state.known[1]),
            "knows of ns.a.zz A": known(&state.known[2]),
            "delegation of zz": left(&state.zones[0]),
            "delegation of a.zz": left(&state.zones[1]),
            "said by zz of a.zz": left(&Some(state.said).filter(|said| *said > 0)),
            "looks for": looking.unwrap_or_default(),
            "taken back": state.revoked,
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                properties::NO_GHOST,
                "the zone above has said nothing of it for longer than it said, and the zone itself is still believed",
            ),
            (properties::BELOW, "the zone above may be taken back, and what it has referred to goes on"),
            (properties::RANKED, "what the zone above has heard of the address takes the place of what the zone says"),
            (properties::GONE, "each time that somebody asks for the zone's servers the zone says that it lives on"),
            (
                properties::STORY,
                "the root refers to zz, zz to a.zz, which answers; who asks then is told at once; and when the TTL is over \
                 a.zz is asked again, and neither the root nor zz",
            ),
        ]
    }
}

/// What is kept, as ticks left: answers by question, then delegations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Answers, that may be told.
    pub answers: [Option<u8>; QUESTIONS],
    /// Delegations.
    pub zones: [Option<u8>; ZONES],
    /// Whether something is being looked for.
    pub looks: bool,
}

/// What the outside sees.
#[derive(Clone, Copy, Debug)]
pub struct WalkInterface;

impl Interface for WalkInterface {
    type Model = Walk;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Walk, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Walk, state: &State) -> Option<Seen> {
        let answer = |known: Option<Known>| known.filter(|known| known.rank == Rank::Answer).map(|known| known.left);
        Some(Seen { answers: state.known.map(answer), zones: state.zones, looks: state.looking.is_some() })
    }
}
