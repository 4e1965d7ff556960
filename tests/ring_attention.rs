//! Ring attention: what is counted and not measured, and which rings are refused.

mod hostile;
mod lost;
mod maths;

use counterpart::Counterpart;
use counterpart::verdict::Verdict;
use counterpart_models::ring_attention::bindings::{Threads, planned};
use counterpart_models::ring_attention::conformance::{Input, RingInterface, Standing, Tolerance};
use counterpart_models::ring_attention::defective::{ForgetsToRescale, MasksByStep, OneBuffer, from_both_sides};
use counterpart_models::ring_attention::geometry::{Layout, Mask};
use counterpart_models::ring_attention::implementation::{HOSTS_MAX, Order, Pass, Plan, PlanError, Rotation, Ways};
use counterpart_models::ring_attention::model::{self, Directions, Grain, Ring, Scheme};
use counterpart_models::ring_attention::numbers::{Ours, Sums};
use counterpart_models::ring_attention::polled::Polled;
use counterpart_models::ring_attention::{attention, properties};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let own = vec![
        claim("ring_attention::layouts_share_causal_work_as_counted", balance),
        claim("ring_attention::packed_documents_are_balanced_as_a_whole_and_not_one_by_one", packed),
        claim("ring_attention::every_layout_gives_each_token_to_one_host", tokens),
        claim("ring_attention::the_counted_peak_of_blocks_is_the_bound", peak),
        claim("ring_attention::a_ring_that_would_stand_still_is_refused", refused),
        claim("ring_attention::a_plan_is_refused_exactly_where_its_model_stands_still", refused_as_the_model_says),
        claim("ring_attention::layouts_are_those_of_the_model", layouts),
        claim("ring_attention::whatever_the_ring_every_host_publishes_within_tolerance", within),
        claim("ring_attention::every_defect_of_our_sums_publishes_beyond_tolerance", beyond),
    ];
    [own, maths::trials(), lost::trials(), hostile::trials()].into_iter().flatten().collect()
}

/// 8 hosts, 64 tokens each.
fn balance() {
    let ring = |layout| Ring { mask: Mask::Causal, layout, tokens_per_host: 64, ..Ring::of(8) };
    let percent = |layout| (ring(layout).balance_percent() * 100.0).round() / 100.0;
    assert_eq!(percent(Layout::Contiguous), 53.38);
    assert_eq!(percent(Layout::Striped), 98.65);
    assert_eq!(percent(Layout::Zigzag), 100.0);
}

fn packed() {
    let ring = |layout| Ring { mask: Mask::Documents(&[4, 12]), layout, ..Ring::of(4) };
    let (whole, one_by_one) = (ring(Layout::Packed), ring(Layout::EachDocument));
    assert_eq!(whole.work().iter().sum::<u32>(), one_by_one.work().iter().sum::<u32>());
    assert!(whole.is_balanced(), "{:?}", whole.work());
    assert!(!one_by_one.is_balanced(), "{:?}", one_by_one.work());
}

fn tokens() {
    for layout in [Layout::Contiguous, Layout::Striped, Layout::Zigzag, Layout::Packed, Layout::EachDocument] {
        let ring = Ring { mask: Mask::Documents(&[4, 12]), layout, ..Ring::of(4) };
        let mut places: Vec<u16> = (0..4).flat_map(|host| ring.places(host)).collect();
        places.sort_unstable();
        assert_eq!(places, (0..16).collect::<Vec<u16>>(), "{layout:?}");
    }
}

