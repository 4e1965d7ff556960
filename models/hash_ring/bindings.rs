//! Our own placements, bound to the model.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use counterpart::Counterpart;

use super::conformance::{Answer, PlacementInterface};
use super::implementation::{
    Anchor, BoundedLoads, Member, Placement as Placing, Ring, RingError, hash_of, jump, migrated_ranges, rendezvous,
};
use super::model::{self, Action, Policy};

/// Points and keys where the model has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listed {
    points: Vec<Vec<u8>>,
}

impl Placing<u8> for Listed {
    fn point(&self, node: &u8, replica: u32) -> u64 {
        u64::from(self.points[usize::from(*node)][replica as usize])
    }

    fn key(&self, key: &[u8]) -> u64 {
        key.first().map_or(0, |key| u64::from(*key))
    }
}

/// The ring, as it is now and as it was before the last change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RingBinding {
    now: Ring<u8, Listed>,
    before: Ring<u8, Listed>,
    zones: [u8; model::NODES_MAX],
    replicas: usize,
    positions: u8,
}

impl RingBinding {
    /// The ring that `model` describes.
    ///
    /// # Panics
    /// If the model is none of a ring.
    pub fn new(model: &model::Placement) -> Self {
        let Policy::Ring { points, points_per_weight } = &model.policy else { panic!("{model:?} is no ring") };
        let per_weight = NonZeroU32::new((*points_per_weight).into()).expect("a node has points");
        let mut now = Ring::new(Listed { points: points.clone() }, per_weight);
        for node in &model.first {
            let member = Member { weight: 1, zone: model.zones[usize::from(*node)].into() };
            now.add(*node, member).expect("the first nodes are distinct");
        }
        RingBinding {
            before: now.clone(),
            now,
            zones: model.zones,
            replicas: model.replicas.into(),
            positions: model.positions,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Ring<u8, Listed>) -> Result<(), RingError<u8>>) -> Answer {
        let mut next = self.now.clone();
        match change(&mut next) {
            Err(_) => Answer::Refused,
            Ok(()) if next == self.now => Answer::Done,
            Ok(()) => {
                self.before = std::mem::replace(&mut self.now, next);
                Answer::Done
            }
        }
    }

    fn moves(&self) -> Vec<(u8, u8, u8)> {
        let plan = migrated_ranges(&self.before, &self.now);
        let within = |migration: &super::implementation::Migration<u8>| {
            let (arc, from, to) = (migration.arc, migration.from, migration.to);
            let keys = (0..self.positions).filter(move |key| arc.contains(u64::from(*key)));
            keys.map(move |key| (key, from, to)).collect::<Vec<_>>()
        };
        let mut moves: Vec<(u8, u8, u8)> = plan.iter().flat_map(within).collect();
        moves.sort_unstable();
        moves
    }
}

fn nodes(nodes: Result<Vec<&u8>, RingError<u8>>) -> Answer {
    Answer::Nodes(nodes.ok().map(|nodes| nodes.into_iter().copied().collect()))
}

impl Counterpart<PlacementInterface> for RingBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Join { node, weight } => {
                let member = Member { weight: weight.into(), zone: self.zones[usize::from(node)].into() };
                self.change(|ring| ring.add(node, member))
            }
            Action::Leave { node } => self.change(|ring| ring.remove(&node).map(|_| ())),
            Action::Reweight { node, weight } => self.change(|ring| ring.reweight(&node, weight.into())),
            Action::Owner { key } => Answer::Owner(self.now.owner(&[key]).ok().copied()),
            Action::Preference { key } => nodes(self.now.preference_at(key.into(), self.replicas)),
            Action::AcrossZones { key } => nodes(self.now.preference_across_zones_at(key.into(), self.replicas)),
            Action::Plan => Answer::Moves(self.moves()),
        }
    }
}

/// Bounded loads over the ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundedBinding {
    ring: Ring<u8, Listed>,
    loads: BoundedLoads,
    keys: Vec<u64>,
}

