//! One block of queries against one block of keys and values, and how results of several are put together.

use ndarray::{Array2, Array3, Array4, ArrayView2, ArrayViewMut2, Axis, NdFloat, s};

/// The mean of the values that queries have seen so far, by their weights, and the logarithms of the weights' sums.
#[derive(Clone, Debug)]
pub(super) struct Sum<T> {
    queries: Array4<T>,
    pub(super) out: Array4<T>,
    pub(super) log_sums: Array3<T>,
}

/// Whether the query of a row sees the key of a column.
pub(super) type Allows<'a> = dyn Fn(usize, usize) -> bool + 'a;

fn scale<T: NdFloat>(width: usize) -> T {
    T::from(width).map_or_else(T::one, |width| T::one() / width.sqrt())
}

/// Scores, −∞ where the mask forbids.
fn scores<T: NdFloat>(queries: &ArrayView2<'_, T>, keys: &ArrayView2<'_, T>, allows: &Allows<'_>) -> Array2<T> {
    let mut scores = queries.dot(&keys.t());
    let scale = scale::<T>(queries.ncols());
    for ((row, column), score) in scores.indexed_iter_mut() {
        *score = if allows(row, column) { *score * scale } else { T::neg_infinity() };
    }
    scores
}

impl<T: NdFloat> Sum<T> {
    /// Nothing seen: a sum of weights of 0.
    pub(super) fn none(queries: Array4<T>, width: usize) -> Self {
        let (batch, heads, rows, _) = queries.dim();
        Sum {
            queries,
            out: Array4::zeros((batch, heads, rows, width)),
            log_sums: Array3::from_elem((batch, heads, rows), T::neg_infinity()),
        }
    }

    /// Adds a block. Where the mask leaves nothing of it nothing changes.
    pub(super) fn add(&mut self, keys: &Array4<T>, values: &Array4<T>, allows: &Allows<'_>) {
        let (batch, heads, _, _) = self.queries.dim();
        let shared = heads / keys.len_of(Axis(1));
        for b in 0..batch {
            for h in 0..heads {
                let (keys, values) = (keys.slice(s![b, h / shared, .., ..]), values.slice(s![b, h / shared, .., ..]));
                let mut weights = scores(&self.queries.slice(s![b, h, .., ..]), &keys, allows);
                let mut log_sums = Vec::with_capacity(weights.nrows());
                for mut row in weights.rows_mut() {
                    let most = row.fold(T::neg_infinity(), |most, score| most.max(*score));
                    if most == T::neg_infinity() {
                        row.fill(T::zero());
                        log_sums.push(most);
                        continue;
                    }
                    row.mapv_inplace(|score| (score - most).exp());
                    let sum = row.sum();
                    row.mapv_inplace(|weight| weight / sum);
                    log_sums.push(most + sum.ln());
                }
                let means = weights.dot(&values);
                self.merge(b, h, means, &log_sums);
            }
        }
    }

    /// In the form that is stable: out − σ(block − sum) (out − block).
    fn merge(&mut self, b: usize, h: usize, means: Array2<T>, log_sums: &[T]) {
        for (row, new) in log_sums.iter().enumerate() {
            let sum = &mut self.log_sums[[b, h, row]];
            if *new == T::neg_infinity() {
                continue;
            }
            let mut out = self.out.slice_mut(s![b, h, row, ..]);
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
pub(super) struct Given<T> {
    pub(super) queries: Array4<T>,
    pub(super) log_sums: Array3<T>,
    pub(super) of_output: Array4<T>,
    /// Output times its gradient, per query.
    pub(super) shares: Array3<T>,
}

/// Adds what one block of keys and values has to do with one of queries to the gradients of all three.
pub(super) fn add_gradients<T: NdFloat>(
    given: &Given<T>,
    (keys, values): (&Array4<T>, &Array4<T>),
    (of_queries, of_keys, of_values): (&mut Array4<T>, &mut Array4<T>, &mut Array4<T>),
    allows: &Allows<'_>,
) {
    let (batch, heads, _, width) = given.queries.dim();
    let shared = heads / keys.len_of(Axis(1));
    for b in 0..batch {
        for h in 0..heads {
            let at = s![b, h, .., ..];
            let (queries, of_output) = (given.queries.slice(at), given.of_output.slice(at));
            let (keys, values) = (keys.slice(s![b, h / shared, .., ..]), values.slice(s![b, h / shared, .., ..]));
            let mut weights = scores(&queries, &keys, allows);
            for (row, mut weights) in weights.rows_mut().into_iter().enumerate() {
                let log_sum = given.log_sums[[b, h, row]];
                // A query that sees nothing at all has no weights.
                weights
                    .mapv_inplace(|score| if score == T::neg_infinity() { T::zero() } else { (score - log_sum).exp() });
            }
            add(of_values.slice_mut(s![b, h / shared, .., ..]), &weights.t().dot(&of_output));
            let mut of_scores = of_output.dot(&values.t());
            let scale = scale::<T>(width);
            for ((row, column), of_score) in of_scores.indexed_iter_mut() {
                *of_score = weights[[row, column]] * (*of_score - given.shares[[b, h, row]]) * scale;
            }
            add(of_queries.slice_mut(at), &of_scores.dot(&keys));
            add(of_keys.slice_mut(s![b, h / shared, .., ..]), &of_scores.t().dot(&queries));
        }
    }
}

fn add<T: NdFloat>(mut to: ArrayViewMut2<'_, T>, more: &Array2<T>) {
    to += more;
}
