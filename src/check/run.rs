//! A check run: explored, refereed, judged, run alongside, and all of it reported.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::face::{AnyCheck, Subject};
use super::names::nearest;
use super::{Expected, Options, Plan, REFEREE_STATES_MAX};
use crate::conform::{Agreement, Conformance, Mode};
use crate::explore::{Asked, Budget, Explored, ModelError, Referee, RefereeError, Stop, SurveyError, referee_of};
use crate::model::Kind;
use crate::report::{CaseReport, ConformanceReport, NotRun, Outcome, PropertyReport, RefereeReport, Value};
use crate::trace::{self, Trace};
use crate::verdict::{Finding, Verdict, judge_all, judge_states};

impl AnyCheck {
    pub(super) fn left_out(&self) -> Vec<NotRun> {
        self.plan
            .not_run
            .iter()
            .map(|(subject, why)| NotRun {
                case: self.plan.name.clone(),
                subject: Some(subject.clone()),
                why: why.clone(),
            })
            .collect()
    }

    pub(super) fn case_report(&self, options: &Options, alongside: bool) -> CaseReport {
        self.report_of(options, |options, report| {
            match &self.survey {
                _ if !self.explores(alongside) => {}
                Some(survey) => self.judge_survey(survey, options, report)?,
                None => self.judge_graph(options, report)?,
            }
            if alongside {
                self.run_subjects(options, report);
            }
            Ok(())
        })
    }

    /// The report that `tell` fills in.
    pub(super) fn report_of(
        &self,
        options: &Options,
        tell: impl FnOnce(&Options, &mut CaseReport) -> Result<(), SurveyError>,
    ) -> CaseReport {
        let span = tracing::info_span!("case", name = %self.plan.name);
        let _entered = span.enter();
        let mut report = CaseReport {
            case: self.plan.name.clone(),
            protocol: protocol(&self.plan.name),
            parameters: self.model.parameters(),
            states: 0,
            edges: 0,
            depth: 0,
            exhausted: false,
            expected_counts: None,
            referee: None,
            hashes_alike: false,
            collision_odds: 0.0,
            surveyed: None,
            properties: Vec::new(),
            conformance: Vec::new(),
            errors: self.nonsense(),
            as_expected: false,
            traces: self.plan.traces.clone(),
        };
        match tell(&options.begun(), &mut report) {
            Ok(()) => {}
            // It goes on as the panic that it was, with the place.
            Err(SurveyError::Model(error @ ModelError::Panics { .. })) => {
                std::panic::resume_unwind(Box::new(error.to_string()))
            }
            Err(error) => report.errors.push(error.to_string()),
        }
        report.as_expected = report.outcome() == Outcome::AsExpected;
        tracing::info!(states = report.states, as_expected = report.as_expected, "done");
        report
    }

    /// Whether the model is explored: not where nothing is asked of it but what logs ask, which unfold it as they go.
    /// What stands in a catalogue is explored all the same, and told how large it is.
    fn explores(&self, alongside: bool) -> bool {
        let is_asked = self.plan.judged && !self.model.properties().is_empty();
        let logs_only = !self.subjects.is_empty() && self.subjects.iter().all(|subject| subject.mode == Mode::Events);
        is_asked || self.plan.is_listed || self.plan.counts.is_some() || !alongside || !logs_only
    }

    /// How far the model is explored, and where that is left behind. What is run alongside explores as well, and is not to
    /// be taken for this.
    pub(super) fn kept_budget(&self, options: &Options) -> Result<Budget, ModelError> {
        Ok(Budget { checkpoint: self.keeper(options)?, ..options.budget.clone() })
    }

    fn judge_graph(&self, options: &Options, report: &mut CaseReport) -> Result<(), SurveyError> {
        let nodes = self.model.explore(None, &self.kept_budget(options)?)?;
        self.judge_model(Explored::new(&*self.model, &*nodes), options, report);
        Ok(())
    }

    fn run_subjects(&self, options: &Options, report: &mut CaseReport) {
        for subject in &self.subjects {
            match self.run_subject(subject, options) {
                Ok(conformance) => {
                    let others = report.conformance.iter();
                    let kept = others.filter(|other| other.subject == subject.name).any(|other| other.trace.is_some());
                    report.conformance.push(self.conformance_report(subject, conformance, kept));
                }
                Err(error) => report.errors.push(error.to_string()),
            }
        }
    }

    pub(super) fn run_subject(&self, subject: &Subject, options: &Options) -> Result<Conformance, ModelError> {
        let span = tracing::info_span!("subject", name = %subject.name, mode = %subject.mode);
        let _entered = span.enter();
        let conformance = subject.job.bind(options).run()?;
        tracing::info!(verdict = %conformance.agreement, steps = conformance.effort.steps(), "run alongside");
        Ok(conformance)
    }

