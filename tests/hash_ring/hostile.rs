//! Hostile rings, views, messages and bytes.

use std::num::NonZeroU32;

use counterpart_models::hash_ring::chord::implementation::{Answer, Peer, PeerError};
use counterpart_models::hash_ring::handoff::bindings::{Halves, views};
use counterpart_models::hash_ring::handoff::implementation::{
    Ack, FRAME_BYTES_MAX, Frame, HandoffError, Handover, Node, Refusal, Request, Transfer, View, ViewError, WireError,
    read_frame, write_frame,
};
use counterpart_models::hash_ring::implementation::{
    Anchor, AnchorError, Arc, BUCKETS_MAX, BoundedLoads, Hashed, LoadError, Member, Ring, RingError, hash_of, jump,
    migrated_ranges, rendezvous,
};
use libtest_mimic::Trial;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::claim;
use crate::drawn::{drawn, edgy, for_all, number};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::what_a_ring_refuses_it_names_and_nothing_has_changed", refusals),
        claim("hash_ring::a_plan_is_the_difference_of_owners_whatever_changes", plans),
        claim("hash_ring::no_ring_no_load_and_no_bucket_is_beyond_bounds", functions),
        claim("hash_ring::an_anchor_moves_the_keys_of_who_leaves_and_no_others", anchors),
        claim("hash_ring::a_view_older_than_the_data_is_an_error", old_views),
        claim("hash_ring::whatever_views_come_a_node_goes_forward_alone", views_of_any_epoch),
        claim("hash_ring::no_message_makes_a_node_lose_or_invent_a_key", messages),
        claim("hash_ring::no_bytes_are_more_than_a_frame_or_an_error", bytes),
        claim("hash_ring::no_answer_makes_a_member_of_a_ring_panic", members),
    ]
}

type Names = Ring<String, Hashed>;

fn empty(points_per_weight: u32) -> Names {
    Ring::new(Hashed, NonZeroU32::new(points_per_weight).expect("positive"))
}

#[derive(Clone, Debug)]
enum Change {
    Add { node: u8, weight: u32 },
    Remove { node: u8 },
    Reweight { node: u8, weight: u32 },
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let weight = || number(1..4_u32);
    let change = prop_oneof![
        drawn!(Change::Add { node: 0..5_u8, weight: weight() }),
        drawn!(Change::Remove { node: 0..5_u8 }),
        drawn!(Change::Reweight { node: 0..5_u8, weight: weight() }),
    ];
    vec(change, 0..12)
}

fn apply(ring: &mut Names, change: &Change) -> Result<(), RingError<String>> {
    let name = |node: u8| format!("node {node}");
    match *change {
        Change::Add { node, weight } => ring.add(name(node), Member { weight, zone: u32::from(node % 2) }),
        Change::Remove { node } => ring.remove(&name(node)).map(|_| ()),
        Change::Reweight { node, weight } => ring.reweight(&name(node), weight),
    }
}

fn refusals() {
    #[derive(Clone, Debug)]
    struct Drawn {
        changes: Vec<Change>,
        position: u64,
        replicas: usize,
    }
    let drawn = drawn!(Drawn { changes: changes(), position: number(any::<u64>()), replicas: number(0..7_usize) });
    for_all(drawn, |Drawn { changes, position, replicas }| {
        let mut ring = empty(3);
        for change in changes {
            let before = ring.clone();
            if apply(&mut ring, &change).is_err() {
                assert_eq!(ring, before, "{change:?} was refused");
            }
        }
        let nodes = ring.members().len();
        assert_eq!(ring.owner_at(position).is_ok(), nodes > 0);
        let enough = ring.preference_at(position, replicas);
        assert_eq!(enough.is_ok(), replicas <= nodes);
        if let Ok(enough) = enough {
            assert_eq!(enough.len(), replicas);
            assert!(replicas == 0 || enough.first().copied() == ring.owner_at(position).ok());
        }
    });
    let mut ring = empty(1);
    assert_eq!(ring.owner(b"key"), Err(RingError::Empty));
    let member = |weight| Member { weight, zone: 0 };
    let said = |result: Result<(), RingError<String>>| result.expect_err("refused").to_string();
    assert_eq!(
        said(ring.add("a".into(), member(0))),
        "node \"a\" has weight 0, it must be 1 or more; remove it instead"
    );
    assert_eq!(ring.add("a".into(), member(1)), Ok(()));
    assert_eq!(said(ring.add("a".into(), member(2))), "node \"a\" is in the ring already");
    assert_eq!(said(ring.reweight(&"b".into(), 1)), "node \"b\" is not in the ring");
    assert_eq!(said(ring.reweight(&"a".into(), 1 << 21)), "node \"a\" of weight 2097152 has more than 1048576 points");
    assert_eq!(ring.preference_at(0, 2), Err(RingError::TooManyReplicas { asked: 2, nodes: 1 }));
    assert_eq!(ring.preference_across_zones_at(0, 2), Err(RingError::TooFewZones { asked: 2, zones: 1 }));
}

