//! Sub-model `ring`, the protocol's own: who owns which key, view by view.
//!
//! A placement is a function of the view. So the state is two views, the one now and the one before, and every key is
//! looked up in both: what moves is compared as a set, never as a number. On a ring of a few positions every position
//! is a key. How positions come about is not modelled: points and scores are parameters.

use serde::Serialize;
use stateright::{Model, Property};

use super::placing;
use super::properties;

/// Most nodes that a state has room for.
pub const NODES_MAX: usize = 4;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Positions of the ring, and keys: 0 up to here.
    pub positions: u8,
    /// How keys find nodes.
    pub policy: Policy,
    /// Nodes in the first view, in the order in which they came.
    pub first: Vec<u8>,
    /// Nodes that may come.
    pub nodes: u8,
    /// Weights that a node may have: 1 up to here.
    pub weight_max: u8,
    /// Nodes that a key is kept on.
    pub replicas: u8,
    /// By node: what fails together.
    pub zones: [u8; NODES_MAX],
    /// What goes otherwise than it should.
    pub variant: Variant,
}

/// How keys find nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The first point clockwise.
    Ring {
        /// By node, its points in the order in which greater weights add them.
        points: Vec<Vec<u8>>,
        /// Points of a node of weight 1.
        points_per_weight: u8,
    },
    /// The same, and no node has more than its share of the keys.
    Bounded {
        /// By node.
        points: Vec<Vec<u8>>,
        /// Of the mean: 125 is c = 1.25.
        percent: u8,
    },
    /// The node with the highest score.
    Rendezvous {
        /// By node, by key.
        scores: Vec<Vec<u64>>,
    },
    /// A bucket of the first so many, nodes being numbered as they came.
    Jump {
        /// By count less 1, by key.
        buckets: Vec<Vec<u8>>,
        /// Whether only the last one that came may leave.
        last_leaves: bool,
    },
    /// A table that the nodes fill in turn, each by its own permutation.
    Maglev {
        /// Entries of the table, a prime.
        entries: u8,
    },
    /// A bucket that has a node, found by drawing anew where it is empty. Any may be emptied; who comes takes the one
    /// that was emptied last.
    Anchor {
        /// How many there are.
        buckets: u8,
        /// By key, what the first one is drawn by.
        first: Vec<u64>,
        /// By bucket that is empty, by key, what the next one is drawn by.
        again: Vec<Vec<u64>>,
    },
    /// The key modulo the number of nodes.
    Modulo,
}

/// `Sound`, then one defect each. All of the ring, but for the last, of anchors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As it should be.
    #[default]
    Sound,
    /// Of two points in one place the one whose node came first counts.
    TiesByOrder,
    /// A point that meets another takes its place; when a node leaves, whatever stands in its places goes.
    OverwritesPoint,
    /// Replicas are the next points, whoever's they are.
    ListsPoints,
    /// Replicas are the owner, and then the nodes in the order of numbers.
    ListsByNumber,
    /// Replicas across zones are the next nodes, wherever they are.
    IgnoresZones,
    /// Where the next node is in a zone that has a replica there are said to be too few zones.
    StopsAtSameZone,
    /// The plan leaves out the arc that goes over position 0.
    PlanStopsAtZero,
    /// A node with room is passed.
    SkipsRoom,
    /// The node beside the fullest takes one more than its share.
    ExceedsShare,
    /// A node that joins takes the arcs behind its points, not those before.
    TakesArcBehind,
    /// A node of greater weight is given wholly other points.
    ReplacesPoints,
    /// A node has points by its share of all weight, times the number of nodes.
    SharesPoints,
    /// Who comes takes the first bucket that is empty, not the one that was emptied last.
    FillsFirstBucket,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A node joins, last.
    Join {
        /// Who.
        node: u8,
        /// With how many times the points of weight 1.
        weight: u8,
    },
    /// A node leaves.
    Leave {
        /// Who.
        node: u8,
    },
    /// A node's weight becomes another.
    Reweight {
        /// Who.
        node: u8,
        /// The new one.
        weight: u8,
    },
    /// Who owns a key?
    Owner {
        /// Its position.
        key: u8,
    },
    /// Who keeps it?
    Preference {
        /// Its position.
        key: u8,
    },
    /// Who keeps it, each in another zone?
    AcrossZones {
        /// Its position.
        key: u8,
    },
    /// What has to move from the view before to this one?
    Plan,
}

/// The nodes and their weights, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    /// Node and weight. With buckets they stand in the order of numbers: who came when is told by those.
    pub nodes: Vec<(u8, u8)>,
    /// Buckets without a node, the one that was emptied last at the end. Of anchors.
    pub emptied: Vec<u8>,
}

impl View {
    /// The weight of a node; 0 of one that is not there.
    pub fn weight(&self, node: u8) -> u8 {
        self.nodes.iter().find(|(other, _)| *other == node).map_or(0, |(_, weight)| *weight)
    }

    /// The same view in the order of numbers.
    #[must_use]
    pub fn sorted(&self) -> View {
        let mut sorted = self.clone();
        sorted.nodes.sort_unstable();
        sorted
    }
}

/// Who stands in each bucket of an anchor; or at each position, where points overwrite each other. Else empty.
pub type Slots = Vec<Option<u8>>;

/// A configuration. `before` is the view that one step made `now` of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The view.
    pub now: View,
    /// The one before.
    pub before: View,
    /// Of the view.
    pub slots: Slots,
    /// Of the one before.
    pub slots_before: Slots,
}

