//! The numbers of hosts that are driven: small tensors in the bounds of the model, what each host sums up of them, and
//! how near that is to attention computed at once in double precision.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array3, Array4, Axis, NdFloat};

use super::attention::tile::{Given, Sees, Sum, add_gradients};
use super::attention::{Layout, Mask};
use super::conformance::Tolerance;
use super::model::{self, Pass, Ring};

/// Heads of queries, which share one of keys and values.
const HEADS: usize = 2;

/// Columns of queries and keys, and of values.
const WIDTHS: (usize, usize) = (4, 3);

/// Tensors of a whole ring, in single precision, and what comes of them.
#[derive(Debug)]
pub struct Numbers {
    mask: Mask,
    places: Vec<Vec<usize>>,
    given: [Array4<f32>; 3],
    /// Of a backward pass.
    backward: Option<Given<f32>>,
    /// The output, or the gradients of queries, keys and values; in double precision.
    exact: Vec<Array4<f64>>,
    /// The most that a result may be off: twice what dense attention in single precision is, and 1e-6.
    off_max: f64,
}

/// The mask of `model`, in the words of the implementation.
fn mask(model: &Ring) -> Mask {
    match model.mask {
        model::Mask::Full => Mask::Full,
        model::Mask::Causal => Mask::Causal,
        model::Mask::Documents(lengths) => Mask::Documents(lengths.iter().copied().map(usize::from).collect()),
    }
}

/// The layout of `model`, in the words of the implementation; `None`: ours balances documents as a whole.
fn layout(model: &Ring) -> Option<Layout> {
    match model.layout {
        model::Layout::Contiguous => Some(Layout::Contiguous),
        model::Layout::Striped => Some(Layout::Striped),
        model::Layout::Zigzag => Some(Layout::Zigzag),
        model::Layout::Packed => Some(Layout::Packed),
        model::Layout::EachDocument => None,
    }
}

impl Numbers {
    /// Those of `model`. They are computed once, however often its hosts are started.
    pub fn of(model: &Ring) -> Arc<Self> {
        static KNOWN: Mutex<Vec<(Ring, Arc<Numbers>)>> = Mutex::new(Vec::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|(of, _)| of == model).map(|(_, numbers)| numbers.clone());
        found.unwrap_or_else(|| {
            let numbers = Arc::new(Numbers::computed(model));
            known().push((model.clone(), numbers.clone()));
            numbers
        })
    }

    /// Queries that are large, and keys that grow with their place, so that what comes later weighs more.
    fn computed(model: &Ring) -> Self {
        let tokens = usize::from(model.tokens());
        let mask = mask(model);
        let of_host = |host: u8| model.places(host).into_iter().map(usize::from).collect();
        let places = match layout(model) {
            Some(layout) => layout.places(&mask, usize::from(model.hosts), tokens),
            // One that ours has not is dealt out as the model has it.
            None => (0..model.hosts).map(of_host).collect(),
        };
        let draw = |(h, t, c): (usize, usize, usize), of: usize| ((5 * h + 3 * t + 7 * c) % of) as f32 / of as f32;
        let queries =
            Array4::from_shape_fn((1, HEADS, tokens, WIDTHS.0), |(_, h, t, c)| 1.0 + 2.0 * draw((h, t, c), 11));
        let keys = Array4::from_shape_fn((1, 1, tokens, WIDTHS.0), |(_, h, t, c)| 0.25 * t as f32 + draw((h, t, c), 5));
        let values = Array4::from_shape_fn((1, 1, tokens, WIDTHS.1), |(_, h, t, c)| draw((h, t, c), 13) - 0.5);
        let given = [queries, keys, values];
        let doubled = given.each_ref().map(|tensor| tensor.mapv(f64::from));
        let (exact_out, _) = dense(&doubled, &mask);
        let (out, log_sums) = dense(&given, &mask);
        let (exact, single, backward) = match model.pass {
            Pass::Forward => (vec![exact_out], vec![out], None),
            Pass::Backward => {
                let of_output = Array4::from_shape_fn(out.raw_dim(), |(_, h, t, c)| draw((h, t, c), 7) - 0.5);
                let exact = dense_gradients(&doubled, &of_output.mapv(f64::from), &mask);
                let single = dense_gradients(&given, &of_output, &mask);
                let shares = (&out * &of_output).sum_axis(Axis(3));
                let backward = Given { queries: given[0].clone(), log_sums, of_output, shares };
                (exact, single, Some(backward))
            }
        };
        let off = exact.iter().zip(&single).map(|(exact, single)| apart(exact, single)).fold(0.0, f64::max);
        Numbers { mask, places, given, backward, exact, off_max: 2.0 * off + 1e-6 }
    }

