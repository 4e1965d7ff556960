//! Implementations judged against the model. One interface serves every mode, and every mode gives the same result:
//! [`Conformance`].
//!
//! A driver holds the *belief*: the set of model states that explain what was seen so far. An input is driven once, and
//! every step of the belief whose label equals what was given and what was answered is kept. An empty belief is a
//! divergence. So an implementation passes when the model *can* answer as it did; what the model allows and nobody
//! chose is counted and named, never assumed.

mod drive;
pub mod events;
#[cfg(feature = "interleave")]
pub mod interleave;
mod lts;
mod narrate;
#[cfg(unix)]
pub mod process;
mod product;
mod recovery;
mod replay;
mod shelf;
mod tour;
pub mod turnstile;
mod typed;
#[cfg(all(feature = "virtual-clock", target_os = "linux", target_pointer_width = "64"))]
pub mod virtual_clock;
#[cfg(feature = "walk")]
mod walk;
mod watch;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::explore::{Budget, ModelError};
use crate::model::{Interface, Spec};
use crate::trace::{Step, Trace};

use self::drive::Bench;
use self::lts::Lts;
use self::typed::{Factory, Typed};

pub use drive::Deviation;
#[cfg(feature = "cli")]
pub(crate) use drive::panic_message;
pub use product::Product;
pub use recovery::Recovery;
pub use tour::{Planned, Tour, TourPlan, Unchosen, Verified};
#[cfg(feature = "walk")]
pub use walk::Walk;

/// How an implementation was run alongside the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Model and implementation explored together.
    Product,
    /// Every transition of the bounded model driven.
    Tour,
    /// Seeded long walks.
    Walk,
    /// Real threads through every interleaving.
    Interleave,
    /// A log of a running implementation, judged afterwards.
    Events,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Product => "product",
            Mode::Tour => "tour",
            Mode::Walk => "walk",
            Mode::Interleave => "interleave",
            Mode::Events => "events",
        })
    }
}

/// What is known of an implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It answered as the model allows, wherever the mode looks.
    Conforms,
    /// Shown by a trace.
    Diverges,
    /// Not known, and why.
    Incomplete(String),
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Agreement::Conforms => "conforms",
            Agreement::Diverges => "diverges",
            Agreement::Incomplete(_) => "incomplete",
        })
    }
}

/// An implementation's result in one mode.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// How it was run.
    pub mode: Mode,
    /// What is known of it.
    pub agreement: Agreement,
    /// Labelled transitions of the bounded model, refused inputs included; of a product, its own transitions.
    pub edges: usize,
    /// Those that were driven.
    pub edges_driven: usize,
    /// Those that the subject has no input for.
    pub edges_unsupported: usize,
    /// Those that the model allows and the subject did not choose when given the input.
    pub edges_unchosen: usize,
    /// Those that explain an answer which others explain as well, and that were never told apart from these.
    pub edges_ambiguous: usize,
    /// Names for those never chosen, the first few.
    pub unchosen: Vec<Unchosen>,
    /// Inputs given in all; of a tour, without those of its suffixes; of a log, its events.
    pub steps: usize,
    /// Fresh starts of a tour, the first one included.
    pub starts: Option<usize>,
    /// What the suffixes of a tour have shown.
    pub verified: Option<Verified>,
    /// Schedules run, in interleave mode.
    pub schedules: Option<usize>,
    /// What a mode has to say of its bounds: a seed, a preemption bound.
    pub bounds: BTreeMap<String, String>,
    /// The run that shows the deviation.
    pub divergence: Option<Divergence>,
}

impl Conformance {
    fn new(mode: Mode) -> Self {
        Conformance {
            mode,
            agreement: Agreement::Incomplete("nothing was driven".into()),
            edges: 0,
            edges_driven: 0,
            edges_unsupported: 0,
            edges_unchosen: 0,
            edges_ambiguous: 0,
            unchosen: Vec::new(),
            steps: 0,
            starts: None,
            verified: None,
            schedules: None,
            bounds: BTreeMap::new(),
            divergence: None,
        }
    }

    fn incomplete(mut self, why: impl Into<String>) -> Self {
        self.agreement = Agreement::Incomplete(why.into());
        self
    }

