//! How evenly a ring spreads, measured, and what the chord table says of states that no repair leads out of.

use std::num::NonZeroU32;

use counterpart_models::hash_ring::implementation::{Hashed, Member, Ring, hash_of};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::with_160_points_a_node_the_fullest_of_ten_is_a_quarter_above_the_mean_at_most", balance),
        #[cfg(feature = "peers")]
        claim("hash_ring::our_ketama_ring_answers_as_pingoras_does", ketama),
        claim("hash_ring::a_tenth_node_takes_a_tenth_of_the_keys_and_no_others_move", join),
    ]
}

fn ring(nodes: usize, points: u32) -> Ring<String, Hashed> {
    let mut ring = Ring::new(Hashed, NonZeroU32::new(points).expect("positive"));
    for node in 0..nodes {
        ring.add(format!("node {node}"), Member::default()).expect("a new node");
    }
    ring
}

const KEYS: u32 = 20_000;

fn loads(ring: &Ring<String, Hashed>) -> Vec<u32> {
    let mut loads = std::collections::BTreeMap::new();
    for key in 0..KEYS {
        *loads.entry(ring.owner(&key.to_le_bytes()).expect("a node")).or_insert(0) += 1;
    }
    loads.into_values().collect()
}

fn balance() {
    let spread = |nodes: usize, points| {
        let loads = loads(&ring(nodes, points));
        let of_mean = |load: u32| f64::from(load) * nodes as f64 / f64::from(KEYS);
        (of_mean(loads.iter().copied().max().unwrap_or(0)), of_mean(loads.iter().copied().min().unwrap_or(0)))
    };
    let (most, least) = spread(10, 160);
    assert!(most < 1.25 && least > 0.75, "{most} and {least} of the mean");
    let (few, _) = spread(10, 1);
    assert!(few > 1.5, "one point a node is not enough: {few}");
}

fn join() {
    let (old, new) = (ring(9, 160), ring(10, 160));
    let mut moved = 0;
    for key in 0..KEYS {
        let position = hash_of(&key.to_le_bytes());
        let (from, to) = (old.owner_at(position).expect("a node"), new.owner_at(position).expect("a node"));
        if from != to {
            assert_eq!(to, "node 9");
            moved += 1;
        }
    }
    assert!((KEYS / 13..KEYS / 8).contains(&moved), "{moved} of {KEYS}");
}

/// The golden vectors: nine hosts of weight 100 and a thousand keys, as in nginx's sample; eight of unequal weights and
/// 99 keys, as in ketama's own cases. They are made here, by the crate that reproduces both.
#[cfg(feature = "peers")]
fn ketama() {
    use std::net::SocketAddr;

    use counterpart_models::hash_ring::implementation::{KETAMA_POINTS, Ketama};
    use pingora_ketama::{Bucket, Continuum};

    let nine: Vec<(SocketAddr, u32)> = (1..=9).map(|host| (SocketAddr::from(([10, 0, 0, host], 443)), 100)).collect();
    let weights = [600, 300, 200, 350, 1000, 800, 950, 100];
    let eight: Vec<(SocketAddr, u32)> =
        (1..).zip(weights).map(|(host, weight)| (SocketAddr::from(([10, 0, 1, host], 11211)), weight)).collect();
    for (hosts, keys) in [(nine, 1_000), (eight, 99)] {
        let buckets: Vec<Bucket> = hosts.iter().map(|(host, weight)| Bucket::new(*host, *weight)).collect();
        let theirs = Continuum::new(&buckets);
        let mut ours = Ring::new(Ketama, NonZeroU32::new(KETAMA_POINTS).expect("positive"));
        for (host, weight) in hosts {
            ours.add(host, Member { weight, ..Member::default() }).expect("a new host");
        }
        for key in 0..keys {
            let key = format!("/path/{key}");
            assert_eq!(ours.owner(key.as_bytes()).ok(), theirs.node(key.as_bytes()).as_ref(), "{key}");
        }
    }
}