    /// Expectations that name nothing, and names that stand for two things.
    pub(super) fn nonsense(&self) -> Vec<String> {
        let properties = self.model.properties();
        let mut known: Vec<&str> = properties.iter().map(|asked| asked.name.as_str()).collect();
        let mut errors = Vec::new();
        let unchanged = |asked: &&Asked| asked.kind == Kind::Recoverable && asked.assumption.is_some();
        for Asked { name, .. } in properties.iter().filter(unchanged) {
            errors.push(format!("recoverable {name:?} is under fairness, which changes nothing of it"));
        }
        for Asked { name, kind, bound, assumption, .. } in properties {
            if let (Some(bound), Some(assumption)) = (bound, assumption) {
                errors.push(format!(
                    "{kind} {name:?} is under fairness, {assumption:?}: {bound} speaks of every scheduler, fair or not"
                ));
            }
            if let Some(nonsense) = bound.and_then(|bound| bound.nonsense(*kind)) {
                errors.push(format!("the bound of {kind} {name:?} says nothing: {nonsense}"));
            }
        }
        for (index, name) in known.iter().enumerate() {
            if known[..index].contains(name) {
                errors.push(format!("two properties are called {name:?}: give each a name of its own"));
            }
        }
        known.extend(self.subjects.iter().map(|subject| subject.name.as_str()));
        known.extend(self.plan.not_run.iter().map(|(subject, _)| subject.as_str()));
        let files: Vec<PathBuf> = known.iter().map(|name| trace::file_name(&self.plan.name, name)).collect();
        for (index, name) in known.iter().enumerate() {
            // A subject may be run in several modes under one name.
            if (0..index).any(|other| files[other] == files[index] && known[other] != *name) {
                errors
                    .push(format!("the trace of {name:?} would be kept under the name of another's: tell them apart"));
            }
        }
        for (index, subject) in self.subjects.iter().enumerate() {
            let alike = |other: &Subject| other.name == subject.name && other.mode == subject.mode;
            if self.subjects[..index].iter().any(alike) {
                errors.push(format!(
                    "{:?} is run twice in mode {}, and a trace could not tell which: give one of them a name of its own",
                    subject.name,
                    subject.mode
                ));
            }
        }
        let expected = self.plan.expected.keys().map(|name| (name, "something is expected of"));
        let reasons = self.plan.because.keys().map(|name| (name, "a reason is given for"));
        for (name, what) in expected.chain(reasons).filter(|(name, _)| !known.contains(&name.as_str())) {
            let near = nearest(name, &known).map(|near| format!(": the nearest name is {near:?}")).unwrap_or_default();
            errors.push(format!("{what} {name:?}, which is neither a property nor a subject here{near}"));
        }
        errors
    }

    pub(super) fn judge_model(&self, graph: Explored<'_>, options: &Options, report: &mut CaseReport) {
        report.states = graph.node_count();
        report.edges = graph.edge_count();
        report.depth = graph.depth();
        report.exhausted = graph.incomplete().is_none();
        self.compare_counts(graph.stop(), report);
        let findings = match self.plan.judged {
            true => judge_all(graph, &options.budget.interrupt),
            false => judge_states(graph),
        };
        report.hashes_alike = graph.shape().hashes_alike();
        report.collision_odds = graph.shape().collision_odds(options.budget.equality);
        self.second_opinion(&findings, graph.stop(), options, report);
        let findings = if self.plan.judged { findings } else { Vec::new() };
        let told = findings.iter().map(|finding| {
            let evidence = finding.evidence.as_ref().map(|evidence| self.trace_of(graph, finding, evidence));
            self.property_report(finding, evidence)
        });
        report.properties = told.collect();
        self.read_again(report);
    }

    pub(super) fn compare_counts(&self, stop: Option<&Stop>, report: &mut CaseReport) {
        match (self.plan.counts, stop) {
            (Some(_), Some(stop)) => report.errors.push(format!("the counts are not known: {stop}")),
            (counts, _) => report.expected_counts = counts,
        }
    }

    /// Asks stateright's own search, where it is wanted and all was explored.
    pub(super) fn second_opinion(
        &self,
        findings: &[Finding],
        stop: Option<&Stop>,
        options: &Options,
        report: &mut CaseReport,
    ) {
        if !options.referee || stop.is_some() || report.states > REFEREE_STATES_MAX {
            return;
        }
        match referee_of(self.model.clone(), &options.budget.interrupt) {
            Ok(second) => {
                let ours = findings
                    .iter()
                    .filter(|finding| finding.kind.is_safety() && finding.evidence.is_some())
                    .map(|finding| finding.name.as_str())
                    .collect();
                let agrees = second.states == report.states && second.discovered == ours;
                if !agrees {
                    report.errors.push(disagreement(report, &ours, &second));
                }
                report.referee = Some(RefereeReport { states: second.states, agrees });
            }
            Err(RefereeError::Interrupted) => report.errors.push("interrupted before the referee was done".into()),
            Err(error) => report.errors.push(format!("no second opinion: {error}")),
        }
    }

