//! How near the ring's sums are to those of attention computed at once: each type by its own measure.

use counterpart_models::ring_attention::attention::{Layout, Mask, Output, RingAttention};
use counterpart_models::ring_attention::implementation::{Keep, Lap, Order, Pass, Plan, Rotation, Ways};
use counterpart_models::ring_attention::shared::connect;
use libtest_mimic::Trial;
use ndarray::{Array4, Axis};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ring_attention::single_precision_is_within_twice_the_error_of_dense", single_precision),
        claim("ring_attention::double_precision_is_within_1e_12", double_precision),
        claim("ring_attention::sums_that_are_not_scaled_are_beyond_tolerance", unscaled),
        claim("ring_attention::gradients_are_those_of_finite_differences", gradients),
        claim("ring_attention::every_schedule_gives_the_same_bits", bits),
        claim("ring_attention::no_host_ever_holds_more_blocks_than_the_bound", residency),
        claim("ring_attention::a_host_that_keeps_all_has_kept_what_came_by_in_order", kept),
    ]
}

/// Queries, keys and values.
type Given = (Array4<f64>, Array4<f64>, Array4<f64>);

/// Numbers between −1 and 1; queries times `factor`. Keys grow with their place where `ascending`, so that the greatest
/// score of a causal row is its last.
fn given(tokens: usize, (heads, of_keys): (usize, usize), factor: f64, ascending: bool) -> Given {
    let mut random = Pcg64Mcg::new(7);
    let mut draw = |shape| Array4::from_shape_simple_fn(shape, || f64::from(random.next_u32()) / 2_f64.powi(31) - 1.0);
    let queries: Array4<f64> = draw((2, heads, tokens, 8)) * factor;
    let mut keys: Array4<f64> = draw((2, of_keys, tokens, 8));
    let values = draw((2, of_keys, tokens, 5));
    if !ascending {
        return (queries, keys, values);
    }
    for (token, mut of_token) in keys.axis_iter_mut(Axis(2)).enumerate() {
        of_token.fill(0.3 * token as f64);
    }
    (queries.mapv(f64::abs), keys, values)
}

/// Attention at once, as its definition says, in double precision.
fn naive((queries, keys, values): &Given, mask: &Mask) -> Array4<f64> {
    dense(queries, keys, values, mask)
}

macro_rules! dense {
    ($name:ident, $type:ty) => {
        fn $name(queries: &Array4<$type>, keys: &Array4<$type>, values: &Array4<$type>, mask: &Mask) -> Array4<$type> {
            let (batch, heads, tokens, width) = queries.dim();
            let shared = heads / keys.dim().1;
            let mut out = Array4::zeros((batch, heads, tokens, values.dim().3));
            for (b, h, query) in
                (0..batch).flat_map(|b| (0..heads).flat_map(move |h| (0..tokens).map(move |q| (b, h, q))))
            {
                let score = |key: usize| -> $type {
                    let products = (0..width).map(|c| queries[[b, h, query, c]] * keys[[b, h / shared, key, c]]);
                    products.sum::<$type>() / (width as $type).sqrt()
                };
                let seen: Vec<(usize, $type)> =
                    (0..tokens).filter(|key| mask.allows(query, *key)).map(|key| (key, score(key))).collect();
                let most = seen.iter().map(|(_, score)| *score).fold(<$type>::NEG_INFINITY, <$type>::max);
                let sum: $type = seen.iter().map(|(_, score)| (score - most).exp()).sum();
                for column in 0..values.dim().3 {
                    let weighed =
                        seen.iter().map(|(key, score)| (score - most).exp() * values[[b, h / shared, *key, column]]);
                    out[[b, h, query, column]] = weighed.sum::<$type>() / sum;
                }
            }
            out
        }
    };
}
dense!(dense, f64);
dense!(dense_single, f32);

fn single(given: &Array4<f64>) -> Array4<f32> {
    given.mapv(|value| value as f32)
}

fn apart(left: &Array4<f64>, right: &Array4<f64>) -> f64 {
    left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max)
}

fn masks(tokens: usize) -> [Mask; 3] {
    let documents = if tokens > 4 { vec![4, tokens - 4] } else { vec![tokens] };
    [Mask::Full, Mask::Causal, Mask::Documents(documents)]
}

const LAYOUTS: [Layout; 4] = [Layout::Contiguous, Layout::Striped, Layout::Zigzag, Layout::Packed];

/// One way, both ways, and both while it computes.
const WAYS: [(Order, usize, Ways); 3] =
    [(Order::SendFirst, 1, Ways::One), (Order::SendFirst, 1, Ways::Both), (Order::Overlapped, 0, Ways::Both)];

