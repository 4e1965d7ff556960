//! Positions as nginx and memcached's clients have them, so that a ring can be shared with those.

use std::net::SocketAddr;

use super::Placement;

/// Points by CRC-32 of a node's address, a zero byte, its port and the point before (4 bytes, little endian; of the
/// first point 0); keys by CRC-32. All lie in the first 2³² positions. With 160 points for each unit of weight the ring
/// is nginx's (`hash … consistent`).
///
/// Source: the crate pingora-ketama, which answers as a recorded sample of nginx does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ketama;

/// Points that nginx gives a node for each unit of weight.
pub const KETAMA_POINTS: u32 = 160;

impl Placement<SocketAddr> for Ketama {
    fn point(&self, node: &SocketAddr, replica: u32) -> u64 {
        let mut chain = Chain::of(node);
        (0..=replica).fold(0, |_, _| chain.step())
    }

    fn key(&self, key: &[u8]) -> u64 {
        crc32fast::hash(key).into()
    }

    fn points(&self, node: &SocketAddr, count: u32) -> Vec<u64> {
        let mut chain = Chain::of(node);
        (0..count).map(|_| chain.step()).collect()
    }
}

/// A node's points, one after the other.
struct Chain {
    node: crc32fast::Hasher,
    before: u32,
}

impl Chain {
    fn of(node: &SocketAddr) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(format!("{}\0{}", node.ip(), node.port()).as_bytes());
        Chain { node: hasher, before: 0 }
    }

    fn step(&mut self) -> u64 {
        let mut hasher = self.node.clone();
        hasher.update(&self.before.to_le_bytes());
        self.before = hasher.finalize();
        self.before.into()
    }
}