fn plans() {
    #[derive(Clone, Debug)]
    struct Drawn {
        first: Vec<Change>,
        then: Vec<Change>,
        positions: Vec<u64>,
    }
    let drawn = drawn!(Drawn { first: changes(), then: changes(), positions: vec(number(any::<u64>()), 1..20) });
    for_all(drawn, |Drawn { first, then, positions }| {
        let mut old = empty(2);
        for change in first {
            let _ = apply(&mut old, &change);
        }
        let mut new = old.clone();
        for change in then {
            let _ = apply(&mut new, &change);
        }
        let plan = migrated_ranges(&old, &new);
        let edges = old.points().iter().chain(new.points()).flat_map(|(point, _)| [*point, point.wrapping_add(1)]);
        for position in positions.into_iter().chain(edges) {
            let arcs: Vec<_> = plan.iter().filter(|migration| migration.arc.contains(position)).collect();
            match (old.owner_at(position), new.owner_at(position)) {
                (Ok(from), Ok(to)) if from != to => {
                    assert_eq!(arcs.len(), 1, "{position} moves once");
                    assert_eq!((&arcs[0].from, &arcs[0].to), (from, to));
                }
                _ => assert!(arcs.is_empty(), "{position} does not move: {arcs:?}"),
            }
        }
    });
}

fn functions() {
    #[derive(Clone, Debug)]
    struct Drawn {
        keys: Vec<u64>,
        count: u8,
        percent: u32,
    }
    let percent = edgy(vec![99, 100], number(100..300_u32));
    let drawn = drawn!(Drawn { keys: vec(number(any::<u64>()), 0..30), count: 0..6_u8, percent: percent });
    for_all(drawn, |Drawn { keys, count, percent }| {
        let Ok(loads) = BoundedLoads::new::<String>(percent) else { return assert!(percent < 100) };
        let mut ring = empty(4);
        for node in 0..count {
            ring.add(node.to_string(), Member::default()).expect("a new node");
        }
        match loads.assign(&ring, &keys) {
            Err(error) => assert_eq!(error, LoadError::Ring(RingError::Empty)),
            Ok(owners) => {
                let cap = loads.cap(keys.len(), count.into());
                for (node, _) in ring.members() {
                    assert!(owners.iter().filter(|owner| **owner == node).count() <= cap);
                }
            }
        }
        for key in keys {
            assert_eq!(jump(key, count.into()).is_some(), count > 0);
            assert!(jump(key, count.into()).is_none_or(|bucket| bucket < count.into()));
        }
    });
    assert_eq!(rendezvous::<String>([], b"key"), None);
    assert_eq!(jump(hash_of(b"key"), 1), Some(0));
    // The figure's function, of the paper: the first keys among 1 to 10 buckets.
    assert_eq!((1..=10).filter_map(|buckets| jump(0, buckets)).collect::<Vec<_>>(), [0; 10]);
}

