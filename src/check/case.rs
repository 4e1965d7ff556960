//! A check under a name in a catalogue, its types forgotten.

use std::fmt::{self, Debug};

use super::face::AnyCheck;
use super::run::{VERDICTS, protocol};
use super::{Check, Options, ReplayError, Replayed};
use crate::conform::events::{Judgement, Log};
use crate::conform::{Agreement, Mode};
#[cfg(feature = "cli")]
use crate::explore::CheckpointError;
use crate::model::{CheckedModel, Interface};
use crate::report::{CaseListing, CaseReport, NotRun, PropertyListing};
use crate::trace::Trace;
use crate::verdict::Verdict;
use crate::view::Picture;

/// A check under a name in a catalogue.
pub struct Case {
    name: String,
    check: AnyCheck,
    pictures: Vec<(String, Draw)>,
}

/// Draws a picture, as SVG.
type Draw = Box<dyn Fn() -> String + Send + Sync>;

impl Case {
    /// A case under `name`, which is `<protocol>/<case>`, that runs `check`.
    pub fn new<M: CheckedModel, F: Interface<Model = M>>(name: impl Into<String>, check: Check<M, F>) -> Self {
        let name = name.into();
        let mut check = check.named(name.clone()).forgotten();
        check.plan.is_listed = true;
        Case { check, name, pictures: Vec::new() }
    }

    /// Leaves the case out of a run unless large cases are asked for. It may be violated as others are: its verdicts,
    /// and its [counts](Check::counts) where it says so, are compared with what is expected. No trace is kept of what
    /// is as expected.
    #[must_use]
    pub fn large(mut self) -> Self {
        self.check.plan.large = true;
        self
    }

    /// Adds a picture to what pages show of the case: a chart, say, or the valencies of its configurations. `draw` gives
    /// it as SVG; it is asked where pages are written, and nowhere else.
    #[must_use]
    pub fn picture(mut self, caption: impl Into<String>, draw: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.pictures.push((caption.into(), Box::new(draw)));
        self
    }

    /// The pictures of the case, drawn.
    pub fn pictures(&self) -> Vec<Picture> {
        let drawn = |(caption, draw): &(String, Draw)| Picture {
            case: self.name.clone(),
            caption: caption.clone(),
            svg: draw(),
        };
        self.pictures.iter().map(drawn).collect()
    }

    pub(super) fn check(&self) -> &AnyCheck {
        &self.check
    }

    /// `<protocol>/<case>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the case is left out unless large cases are asked for.
    pub fn is_large(&self) -> bool {
        self.check.plan.large
    }

    /// What is known of the case before it runs.
    pub fn listing(&self) -> CaseListing {
        self.check.listing()
    }

    /// Runs the case. A limit that the case sets tighter than `options` stays as the case has it.
    pub fn run(&self, options: &Options) -> (CaseReport, Vec<NotRun>) {
        (self.check.case_report(&options.within(&self.check.plan.options), true), self.check.left_out())
    }

    /// How many parts of a checkpoint there are that the case would go on with.
    ///
    /// # Errors
    /// The checkpoint is refused.
    #[cfg(feature = "cli")]
    pub(crate) fn kept_parts(&self, options: &Options) -> Result<u64, CheckpointError> {
        self.check.kept_parts(options)
    }

    /// Judges `log` on the model as the log unfolds it: by the reader of the case's first subject that is a log, or where
    /// it has none by [`ByText`](crate::conform::events::ByText).
    pub fn judge(&self, log: &Log, options: &Options) -> JudgedLog {
        self.check.judge_log(log, &options.within(&self.check.plan.options))
    }

    /// Replays `trace` on the model and on the implementation.
    ///
    /// # Errors
    /// The trace is of another model, or names what the case has not.
    pub fn replay(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        self.check.replay_trace(trace, &options.within(&self.check.plan.options))
    }
}

/// What is known of a log that was judged on a case's model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JudgedLog {
    /// Whether the model explains it, and in what order.
    pub judgement: Judgement,
    /// The log told up to the event that nothing explains, where there is one.
    pub evidence: Option<Trace>,
}

impl AnyCheck {
    fn judge_log(&self, log: &Log, options: &Options) -> JudgedLog {
        let subject = self.subjects.iter().find(|subject| subject.mode == Mode::Events).unwrap_or(&self.by_text);
        let judged = subject.job.bind(&options.begun()).judge(log);
        let judgement = judged.expect("a job of logs judges logs");
        let found = &judgement.conformance;
        let divergence = found.divergence.clone().filter(|_| found.agreement == Agreement::Diverges);
        let evidence =
            divergence.map(|divergence| self.trace_of_divergence(subject, Mode::Events, divergence, &subject.name));
        JudgedLog { judgement, evidence }
    }
}

impl Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subjects: Vec<&str> = self.check.subjects.iter().map(|subject| subject.name.as_str()).collect();
        f.debug_struct("Case").field("plan", &self.check.plan).field("subjects", &subjects).finish_non_exhaustive()
    }
}

impl AnyCheck {
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
            large: self.plan.large,
            properties: properties.collect(),
            subjects,
        }
    }
}
