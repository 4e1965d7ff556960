//! What the outside sees of a handoff: requests and their replies, steps and whether they are taken.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Giving, Handoff, Reply, State, Taking};
use super::properties::{ARRIVES, CAN_ARRIVE, KEPT, NO_GHOST, ONE_OWNER};

const GOES_ON: &str = "what can be sent is sent, and what is sent arrives";

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug)]
pub struct HandoffSpec;

impl Spec for HandoffSpec {
    type Model = Handoff;

    fn temporal(&self) -> Vec<Temporal<Handoff>> {
        let served = |_: &Handoff, state: &State| state.taking == Taking::Active;
        vec![
            Temporal::eventually(ARRIVES, |_: &Handoff, state: &State| state.taking == Taking::Active && state.deleted)
                .under(GOES_ON),
            Temporal::recoverable(CAN_ARRIVE, served),
        ]
    }

    fn fairness(&self, _: &Handoff, _: &State, action: &Action) -> Vec<FairKey> {
        match action {
            Action::Freeze
            | Action::Copy
            | Action::Deliver
            | Action::Acknowledge
            | Action::Release
            | Action::Activate
            | Action::Delete => vec![FairKey::weak(GOES_ON).of_each(action)],
            Action::Write { .. } | Action::Read { .. } | Action::Refresh { .. } | Action::Crash => Vec::new(),
        }
    }

    fn must_progress(&self, _: &Handoff, _: &State, action: &Action) -> bool {
        !matches!(action, Action::Write { .. } | Action::Read { .. } | Action::Refresh { .. } | Action::Crash)
    }

    fn parameters(&self, model: &Handoff) -> BTreeMap<String, String> {
        [
            ("keys", model.keys.to_string()),
            ("clients", model.clients.to_string()),
            ("writes", model.writes_max.to_string()),
            ("crashes", model.crashes_max.to_string()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Write { client, .. } | Action::Read { client, .. } | Action::Refresh { client } => {
                format!("client {client}")
            }
            Action::Freeze | Action::Copy | Action::Acknowledge | Action::Release | Action::Delete => {
                "old owner".into()
            }
            Action::Deliver | Action::Activate => "new owner".into(),
            Action::Crash => "environment".into(),
        }
    }

    fn state_json(&self, model: &Handoff, state: &State) -> Value {
        let keys = usize::from(model.keys);
        let refreshed = &state.refreshed[..usize::from(model.clients)];
        json!({
            "old owner": itf_state(&state.giving),
            "old owner has": if state.deleted { json!("nothing") } else { json!(&state.old[..keys]) },
            "new owner": itf_state(&state.taking),
            "new owner has": &state.new[..keys],
            "copies on their way": state.copy.iter().map(|copy| copy[..keys].to_vec()).collect::<Vec<_>>(),
            "acknowledgement on its way": state.acknowledgement,
            "handover on its way": state.handover,
            "has the new view": refreshed,
            "acknowledged to clients": &state.acknowledged[..keys],
            "history": if state.ghost { "a read gave less than was acknowledged" } else { "" },
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                NO_GHOST,
                "the node that answered no longer has the last word on the key, or never had: what it gives is of before",
            ),
            (KEPT, "the write was acknowledged, and the one copy of it is gone"),
            (ONE_OWNER, "two nodes take writes of the same key, and each knows only of its own"),
            (ARRIVES, "what was lost on the way is never sent again, and both sides wait"),
            (CAN_ARRIVE, "what was lost on the way is never sent again, and nothing else makes the range move"),
        ]
    }
}

/// What the outside sees.
#[derive(Clone, Copy, Debug)]
pub struct HandoffInterface;

/// What a client or a node gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A value. 0: none.
    Value(u8),
    /// Written.
    Written,
    /// Not now.
    Frozen,
    /// The view is an older one.
    Moved,
    /// Not yet.
    NotYet,
    /// The step is taken, or was taken before.
    Done,
    /// The step is not taken: it is not its time.
    Refused,
    /// Nothing is on its way.
    Nothing,
}

/// What an operator sees: the versions that each of the two has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// The old owner.
    pub old: [u8; 3],
    /// The new owner.
    pub new: [u8; 3],
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Value(version) => Answer::Value(version),
            Reply::Written(_) => Answer::Written,
            Reply::Frozen => Answer::Frozen,
            Reply::Moved => Answer::Moved,
            Reply::NotYet => Answer::NotYet,
        }
    }
}

impl Interface for HandoffInterface {
    type Model = Handoff;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Handoff, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let taken = |may: bool| if may { Answer::Done } else { Answer::Refused };
        let answer = match *action {
            Action::Write { client, key } => model.reply(from, client, key, true)?.into(),
            Action::Read { client, key } => model.reply(from, client, key, false)?.into(),
            Action::Refresh { .. } | Action::Freeze | Action::Crash => Answer::Done,
            Action::Copy => taken(model.may_copy(from)),
            Action::Deliver if from.copy.is_some() => Answer::Done,
            Action::Acknowledge if from.acknowledgement => Answer::Done,
            Action::Activate if from.handover => Answer::Done,
            Action::Deliver | Action::Acknowledge | Action::Activate => Answer::Nothing,
            Action::Release => taken(model.may_release(from)),
            Action::Delete => taken(to.is_some() || from.giving == Giving::Released),
        };
        Some((*action, answer))
    }

    fn snapshot(&self, _: &Handoff, state: &State) -> Option<Seen> {
        Some(Seen { old: state.old, new: state.new })
    }
}