fn anchors() {
    #[derive(Clone, Debug)]
    struct Change {
        comes: bool,
        node: u8,
    }
    #[derive(Clone, Debug)]
    struct Drawn {
        buckets: u32,
        changes: Vec<Change>,
    }
    let name = |node: &u8| node.to_string();
    let change = drawn!(Change { comes: any::<bool>(), node: 0..8_u8 });
    for_all(drawn!(Drawn { buckets: 1..7_u32, changes: vec(change, 0..30) }), |Drawn { buckets, changes }| {
        let mut anchor = Anchor::<String>::new(buckets).expect("room for some");
        let owners = |anchor: &Anchor<String>| -> Vec<Option<String>> {
            (0..40_u8).map(|key| anchor.owner(&[key]).ok().cloned()).collect()
        };
        for Change { comes, node } in changes {
            let (before, node) = (anchor.clone(), name(&node));
            let done = if comes { anchor.add(node.clone()) } else { anchor.remove(&node) };
            if done.is_err() {
                assert_eq!(anchor, before);
                continue;
            }
            let pairs = owners(&before).into_iter().zip(owners(&anchor));
            for (from, to) in pairs.filter(|(from, to)| from != to) {
                let gone = if comes { to } else { from };
                assert!(gone == Some(node.clone()) || before.nodes().len() == 0, "{gone:?} is not {node}");
            }
            let was = owners(&anchor);
            if comes {
                anchor.remove(&node).expect("it is there");
                anchor.add(node).expect("there is room");
                assert_eq!(owners(&anchor), was);
            }
        }
        assert_eq!(anchor.owner(b"key").is_ok(), anchor.nodes().len() > 0);
    });
    let said = |error: AnchorError<String>| error.to_string();
    assert_eq!(Anchor::<u8>::new(0).err(), Some(AnchorError::Buckets { buckets: 0, max: BUCKETS_MAX }));
    assert!(Anchor::<u8>::new(u32::MAX).is_err());
    let mut anchor = Anchor::new(1).expect("room for one");
    assert_eq!(anchor.owner(b"key").map_err(said), Err("the anchor has no node".into()));
    assert_eq!(anchor.add(name(&1)), Ok(()));
    assert_eq!(anchor.add(name(&1)).map_err(said), Err("node \"1\" has a bucket already".into()));
    assert_eq!(anchor.add(name(&2)).map_err(said), Err("no bucket is left for node \"2\", all 1 have theirs".into()));
    assert_eq!(anchor.remove(&name(&2)).map_err(said), Err("node \"2\" has no bucket".into()));
}

/// Views of any epoch and of no node, requests of any epoch, before, within and after a move: what is refused names both
/// epochs and changes nothing.
fn views_of_any_epoch() {
    #[derive(Clone, Debug)]
    struct Offered {
        epoch: u64,
        is_empty: bool,
    }
    #[derive(Clone, Debug)]
    struct Drawn {
        offered: Vec<Offered>,
        asked: Vec<u64>,
    }
    let epoch = || edgy(vec![0, 1, 2, 3, u64::MAX], any::<u64>());
    let view = drawn!(Offered { epoch: epoch(), is_empty: any::<bool>() });
    for_all(drawn!(Drawn { offered: vec(view, 0..6), asked: vec(epoch(), 0..6) }), |Drawn { offered, asked }| {
        let (first, _) = views();
        let mut node = Node::new(0, first.clone()).expect("a view with a node");
        node.serve(Request::Put { epoch: 1, key: vec![1], value: vec![7] }).expect("it is its own");
        for Offered { epoch, is_empty } in offered {
            let ring = if is_empty { Ring::new(Halves, NonZeroU32::MIN) } else { first.ring.clone() };
            let (before, current) = (node.clone(), node.view().epoch);
            match node.prepare(View { epoch, ring }) {
                Ok(given) => {
                    assert!(epoch > current && !is_empty && given.is_empty());
                    assert_eq!(node.prepare(first.clone()), Err(ViewError::UnderWay { offered: 1, next: epoch }));
                    node.finish().expect("nothing changes hands");
                    assert_eq!(node.view().epoch, epoch);
                }
                Err(ViewError::Old { offered, current: of }) => {
                    assert_eq!((offered, of), (epoch, current));
                    assert!(epoch <= current && node == before);
                }
                Err(error) => {
                    assert_eq!(error, ViewError::Empty { offered: epoch });
                    assert!(is_empty && node == before);
                }
            }
        }
        let current = node.view().epoch;
        for epoch in asked {
            let found = node.serve(Request::Get { epoch, key: vec![1] });
            let expected = match epoch.cmp(&current) {
                std::cmp::Ordering::Less => Err(Refusal::StaleView { epoch: current }),
                std::cmp::Ordering::Equal => Ok(Some(vec![7])),
                std::cmp::Ordering::Greater => Err(Refusal::UnknownView { epoch: current }),
            };
            assert_eq!(found, expected);
        }
    });
}

