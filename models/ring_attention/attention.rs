//! Attention round a ring of threads, forward and backward, in single or double precision.
//!
//! Tensors are (batch, heads, tokens, width), keys and values with as many heads as queries or a divisor of that
//! (grouped queries). Each host is a thread with a block of the tokens, as the [`Layout`] deals them out; keys and values
//! go round, and what a host has summed up is merged with each new block by the logarithms of the sums.
//!
//! ```
//! use counterpart_models::ring_attention::attention::{Layout, Mask, RingAttention};
//! use counterpart_models::ring_attention::implementation::Order;
//! use ndarray::Array4;
//!
//! let ring = RingAttention::new(2, Order::SendFirst, 1)?.mask(Mask::Causal).layout(Layout::Zigzag);
//! let queries = Array4::<f32>::ones((1, 4, 6, 8));
//! let (keys, values) = (Array4::ones((1, 2, 6, 8)), Array4::ones((1, 2, 6, 8)));
//! let output = ring.forward(&queries, &keys, &values)?;
//! assert!(output.out.iter().all(|value| (value - 1.0).abs() < 1e-6));
//! # Ok::<(), counterpart_models::ring_attention::attention::AttentionError>(())
//! ```

mod places;
pub(super) mod tile;

use std::sync::Arc;
use std::thread;

use ndarray::{Array3, Array4, Axis, NdFloat};
use thiserror::Error;

use super::implementation::{Keep, Lap, Lost, Order, Pass, Plan, PlanError, Rotation, Way, Ways};
use super::shared::{Host, connect};

pub use self::places::{Layout, Mask};

use self::tile::{Given, Sees, Sum, add_gradients};

/// A ring of hosts, and what their queries see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingAttention {
    plan: Plan,
    mask: Mask,
    layout: Layout,
}

/// What a forward pass gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Output<T> {
    /// (batch, heads, tokens, width of values).
    pub out: Array4<T>,
    /// The logarithm of each query's sum of weights: (batch, heads, tokens). −∞ where the mask leaves nothing.
    pub log_sums: Array3<T>,
    /// For each host the most blocks that it held at once, counted.
    pub blocks_max: Vec<usize>,
}

/// What a backward pass gives, in the shapes of what they are gradients of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gradients<T> {
    /// Of queries.
    pub queries: Array4<T>,
    /// Of keys.
    pub keys: Array4<T>,
    /// Of values.
    pub values: Array4<T>,
}

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AttentionError {
    /// No such ring.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An axis has no length.
    #[error("{tensor} is {shape:?} (batch, heads, tokens, width): no axis may be 0")]
    Empty {
        /// `queries`, `keys`, `values`, `output` or `its gradient`.
        tensor: &'static str,
        /// What it has.
        shape: Vec<usize>,
    },
    /// Two shapes do not fit.
    #[error("{tensor} is {shape:?}, and {expected:?} was expected (batch, heads, tokens, width)")]
    Shape {
        /// Which.
        tensor: &'static str,
        /// What it has.
        shape: Vec<usize>,
        /// What would fit.
        expected: Vec<usize>,
    },
    /// Heads of queries cannot share those of keys and values evenly.
    #[error("{queries} heads of queries cannot share {keys} heads of keys and values: the first must be a multiple")]
    Heads {
        /// Heads of queries.
        queries: usize,
        /// Heads of keys.
        keys: usize,
    },
    /// NaN or an infinity.
    #[error("{tensor}, which is {shape:?}, is not finite at {place:?} (batch, head, token, column)")]
    NotFinite {
        /// Which.
        tensor: &'static str,
        /// What it has.
        shape: Vec<usize>,
        /// 0-based.
        place: Vec<usize>,
    },
    /// All numbers were finite, and what comes of them is not.
    #[error(
        "{tensor} is too large at {place:?} (batch, head, token, column) for this precision: scale the queries down"
    )]
    TooLarge {
        /// `the output` or `the gradients of …`.
        tensor: &'static str,
        /// 0-based.
        place: Vec<usize>,
    },
    /// Documents do not make up the sequence.
    #[error("the documents have {documents} tokens together, the sequence {tokens}")]
    Documents {
        /// Their sum.
        documents: usize,
        /// Of the tensors.
        tokens: usize,
    },
    /// A host gave up.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The system gave no thread.
    #[error("no thread for host {host}: {why}")]
    NoThread {
        /// 0-based.
        host: usize,
        /// The system's words.
        why: String,
    },
    /// A host panicked: our bug.
    #[error("host {host} panicked")]
    Panicked {
        /// 0-based.
        host: usize,
    },
}

