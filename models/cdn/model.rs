//! Sub-model *purge*: two edges below a shield below an origin whose content changes and is then purged.
//!
//! A fill is three steps: it starts, it reads what is there at that moment, and it stores what it has read. Between any two
//! of them the origin may change and a purge may come. A purge is a message to each node; it may be late, lost, or come
//! twice, because what it was confirmed with was lost. It is acknowledged when every node has confirmed it.
//!
//! Nothing is said of an epoch's number: what counts is whether a fill began in the epoch that the node is in now.

use serde::Serialize;
use stateright::{Model, Property};

pub use super::deviations::Variant;
use super::properties;
use super::steps::Step;

/// The shield, and two edges below it.
pub const NODES: usize = 3;

/// Which of the nodes is the shield. The others are edges.
pub const SHIELD: usize = 0;

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Edges below the shield, 1 or 2.
    pub edges: u8,
    /// Times that the origin's content changes.
    pub updates_max: u8,
    /// Ticks that the content is fresh for. `None`: no time passes.
    pub ttl: Option<u8>,
    /// Ticks beyond its life for which an edge serves content while it asks anew (RFC 5861 §3).
    pub window: u8,
    /// Ticks after which a fill is given up.
    pub timeout: u8,
    /// Whether a fill that began before a purge is stored after it: with epochs it is not.
    pub epochs: bool,
    /// Whether the edges are told of a purge only when the shield has confirmed it.
    pub shield_first: bool,
    /// Purges, and confirmations of them, that are lost.
    pub losses_max: u8,
    /// Times that a node is restarted. What it has stored is on its disk.
    pub restarts_max: u8,
    /// Unsafe requests that go through the first edge.
    pub writes_max: u8,
    /// Ticks that each node's clock is ahead of the origin's, the shield's first; negative: behind.
    pub skews: [i8; NODES],
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks an edge, which serves or starts a fill.
    Request {
        /// 1-based: the shield is node 0.
        edge: u8,
    },
    /// An edge's request reaches the shield, which has nothing to serve it with, and starts a fill.
    Start,
    /// What a fill is after is read: at the origin by the shield, at the shield by an edge.
    Snapshot {
        /// The node that fills.
        node: u8,
    },
    /// What was read arrives, and is stored.
    Store {
        /// The node that fills.
        node: u8,
    },
    /// The origin's content changes, and the purge of what it was is sent.
    Update,
    /// A purge arrives, and its confirmation too.
    Deliver {
        /// The node that is told.
        node: u8,
    },
    /// A purge arrives, and its confirmation is lost.
    DeliverUnheard {
        /// The node that is told.
        node: u8,
    },
    /// A purge is lost.
    Lose {
        /// The node that is not told.
        node: u8,
    },
    /// A purge that was not confirmed is sent again.
    Resend {
        /// The node that is told.
        node: u8,
    },
    /// A node is restarted.
    Restart {
        /// Which.
        node: u8,
    },
    /// A client sends an unsafe request through the first edge.
    Write,
    /// The origin does as the unsafe request says.
    Apply,
    /// The origin's answer passes the shield, and then the first edge.
    Answer,
    /// Time passes.
    Tick,
}

/// A configuration.
///
/// Invariants: nodes beyond the model's are as they began; nobody was told of a purge that was not sent, nor has confirmed
/// one; what is stored has not reached the end of its life and its window, by the node's own reckoning; a fill is given up
/// in time, unless the variant waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The origin's version.
    pub version: u8,
    /// The version that is to be the oldest, by the last purge that was sent.
    pub target: u8,
    /// The nodes, the shield first.
    pub nodes: [Node; NODES],
    /// Purges and confirmations lost.
    pub losses: u8,
    /// Restarts.
    pub restarts: u8,
    /// Unsafe requests begun.
    pub writes: u8,
    /// Where the unsafe request is.
    pub write: Option<Write>,
    /// The version that the last unsafe request made, once its answer has passed the edge.
    pub written: u8,
    /// What the last step has shown.
    pub breach: Option<Breach>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is stored.
    pub held: Option<Copy>,
    /// The fill under way.
    pub fill: Option<Fill>,
    /// The purge on its way, by its version.
    pub mail: Option<u8>,
    /// The last purge that it has confirmed.
    pub confirmed: u8,
    /// What is still on the disk of a node that purges its memory alone.
    pub shadow: Option<Copy>,
    /// It has held content whose life has ended. Only [`Variant::CollapsesFirstFillAlone`] looks.
    pub has_ended: bool,
}

