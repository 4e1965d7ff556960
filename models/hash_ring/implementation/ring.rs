//! The ring: every node owns the arcs that end in its points.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Where points and keys lie on the ring of 2⁶⁴ positions. The same on every machine that shares a ring.
pub trait Placement<N> {
    /// Position of the `replica`th point (0-based) of a node.
    fn point(&self, node: &N, replica: u32) -> u64;
    /// Position of a key.
    fn key(&self, key: &[u8]) -> u64;

    /// Positions of a node's first `count` points: for placements that find each from the one before.
    fn points(&self, node: &N, count: u32) -> Vec<u64> {
        (0..count).map(|replica| self.point(node, replica)).collect()
    }
}

/// FNV-1a, finished as SplitMix64 is. Does not depend on the machine, its endianness or the standard library.
///
/// Sources: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm" (offset basis and prime of 64 bits); Steele,
/// Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (the finaliser).
pub fn hash_of(bytes: &[u8]) -> u64 {
    let mut hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Positions by [`hash_of`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hashed;

impl<N: AsRef<[u8]>> Placement<N> for Hashed {
    fn point(&self, node: &N, replica: u32) -> u64 {
        // Two hashes rather than one over both: no node's name can run into a number.
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&hash_of(node.as_ref()).to_le_bytes());
        bytes[8..].copy_from_slice(&replica.to_le_bytes());
        hash_of(&bytes)
    }

    fn key(&self, key: &[u8]) -> u64 {
        hash_of(key)
    }
}

/// A node of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Points, in multiples of the ring's points per weight. Must not be 0.
    pub weight: u32,
    /// What fails together: a rack, a data centre.
    pub zone: u32,
}

impl Default for Member {
    fn default() -> Self {
        Member { weight: 1, zone: 0 }
    }
}

/// Why a ring refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError<N: std::fmt::Debug> {
    /// Nobody to own anything.
    #[error("the ring has no node")]
    Empty,
    /// A node without a point.
    #[error("node {node:?} has weight 0, it must be 1 or more; remove it instead")]
    ZeroWeight {
        /// Which.
        node: N,
    },
    /// More points than are counted.
    #[error("node {node:?} of weight {weight} has more than {max} points")]
    TooHeavy {
        /// Which.
        node: N,
        /// Its weight.
        weight: u32,
        /// Points of one node at most.
        max: u32,
    },
    /// It is there already.
    #[error("node {node:?} is in the ring already")]
    Duplicate {
        /// Which.
        node: N,
    },
    /// It is not there.
    #[error("node {node:?} is not in the ring")]
    Unknown {
        /// Which.
        node: N,
    },
    /// More replicas than nodes.
    #[error("{asked} replicas asked of a ring of {nodes} nodes")]
    TooManyReplicas {
        /// Asked for.
        asked: usize,
        /// There are.
        nodes: usize,
    },
    /// More zones than there are.
    #[error("replicas in {asked} zones asked of a ring of {zones} zones")]
    TooFewZones {
        /// Asked for.
        asked: usize,
        /// There are.
        zones: usize,
    },
}

/// Points of one node at most: 2²⁰.
const POINTS_MAX: u32 = 1 << 20;

/// Who owns which position. A key belongs to the first point at or after its position, clockwise.
///
/// Equal rings are equal whatever the order in which their nodes came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ring<N, P = Hashed> {
    placement: P,
    points_per_weight: NonZeroU32,
    members: BTreeMap<N, Member>,
    /// By position, then by node: where two nodes' points collide, the lesser node owns the arc and the other's point
    /// stays, to be found when the first one leaves.
    points: Vec<(u64, N)>,
}

impl<N: Clone + Ord + std::fmt::Debug, P: Placement<N>> Ring<N, P> {
    /// An empty ring whose nodes get `points_per_weight` points for each unit of weight. 160 keep the fullest of ten
    /// nodes some 15% above the mean.
    pub fn new(placement: P, points_per_weight: NonZeroU32) -> Self {
        Ring { placement, points_per_weight, members: BTreeMap::new(), points: Vec::new() }
    }