fn node() -> (Node<u8, Halves>, Arc) {
    let (before, after) = views();
    let mut node = Node::new(1, before).expect("a view with a node");
    let mut old = Node::new(0, views().0).expect("a view with a node");
    let plan = old.prepare(after.clone()).expect("the next view");
    node.prepare(after).expect("the next view");
    (node, plan[0].0)
}

fn old_views() {
    let (before, after) = views();
    let mut node = Node::new(0, after.clone()).expect("a view with a node");
    assert_eq!((*node.id(), node.view().epoch), (0, 2));
    assert_eq!(node.prepare(before.clone()), Err(ViewError::Old { offered: 1, current: 2 }));
    assert_eq!(node.prepare(after.clone()), Err(ViewError::Old { offered: 2, current: 2 }));
    let next = View { epoch: 3, ring: before.ring };
    assert_eq!(node.prepare(next.clone()).expect("a newer view"), []);
    assert_eq!(node.prepare(View { epoch: 4, ..next }), Err(ViewError::UnderWay { offered: 4, next: 3 }));
    assert_eq!(node.finish(), Err(ViewError::Unfinished { arcs: 1 }));
    let get = |epoch| Request::Get { epoch, key: vec![200] };
    assert_eq!(node.serve(get(1)), Err(Refusal::StaleView { epoch: 2 }));
    assert_eq!(node.serve(get(9)), Err(Refusal::UnknownView { epoch: 3 }));
    assert_eq!(Node::new(0, View { epoch: 1, ring: Ring::<u8, Halves>::new(Halves, NonZeroU32::MIN) }).err(), {
        Some(ViewError::Empty { offered: 1 })
    });
}

fn messages() {
    #[derive(Clone, Debug)]
    struct Entry {
        key: Vec<u8>,
        value: Vec<u8>,
    }
    #[derive(Clone, Debug)]
    struct Drawn {
        rightly: bool,
        epoch: u64,
        after: u64,
        through: u64,
        entries: Vec<Entry>,
    }
    let bytes = || vec(any::<u8>(), 0..3);
    let bound = || edgy(vec![1 << 63], number(any::<u64>()));
    let drawn = drawn!(Drawn {
        rightly: any::<bool>(),
        epoch: edgy(vec![2, 3], number(any::<u64>())),
        after: bound(),
        through: bound(),
        entries: vec(drawn!(Entry { key: bytes(), value: bytes() }), 0..4),
    });
    for_all(drawn, |Drawn { rightly, epoch, after, through, entries }| {
        let entries: Vec<(Vec<u8>, Vec<u8>)> = entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
        let (mut node, arc) = node();
        let arc = if rightly { arc } else { Arc { after, through } };
        let before = node.clone();
        let transfer = Transfer { epoch, arc, entries: entries.clone() };
        match node.receive(transfer) {
            Ok(ack) => {
                assert_eq!(ack, Ack { epoch: 2, arc });
                assert!(entries.iter().all(|(key, _)| node.stored(key).is_some()));
            }
            Err(error) => {
                assert_eq!(node, before, "{error}");
                assert!(epoch != 2 || !rightly || error == HandoffError::ForeignKey, "{error}");
            }
        }
        let before = node.clone();
        if node.activate(Handover { epoch, arc }).is_err() {
            assert_eq!(node, before);
        }
        for refused in [node.freeze(arc), node.acknowledged(Ack { epoch, arc }), node.release(arc).map(|_| ())] {
            assert!(refused.is_err(), "it gives nothing away");
        }
        assert!(node.delete(arc).is_err() && node.transfer(arc).is_err());
    });
}

