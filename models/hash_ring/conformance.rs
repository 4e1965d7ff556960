//! What the outside sees of a placement: changes of the view, look-ups, and plans.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Placement, Policy, State};
use super::properties::*;
use super::{placing, properties};

/// How the model reads.
#[derive(Clone, Copy, Debug)]
pub struct PlacementSpec;

impl Spec for PlacementSpec {
    type Model = Placement;

    fn parameters(&self, model: &Placement) -> BTreeMap<String, String> {
        let policy = match &model.policy {
            Policy::Ring { points, points_per_weight } => {
                format!("ring, {points_per_weight} points for each unit of weight, of {points:?}")
            }
            Policy::Bounded { points, percent } => format!("bounded, {percent}% of the mean, points {points:?}"),
            Policy::Rendezvous { scores } => format!("rendezvous, scores {scores:?}"),
            Policy::Jump { last_leaves, .. } => {
                format!("jump, {}", if *last_leaves { "the last one may leave" } else { "anybody may leave" })
            }
            Policy::Maglev { entries } => format!("maglev, a table of {entries}"),
            Policy::Anchor { buckets, .. } => format!("anchor, {buckets} buckets"),
            Policy::Modulo => "modulo".into(),
        };
        [
            ("keys", model.positions.to_string()),
            ("nodes", model.nodes.to_string()),
            ("nodes at first", format!("{:?}", model.first)),
            ("policy", policy),
            ("replicas", model.replicas.to_string()),
            ("variant", format!("{:?}", model.variant)),
            ("weights", model.weight_max.to_string()),
            ("zones", format!("{:?}", model.zones)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Join { .. } | Action::Leave { .. } | Action::Reweight { .. } => "operator".into(),
            Action::Owner { .. } | Action::Preference { .. } | Action::AcrossZones { .. } => "client".into(),
            Action::Plan => "migration".into(),
        }
    }

    fn state_json(&self, model: &Placement, state: &State) -> Value {
        let owners: Vec<String> = (0..model.positions)
            .map(|key| placing::owner(model, &state.now, &state.slots, key))
            .map(|owner| owner.map_or("-".into(), |owner| owner.to_string()))
            .collect();
        let nodes: Vec<String> = state
            .now
            .nodes
            .iter()
            .map(|(node, weight)| if *weight == 1 { node.to_string() } else { format!("{node} of weight {weight}") })
            .collect();
        let moved = properties::moved(model, state);
        let keys: Vec<String> = moved.iter().map(|(key, from, to)| format!("{key} from {from} to {to}")).collect();
        json!({
            "nodes": nodes.join(", "),
            "owners by key": owners.join(" "),
            "moved": format!("{} of {}", moved.len(), model.positions),
            "which": keys.join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (MONOTONE, "keys move between nodes that were there before and are there after: nobody needed them to"),
            (JOIN_TAKES_ITS_ARCS, "the keys that move are not those that the node has come for"),
            (LEAVE_GIVES_ITS_KEYS, "keys move that the node never had, or some that it had do not"),
            (REWEIGHT_MOVES_ITS_OWN, "keys move the wrong way: the node did not keep the points that it had"),
            (ORDER, "two machines that list the same nodes in another order disagree on who owns the key"),
            (PREFERENCE, "the list names one node twice: a second copy on the same machine is no copy"),
            (CLOCKWISE, "who takes the key over when its owner goes is not who has the copy"),
            (ZONES, "both replicas fail together, or none is made though there is room for one"),
            (PLAN, "a key changes owners and is not in the plan: nobody copies it, and it is lost with the old owner"),
            (SHARE, "a node has more keys than its share"),
            (
                ROOM,
                "the key lies further on than it has to, and whoever looks for it at the first node with room misses it",
            ),
            (SPREAD, "clients with slightly different views look for the same key in many places"),
            (LOAD, "a client that has not heard of one node looks for keys of others elsewhere as well"),
            (RESTORES, "a machine that was restarted finds that keys which never were its own have moved meanwhile"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug)]
pub struct PlacementInterface;

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The view has changed.
    Done,
    /// It has not: the node is there already, is not there, or there is no room.
    Refused,
    /// Who owns a key, if anybody.
    Owner(Option<u8>),
    /// Who keeps a key; none if there are fewer nodes, or zones, than that.
    Nodes(Option<Vec<u8>>),
    /// The keys to move, by position, with their old and their new owners.
    Moves(Vec<(u8, u8, u8)>),
}

impl Interface for PlacementInterface {
    type Model = Placement;
    type Input = Action;
    type Output = Answer;
    type Snapshot = ();

    fn label(&self, model: &Placement, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match *action {
            Action::Join { .. } | Action::Leave { .. } | Action::Reweight { .. } if to.is_some() => Answer::Done,
            // The same weight once more changes nothing.
            Action::Reweight { node, weight } if from.now.weight(node) == weight => Answer::Done,
            Action::Join { .. } | Action::Leave { .. } | Action::Reweight { .. } => Answer::Refused,
            Action::Owner { key } => Answer::Owner(placing::owner(model, &from.now, &from.slots, key)),
            Action::Preference { key } => Answer::Nodes(placing::preference(model, &from.now, &from.slots, key)),
            Action::AcrossZones { key } => Answer::Nodes(placing::across_zones(model, &from.now, &from.slots, key)),
            Action::Plan => {
                Answer::Moves(placing::plan(model, (&from.before, &from.slots_before), (&from.now, &from.slots)))
            }
        };
        Some((*action, answer))
    }
}
