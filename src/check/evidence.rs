//! What a verdict rests on, as a trace.

use std::path::PathBuf;

use super::ReplayError;
use super::face::{AnyCheck, Subject};
use crate::conform::{Agreement, Divergence, Mode};
use crate::explore::{Action, AnyState, Explored, Run};
use crate::trace::{self, Evidence, FAIRNESS, STAY, Step, Trace};
use crate::verdict::{self, Finding};

impl AnyCheck {
    pub(super) fn trace_of(&self, graph: Explored<'_>, finding: &Finding, evidence: &verdict::Evidence) -> Trace {
        let run = match evidence {
            verdict::Evidence::Lasso(lasso) | verdict::Evidence::EndComponent { lasso, .. } => {
                graph.run(lasso.initial, &lasso.steps, lasso.loop_start)
            }
            verdict::Evidence::State(node) | verdict::Evidence::Trap(verdict::Trap { node, .. }) => {
                let (initial, steps) = graph.steps_to(*node);
                graph.run(initial, &steps, steps.len())
            }
        };
        self.trace_of_run(finding, &run)
    }

    /// The trace of a run that shows what is found. It speaks of the evidence where the finding has some.
    pub(super) fn trace_of_run(&self, finding: &Finding, run: &Run) -> Trace {
        let evidence = finding.evidence.as_ref();
        let mut because: Vec<String> = self.why(&finding.name).into_iter().collect();
        let loop_start = match evidence {
            Some(verdict::Evidence::Lasso(lasso) | verdict::Evidence::EndComponent { lasso, .. }) => {
                Some(lasso.loop_start)
            }
            _ => None,
        };
        if let Some(verdict::Evidence::Trap(trap)) = evidence {
            because.push(format!(
                "no schedule leads out of it: {} states can be reached from the last one, itself counted, and {:?} holds \
                 in none of them",
                trap.states, finding.name
            ));
        }
        if let Some(verdict::Evidence::EndComponent { states, .. }) = evidence {
            let fair = if finding.fairness.is_some() { ", and be fair" } else { "" };
            because.push(match states {
                1 => format!(
                    "a scheduler can keep the run in the last state for ever, whatever is drawn{fair}; {:?} does not \
                     hold in it",
                    finding.name
                ),
                states => format!(
                    "a scheduler that sees what is drawn can keep the run in {states} states for ever, whatever that \
                     is{fair}; the loop is one way about in them, and {:?} holds in none",
                    finding.name
                ),
            });
        }
        let mut told = vec![Step { state: self.model.state_json(&*run.initial), ..Step::default() }];
        let mut from = &run.initial;
        for (action, to) in &run.steps {
            told.push(match action {
                Some(action) => self.step(&**from, action, &**to),
                None => Step { action: STAY.into(), state: self.model.state_json(&**to), ..Step::default() },
            });
            from = to;
        }
        let assumption = finding.fairness.iter().map(|fairness| (FAIRNESS.into(), fairness.assumption.clone()));
        Trace {
            case: self.plan.name.clone(),
            evidence: Evidence::Property { name: finding.name.clone(), kind: finding.kind.to_string() },
            verdict: finding.verdict.to_string(),
            parameters: self.model.parameters(),
            because: because.join("; "),
            replay: self.replay_command(&finding.name),
            steps: told,
            loop_start,
            extra: assumption.collect(),
        }
    }

    /// What reads otherwise when the model is asked again for the states and actions of `trace`: equal ones have to read
    /// alike, or no trace of them can be found again.
    pub(super) fn reads_otherwise(&self, trace: &Trace) -> Option<String> {
        match self.follow(trace) {
            Err(ReplayError::Stale { what, .. }) => Some(format!(
                "{:?}: asked again, the model reads otherwise ({what}): equal states and actions have to read alike, \
                 so let state_json, Debug and format_action leave out what is not part of them, such as the order of a \
                 hash map",
                trace.evidence.name()
            )),
            _ => None,
        }
    }

    pub(super) fn step(&self, from: &dyn AnyState, action: &Action, to: &dyn AnyState) -> Step {
        let (input, output) = self.labels.label(from, action, to).unwrap_or_default();
        Step {
            action: self.model.action_text(&*action.of, action.index),
            actor: self.model.actor(&*action.of, action.index),
            input,
            output,
            implementation: String::new(),
            state: self.model.state_json(to),
        }
    }

    pub(super) fn why(&self, name: &str) -> Option<String> {
        self.plan.because.get(name).cloned().or_else(|| self.model.because(name))
    }

    pub(super) fn trace_of_divergence(
        &self,
        subject: &Subject,
        mode: Mode,
        divergence: Divergence,
        file: &str,
    ) -> Trace {
        let because = match self.why(&subject.name) {
            Some(because) => format!("{}: {because}", divergence.what),
            None => divergence.what,
        };
        Trace {
            case: self.plan.name.clone(),
            evidence: Evidence::Subject { name: subject.name.clone(), mode: mode.to_string() },
            verdict: Agreement::Diverges.to_string(),
            parameters: subject.job.parameters(),
            because,
            replay: self.replay_command(file),
            steps: divergence.steps,
            loop_start: None,
            extra: divergence.extra,
        }
    }
    /// The file that a trace is kept in, from the repository's root; `None` for what a large case finds as expected.
    pub(super) fn kept(&self, name: &str, as_expected: bool) -> Option<PathBuf> {
        (!as_expected || !self.plan.large).then(|| self.kept_at(name))
    }

    fn kept_at(&self, name: &str) -> PathBuf {
        self.plan.traces.join(trace::file_name(&self.plan.name, name))
    }

    fn replay_command(&self, name: &str) -> String {
        format!("cargo run --release -- replay {}", self.kept_at(name).display())
    }
}
