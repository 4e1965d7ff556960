//! A check run: explored, refereed, judged, run alongside, and all of it reported.

use std::path::PathBuf;

use super::evidence::kept_at;
use super::{Check, Expected, Options, REFEREE_STATES_MAX, Subject};
use crate::conform::{Agreement, Conformance, Setting};
use crate::explore::{Graph, ModelError, RefereeError, explore, referee};
use crate::model::{CheckedModel, Interface, Kind, Temporal};
use crate::report::{CaseReport, ConformanceReport, NotRun, Outcome, PropertyReport, RefereeReport, Value};
use crate::trace::{self, Trace};
use crate::verdict::probability::Extreme;
use crate::verdict::{Finding, Verdict, judge, judge_safety};

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    pub(super) fn left_out(&self) -> Vec<NotRun> {
        self.not_run
            .iter()
            .map(|(subject, why)| NotRun { case: self.name.clone(), subject: Some(subject.clone()), why: why.clone() })
            .collect()
    }

    pub(super) fn setting(&self, options: &Options) -> Setting<F> {
        Setting {
            model: self.model.clone(),
            spec: self.spec.clone(),
            interface: self.interface.clone(),
            budget: options.budget.clone(),
            answer_within: options.answer_within,
            seed: options.seed,
        }
    }

    pub(super) fn case_report(&self, options: &Options, alongside: bool) -> CaseReport {
        let span = tracing::info_span!("case", name = %self.name);
        let _entered = span.enter();
        let mut report = CaseReport {
            case: self.name.clone(),
            protocol: self.name.split('/').next().unwrap_or_default().to_string(),
            parameters: self.spec.parameters(&self.model),
            states: 0,
            edges: 0,
            depth: 0,
            exhausted: false,
            referee: None,
            properties: Vec::new(),
            conformance: Vec::new(),
            errors: self.nonsense(),
            as_expected: false,
        };
        match explore(self.model.clone(), &options.budget) {
            Ok(graph) => {
                self.judge_model(&graph, options, &mut report);
                if alongside {
                    for subject in &self.subjects {
                        match self.run_subject(subject, options) {
                            Ok(conformance) => {
                                let kept = report
                                    .conformance
                                    .iter()
                                    .any(|other| other.subject == subject.name && other.trace.is_some());
                                report.conformance.push(self.conformance_report(subject, conformance, kept));
                            }
                            Err(error) => report.errors.push(error.to_string()),
                        }
                    }
                }
            }
            Err(error) => report.errors.push(error.to_string()),
        }
        report.as_expected = report.outcome() == Outcome::AsExpected;
        tracing::info!(states = report.states, as_expected = report.as_expected, "done");
        report
    }

    pub(super) fn run_subject(&self, subject: &Subject<F>, options: &Options) -> Result<Conformance, ModelError> {
        let span = tracing::info_span!("subject", name = %subject.name, mode = %subject.job.mode());
        let _entered = span.enter();
        let conformance = subject.job.run(&self.setting(options))?;
        tracing::info!(verdict = %conformance.agreement, steps = conformance.steps, "run alongside");
        Ok(conformance)
    }

    /// Expectations that name nothing, and names that stand for two things.
    pub(super) fn nonsense(&self) -> Vec<String> {
        let (properties, temporal) = (self.model.properties(), self.spec.temporal());
        let mut known: Vec<&str> = properties.iter().map(|property| property.name).collect();
        known.extend(temporal.iter().map(Temporal::name));
        let mut errors = Vec::new();
        let unchanged = |promise: &&Temporal<M>| promise.kind() == Kind::Recoverable && promise.assumption().is_some();
        for promise in temporal.iter().filter(unchanged) {
            errors.push(format!("recoverable {:?} is under fairness, which changes nothing of it", promise.name()));
        }
        for promise in &temporal {
            if let (Some(bound), Some(assumption)) = (promise.bound(), promise.assumption()) {
                errors.push(format!(
                    "{} {:?} is under fairness, {assumption:?}: {bound} speaks of every scheduler, fair or not",
                    promise.kind(),
                    promise.name()
                ));
            }
            if let Some(nonsense) = promise.bound().and_then(|bound| bound.nonsense(promise.kind())) {
                errors.push(format!("the bound of {} {:?} says nothing: {nonsense}", promise.kind(), promise.name()));
            }
        }
        for (index, name) in known.iter().enumerate() {
            if known[..index].contains(name) {
                errors.push(format!("two properties are called {name:?}: give each a name of its own"));
            }
        }
        known.extend(self.subjects.iter().map(|subject| subject.name.as_str()));
        known.extend(self.not_run.iter().map(|(subject, _)| subject.as_str()));
        let files: Vec<PathBuf> = known.iter().map(|name| trace::file_name(&self.name, name)).collect();
        for (index, name) in known.iter().enumerate() {
            // A subject may be run in several modes under one name.
            if (0..index).any(|other| files[other] == files[index] && known[other] != *name) {
                errors
                    .push(format!("the trace of {name:?} would be kept under the name of another's: tell them apart"));
            }
        }
        for (index, subject) in self.subjects.iter().enumerate() {
            let alike = |other: &Subject<F>| other.name == subject.name && other.job.mode() == subject.job.mode();
            if self.subjects[..index].iter().any(alike) {
                errors.push(format!(
                    "{:?} is run twice in mode {}, and a trace could not tell which: give one of them a name of its own",
                    subject.name,
                    subject.job.mode()
                ));
            }
        }
        for name in self.expected.keys().filter(|name| !known.contains(&name.as_str())) {
            errors.push(format!("something is expected of {name:?}, which is neither a property nor a subject here"));
        }
        errors
    }

    pub(super) fn judge_model(&self, graph: &Graph<M>, options: &Options, report: &mut CaseReport) {
        report.states = graph.states().len();
        report.edges = graph.edge_count();
        report.depth = graph.depth();
        report.exhausted = graph.incomplete().is_none();
        let findings = match self.judged {
            true => judge(graph, &*self.spec, &options.budget.interrupt),
            false => judge_safety(graph),
        };
        if options.referee && graph.stop().is_none() && report.states <= REFEREE_STATES_MAX {
            match referee(&self.model, &options.budget.interrupt) {
                Ok(second) => {
                    let ours = findings
                        .iter()
                        .filter(|finding| finding.kind.is_safety() && finding.evidence.is_some())
                        .map(|finding| finding.name.as_str())
                        .collect();
                    let agrees = second.states == report.states && second.discovered == ours;
                    if !agrees {
                        report.errors.push(disagreement(report.states, &ours, &second));
                    }
                    report.referee = Some(RefereeReport { states: second.states, agrees });
                }
                Err(RefereeError::Interrupted) => report.errors.push("interrupted before the referee was done".into()),
                Err(error) => report.errors.push(format!("no second opinion: {error}")),
            }
        }
        let findings = if self.judged { findings } else { Vec::new() };
        report.properties = findings.iter().map(|finding| self.property_report(graph, finding)).collect();
    }

    pub(super) fn property_report(&self, graph: &Graph<M>, finding: &Finding<M>) -> PropertyReport {
        let evidence = finding.evidence.as_ref().map(|evidence| self.trace_of(graph, finding, evidence));
        let value = finding.value.as_ref();
        let (verdict, why) = match &finding.verdict {
            Verdict::Holds => ("holds", None),
            Verdict::Violated => ("violated", value.map(|_| NO_RUN.into())),
            Verdict::Incomplete(why) => ("incomplete", Some(why.clone())),
        };
        let kept = (verdict == "violated" && evidence.is_some()).then(|| kept_at(&self.name, &finding.name));
        PropertyReport {
            name: finding.name.clone(),
            kind: finding.kind,
            verdict,
            why,
            expected: self.expectation(&finding.name, verdict, "holds", "violated"),
            value: value.and_then(|value| Value::of(&value.bounds)),
            value_width: value.and_then(|value| Value::rounded_up(value.bounds.width())),
            extreme: value.map(|value| match value.extreme {
                Extreme::Min => "min",
                Extreme::Max => "max",
            }),
            bound: value.map(|value| value.bound.value()),
            steps: evidence.as_ref().map(Trace::len),
            loop_len: evidence.as_ref().and_then(Trace::loop_len),
            triggered: finding.triggered,
            fairness: finding.fairness.clone(),
            trace: kept,
            evidence,
        }
    }

    pub(super) fn conformance_report(&self, subject: &Subject<F>, found: Conformance, kept: bool) -> ConformanceReport {
        let (verdict, mut why) = match &found.agreement {
            Agreement::Conforms => ("conforms", None),
            Agreement::Diverges => ("diverges", None),
            Agreement::Incomplete(why) => ("incomplete", Some(why.clone())),
        };
        let mut place = None;
        let evidence = found.divergence.map(|divergence| {
            why = Some(divergence.what.clone());
            // A second mode's trace of the same subject says which mode it is of.
            let name = if kept { format!("{}--{}", subject.name, found.mode) } else { subject.name.clone() };
            place = Some(kept_at(&self.name, &name));
            self.trace_of_divergence(subject, found.mode, divergence, &name)
        });
        ConformanceReport {
            mode: found.mode,
            subject: subject.name.clone(),
            verdict,
            why,
            expected: self.expectation(&subject.name, verdict, "conforms", "diverges"),
            edges: found.edges,
            edges_driven: found.edges_driven,
            edges_unsupported: found.edges_unsupported,
            edges_unchosen: found.edges_unchosen,
            edges_ambiguous: found.edges_ambiguous,
            unchosen: found.unchosen,
            steps: found.steps,
            starts: found.starts,
            verified: found.verified,
            schedules: found.schedules,
            bounds: found.bounds,
            trace: place,
            evidence,
        }
    }

    pub(super) fn expectation(
        &self,
        name: &str,
        verdict: &'static str,
        pass: &'static str,
        refuted: &'static str,
    ) -> &'static str {
        match self.expected.get(name) {
            _ if verdict == "incomplete" && self.allow_incomplete.is_some() => "incomplete",
            None => pass,
            Some(Expected::Refuted) => refuted,
            Some(Expected::Incomplete(_)) => "incomplete",
        }
    }
}

/// Why there is no trace of a probability or a reward out of bounds.
const NO_RUN: &str = "no single run shows it: it is of all runs together, under a scheduler that is as bad as can be";

fn disagreement(states: usize, ours: &std::collections::BTreeSet<&str>, theirs: &crate::explore::Referee) -> String {
    format!(
        "the engines disagree: {states} states here, {} by stateright; discovered here {ours:?}, there {:?}. Either the \
         model's Hash and PartialEq contradict each other (stateright keeps one state per 64-bit hash), or this is a \
         defect of counterpart: please report it",
        theirs.states, theirs.discovered
    )
}