    /// Adds a node.
    ///
    /// # Errors
    /// Its weight is 0 or beyond bounds, or it is there already. The ring is then as it was.
    pub fn add(&mut self, node: N, member: Member) -> Result<(), RingError<N>> {
        if self.members.contains_key(&node) {
            return Err(RingError::Duplicate { node });
        }
        let count = self.point_count(&node, member.weight)?;
        let points = self.placement.points(&node, count);
        self.points.extend(points.into_iter().map(|point| (point, node.clone())));
        self.points.sort();
        // Two points of one node in one place are one point.
        self.points.dedup();
        self.members.insert(node, member);
        Ok(())
    }

    /// Removes a node, its points and no others.
    ///
    /// # Errors
    /// It is not there.
    pub fn remove(&mut self, node: &N) -> Result<Member, RingError<N>> {
        let member = self.members.remove(node).ok_or_else(|| RingError::Unknown { node: node.clone() })?;
        self.points.retain(|(_, owner)| owner != node);
        Ok(member)
    }

    /// Changes a node's weight. A greater one adds points, a lesser one takes the last ones away; the others stay.
    ///
    /// # Errors
    /// The node is not there, or the weight is 0 or beyond bounds. The ring is then as it was.
    pub fn reweight(&mut self, node: &N, weight: u32) -> Result<(), RingError<N>> {
        let member = *self.members.get(node).ok_or_else(|| RingError::Unknown { node: node.clone() })?;
        self.point_count(node, weight)?;
        self.remove(node)?;
        self.add(node.clone(), Member { weight, ..member })
    }

    fn point_count(&self, node: &N, weight: u32) -> Result<u32, RingError<N>> {
        if weight == 0 {
            return Err(RingError::ZeroWeight { node: node.clone() });
        }
        match weight.checked_mul(self.points_per_weight.get()) {
            Some(count) if count <= POINTS_MAX => Ok(count),
            _ => Err(RingError::TooHeavy { node: node.clone(), weight, max: POINTS_MAX }),
        }
    }

    /// Nodes and what is known of them, in order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (&N, &Member)> {
        self.members.iter()
    }

    /// Positions and whose they are, in order; a position may occur more than once.
    pub fn points(&self) -> &[(u64, N)] {
        &self.points
    }

    /// How keys and points are placed.
    pub fn placement(&self) -> &P {
        &self.placement
    }

    /// Who owns a position.
    ///
    /// # Errors
    /// The ring is empty.
    pub fn owner_at(&self, position: u64) -> Result<&N, RingError<N>> {
        self.clockwise(position).next().ok_or(RingError::Empty)
    }

    /// Who owns a key.
    ///
    /// # Errors
    /// The ring is empty.
    pub fn owner(&self, key: &[u8]) -> Result<&N, RingError<N>> {
        self.owner_at(self.placement.key(key))
    }

    /// The points from a position on, clockwise, once around.
    fn clockwise(&self, position: u64) -> impl Iterator<Item = &N> {
        let first = self.points.partition_point(|(point, _)| *point < position);
        self.points[first..].iter().chain(&self.points[..first]).map(|(_, node)| node)
    }

    /// The nodes that keep a position, the owner first: `count` distinct nodes clockwise, never two points of one.
    ///
    /// # Errors
    /// The ring has fewer nodes.
    pub fn preference_at(&self, position: u64, count: usize) -> Result<Vec<&N>, RingError<N>> {
        if count > self.members.len() {
            return Err(RingError::TooManyReplicas { asked: count, nodes: self.members.len() });
        }
        let mut preferred: Vec<&N> = Vec::with_capacity(count);
        for node in self.clockwise(position) {
            if preferred.len() == count {
                break;
            }
            if !preferred.contains(&node) {
                preferred.push(node);
            }
        }
        Ok(preferred)
    }

    /// The same, each in a zone of its own.
    ///
    /// # Errors
    /// The ring has fewer zones.
    pub fn preference_across_zones_at(&self, position: u64, count: usize) -> Result<Vec<&N>, RingError<N>> {
        let (mut preferred, mut zones): (Vec<&N>, Vec<u32>) = (Vec::new(), Vec::new());
        for node in self.clockwise(position) {
            if preferred.len() == count {
                break;
            }
            let zone = self.members[node].zone;
            if !zones.contains(&zone) {
                zones.push(zone);
                preferred.push(node);
            }
        }
        if preferred.len() < count {
            return Err(RingError::TooFewZones { asked: count, zones: zones.len() });
        }
        Ok(preferred)
    }
}
