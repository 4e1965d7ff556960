//! What the outside sees of edges, shield and purges, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, NODES, Node, Purge, State, Told, Write};
use super::{properties, steps};

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug)]
pub struct PurgeSpec {
    /// Whether anything is purged.
    pub purges: bool,
    /// Whether time passes.
    pub times: bool,
}

impl Spec for PurgeSpec {
    type Model = Purge;

    fn temporal(&self) -> Vec<Temporal<Purge>> {
        properties::temporal(self.purges, self.times)
    }

    fn fairness(&self, _: &Purge, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Purge, _: &State, action: &Action) -> bool {
        properties::must_progress(action)
    }

    fn parameters(&self, model: &Purge) -> BTreeMap<String, String> {
        [
            ("edges", model.edges.to_string()),
            ("updates", model.updates_max.to_string()),
            ("ttl in ticks", model.ttl.map_or("no time passes".into(), |ttl| ttl.to_string())),
            ("served stale for ticks", model.window.to_string()),
            ("a fill is given up after ticks", model.timeout.to_string()),
            ("epochs", model.epochs.to_string()),
            ("shield purged first", model.shield_first.to_string()),
            ("purges lost", model.losses_max.to_string()),
            ("restarts", model.restarts_max.to_string()),
            ("unsafe requests", model.writes_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .chain(model.is_skewed().then(|| ("clocks ahead by ticks, the shield's first", format!("{:?}", model.skews))))
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        steps::actor(action)
    }

    fn state_json(&self, model: &Purge, state: &State) -> Value {
        let write = match state.write {
            None => "none".to_string(),
            Some(Write::Sent) => "on its way".into(),
            Some(Write::Applied(version)) => format!("done, made version {version}"),
            Some(Write::Passed(version)) => format!("version {version}, its answer has passed the shield"),
        };
        let name = |node: usize| if node == 0 { "shield".to_string() } else { format!("edge {node}") };
        let nodes = (0..model.nodes()).map(|node| (name(node), node_json(model, &state.nodes[node])));
        let mut all: serde_json::Map<String, Value> = nodes.collect();
        all.insert("origin".into(), json!(format!("version {}", state.version)));
        all.insert("purge".into(), json!(purge_text(model, state)));
        all.insert("unsafe request".into(), json!(write));
        all.insert("seen".into(), json!(state.breach.map_or(String::new(), |breach| format!("{breach:?}"))));
        Value::Object(all)
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

fn purge_text(model: &Purge, state: &State) -> String {
    let acknowledged = model.acknowledged(state);
    match (state.target, acknowledged) {
        (0, _) => "none".into(),
        (target, acknowledged) if target == acknowledged => format!("all below version {target}, acknowledged"),
        (target, 0) => format!("all below version {target}, under way"),
        (target, acknowledged) => format!("all below version {target}, under way; below {acknowledged}, acknowledged"),
    }
}

fn node_json(model: &Purge, node: &Node) -> Value {
    let held = node.held.map_or("nothing".to_string(), |copy| {
        let fresh = if model.is_fresh(copy) { "fresh" } else { "stale" };
        match model.ttl {
            None => format!("version {}", copy.version),
            Some(_) => format!("version {}, {fresh}, age {}, reckoned {}", copy.version, copy.age, copy.reckoned),
        }
    });
    let fill = node.fill.map_or("none".to_string(), |fill| {
        let read = match (fill.read, fill.not_modified) {
            (None, _) => "started".to_string(),
            (Some(copy), false) => format!("has read version {}", copy.version),
            (Some(copy), true) => format!("has read that version {} is the same", copy.version),
        };
        if fill.is_outdated { format!("{read}; a purge has come since it began") } else { read }
    });
    let mail = node.mail.map_or("none".to_string(), |version| format!("below version {version}"));
    json!({ "holds": held, "fill": fill, "purge on its way": mail, "confirmed": node.confirmed })
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (
        properties::PURGED,
        "every node has confirmed the purge, and the client is served what was to be gone: it came back by a fill",
    ),
    (properties::IN_TIME, "the origin said how long its content is good for; it is served for longer"),
    (properties::AGE, "a node believed its own clock, and took what it was told to be old for younger"),
    (properties::WRITTEN, "the client was told that its request was done, and is then served what was before it"),
    (properties::EFFECTIVE, "a node was never told of the purge, and nobody tells it again"),
    (properties::CLEAN, "what was purged is stored, and nothing takes it away any more"),
    (properties::FILLED, "the answer does not come, and whoever asks waits for it"),
];

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct PurgeInterface;

/// What an operator sees of the nodes between calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Seen(pub [At; NODES]);

/// What an operator sees of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct At {
    /// The version that is stored, and its age in ticks as the node reckons.
    pub held: Option<(u8, u8)>,
    /// Whether a fill is under way that what is asked now would wait for.
    pub fills: bool,
}

impl Interface for PurgeInterface {
    type Model = Purge;
    type Input = Action;
    type Output = Told;
    type Snapshot = Seen;

    fn label(&self, model: &Purge, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step(from, *action).1))
    }

    fn snapshot(&self, _: &Purge, state: &State) -> Option<Seen> {
        let at = |node: &Node| At {
            held: node.held.map(|copy| (copy.version, copy.reckoned)),
            fills: node.fill.is_some_and(|fill| !fill.is_outdated),
        };
        Some(Seen(std::array::from_fn(|node| at(&state.nodes[node]))))
    }
}
