//! Published placements, unchanged, driven through the same model.
//!
//! Each is held to a model that it conforms to over every transition that it has a call for, and to one from which it
//! parts. Where a crate takes a hasher it is given one that puts points and keys where the model has them. Where it
//! takes none, what the model goes by is read off the crate with all nodes there, and the model says what then follows
//! for every other view, in whatever order it came about.

mod hashers;

use std::hash::BuildHasher;
use std::net::SocketAddr;

use anchorhash::AnchorHash;
use counterpart::conform::Tour;
use counterpart::{Case, Counterpart};
use hrw_hash::HrwNodes;
use maglev::ConsistentHasher as _;
use pingora_ketama::{Bucket, Continuum};

use self::hashers::{Bytes, Node, Placed, merged, rendezvous_key, rendezvous_node};
use super::bindings::{FunctionBinding, Owner};
use super::cases::buckets;
use super::conformance::{Answer, PlacementInterface};
use super::model::{Action, NODES_MAX, Placement, Policy};

const ANCHORHASH: &str = "anchorhash 0.2.2";
const CONSISTENT_HASH_RING: &str = "consistent_hash_ring 0.8.0";
const HASHRING: &str = "hashring 0.3.6";
const HRW_HASH: &str = "hrw-hash 2.0.3";
const JUMPHASH: &str = "jumphash 0.1.9";
const MAGLEV: &str = "maglev 0.2.1";
const MPCHASH: &str = "mpchash 2.0.10";
const PINGORA_KETAMA: &str = "pingora-ketama 0.9.1";

/// Keys of a model: every position of its ring.
const KEYS: u8 = 16;

fn hrw_by(greatest: bool, nodes: &[u8], key: u8) -> Option<u8> {
    let nodes = nodes.iter().map(|node| Node(*node));
    HrwNodes::with_build_hasher(Placed::Rendezvous { greatest }, nodes).sorted(&key).next().map(|node| node.0)
}

/// Rendezvous hashing.
fn hrw(nodes: &[u8], key: u8) -> Option<u8> {
    hrw_by(false, nodes, key)
}

/// The same, where node 1 has the greatest of all hashes with key 0.
fn hrw_greatest(nodes: &[u8], key: u8) -> Option<u8> {
    hrw_by(true, nodes, key)
}

/// The node whose hash with the key is the greatest.
fn greatest_hash(greatest: bool) -> Placement {
    let score = |node: u8, key: u8| merged(rendezvous_node(node), rendezvous_key(key, greatest));
    let scores = |node: u8| (0..KEYS).map(|key| score(node, key)).collect();
    Placement::by(Policy::Rendezvous { scores: (0..NODES_MAX as u8).map(scores).collect() })
}

/// Multi-probe hashing: the node that a probe of the key is nearest to.
fn mpchash(nodes: &[u8], key: u8) -> Option<u8> {
    multi_probe(nodes).node(&key).map(|token| *token.node())
}

/// The first of the nodes that multi-probe hashing keeps a key on.
fn mpchash_first_replica(nodes: &[u8], key: u8) -> Option<u8> {
    multi_probe(nodes).replicas(&key, 1).first().map(|token| *token.node())
}

fn multi_probe(nodes: &[u8]) -> mpchash::HashRing<u8> {
    let ring = mpchash::HashRing::new();
    nodes.iter().for_each(|node| ring.add(*node));
    ring
}

/// Jump hashing over the hash of our own implementation.
fn jumphash(nodes: &[u8], key: u8) -> Option<u8> {
    let count = u32::try_from(nodes.len()).ok().filter(|count| *count > 0)?;
    nodes.get(jumphash::CustomJumpHasher::new(Bytes::default()).slot(&key, count) as usize).copied()
}

/// Jump hashing over the crate's own hash, with keys of zero.
fn jumphash_sip(nodes: &[u8], key: u8) -> Option<u8> {
    let count = u32::try_from(nodes.len()).ok().filter(|count| *count > 0)?;
    nodes.get(jumphash::JumpHasher::new_with_keys(0, 0).slot(&key, count) as usize).copied()
}

/// Maglev's table, filled in the order of the nodes' numbers.
fn maglev(nodes: &[u8], key: u8) -> Option<u8> {
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable();
    maglev_as_named(&sorted, key)
}

/// Maglev's table, filled in the order in which the nodes came.
fn maglev_as_named(nodes: &[u8], key: u8) -> Option<u8> {
    let nodes = nodes.iter().map(|node| Node(*node));
    let table = maglev::Maglev::with_capacity_and_hasher(nodes, MAGLEV_ENTRIES.into(), Placed::Maglev);
    table.get(&key).map(|node| node.0)
}

