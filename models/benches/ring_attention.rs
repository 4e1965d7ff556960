//! How long a ring of threads takes against dense attention on one thread, side by side in one run: single precision,
//! 4,096 tokens. Figures and no gates; what is counted is asserted.
//!
//! ```sh
//! cargo bench -p counterpart-models --bench ring_attention
//! ```

use std::hint::black_box;
use std::time::Instant;

use counterpart_models::ring_attention::attention::RingAttention;
use counterpart_models::ring_attention::implementation::{Order, Ways};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Array4, s};

const TOKENS: usize = 4_096;
const HEADS: usize = 2;
const WIDTH: usize = 64;

/// Odd, so that there is a median.
const ROUNDS: usize = 9;

/// All scores at once, one head after the other. It does per score what a ring does: a product, an exponential and a
/// sum; the mean is divided, and not every weight.
fn dense(queries: &Array4<f32>, keys: &Array4<f32>, values: &Array4<f32>) -> Array4<f32> {
    let mut out = Array4::zeros(queries.raw_dim());
    let mut weights = Array2::zeros((TOKENS, TOKENS));
    for head in 0..HEADS {
        let at = s![0, head, .., ..];
        let scale = 1.0 / (WIDTH as f32).sqrt();
        general_mat_mul(scale, &queries.slice(at), &keys.slice(at).t(), 0.0, &mut weights);
        let weigh = |mut row: ndarray::ArrayViewMut1<'_, f32>| {
            let most = row.fold(f32::NEG_INFINITY, |most, score| if *score <= most { most } else { *score });
            row.mapv_inplace(|score| (score - most).exp());
            row.sum()
        };
        let sums: Vec<f32> = weights.rows_mut().into_iter().map(weigh).collect();
        let mut means = weights.dot(&values.slice(at));
        for (mut mean, sum) in means.rows_mut().into_iter().zip(sums) {
            mean.mapv_inplace(|value| value / sum);
        }
        out.slice_mut(at).assign(&means);
    }
    out
}

fn seconds(run: impl FnOnce() -> Array4<f32>) -> f64 {
    let begin = Instant::now();
    black_box(run());
    begin.elapsed().as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() {
    let tensor = |seed: usize| {
        Array4::from_shape_fn((1, HEADS, TOKENS, WIDTH), |(_, head, token, column)| {
            ((seed + 31 * head + 17 * token + 7 * column) % 101) as f32 / 50.0 - 1.0
        })
    };
    let (queries, keys, values) = (tensor(1), tensor(2), tensor(3));
    let ring = |hosts, order, capacity, ways| {
        RingAttention::new(hosts, order, capacity).and_then(|ring| ring.ways(ways)).expect("a ring")
    };
    let mut rings = Vec::new();
    for hosts in [1, 2, 4, 8] {
        rings.push((format!("ring of {hosts}"), ring(hosts, Order::SendFirst, 1, Ways::One)));
    }
    rings.push(("ring of 8, overlapped".into(), ring(8, Order::Overlapped, 0, Ways::One)));
    rings.push(("ring of 8, both ways".into(), ring(8, Order::SendFirst, 1, Ways::Both)));
    let forward = |ring: &RingAttention| ring.forward(&queries, &keys, &values).expect("shapes fit");
    // Each ring beside a dense run of its own, by turns: what else the machine does meets both.
    let mut ratios = vec![Vec::new(); rings.len()];
    let mut dense_s = Vec::new();
    for _ in 0..ROUNDS {
        for ((_, ring), ratios) in rings.iter().zip(&mut ratios) {
            let at_once = seconds(|| dense(&queries, &keys, &values));
            let round = seconds(|| forward(ring).out);
            dense_s.push(at_once);
            ratios.push(at_once / round);
        }
    }
    println!("dense, one thread: {:.0} ms, the median of {}", 1_000.0 * median(dense_s.clone()), dense_s.len());
    for ((name, ring), ratios) in rings.iter().zip(ratios) {
        let (bound, held) = (ring.blocks_bound(), forward(ring).blocks_max);
        assert!(held.iter().all(|held| *held <= bound), "{name}: {held:?} blocks, and {bound} at most");
        // One way each host has as many at some moment, whatever the schedule.
        let one_way = !name.ends_with("both ways");
        assert!(
            !one_way || held.iter().all(|held| *held == bound),
            "{name}: {held:?} blocks, and the bound is {bound}"
        );
        let most = held.iter().max().copied().unwrap_or_default();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let best = ratios.iter().copied().fold(0.0, f64::max);
        println!(
            "{name}: {:.2} times as fast as dense, the median of {ROUNDS} ({least:.2} to {best:.2}); {most} blocks held \
             of {bound} at most",
            median(ratios.clone())
        );
    }
}