impl AttentionError {
    fn is_of_a_neighbour(&self) -> bool {
        matches!(self, AttentionError::Lost(Lost::Neighbour { .. }))
    }
}

/// Keys and values of a block; cloned with each send, by count.
type Block<T> = Arc<(Array4<T>, Array4<T>)>;

impl RingAttention {
    /// `hosts` threads whose channels hold `capacity` blocks, which go one way; every query sees every key, and blocks
    /// are contiguous.
    ///
    /// # Errors
    /// There are no hosts or too many, or they would wait for each other for ever.
    pub fn new(hosts: usize, order: Order, capacity: usize) -> Result<Self, AttentionError> {
        let plan = Plan::new(hosts, order, capacity, Pass::Forward)?;
        Ok(RingAttention { plan, mask: Mask::Full, layout: Layout::Contiguous })
    }

    /// Which ways blocks go in the forward pass. Backward they go one way.
    ///
    /// # Errors
    /// Hosts would wait for each other for ever.
    pub fn ways(self, ways: Ways) -> Result<Self, AttentionError> {
        Ok(RingAttention { plan: self.plan.ways(ways)?, ..self })
    }

    /// What hosts keep of the blocks that come by in the forward pass.
    #[must_use]
    pub fn keep(self, keep: Keep) -> Self {
        RingAttention { plan: self.plan.keep(keep), ..self }
    }

    /// What queries see.
    #[must_use]
    pub fn mask(self, mask: Mask) -> Self {
        RingAttention { mask, ..self }
    }

    /// Which tokens a host has.
    #[must_use]
    pub fn layout(self, layout: Layout) -> Self {
        RingAttention { layout, ..self }
    }

    /// Blocks that a host holds at once in the forward pass, at most.
    pub fn blocks_bound(&self) -> usize {
        self.plan.resident_max()
    }

    /// Outputs of all queries.
    ///
    /// # Errors
    /// Shapes that do not fit, numbers that are not finite, and hosts that were lost; nothing is given in part.
    pub fn forward<T: NdFloat>(
        &self,
        queries: &Array4<T>,
        keys: &Array4<T>,
        values: &Array4<T>,
    ) -> Result<Output<T>, AttentionError> {
        let (batch, heads, tokens, _) = self.fits(queries, keys, values)?;
        let places = self.layout.places(&self.mask, self.plan.hosts(), tokens);
        let blocks: Vec<Block<T>> = places.iter().map(|own| Arc::new((dealt(keys, own), dealt(values, own)))).collect();
        let parts = self.on_threads(self.plan, &places, blocks, |number, host| {
            let (own, handle) = (&places[number], host.handle());
            let mut sum = Sum::none(dealt(queries, own), values.len_of(Axis(3)));
            host.lap(|origin, block: &mut Block<T>| {
                self.with_mask(own, &places[origin], |sees| sum.add(&block.0, &block.1, sees));
            })?;
            Ok((sum, handle.held_max()))
        })?;
        let mut out = Array4::zeros((batch, heads, tokens, values.len_of(Axis(3))));
        let mut log_sums = Array3::from_elem((batch, heads, tokens), T::neg_infinity());
        let mut blocks_max = Vec::new();
        for ((sum, held), own) in parts.into_iter().zip(&places) {
            scatter(&mut out, &sum.out, own);
            for (row, place) in own.iter().enumerate() {
                log_sums.index_axis_mut(Axis(2), *place).assign(&sum.log_sums.index_axis(Axis(2), row));
            }
            blocks_max.push(held);
        }
        small_enough("the output", &out)?;
        Ok(Output { out, log_sums, blocks_max })
    }

