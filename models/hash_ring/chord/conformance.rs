//! How the model reads, and what is asked of its runs.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::{Interface, Spec};
use serde_json::{Map, Value, json};

use super::model::{Action, Chord, NONE, Peer, Query, State};
use super::properties::*;

const GOES_ON: &str = "members go on asking each other";

/// How the model reads.
#[derive(Clone, Copy, Debug)]
pub struct ChordSpec {
    /// Whether joins and failures may end, and the ring is to become ideal then.
    pub settles: bool,
}

impl Spec for ChordSpec {
    type Model = Chord;

    fn temporal(&self) -> Vec<Temporal<Chord>> {
        if !self.settles {
            return Vec::new();
        }
        vec![
            Temporal::recoverable(CAN_BE_IDEAL, |model: &Chord, state: &State| state.settled && is_ideal(model, state)),
            Temporal::eventually_always(BECOMES_IDEAL, |model: &Chord, state: &State| {
                !state.settled || is_ideal(model, state)
            })
            .under(GOES_ON),
        ]
    }

    fn fairness(&self, _: &Chord, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Join { .. } | Action::Fail { .. } | Action::Settle => Vec::new(),
            _ => vec![FairKey::weak(GOES_ON).of_each(action)],
        }
    }

    fn must_progress(&self, _: &Chord, _: &State, action: &Action) -> bool {
        !matches!(action, Action::Join { .. } | Action::Fail { .. } | Action::Settle)
    }

    fn parameters(&self, model: &Chord) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("identifiers", model.nodes.to_string()),
            ("list", model.list.to_string()),
            ("rules", format!("{:?}", model.rules)),
            ("failures", if model.fails { "yes" } else { "no" }.to_string()),
            ("rejoins", if model.rejoins { "yes" } else { "no" }.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ];
        if model.settles {
            parameters.push(("joins and failures", "end at some moment".into()));
        }
        if model.tells {
            parameters.push(("a stabilize and what it tells", "one step".into()));
        }
        if model.messages {
            parameters.push(("queries", "two steps".into()));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Settle => "environment".into(),
            Action::Join { node, .. }
            | Action::Fail { node }
            | Action::Stabilize { node }
            | Action::StabilizeFromPredecessor { node }
            | Action::Notified { node, .. }
            | Action::Rectify { node, .. }
            | Action::Flush { node }
            | Action::Update { node }
            | Action::Reconcile { node }
            | Action::Ask { node }
            | Action::Answered { node } => format!("node {node}"),
        }
    }

    fn state_json(&self, model: &Chord, state: &State) -> Value {
        let mut shown = Map::new();
        let named = |node: u8| if node == NONE { json!("none") } else { json!(node) };
        for (node, peer) in state.members() {
            let list: Vec<Value> = peer.list[..usize::from(model.list)].iter().map(|entry| named(*entry)).collect();
            let mut own = json!({ "successors": list, "predecessor": named(peer.predecessor) });
            match state.queries[usize::from(node)] {
                Query::None => {}
                Query::Successor(asked) | Query::Predecessor(asked) => own["asked"] = asked.into(),
            }
            shown.insert(format!("node {node}"), own);
        }
        if state.settled {
            shown.insert("joins and failures".into(), "have ended".into());
        }
        Value::Object(shown)
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (AT_LEAST_ONE_RING, "all that a member has left of its list is dead: nobody reaches itself any more"),
            (AT_MOST_ONE_RING, "two rings have formed, and no member of one knows any of the other"),
            (ORDERED_RING, "the ring goes past a member and comes back to it: it winds around more than once"),
            (CONNECTED_APPENDAGES, "a member has nobody alive to lead it to the ring"),
            (ORDERED_APPENDAGES, "a member's successor lies beyond another one that it leads to later"),
            (ORDERED_MERGES, "a member joined before the ring knew of its neighbour, and enters it past its place"),
            (VALID_LISTS, "a member's list skips one that the member before it knows: when the first fails it is lost"),
            (LIVE_SUCCESSOR, "the member's list holds nobody who is alive"),
            (SOUND_LISTS, "the list is no longer what it was taken for: it names fewer, or some twice"),
            (PRINCIPALS, "too few are left whom nobody skips, and with the next failure one may be lost from sight"),
            (CAN_BE_IDEAL, "the members that are left know too little of each other, whatever they ask"),
            (BECOMES_IDEAL, "a pointer to a member that failed is never given up"),
        ]
    }
}

/// What the outside sees: what each member knows.
#[derive(Clone, Copy, Debug)]
pub struct ChordInterface;

impl Interface for ChordInterface {
    type Model = Chord;
    type Input = Action;
    type Output = ();
    /// Successors and predecessor by identifier; `None` of who is no member.
    type Snapshot = Vec<Option<(Vec<u8>, Option<u8>)>>;

    fn label(&self, _: &Chord, _: &State, action: &Action, _: Option<&State>) -> Option<(Action, ())> {
        Some((*action, ()))
    }

    fn snapshot(&self, model: &Chord, state: &State) -> Option<Self::Snapshot> {
        let known = |node: u8| (node != NONE).then_some(node);
        let of = |peer: &Peer| (peer.list[..usize::from(model.list)].to_vec(), known(peer.predecessor));
        Some(state.peers[..usize::from(model.nodes)].iter().map(|peer| peer.as_ref().map(of)).collect())
    }
}