    /// Asks the model again for every trace of a property.
    pub(super) fn read_again(&self, report: &mut CaseReport) {
        let shown = report.properties.iter().filter_map(|property| property.evidence.as_ref());
        report.errors.extend(shown.filter_map(|trace| self.reads_otherwise(trace)));
    }

    pub(super) fn property_report(&self, finding: &Finding, evidence: Option<Trace>) -> PropertyReport {
        let value = finding.value.as_ref();
        let why = match finding.verdict {
            Verdict::Violated => value.map(|_| NO_RUN.into()),
            Verdict::Holds | Verdict::Incomplete => finding.why.clone(),
        };
        let expected = self.plan.expectation(&finding.name, finding.verdict, VERDICTS);
        let violated = finding.verdict == Verdict::Violated && evidence.is_some();
        let kept = if violated { self.kept(&finding.name, finding.verdict == expected) } else { None };
        PropertyReport {
            name: finding.name.clone(),
            kind: finding.kind,
            verdict: finding.verdict,
            why,
            expected,
            value: value.and_then(|value| Value::of(&value.bounds)),
            value_width: value.and_then(|value| Value::rounded_up(value.bounds.width())),
            extreme: value.map(|value| value.extreme),
            bound: value.map(|value| value.bound.value()),
            steps: evidence.as_ref().map(Trace::len),
            loop_len: evidence.as_ref().and_then(Trace::loop_len),
            triggered: finding.triggered,
            fairness: finding.fairness.clone(),
            trace: kept,
            evidence,
        }
    }

    pub(super) fn conformance_report(&self, subject: &Subject, found: Conformance, kept: bool) -> ConformanceReport {
        let mode = found.effort.mode();
        let expected = self.plan.expectation(&subject.name, found.agreement, AGREEMENTS);
        let mut place = None;
        let evidence = found.divergence.map(|divergence| {
            // A second mode's trace of the same subject says which mode it is of.
            let name = if kept { format!("{}--{mode}", subject.name) } else { subject.name.clone() };
            place = self.kept(&name, found.agreement == expected);
            self.trace_of_divergence(subject, mode, divergence, &name)
        });
        ConformanceReport {
            mode,
            subject: subject.name.clone(),
            verdict: found.agreement,
            why: found.why,
            expected,
            effort: found.effort,
            trace: place,
            evidence,
        }
    }
}

/// Everything that may be found of a subject.
const AGREEMENTS: [Agreement; 3] = [Agreement::Conforms, Agreement::Diverges, Agreement::Incomplete];

/// Everything that may be found of a property.
pub(super) const VERDICTS: [Verdict; 3] = [Verdict::Holds, Verdict::Violated, Verdict::Incomplete];

impl Plan {
    /// What is expected of `name`, one of `[passes, refuted, incomplete]`, where `found` was found.
    pub(super) fn expectation<V: Copy + PartialEq>(
        &self,
        name: &str,
        found: V,
        [passes, refuted, incomplete]: [V; 3],
    ) -> V {
        match self.expected.get(name) {
            _ if found == incomplete && self.allow_incomplete.is_some() => incomplete,
            None => passes,
            Some(Expected::Refuted) => refuted,
            Some(Expected::Incomplete(_)) => incomplete,
        }
    }
}

/// The part of a case's name before the slash.
pub(super) fn protocol(case: &str) -> String {
    case.split('/').next().unwrap_or_default().to_string()
}

/// Why there is no trace of a probability or a reward out of bounds.
const NO_RUN: &str = "no single run shows it: it speaks of all runs together, under the worst of all schedulers";

fn disagreement(report: &CaseReport, ours: &BTreeSet<&str>, theirs: &Referee) -> String {
    let why = if report.hashes_alike {
        "States that differ have the same hash, and stateright keeps one state per hash: let the model's Hash feed all \
         that PartialEq compares, or do not ask for a second opinion (Check::referee, --no-referee)"
    } else {
        "Either the model's Hash and PartialEq contradict each other (stateright keeps one state per 64-bit hash), or \
         this is a defect of counterpart: please report it"
    };
    format!(
        "the engines disagree: {} states here, {} by stateright; discovered here {ours:?}, there {:?}. {why}",
        report.states, theirs.states, theirs.discovered
    )
}
