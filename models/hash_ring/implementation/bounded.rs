//! Consistent hashing with bounded loads: nobody gets much more than the mean.
//!
//! Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018.

use std::collections::BTreeMap;

use super::ring::{Placement, Ring, RingError};

/// Why keys are not placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<N: std::fmt::Debug> {
    /// Less than the mean cannot be enough.
    #[error("a load of {percent}% of the mean has no room for all keys, it must be 100% or more")]
    TooTight {
        /// Of the mean.
        percent: u32,
    },
    /// The ring.
    #[error(transparent)]
    Ring(#[from] RingError<N>),
}

/// Keys on a ring, none of whose nodes has more than ⌈c·m/n⌉ of them.
///
/// Where a key goes depends on the keys before it: who joins or leaves moves keys of others as well.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundedLoads {
    percent: u32,
}

impl BoundedLoads {
    /// Loads of at most `percent` of the mean: 125 is c = 1.25.
    ///
    /// # Errors
    /// It is below 100.
    pub fn new<N: std::fmt::Debug>(percent: u32) -> Result<Self, LoadError<N>> {
        if percent < 100 {
            return Err(LoadError::TooTight { percent });
        }
        Ok(BoundedLoads { percent })
    }

    /// Keys that a node may have, of `keys` on `nodes`: ⌈c·m/n⌉. 0 of no nodes.
    pub fn cap(&self, keys: usize, nodes: usize) -> usize {
        let of_all = u128::from(self.percent) * keys as u128;
        let share = (nodes as u128).checked_mul(100).filter(|share| *share > 0);
        share.map_or(0, |share| usize::try_from(of_all.div_ceil(share)).unwrap_or(usize::MAX))
    }

    /// Places the positions in their order: each goes to the first node clockwise that has room.
    ///
    /// # Errors
    /// The ring is empty.
    pub fn assign<'ring, N, P>(&self, ring: &'ring Ring<N, P>, keys: &[u64]) -> Result<Vec<&'ring N>, LoadError<N>>
    where
        N: Clone + Ord + std::fmt::Debug,
        P: Placement<N>,
    {
        let nodes = ring.members().len();
        let cap = self.cap(keys.len(), nodes);
        let mut loads: BTreeMap<&N, usize> = BTreeMap::new();
        let mut owners = Vec::with_capacity(keys.len());
        for key in keys {
            let preferred = ring.preference_at(*key, nodes)?;
            let free = preferred.into_iter().find(|node| loads.get(node).is_none_or(|load| *load < cap));
            // n nodes of ⌈c·m/n⌉ with c ≥ 1 have room for m.
            let node = free.ok_or(RingError::Empty)?;
            *loads.entry(node).or_default() += 1;
            owners.push(node);
        }
        Ok(owners)
    }
}
