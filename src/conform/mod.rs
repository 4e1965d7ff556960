//! Implementations judged against the model. One interface serves every mode, and every mode gives the same result:
//! [`Conformance`].
//!
//! A driver holds the *belief*: the set of model states that explain what was seen so far. An input is driven once, and
//! every step of the belief whose label equals what was given and what was answered is kept. An empty belief is a
//! divergence. So an implementation passes when the model *can* answer as it did; what the model allows and nobody
//! chose is counted and named, never assumed.

mod again;
mod drive;
mod effort;
pub mod events;
#[cfg(feature = "interleave")]
pub mod interleave;
mod linear;
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

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use thiserror::Error;

use crate::explore::{Budget, ModelError};
use crate::model::{Interface, Spec};
use crate::trace::Trace;

use self::drive::Bench;
use self::lts::Lts;
use self::typed::{Factory, Typed};

pub use drive::Deviation;
pub use effort::{Agreement, Conformance, Coverage, Divergence, Effort, Mode, Scheduled};
pub use product::Product;
pub use recovery::Recovery;
pub use tour::{Planned, Tour, TourPlan, Unchosen, Verified};
#[cfg(feature = "walk")]
pub use walk::Walk;

/// What all modes are given.
pub struct Setting<F: Interface> {
    /// The model.
    pub model: Arc<F::Model>,
    /// How the model's states read.
    pub spec: Arc<dyn Spec<Model = F::Model>>,
    /// What the outside sees of the model.
    pub interface: Arc<F>,
    /// How far to go.
    pub limits: Limits,
}

/// How far every mode goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How far to explore.
    pub budget: Budget,
    /// Time in which an implementation has to answer; one that has not by then never will.
    pub answer_within: Duration,
    /// Time in which an implementation has to be made; one that is not by then never will be.
    pub start_within: Duration,
    /// Seed of every random choice.
    pub seed: u64,
    /// Counts the events of a log that are explained.
    pub explained: Arc<AtomicUsize>,
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
        Bench { make: typed.driven(factory), lts: Arc::new(Lts::new(typed)), limits: self.limits.clone(), times: 1 }
    }
}

impl<F: Interface> fmt::Debug for Setting<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One way to run one implementation.
pub trait Job<F: Interface>: Send + Sync {
    /// The mode in which it is run.
    fn mode(&self) -> Mode;

    /// The model that it is run beside, where that is not the one that is explored.
    fn model(&self) -> Option<Arc<F::Model>> {
        None
    }

    /// Binds it to a model, so that it can be run, or run again. Behind this nothing knows the types any more.
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

    /// Runs again what `trace` records. Returns `Ok(None)` where the model follows to the end.
    fn replay(&self, trace: &Trace) -> Result<Option<Divergence>, CannotReplay>;

    /// Judges `log` in place of its own, where it is of logs.
    fn judge(&self, _log: &events::Log) -> Option<events::Judgement> {
        None
    }
}

impl Bound {
    fn new(lts: &Arc<Lts>, how: impl How + 'static) -> Self {
        Bound { lts: lts.clone(), how: Box::new(how) }
    }

    /// Runs the job.
    ///
    /// # Errors
    /// The model is not one that can be explored.
    pub fn run(&self) -> Result<Conformance, ModelError> {
        let result = self.how.run()?;
        Ok(match self.lts.words().clash() {
            Some(clash) => result.effort.incomplete(clash),
            None => result,
        })
    }

    /// Judges `log` in place of the job's own, where it is a job that judges logs.
    pub fn judge(&self, log: &events::Log) -> Option<events::Judgement> {
        let mut judged = self.how.judge(log)?;
        if let Some(clash) = self.lts.words().clash() {
            judged.conformance = judged.conformance.effort.incomplete(clash);
        }
        Some(judged)
    }

    /// Runs again what `trace` records. Returns `Ok(None)` where the model follows to the end.
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
        /// Its place among the inputs, 1-based.
        place: usize,
        /// The input, as it reads.
        input: String,
        /// The inputs that the model offers there.
        possible: Vec<String>,
    },
    /// The trace lacks what the mode needs.
    #[error("the trace {0}")]
    Lacks(&'static str),
    /// The trace carries what makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// The trace was run again, and nothing is known of it.
    #[error("{0}")]
    Unknown(String),
}