/// A copy of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Copy {
    /// Its version.
    pub version: u8,
    /// Ticks since it was read at the origin. No node looks at it.
    pub age: u8,
    /// Its age as the node reckons.
    pub reckoned: u8,
}

/// A fill under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fill {
    /// A purge has come since it began.
    pub is_outdated: bool,
    /// Ticks since it began.
    pub waited: u8,
    /// A client waits for it.
    pub is_waited: bool,
    /// The version that it asks to have validated.
    pub validates: Option<u8>,
    /// What was read.
    pub read: Option<Copy>,
    /// What was read says only that the version is the same (304).
    pub not_modified: bool,
    /// The age that was said of what was read, where clocks differ; history.
    pub said: u8,
}

/// Where an unsafe request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// On its way.
    Sent,
    /// The origin has done it.
    Applied(u8),
    /// Its answer has passed the shield.
    Passed(u8),
}

/// What should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Breach {
    /// A client was served what is older than the last acknowledged purge.
    ServedPurged,
    /// A client was served what is older than what was written through the same edge.
    ServedOverwritten,
    /// A client was served what the origin said longer ago than its life and the window.
    ServedExpired,
    /// A node took for younger than it was told what it read of another.
    AgeFell,
}

/// What a client or operator is told by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// The version that a client is served at once.
    pub served: Option<u8>,
    /// Whether a request went upstream.
    pub asked: bool,
    /// Whether that request asks to have a version validated.
    pub validates: bool,
    /// Whether what was read was the content (`Some(true)`) or a 304.
    pub content: Option<bool>,
}