/// A prime, and so the crate's own table has as many.
const MAGLEV_ENTRIES: u8 = 13;

/// Four nodes of which the first two have a point in one place, 0xfb6aa7a3.
const ADDRESSES: [([u8; 4], u16); NODES_MAX] =
    [([10, 0, 0, 217], 80), ([10, 0, 0, 230], 80), ([10, 0, 0, 1], 80), ([10, 0, 0, 2], 80)];

fn ketama_node(nodes: &[u8], key: &str) -> Option<u8> {
    let buckets: Vec<Bucket> =
        nodes.iter().map(|node| Bucket::new(SocketAddr::from(ADDRESSES[usize::from(*node)]), 1)).collect();
    let owner = Continuum::new(&buckets).node(key.as_bytes())?;
    ADDRESSES.iter().position(|address| SocketAddr::from(*address) == owner).map(|node| node as u8)
}

/// Ketama, of keys that lie on no arc with two owners.
fn ketama(nodes: &[u8], key: u8) -> Option<u8> {
    ketama_node(nodes, &format!("key-{key}"))
}

/// Ketama, with key 0 on the arc that ends where two nodes have a point.
fn ketama_collision(nodes: &[u8], key: u8) -> Option<u8> {
    if key == 0 { ketama_node(nodes, "key-263") } else { ketama(nodes, key) }
}

/// Four points a node, none where another's is.
static POINTS: [[u8; 4]; NODES_MAX] = [[1, 9, 5, 13], [4, 12, 0, 8], [7, 15, 3, 11], [10, 2, 6, 14]];

/// A ring without collisions, of `points` for each unit of weight.
fn ring(points: u8, weight_max: u8) -> Placement {
    let points_of = |own: &[u8; 4]| own[..usize::from(points * weight_max)].to_vec();
    let policy = Policy::Ring { points: POINTS.iter().map(points_of).collect(), points_per_weight: points };
    Placement { weight_max, ..Placement::by(policy) }
}

/// consistent_hash_ring, as it is and as it was before the last change.
struct ConsistentHashRing {
    now: consistent_hash_ring::Ring<Node, Placed>,
    before: consistent_hash_ring::Ring<Node, Placed>,
    /// Whether it is asked for replicas.
    replicates: bool,
}

const POINTS_PER_WEIGHT: u8 = 2;

impl ConsistentHashRing {
    fn new(replicates: bool) -> Self {
        let ring = consistent_hash_ring::RingBuilder::new(Placed::Ring(&POINTS)).build();
        ConsistentHashRing { before: ring.clone(), now: ring, replicates }
    }

    fn weigh(&mut self, node: u8, weight: u8) -> Answer {
        let points = usize::from(weight * POINTS_PER_WEIGHT);
        if self.now.weight(&Node(node)) != Some(points) {
            self.before = self.now.clone();
            self.now.insert_weight(Node(node), points);
        }
        Answer::Done
    }

    fn moves(&self) -> Vec<(u8, u8, u8)> {
        let migrated = consistent_hash_ring::migrated_ranges(&self.before, &self.now);
        let keys = |range: &consistent_hash_ring::Migrated<'_, Node>| {
            let (from, to) = (range.src().0, range.dst().0);
            let keys = (0..KEYS).filter(|key| range.keys().contains(&u64::from(*key)));
            keys.map(move |key| (key, from, to)).collect::<Vec<_>>()
        };
        let mut moves: Vec<(u8, u8, u8)> = migrated.flat_map(|range| keys(&range)).collect();
        moves.sort_unstable();
        moves
    }
}

impl Counterpart<PlacementInterface> for ConsistentHashRing {
    fn apply(&mut self, input: &Action) -> Answer {
        let is_there = |node: u8| self.now.weight(&Node(node)).is_some();
        match *input {
            Action::Join { node, .. } if is_there(node) => Answer::Refused,
            Action::Reweight { node, .. } | Action::Leave { node } if !is_there(node) => Answer::Refused,
            Action::Join { node, weight } | Action::Reweight { node, weight } => self.weigh(node, weight),
            Action::Leave { node } => {
                self.before = self.now.clone();
                self.now.remove(&Node(node));
                Answer::Done
            }
            Action::Owner { key } => Answer::Owner(self.now.try_get(key).map(|node| node.0)),
            Action::Preference { key } => {
                let nodes: Vec<u8> = self.now.replicas(key).take(2).map(|node| node.0).collect();
                Answer::Nodes((nodes.len() == 2).then_some(nodes))
            }
            Action::Plan => Answer::Moves(self.moves()),
            Action::AcrossZones { .. } => panic!("it knows no zones"),
        }
    }

