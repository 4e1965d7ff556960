//! A check of states alone: no transition is kept.

#[cfg(feature = "cluster")]
use std::collections::BTreeSet;

use super::face::AnyCheck;
use super::{Check, Options};
use crate::explore::{Budget, SurveyError, Surveyed, Surveyor};
#[cfg(feature = "cluster")]
use crate::explore::{ClusterConfig, IN_A_CLUSTER, survey_with_others};
use crate::model::{CheckedModel, Interface};
#[cfg(feature = "cluster")]
use crate::report::NotRun;
use crate::report::{CaseReport, PropertyReport};
use crate::verdict::judge_surveyed;

/// Surveys the model of a check. The text is what is surveyed, in words that differ where a result may.
pub(super) type Survey<'a> = Box<dyn Fn(&Budget, &str) -> Result<Surveyed, SurveyError> + Send + Sync + 'a>;

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    /// Explores the model by a means that keeps no transition, as is right for large ones. Its `always` and `sometimes`
    /// properties are judged as ever, with the same shortest traces. What speaks of runs cannot be judged then, and is
    /// [`Incomplete`](crate::verdict::Verdict::Incomplete). What is run alongside goes on as it would.
    ///
    /// ```
    /// use counterpart::Check;
    /// use counterpart::explore::{Pack, Surveyor};
    /// use stateright::{Model, Property};
    ///
    /// /// Adds one or doubles, up to so much.
    /// struct Sums(u64);
    /// #[derive(Clone, Debug, Hash, PartialEq)]
    /// struct Sum(u64);
    ///
    /// impl Pack<1> for Sum {
    ///     fn pack(&self) -> [u64; 1] {
    ///         [self.0]
    ///     }
    ///     fn unpack([sum]: [u64; 1]) -> Self {
    ///         Sum(sum)
    ///     }
    /// }
    ///
    /// impl Model for Sums {
    ///     type State = Sum;
    ///     type Action = u64;
    ///     fn init_states(&self) -> Vec<Sum> {
    ///         vec![Sum(0)]
    ///     }
    ///     fn actions(&self, state: &Sum, actions: &mut Vec<u64>) {
    ///         actions.extend([1, state.0]);
    ///     }
    ///     fn next_state(&self, state: &Sum, more: u64) -> Option<Sum> {
    ///         (state.0 + more <= self.0).then(|| Sum(state.0 + more))
    ///     }
    ///     fn properties(&self) -> Vec<Property<Self>> {
    ///         vec![Property::sometimes("it is full", |model, sum: &Sum| sum.0 == model.0)]
    ///     }
    /// }
    ///
    /// let report = Check::of(Sums(100)).surveyed(Surveyor::packed::<1>()).run();
    /// // 100 is 1100100 in binary: three ones to add, and six times to double.
    /// assert_eq!((report.cases[0].states, report.cases[0].properties[0].steps), (101, Some(9)));
    /// report.assert();
    /// ```
    #[must_use]
    pub fn surveyed(mut self, surveyor: Surveyor<M>) -> Self {
        self.surveyor = Some(surveyor);
        self
    }

    /// The surveyor with its model, the types of both forgotten.
    pub(super) fn survey(&self) -> Option<(&'static str, Survey<'static>)> {
        let (model, surveyor) = (self.model.clone(), self.surveyor.clone()?);
        Some((surveyor.name(), Box::new(move |budget, what| surveyor.survey(model.clone(), budget, what))))
    }

    /// The model explored in this process and others, by the same means.
    #[cfg(feature = "cluster")]
    pub(super) fn with_others(&self) -> WithOthers {
        let (model, surveyor) = (self.model.clone(), self.surveyor.clone());
        Box::new(move |budget, config| survey_with_others(surveyor.as_ref(), model.clone(), budget, config))
    }
}

/// Surveys the model of a check in several processes.
#[cfg(feature = "cluster")]
pub(super) type WithOthers = Box<dyn Fn(&Budget, ClusterConfig) -> Result<Surveyed, SurveyError> + Send + Sync>;

#[cfg(feature = "cluster")]
impl super::Case {
    /// Explores the case's model in this process and others, each of which does the same. `config` says which of them this
    /// one is. As [`Check::surveyed`], and nothing is run alongside.
    pub fn run_in_cluster(&self, options: &Options, config: ClusterConfig) -> (CaseReport, Vec<NotRun>) {
        self.check().run_in_cluster(&options.within(&self.check().plan.options), config)
    }
}

#[cfg(feature = "cluster")]
impl AnyCheck {
    fn run_in_cluster(&self, options: &Options, config: ClusterConfig) -> (CaseReport, Vec<NotRun>) {
        let config = std::sync::Mutex::new(Some(config));
        let report = self.report_of(options, |options, report| {
            let survey: Survey<'_> = Box::new(|budget, what| {
                let config = config.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                let config = config.expect("a model is surveyed once");
                (self.with_others)(budget, config.describing(what))
            });
            self.judge_survey(&(IN_A_CLUSTER, survey), options, report)
        });
        let alongside = self.subjects.iter().map(|subject| subject.name.clone()).collect::<BTreeSet<String>>();
        let alongside = alongside.into_iter().map(|subject| NotRun {
            case: self.plan.name.clone(),
            subject: Some(subject),
            why: "nothing is run alongside in a cluster".into(),
        });
        (report, self.left_out().into_iter().chain(alongside).collect())
    }
}

impl AnyCheck {
    pub(super) fn judge_survey(
        &self,
        (by, survey): &(&'static str, Survey<'_>),
        options: &Options,
        report: &mut CaseReport,
    ) -> Result<(), SurveyError> {
        let budget = self.kept_budget(options)?;
        let what = format!("case: {}\n{}", self.plan.name, self.details());
        let surveyed = survey(&budget, &what)?;
        report.surveyed = Some(by);
        report.states = surveyed.states;
        report.edges = surveyed.edges;
        report.depth = surveyed.depth;
        report.exhausted = surveyed.incomplete.is_none();
        report.hashes_alike = surveyed.hashes_alike;
        report.collision_odds = surveyed.collision_odds;
        let findings = judge_surveyed(self.model.properties(), &surveyed, by);
        self.compare_counts(surveyed.stop.as_ref(), report);
        if surveyed.is_of_all {
            self.second_opinion(&findings, surveyed.stop.as_ref(), options, report);
        }
        if self.plan.judged {
            let told = findings.iter().map(|finding| -> PropertyReport {
                let found = surveyed.found.iter().find(|(name, _)| *name == finding.name);
                let run = found.and_then(|(_, shown)| shown.as_ref());
                self.property_report(finding, run.map(|(_, run)| self.trace_of_run(finding, run)))
            });
            report.properties = told.collect();
        }
        self.read_again(report);
        Ok(())
    }
}