    /// The block that `host` begins with.
    pub fn block(&self, host: usize) -> Block {
        let own = |tensor: &Array4<f32>| tensor.select(Axis(2), &self.places[host]);
        let (keys, values) = (own(&self.given[1]), own(&self.given[2]));
        let gradients = self.backward.as_ref().map(|_| [keys.mapv(|_| 0.0), values.mapv(|_| 0.0)]);
        Block { keys, values, gradients }
    }

    /// Whose blocks `host` has to compute with.
    pub fn needs(&self, host: usize) -> Vec<bool> {
        self.places.iter().map(|theirs| self.mask.leaves_any(&self.places[host], theirs)).collect()
    }

    /// Whether the query in a row of `host` sees the key in a column of the block of `origin`.
    pub fn sees(&self, (host, row): (usize, usize), (origin, column): (usize, usize)) -> bool {
        self.mask.allows(self.places[host][row], self.places[origin][column])
    }

    /// Queries of `host`.
    pub fn queries(&self, host: usize) -> Array4<f32> {
        self.given[0].select(Axis(2), &self.places[host])
    }

    /// How near results of `host` are: its output, or the gradients of its queries, keys and values.
    pub fn tolerance(&self, host: usize, found: &[&Array4<f32>]) -> Tolerance {
        let own = |exact: &Array4<f64>| exact.select(Axis(2), &self.places[host]);
        let near = |(exact, found): (&Array4<f64>, &&Array4<f32>)| apart(&own(exact), found) <= self.off_max;
        let is_near = found.len() == self.exact.len() && self.exact.iter().zip(found).all(near);
        if is_near { Tolerance::Within } else { Tolerance::Beyond }
    }
}

/// The greatest difference; what is no number is beyond all.
fn apart(exact: &Array4<f64>, single: &Array4<f32>) -> f64 {
    let off = |(exact, single): (&f64, &f32)| (exact - f64::from(*single)).abs();
    let more = |most: f64, off: f64| if off <= most { most } else { off };
    exact.iter().zip(single).map(off).fold(0.0, |most, off| if off.is_nan() { f64::INFINITY } else { more(most, off) })
}

/// Keys and values that go round, backward with their gradients. Equal where every bit is.
#[derive(Clone, Debug)]
pub struct Block {
    /// Keys.
    pub keys: Array4<f32>,
    /// Values.
    pub values: Array4<f32>,
    /// Of keys and of values.
    pub gradients: Option<[Array4<f32>; 2]>,
}

impl Block {
    fn bits(&self) -> impl Iterator<Item = u32> {
        let gradients = self.gradients.iter().flatten();
        [&self.keys, &self.values].into_iter().chain(gradients).flatten().map(|value| value.to_bits())
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.bits().eq(other.bits())
    }
}

impl Eq for Block {}

impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|bits| bits.hash(state));
    }
}

/// A block that a host computes with.
#[derive(Debug)]
pub struct Met<'a> {
    /// How often the host has moved on.
    pub step: usize,
    /// Whose block it is.
    pub origin: usize,
    /// The block.
    pub block: &'a mut Block,
    /// What has landed that way meanwhile, in a buffer of its own.
    pub landed: Option<&'a Block>,
}

/// What a host sums up.
pub trait Sums: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// Nothing yet.
    fn none(numbers: &Arc<Numbers>, host: usize) -> Self;

    /// Adds a block.
    fn compute(&mut self, met: Met<'_>);

    /// How near the result is; `home`: the block at hand at the end.
    fn tolerance(&self, home: Option<&Block>) -> Tolerance;
}

/// The sums of the implementation.
#[derive(Clone)]
pub struct Ours {
    numbers: Arc<Numbers>,
    host: usize,
    sum: Sum<f32>,
    backward: Option<(Given<f32>, Array4<f32>)>,
}

impl Ours {
    /// Adds a block under the mask of the block of `masked_as`.
    pub fn add(&mut self, masked_as: usize, block: &mut Block) {
        let (numbers, host) = (&self.numbers, self.host);
        let sees = |row: usize, column: usize| numbers.sees((host, row), (masked_as, column));
        match (&mut self.backward, &mut block.gradients) {
            (Some((given, of_queries)), Some([of_keys, of_values])) => {
                let into = (of_queries, of_keys, of_values);
                add_gradients(given, (&block.keys, &block.values), into, Sees::These(&sees));
            }
            _ => self.sum.add(&block.keys, &block.values, Sees::These(&sees)),
        }
    }

    fn bits(&self) -> impl Iterator<Item = u32> {
        let of_queries = self.backward.iter().flat_map(|(_, of_queries)| of_queries);
        self.sum.out.iter().chain(&self.sum.log_sums).chain(of_queries).map(|value| value.to_bits())
    }
}

