//! Sub-model `chord`: members of a ring find their successors while others join and fail.
//!
//! Two sets of rules: those of the first papers, and the corrected ones. Members are numbered by identifier. What the
//! rules say of a *member* is true of nodes that are alive; the others' pointers to a node that failed stay until some
//! rule replaces them. Everything is read from the node that is asked in the step that asks it, except at the level of
//! messages, where a query and its answer are two steps.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most identifiers that a state has room for.
pub const NODES_MAX: usize = 6;
/// Longest list of successors.
pub const LIST_MAX: usize = 3;
/// No node.
pub const NONE: u8 = u8::MAX;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Identifiers: 0 up to here, and after the last comes 0.
    pub nodes: u8,
    /// Successors that each member lists. 2 by the original rules.
    pub list: u8,
    /// Which rules.
    pub rules: Rules,
    /// Whether members fail.
    pub fails: bool,
    /// Whether an identifier that failed may join again.
    pub rejoins: bool,
    /// Whether joins and failures may end at some moment, and what is promised from then on is asked.
    pub settles: bool,
    /// Whether a query and its answer are two steps. For the corrected rules.
    pub messages: bool,
    /// Whether a stabilize tells the successor in the same step. For the original rules.
    pub tells: bool,
    /// What goes otherwise than it should.
    pub variant: Variant,
}

/// Which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Of the first papers: what is adopted may be dead.
    Original,
    /// The same, and join and stabilize adopt only who is alive.
    AdoptsTheLive,
    /// The corrected ones.
    Corrected,
}

/// `Sound`, then one defect each. All of the corrected rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As it should be.
    #[default]
    Sound,
    /// Whoever is notified keeps its predecessor though that is dead.
    KeepsDeadPredecessor,
    /// Whoever joins takes over one successor and not the list.
    CopiesSuccessorOnly,
    /// A list that has lost its head is filled up with its own last entry.
    PadsWithLast,
    /// Members fail until too few are left that nobody skips.
    ShrinksBase,
    /// Adopts its successor's predecessor without asking it.
    AdoptsUnasked,
    /// Never asks its successor's predecessor.
    NeverMovesCloser,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A node joins, by way of a member that precedes it.
    Join {
        /// Who.
        node: u8,
        /// By whom.
        by: u8,
    },
    /// From now on nobody joins or fails.
    Settle,
    /// A member fails.
    Fail {
        /// Who.
        node: u8,
    },
    /// A member asks its successor: for its predecessor by the original rules, for its list by the corrected ones.
    Stabilize {
        /// Who.
        node: u8,
    },
    /// Corrected: a member asks its successor's predecessor, if that is closer.
    StabilizeFromPredecessor {
        /// Who.
        node: u8,
    },
    /// Original: a member hears from one that takes it for its successor.
    Notified {
        /// Who hears.
        node: u8,
        /// Of whom.
        by: u8,
    },
    /// Corrected: the same; it looks whether its predecessor is alive.
    Rectify {
        /// Who hears.
        node: u8,
        /// Of whom.
        by: u8,
    },
    /// Original: a member forgets a dead predecessor.
    Flush {
        /// Who.
        node: u8,
    },
    /// Original: a member takes its second successor for a dead first one.
    Update {
        /// Who.
        node: u8,
    },
    /// Original: a member asks its successor for its second one.
    Reconcile {
        /// Who.
        node: u8,
    },
    /// At the level of messages: a member sends its successor a query.
    Ask {
        /// Who.
        node: u8,
    },
    /// At the level of messages: the query is answered, or nobody is there to.
    Answered {
        /// Who had asked.
        node: u8,
    },
}

/// What a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// Its successors, nearest first; `NONE` beyond the list.
    pub list: [u8; LIST_MAX],
    /// Its predecessor, or `NONE`.
    pub predecessor: u8,
}

/// Whom a member has asked, at the level of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Query {
    /// Nobody.
    #[default]
    None,
    /// Its successor, as it was then.
    Successor(u8),
    /// Its successor's predecessor, as it was then.
    Predecessor(u8),
}

/// A configuration. Who is not a member knows nothing: its peer is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// By identifier.
    pub peers: [Option<Peer>; NODES_MAX],
    /// By identifier: has failed and may not join again.
    pub gone: [bool; NODES_MAX],
    /// By identifier; `None` but at the level of messages.
    pub queries: [Query; NODES_MAX],
    /// Whether nobody joins or fails any more.
    pub settled: bool,
}

impl State {
    /// Whether a node is a member.
    pub fn is_live(&self, node: u8) -> bool {
        self.peers.get(usize::from(node)).is_some_and(Option::is_some)
    }