    /// Gradients of queries, keys and values, given that of the output. Keys and values go round with theirs.
    ///
    /// # Errors
    /// As [`RingAttention::forward`], and of an output that is not of these shapes.
    pub fn backward<T: NdFloat>(
        &self,
        (queries, keys, values): (&Array4<T>, &Array4<T>, &Array4<T>),
        output: &Output<T>,
        of_output: &Array4<T>,
    ) -> Result<Gradients<T>, AttentionError> {
        let (batch, heads, tokens, _) = self.fits(queries, keys, values)?;
        let expected = vec![batch, heads, tokens, values.len_of(Axis(3))];
        for (tensor, given) in [("output", &output.out), ("the gradient of the output", of_output)] {
            if given.shape() != expected {
                return Err(AttentionError::Shape { tensor, shape: given.shape().to_vec(), expected });
            }
            finite(tensor, given)?;
        }
        if output.log_sums.shape() != &expected[..3] {
            let (tensor, shape) = ("log_sums", output.log_sums.shape().to_vec());
            return Err(AttentionError::Shape { tensor, shape, expected: expected[..3].to_vec() });
        }
        if let Some(((batch, head, token), _)) = output.log_sums.indexed_iter().find(|(_, sum)| !sum.is_finite()) {
            let (tensor, shape, place) = ("log_sums", output.log_sums.shape().to_vec(), vec![batch, head, token]);
            return Err(AttentionError::NotFinite { tensor, shape, place });
        }
        let plan = self.plan.backward()?;
        let places = self.layout.places(&self.mask, plan.hosts(), tokens);
        // Per query, the output times its gradient.
        let shares = (&output.out * of_output).sum_axis(Axis(3));
        let of_block = |own: &Vec<usize>| -> Travelling<T> {
            let (keys, values) = (dealt(keys, own), dealt(values, own));
            let gradients = (Array4::zeros(keys.raw_dim()), Array4::zeros(values.raw_dim()));
            (Arc::new((keys, values)), gradients.0, gradients.1)
        };
        let parts = self.on_threads(plan, &places, places.iter().map(of_block).collect(), |number, host| {
            let own = &places[number];
            let given = Given {
                queries: dealt(queries, own),
                log_sums: output.log_sums.select(Axis(2), own),
                of_output: dealt(of_output, own),
                shares: shares.select(Axis(2), own),
            };
            let mut of_queries = Array4::zeros(given.queries.raw_dim());
            let lap = host.lap(|origin, (block, of_keys, of_values): &mut Travelling<T>| {
                self.with_mask(own, &places[origin], |sees| {
                    add_gradients(&given, (&block.0, &block.1), (&mut of_queries, of_keys, of_values), sees);
                });
            })?;
            Ok((of_queries, lap.into_block(Way::Up)))
        })?;
        let mut gradients = Gradients {
            queries: Array4::zeros(queries.raw_dim()),
            keys: Array4::zeros(keys.raw_dim()),
            values: Array4::zeros(values.raw_dim()),
        };
        for ((of_queries, home), own) in parts.into_iter().zip(&places) {
            scatter(&mut gradients.queries, &of_queries, own);
            if let Some((_, of_keys, of_values)) = home {
                scatter(&mut gradients.keys, &of_keys, own);
                scatter(&mut gradients.values, &of_values, own);
            }
        }
        small_enough("the gradient of the queries", &gradients.queries)?;
        small_enough("the gradient of the keys", &gradients.keys)?;
        small_enough("the gradient of the values", &gradients.values)?;
        Ok(gradients)
    }