fn frame() -> impl Strategy<Value = Frame> {
    let bytes = || vec(any::<u8>(), 0..5);
    let arc = || (any::<u64>(), any::<u64>()).prop_map(|(after, through)| Arc { after, through });
    prop_oneof![
        (any::<u64>(), bytes()).prop_map(|(epoch, key)| Frame::Request(Request::Get { epoch, key })),
        (any::<u64>(), bytes(), bytes()).prop_map(|(epoch, key, value)| Frame::Request(Request::Put {
            epoch,
            key,
            value
        })),
        (any::<u64>(), arc(), vec((bytes(), bytes()), 0..4))
            .prop_map(|(epoch, arc, entries)| Frame::Transfer(Transfer { epoch, arc, entries })),
        (any::<u64>(), arc()).prop_map(|(epoch, arc)| Frame::Ack(Ack { epoch, arc })),
        (any::<u64>(), arc()).prop_map(|(epoch, arc)| Frame::Handover(Handover { epoch, arc })),
        (any::<u64>(), arc()).prop_map(|(epoch, arc)| Frame::Confirm(Handover { epoch, arc })),
        proptest::option::of(bytes()).prop_map(Frame::Value),
        any::<u64>().prop_map(|epoch| Frame::Refused(Refusal::StaleView { epoch })),
        any::<u64>().prop_map(|epoch| Frame::Refused(Refusal::UnknownView { epoch })),
        proptest::sample::select(vec![
            Frame::Written,
            Frame::Failed,
            Frame::Refused(Refusal::NotOwner),
            Frame::Refused(Refusal::Frozen),
            Frame::Refused(Refusal::NotYet),
        ]),
    ]
}

fn bytes() {
    for_all(frame(), |frame| {
        let mut whole = Vec::new();
        write_frame(&mut whole, &frame).expect("it is short");
        assert_eq!(read_frame(&mut whole.as_slice()).expect("a frame"), Some(frame));
        for cut in 1..whole.len() {
            assert!(matches!(read_frame(&mut &whole[..cut]), Err(WireError::Truncated)));
        }
        whole.push(0);
        let mut rest = whole.as_slice();
        assert!(read_frame(&mut rest).is_ok() && rest == [0], "it reads no further than its frame");
    });
    for_all(vec(any::<u8>(), 0..40), |body| {
        let mut whole = (body.len() as u32).to_le_bytes().to_vec();
        whole.extend(&body);
        if let Ok(Some(frame)) = read_frame(&mut whole.as_slice()) {
            let mut again = Vec::new();
            write_frame(&mut again, &frame).expect("it is as short as it was");
            assert_eq!(again, whole, "one way to say a thing");
        }
    });
    assert!(read_frame(&mut [].as_slice()).expect("the end").is_none());
    let announced = [0xff; 4];
    let said = read_frame(&mut announced.as_slice()).expect_err("too long").to_string();
    assert_eq!(said, format!("a frame of {} bytes, {FRAME_BYTES_MAX} is the most", u32::MAX));
    let value = Frame::Value(Some(vec![0; FRAME_BYTES_MAX]));
    let mut nothing = Vec::new();
    assert!(matches!(write_frame(&mut nothing, &value), Err(WireError::TooLong { .. })) && nothing.is_empty());
}

fn members() {
    #[derive(Clone, Debug)]
    struct Told {
        answer: Answer,
        answers: bool,
        asked: u64,
    }
    #[derive(Clone, Debug)]
    struct Drawn {
        space: u64,
        knows: Answer,
        by: Answer,
        told: Vec<Told>,
    }
    let id = || number(0..8_u64);
    let answer = || drawn!(Answer { id: id(), successors: vec(id(), 0..4), predecessor: id() });
    let told = drawn!(Told { answer: answer(), answers: any::<bool>(), asked: id() });
    let drawn = drawn!(Drawn { space: id(), knows: answer(), by: answer(), told: vec(told, 0..10) });
    for_all(drawn, |Drawn { space, knows, by, told }| {
        let founding = Peer::founding(space, knows.clone());
        let fits = knows.successors.iter().chain([&knows.id, &knows.predecessor]).all(|id| *id < space);
        assert_eq!(founding.is_ok(), fits && !knows.successors.is_empty());
        let _ = Peer::joining(space, knows.id, &by);
        let Ok(mut peer) = founding else { return };
        for Told { answer, answers, asked } in told {
            peer.successor_answered(asked, answers.then_some(&answer));
            peer.closer_answered(&answer);
            peer.notified(asked, answers);
            assert_eq!(peer.answer().successors.len(), knows.successors.len());
        }
    });
    let by = Answer { id: 1, successors: vec![2], predecessor: 0 };
    assert_eq!(Peer::joining(8, 5, &by), Err(PeerError::NotBetween { id: 5, by: 1, successor: 2 }));
}
