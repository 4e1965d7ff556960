//! The replicated log that sequence consensus promises, without how it comes about: one log, of which every node
//! decides a longer and longer beginning.
//!
//! Nodes, links and messages are named because a scheduler acts on them. The model holds no message and no ballot: at
//! any step a node may have come to know one entry more, and which one comes next in the log is left open. So it says
//! what may be decided, never that something is (it cannot: see the theorem of this folder).

use std::collections::BTreeSet;

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Number of nodes of the cluster.
pub const NODES: usize = 3;

/// Number of a node, 0-based.
pub type Node = u8;

/// An appended value: the first is 1, the next 2, whichever node they are appended at.
pub type Value = u8;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicatedLog {
    /// Most values that are appended in all.
    pub values_max: u8,
    /// Most values at a time that are appended and decided nowhere. A value may be lost, and then takes this room for
    /// ever.
    pub undecided_max: u8,
    /// Least appends, ticks and deliveries before something goes wrong, or a link is up again, and between two such
    /// steps: a walk that draws a fault at every other step gets nothing decided.
    pub calm_min: u8,
    /// Most times that a link is cut.
    pub cuts_max: u8,
    /// Most messages that are lost on links that are not cut.
    pub losses_max: u8,
    /// Most times that a node is restarted.
    pub restarts_max: u8,
    /// Most nodes that stop for good.
    pub stops_max: u8,
    /// What a restart does to the application that reads a node's log.
    pub reader: Reader,
    /// Which value may be decided next.
    pub order: Order,
    /// What is wrong with it.
    pub variant: Variant,
}

/// The application beside a node: after each step of the node it reads one more decided entry, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The application is restarted with its node, and reads the log from the beginning.
    StartsAnew,
    /// The application remembers how far it read.
    GoesOn,
}

/// Which of the appended values may be decided next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Any value may be decided next; so a value may be lost, and nobody is told.
    Any,
    /// The values of a node are decided in the order in which they were appended there: none is lost, or no later one
    /// is decided. No cluster of this folder promises that.
    AsAppended,
}

/// The sound log and one defect each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The log as it should be.
    Sound,
    /// A node that is at the end of its own log decides any value, whatever others decided there.
    ForksLog,
    /// A value that nobody appended may be decided.
    InventsValues,
    /// A value that is in the log may be decided again.
    DecidesAgain,
    /// A restarted node has decided nothing.
    ForgetsOnRestart,
}

/// Where the rules deviate: each hook is asked by them once.
impl Variant {
    /// The log that binds a node that has decided `own`: the log as far as it is known.
    fn binding<'a>(self, log: &'a [Value], own: &'a [Value]) -> &'a [Value] {
        if self == Variant::ForksLog { own } else { log }
    }

    /// The value that a node may decide next though nothing allows it.
    fn besides(self, log: &[Value], own: &[Value], values_max: u8) -> Option<Value> {
        let invented = values_max + 1;
        match self {
            Variant::Sound | Variant::ForksLog | Variant::ForgetsOnRestart => None,
            Variant::InventsValues => (own.len() == log.len() && !log.contains(&invented)).then_some(invented),
            Variant::DecidesAgain => (own.len() == log.len()).then(|| own.last().copied()).flatten(),
        }
    }

    /// Whether a restarted node has decided nothing.
    fn forgets_on_restart(self) -> bool {
        self == Variant::ForgetsOnRestart
    }
}

/// What the scheduler makes happen. What the application reads after it is the model's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client appends the next value at a node.
    Append {
        /// The node.
        node: Node,
    },
    /// The node's clock ticks.
    Tick {
        /// The node.
        node: Node,
        /// The next decided entry, as its application reads it then.
        reads: Option<Value>,
    },
    /// The oldest message on a link arrives.
    Deliver {
        /// The sender.
        from: Node,
        /// The receiver.
        to: Node,
        /// The receiver's next decided entry, as its application reads it then.
        reads: Option<Value>,
    },
    /// The oldest message on a link is lost.
    Lose {
        /// The sender.
        from: Node,
        /// The receiver, which never gets it.
        to: Node,
    },
    /// The link between two nodes is cut, in both directions.
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
    /// A node crashes and is started again on what it stored.
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

