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
mod tile;

use std::sync::Arc;
use std::thread;

use ndarray::{Array3, Array4, Axis, NdFloat};
use thiserror::Error;

use super::implementation::{Order, Pass, Plan, PlanError, Rotation};
use super::shared::{Host, Lost, connect};

pub use self::places::{Layout, Mask};

use self::tile::{Sum, add_gradients};

/// A ring of hosts, and what their queries see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingAttention {
    hosts: usize,
    order: Order,
    capacity: usize,
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
    #[error("{tensor} is not finite at {place:?} (batch, head, token, column)")]
    NotFinite {
        /// Which.
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
    /// A host panicked: our bug.
    #[error("host {host} panicked")]
    Panicked {
        /// 0-based.
        host: usize,
    },
}

/// Keys and values of a block; cloned with each send, by count.
type Block<T> = Arc<(Array4<T>, Array4<T>)>;

impl RingAttention {
    /// `hosts` threads whose channels hold `capacity` blocks; every query sees every key, and blocks are contiguous.
    ///
    /// # Errors
    /// There are no hosts, or they would wait for each other for ever.
    pub fn new(hosts: usize, order: Order, capacity: usize) -> Result<Self, AttentionError> {
        Plan::new(hosts, order, capacity, Pass::Forward)?;
        Ok(RingAttention { hosts, order, capacity, mask: Mask::Full, layout: Layout::Contiguous })
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

    /// Blocks that a host holds at once, at most.
    ///
    /// # Errors
    /// As [`RingAttention::new`].
    pub fn blocks_bound(&self) -> Result<usize, AttentionError> {
        Ok(Plan::new(self.hosts, self.order, self.capacity, Pass::Forward)?.resident_max())
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
        let places = self.layout.places(&self.mask, self.hosts, tokens);
        let blocks: Vec<Block<T>> = places.iter().map(|own| Arc::new((dealt(keys, own), dealt(values, own)))).collect();
        let parts = self.on_threads(Pass::Forward, blocks, |host, lap| {
            let (own, inbound) = (&places[host], lap.inbound());
            let mut sum = Sum::none(dealt(queries, own), values.len_of(Axis(3)));
            lap.lap(|origin, block: &mut Block<T>| {
                sum.add(&block.0, &block.1, &|row, column| self.mask.allows(own[row], places[origin][column]));
            })?;
            Ok((sum, inbound.held_max()))
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
        let places = self.layout.places(&self.mask, self.hosts, tokens);
        // Per query, the output times its gradient.
        let shares = (&output.out * of_output).sum_axis(Axis(3));
        let blocks: Vec<Travelling<T>> = places
            .iter()
            .map(|own| {
                let (keys, values) = (dealt(keys, own), dealt(values, own));
                let gradients = (Array4::zeros(keys.raw_dim()), Array4::zeros(values.raw_dim()));
                (Arc::new((keys, values)), gradients.0, gradients.1)
            })
            .collect();
        let parts = self.on_threads(Pass::Backward, blocks, |host, lap| {
            let own = &places[host];
            let given = tile::Given {
                queries: dealt(queries, own),
                log_sums: output.log_sums.select(Axis(2), own),
                of_output: dealt(of_output, own),
                shares: shares.select(Axis(2), own),
            };
            let mut of_queries = Array4::zeros(given.queries.raw_dim());
            let home = lap.lap(|origin, (block, of_keys, of_values): &mut Travelling<T>| {
                let allows = |row: usize, column: usize| self.mask.allows(own[row], places[origin][column]);
                add_gradients(&given, (&block.0, &block.1), (&mut of_queries, of_keys, of_values), &allows);
            })?;
            Ok((of_queries, home))
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
        Ok(gradients)
    }

    /// Each host's lap on a thread of its own; all are joined whatever comes.
    fn on_threads<B: Clone + Send, R: Send>(
        &self,
        pass: Pass,
        blocks: Vec<B>,
        work: impl Fn(usize, Host<B>) -> Result<R, Lost> + Sync,
    ) -> Result<Vec<R>, AttentionError> {
        let plan = Plan::new(self.hosts, self.order, self.capacity, pass)?;
        let rotations = (0..self.hosts).map(|host| Rotation::new(plan, host)).collect::<Result<Vec<_>, _>>()?;
        let work = &work;
        thread::scope(|scope| {
            let hosts = connect(rotations, blocks).into_iter().enumerate();
            let threads: Vec<_> = hosts.map(|(number, host)| scope.spawn(move || work(number, host))).collect();
            let joined = threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>();
            // A panic first: the neighbours that it left behind are not what is to be told.
            if let Some(host) = joined.iter().position(Result::is_err) {
                return Err(AttentionError::Panicked { host });
            }
            joined.into_iter().flatten().map(|part| part.map_err(AttentionError::from)).collect()
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
    match given.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((batch, head, token, column), _)) => {
            Err(AttentionError::NotFinite { tensor, place: vec![batch, head, token, column] })
        }
    }
}

fn dealt<T: NdFloat>(all: &Array4<T>, places: &[usize]) -> Array4<T> {
    all.select(Axis(2), places)
}

fn scatter<T: NdFloat>(all: &mut Array4<T>, part: &Array4<T>, places: &[usize]) {
    for (row, place) in places.iter().enumerate() {
        all.index_axis_mut(Axis(2), *place).assign(&part.index_axis(Axis(2), row));
    }
}
