//! What the outside sees of a replicated log, and how it reads.

use std::collections::BTreeMap;

use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value as Json, json};

use super::model::{Action, LINKS, Node, ReplicatedLog, State, Value};

/// What the scheduler does to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A client appends the next value at a node.
    Append {
        /// The node.
        node: Node,
    },
    /// A node's clock ticks; then its application reads.
    Tick {
        /// The node.
        node: Node,
    },
    /// The oldest message on a link arrives; then the receiver's application reads.
    Deliver {
        /// The sender.
        from: Node,
        /// The receiver.
        to: Node,
    },
    /// The oldest message on a link is lost.
    Lose {
        /// The sender.
        from: Node,
        /// The receiver, which never gets it.
        to: Node,
    },
    /// A link is cut.
    Cut {
        /// The lower of the two nodes.
        one: Node,
        /// The higher of the two nodes.
        other: Node,
    },
    /// A link is up again, and both nodes are told.
    Heal {
        /// The lower of the two nodes.
        one: Node,
        /// The higher of the two nodes.
        other: Node,
    },
    /// A node crashes and is started again.
    Restart {
        /// The node.
        node: Node,
    },
    /// A node stops for good.
    Stop {
        /// The node.
        node: Node,
    },
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing comes of it that could be seen.
    Done,
    /// The application finds no further entry decided at its node.
    NothingNew,
    /// The application reads the next entry of the decided log.
    Decided(Value),
}

/// A replicated log as its clients and its network see it.
pub struct LogInterface;

impl Interface for LogInterface {
    type Model = ReplicatedLog;
    type Input = Input;
    type Output = Answer;
    type Snapshot = ();

    fn label(&self, _: &ReplicatedLog, _: &State, action: &Action, to: Option<&State>) -> Option<(Input, Answer)> {
        to?;
        let read = |reads: Option<Value>| reads.map_or(Answer::NothingNew, Answer::Decided);
        Some(match *action {
            Action::Append { node } => (Input::Append { node }, Answer::Done),
            Action::Tick { node, reads } => (Input::Tick { node }, read(reads)),
            Action::Deliver { from, to, reads } => (Input::Deliver { from, to }, read(reads)),
            Action::Lose { from, to } => (Input::Lose { from, to }, Answer::Done),
            Action::Cut { one, other } => (Input::Cut { one, other }, Answer::Done),
            Action::Heal { one, other } => (Input::Heal { one, other }, Answer::Done),
            Action::Restart { node } => (Input::Restart { node }, Answer::Done),
            Action::Stop { node } => (Input::Stop { node }, Answer::Done),
        })
    }
}

/// How the model reads.
pub struct LogSpec;

impl Spec for LogSpec {
    type Model = ReplicatedLog;

    fn parameters(&self, log: &ReplicatedLog) -> BTreeMap<String, String> {
        [
            ("values", log.values_max.to_string()),
            ("undecided", log.undecided_max.to_string()),
            ("calm", log.calm_min.to_string()),
            ("cuts", log.cuts_max.to_string()),
            ("losses", log.losses_max.to_string()),
            ("restarts", log.restarts_max.to_string()),
            ("stops", log.stops_max.to_string()),
            ("reader", format!("{:?}", log.reader)),
            ("order", format!("{:?}", log.order)),
            ("variant", format!("{:?}", log.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Append { node }
            | Action::Tick { node, .. }
            | Action::Deliver { to: node, .. }
            | Action::Restart { node }
            | Action::Stop { node } => format!("p{node}"),
            Action::Lose { .. } | Action::Cut { .. } | Action::Heal { .. } => "network".into(),
        }
    }

    fn state_json(&self, _: &ReplicatedLog, state: &State) -> Json {
        let decided = state.decided.iter().zip(state.read).map(|(decided, read)| {
            let words: Vec<String> = decided.iter().map(ToString::to_string).collect();
            let log = format!("[{}]", words.join(" "));
            if usize::from(read) < decided.len() { format!("{log}, {read} read") } else { log }
        });
        let appended: Vec<String> =
            state.appended.iter().enumerate().map(|(index, node)| format!("{} at p{node}", index + 1)).collect();
        let cut: Vec<String> = LINKS
            .iter()
            .zip(state.cut)
            .filter(|(_, cut)| *cut)
            .map(|((one, other), _)| format!("p{one}-p{other}"))
            .collect();
        let stopped: Vec<String> = state
            .stopped
            .iter()
            .enumerate()
            .filter(|(_, stopped)| **stopped)
            .map(|(node, _)| format!("p{node}"))
            .collect();
        json!({
            "appended": appended.join(", "),
            "decided": itf_state(&decided.collect::<Vec<_>>()),
            "cut": cut.join(", "),
            "stopped": stopped.join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                "of any two decided logs one begins with the other",
                "two nodes decided different values at the same place of the log",
            ),
            ("what is decided was appended", "no client ever appended that value"),
            ("no value is decided twice", "the value was in the log already"),
            ("a node keeps what it has decided", "the node decided it, and after a restart has not decided it"),
        ]
    }
}
