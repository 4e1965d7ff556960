//! The cases of the catalogue: placement, handoff and membership.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::{AnchorBinding, BoundedBinding, FunctionBinding, RingBinding, by_jump, by_rendezvous};
use super::implementation::{anchor_hash, hash_of, jump, score};
use super::model::{NODES_MAX, Placement, Policy, Variant};
use super::properties::*;
use super::{check, chord, defects, handoff, picture};
use crate::{Drawn, Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "hash_ring", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[
    Drawn {
        file: "arcs.svg",
        case: "hash_ring/join_moves_only_its_arc",
        caption: "arcs before and after a join",
        draw: picture::arcs,
    },
    Drawn {
        file: "balance.svg",
        case: "hash_ring/ring_of_equals",
        caption: "the fullest and the emptiest of ten nodes",
        draw: picture::balance,
    },
];

fn generated() -> Vec<Generated> {
    vec![Generated::part("diagram", format!("```mermaid\n{}```\n", handoff::diagram()))]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = rings();
    cases.extend(functions());
    cases.extend(anchors());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(handoff::cases());
    cases.extend(chord::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

fn rings() -> Vec<Case> {
    let ring = Placement::ring();
    let walk = Walk::new().runs(100).steps(200);
    let three = Placement { first: vec![0, 1, 2], weight_max: 1, ..Placement::ring() };
    let (explored, of_three) = (ring.clone(), three.clone());
    vec![
        Case::new("hash_ring/ring", check(ring).product(move || RingBinding::new(&explored))),
        Case::new(
            "hash_ring/ring_of_equals",
            check(Placement { weight_max: 1, ..Placement::ring() }).driven(
                Placement { weight_max: 2, replicas: 3, ..Placement::ring() },
                walk,
                RingBinding::new,
            ),
        ),
        Case::new("hash_ring/join_moves_only_its_arc", check(three).product(move || RingBinding::new(&of_three))),
        // As memcached's clients give points to servers of unequal weights; of equal ones they are a ring as any other.
        Case::new(
            "hash_ring/shared_points_of_equals",
            check(Placement { weight_max: 1, ..Placement::ring() }.with(Variant::SharesPoints)),
        ),
        // Three servers and a fourth: nine of twelve keys move, where three would do.
        Case::new(
            "hash_ring/mod_n_reshuffle",
            check(Placement { positions: 12, first: vec![0, 1, 2], ..Placement::by(Policy::Modulo) })
                .violates_all(&[MONOTONE, JOIN_TAKES_ITS_ARCS, LEAVE_GIVES_ITS_KEYS, LOAD])
                .because(
                    MONOTONE,
                    "the number of servers is in every key's place: when one of three goes eight of twelve keys move, \
                     four of them its own",
                )
                .because(
                    JOIN_TAKES_ITS_ARCS,
                    "the number of servers is in every key's place: with a fourth nine of twelve keys move, where three \
                     would do",
                ),
        ),
    ]
}

fn functions() -> Vec<Case> {
    let rendezvous = Placement::by(Policy::Rendezvous { scores: scores() });
    let appended = Placement::by(Policy::Jump { buckets: buckets(), last_leaves: true });
    let any = Placement::by(Policy::Jump { buckets: buckets(), last_leaves: false });
    let maglev = Placement::by(Policy::Maglev { entries: 13 });
    let bounded = defects::bounded();
    let placed = || BoundedBinding::new(&defects::bounded());
    vec![
        Case::new(
            "hash_ring/rendezvous",
            check(rendezvous.clone())
                .product(|| FunctionBinding::new(by_rendezvous))
                .driven(rendezvous, Walk::new().runs(20).steps(100), |_| FunctionBinding::new(by_rendezvous)),
        ),
        Case::new(
            "hash_ring/jump",
            check(appended.clone())
                .product(|| FunctionBinding::new(by_jump))
                .driven(appended, Walk::new().runs(20).steps(100), |_| FunctionBinding::new(by_jump)),
        ),
        Case::new(
            "hash_ring/jump_anybody_leaves",
            check(any).violates_all(&[MONOTONE, LEAVE_GIVES_ITS_KEYS, LOAD, RESTORES]).because(
                MONOTONE,
                "buckets are numbered: when one in the middle goes all behind it are other nodes than before",
            ),
        ),
        Case::new(
            "hash_ring/maglev",
            check(maglev).violates_all(&[MONOTONE, JOIN_TAKES_ITS_ARCS, LEAVE_GIVES_ITS_KEYS, SPREAD, LOAD]).because(
                MONOTONE,
                "the table is filled anew, in turns: a turn more for one node shifts those of the others",
            ),
        ),
        Case::new(
            "hash_ring/bounded",
            check(bounded).product(placed).tour(placed).violates_all(defects::BY_DESIGN).because(
                MONOTONE,
                "the share of each is smaller with one more: what no longer has room goes on to the next, who was there",
            ),
        ),
    ]
}

/// Any node may leave, and with a bucket less than nodes the last one that comes is refused.
fn anchors() -> Vec<Case> {
    let (roomy, full) = (anchored(5), anchored(3));
    let explored = [roomy.clone(), full.clone()].map(|model| move || AnchorBinding::new(&model));
    let [of_roomy, of_full] = explored;
    let walk = Walk::new().runs(20).steps(200);
    vec![
        Case::new("hash_ring/anchor", check(roomy).product(of_roomy).driven(anchored(16), walk, AnchorBinding::new)),
        Case::new("hash_ring/anchor_without_room", check(full).product(of_full)),
    ]
}

/// So many buckets, drawn as ours are.
pub(super) fn anchored(buckets: u8) -> Placement {
    let first = (0..16_u8).map(|key| hash_of(&[key])).collect();
    let again = |bucket: u8| (0..16_u8).map(|key| anchor_hash(bucket.into(), &[key])).collect();
    let policy = Policy::Anchor { buckets, first, again: (0..buckets).map(again).collect() };
    Placement::by(policy)
}

fn scores() -> Vec<Vec<u64>> {
    let of = |node: u8| (0..16).map(|key: u8| score(&[node], &[key])).collect();
    (0..NODES_MAX as u8).map(of).collect()
}

pub(super) fn buckets() -> Vec<Vec<u8>> {
    let of =
        |count: u32| (0..16_u8).filter_map(|key| jump(hash_of(&[key]), count)).map(|bucket| bucket as u8).collect();
    (1..=NODES_MAX as u32).map(of).collect()
}
