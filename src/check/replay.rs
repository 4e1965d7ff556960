//! A trace run again, on the model of today and on the implementation.

use std::path::Path;

use serde_json::Value;
use thiserror::Error;

use super::face::AnyCheck;
use super::{Expected, Options, place};
use crate::conform::Mode;
use crate::explore::{Action, Explored, Run, State};
use crate::model::Kind;
use crate::trace::{CHOSEN, Evidence, STAY, Step, Trace, model_hash};
use crate::verdict::{Lasso, LassoError, Verdict, check_component, check_run, check_trap};
use crate::view::without_colours;

/// How far a trace was followed.
pub(super) struct Followed {
    /// The initial state, if it is one of the model's.
    pub(super) initial: Option<State>,
    /// Steps, and the states that they lead to.
    pub(super) steps: Vec<(Option<Action>, State)>,
    /// These states, as a trace has them, from the initial one on. The last may be another than the trace's.
    pub(super) states: Vec<Value>,
    /// Why the trace was followed no farther, or leads elsewhere.
    lost: Option<String>,
}

impl AnyCheck {
    pub(super) fn replay_trace(&self, trace: &Trace, options: &Options) -> Result<Replayed, ReplayError> {
        if trace.steps.is_empty() {
            return Err(ReplayError::Cannot("the trace has no initial state".into()));
        }
        let options = options.begun();
        match &trace.evidence {
            Evidence::Property { name, .. } => self.replay_property(trace, name, &options),
            Evidence::Subject { name, mode } => self.replay_subject(trace, name, mode, &options),
        }
    }

