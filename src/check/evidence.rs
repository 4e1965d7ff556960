//! What a verdict rests on, as a trace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Check, Subject};
use crate::conform::{Agreement, Divergence, Job, Mode};
use crate::explore::Graph;
use crate::model::{CheckedModel, Interface};
use crate::trace::{self, Evidence, FAIRNESS, STAY, Step, Trace};
use crate::verdict::{self, Finding};

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    pub(super) fn trace_of(&self, graph: &Graph<M>, finding: &Finding<M>, evidence: &verdict::Evidence<M>) -> Trace {
        let mut because: Vec<String> = self.why(&finding.name).into_iter().collect();
        let mut loop_start = None;
        let (initial, steps) = match evidence {
            verdict::Evidence::Lasso(lasso) | verdict::Evidence::EndComponent { lasso, .. } => {
                loop_start = Some(lasso.loop_start);
                (lasso.initial.clone(), lasso.steps.clone())
            }
            verdict::Evidence::State(node) | verdict::Evidence::Trap(verdict::Trap { node, .. }) => {
                let path = graph.path_to(*node);
                (path.initial, path.steps.into_iter().map(|(action, state)| (Some(action), state)).collect())
            }
        };
        if let verdict::Evidence::Trap(trap) = evidence {
            because.push(format!(
                "no schedule leads out of it: {} states can be reached from the last one, itself counted, and {:?} holds \
                 in none of them",
                trap.states, finding.name
            ));
        }
        if let verdict::Evidence::EndComponent { states, .. } = evidence {
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
        let mut told = vec![Step { state: self.spec.state_json(&self.model, &initial), ..Step::default() }];
        let mut from = &initial;
        for (action, to) in &steps {
            told.push(match action {
                Some(action) => self.step(from, action, to),
                None => Step { action: STAY.into(), state: self.spec.state_json(&self.model, to), ..Step::default() },
            });
            from = to;
        }
        let assumption = finding.fairness.iter().map(|fairness| (FAIRNESS.into(), fairness.assumption.clone()));
        Trace {
            case: self.name.clone(),
            evidence: Evidence::Property { name: finding.name.clone(), kind: finding.kind.to_string() },
            verdict: finding.verdict.to_string(),
            parameters: self.spec.parameters(&self.model),
            because: because.join("; "),
            replay: replay_command(&self.name, &finding.name),
            steps: told,
            loop_start,
            extra: assumption.collect(),
        }
    }

    pub(super) fn step(&self, from: &M::State, action: &M::Action, to: &M::State) -> Step {
        let label = self.interface.label(&self.model, from, action, Some(to));
        let (input, output) = match label {
            Some((input, output)) => (format!("{input:?}"), format!("{output:?}")),
            None => Default::default(),
        };
        Step {
            action: format!("{action:?}"),
            actor: self.spec.actor(action),
            input,
            output,
            implementation: String::new(),
            state: self.spec.state_json(&self.model, to),
        }
    }

    /// The bounds of the model that a job is run beside.
    pub(super) fn parameters_beside(&self, job: &dyn Job<F>) -> BTreeMap<String, String> {
        self.spec.parameters(&job.model().unwrap_or_else(|| self.model.clone()))
    }

    pub(super) fn why(&self, name: &str) -> Option<String> {
        let of_spec = || self.spec.because().iter().find(|(other, _)| *other == name);
        self.because.get(name).cloned().or_else(|| of_spec().map(|(_, why)| (*why).to_string()))
    }

    pub(super) fn trace_of_divergence(
        &self,
        subject: &Subject<F>,
        mode: Mode,
        divergence: Divergence,
        file: &str,
    ) -> Trace {
        let because = match self.why(&subject.name) {
            Some(because) => format!("{}: {because}", divergence.what),
            None => divergence.what,
        };
        Trace {
            case: self.name.clone(),
            evidence: Evidence::Subject { name: subject.name.clone(), mode: mode.to_string() },
            verdict: Agreement::Diverges.to_string(),
            parameters: self.parameters_beside(&*subject.job),
            because,
            replay: replay_command(&self.name, file),
            steps: divergence.steps,
            loop_start: None,
            extra: divergence.extra,
        }
    }
}

/// Where a case's trace is kept, from the repository's root.
pub(super) fn kept_at(case: &str, name: &str) -> PathBuf {
    Path::new("traces").join(trace::file_name(case, name))
}

pub(super) fn replay_command(case: &str, name: &str) -> String {
    format!("cargo run --release -- replay {}", kept_at(case, name).display())
}
