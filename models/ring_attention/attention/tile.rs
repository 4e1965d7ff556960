//! One block of queries against one block of keys and values, and how results of several are put together.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Array3, Array4, ArrayView2, ArrayViewMut2, Axis, NdFloat, s};

/// Queries whose scores are at hand at once: those of a whole block would not stay in the processor's caches.
const ROWS: usize = 64;

/// The mean of the values that queries have seen so far, by their weights, and the logarithms of the weights' sums.
#[derive(Clone, Debug)]
pub(in crate::ring_attention) struct Sum<T> {
    queries: Array4<T>,
    pub(in crate::ring_attention) out: Array4<T>,
    pub(in crate::ring_attention) log_sums: Array3<T>,
}

/// Which keys queries see of a block.
#[derive(Clone, Copy)]
pub(in crate::ring_attention) enum Sees<'a> {
    /// All.
    All,
    /// Those for which the query of a row sees the key of a column.
    These(&'a dyn Fn(usize, usize) -> bool),
}

fn scale<T: NdFloat>(width: usize) -> T {
    T::from(width).map_or_else(T::one, |width| T::one() / width.sqrt())
}

/// Scores of the queries from `first` on, −∞ where the mask forbids.
fn scores<T: NdFloat>(
    queries: &ArrayView2<'_, T>,
    keys: &ArrayView2<'_, T>,
    first: usize,
    sees: Sees<'_>,
    mut into: ArrayViewMut2<'_, T>,
) {
    general_mat_mul(scale(queries.ncols()), queries, &keys.t(), T::zero(), &mut into);
    if let Sees::These(sees) = sees {
        for ((row, column), score) in into.indexed_iter_mut() {
            if !sees(first + row, column) {
                *score = T::neg_infinity();
            }
        }
    }
}

/// Weights in the place of scores, against the greatest of each row, and the logarithm of each row's sum with the sum
/// itself.
fn weights<T: NdFloat>(mut scores: ArrayViewMut2<'_, T>) -> Vec<(T, T)> {
    let of_row = |mut row: ndarray::ArrayViewMut1<'_, T>| {
        // What is no number is not passed over: it comes to be told.
        let most = row.fold(T::neg_infinity(), |most, score| if *score <= most { most } else { *score });
        if most == T::neg_infinity() {
            row.fill(T::zero());
            return (most, T::one());
        }
        row.mapv_inplace(|score| (score - most).exp());
        let sum = row.sum();
        (most + sum.ln(), sum)
    };
    scores.rows_mut().into_iter().map(of_row).collect()
}

impl<T: NdFloat> Sum<T> {
    /// Nothing seen: a sum of weights of 0.
    pub(in crate::ring_attention) fn none(queries: Array4<T>, width: usize) -> Self {
        let (batch, heads, rows, _) = queries.dim();
        Sum {
            queries,
            out: Array4::zeros((batch, heads, rows, width)),
            log_sums: Array3::from_elem((batch, heads, rows), T::neg_infinity()),
        }
    }

    /// Adds a block. Where the mask leaves nothing of it nothing changes.
    pub(in crate::ring_attention) fn add(&mut self, keys: &Array4<T>, values: &Array4<T>, sees: Sees<'_>) {
        let (batch, heads, all, _) = self.queries.dim();
        let shared = heads / keys.len_of(Axis(1));
        let mut room = Array2::zeros((ROWS.min(all), keys.len_of(Axis(2))));
        for (b, h) in (0..batch).flat_map(|b| (0..heads).map(move |h| (b, h))) {
            let (keys, values) = (keys.slice(s![b, h / shared, .., ..]), values.slice(s![b, h / shared, .., ..]));
            for first in (0..all).step_by(ROWS) {
                let rows = first..(first + ROWS).min(all);
                let queries = self.queries.slice(s![b, h, rows.clone(), ..]);
                let mut tile = room.slice_mut(s![..rows.len(), ..]);
                scores(&queries, &keys, first, sees, tile.view_mut());
                let sums = weights(tile.view_mut());
                let mut means = tile.dot(&values);
                for (mut mean, (_, sum)) in means.rows_mut().into_iter().zip(&sums) {
                    mean.mapv_inplace(|value| value / *sum);
                }
                self.merge((b, h, first), &means, &sums);
            }
        }
    }

    /// In the form that is stable: out − σ(block − sum) (out − block).
    fn merge(&mut self, (b, h, first): (usize, usize, usize), means: &Array2<T>, sums: &[(T, T)]) {
        for (row, (new, _)) in sums.iter().enumerate() {
            let sum = &mut self.log_sums[[b, h, first + row]];
            if *new == T::neg_infinity() {
                continue;
            }
            let mut out = self.out.slice_mut(s![b, h, first + row, ..]);
            if *sum == T::neg_infinity() {
                *sum = *new;
                out.assign(&means.row(row));
                continue;
            }
            let share = T::one() / (T::one() + (*sum - *new).exp());
            out.zip_mut_with(&means.row(row), |out, mean| *out = *out - share * (*out - *mean));
            let (more, less) = if *sum > *new { (*sum, *new) } else { (*new, *sum) };
            *sum = more + (less - more).exp().ln_1p();
        }
    }
}

/// What a host has of its own queries when it goes backward.
#[derive(Clone, Debug)]
pub(in crate::ring_attention) struct Given<T> {
    pub(in crate::ring_attention) queries: Array4<T>,
    pub(in crate::ring_attention) log_sums: Array3<T>,
    pub(in crate::ring_attention) of_output: Array4<T>,
    /// Output times its gradient, per query.
    pub(in crate::ring_attention) shares: Array3<T>,
}

/// Adds what one block of keys and values has to do with one of queries to the gradients of all three.
pub(in crate::ring_attention) fn add_gradients<T: NdFloat>(
    given: &Given<T>,
    (keys, values): (&Array4<T>, &Array4<T>),
    (of_queries, of_keys, of_values): (&mut Array4<T>, &mut Array4<T>, &mut Array4<T>),
    sees: Sees<'_>,
) {
    let (batch, heads, rows, width) = given.queries.dim();
    let shared = heads / keys.len_of(Axis(1));
    let mut weights = Array2::zeros((rows, keys.len_of(Axis(2))));
    for (b, h) in (0..batch).flat_map(|b| (0..heads).map(move |h| (b, h))) {
        let (at, of_keys_at) = (s![b, h, .., ..], s![b, h / shared, .., ..]);
        let (queries, of_output) = (given.queries.slice(at), given.of_output.slice(at));
        let (keys, values) = (keys.slice(of_keys_at), values.slice(of_keys_at));
        scores(&queries, &keys, 0, sees, weights.view_mut());
        for (row, mut weights) in weights.rows_mut().into_iter().enumerate() {
            let log_sum = given.log_sums[[b, h, row]];
            // A query that sees nothing at all has no weights.
            weights.mapv_inplace(|score| if score == T::neg_infinity() { T::zero() } else { (score - log_sum).exp() });
        }
        add(of_values.slice_mut(of_keys_at), &weights.t().dot(&of_output));
        let mut of_scores = of_output.dot(&values.t());
        let scale = scale::<T>(width);
        for ((row, column), of_score) in of_scores.indexed_iter_mut() {
            *of_score = weights[[row, column]] * (*of_score - given.shares[[b, h, row]]) * scale;
        }
        add(of_queries.slice_mut(at), &of_scores.dot(&keys));
        add(of_keys.slice_mut(of_keys_at), &of_scores.t().dot(&queries));
    }
}

fn add<T: NdFloat>(mut to: ArrayViewMut2<'_, T>, more: &Array2<T>) {
    to += more;
}