    /// Who is a member, by identifier.
    pub fn members(&self) -> impl Iterator<Item = (u8, &Peer)> {
        self.peers.iter().enumerate().filter_map(|(node, peer)| Some((node as u8, peer.as_ref()?)))
    }

    pub(super) fn peer(&mut self, node: u8) -> Option<&mut Peer> {
        self.peers.get_mut(usize::from(node))?.as_mut()
    }

    pub(super) fn of(&self, node: u8) -> Option<&Peer> {
        self.peers.get(usize::from(node))?.as_ref()
    }
}

/// Whether `node` lies after `after` and before `before`, clockwise. All but that one do if the two are one.
pub fn between(after: u8, node: u8, before: u8) -> bool {
    if after < before { after < node && node < before } else { after < node || node < before }
}

impl Chord {
    /// The original rules on `nodes` identifiers.
    pub const fn original(nodes: u8) -> Self {
        Chord {
            nodes,
            list: 2,
            rules: Rules::Original,
            fails: true,
            rejoins: true,
            settles: false,
            messages: false,
            tells: false,
            variant: Variant::Sound,
        }
    }

    /// The corrected rules on `nodes` identifiers, lists of `list`.
    pub const fn corrected(nodes: u8, list: u8) -> Self {
        Chord { list, rules: Rules::Corrected, ..Chord::original(nodes) }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    pub(super) fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    pub(super) fn length(&self) -> usize {
        usize::from(self.list)
    }
}

impl Model for Chord {
    type State = State;
    type Action = Action;

    /// The original rules begin with one node, the corrected ones with the least ring that they allow.
    fn init_states(&self) -> Vec<State> {
        let mut peers = [None; NODES_MAX];
        match self.rules {
            Rules::Original | Rules::AdoptsTheLive => {
                peers[0] = Some(Peer { list: [0, NONE, NONE], predecessor: NONE });
            }
            Rules::Corrected => {
                let base = self.list + 1;
                for node in 0..base {
                    let mut list = [NONE; LIST_MAX];
                    for (at, entry) in list[..self.length()].iter_mut().enumerate() {
                        *entry = (node + 1 + at as u8) % base;
                    }
                    peers[usize::from(node)] = Some(Peer { list, predecessor: (node + base - 1) % base });
                }
            }
        }
        vec![State { peers, gone: [false; NODES_MAX], queries: [Query::None; NODES_MAX], settled: false }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if self.settles && !state.settled {
            actions.push(Action::Settle);
        }
        for node in 0..self.nodes {
            match state.of(node) {
                Some(peer) => {
                    self.maintenance(state, node, peer, actions);
                    if !state.settled && self.may_fail(state, node) {
                        actions.push(Action::Fail { node });
                    }
                }
                None if !state.settled && !state.gone[usize::from(node)] => {
                    let members = state.members().map(|(by, _)| by);
                    let by = members.filter(|by| self.joined(state, node, *by).is_some());
                    actions.extend(by.map(|by| Action::Join { node, by }));
                }
                None => {}
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        match action {
            Action::Join { node, by } => {
                after.peers[usize::from(node)] = Some(self.joined(before, node, by)?);
            }
            Action::Fail { node } => {
                after.peers[usize::from(node)] = None;
                after.gone[usize::from(node)] = !self.rejoins;
                after.queries[usize::from(node)] = Query::None;
            }
            Action::Settle => after.settled = true,
            Action::Stabilize { node } if self.rules == Rules::Corrected => {
                let successor = before.of(node)?.list[0];
                self.take_over(&mut after, node, successor);
            }
            Action::Stabilize { node } => {
                self.adopt(&mut after, node);
                if self.tells {
                    let successor = after.of(node)?.list[0];
                    self.notify(&mut after, successor, node);
                }
            }
            Action::StabilizeFromPredecessor { node } => {
                let closer = self.closer(before, node)?;
                self.move_closer(&mut after, node, closer);
            }
            Action::Notified { node, by } | Action::Rectify { node, by } => self.notify(&mut after, node, by),
            Action::Flush { node } => {
                let peer = after.peer(node)?;
                if !before.is_live(peer.predecessor) {
                    peer.predecessor = NONE;
                }
            }
            Action::Update { node } => {
                let peer = after.peer(node)?;
                if !before.is_live(peer.list[0]) && peer.list[1] != NONE {
                    peer.list = [peer.list[1], NONE, NONE];
                }
            }
            Action::Reconcile { node } => {
                let second = before.of(before.of(node)?.list[0])?.list[0];
                after.peer(node)?.list[1] = second;
            }
            Action::Ask { node } => {
                after.queries[usize::from(node)] = Query::Successor(before.of(node)?.list[0]);
            }
            Action::Answered { node } => self.answered(&mut after, node),
        }
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties(self)
    }
}