/// A configuration.
///
/// Invariants, whatever the variant: no application has read more than its node has decided, and no node has decided
/// more than was ever known of it; no more was appended, cut, lost, restarted or stopped than the model allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Node at which each value was appended: value `v` at index `v - 1`.
    pub appended: Vec<Node>,
    /// What each node is known to have decided.
    pub decided: [Vec<Value>; NODES],
    /// Number of these entries that the node's application has read since it was started.
    pub read: [u8; NODES],
    /// Number of entries that were ever known to be decided at a node: a history variable.
    pub known: [u8; NODES],
    /// Whether each link is cut, by the node that is not on it.
    pub cut: [bool; NODES],
    /// Whether each node has stopped.
    pub stopped: [bool; NODES],
    /// Steps since something last went wrong, as far as it matters.
    pub calm: u8,
    /// Cuts so far.
    pub cuts: u8,
    /// Messages lost so far.
    pub losses: u8,
    /// Restarts so far.
    pub restarts: u8,
}

/// The links, each by its two nodes, lower first.
pub const LINKS: [(Node, Node); NODES] = [(1, 2), (0, 2), (0, 1)];

/// The index of the link between two nodes in [`LINKS`]: the number of the node that is not on it.
pub fn link(one: Node, other: Node) -> usize {
    NODES - usize::from(one) - usize::from(other)
}

/// All nodes.
pub fn nodes() -> impl Iterator<Item = Node> {
    0..NODES as Node
}

impl State {
    /// The log as far as it is known: the longest that some node decided.
    pub fn log(&self) -> &[Value] {
        self.decided.iter().max_by_key(|decided| decided.len()).map_or(&[], Vec::as_slice)
    }

    /// The appended values that are decided nowhere, in the order in which they were appended.
    pub(super) fn undecided(&self) -> impl Iterator<Item = Value> {
        (1..=self.appended.len() as Value).filter(|value| !self.decided.iter().any(|log| log.contains(value)))
    }

    pub(super) fn appended_at(&self, value: Value) -> Option<Node> {
        usize::from(value).checked_sub(1).and_then(|index| self.appended.get(index)).copied()
    }

    /// Whether the invariants hold.
    fn is_consistent(&self, model: &ReplicatedLog) -> bool {
        let decided = |node: Node| self.decided[usize::from(node)].len();
        nodes().all(|node| usize::from(self.read[usize::from(node)]) <= decided(node))
            && nodes().all(|node| decided(node) <= usize::from(self.known[usize::from(node)]))
            && self.appended.len() <= usize::from(model.values_max)
            && self.cuts <= model.cuts_max
            && self.losses <= model.losses_max
            && self.restarts <= model.restarts_max
            && self.stopped.iter().filter(|stopped| **stopped).count() <= usize::from(model.stops_max)
    }

    pub(super) fn is_cut_off(&self, node: Node) -> bool {
        nodes().filter(|other| *other != node).all(|other| self.cut[link(node, other)])
    }
}

impl ReplicatedLog {
    /// A log small enough to be explored.
    pub fn small() -> Self {
        ReplicatedLog {
            values_max: 2,
            undecided_max: 2,
            calm_min: 0,
            cuts_max: 2,
            losses_max: 0,
            restarts_max: 1,
            stops_max: 0,
            reader: Reader::StartsAnew,
            order: Order::Any,
            variant: Variant::Sound,
        }
    }

