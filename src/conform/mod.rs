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
mod tour;
pub mod turnstile;
#[cfg(all(feature = "virtual-clock", target_os = "linux", target_pointer_width = "64"))]
pub mod virtual_clock;
#[cfg(feature = "walk")]
mod walk;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::explore::{Budget, ModelError};
use crate::model::{Counterpart, Interface, Spec};
use crate::trace::{Step, Trace};

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
    pub budget: Budget,
    /// An implementation that has not answered for this long never will.
    pub answer_within: Duration,
    /// Of everything that is drawn.
    pub seed: u64,
}

impl<F: Interface> Clone for Setting<F> {
    fn clone(&self) -> Self {
        Setting {
            model: self.model.clone(),
            spec: self.spec.clone(),
            interface: self.interface.clone(),
            budget: self.budget.clone(),
            answer_within: self.answer_within,
            seed: self.seed,
        }
    }
}

/// Makes a fresh implementation, as it is before anything was done to it.
type Factory<F> = Arc<Make<F>>;

type Make<F> = dyn Fn() -> Subject<F> + Send + Sync;

/// Of whatever type: every mode is compiled once for an interface, not once more for each implementation.
type Subject<F> = Box<dyn Counterpart<F>>;

fn boxed<F: Interface, C: Counterpart<F> + 'static>(make: impl Fn() -> C + Send + Sync + 'static) -> Factory<F> {
    Arc::new(move || Box::new(make()))
}

/// One way to run one implementation.
pub trait Job<F: Interface>: Send + Sync {
    /// How it is run.
    fn mode(&self) -> Mode;

    /// The model it is run beside, where that is not the one that is explored.
    fn model(&self) -> Option<Arc<F::Model>> {
        None
    }

    /// Runs it.
    ///
    /// # Errors
    /// The model is not one that can be explored.
    fn run(&self, setting: &Setting<F>) -> Result<Conformance, ModelError>;

    /// Runs again what `trace` records. `Ok(None)`: the model follows to the end.
    ///
    /// # Errors
    /// The trace does not carry what this mode needs; in words.
    fn replay(&self, setting: &Setting<F>, trace: &Trace) -> Result<Option<Divergence>, String>;
}
