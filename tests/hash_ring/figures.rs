//! How evenly placements spread and how much they move, measured: what a hash decides and no model.

use std::num::NonZeroU32;

use counterpart_models::hash_ring::implementation::{Hashed, Member, Ring, hash_of, migrated_ranges};
use libtest_mimic::Trial;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::with_160_points_a_node_the_fullest_is_a_quarter_above_the_mean_at_most", balance),
        claim("hash_ring::spread_and_load_over_views_of_half_the_nodes_are_within_kargers_bounds", views),
        claim("hash_ring::a_nodes_weight_is_its_own_and_moves_nothing_between_others", weights),
        #[cfg(feature = "peers")]
        claim("hash_ring::a_larger_table_of_maglev_moves_fewer_keys_between_survivors", maglev),
        #[cfg(feature = "peers")]
        claim("hash_ring::our_ketama_ring_answers_as_pingoras_does", peers::ketama),
        #[cfg(feature = "peers")]
        claim("hash_ring::our_ketama_ring_and_pingoras_answer_as_nginx_did", peers::nginx),
        #[cfg(feature = "peers")]
        claim("hash_ring::a_ninth_host_moves_keys_between_the_eight_in_pingoras_ring_and_not_in_ours", peers::ninth),
        claim("hash_ring::a_tenth_node_takes_a_tenth_of_the_keys_and_no_others_move", join),
    ]
}

fn ring(nodes: u32, points: u32) -> Ring<String, Hashed> {
    let mut ring = Ring::new(Hashed, NonZeroU32::new(points).expect("positive"));
    for node in 0..nodes {
        ring.add(format!("node {node}"), Member::default()).expect("a new node");
    }
    ring
}

const KEYS: u32 = 20_000;

/// The exact lengths of arcs, so that no choice of keys is in it.
fn balance() {
    for (nodes, points, most, least) in [(10, 160, 1.25, 0.75), (100, 160, 1.25, 0.75)] {
        let (fullest, emptiest) = shares(nodes, points);
        assert!(fullest < most && emptiest > least, "{nodes} nodes: {fullest} and {emptiest} of the mean");
    }
    let (few, _) = shares(10, 1);
    assert!(few > 1.5, "one point a node is not enough: {few}");
}

/// The greatest and the least share of the ring, of the mean.
fn shares(nodes: u32, points: u32) -> (f64, f64) {
    let ring = ring(nodes, points);
    let mut lengths = std::collections::BTreeMap::<&str, u128>::new();
    let all = ring.points();
    for (index, (point, node)) in all.iter().enumerate() {
        let (before, _) = &all[(index + all.len() - 1) % all.len()];
        *lengths.entry(node).or_default() += u128::from(point.wrapping_sub(*before));
    }
    let of_mean = |length: u128| length as f64 / u64::MAX as f64 * f64::from(nodes);
    let shares = || lengths.values().copied().map(of_mean);
    (shares().fold(0.0, f64::max), shares().fold(f64::INFINITY, f64::min))
}

/// 32 nodes, 40 clients each of which knows a random half of them. Both measures are O(t log C), of C nodes of which
/// each client knows one in t at least (Karger et al. 1997); here with the constant 1 and the logarithm to base 2.
fn views() {
    const NODES: u32 = 32;
    let whole = ring(NODES, 40);
    let mut random = Pcg64Mcg::new(11);
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let mut known: Vec<u32> = (0..NODES).collect();
            let mut view = whole.clone();
            for left in (NODES / 2..NODES).rev() {
                let missed = known.swap_remove((random.next_u32() % (left + 1)) as usize);
                view.remove(&format!("node {missed}")).expect("it is there");
            }
            view
        })
        .collect();
    let keys = 4_000_u32;
    let (mut spread, mut load) = (0, std::collections::BTreeMap::<&String, u32>::new());
    for key in 0..keys {
        let owner = |view| Ring::owner(view, &key.to_le_bytes()).expect("a node");
        let asked: std::collections::BTreeSet<&String> = clients.iter().map(owner).collect();
        spread = spread.max(asked.len());
        asked.into_iter().for_each(|node| *load.entry(node).or_default() += 1);
    }
    let bound = 2.0 * f64::from(NODES).log2();
    let most = f64::from(load.into_values().max().unwrap_or_default()) * f64::from(NODES) / f64::from(keys);
    assert!(spread as f64 <= bound, "a key is looked for on {spread} nodes");
    assert!(most <= bound, "a node is asked for {most} times its mean");
    // Both measure something: with one view they would be 1.
    assert!(spread >= 4 && most > 2.0, "{spread} nodes, {most} times the mean");
}

/// With points by its share of all weight, as memcached's clients give them, they move (`ring_shares_points`).
fn weights() {
    let mut before = ring(4, 40);
    before.reweight(&"node 1".to_string(), 3).expect("it is there");
    let mut after = before.clone();
    after.add("another".into(), Member { weight: 2, ..Member::default() }).expect("a new node");
    let moved = migrated_ranges(&before, &after);
    assert!(!moved.is_empty() && moved.iter().all(|migration| migration.to == "another"), "{moved:?}");
}

