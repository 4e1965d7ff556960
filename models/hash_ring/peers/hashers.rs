//! Hashers that put points and keys where the model has them.

use std::hash::{BuildHasher, Hash, Hasher};

use super::super::implementation::hash_of;
use super::super::model::NODES_MAX;
use super::KEYS;

/// A hasher of a number's bytes, by our own function.
#[derive(Clone, Default)]
pub(super) struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        hash_of(&self.0)
    }
}

/// A node that says that it is one: its number is written as 16 bits, a key as 8, and what was a hash before as 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(pub(super) u8);

impl hrw_hash::HrwNode for Node {}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u16(self.0.into());
    }
}

/// Where the model has points and keys.
#[derive(Clone, Copy)]
pub(super) enum Placed {
    /// By node its first point, then each from the one before; a key where it is.
    Ring(&'static [[u8; 4]; NODES_MAX]),
    /// The permutation of the model's table.
    Maglev,
    /// Of a node and of a key, what [`merged`] scores them by together.
    Rendezvous {
        /// Whether node 1 has the greatest of all hashes with key 0.
        greatest: bool,
    },
}

/// The finaliser of MurmurHash3 (Appleby), by which hrw-hash merges the hashes of a node and of a key. No two numbers give
/// the same.
pub(super) fn merged(node: u64, key: u64) -> u64 {
    let fold = |hash: u64| hash ^ (hash >> 33);
    let once = fold(node ^ key).wrapping_mul(0xff51_afd7_ed55_8ccd);
    fold(fold(once).wrapping_mul(0xc4ce_b9fe_1a85_ec53))
}

/// What gives the greatest of all hashes.
const GREATEST: u64 = 0x89a5_850e_63c5_f8aa;

/// The hash of a node for rendezvous.
pub(super) fn rendezvous_node(node: u8) -> u64 {
    u64::from(node) + 1
}

/// The hash of a key for rendezvous; `greatest`: key 0 is the one whose hash with node 1 is the greatest.
pub(super) fn rendezvous_key(key: u8, greatest: bool) -> u64 {
    if greatest && key == 0 { rendezvous_node(1) ^ GREATEST } else { u64::from(key) << 8 }
}

impl BuildHasher for Placed {
    type Hasher = PlacedHasher;

    fn build_hasher(&self) -> PlacedHasher {
        PlacedHasher { placed: *self, seed: 0, hash: 0 }
    }
}

pub(super) struct PlacedHasher {
    placed: Placed,
    seed: u32,
    hash: u64,
}

/// What the crate hashes with a node for the step of its permutation.
const MAGLEV_SKIP: u32 = 0xdead_beef;

impl Hasher for PlacedHasher {
    fn write(&mut self, bytes: &[u8]) {
        panic!("{bytes:?} is neither a node nor a key");
    }

    fn write_u8(&mut self, key: u8) {
        self.hash = match self.placed {
            Placed::Rendezvous { greatest } => rendezvous_key(key, greatest),
            Placed::Ring(_) | Placed::Maglev => key.into(),
        };
    }

    fn write_u16(&mut self, node: u16) {
        self.hash = match self.placed {
            Placed::Ring(points) => points[usize::from(node)][0].into(),
            Placed::Maglev if self.seed == MAGLEV_SKIP => u64::from(node) * 3,
            Placed::Maglev => u64::from(node) * 5 + 3,
            Placed::Rendezvous { .. } => rendezvous_node(node as u8),
        };
    }

    fn write_u32(&mut self, seed: u32) {
        self.seed = seed;
    }

    fn write_u64(&mut self, before: u64) {
        let Placed::Ring(points) = self.placed else { return self.hash = before };
        let next = points.iter().enumerate().find_map(|(node, own)| {
            let at = own.iter().position(|point| u64::from(*point) == before)?;
            // After the last point nothing stands on the ring.
            Some(own.get(at + 1).map_or(u64::from(KEYS) + node as u64, |point| u64::from(*point)))
        });
        self.hash = next.unwrap_or(before);
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}
