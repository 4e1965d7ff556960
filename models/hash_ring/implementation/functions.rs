//! Placements without a ring.

use super::ring::hash_of;

/// The node whose hash with the key is the greatest; of equals the least. `None` of no nodes.
///
/// Source: Thaler, Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM ToN 6(1), 1998.
pub fn rendezvous<'a, N: AsRef<[u8]> + Ord>(nodes: impl IntoIterator<Item = &'a N>, key: &[u8]) -> Option<&'a N> {
    let score = |node: &N| score(node.as_ref(), key);
    nodes.into_iter().max_by(|one, other| score(one).cmp(&score(other)).then_with(|| other.cmp(one)))
}

/// The bucket of a key among `buckets`, 0-based. `None` of no buckets. Buckets come and go at the end alone.
///
/// Source: Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014 (the figure's constants).
pub fn jump(key: u64, buckets: u32) -> Option<u32> {
    let mut state = key;
    let (mut bucket, mut next) = (None, 0.0_f64);
    while next < f64::from(buckets) {
        let landed = next as u32;
        bucket = Some(landed);
        state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = (f64::from(landed) + 1.0) * (f64::from(1_u32 << 31) / ((state >> 33) + 1) as f64);
    }
    bucket
}

/// How much a node wants a key: what [`rendezvous`] compares.
pub fn score(node: &[u8], key: &[u8]) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&hash_of(node).to_le_bytes());
    bytes[8..].copy_from_slice(&hash_of(key).to_le_bytes());
    hash_of(&bytes)
}