/// 13 tokens on 1, 2, 3, 5 and 14 hosts, the last of which has none, and one token on 1 and 3 hosts; a head of keys for
/// each of queries, and for two.
fn every_ring(mut check: impl FnMut(&RingAttention, &Given, &Mask, &str)) {
    for (hosts, tokens, heads, factor, ascending) in [
        (1, 13, (2, 2), 1.0, false),
        (2, 13, (4, 2), 1.0, false),
        (3, 13, (2, 1), 8.0, false),
        (5, 13, (2, 2), 8.0, true),
        (14, 13, (2, 2), 1.0, true),
        (1, 1, (2, 2), 8.0, false),
        (3, 1, (2, 1), 8.0, false),
    ] {
        let given = given(tokens, heads, factor, ascending);
        for mask in masks(tokens) {
            for (layout, (order, capacity, ways)) in
                LAYOUTS.into_iter().flat_map(|layout| WAYS.map(|ways| (layout, ways)))
            {
                let ring = RingAttention::new(hosts, order, capacity).and_then(|ring| ring.ways(ways)).expect("a ring");
                let ring = ring.mask(mask.clone()).layout(layout);
                check(
                    &ring,
                    &given,
                    &mask,
                    &format!("{tokens} tokens, {hosts} hosts, {mask:?}, {layout:?}, {order:?}, {ways:?}"),
                );
            }
        }
    }
}

fn single_precision() {
    every_ring(|ring, given, mask, of| {
        let (queries, keys, values) = (single(&given.0), single(&given.1), single(&given.2));
        // Against what the rounded numbers give, so that only the sums are measured.
        let rounded = (queries.mapv(f64::from), keys.mapv(f64::from), values.mapv(f64::from));
        let exact = naive(&rounded, mask);
        let at_once = apart(&dense_single(&queries, &keys, &values, mask).mapv(f64::from), &exact);
        let out = ring.forward(&queries, &keys, &values).expect("fits").out;
        let round = apart(&out.mapv(f64::from), &exact);
        assert!(round <= 2.0 * at_once + 1e-6, "{of}: {round:e} against {at_once:e}");
    });
}

fn double_precision() {
    every_ring(|ring, given, mask, of| {
        let out = ring.forward(&given.0, &given.1, &given.2).expect("fits").out;
        let error = apart(&out, &naive(given, mask));
        assert!(error <= 1e-12, "{of}: {error:e}");
    });
}

/// The measure itself can fail: sums of blocks that are added as they are, each to its own greatest score.
fn unscaled() {
    let given = given(12, (1, 1), 8.0, true);
    let (queries, keys, values) = &given;
    let mut weighed = Array4::<f64>::zeros((2, 1, 12, 5));
    let mut sums = Array4::<f64>::zeros((2, 1, 12, 1));
    for block in 0..3 {
        for (b, query) in (0..2).flat_map(|b| (0..12).map(move |query| (b, query))) {
            let score = |key: usize| {
                (0..8).map(|c| queries[[b, 0, query, c]] * keys[[b, 0, key, c]]).sum::<f64>() / 8_f64.sqrt()
            };
            let own = 4 * block..4 * block + 4;
            let most = own.clone().map(score).fold(f64::NEG_INFINITY, f64::max);
            for key in own {
                let weight = (score(key) - most).exp();
                sums[[b, 0, query, 0]] += weight;
                for column in 0..5 {
                    weighed[[b, 0, query, column]] += weight * values[[b, 0, key, column]];
                }
            }
        }
    }
    let error = apart(&(weighed / sums), &naive(&given, &Mask::Full));
    assert!(error > 1e-2, "{error:e}");
}