    /// The model with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        ReplicatedLog { variant, ..self }
    }

    /// The entries that the application of `node` may read next.
    fn readable(&self, state: &State, node: Node) -> Vec<Option<Value>> {
        let own = &state.decided[usize::from(node)];
        let read = usize::from(state.read[usize::from(node)]);
        if let Some(value) = own.get(read) {
            // It was read before: it is still there.
            return vec![Some(*value)];
        }
        let log = state.log();
        let mut readable = vec![None];
        let binding = self.variant.binding(log, own);
        match binding.get(own.len()) {
            Some(value) => readable.push(Some(*value)),
            None => {
                let mut heads: BTreeSet<Node> = BTreeSet::new();
                let values = (1..=state.appended.len() as Value).filter(|value| {
                    let first = |at: Node| heads.insert(at);
                    !binding.contains(value)
                        && (self.order == Order::Any || state.appended_at(*value).is_some_and(first))
                });
                readable.extend(values.map(Some));
            }
        }
        readable.extend(self.variant.besides(log, own, self.values_max).map(Some));
        readable
    }

    /// Lets the application of `node` read; `None` where a defect would let the log grow for ever.
    fn read(&self, state: &mut State, node: Node, reads: Option<Value>) -> Option<()> {
        let node = usize::from(node);
        let Some(value) = reads else { return Some(()) };
        if usize::from(state.read[node]) == state.decided[node].len() {
            if state.decided[node].len() > usize::from(self.values_max) {
                return None;
            }
            state.decided[node].push(value);
            state.known[node] = state.known[node].max(state.decided[node].len() as u8);
        }
        state.read[node] += 1;
        Some(())
    }
}

impl Model for ReplicatedLog {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let lives = |node: &Node| !state.stopped[usize::from(*node)];
        let room = state.appended.len() < usize::from(self.values_max)
            && state.undecided().count() < usize::from(self.undecided_max);
        let calm = state.calm >= self.calm_min;
        for node in nodes().filter(lives) {
            if room {
                actions.push(Action::Append { node });
            }
            let readable = self.readable(state, node);
            actions.extend(readable.iter().map(|reads| Action::Tick { node, reads: *reads }));
            for from in nodes().filter(|from| *from != node && !state.cut[link(*from, node)]) {
                actions.extend(readable.iter().map(|reads| Action::Deliver { from, to: node, reads: *reads }));
                if calm && state.losses < self.losses_max {
                    actions.push(Action::Lose { from, to: node });
                }
            }
            if calm && state.restarts < self.restarts_max {
                actions.push(Action::Restart { node });
            }
            let stops = state.stopped.iter().filter(|stopped| **stopped).count();
            if calm && stops < usize::from(self.stops_max) {
                actions.push(Action::Stop { node });
            }
        }
        for (index, (one, other)) in LINKS.into_iter().enumerate().filter(|_| calm) {
            if state.cut[index] {
                actions.push(Action::Heal { one, other });
            } else if state.cuts < self.cuts_max {
                actions.push(Action::Cut { one, other });
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        after.calm = match action {
            Action::Append { .. } | Action::Tick { .. } | Action::Deliver { .. } => {
                (before.calm + 1).min(self.calm_min)
            }
            Action::Lose { .. }
            | Action::Cut { .. }
            | Action::Heal { .. }
            | Action::Restart { .. }
            | Action::Stop { .. } => 0,
        };
        match action {
            Action::Append { node } => after.appended.push(node),
            Action::Tick { node, reads } | Action::Deliver { to: node, reads, .. } => {
                self.read(&mut after, node, reads)?;
            }
            Action::Lose { .. } => after.losses += 1,
            Action::Cut { one, other } => {
                after.cut[link(one, other)] = true;
                after.cuts += 1;
            }
            Action::Heal { one, other } => after.cut[link(one, other)] = false,
            Action::Restart { node } => {
                let node = usize::from(node);
                after.restarts += 1;
                if self.reader == Reader::StartsAnew {
                    after.read[node] = 0;
                }
                if self.variant.forgets_on_restart() {
                    after.read[node] = 0;
                    after.decided[node].clear();
                }
            }
            Action::Stop { node } => after.stopped[usize::from(node)] = true,
        }
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
