//! AnchorHash: buckets of which any may be emptied, and the one emptied last is filled first.

use std::collections::BTreeMap;

use super::functions::score;
use super::ring::hash_of;

/// Why an anchor refuses. It is then as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError<N: std::fmt::Debug> {
    /// No bucket, or more than are counted.
    #[error("an anchor of {buckets} buckets, it must have 1 to {max}")]
    Buckets {
        /// Asked for.
        buckets: u32,
        /// At most.
        max: u32,
    },
    /// Every bucket has its node.
    #[error("no bucket is left for node {node:?}, all {buckets} have theirs")]
    Full {
        /// Who came.
        node: N,
        /// There are.
        buckets: usize,
    },
    /// It is there already.
    #[error("node {node:?} has a bucket already")]
    Duplicate {
        /// Which.
        node: N,
    },
    /// It is not there.
    #[error("node {node:?} has no bucket")]
    Unknown {
        /// Which.
        node: N,
    },
    /// Nobody to own anything.
    #[error("the anchor has no node")]
    Empty,
}

/// Buckets of one anchor at most: 2²⁰.
pub const BUCKETS_MAX: u32 = 1 << 20;

/// Who owns which key, in constant space for each bucket. A node that leaves gives its keys to all others alike; who comes
/// takes the bucket that was emptied last. Whoever shares an anchor has to see the same changes in the same order.
///
/// Source: Mendelson, Vargaftik, Barabash, Lorenz, Keslassy, Orda, "AnchorHash: A Scalable Consistent Hash", IEEE/ACM ToN
/// 29(2), 2021 (the version in place).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Anchor<N> {
    buckets: Vec<Bucket>,
    /// Where each bucket that has a node stands among those; what is beyond their number is of before.
    order: Vec<usize>,
    /// The one emptied last at the end.
    empty: Vec<usize>,
    by_bucket: BTreeMap<usize, N>,
    by_node: BTreeMap<N, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bucket {
    /// Buckets that had a node when this one was emptied; 0 while it has one.
    left: usize,
    /// Which one took its place in the order then; itself while it has a node.
    successor: usize,
    /// Its place in the order.
    place: usize,
}

/// A number below `count`, as evenly as the hash is.
fn drawn(hash: u64, count: usize) -> usize {
    ((u128::from(hash) * count as u128) >> u64::BITS) as usize
}

impl<N: Clone + Ord + std::fmt::Debug> Anchor<N> {
    /// An anchor without nodes that has room for `buckets`.
    ///
    /// # Errors
    /// Room for none, or for more than [`BUCKETS_MAX`].
    pub fn new(buckets: u32) -> Result<Self, AnchorError<N>> {
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            return Err(AnchorError::Buckets { buckets, max: BUCKETS_MAX });
        }
        let count = buckets as usize;
        Ok(Anchor {
            // As if the last had been emptied first.
            buckets: (0..count).map(|at| Bucket { left: at, successor: at, place: at }).collect(),
            order: (0..count).collect(),
            empty: (0..count).rev().collect(),
            by_bucket: BTreeMap::new(),
            by_node: BTreeMap::new(),
        })
    }

    /// Nodes, in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &N> {
        self.by_node.keys()
    }

    /// Gives a node the bucket that was emptied last.
    ///
    /// # Errors
    /// It has one, or all are taken.
    pub fn add(&mut self, node: N) -> Result<(), AnchorError<N>> {
        if self.by_node.contains_key(&node) {
            return Err(AnchorError::Duplicate { node });
        }
        let Some(bucket) = self.empty.pop() else {
            return Err(AnchorError::Full { node, buckets: self.buckets.len() });
        };
        let (count, place) = (self.by_node.len(), self.buckets[bucket].place);
        // Who took its place goes back to the end.
        let last = self.order[count];
        self.buckets[last].place = count;
        self.order[place] = bucket;
        self.buckets[bucket] = Bucket { left: 0, successor: bucket, place };
        self.by_bucket.insert(bucket, node.clone());
        self.by_node.insert(node, bucket);
        Ok(())
    }

    /// Empties a node's bucket.
    ///
    /// # Errors
    /// The node is not there.
    pub fn remove(&mut self, node: &N) -> Result<(), AnchorError<N>> {
        let bucket = self.by_node.remove(node).ok_or_else(|| AnchorError::Unknown { node: node.clone() })?;
        self.by_bucket.remove(&bucket);
        let (left, place) = (self.by_node.len(), self.buckets[bucket].place);
        let last = self.order[left];
        self.order[place] = last;
        self.buckets[last].place = place;
        self.buckets[bucket] = Bucket { left, successor: last, place };
        self.empty.push(bucket);
        Ok(())
    }

    /// Who owns a key.
    ///
    /// # Errors
    /// There is no node.
    pub fn owner(&self, key: &[u8]) -> Result<&N, AnchorError<N>> {
        if self.by_node.is_empty() {
            return Err(AnchorError::Empty);
        }
        let mut bucket = drawn(hash_of(key), self.buckets.len());
        loop {
            if let Some(node) = self.by_bucket.get(&bucket) {
                return Ok(node);
            }
            // Drawn anew among those that were left when it was emptied. Who stands there in the order of that time was
            // found by whom it was followed by, over and over.
            let left = self.buckets[bucket].left;
            let mut next = drawn(anchor_hash(bucket as u32, key), left);
            while self.buckets[next].left >= left {
                next = self.buckets[next].successor;
            }
            bucket = next;
        }
    }
}

/// What a key is drawn by once more where bucket number `bucket` is empty.
pub fn anchor_hash(bucket: u32, key: &[u8]) -> u64 {
    score(&bucket.to_le_bytes(), key)
}
