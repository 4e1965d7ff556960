//! A trace run again, on the model of today and on the implementation.

use thiserror::Error;

use super::{Check, Expected, Options};
use crate::conform::Mode;
use crate::explore::explore;
use crate::model::{CheckedModel, Interface, Kind};
use crate::trace::{Evidence, STAY, Step, Trace, model_hash};
use crate::verdict::{Lasso, check_end_component, check_lasso, check_trap, promises};

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    pub(super) fn replay_trace(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        if trace.steps.is_empty() {
            return Err(ReplayError::Cannot("the trace has not even an initial state".into()));
        }
        match &trace.evidence {
            Evidence::Property { name, .. } => self.replay_property(trace, name, options),
            Evidence::Subject { name, mode } => self.replay_subject(trace, name, mode, options),
        }
    }

    /// Follows the trace's actions in the model of today.
    pub(super) fn follow(&self, trace: &Trace) -> Result<Lasso<M>, ReplayError> {
        let parameters = self.spec.parameters(&self.model);
        let mut states = Vec::new();
        let initial = self
            .model
            .init_states()
            .into_iter()
            .find(|state| self.spec.state_json(&self.model, state) == trace.steps[0].state);
        let mut lost = initial.is_none().then(|| "the initial state is none of the model's".to_string());
        states.extend(initial.iter().map(|state| self.spec.state_json(&self.model, state)));
        let mut steps: Vec<(Option<M::Action>, M::State)> = Vec::new();
        for (index, step) in trace.steps.iter().enumerate().skip(1) {
            let at = steps.last().map(|(_, state)| state).or(initial.as_ref());
            let Some(state) = at.filter(|_| lost.is_none()) else { break };
            let mut actions = Vec::new();
            self.model.actions(state, &mut actions);
            let action = actions.iter().find(|action| format!("{action:?}") == step.action).cloned();
            if action.is_none() && step.action != STAY {
                let possible: Vec<String> = actions.iter().map(|action| format!("{action:?}")).collect();
                lost = Some(format!(
                    "step {index}: {:?} is not possible there; possible are {}",
                    step.action,
                    possible.join(", ")
                ));
                break;
            }
            let to = action.clone().and_then(|action| self.model.next_state(state, action));
            let to = to.unwrap_or_else(|| state.clone());
            let now = match &action {
                Some(action) => self.step(state, action, &to),
                None => Step { state: self.spec.state_json(&self.model, &to), ..Step::default() },
            };
            if now.state != step.state {
                lost = Some(format!("step {index}: {:?} leads to another state now", step.action));
            } else if (&now.actor, &now.input, &now.output) != (&step.actor, &step.input, &step.output) {
                lost = Some(format!(
                    "step {index}: {:?} reads {:?}, {:?} -> {:?} now",
                    step.action, now.actor, now.input, now.output
                ));
            }
            states.push(now.state);
            steps.push((action, to));
        }
        let now = model_hash(&self.name, &parameters, states.iter());
        match initial {
            Some(initial) if lost.is_none() && now == trace.model_hash() => {
                Ok(Lasso { initial, steps, loop_start: trace.loop_start.unwrap_or(trace.len()) })
            }
            _ => Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now,
                what: lost.unwrap_or_else(|| "the model's parameters are not those of the trace".into()),
            }),
        }
    }

    /// Judges a run of the model of today once more. Returns whether it is judged as it was, and what there is to say.
    pub(super) fn judge_again(
        &self,
        trace: &Trace,
        name: &str,
        run: &Lasso<M>,
        options: &Options,
    ) -> Result<(bool, String), ReplayError> {
        let followed = format!("model: {} steps followed", trace.len());
        if let Some(promise) = promises(&*self.model, &*self.spec).iter().find(|promise| promise.name() == name) {
            if promise.kind() == Kind::AlmostSurely {
                let interrupt = &options.budget.interrupt;
                let graph = explore(self.model.clone(), &options.budget)
                    .map_err(|error| ReplayError::Cannot(error.to_string()))?;
                return match check_end_component(&graph, &*self.spec, promise, run, interrupt) {
                    Ok(states) => Ok((
                        true,
                        format!(
                            "{followed}, into {states} states found again in which a scheduler can keep it whatever is \
                             drawn; {name:?} is broken"
                        ),
                    )),
                    Err(wrong) if graph.stop().is_some() || interrupt().is_some() => {
                        Err(ReplayError::Cannot(format!("{followed}; {wrong}")))
                    }
                    Err(wrong) => Ok((false, format!("{followed}; {name:?} is not broken by it: {wrong}"))),
                };
            }
            if promise.bound().is_some() {
                return Err(ReplayError::Cannot(format!(
                    "{followed}; a {} is broken by no single run",
                    promise.kind()
                )));
            }
            if promise.kind() != Kind::Recoverable {
                return Ok(match check_lasso(&*self.model, &*self.spec, promise, run) {
                    Ok(()) => {
                        (true, format!("{followed}, and from step {} on for ever; {name:?} is broken", run.loop_start))
                    }
                    Err(wrong) => (false, format!("{followed}; {name:?} is not broken by it: {wrong}")),
                });
            }
            let end = run.steps.last().map_or(&run.initial, |(_, state)| state);
            return match check_trap(&self.model, promise, end, &options.budget) {
                Ok(Some(true)) => Ok((true, format!("{followed}; no schedule leads on to {name:?}"))),
                Ok(Some(false)) => Ok((false, format!("{followed}; some schedule leads on to {name:?}"))),
                Ok(None) => {
                    Err(ReplayError::Cannot(format!("{followed}; what can follow is not known within the limits")))
                }
                Err(error) => Err(ReplayError::Cannot(error.to_string())),
            };
        }
        let property = self
            .model
            .properties()
            .into_iter()
            .find(|property| property.name == name)
            .ok_or_else(|| ReplayError::Cannot(format!("{} has no property {name:?} any more", self.name)))?;
        let end = run.steps.last().map_or(&run.initial, |(_, state)| state);
        let satisfied = (property.condition)(&self.model, end);
        let said = if satisfied { "satisfied" } else { "not satisfied" };
        Ok((satisfied == (trace.verdict == "holds"), format!("{followed}; at the end {name:?} is {said}")))
    }

    pub(super) fn replay_property(
        &self,
        trace: &Trace,
        name: &str,
        options: &Options,
    ) -> Result<Replayed, ReplayError> {
        let (reproduces, said) = self.judge_again(trace, name, &self.follow(trace)?, options)?;
        let expects_refuted = self.expected.get(name) == Some(&Expected::Refuted);
        let mut said = vec![said];
        let mut done: Vec<&str> = Vec::new();
        for subject in &self.subjects {
            // A schedule and a log are not run along a path of the model.
            let unled = matches!(subject.job.mode(), Mode::Interleave | Mode::Events);
            if unled || done.contains(&subject.name.as_str()) {
                continue;
            }
            done.push(&subject.name);
            said.push(match subject.job.replay(&self.setting(options), trace) {
                Ok(None) => format!("{}: answers as the model does, to the end", subject.name),
                Ok(Some(divergence)) => {
                    format!(
                        "{}: leaves the model at step {}: {}",
                        subject.name,
                        divergence.steps.len() - 1,
                        divergence.what
                    )
                }
                Err(why) => format!("{}: {why}", subject.name),
            });
        }
        let as_expected = reproduces && (expects_refuted || trace.verdict == "holds");
        Ok(Replayed { reproduces: reproduces && trace.verdict != "holds", as_expected, said })
    }

    pub(super) fn replay_subject(
        &self,
        trace: &Trace,
        name: &str,
        mode: &str,
        options: &Options,
    ) -> Result<Replayed, ReplayError> {
        let subject = self
            .subjects
            .iter()
            .find(|subject| subject.name == name && subject.job.mode().to_string() == mode)
            .ok_or_else(|| ReplayError::Cannot(format!("{} has no subject {name:?} in mode {mode} here", self.name)))?;
        let parameters = self.parameters_beside(&*subject.job);
        if trace.parameters != parameters {
            return Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now: model_hash(&self.name, &parameters, trace.steps.iter().map(|step| &step.state)),
                what: "the model's parameters are not those of the trace".into(),
            });
        }
        let divergence = subject.job.replay(&self.setting(options), trace).map_err(ReplayError::Cannot)?;
        let expects_refuted = self.expected.get(name) == Some(&Expected::Refuted);
        let (same, said) = match &divergence {
            None => {
                (false, format!("{name}: answers as the model does, to the end; it diverged when this was recorded"))
            }
            Some(divergence) if divergence.steps == trace.steps => {
                (true, format!("{name}: diverges as recorded, at step {}: {}", trace.len(), divergence.what))
            }
            Some(divergence) => {
                let states = divergence.steps.iter().map(|step| &step.state);
                let now = model_hash(&self.name, &trace.parameters, states);
                if now != trace.model_hash() && divergence.steps.len() == trace.steps.len() {
                    let what = "the model's states along the path are not those of the trace".into();
                    return Err(ReplayError::Stale { recorded: trace.model_hash(), now, what });
                }
                let at = divergence.steps.len() - 1;
                (false, format!("{name}: diverges otherwise than recorded, at step {at}: {}", divergence.what))
            }
        };
        let as_expected = if expects_refuted { same } else { divergence.is_none() };
        Ok(Replayed { reproduces: divergence.is_some(), as_expected, said: vec![said] })
    }
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Whether the violation or the deviation is there again.
    pub reproduces: bool,
    /// Whether that is what the case expects.
    pub as_expected: bool,
    /// What was seen, a line for the model and each implementation.
    pub said: Vec<String>,
}

impl Replayed {
    /// All that was seen.
    pub fn summary(&self) -> String {
        self.said.join("\n")
    }
}

/// Why a trace could not be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It is of a model that has changed since.
    #[error(
        "stale trace: it was recorded with model hash {recorded}, the model of today gives {now} ({what}); write it again with `counterpart check`"
    )]
    Stale {
        /// The trace's.
        recorded: String,
        /// Today's.
        now: String,
        /// The first difference.
        what: String,
    },
    /// The case has not what the trace names.
    #[error("{0}")]
    Cannot(String),
}
