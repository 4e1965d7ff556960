//! A check whose types are forgotten: what is run, judged, replayed and reported, once for all models. The types are
//! known here alone, where they are forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::survey::Survey;
#[cfg(feature = "cluster")]
use super::survey::WithOthers;
use super::{Check, Options, Plan};
use crate::conform::events::{ByText, Events, Log};
use crate::conform::{Bound, Job, Mode, Setting};
use crate::explore::{Action, AnyState, Face, Spoken, recalled};
use crate::model::{CheckedModel, Interface, Spec};

/// A [`Check`] whose types are forgotten.
pub(super) struct AnyCheck {
    pub(super) plan: Plan,
    pub(super) model: Arc<dyn Face>,
    pub(super) labels: Box<dyn Labels>,
    pub(super) subjects: Vec<Subject>,
    /// Where states alone are asked about: by what means, and how that is done.
    pub(super) survey: Option<(&'static str, Survey<'static>)>,
    #[cfg(feature = "cluster")]
    pub(super) with_others: WithOthers,
    /// Reads logs in the interface's own words, where no subject is one of logs.
    pub(super) by_text: Subject,
}

/// What is run alongside, in one mode.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) job: Box<dyn AnyJob>,
}

/// What the outside sees of a step, as text.
pub(super) trait Labels: Send + Sync {
    fn label(&self, from: &dyn AnyState, action: &Action, to: &dyn AnyState) -> Option<(String, String)>;
}

/// A [`Job`] with all that it is run on.
pub(super) trait AnyJob: Send + Sync {
    /// The bounds of the model that it is run beside.
    fn parameters(&self) -> BTreeMap<String, String>;
    fn bind(&self, options: &Options) -> Bound;
}

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    pub(super) fn forgotten(&self) -> AnyCheck {
        let seen = Seen { model: self.model.clone(), spec: self.spec.clone(), interface: self.interface.clone() };
        let subject = |(name, job): &(String, Arc<dyn Job<F>>)| Subject {
            name: name.clone(),
            mode: job.mode(),
            job: Box::new((seen.clone(), job.clone())),
        };
        let by_text: Arc<dyn Job<F>> = Events::new(ByText).of(|| Ok(Log::default()));
        AnyCheck {
            by_text: subject(&("log".into(), by_text)),
            plan: self.plan.clone(),
            survey: self.survey(),
            #[cfg(feature = "cluster")]
            with_others: self.with_others(),
            model: Arc::new(Spoken::new(self.model.clone(), self.spec.clone())),
            subjects: self.subjects.iter().map(subject).collect(),
            labels: Box::new(seen),
        }
    }
}

/// A model, its spec, and what the outside sees of it.
struct Seen<F: Interface> {
    model: Arc<F::Model>,
    spec: Arc<dyn Spec<Model = F::Model>>,
    interface: Arc<F>,
}

impl<F: Interface> Clone for Seen<F> {
    fn clone(&self) -> Self {
        Seen { model: self.model.clone(), spec: self.spec.clone(), interface: self.interface.clone() }
    }
}

impl<F: Interface> Labels for Seen<F> {
    fn label(&self, from: &dyn AnyState, action: &Action, to: &dyn AnyState) -> Option<(String, String)> {
        let actions: &Vec<<F::Model as stateright::Model>::Action> = recalled(&*action.of);
        let (from, to) = (recalled(from), Some(recalled(to)));
        let (input, output) = self.interface.label(&self.model, from, &actions[action.index], to)?;
        Some((format!("{input:?}"), format!("{output:?}")))
    }
}

impl<F: Interface> AnyJob for (Seen<F>, Arc<dyn Job<F>>) {
    fn parameters(&self) -> BTreeMap<String, String> {
        let (seen, job) = self;
        seen.spec.parameters(&job.model().unwrap_or_else(|| seen.model.clone()))
    }

    fn bind(&self, options: &Options) -> Bound {
        let (seen, job) = self;
        job.bind(&Setting {
            model: seen.model.clone(),
            spec: seen.spec.clone(),
            interface: seen.interface.clone(),
            limits: options.limits(),
        })
    }
}