    /// What the mask leaves of the keys at `theirs` to the queries at `own`.
    fn with_mask(&self, own: &[usize], theirs: &[usize], act: impl FnOnce(Sees<'_>)) {
        if self.mask.leaves_all(own, theirs) {
            act(Sees::All);
        } else {
            act(Sees::These(&|row, column| self.mask.allows(own[row], theirs[column])));
        }
    }

    /// Each host's lap on a thread of its own; all are joined whatever comes.
    fn on_threads<B: Clone + Send, R: Send>(
        &self,
        plan: Plan,
        places: &[Vec<usize>],
        blocks: Vec<B>,
        work: impl Fn(usize, Host<B>) -> Result<R, Lost> + Sync,
    ) -> Result<Vec<R>, AttentionError> {
        let lap = |(number, block): (usize, B)| {
            let needs = places.iter().map(|theirs| self.mask.leaves_any(&places[number], theirs));
            Ok(Lap::new(Rotation::new(plan, number)?, block).needing(needs.collect()))
        };
        let laps = blocks.into_iter().enumerate().map(lap).collect::<Result<Vec<_>, PlanError>>()?;
        let work = &work;
        thread::scope(|scope| {
            let started: Vec<_> = connect(laps)
                .into_iter()
                .enumerate()
                // A host that gets no thread is dropped, which its neighbours see.
                .map(|(number, host)| thread::Builder::new().spawn_scoped(scope, move || work(number, host)))
                .collect();
            let mut ends = Vec::new();
            for (host, thread) in started.into_iter().enumerate() {
                ends.push(match thread {
                    Err(error) => Err(AttentionError::NoThread { host, why: error.to_string() }),
                    Ok(thread) => match thread.join() {
                        Err(_) => Err(AttentionError::Panicked { host }),
                        Ok(part) => part.map_err(AttentionError::from),
                    },
                });
            }
            // What the neighbours that were left behind say of it is not what is to be told.
            let is_cause = |end: &Result<R, AttentionError>| matches!(end, Err(error) if !error.is_of_a_neighbour());
            match ends.iter().position(is_cause) {
                Some(cause) => ends.swap_remove(cause).map(|part| vec![part]),
                None => ends.into_iter().collect(),
            }
        })
    }

    /// Batch, heads of queries, tokens and width, if everything fits.
    fn fits<T: NdFloat>(
        &self,
        queries: &Array4<T>,
        keys: &Array4<T>,
        values: &Array4<T>,
    ) -> Result<(usize, usize, usize, usize), AttentionError> {
        for (tensor, given) in [("queries", queries), ("keys", keys), ("values", values)] {
            if given.shape().contains(&0) {
                return Err(AttentionError::Empty { tensor, shape: given.shape().to_vec() });
            }
        }
        let (batch, heads, tokens, width) = queries.dim();
        let of_keys = vec![batch, keys.dim().1, tokens, width];
        if keys.shape() != of_keys {
            return Err(AttentionError::Shape { tensor: "keys", shape: keys.shape().to_vec(), expected: of_keys });
        }
        let expected = vec![batch, keys.dim().1, tokens, values.dim().3];
        if values.shape() != expected {
            return Err(AttentionError::Shape { tensor: "values", shape: values.shape().to_vec(), expected });
        }
        if heads % keys.dim().1 != 0 {
            return Err(AttentionError::Heads { queries: heads, keys: keys.dim().1 });
        }
        if let Mask::Documents(lengths) = &self.mask {
            // Lengths come from outside: their sum may be more than there are numbers for.
            let documents = lengths.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
            if documents != tokens {
                return Err(AttentionError::Documents { documents, tokens });
            }
        }
        finite("queries", queries)?;
        finite("keys", keys)?;
        finite("values", values)?;
        Ok((batch, heads, tokens, width))
    }
}

/// Keys and values with their gradients.
type Travelling<T> = (Block<T>, Array4<T>, Array4<T>);

fn finite<T: NdFloat>(tensor: &'static str, given: &Array4<T>) -> Result<(), AttentionError> {
    let shape = || given.shape().to_vec();
    not_finite(given).map_or(Ok(()), |place| Err(AttentionError::NotFinite { tensor, shape: shape(), place }))
}

fn small_enough<T: NdFloat>(tensor: &'static str, found: &Array4<T>) -> Result<(), AttentionError> {
    not_finite(found).map_or(Ok(()), |place| Err(AttentionError::TooLarge { tensor, place }))
}

fn not_finite<T: NdFloat>(of: &Array4<T>) -> Option<Vec<usize>> {
    let ((batch, head, token, column), _) = of.indexed_iter().find(|(_, value)| !value.is_finite())?;
    Some(vec![batch, head, token, column])
}

fn dealt<T: NdFloat>(all: &Array4<T>, places: &[usize]) -> Array4<T> {
    all.select(Axis(2), places)
}

fn scatter<T: NdFloat>(all: &mut Array4<T>, part: &Array4<T>, places: &[usize]) {
    for (row, place) in places.iter().enumerate() {
        all.index_axis_mut(Axis(2), *place).assign(&part.index_axis(Axis(2), row));
    }
}