impl Placement {
    /// Four nodes on sixteen positions, two points for each unit of weight. Some points collide.
    pub fn ring() -> Self {
        Placement {
            positions: 16,
            policy: Policy::Ring {
                points: vec![vec![1, 9, 5, 13], vec![4, 12, 1, 8], vec![7, 15, 12, 2], vec![9, 3, 10, 6]],
                points_per_weight: 2,
            },
            first: Vec::new(),
            nodes: 4,
            weight_max: 2,
            replicas: 2,
            zones: [0, 0, 1, 1],
            variant: Variant::Sound,
        }
    }

    /// The same nodes by another policy, all of weight 1.
    pub fn by(policy: Policy) -> Self {
        Placement { policy, weight_max: 1, ..Placement::ring() }
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

    /// Whether a node may leave by this policy.
    pub(super) fn may_leave(&self, view: &View, node: u8) -> bool {
        match self.policy {
            Policy::Jump { last_leaves: true, .. } => view.nodes.last().is_some_and(|(last, _)| *last == node),
            _ => view.weight(node) > 0,
        }
    }

    fn change(&self, state: &State, change: impl FnOnce(&mut State)) -> State {
        let mut after = state.clone();
        after.before = state.now.clone();
        after.slots_before = state.slots.clone();
        change(&mut after);
        after
    }

    /// The node comes, last.
    fn enter(&self, view: &mut View, slots: &mut Slots, node: u8, weight: u8) {
        view.nodes.push((node, weight));
        match &self.policy {
            Policy::Anchor { .. } => {
                view.nodes.sort_unstable();
                let first = view.emptied.iter().enumerate().min_by_key(|(_, bucket)| **bucket).map(|(at, _)| at);
                let filled = match first {
                    Some(first) if self.is(Variant::FillsFirstBucket) => Some(view.emptied.remove(first)),
                    _ => view.emptied.pop(),
                };
                if let Some(bucket) = filled {
                    slots[usize::from(bucket)] = Some(node);
                }
            }
            _ => self.overwrite(view, slots, (node, weight), Some(node)),
        }
    }

    fn exit(&self, view: &mut View, slots: &mut Slots, node: u8) {
        let weight = view.weight(node);
        match &self.policy {
            Policy::Anchor { .. } => {
                if let Some(bucket) = slots.iter().position(|owner| *owner == Some(node)) {
                    slots[bucket] = None;
                    view.emptied.push(bucket as u8);
                }
            }
            _ => self.overwrite(view, slots, (node, weight), None),
        }
        view.nodes.retain(|(other, _)| *other != node);
    }

    fn overwrite(&self, view: &View, slots: &mut Slots, (node, weight): (u8, u8), by: Option<u8>) {
        if self.is(Variant::OverwritesPoint) {
            slots.resize(usize::from(self.positions), None);
            for point in placing::points_of(self, view, node, weight) {
                slots[usize::from(*point)] = by;
            }
        }
    }

    /// Whether there is room for one more.
    fn has_room(&self, view: &View) -> bool {
        !matches!(self.policy, Policy::Anchor { .. }) || !view.emptied.is_empty()
    }
}

impl Model for Placement {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (mut now, mut slots) = (View::default(), Slots::new());
        if let Policy::Anchor { buckets, .. } = self.policy {
            now.emptied = (0..buckets).rev().collect();
            slots.resize(usize::from(buckets), None);
        }
        for node in &self.first {
            self.enter(&mut now, &mut slots, *node, 1);
        }
        vec![State { before: now.clone(), now, slots_before: slots.clone(), slots }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for node in 0..self.nodes {
            for weight in 1..=self.weight_max {
                // Whoever is there already is refused.
                actions.push(Action::Join { node, weight });
                if self.weight_max > 1 && !self.is(Variant::OverwritesPoint) {
                    actions.push(Action::Reweight { node, weight });
                }
            }
            if self.may_leave(&state.now, node) || state.now.weight(node) == 0 {
                actions.push(Action::Leave { node });
            }
        }
        for key in 0..self.positions {
            actions.push(Action::Owner { key });
            if matches!(self.policy, Policy::Ring { .. }) {
                actions.extend([Action::Preference { key }, Action::AcrossZones { key }]);
            }
        }
        if matches!(self.policy, Policy::Ring { .. }) {
            actions.push(Action::Plan);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let weight_now = |node| before.now.weight(node);
        match action {
            Action::Join { node, weight } if weight_now(node) == 0 && self.has_room(&before.now) => {
                Some(self.change(before, |after| self.enter(&mut after.now, &mut after.slots, node, weight)))
            }
            Action::Leave { node } if weight_now(node) > 0 => {
                Some(self.change(before, |after| self.exit(&mut after.now, &mut after.slots, node)))
            }
            Action::Reweight { node, weight } if ![0, weight].contains(&weight_now(node)) => {
                Some(self.change(before, |after| {
                    if let Some(entry) = after.now.nodes.iter_mut().find(|(other, _)| *other == node) {
                        entry.1 = weight;
                    }
                }))
            }
            Action::Join { .. }
            | Action::Leave { .. }
            | Action::Reweight { .. }
            | Action::Owner { .. }
            | Action::Preference { .. }
            | Action::AcrossZones { .. }
            | Action::Plan => None,
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties(self)
    }
}
