//! A check under a name in a catalogue, its types forgotten.

use super::face::AnyCheck;
use super::run::{VERDICTS, protocol};
use super::{Check, Options, ReplayError, Replayed};
use crate::model::{CheckedModel, Interface};
use crate::report::{CaseListing, CaseReport, NotRun, PropertyListing};
use crate::trace::Trace;
use crate::verdict::Verdict;

/// A check under a name in a catalogue.
pub struct Case {
    name: String,
    large: bool,
    check: AnyCheck,
}

impl Case {
    /// `check`, under `name`: `<protocol>/<case>`.
    pub fn new<M: CheckedModel, F: Interface<Model = M>>(name: impl Into<String>, check: Check<M, F>) -> Self {
        let name = name.into();
        Case { large: false, check: check.named(name.clone()).forgotten(), name }
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
        (self.check.case_report(&self.check.limited(options), true), self.check.left_out())
    }

    /// Replays `trace` on the model and on the implementation.
    ///
    /// # Errors
    /// The trace is of another model, or names what the case has not.
    pub fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.check.replay_trace(trace, &self.check.limited(options))
    }
}

impl AnyCheck {
    /// `options`, but for limits that the check itself sets tighter.
    fn limited(&self, options: &Options) -> Options {
        let own = &self.plan.options;
        let mut options = options.clone();
        options.budget.states_max = options.budget.states_max.min(own.budget.states_max);
        options.budget.depth_max = options.budget.depth_max.min(own.budget.depth_max);
        options.answer_within = options.answer_within.min(own.answer_within);
        options.start_within = options.start_within.min(own.start_within);
        options
    }

    fn listing(&self) -> CaseListing {
        let asked = self.model.properties().iter().filter(|_| self.plan.judged);
        let properties = asked.map(|asked| PropertyListing {
            name: asked.name.clone(),
            kind: asked.kind,
            expected: self.plan.expectation(&asked.name, Verdict::Holds, VERDICTS),
        });
        let mut subjects: Vec<String> = Vec::new();
        for subject in &self.subjects {
            if !subjects.contains(&subject.name) {
                subjects.push(subject.name.clone());
            }
        }
        CaseListing {
            case: self.plan.name.clone(),
            protocol: protocol(&self.plan.name),
            large: false,
            properties: properties.collect(),
            subjects,
        }
    }
}