/// A schedule that lets each host go on as far as it can, the last first, fills the channels; none ever goes beyond.
fn peak() {
    for (order, capacity, directions, bound) in [
        (model::Order::SendFirst, 1, Directions::One, 2),
        (model::Order::SendFirst, 2, Directions::One, 3),
        (model::Order::OddEven, 0, Directions::One, 2),
        (model::Order::Overlapped, 0, Directions::One, 2),
        (model::Order::Overlapped, 1, Directions::One, 3),
        (model::Order::SendFirst, 1, Directions::Both, 4),
        (model::Order::Overlapped, 0, Directions::Both, 4),
    ] {
        let ring = Ring { order, capacity, directions, grain: Grain::Primitive, ..Ring::of(4) };
        let of = format!("{order:?} {capacity} {directions:?}");
        let mut threads = Threads::new(&ring);
        run_to_the_end(&mut threads, &[3, 2, 1, 0]);
        assert_eq!((threads.held_max(), usize::from(ring.resident_max())), (bound, bound), "{of}");
        assert_eq!(planned(&ring, capacity).map(|plan| plan.resident_max()), Ok(bound), "{of}");
    }
    let all = Ring { scheme: Scheme::AllGather, grain: Grain::Primitive, ..Ring::of(4) };
    let mut threads = Threads::new(&all);
    run_to_the_end(&mut threads, &[3, 2, 1, 0]);
    assert_eq!((threads.held_max(), planned(&all, 1).map(|plan| plan.resident_max())), (4, Ok(4)));
}

/// Lets the first host of `order` go on that can, until none can; where they stand then.
fn run_to_the_end(ring: &mut impl Counterpart<RingInterface>, order: &[usize]) -> Vec<Standing> {
    loop {
        let seen = ring.observe().expect("a ring can be looked at").hosts;
        let goes_on = |host: &&usize| matches!(seen[**host].standing, Standing::Before(_));
        match order.iter().find(goes_on) {
            Some(host) => ring.apply(&Input::Step { host: *host as u8 }),
            None => return seen.into_iter().map(|host| host.standing).collect(),
        };
    }
}

fn refused() {
    let plan = |hosts, order, capacity| Plan::new(hosts, order, capacity, Pass::Forward);
    assert_eq!(plan(0, Order::SendFirst, 1), Err(PlanError::NoHosts));
    assert_eq!(plan(usize::MAX, Order::SendFirst, 1), Err(PlanError::TooManyHosts { hosts: usize::MAX }));
    assert!(plan(HOSTS_MAX, Order::SendFirst, 1).is_ok());
    let backward = Plan::new(3, Order::SendFirst, 1, Pass::Backward).expect("a ring");
    assert_eq!(backward.ways(Ways::Both), Err(PlanError::BackwardBothWays));
    assert_eq!(plan(3, Order::SendFirst, 0), Err(PlanError::StandsStill { hosts: 3 }));
    // Alone nobody waits for anybody.
    let alone = plan(1, Order::SendFirst, 0).expect("a ring of one");
    assert_eq!(Rotation::new(alone, 1), Err(PlanError::NoSuchHost { host: 1, hosts: 1 }));
    let said = plan(3, Order::SendFirst, 0).map_err(|error| error.to_string());
    assert!(said.is_err_and(|said| said.contains("give channels room for a block")));
}

const ORDERS: [model::Order; 3] = [model::Order::SendFirst, model::Order::OddEven, model::Order::Overlapped];

/// Every order, one way, both ways and backward.
fn every_ring(hosts: impl Iterator<Item = u8> + Clone) -> impl Iterator<Item = Ring> {
    let ways = [
        (model::Pass::Forward, Directions::One),
        (model::Pass::Forward, Directions::Both),
        (model::Pass::Backward, Directions::One),
    ];
    let of = move |order| ways.into_iter().map(move |(pass, directions)| (order, pass, directions));
    let all = ORDERS.into_iter().flat_map(of).flat_map(|all| (0..=2).map(move |capacity| (all, capacity)));
    all.flat_map(move |((order, pass, directions), capacity)| {
        let ring = move |hosts| Ring { order, pass, directions, capacity, grain: Grain::Primitive, ..Ring::of(hosts) };
        hosts.clone().map(ring)
    })
}