    fn diverges(mut self, divergence: Divergence) -> Self {
        self.agreement = Agreement::Diverges;
        self.divergence = Some(divergence);
        self
    }
}

/// A run at whose end the model cannot follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// As a trace carries it; the last step is the one that deviates.
    pub steps: Vec<Step>,
    /// What happened there, in a sentence.
    pub what: String,
    /// What replay needs beside the steps.
    pub extra: BTreeMap<String, String>,
}

/// What all modes are given.
pub struct Setting<F: Interface> {
    /// The model.
    pub model: Arc<F::Model>,
    /// How its states read.
    pub spec: Arc<dyn Spec<Model = F::Model>>,
    /// What the outside sees of it.
    pub interface: Arc<F>,
    /// How far to go.
    pub limits: Limits,
}

/// How far every mode goes.
#[derive(Clone)]
pub struct Limits {
    /// How far to explore.
    pub budget: Budget,
    /// An implementation that has not answered for this long never will.
    pub answer_within: Duration,
    /// Seed of every random choice.
    pub seed: u64,
}

impl<F: Interface> Setting<F> {
    /// The model by number; `beside` in place of it, where a mode has one of its own.
    fn typed(&self, beside: Option<&Arc<F::Model>>) -> Arc<Typed<F>> {
        Typed::new(beside.unwrap_or(&self.model).clone(), self.interface.clone(), self.spec.clone())
    }

    fn bench(&self, beside: Option<&Arc<F::Model>>, factory: &Factory<F>) -> Bench {
        self.bench_of(self.typed(beside), factory)
    }

    fn bench_of(&self, typed: Arc<Typed<F>>, factory: &Factory<F>) -> Bench {
        Bench { make: typed.driven(factory), lts: Arc::new(Lts::new(typed)), limits: self.limits.clone() }
    }
}

/// One way to run one implementation.
pub trait Job<F: Interface>: Send + Sync {
    /// How it is run.
    fn mode(&self) -> Mode;

    /// The model it is run beside, where that is not the one that is explored.
    fn model(&self) -> Option<Arc<F::Model>> {
        None
    }

    /// Makes it ready to be run, or run again, once. Behind this nothing knows the types any more.
    fn bind(&self, setting: &Setting<F>) -> Bound;
}

/// A job whose types are forgotten.
pub struct Bound {
    lts: Arc<Lts>,
    how: Box<dyn How>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}

/// What a mode does.
trait How {
    fn run(&self) -> Result<Conformance, ModelError>;

    /// `Ok(None)`: the model follows to the end.
    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay>;
}

impl Bound {
    fn new(lts: &Arc<Lts>, how: impl How + 'static) -> Self {
        Bound { lts: lts.clone(), how: Box::new(how) }
    }

    /// Runs it.
    ///
    /// # Errors
    /// The model is not one that can be explored.
    pub fn run(&self) -> Result<Conformance, ModelError> {
        let result = self.how.run()?;
        Ok(match self.lts.words().clash() {
            Some(clash) => Conformance { divergence: None, ..result }.incomplete(clash),
            None => result,
        })
    }

    /// Runs again what `trace` records. `Ok(None)`: the model follows to the end.
    ///
    /// # Errors
    /// The trace does not carry what this mode needs, or nothing can be judged.
    pub fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay> {
        let result = self.how.replay(trace)?;
        match self.lts.words().clash() {
            Some(clash) => Err(CannotReplay::Unknown(clash)),
            None => Ok(result),
        }
    }
}

/// Why an implementation cannot be run along a trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CannotReplay {
    /// The model of today does not offer an input there.
    #[error("input {place} of the trace, {input}, is not possible there; possible are {}", possible.join(", "))]
    NotPossible {
        /// Of the inputs, 1-based.
        place: usize,
        /// As it reads.
        input: String,
        /// What is.
        possible: Vec<String>,
    },
    /// The trace lacks what the mode needs.
    #[error("the trace {0}")]
    Lacks(&'static str),
    /// It carries what makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// It was run again, and nothing is known of it.
    #[error("{0}")]
    Unknown(String),
}
