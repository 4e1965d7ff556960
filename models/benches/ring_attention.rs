//! How long a ring of threads takes against dense attention on one thread, side by side in one run: single precision,
//! 4,096 tokens. A figure and no gate.
//!
//! ```sh
//! cargo bench -p counterpart-models --bench ring_attention
//! ```

use std::hint::black_box;
use std::time::Instant;

use counterpart_models::ring_attention::attention::RingAttention;
use counterpart_models::ring_attention::implementation::Order;
use ndarray::{Array2, Array4, s};

const TOKENS: usize = 4_096;
const HEADS: usize = 2;
const WIDTH: usize = 64;

/// All scores at once, one head after the other.
fn dense(queries: &Array4<f32>, keys: &Array4<f32>, values: &Array4<f32>) -> Array4<f32> {
    let mut out = Array4::zeros(queries.raw_dim());
    let scale = 1.0 / (WIDTH as f32).sqrt();
    for head in 0..HEADS {
        let at = s![0, head, .., ..];
        let view = |tensor: &Array4<f32>| -> Array2<f32> { tensor.slice(at).to_owned() };
        let mut weights: Array2<f32> = view(queries).dot(&view(keys).t());
        for mut row in weights.rows_mut() {
            let most = row.fold(f32::NEG_INFINITY, |most, score| f32::max(most, *score * scale));
            row.mapv_inplace(|score| (score * scale - most).exp());
            let sum = row.sum();
            row.mapv_inplace(|weight| weight / sum);
        }
        out.slice_mut(at).assign(&weights.dot(&view(values)));
    }
    out
}

/// The least of five runs, in milliseconds.
fn least_ms(mut run: impl FnMut()) -> f64 {
    let time = |()| {
        let begin = Instant::now();
        run();
        begin.elapsed().as_secs_f64() * 1_000.0
    };
    [(); 5].map(time).into_iter().fold(f64::INFINITY, f64::min)
}

fn main() {
    let tensor = |seed: usize| {
        Array4::from_shape_fn((1, HEADS, TOKENS, WIDTH), |(_, head, token, column)| {
            ((seed + 31 * head + 17 * token + 7 * column) % 101) as f32 / 50.0 - 1.0
        })
    };
    let (queries, keys, values) = (tensor(1), tensor(2), tensor(3));
    let at_once = least_ms(|| drop(black_box(dense(&queries, &keys, &values))));
    println!("dense, one thread: {at_once:.1} ms");
    for hosts in [1, 2, 4, 8] {
        let ring = RingAttention::new(hosts, Order::SendFirst, 1).expect("a ring");
        let round = least_ms(|| drop(black_box(ring.forward(&queries, &keys, &values).expect("shapes fit"))));
        println!("ring of {hosts}: {round:.1} ms, {:.2} times as fast as dense", at_once / round);
    }
}
