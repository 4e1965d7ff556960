//! The cases of the catalogue: the sound rings, the table of standstills, layouts, stories.

use counterpart::conform::Walk;
use counterpart::{Case, Check};

use super::bindings::{Raced, Threads, a_host_is_gone, laps_at_once};
use super::check;
use super::conformance::RingInterface;
use super::geometry::{Layout, Mask};
use super::model::{Grain, Groups, Ring, Scheme};
use super::numbers::Ours;
use super::polled::Polled;
use super::programme::{Directions, Order, Parts, Pass};
use super::properties::{ALL_PUBLISHED, BALANCED, BOUND_IS_MET, BOUNDED, ENDS};
use super::{defects, figure, recorded};
use crate::{Drawn, Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "ring_attention", cases, generated, pictures: PICTURES };

/// What is drawn of its cases.
const PICTURES: &[Drawn] = &[Drawn {
    file: "lap.svg",
    case: "ring_attention/one_lap_every_pair",
    caption: "whose keys and values each of eight hosts has at each of eight steps",
    draw: figure::lap,
}];

fn generated() -> Vec<Generated> {
    let diagram = format!("```mermaid\n{}```\n", figure::diagram(&Ring { crashes_max: 1, ..Ring::of(3) }));
    vec![Generated::part("diagram", diagram)]
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(standstills());
    cases.extend(variations());
    cases.extend(layouts());
    cases.extend(stories());
    cases.extend(large());
    cases.extend(defects::as_models());
    cases.extend(alongside());
    cases.extend(raced());
    cases.extend(defects::as_implementations());
    cases.extend(defects::of_our_own());
    cases.push(defects::stands_still());
    cases.push(defects::between_threads());
    cases.extend(recorded::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

fn case(name: &str, check: Check<Ring, RingInterface>) -> Case {
    Case::new(format!("ring_attention/{name}"), check)
}

fn holds(name: &str, model: Ring) -> Case {
    case(name, check(model))
}

/// A ring that comes to a standstill; `meets_bound`: after some host has as many blocks as it may.
fn stands_still(name: &str, model: Ring, meets_bound: bool) -> Case {
    let check = check(model).violates(ENDS).violates(ALL_PUBLISHED);
    case(name, if meets_bound { check } else { check.violates(BOUND_IS_MET) })
}

fn sound() -> Vec<Case> {
    vec![holds("one_lap_every_pair", Ring::of(4))]
}

/// The orders of sending and receiving, each with two to five hosts.
fn standstills() -> Vec<Case> {
    let mut cases = Vec::new();
    for hosts in 2..=5 {
        // Of five hosts every operation by itself is more than is needed to see whether they stand still.
        let grain = if hosts < 5 { Grain::Operation } else { Grain::Primitive };
        let ring = Ring { grain, ..Ring::of(hosts) };
        let apart = Ring { parts: Parts::Apart, ..ring.clone() };
        let odd_even = Ring { order: Order::OddEven, capacity: 0, ..ring.clone() };
        let receive_first = Ring { order: Order::ReceiveFirst, ..ring.clone() };
        let by_parity = Ring { channel_groups: Groups::ByParity, ..odd_even.clone() };
        let rendezvous = Ring { capacity: 0, ..ring.clone() };
        let story =
            if hosts == 4 { "all_send_first_deadlock".into() } else { format!("send_first_rendezvous_{hosts}") };
        // With no room in the channel and none spared the bound is one block, which each host has.
        cases.push(stands_still(&story, rendezvous, true));
        if hosts != 4 {
            cases.push(holds(&format!("send_first_capacity_1_{hosts}"), ring.clone()));
        }
        for capacity in 0..=2 {
            let name = format!("receive_first_capacity_{capacity}_{hosts}");
            cases.push(stands_still(&name, Ring { capacity, ..receive_first.clone() }, false));
        }
        cases.push(holds(&format!("odd_even_rendezvous_{hosts}"), odd_even));
        cases.push(stands_still(&format!("keys_and_values_apart_capacity_1_{hosts}"), apart.clone(), true));
        let grain = if hosts < 4 { Grain::Operation } else { Grain::Primitive };
        let roomy = Ring { capacity: 2, grain, ..apart };
        cases.push(holds(&format!("keys_and_values_apart_capacity_2_{hosts}"), roomy));
        let name = format!("two_channel_groups_{hosts}");
        cases.push(if hosts % 2 == 0 { holds(&name, by_parity) } else { stands_still(&name, by_parity, true) });
    }
    cases
}

/// Two ways round, gradients, all-gather.
fn variations() -> Vec<Case> {
    let backward = Ring { pass: Pass::Backward, ..Ring::of(3) };
    let both = Ring { directions: Directions::Both, ..Ring::of(4) };
    vec![
        holds("overlapped", overlapped(3)),
        holds("bidirectional", Ring { grain: Grain::Primitive, ..both.clone() }),
        holds("bidirectional_odd", Ring { hosts: 3, ..both }),
        holds("backward", backward.clone()),
        holds("backward_odd_even", Ring { order: Order::OddEven, capacity: 0, ..backward.clone() }),
        holds("backward_causal", Ring { mask: Mask::Causal, ..backward }),
        case(
            "all_gather",
            check(Ring { scheme: Scheme::AllGather, ..Ring::of(3) })
                .violates(BOUNDED)
                .because(BOUNDED, "all-gather computes the same pairs, but each host keeps every block that comes by"),
        ),
    ]
}

/// Both buffers, and hosts that meet: sending and receiving are posted, and the host computes meanwhile.
pub(super) fn overlapped(hosts: u8) -> Ring {
    Ring { order: Order::Overlapped, capacity: 0, ..Ring::of(hosts) }
}

/// Masks and layouts are independent: any goes with any.
fn layouts() -> Vec<Case> {
    let causal = |layout| Ring { mask: Mask::Causal, layout, ..Ring::of(3) };
    vec![
        holds("causal_contiguous", causal(Layout::Contiguous)),
        holds("causal_striped", causal(Layout::Striped)),
        holds("causal_zigzag", causal(Layout::Zigzag)),
        holds("full_mask_zigzag", Ring { layout: Layout::Zigzag, ..Ring::of(3) }),
        holds("packed_documents", packed(Layout::Packed)),
        case("balances_each_document", check(packed(Layout::EachDocument)).violates(BALANCED)),
    ]
}

/// Two documents, of 4 and of 12 tokens.
pub(super) fn packed(layout: Layout) -> Ring {
    Ring { mask: Mask::Documents(&[4, 12]), layout, grain: Grain::Primitive, ..Ring::of(4) }
}

fn stories() -> Vec<Case> {
    let slow = "host 1 has not crashed, so nobody is told anything: each of the others gets ahead of it by what the \
                channels between them have room for, and waits";
    vec![
        case(
            "straggler_stalls_ring",
            check(Ring { straggler: Some(1), ..Ring::of(3) }).violates(ENDS).because(ENDS, slow),
        ),
        holds("a_lost_host", Ring { crashes_max: 1, ..Ring::of(3) }),
        holds("a_lost_host_rendezvous", Ring { order: Order::OddEven, capacity: 0, crashes_max: 1, ..Ring::of(3) }),
        holds("a_lost_host_backward", Ring { pass: Pass::Backward, crashes_max: 1, ..Ring::of(3) }),
        holds("a_lost_host_causal_overlapped", Ring { mask: Mask::Causal, crashes_max: 1, ..overlapped(3) }),
        holds("a_lost_host_of_four_causal_overlapped", Ring { mask: Mask::Causal, crashes_max: 1, ..overlapped(4) }),
    ]
}

/// Our own hosts: explored together with the model without threads; as threads driven over every transition, walked
/// beyond that, and raced.
fn alongside() -> Vec<Case> {
    let send_first = Ring::of(3);
    let lost = |model: Ring| Ring { crashes_max: 1, ..model };
    let odd_even = Ring { order: Order::OddEven, capacity: 0, ..send_first.clone() };
    let both_ways = Ring { directions: Directions::Both, ..send_first.clone() };
    let backward = Ring { pass: Pass::Backward, ..send_first.clone() };
    let causal = Ring { mask: Mask::Causal, ..overlapped(3) };
    // Every ring is explored with a lost host and walked with one. A tour of threads starts them anew for each crash, and
    // so is made with one lost host of two rings, and with none of the others.
    let driven = |name: &str, model: Ring| {
        let model = by_primitives(model);
        let larger = Ring { hosts: 5, crashes_max: 1, ..model.clone() };
        // A lap of five is at most 85 primitives; what is left of a walk is refused.
        let walk = Walk::new().runs(50).steps(90);
        case(name, check(model).sequential(larger, walk, Polled::<Ours>::new, Threads::new))
    };
    let explored = |name: &str, model: Ring| {
        let model = by_primitives(model);
        let ours = model.clone();
        case(name, check(model).alongside_only().product(move || Polled::<Ours>::new(&ours)))
    };
    let roomy = by_primitives(Ring { capacity: 2, ..Ring::of(3) });
    let (polled, threads) = (roomy.clone(), roomy.clone());
    let story = by_primitives(Ring { capacity: 0, ..Ring::of(3) });
    let driven_story = story.clone();
    vec![
        driven("threads_send_first", lost(send_first)),
        driven("threads_odd_even", lost(odd_even)),
        driven("threads_overlapped", overlapped(3)),
        driven("threads_causal_overlapped", causal.clone()),
        driven("threads_both_ways", both_ways.clone()),
        driven("threads_backward", backward.clone()),
        explored("a_lost_host_of_ours_overlapped", lost(overlapped(3))),
        explored("a_lost_host_of_ours_causal_overlapped", lost(causal)),
        explored("a_lost_host_of_ours_both_ways", lost(both_ways)),
        explored("a_lost_host_of_ours_backward", lost(backward)),
        // Where defects show, whether or not threads are driven there.
        explored("send_first_of_ours", Ring::of(3)),
        explored("send_first_of_four", Ring::of(4)),
        explored("causal_of_ours", Ring { mask: Mask::Causal, ..Ring::of(3) }),
        explored("overlapped_of_two", overlapped(2)),
        explored("overlapped_with_room", Ring { order: Order::Overlapped, ..Ring::of(3) }),
        explored("overlapped_with_room_for_two", Ring { order: Order::Overlapped, capacity: 2, ..Ring::of(3) }),
        explored("both_ways_of_four", Ring { directions: Directions::Both, ..Ring::of(4) }),
        explored("backward_causal_zigzag", zigzag(Ring { pass: Pass::Backward, ..overlapped(3) })),
        explored("packed_documents_of_ours", packed(Layout::Packed)),
        // It keeps every block, and shows it; that it does is what the ring is there to spare.
        explored("all_gather_of_ours", Ring { scheme: Scheme::AllGather, ..Ring::of(3) }),
        case(
            "threads_with_room_for_two",
            check(roomy).product(move || Polled::<Ours>::new(&polled)).tour(move || Threads::new(&threads)),
        ),
        // What stands still in the model stands still in its threads, at the same places.
        case(
            "threads_stand_still",
            check(story).violates(ENDS).violates(ALL_PUBLISHED).tour(move || Threads::new(&driven_story)),
        ),
    ]
}

fn zigzag(model: Ring) -> Ring {
    Ring { mask: Mask::Causal, layout: Layout::Zigzag, ..model }
}

/// Our own hosts without numbers, raced.
fn raced() -> Vec<Case> {
    let raced = |name: &str, model: Ring, script| {
        let factory = model.clone();
        case(name, check(model).interleave(vec![script], move || Raced::new(&factory)))
    };
    let three = || laps_at_once(3).preemptions_max(2);
    let deeper =
        |name: &str, model| raced(name, model, laps_at_once(3).preemptions_max(3).schedules_max(3_000_000)).large();
    vec![
        deeper("races_interrupted_thrice", Ring::of(3)),
        deeper("races_overlapped_interrupted_thrice", overlapped(3)),
        raced("races", Ring::of(3), three()),
        raced("races_with_room_for_two", Ring { capacity: 2, ..Ring::of(3) }, laps_at_once(3).preemptions_max(1)),
        raced("races_rendezvous", Ring { order: Order::OddEven, capacity: 0, ..Ring::of(3) }, three()),
        raced("races_overlapped", overlapped(3), three()),
        raced("races_of_two", Ring::of(2), laps_at_once(2).preemptions_max(5)),
        raced("races_of_two_overlapped", overlapped(2), laps_at_once(2).preemptions_max(4)),
        raced("races_with_a_lost_host", Ring { crashes_max: 1, ..Ring::of(3) }, a_host_is_gone(3)),
    ]
}

/// The same, a primitive at a time: what a turnstile drives.
pub(super) fn by_primitives(model: Ring) -> Ring {
    Ring { grain: Grain::Primitive, ..model }
}

fn large() -> Vec<Case> {
    let lost = |crashes_max| Ring { mask: Mask::Causal, capacity: 1, crashes_max, ..overlapped(4) };
    vec![
        case("two_lost_hosts_causal_overlapped", check(lost(2)).counts(1_864_914, 7_501_244)).large(),
        case("one_lost_host_room", check(lost(1)).counts(813_604, 3_466_354)).large(),
    ]
}