fn gradients() {
    for (hosts, tokens, mask, layout) in [
        (1, 7, Mask::Full, Layout::Contiguous),
        (2, 7, Mask::Causal, Layout::Zigzag),
        (3, 7, Mask::Documents(vec![2, 5]), Layout::Packed),
        (3, 7, Mask::Causal, Layout::Striped),
        (2, 1, Mask::Causal, Layout::Contiguous),
    ] {
        let (queries, keys, values) = given(tokens, (2, 1), 1.0, false);
        let ring = RingAttention::new(hosts, Order::SendFirst, 1).expect("a ring").mask(mask.clone()).layout(layout);
        let output = ring.forward(&queries, &keys, &values).expect("fits");
        // The loss is the sum of the outputs, each times a number of its own.
        let of_output =
            Array4::from_shape_fn(output.out.raw_dim(), |(b, h, t, c)| ((b + 2 * h + 3 * t + 5 * c) % 7) as f64 - 3.0);
        let found = ring.backward((&queries, &keys, &values), &output, &of_output).expect("fits");
        let loss = |given: &Given| (naive(given, &mask) * &of_output).sum();
        let all = (queries, keys, values);
        type Pick = fn(&mut Given) -> &mut Array4<f64>;
        let picks: [(&str, Pick, &Array4<f64>); 3] = [
            ("queries", |given| &mut given.0, &found.queries),
            ("keys", |given| &mut given.1, &found.keys),
            ("values", |given| &mut given.2, &found.values),
        ];
        for (tensor, pick, found) in picks {
            for (place, found) in found.indexed_iter() {
                let moved = |by: f64| {
                    let mut all = all.clone();
                    pick(&mut all)[place] += by;
                    loss(&all)
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((found - difference).abs() <= 1e-7, "{hosts} hosts, {tensor} {place:?}: {found} {difference}");
            }
        }
    }
}

/// Who is first is up to the scheduler, and so is the order of sending, and whether blocks are kept; in which order blocks
/// come to a host is not.
fn bits() {
    let (queries, keys, values) = given(13, (2, 2), 8.0, false);
    let (queries, keys, values) = (single(&queries), single(&keys), single(&values));
    let run = |order, capacity, ways, keep| -> Output<f32> {
        let ring = RingAttention::new(3, order, capacity).and_then(|ring| ring.ways(ways)).expect("a ring").keep(keep);
        ring.mask(Mask::Causal).layout(Layout::Zigzag).forward(&queries, &keys, &values).expect("fits")
    };
    let backward = |order, capacity, output: &Output<f32>| {
        let ring = RingAttention::new(3, order, capacity).expect("a ring").mask(Mask::Causal).layout(Layout::Zigzag);
        ring.backward((&queries, &keys, &values), output, &output.out).expect("fits")
    };
    let same = |left: &Array4<f32>, right: &Array4<f32>| {
        left.iter().zip(right).all(|(left, right)| left.to_bits() == right.to_bits())
    };
    let orders = [
        (Order::SendFirst, 1),
        (Order::SendFirst, 2),
        (Order::OddEven, 0),
        (Order::OddEven, 1),
        (Order::Overlapped, 0),
        (Order::Overlapped, 1),
    ];
    for ways in [Ways::One, Ways::Both] {
        let first = run(Order::SendFirst, 1, ways, Keep::AtHand);
        let gradients = backward(Order::SendFirst, 1, &first);
        for _ in 0..10 {
            // Three hosts that meet, both ways, would stand still.
            for (order, capacity) in
                orders.into_iter().filter(|order| ways == Ways::One || *order != (Order::OddEven, 0))
            {
                for keep in [Keep::AtHand, Keep::All] {
                    let again = run(order, capacity, ways, keep);
                    assert!(same(&first.out, &again.out), "{order:?} {capacity} {ways:?} {keep:?}");
                }
                let again = backward(order, capacity, &first);
                let all = [&again.queries, &again.keys, &again.values];
                let pairs = [&gradients.queries, &gradients.keys, &gradients.values].into_iter().zip(all);
                assert!(pairs.into_iter().all(|(left, right)| same(left, right)), "{order:?} {capacity} backward");
            }
        }
    }
}

fn residency() {
    let (queries, keys, values) = given(12, (2, 2), 1.0, false);
    let held = |order, capacity, ways, keep| {
        let ring = RingAttention::new(4, order, capacity).and_then(|ring| ring.ways(ways)).expect("a ring").keep(keep);
        (ring.blocks_bound(), ring.forward(&queries, &keys, &values).expect("fits").blocks_max)
    };
    for (order, capacity, ways, bound) in [
        (Order::SendFirst, 1, Ways::One, 2),
        (Order::SendFirst, 2, Ways::One, 3),
        (Order::OddEven, 0, Ways::One, 2),
        (Order::Overlapped, 0, Ways::One, 2),
        (Order::SendFirst, 1, Ways::Both, 4),
        (Order::Overlapped, 0, Ways::Both, 4),
    ] {
        let (stated, held) = held(order, capacity, ways, Keep::AtHand);
        assert_eq!(stated, bound, "{order:?} {capacity} {ways:?}");
        assert!(held.iter().all(|held| *held <= bound), "{order:?} {capacity} {ways:?}: {held:?}");
    }
    // A block is in the channel, or in the spare buffer, while the one at hand still is.
    for (order, capacity) in [(Order::SendFirst, 1), (Order::Overlapped, 0)] {
        assert_eq!(held(order, capacity, Ways::One, Keep::AtHand), (2, vec![2; 4]), "{order:?}");
    }
    assert_eq!(held(Order::SendFirst, 1, Ways::One, Keep::All), (4, vec![4; 4]));
}

fn kept() {
    let plan = Plan::new(3, Order::SendFirst, 1, Pass::Forward).expect("a plan").keep(Keep::All);
    let lap = |host| Lap::new(Rotation::new(plan, host).expect("a host of this ring"), 10 * host);
    let hosts = connect((0..3).map(lap).collect());
    let laps: Vec<Lap<usize>> = std::thread::scope(|scope| {
        let running: Vec<_> = hosts.into_iter().map(|host| scope.spawn(|| host.lap(|_, _| {}))).collect();
        running.into_iter().map(|lap| lap.join().expect("no host panics").expect("no host is lost")).collect()
    });
    for (host, lap) in laps.iter().enumerate() {
        assert!(lap.kept().iter().all(|(origin, block)| *block == 10 * origin), "{:?}", lap.kept());
        let mut seen: Vec<usize> = lap.kept().iter().map(|(origin, _)| *origin).collect();
        assert_eq!(seen.first(), Some(&host), "its own came first");
        seen.extend(lap.origin(plan.each_way()[0]));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2], "with the one at hand it has all");
    }
}