    /// What `COUNTERPART_REPLAY=FILE` asks for, where it is set and the file is this check's.
    ///
    /// # Errors
    /// In words, that the violation or the deviation is there again, or why it could not be seen.
    pub(super) fn replay_asked(&self, options: &Options) -> Option<Result<(), String>> {
        let file = std::env::var_os("COUNTERPART_REPLAY")?;
        let trace = match Trace::read(&place::named(Path::new(&file))) {
            Ok(trace) => trace,
            Err(error) => return Some(Err(error.to_string())),
        };
        (trace.case == self.plan.name).then(|| match self.replay_trace(&trace, options) {
            Ok(replayed) if !replayed.reproduces => Ok(()),
            Ok(replayed) => Err(format!("{}\n{}", without_colours(&crate::view::trace(&trace)), replayed.summary())),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Follows the trace's actions in the model of today.
    pub(super) fn follow(&self, trace: &Trace) -> Result<Run, ReplayError> {
        let Followed { initial, steps, states, lost } = self.followed(trace);
        let now = model_hash(&self.plan.name, &self.model.parameters(), states.iter());
        match initial {
            Some(initial) if lost.is_none() && now == trace.model_hash() => {
                Ok(Run { initial, steps, loop_start: trace.loop_start.unwrap_or(trace.len()) })
            }
            _ => Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now,
                what: lost.unwrap_or_else(|| "the model's parameters are not those of the trace".into()),
            }),
        }
    }

    /// Follows the trace's actions as far as the model of today knows them.
    pub(super) fn followed(&self, trace: &Trace) -> Followed {
        let mut states = Vec::new();
        let json = |state: &State| self.model.state_json(&**state);
        let initial = self.model.init_states().into_iter().find(|state| json(state) == trace.steps[0].state);
        let mut lost = initial.is_none().then(|| "the initial state is none of the model's".to_string());
        states.extend(initial.iter().map(json));
        let mut steps: Vec<(Option<Action>, State)> = Vec::new();
        for (index, step) in trace.steps.iter().enumerate().skip(1) {
            let at = steps.last().map(|(_, state)| state).or(initial.as_ref());
            let Some(state) = at.filter(|_| lost.is_none()) else { break };
            let of = self.model.actions(&**state);
            let possible: Vec<String> = (0..of.len()).map(|index| self.model.action_text(&*of, index)).collect();
            let alike: Vec<usize> = (0..of.len()).filter(|index| possible[*index] == step.action).collect();
            let next = |index: &usize| self.model.next_state(&**state, &*of, *index);
            // Where several actions read alike, the one that leads where the trace goes.
            let meant = alike.iter().find(|index| next(index).is_some_and(|to| json(&to) == step.state));
            let action = meant.or(alike.first()).map(|index| Action { of: of.clone(), index: *index });
            if action.is_none() && step.action != STAY {
                lost = Some(format!(
                    "step {index}: {:?} is not possible there; possible are {}",
                    step.action,
                    possible.join(", ")
                ));
                break;
            }
            let to = action.as_ref().and_then(|action| self.model.next_state(&**state, &*action.of, action.index));
            let to = to.unwrap_or_else(|| state.clone());
            let now = match &action {
                Some(action) => self.step(&**state, action, &*to),
                None => Step { state: json(&to), ..Step::default() },
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
        Followed { initial, steps, states, lost }
    }

    /// Judges a run of the model of today once more. Returns whether it is judged as it was, and what there is to say.
    fn judge_again(
        &self,
        trace: &Trace,
        name: &str,
        run: &Run,
        options: &Options,
    ) -> Result<(bool, String), ReplayError> {
        let followed = format!("model: {} steps followed", trace.len());
        if name == CHOSEN {
            return Ok((was_satisfied(trace), followed));
        }
        let property = self
            .model
            .properties()
            .iter()
            .position(|asked| asked.name == name)
            .ok_or_else(|| ReplayError::Cannot(format!("{} has no property {name:?} any more", self.plan.name)))?;
        let kind = self.model.properties()[property].kind;
        match kind {
            Kind::Always | Kind::Sometimes => {
                let satisfied = self.model.is_met(property, &**run.end());
                let said = if satisfied { "satisfied" } else { "not satisfied" };
                Ok((satisfied == was_satisfied(trace), format!("{followed}; at the end {name:?} is {said}")))
            }
            Kind::AlmostSurely => self.judge_component_again(&followed, name, (property, run), options),
            Kind::Probability | Kind::Reward => {
                Err(ReplayError::Cannot(format!("{followed}; a {kind} is broken by no single run")))
            }
            Kind::Recoverable => match check_trap(&*self.model, property, run.end(), &options.budget) {
                Ok(Some(true)) => Ok((true, format!("{followed}; no schedule leads on to {name:?}"))),
                Ok(Some(false)) => Ok((false, format!("{followed}; some schedule leads on to {name:?}"))),
                Ok(None) => {
                    Err(ReplayError::Cannot(format!("{followed}; what can follow is not known within the limits")))
                }
                Err(error) => Err(ReplayError::Cannot(error.to_string())),
            },
            Kind::Eventually | Kind::LeadsTo | Kind::InfinitelyOften | Kind::EventuallyAlways => {
                Ok(match check_run(&*self.model, property, run) {
                    Ok(()) => {
                        (true, format!("{followed}, and from step {} on for ever; {name:?} is broken", run.loop_start))
                    }
                    Err(wrong) => (false, format!("{followed}; {name:?} is not broken by it: {wrong}")),
                })
            }
        }
    }

    fn judge_component_again(
        &self,
        followed: &str,
        name: &str,
        (property, run): (usize, &Run),
        options: &Options,
    ) -> Result<(bool, String), ReplayError> {
        let interrupt = &options.budget.interrupt;
        let nodes =
            self.model.explore(None, &options.budget).map_err(|error| ReplayError::Cannot(error.to_string()))?;
        let graph = Explored::new(&*self.model, &*nodes);
        let checked = check_run(&*self.model, property, run).and_then(|()| {
            let (initial, steps) = graph.located(run).ok_or_else(|| {
                LassoError::Unknown(graph.incomplete().unwrap_or_else(|| "the graph has no such run".into()))
            })?;
            check_component(graph, property, &Lasso { initial, steps, loop_start: run.loop_start }, interrupt)
        });
        match checked {
            Ok(states) => Ok((
                true,
                format!(
                    "{followed}, into {states} states found again in which a scheduler can keep it whatever is drawn; \
                     {name:?} is broken"
                ),
            )),
            Err(wrong) if graph.stop().is_some() || interrupt().is_some() => {
                Err(ReplayError::Cannot(format!("{followed}; {wrong}")))
            }
            Err(wrong) => Ok((false, format!("{followed}; {name:?} is not broken by it: {wrong}"))),
        }
    }

    pub(super) fn replay_property(
        &self,
        trace: &Trace,
        name: &str,
        options: &Options,
    ) -> Result<Replayed, ReplayError> {
        let (reproduces, said) = self.judge_again(trace, name, &self.follow(trace)?, options)?;
        let expects_refuted = self.plan.expected.get(name) == Some(&Expected::Refuted);
        let mut said = vec![said];
        let mut done: Vec<&str> = Vec::new();
        for subject in &self.subjects {
            // A schedule and a log are not run along a path of the model.
            let unled = matches!(subject.mode, Mode::Interleave | Mode::Events);
            if unled || done.contains(&subject.name.as_str()) {
                continue;
            }
            done.push(&subject.name);
            said.push(match subject.job.bind(options).replay(trace) {
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
        let as_expected = reproduces && (expects_refuted || was_satisfied(trace));
        Ok(Replayed { reproduces: reproduces && !was_satisfied(trace), as_expected, said })
    }

    pub(super) fn replay_subject(
        &self,
        trace: &Trace,
        name: &str,
        mode: &str,
        options: &Options,
    ) -> Result<Replayed, ReplayError> {
        let subject =
            self.subjects.iter().find(|subject| subject.name == name && subject.mode.to_string() == mode).ok_or_else(
                || ReplayError::Cannot(format!("{} has no subject {name:?} in mode {mode} here", self.plan.name)),
            )?;
        let parameters = subject.job.parameters();
        if trace.parameters != parameters {
            return Err(ReplayError::Stale {
                recorded: trace.model_hash(),
                now: model_hash(&self.plan.name, &parameters, trace.steps.iter().map(|step| &step.state)),
                what: "the model's parameters are not those of the trace".into(),
            });
        }
        let divergence =
            subject.job.bind(options).replay(trace).map_err(|error| ReplayError::Cannot(error.to_string()))?;
        let expects_refuted = self.plan.expected.get(name) == Some(&Expected::Refuted);
        let (same, said) = match &divergence {
            None => {
                (false, format!("{name}: answers as the model does, to the end; it diverged when this was recorded"))
            }
            Some(divergence) if divergence.steps == trace.steps => {
                (true, format!("{name}: diverges as recorded, at step {}: {}", trace.len(), divergence.what))
            }
            Some(divergence) => {
                let states = divergence.steps.iter().map(|step| &step.state);
                let now = model_hash(&self.plan.name, &trace.parameters, states);
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

/// Whether the trace is a witness and no counterexample.
fn was_satisfied(trace: &Trace) -> bool {
    trace.verdict == Verdict::Holds.name()
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum ReplayError {
    /// The trace is of a model that has changed since.
    #[error(
        "stale trace: it was recorded with model hash {recorded}, the model of today gives {now} ({what}); write it again with `counterpart check`"
    )]
    Stale {
        /// The hash in the trace.
        recorded: String,
        /// The hash of today's model.
        now: String,
        /// The first difference.
        what: String,
    },
    /// The case lacks what the trace names.
    #[error("{0}")]
    Cannot(String),
}