impl Sums for Ours {
    fn none(numbers: &Arc<Numbers>, host: usize) -> Self {
        let own = &numbers.places[host];
        let queries = numbers.queries(host);
        let backward = numbers.backward.as_ref().map(|all| {
            let given = Given {
                queries: queries.clone(),
                log_sums: all.log_sums.select(Axis(2), own),
                of_output: all.of_output.select(Axis(2), own),
                shares: all.shares.select(Axis(2), own),
            };
            (given, queries.mapv(|_| 0.0))
        });
        Ours { numbers: numbers.clone(), host, sum: Sum::none(queries, WIDTHS.1), backward }
    }

    fn compute(&mut self, met: Met<'_>) {
        self.add(met.origin, met.block);
    }

    fn tolerance(&self, home: Option<&Block>) -> Tolerance {
        match (&self.backward, home.and_then(|home| home.gradients.as_ref())) {
            (Some((_, of_queries)), Some([of_keys, of_values])) => {
                self.numbers.tolerance(self.host, &[of_queries, of_keys, of_values])
            }
            (Some(_), None) => Tolerance::Beyond,
            (None, _) => self.numbers.tolerance(self.host, &[&self.sum.out]),
        }
    }
}

impl fmt::Debug for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ours").field("host", &self.host).finish_non_exhaustive()
    }
}

impl PartialEq for Ours {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.bits().eq(other.bits())
    }
}

impl Eq for Ours {}

impl Hash for Ours {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.bits().for_each(|bits| bits.hash(state));
    }
}

/// Each place of a query, as (head, token).
fn queries_of(tokens: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..HEADS).flat_map(move |h| (0..tokens).map(move |t| (h, t)))
}

/// The weights of a query at a place, as the definition says, and the logarithm of their sum before they were made 1.
fn weights<T: NdFloat>(
    [queries, keys, _]: &[Array4<T>; 3],
    mask: &Mask,
    (h, t): (usize, usize),
) -> (Vec<(usize, T)>, T) {
    let root = T::from(WIDTHS.0).map_or_else(T::one, T::sqrt);
    let score =
        |key: usize| (0..WIDTHS.0).fold(T::zero(), |sum, c| sum + queries[[0, h, t, c]] * keys[[0, 0, key, c]]) / root;
    let seen = (0..keys.len_of(Axis(2))).filter(|key| mask.allows(t, *key));
    let scores: Vec<(usize, T)> = seen.map(|key| (key, score(key))).collect();
    let most = scores.iter().fold(T::neg_infinity(), |most, (_, score)| most.max(*score));
    let sum = scores.iter().fold(T::zero(), |sum, (_, score)| sum + (*score - most).exp());
    (scores.into_iter().map(|(key, score)| (key, (score - most).exp() / sum)).collect(), most + sum.ln())
}

/// Attention at once, as its definition says, and the logarithms of the sums.
fn dense<T: NdFloat>(given: &[Array4<T>; 3], mask: &Mask) -> (Array4<T>, Array3<T>) {
    let tokens = given[0].len_of(Axis(2));
    let mut out = Array4::zeros((1, HEADS, tokens, WIDTHS.1));
    let mut log_sums = Array3::zeros((1, HEADS, tokens));
    for (h, t) in queries_of(tokens) {
        let (weights, log_sum) = weights(given, mask, (h, t));
        log_sums[[0, h, t]] = log_sum;
        for (c, (key, weight)) in (0..WIDTHS.1).flat_map(|c| weights.iter().map(move |weight| (c, weight))) {
            out[[0, h, t, c]] += *weight * given[2][[0, 0, *key, c]];
        }
    }
    (out, log_sums)
}

/// Gradients of queries, keys and values at once, as calculus says.
fn dense_gradients<T: NdFloat>(given: &[Array4<T>; 3], of_output: &Array4<T>, mask: &Mask) -> Vec<Array4<T>> {
    let [queries, keys, values] = given;
    let [mut of_queries, mut of_keys, mut of_values] = given.each_ref().map(|tensor| tensor.mapv(|_| T::zero()));
    let root = T::from(WIDTHS.0).map_or_else(T::one, T::sqrt);
    for (h, t) in queries_of(queries.len_of(Axis(2))) {
        let (weights, _) = weights(given, mask, (h, t));
        let of_weight =
            |key: usize| (0..WIDTHS.1).fold(T::zero(), |sum, c| sum + of_output[[0, h, t, c]] * values[[0, 0, key, c]]);
        let mean = weights.iter().fold(T::zero(), |sum, (key, weight)| sum + *weight * of_weight(*key));
        for (key, weight) in weights {
            let of_score = weight * (of_weight(key) - mean) / root;
            for c in 0..WIDTHS.0 {
                of_queries[[0, h, t, c]] += of_score * keys[[0, 0, key, c]];
                of_keys[[0, 0, key, c]] += of_score * queries[[0, h, t, c]];
            }
            for c in 0..WIDTHS.1 {
                of_values[[0, 0, key, c]] += weight * of_output[[0, h, t, c]];
            }
        }
    }
    vec![of_queries, of_keys, of_values]
}