fn refused_as_the_model_says() {
    let (mut refused, mut made) = (0, 0);
    for ring in every_ring(1..=4) {
        let report = counterpart_models::ring_attention::check(ring.clone()).referee(false).explore();
        let ends = report.cases[0].properties.iter().find(|property| property.name == properties::ENDS);
        let ends = ends.expect("it is asked whether every host ends").verdict;
        let stands_still = matches!(planned(&ring, ring.capacity), Err(PlanError::StandsStill { .. }));
        assert_eq!(ends, if stands_still { Verdict::Violated } else { Verdict::Holds }, "{ring:?}");
        *(if stands_still { &mut refused } else { &mut made }) += 1;
    }
    // Send first without room: two to four hosts forward, one way and both, and one to four backward. Even and odd
    // without room: one host backward, three both ways.
    assert_eq!((refused, made), (3 + 3 + 4 + 1 + 1, 3 * 3 * 3 * 4 - 12));
}

fn layouts() {
    let documents: &[u16] = &[4, 12];
    let masks = [
        (Mask::Full, attention::Mask::Full),
        (Mask::Causal, attention::Mask::Causal),
        (Mask::Documents(documents), attention::Mask::Documents(vec![4, 12])),
    ];
    for (mask, ours) in masks {
        for (layout, own) in [
            (Layout::Contiguous, attention::Layout::Contiguous),
            (Layout::Striped, attention::Layout::Striped),
            (Layout::Zigzag, attention::Layout::Zigzag),
            (Layout::Packed, attention::Layout::Packed),
        ] {
            let ring = Ring { mask, layout, ..Ring::of(4) };
            let places = own.places(&ours, 4, 16);
            for host in 0..4_u8 {
                let of_model: Vec<usize> = ring.places(host).into_iter().map(usize::from).collect();
                assert_eq!(places[usize::from(host)], of_model, "{mask:?} {layout:?} {host}");
                let needs = |other: u8| ours.leaves_any(&places[usize::from(host)], &places[usize::from(other)]);
                let needed = (0..4).filter(|other| needs(*other)).fold(0_u8, |set, other| set | 1 << other);
                assert_eq!(needed, ring.needed(host), "{mask:?} {layout:?} {host}");
            }
        }
    }
}

/// Where the hosts of a ring with these sums stand when none can go on, the highest number first.
fn standings<S: Sums>(ring: &Ring) -> Vec<Standing> {
    let order: Vec<usize> = (0..usize::from(ring.hosts)).rev().collect();
    run_to_the_end(&mut Polled::<S>::new(ring), &order)
}

fn within() {
    let layouts = [Layout::Contiguous, Layout::Striped, Layout::Zigzag];
    for ring in every_ring(1..=5).filter(|ring| planned(ring, ring.capacity).is_ok()) {
        for (mask, layout) in
            [Mask::Full, Mask::Causal].into_iter().flat_map(|mask| layouts.map(|layout| (mask, layout)))
        {
            let ring = Ring { mask, layout, ..ring.clone() };
            let found = standings::<Ours>(&ring);
            assert!(found.iter().all(|end| *end == Standing::Published(Tolerance::Within)), "{ring:?}: {found:?}");
        }
    }
}

fn beyond() {
    let is_beyond = |found: Vec<Standing>, of: &str| {
        assert!(found.contains(&Standing::Published(Tolerance::Beyond)), "{of}: {found:?}");
    };
    is_beyond(standings::<MasksByStep>(&Ring { mask: Mask::Causal, ..Ring::of(3) }), "masks by step");
    is_beyond(standings::<ForgetsToRescale>(&Ring::of(3)), "forgets to rescale");
    let overlapped = Ring { order: model::Order::Overlapped, capacity: 0, ..Ring::of(3) };
    // All post and ask before anybody computes.
    let mut one_buffer = Polled::<OneBuffer>::new(&overlapped);
    for host in [0, 1, 2, 0, 1, 2] {
        one_buffer.apply(&Input::Step { host });
    }
    is_beyond(run_to_the_end(&mut one_buffer, &[0, 1, 2]), "one buffer");
    let both = Ring { directions: Directions::Both, ..Ring::of(4) };
    let mut twice = Polled::<Ours>::by(&both, from_both_sides);
    is_beyond(run_to_the_end(&mut twice, &[0, 1, 2, 3]), "opposite twice");
}