    fn supports(&self, input: &Action) -> bool {
        match input {
            Action::AcrossZones { .. } => false,
            Action::Preference { .. } => self.replicates,
            _ => true,
        }
    }
}

/// hashring, which gives each node one point.
struct HashRing {
    ring: hashring::HashRing<Node, Placed>,
    nodes: Vec<u8>,
    /// Whether it is asked for replicas.
    replicates: bool,
}

impl HashRing {
    fn new(replicates: bool) -> Self {
        HashRing { ring: hashring::HashRing::with_hasher(Placed::Ring(&POINTS)), nodes: Vec::new(), replicates }
    }
}

impl Counterpart<PlacementInterface> for HashRing {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Join { node, .. } if self.nodes.contains(&node) => Answer::Refused,
            Action::Join { node, .. } => {
                self.nodes.push(node);
                self.ring.add(Node(node));
                Answer::Done
            }
            Action::Leave { node } => {
                self.nodes.retain(|other| *other != node);
                self.ring.remove(&Node(node)).map_or(Answer::Refused, |_| Answer::Done)
            }
            Action::Owner { key } => Answer::Owner(self.ring.get(&key).map(|node| node.0)),
            // The owner and one more.
            Action::Preference { key } => {
                let nodes = self.ring.get_with_replicas(&key, 1);
                Answer::Nodes(nodes.map(|nodes| nodes.into_iter().map(|node| node.0).collect()))
            }
            Action::Reweight { .. } | Action::AcrossZones { .. } | Action::Plan => panic!("it has no {input:?}"),
        }
    }

    fn supports(&self, input: &Action) -> bool {
        match input {
            Action::Reweight { .. } | Action::AcrossZones { .. } | Action::Plan => false,
            Action::Preference { .. } => self.replicates,
            _ => true,
        }
    }
}

/// anchorhash, with room for one more than there are nodes.
struct Anchor {
    anchor: AnchorHash<u8, u8, BuildBytes>,
    nodes: Vec<u8>,
    /// Whether somebody looks whether a node is there already before it is added.
    looks: bool,
}

#[derive(Clone, Copy)]
struct BuildBytes;

impl BuildHasher for BuildBytes {
    type Hasher = Bytes;

    fn build_hasher(&self) -> Bytes {
        Bytes::default()
    }
}

impl Anchor {
    fn new(looks: bool) -> Self {
        let anchor = anchorhash::Builder::with_hasher(BuildBytes).build(BUCKETS.into());
        Anchor { anchor, nodes: Vec::new(), looks }
    }
}

/// Buckets, one more than nodes may come.
const BUCKETS: u8 = NODES_MAX as u8 + 1;

/// Buckets drawn as the crate draws them.
fn anchored() -> Placement {
    // It draws by 32 bits, the model by the upper ones of 64.
    let hashed = |key: u8| BuildBytes.hash_one(key) as u32;
    let upper = |hash: u32| u64::from(hash) << 32;
    let again = |bucket: u8| (0..KEYS).map(|key| upper(anchorhash::fasthash(bucket.into(), hashed(key)))).collect();
    let first = (0..KEYS).map(|key| upper(hashed(key))).collect();
    Placement::by(Policy::Anchor { buckets: BUCKETS, first, again: (0..BUCKETS).map(again).collect() })
}

impl Counterpart<PlacementInterface> for Anchor {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Join { node, .. } if self.looks && self.nodes.contains(&node) => Answer::Refused,
            Action::Join { node, .. } => match self.anchor.add_resource(node) {
                Ok(()) => {
                    self.nodes.push(node);
                    Answer::Done
                }
                Err(_) => Answer::Refused,
            },
            Action::Leave { node } => match self.anchor.remove_resource(&node) {
                Ok(()) => {
                    self.nodes.retain(|other| *other != node);
                    Answer::Done
                }
                Err(_) => Answer::Refused,
            },
            Action::Owner { key } => Answer::Owner(self.anchor.get_resource(key).copied()),
            Action::Reweight { .. } | Action::Preference { .. } | Action::AcrossZones { .. } | Action::Plan => {
                panic!("{input:?} is asked of rings alone")
            }
        }
    }
}

/// The order in which each key falls to the nodes as its owner goes, over and over. Where the owner is the best of
/// those that are there, by whatever it goes, this says who owns what in every view.
fn ranked(owner: Owner) -> Placement {
    let mut scores = vec![vec![0; usize::from(KEYS)]; NODES_MAX];
    for key in 0..KEYS {
        let mut left: Vec<u8> = (0..NODES_MAX as u8).collect();
        while let Some(best) = owner(&left, key) {
            scores[usize::from(best)][usize::from(key)] = left.len() as u64;
            left.retain(|node| *node != best);
        }
    }
    Placement::by(Policy::Rendezvous { scores })
}

