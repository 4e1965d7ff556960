//! Ring attention: what is counted and not measured, and which rings are refused.

mod hostile;
mod maths;

use counterpart::Counterpart;
use counterpart_models::ring_attention::bindings::Threads;
use counterpart_models::ring_attention::conformance::{Input, RingInterface};
use counterpart_models::ring_attention::geometry::{Layout, Mask};
use counterpart_models::ring_attention::implementation::{Order, Pass, Plan, PlanError, Rotation};
use counterpart_models::ring_attention::model::{self, Grain, Ring};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let own = vec![
        claim("ring_attention::layouts_share_causal_work_as_counted", balance),
        claim("ring_attention::packed_documents_are_balanced_as_a_whole_and_not_one_by_one", packed),
        claim("ring_attention::every_layout_gives_each_token_to_one_host", tokens),
        claim("ring_attention::the_counted_peak_of_blocks_is_the_bound", peak),
        claim("ring_attention::a_ring_that_would_stand_still_is_refused", refused),
    ];
    [own, maths::trials(), hostile::trials()].into_iter().flatten().collect()
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
    for (order, capacity, bound) in
        [(model::Order::SendFirst, 1, 2), (model::Order::SendFirst, 2, 3), (model::Order::OddEven, 0, 2)]
    {
        let ring = Ring { order, capacity, grain: Grain::Primitive, ..Ring::of(4) };
        let mut threads = Threads::new(&ring);
        let goes_on = |threads: &Threads, host: usize| {
            let seen = Counterpart::<RingInterface>::observe(threads).expect("threads can be looked at");
            matches!(seen.hosts[host].standing, counterpart_models::ring_attention::conformance::Standing::Before(_))
        };
        while let Some(host) = (0..4).rev().find(|host| goes_on(&threads, *host)) {
            threads.apply(&Input::Step { host: host as u8 });
        }
        assert_eq!((threads.held_max(), usize::from(ring.resident_max())), (bound, bound), "{order:?} {capacity}");
    }
}

fn refused() {
    let plan = |hosts, order, capacity| Plan::new(hosts, order, capacity, Pass::Forward);
    assert_eq!(plan(0, Order::SendFirst, 1), Err(PlanError::NoHosts));
    assert_eq!(plan(3, Order::SendFirst, 0), Err(PlanError::StandsStill { hosts: 3 }));
    // Alone nobody waits for anybody.
    let alone = plan(1, Order::SendFirst, 0).expect("a ring of one");
    assert_eq!(Rotation::new(alone, 1), Err(PlanError::NoSuchHost { host: 1, hosts: 1 }));
    let said = plan(3, Order::SendFirst, 0).map_err(|error| error.to_string());
    assert!(said.is_err_and(|said| said.contains("give channels room for a block")));
}
