//! A check under a name in a catalogue, its types forgotten.

use super::{Check, Options, ReplayError, Replayed};
use crate::model::{CheckedModel, Interface, Kind};
use crate::report::{CaseListing, CaseReport, NotRun, PropertyListing};
use crate::trace::Trace;

/// A check under a name in a catalogue.
pub struct Case {
    name: String,
    large: bool,
    check: Box<dyn AnyCheck>,
}

impl Case {
    /// `check`, under `name`: `<protocol>/<case>`.
    pub fn new<M: CheckedModel, F: Interface<Model = M>>(name: impl Into<String>, check: Check<M, F>) -> Self {
        let name = name.into();
        Case { large: false, check: Box::new(check.named(name.clone())), name }
    }

    /// Left out unless asked for.
    #[must_use]
    pub fn large(mut self) -> Self {
        self.large = true;
        self
    }

    /// `<protocol>/<case>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is left out unless asked for.
    pub fn is_large(&self) -> bool {
        self.large
    }

    /// What is known before it runs.
    pub fn listing(&self) -> CaseListing {
        CaseListing { large: self.large, ..self.check.listing() }
    }

    /// Runs it. Limits in `options` that the case sets tighter stay as the case has them.
    pub fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>) {
        self.check.run(options)
    }

    /// Replays `trace` on the model and on the implementation.
    ///
    /// # Errors
    /// The trace is of another model, or names what the case has not.
    pub fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.check.replay(trace, options)
    }
}

/// A [`Check`] whose types are forgotten.
trait AnyCheck: Send + Sync {
    fn listing(&self) -> CaseListing;
    fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>);
    fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError>;
}

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    fn limited(&self, options: &Options) -> Options {
        let own = &self.options;
        let mut options = options.clone();
        options.budget.states_max = options.budget.states_max.min(own.budget.states_max);
        options.budget.depth_max = options.budget.depth_max.min(own.budget.depth_max);
        options.answer_within = options.answer_within.min(own.answer_within);
        options
    }
}

impl<M: CheckedModel, F: Interface<Model = M>> AnyCheck for Check<M, F> {
    fn listing(&self) -> CaseListing {
        let of_states = self.model.properties().into_iter();
        let of_states = of_states.map(|property| (property.name.to_string(), Kind::from(&property.expectation)));
        let of_runs = self.spec.temporal().into_iter().map(|promise| (promise.name().to_string(), promise.kind()));
        let properties = of_states
            .chain(of_runs)
            .filter(|_| self.judged)
            .map(|(name, kind)| PropertyListing {
                expected: self.expectation(&name, "", "holds", "violated"),
                name,
                kind,
            })
            .collect();
        let mut subjects: Vec<String> = Vec::new();
        for subject in &self.subjects {
            if !subjects.contains(&subject.name) {
                subjects.push(subject.name.clone());
            }
        }
        CaseListing {
            case: self.name.clone(),
            protocol: self.name.split('/').next().unwrap_or_default().to_string(),
            large: false,
            properties,
            subjects,
        }
    }

    fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>) {
        (self.case_report(&self.limited(options), true), self.left_out())
    }

    fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.replay_trace(trace, &self.limited(options))
    }
}