impl Purge {
    /// Both guards, two edges, one update, no time.
    pub fn small() -> Self {
        Purge {
            edges: 2,
            updates_max: 1,
            ttl: None,
            window: 0,
            timeout: 2,
            epochs: true,
            shield_first: true,
            losses_max: 0,
            restarts_max: 0,
            writes_max: 0,
            skews: [0; NODES],
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Purge { variant, ..self }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        usize::from(self.edges) + 1
    }

    /// Whether a node would serve it as fresh.
    pub fn is_fresh(&self, copy: Copy) -> bool {
        self.ttl.is_none_or(|ttl| copy.reckoned < ttl)
    }

    /// Ticks for which a copy may be kept.
    pub(super) fn kept(&self) -> u8 {
        self.ttl.map_or(u8::MAX, |ttl| ttl + self.window)
    }

    /// Whether some clock is not the origin's.
    pub fn is_skewed(&self) -> bool {
        self.skews != [0; NODES]
    }

    /// The oldest version that may still be served, by the purges that were acknowledged.
    pub fn acknowledged(&self, state: &State) -> u8 {
        if self.acknowledges_unconfirmed() { state.target } else { self.confirmed(state) }
    }

    /// The last purge that every node has confirmed.
    pub fn confirmed(&self, state: &State) -> u8 {
        state.nodes[..self.nodes()].iter().map(|node| node.confirmed).min().unwrap_or(0)
    }

    /// Whether a request there starts a fill: it does not wait for one that a purge has overtaken.
    pub(super) fn may_start(&self, node: &Node) -> bool {
        node.fill.is_none_or(|fill| fill.is_outdated && self.epochs && !self.discards_old_read_alone())
    }

    fn is_offered(&self, state: &State, action: Action) -> bool {
        let node = |node: u8| &state.nodes[usize::from(node)];
        match action {
            Action::Request { .. } => true,
            Action::Start => {
                let asks = |edge: &Node| edge.fill.is_some_and(|fill| fill.read.is_none());
                let serves = node(0).held.is_some_and(|copy| self.is_served_on(copy));
                !serves && self.may_start(node(0)) && state.nodes[1..].iter().any(asks)
            }
            Action::Snapshot { node: 0 } => node(0).fill.is_some_and(|fill| fill.read.is_none()),
            Action::Snapshot { node: edge } => {
                let serves = node(0).held.is_some_and(|copy| self.is_served_on(copy));
                serves && node(edge).fill.is_some_and(|fill| fill.read.is_none())
            }
            Action::Store { node: at } => node(at).fill.is_some_and(|fill| fill.read.is_some()),
            Action::Update => state.version < self.updates_max,
            Action::Deliver { node: at } => node(at).mail.is_some(),
            Action::DeliverUnheard { node: at } | Action::Lose { node: at } => {
                node(at).mail.is_some() && state.losses < self.losses_max
            }
            Action::Resend { node: at } => {
                let is_due = node(at).confirmed < state.target && node(at).mail.is_none();
                let in_turn = at == 0 || !self.shield_first || node(0).confirmed == state.target;
                is_due && in_turn && !self.never_sends_again()
            }
            Action::Restart { .. } => state.restarts < self.restarts_max,
            Action::Write => state.writes < self.writes_max && state.write.is_none(),
            Action::Apply => state.write == Some(Write::Sent),
            Action::Answer => matches!(state.write, Some(Write::Applied(_) | Write::Passed(_))),
            Action::Tick => self.ttl.is_some(),
        }
    }

    /// Whether the shield serves it to an edge: what is stale it asks for anew, unless it was purged softly.
    pub(super) fn is_served_on(&self, copy: Copy) -> bool {
        self.is_fresh(copy) || self.purges_shield_softly()
    }

    /// What `action` makes of `before`, and what the outside is told. What is not possible changes nothing.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        if !self.is_offered(before, action) {
            return (before.clone(), Told::default());
        }
        let mut step = Step::new(self, before);
        match action {
            Action::Request { edge } => step.request(edge.into()),
            Action::Start => step.start(SHIELD, true),
            Action::Snapshot { node } => step.snapshot(node.into()),
            Action::Store { node } => step.store(node.into()),
            Action::Update => step.update(),
            Action::Deliver { node } => step.deliver(node.into(), true),
            Action::DeliverUnheard { node } => step.deliver(node.into(), false),
            Action::Lose { node } => step.lose(node.into()),
            Action::Resend { node } => step.state.nodes[usize::from(node)].mail = Some(before.target),
            Action::Restart { node } => step.restart(node.into()),
            Action::Write => step.write(),
            Action::Apply => step.apply(),
            Action::Answer => step.answer(),
            Action::Tick => step.tick(),
        }
        (step.state, step.told)
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Purge) -> bool {
        let (nodes, beyond) = self.nodes.split_at(model.nodes());
        let of_node = |node: &Node| {
            node.confirmed <= self.target
                && node.mail.is_none_or(|version| version <= self.target)
                && node.held.is_none_or(|copy| copy.reckoned < model.kept())
                && node.shadow.is_none_or(|_| model.purges_memory_alone())
                && (!node.has_ended || model.collapses_first_fill_alone())
                && node.fill.is_none_or(|fill| {
                    (fill.waited < model.timeout || model.never_times_out())
                        && (fill.read.is_some() || !fill.not_modified)
                })
        };
        nodes.iter().all(of_node)
            && beyond.iter().all(|node| *node == Node::default())
            && self.target <= self.version + u8::from(model.purges_before_deploy())
            && self.losses <= model.losses_max
            && self.restarts <= model.restarts_max
            && self.writes <= model.writes_max
            && (self.write.is_none() || self.writes > 0)
            && self.written <= self.version
    }
}

impl Model for Purge {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let nodes = 0..self.edges + 1;
        let mut all: Vec<Action> = (1..=self.edges).map(|edge| Action::Request { edge }).collect();
        all.extend([Action::Start, Action::Update, Action::Write, Action::Apply, Action::Answer, Action::Tick]);
        for node in nodes {
            all.extend([
                Action::Snapshot { node },
                Action::Store { node },
                Action::Deliver { node },
                Action::DeliverUnheard { node },
                Action::Lose { node },
                Action::Resend { node },
                Action::Restart { node },
            ]);
        }
        actions.extend(all.into_iter().filter(|action| self.is_offered(state, *action)));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before || action == Action::Tick).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
