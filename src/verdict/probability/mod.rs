//! A model whose chances are drawn and whose other choices a scheduler makes: a Markov decision process. What is asked
//! of it is the least and the greatest probability of reaching a goal, and the least and the greatest reward expected
//! until then, over all schedulers.
//!
//! What graphs can tell they tell, exactly: where a probability is 0 or 1, and in which end components a scheduler can
//! keep a run for ever. Values in between are bounded from below and from above by interval iteration. Both bounds are
//! sound at any time, rounding included, and the width that is left is part of the answer: plain value iteration, which
//! stops when values change little, may stop anywhere.
//!
//! Schedulers are under no fairness here: where an `almost_surely` assumes some, [`judge`](super::judge) sees to it. A
//! scheduler may leave a run where it is for ever in a state that has no choice, or only choices that are not
//! [forced](Spec::must_progress).
//!
//! # Sources
//! - L. de Alfaro, "Formal Verification of Probabilistic Systems", PhD thesis, Stanford 1997: end components, and the
//!   sets of states whose probability is 0 or 1.
//! - S. Haddad, B. Monmege, "Interval iteration algorithm for MDPs and IMDPs", Theor. Comput. Sci. 735, 2018:
//!   collapsing end components, so that the upper bound converges.
//! - C. Baier, J. Klein, L. Leuschner, D. Parker, S. Wunderlich, "Ensuring the Reliability of Your Model Checker:
//!   Interval Iteration for Markov Decision Processes", CAV 2017: expected rewards.
//! - A. Hartmanns, B. L. Kaminski, "Optimistic Value Iteration", CAV 2020: a guess that is verified to be an upper
//!   bound.

mod build;
mod components;
mod iteration;
mod qualitative;
mod quantitative;

use std::fmt;
use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

use crate::explore::{Explored, Graph, Interrupt, Spoken, Stop};
use crate::model::{CheckedModel, Spec};

pub use qualitative::EndComponent;

pub(super) use build::Process;

/// The least or the greatest over all schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extreme {
    /// The least: what is guaranteed.
    Min,
    /// The greatest: what is possible.
    Max,
}

/// A value lies between these, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// No value is below.
    pub lower: f64,
    /// No value is above. Infinite where the value is, or where nothing is known.
    pub upper: f64,
}

impl Bounds {
    /// The value itself.
    pub fn exactly(value: f64) -> Self {
        Bounds { lower: value, upper: value }
    }

    /// How far apart they are; 0 where both are infinite.
    pub fn width(&self) -> f64 {
        if self.lower == self.upper { 0.0 } else { self.upper - self.lower }
    }

    /// Half way between them.
    pub fn middle(&self) -> f64 {
        if self.lower == self.upper { self.lower } else { self.lower + (self.upper - self.lower) / 2.0 }
    }
}

/// How long to iterate.
#[derive(Clone)]
#[non_exhaustive]
pub struct Precision {
    /// The iteration ends when no bounds are farther apart than this: absolutely for values up to 1, and in proportion for those above.
    /// What floating point cannot tell apart stays apart: bounds are then wider than asked for.
    pub width_max: f64,
    /// Asked now and then. Bounds that come of an interrupted iteration are sound, and wider than asked for.
    pub interrupt: Interrupt,
}

impl fmt::Debug for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Precision").field("width_max", &self.width_max).finish_non_exhaustive()
    }
}

impl Precision {
    /// Ends when no bounds are farther apart than this: absolutely for values up to 1, and in proportion for those above.
    #[must_use]
    pub fn width_max(mut self, width: f64) -> Self {
        self.width_max = width;
        self
    }

    /// Asks `interrupt` now and then whether to stop, and why.
    #[must_use]
    pub fn interrupt(mut self, interrupt: impl Fn() -> Option<Stop> + Send + Sync + 'static) -> Self {
        self.interrupt = std::sync::Arc::new(interrupt);
        self
    }
}

impl Default for Precision {
    fn default() -> Self {
        Precision { width_max: 1e-9, interrupt: std::sync::Arc::new(|| None) }
    }
}