/// Numbered buckets, of which only the last goes.
fn stack(buckets: Vec<Vec<u8>>) -> Placement {
    Placement::by(Policy::Jump { buckets, last_leaves: true })
}

/// The cases of published crates.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = conforming();
    cases.extend(deviating());
    cases
}

fn case<C: Counterpart<PlacementInterface> + 'static>(
    name: &str,
    subject: &str,
    model: Placement,
    make: impl Fn() -> C + Send + Sync + 'static,
) -> (String, counterpart::Check<Placement, PlacementInterface>) {
    (format!("hash_ring/{name}"), super::check(model).alongside_only().subject(subject, Tour::new().of(make)))
}

fn conforming() -> Vec<Case> {
    let table = Placement::by(Policy::Maglev { entries: MAGLEV_ENTRIES });
    [
        case("anchorhash", ANCHORHASH, anchored(), || Anchor::new(true)),
        case("consistent_hash_ring", CONSISTENT_HASH_RING, ring(POINTS_PER_WEIGHT, 2), || {
            ConsistentHashRing::new(false)
        }),
        case("hashring", HASHRING, ring(1, 1), || HashRing::new(false)),
        case("hrw_hash", HRW_HASH, greatest_hash(false), || FunctionBinding::new(hrw)),
        case("jumphash", JUMPHASH, stack(buckets()), || FunctionBinding::new(jumphash)),
        case("maglev_crate", MAGLEV, table, || FunctionBinding::new(maglev)),
        case("mpchash", MPCHASH, ranked(mpchash), || FunctionBinding::new(mpchash)),
        case("pingora_ketama", PINGORA_KETAMA, ranked(ketama), || FunctionBinding::new(ketama)),
    ]
    .into_iter()
    .map(|(name, check)| Case::new(name, check))
    .collect()
}

fn deviating() -> Vec<Case> {
    let table = Placement::by(Policy::Maglev { entries: MAGLEV_ENTRIES });
    [
        (
            case("anchorhash_twice", ANCHORHASH, anchored(), || Anchor::new(false)),
            ANCHORHASH,
            "a resource that is there already is added once more: it has two buckets then, and twice the keys",
        ),
        (
            case("consistent_hash_ring_replicas", CONSISTENT_HASH_RING, ring(POINTS_PER_WEIGHT, 2), || {
                ConsistentHashRing::new(true)
            }),
            CONSISTENT_HASH_RING,
            "each further replica is looked for where the key's hash, hashed once more, lies (\"located by hashing keys an \
             extra round\"), and not at the next node clockwise: who takes over when the owner goes need not have a copy",
        ),
        (
            case("hashring_replicas", HASHRING, ring(1, 1), || HashRing::new(true)),
            HASHRING,
            "a ring of one node, asked for the owner and one replica, names that node twice: the list goes round the ring \
             as often as it takes",
        ),
        (
            case("hrw_hash_greatest", HRW_HASH, greatest_hash(true), || FunctionBinding::new(hrw_greatest)),
            HRW_HASH,
            "the score is one over the negated logarithm of the hash as a fraction: the greatest of hashes is rounded to \
             one, its logarithm is 0, and what is divided by minus zero is minus infinity: the best comes last",
        ),
        (
            case("jumphash_by_its_own_hash", JUMPHASH, stack(buckets()), || FunctionBinding::new(jumphash_sip)),
            JUMPHASH,
            "with the hash that it brings the same key lies in another bucket: the algorithm is published with a number \
             as key, and how a key becomes one is left to each",
        ),
        (
            case("maglev_crate_as_named", MAGLEV, table, || FunctionBinding::new(maglev_as_named)),
            MAGLEV,
            "the table is filled in turns, in the order in which the nodes are named: two machines that name the same \
             nodes in another order disagree on who owns the key",
        ),
        (
            case("mpchash_replicas", MPCHASH, ranked(mpchash), || FunctionBinding::new(mpchash_first_replica)),
            MPCHASH,
            "the replicas begin at the key's own position and the owner is found by probes: the first replica is not \
             the owner, though \"it is guaranteed that the first node is the same as the one returned by node()\"",
        ),
        (
            case("pingora_ketama_collision", PINGORA_KETAMA, ranked(ketama_collision), || FunctionBinding::new(ketama_collision)),
            PINGORA_KETAMA,
            "two nodes have a point in one place, and which of them counts depends on the order in which they are listed",
        ),
    ]
    .into_iter()
    .map(|((name, check), subject, why)| Case::new(name, check.diverges(subject).because(subject, why)))
    .collect()
}