impl BoundedBinding {
    /// The placement that `model` describes.
    ///
    /// # Panics
    /// If the model is none of bounded loads.
    pub fn new(model: &model::Placement) -> Self {
        let Policy::Bounded { points, percent } = &model.policy else { panic!("{model:?} bounds no loads") };
        BoundedBinding {
            ring: Ring::new(Listed { points: points.clone() }, NonZeroU32::MIN),
            loads: BoundedLoads::new::<u8>((*percent).into()).expect("at least the mean"),
            keys: (0..u64::from(model.positions)).collect(),
        }
    }
}

impl Counterpart<PlacementInterface> for BoundedBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        let done = |result: Result<(), RingError<u8>>| result.map_or(Answer::Refused, |()| Answer::Done);
        match *input {
            Action::Join { node, .. } => done(self.ring.add(node, Member::default())),
            Action::Leave { node } => done(self.ring.remove(&node).map(|_| ())),
            Action::Owner { key } => {
                let owners = self.loads.assign(&self.ring, &self.keys);
                Answer::Owner(owners.ok().and_then(|owners| owners.get(usize::from(key)).map(|node| **node)))
            }
            Action::Reweight { .. } | Action::Preference { .. } | Action::AcrossZones { .. } | Action::Plan => {
                panic!("{input:?} is asked of rings alone")
            }
        }
    }
}

/// An anchor whose nodes come and go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnchorBinding(Anchor<u8>);

impl AnchorBinding {
    /// The anchor that `model` describes, empty.
    ///
    /// # Panics
    /// If the model is none of an anchor.
    pub fn new(model: &model::Placement) -> Self {
        let Policy::Anchor { buckets, .. } = model.policy else { panic!("{model:?} is no anchor") };
        AnchorBinding(Anchor::new(buckets.into()).expect("a model in the catalogue has buckets"))
    }
}

impl Counterpart<PlacementInterface> for AnchorBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Join { node, .. } => self.0.add(node).map_or(Answer::Refused, |()| Answer::Done),
            Action::Leave { node } => self.0.remove(&node).map_or(Answer::Refused, |()| Answer::Done),
            Action::Owner { key } => Answer::Owner(self.0.owner(&[key]).ok().copied()),
            Action::Reweight { .. } | Action::Preference { .. } | Action::AcrossZones { .. } | Action::Plan => {
                panic!("{input:?} is asked of rings alone")
            }
        }
    }
}

/// Who owns a key among nodes, given in the order in which they came.
pub type Owner = fn(&[u8], u8) -> Option<u8>;

/// Nodes in the order in which they came, and a function of them: a placement that is made anew for each view.
#[derive(Clone, Debug)]
pub struct FunctionBinding {
    nodes: Vec<u8>,
    owner: Owner,
}

impl PartialEq for FunctionBinding {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes && std::ptr::fn_addr_eq(self.owner, other.owner)
    }
}

impl Eq for FunctionBinding {}

impl Hash for FunctionBinding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nodes.hash(state);
    }
}

impl FunctionBinding {
    /// No nodes yet.
    pub fn new(owner: Owner) -> Self {
        FunctionBinding { nodes: Vec::new(), owner }
    }
}

/// Our [`rendezvous`].
pub fn by_rendezvous(nodes: &[u8], key: u8) -> Option<u8> {
    let names: Vec<[u8; 1]> = nodes.iter().map(|node| [*node]).collect();
    rendezvous(&names, &[key]).map(|[node]| *node)
}

/// Our [`jump`].
pub fn by_jump(nodes: &[u8], key: u8) -> Option<u8> {
    let bucket = jump(hash_of(&[key]), u32::try_from(nodes.len()).ok()?)?;
    nodes.get(bucket as usize).copied()
}

impl Counterpart<PlacementInterface> for FunctionBinding {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Join { node, .. } if self.nodes.contains(&node) => Answer::Refused,
            Action::Join { node, .. } => {
                self.nodes.push(node);
                Answer::Done
            }
            Action::Leave { node } if self.nodes.contains(&node) => {
                self.nodes.retain(|other| *other != node);
                Answer::Done
            }
            Action::Leave { .. } => Answer::Refused,
            Action::Owner { key } => Answer::Owner((self.owner)(&self.nodes, key)),
            Action::Reweight { .. } | Action::Preference { .. } | Action::AcrossZones { .. } | Action::Plan => {
                panic!("{input:?} is asked of rings alone")
            }
        }
    }
}