/// Why no process can be made of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MdpError {
    /// A probability speaks of all that can happen, so what was not explored makes every one unknown.
    #[error("probabilities are not known: {0}")]
    Incomplete(String),
    /// A weight must be positive.
    #[error("an action has weight 0 in state {state}; leave out an outcome that cannot be")]
    NoWeight {
        /// The state asked about.
        state: String,
    },
    /// The weights of a distribution must sum to 2⁵³ at most.
    #[error("the weights of a distribution in state {state} sum to more than 2^53")]
    Overweight {
        /// The state asked about.
        state: String,
    },
}

/// An outcome of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The node it leads to. The branches of a choice lead to different nodes.
    pub to: usize,
    /// Its probability is this over the choice's [`total`](Mdp::total).
    pub weight: u64,
}

/// A Markov decision process: nodes, numbered as in the graph it was made of, with choices, which are numbered node by
/// node and have branches. Every node has a choice, if only to stay.
pub struct Mdp {
    initial_count: usize,
    /// Node `n` owns the choices `choice_offsets[n]..choice_offsets[n + 1]`.
    choice_offsets: Vec<usize>,
    /// Choice `c` owns `branches[branch_offsets[c]..branch_offsets[c + 1]]`.
    branch_offsets: Vec<usize>,
    branches: Vec<Branch>,
    totals: Vec<u64>,
    /// By choice, the node it is of.
    owners: Vec<u32>,
    /// The choices with a branch to node `n` are `entries[entry_offsets[n]..entry_offsets[n + 1]]`.
    entry_offsets: Vec<usize>,
    entries: Vec<u32>,
}

impl fmt::Debug for Mdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mdp")
            .field("nodes", &self.node_count())
            .field("choices", &self.choice_count())
            .field("branches", &self.branch_count())
            .finish_non_exhaustive()
    }
}

impl Mdp {
    /// The process that `spec` makes of `graph`: see [`Spec::chance`].
    ///
    /// # Errors
    /// The graph is incomplete, or a weight is 0 or too large.
    pub fn of<M: CheckedModel>(graph: &Graph<M>, spec: impl Spec<Model = M>) -> Result<Self, MdpError> {
        let spoken = Spoken::new(graph.model().clone(), std::sync::Arc::new(spec));
        match graph.incomplete() {
            Some(why) => Err(MdpError::Incomplete(why)),
            None => Ok(Process::of(Explored::new(&spoken, graph))?.mdp),
        }
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.choice_offsets.len() - 1
    }

    /// How many choices there are, those to stay included.
    pub fn choice_count(&self) -> usize {
        self.totals.len()
    }

    /// How many branches there are.
    pub fn branch_count(&self) -> usize {
        self.branches.len()
    }

    /// How many nodes, the first of all, are initial.
    pub fn initial_count(&self) -> usize {
        self.initial_count
    }

    /// The choices of `node`, in the order in which its actions first speak of them; last the one to stay, if any.
    pub fn choices(&self, node: usize) -> Range<usize> {
        self.choice_offsets[node]..self.choice_offsets[node + 1]
    }

    /// The node that `choice` is of.
    pub fn owner(&self, choice: usize) -> usize {
        self.owners[choice] as usize
    }

    /// Where `choice` leads.
    pub fn branches(&self, choice: usize) -> &[Branch] {
        &self.branches[self.branch_offsets[choice]..self.branch_offsets[choice + 1]]
    }

    /// The sum of the weights of the branches of `choice`.
    pub fn total(&self, choice: usize) -> u64 {
        self.totals[choice]
    }

    /// The choices with a branch to `node`.
    fn entries(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.entries[self.entry_offsets[node]..self.entry_offsets[node + 1]].iter().map(|choice| *choice as usize)
    }

    /// What is known at the start, where the scheduler also picks the initial node.
    pub fn at_start(&self, bounds: &[Bounds], extreme: Extreme) -> Bounds {
        let initial = &bounds[..self.initial_count];
        let better = |a: f64, b: f64| match extreme {
            Extreme::Min => a.min(b),
            Extreme::Max => a.max(b),
        };
        let all = |of: fn(&Bounds) -> f64| initial.iter().map(of).reduce(better).unwrap_or(f64::NAN);
        Bounds { lower: all(|bounds| bounds.lower), upper: all(|bounds| bounds.upper) }
    }
}