/// Four nodes and a fifth: keys that move between the four. The table of the crate's own choice grows with the nodes.
#[cfg(feature = "peers")]
fn maglev() {
    use maglev::ConsistentHasher as _;

    let keys = 20_000_u32;
    let owners = |nodes: u32, table: Option<usize>| -> Vec<u32> {
        let hasher = std::hash::BuildHasherDefault::<std::collections::hash_map::DefaultHasher>::default();
        let made = match table {
            Some(entries) => maglev::Maglev::with_capacity_and_hasher(0..nodes, entries, hasher),
            None => maglev::Maglev::with_hasher(0..nodes, hasher),
        };
        (0..keys).map(|key| *made.get(&key).expect("a node")).collect()
    };
    let moved = |table| {
        let pairs = owners(4, table).into_iter().zip(owners(5, table));
        pairs.filter(|(from, to)| from != to && *to != 4).count()
    };
    let found = [None, Some(251), Some(1_021), Some(65_537)].map(moved);
    assert!(found.is_sorted_by(|one, next| one > next), "{found:?}");
    assert!(found[0] > keys as usize / 2 && found[3] < keys as usize / 500, "{found:?}");
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

/// What pingora-ketama and nginx answer, which share a ring.
#[cfg(feature = "peers")]
mod peers {
    use std::net::SocketAddr;
    use std::num::NonZeroU32;
    use std::path::PathBuf;

    use counterpart_models::hash_ring::implementation::{KETAMA_POINTS, Ketama, Member, Ring};
    use pingora_ketama::{Bucket, Continuum};

    /// Hosts and their weights.
    type Hosts = Vec<(SocketAddr, u32)>;

    fn ours(hosts: &Hosts) -> Ring<SocketAddr, Ketama> {
        let mut ring = Ring::new(Ketama, NonZeroU32::new(KETAMA_POINTS).expect("positive"));
        for (host, weight) in hosts {
            ring.add(*host, Member { weight: *weight, ..Member::default() }).expect("a new host");
        }
        ring
    }

    fn theirs(hosts: &Hosts) -> Continuum {
        Continuum::new(&hosts.iter().map(|(host, weight)| Bucket::new(*host, *weight)).collect::<Vec<_>>())
    }

    /// As in nginx's sample.
    fn nine() -> Hosts {
        (1..=9).map(|host| (SocketAddr::from(([10, 0, 0, host], 443)), 100)).collect()
    }

    /// As in the cases that memcached's client has of its own ketama.
    fn eight() -> Hosts {
        let weights = [600, 300, 200, 350, 1000, 800, 950, 100];
        (1..).zip(weights).map(|(host, weight)| (SocketAddr::from(([10, 0, 1, host], 11211)), weight)).collect()
    }

    /// Golden vectors that are made here: 1,000 keys on nine hosts of one weight, 99 on eight of unequal weights. The
    /// second are hosts of memcached's cases, and not its answers: its client hashes by MD5, this ring by CRC-32.
    pub(super) fn ketama() {
        for (hosts, keys) in [(nine(), 1_000), (eight(), 99)] {
            let (ours, theirs) = (ours(&hosts), theirs(&hosts));
            for key in 0..keys {
                let key = format!("/path/{key}");
                assert_eq!(ours.owner(key.as_bytes()).ok(), theirs.node(key.as_bytes()).as_ref(), "{key}");
            }
        }
    }

    /// What nginx itself answered, as the crate's package has it: a path and the host that it was sent to, in each row.
    fn recorded() -> String {
        let home = || std::env::home_dir().map(|home| home.join(".cargo"));
        let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).expect("a home");
        let sources = cargo.join("registry/src");
        let registries = std::fs::read_dir(&sources).unwrap_or_else(|error| panic!("{}: {error}", sources.display()));
        let sample = "pingora-ketama-0.9.1/test-data/sample-nginx-upstream.csv";
        let mut samples = registries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join(sample)).ok());
        samples.next().unwrap_or_else(|| panic!("{sample} is in no folder of {}", sources.display()))
    }

    pub(super) fn nginx() {
        let (ours, theirs) = (ours(&nine()), theirs(&nine()));
        let recorded = recorded();
        for row in recorded.lines() {
            let (path, host) = row.split_once(',').expect("a path and a host");
            let host = host.parse().expect("an address");
            assert_eq!(ours.owner(path.as_bytes()), Ok(&host), "{path}");
            assert_eq!(theirs.node(path.as_bytes()), Some(host), "{path}");
        }
        assert_eq!(recorded.lines().count(), 1_001);
    }

    /// Where two points collide theirs keeps one of them, whichever the sort leaves in front, and ours that of the lesser
    /// address.
    pub(super) fn ninth() {
        let before = eight();
        let mut after = before.clone();
        let ninth = SocketAddr::from(([10, 0, 1, 9], 11211));
        after.push((ninth, 100));
        let keys = || (0..100_000).map(|key| format!("/path/{key}"));
        let moved = |from: SocketAddr, to: SocketAddr| from != to && to != ninth;
        let (old, new) = (theirs(&before), theirs(&after));
        let node = |ring: &Continuum, key: &str| ring.node(key.as_bytes()).expect("a node");
        assert!(keys().any(|key| moved(node(&old, &key), node(&new, &key))), "no key moved between the eight");
        let (old, new) = (ours(&before), ours(&after));
        let node = |ring: &Ring<SocketAddr, Ketama>, key: &str| *ring.owner(key.as_bytes()).expect("a node");
        assert!(keys().all(|key| !moved(node(&old, &key), node(&new, &key))));
    }
}
