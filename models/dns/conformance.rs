//! What the outside sees of caches, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Cache, DENIED, Held, Kind, LAYERS_MAX, Layer, Phase, QUESTIONS, State, Told};
use super::properties;

/// The questions, as they are written.
pub const QUESTION_NAMES: [&str; QUESTIONS] = ["n A", "n AAAA", "x.n A"];

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheSpec;

impl Spec for CacheSpec {
    type Model = Cache;

    fn temporal(&self) -> Vec<Temporal<Cache>> {
        properties::temporal()
    }

    fn fairness(&self, _: &Cache, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Cache, _: &State, action: &Action) -> bool {
        *action == Action::Tick
    }

    fn parameters(&self, model: &Cache) -> BTreeMap<String, String> {
        let zone: Vec<String> = model.zone.iter().map(|content| format!("{content:?}")).collect();
        let variants: Vec<String> = model.variants.iter().map(|variant| format!("{variant:?}")).collect();
        let stale = model.stale.map_or("never".into(), |stale| format!("{stale:?}"));
        [
            ("questions", QUESTION_NAMES[..usize::from(model.questions)].join(", ")),
            ("clients", model.clients.to_string()),
            ("caches", model.layers.to_string()),
            ("zone, by version", zone.join("; ")),
            ("a denial's SOA", model.soa.map_or("none".into(), |soa| format!("{soa:?}"))),
            ("TTL at most", model.ttl_max.to_string()),
            ("told at 0", model.serve_at_zero.to_string()),
            ("failures are remembered for", model.failure_ttl.to_string()),
            ("a question fails after", model.timeout.to_string()),
            ("what has ended is told", stale),
            ("variant", if variants.is_empty() { "Sound".into() } else { variants.join(", ") }),
        ]
        .into_iter()
        .chain(model.answers_at_once.then(|| ("time while a question is under way", "stands still".to_string())))
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Query { client, .. } => format!("client {client}"),
            Action::Read { .. } | Action::Deliver { .. } => "network".into(),
            Action::Change => "authority".into(),
            Action::Tick => "clock".into(),
            Action::SetBack => "operator".into(),
        }
    }

    fn state_json(&self, model: &Cache, state: &State) -> Value {
        let caches: Vec<Value> =
            state.layers[..usize::from(model.layers)].iter().map(|layer| layer_json(model, layer)).collect();
        let waits = |question: &Option<u8>| match question {
            None => "idle".to_string(),
            Some(question) => format!("waits for {}", QUESTION_NAMES[usize::from(*question)]),
        };
        let clients: Vec<String> = state.clients[..usize::from(model.clients)].iter().map(waits).collect();
        json!({
            "authority": format!("version {}: {:?}", state.version, model.zone[usize::from(state.version)]),
            "caches": caches,
            "clients": clients,
            "seen": seen(state),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

fn seen(state: &State) -> String {
    let seen = state.seen;
    let mut said = Vec::new();
    if seen.outdated {
        said.push("a client was told what the authority no longer says".to_string());
    }
    if seen.overdue > 0 {
        said.push(format!("a client was told what had ended {} ticks before", seen.overdue));
    }
    if seen.stale {
        said.push("a client was told what has ended".into());
    }
    said.extend(seen.breach.map(|breach| format!("{breach:?}")));
    said.join("; ")
}

fn layer_json(model: &Cache, layer: &Layer) -> Value {
    let name = |slot: usize| if slot == DENIED { "n" } else { QUESTION_NAMES[slot] };
    let held = |(slot, held): (usize, &Option<Held>)| {
        let Held { kind, version, left, due, partial } = (*held)?;
        let part = if partial { ", a part" } else { "" };
        Some(format!("{} {kind:?} of version {version}, {left} left, {due} due{part}", name(slot)))
    };
    let held: Vec<String> = layer.held.iter().enumerate().filter_map(held).collect();
    let questions = 0..usize::from(model.questions);
    let asked = questions.clone().filter_map(|question| {
        let fetch = layer.fetches[question]?;
        let at = match fetch.phase {
            Phase::Asked { over_tcp: false } => "asked".into(),
            Phase::Asked { over_tcp: true } => "asked over TCP".into(),
            Phase::Above => "asked further up".into(),
            Phase::Replied(reply) => format!("{:?} of version {} on its way", reply.kind, reply.version),
        };
        Some(format!("{}: {at}, {} ticks ago", QUESTION_NAMES[question], fetch.age))
    });
    let failed = questions.clone().filter(|question| layer.failed[*question] > 0);
    let failed = failed.map(|question| format!("{}: {}", QUESTION_NAMES[question], layer.failed[question]));
    json!({
        "holds": itf_state(&held),
        "asks": itf_state(&asked.collect::<Vec<_>>()),
        "failed": itf_state(&failed.collect::<Vec<_>>()),
    })
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (properties::IN_TIME, "the TTL is over and the record is told as if it lived"),
    (properties::STALE_LAST, "the client could have had the new data, and is told the old before anybody has looked"),
    (properties::STALE_TTL, "whoever is told has to ask again at once, or keeps it for too long"),
    (properties::COUNTS_DOWN, "the authority said how long; what is told lives longer"),
    (properties::CAPPED, "a TTL of 68 years is taken as it is, and so is the mistake of whoever wrote it"),
    (properties::NEGATIVE, "the zone says in its SOA how long a denial may be believed; it is believed longer"),
    (
        properties::NO_SOA,
        "nobody has said for how long this denial is good, and it has driven out an answer that was good",
    ),
    (properties::SUBTREE, "that the name does not exist is known, and the authority is asked all the same"),
    (properties::TRUE_ONCE, "a name without an IPv6 address may well have an address"),
    (properties::PASSED_ON, "the cache tells what it was told, as if no time had passed since"),
    (
        properties::ONE_LIFE,
        "each cache begins the TTL anew when it is asked at the last moment: with every one of them what is told may be \
         older by a whole TTL",
    ),
    (properties::WHOLE, "the answer did not fit, and what did is kept as if it were all"),
    (properties::REMEMBERED, "the server has just failed, and every client's question goes to it again"),
    (properties::ANSWERED, "the answer was lost, and nobody asks again"),
    (properties::SETTLES, "the authority is asked each time, and what it says changes nothing"),
];

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheInterface;

/// What an operator sees between calls: of each cache and question what lives, and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Kept(pub [[Option<(Kind, u8)>; QUESTIONS]; LAYERS_MAX]);

impl Interface for CacheInterface {
    type Model = Cache;
    type Input = Action;
    type Output = Told;
    type Snapshot = Kept;

    fn label(&self, model: &Cache, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, model: &Cache, state: &State) -> Option<Kept> {
        let mut kept = Kept::default();
        for (layer, seen) in state.layers[..usize::from(model.layers)].iter().zip(&mut kept.0) {
            for (question, seen) in seen.iter_mut().enumerate().take(model.questions.into()) {
                let lives = |slot: usize| layer.held[slot].filter(|held| model.lives(held));
                let held = lives(question).or(lives(DENIED));
                *seen = held.map(|held| (held.kind, held.left.max(0).cast_unsigned()));
            }
        }
        Some(kept)
    }
}
