//! The second look at what was found: a run judged by the model and the spec alone.
//!
//! It reads none of the tables that the search went by. What the two share is what the model and the spec answer.

use std::collections::BTreeSet;

use thiserror::Error;

use super::probability::MdpError;
use crate::explore::{Action, Face, Judged, Run, State, Stop};
use crate::model::{Kind, Strength};

/// Why a run does not show what it is to show. States and steps are counted from its beginning; the initial state is
/// 0, the first step 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LassoError {
    /// Nothing of this name is promised.
    #[error("there is no property {0:?}")]
    NoProperty(String),
    /// The run begins in a state that is not initial.
    #[error("it does not begin in an initial state")]
    NotInitial,
    /// A state of the run, by its number, is outside the model's boundary.
    #[error("state {0} lies outside the model's boundary")]
    OutsideBoundary(usize),
    /// The action of a step, by its number, is not possible there, or leads elsewhere.
    #[error("step {0} is no transition of the model")]
    NoTransition(usize),
    /// A step without an action, by its number, does not stay where it is.
    #[error("step {0} changes the state without an action")]
    NoAction(usize),
    /// The run stays where something must happen.
    #[error("step {step} takes no action although {action} must be taken")]
    MustProgress {
        /// The step that has no action.
        step: usize,
        /// An action that must happen instead.
        action: String,
    },
    /// The run is finite.
    #[error("it has no loop")]
    NoLoop,
    /// The run does not end where its loop begins.
    #[error("its loop does not close")]
    NotClosed,
    /// The run is as the property promises.
    #[error("it does not break {kind} {property:?}")]
    BreaksNothing {
        /// The property's kind.
        kind: Kind,
        /// Its name.
        property: String,
    },
    /// Strong fairness, of this assumption, forbids it.
    #[error("a strongly fair action of {0:?} is enabled on its loop and not taken")]
    NotStronglyFair(String),
    /// Weak fairness, of this assumption, forbids it.
    #[error("a weakly fair action of {0:?} is enabled all along its loop and not taken")]
    NotWeaklyFair(String),
    /// Not all that can follow was explored, for this reason.
    #[error("what can follow is not known: {0}")]
    Unknown(String),
    /// Whatever a scheduler does, an outcome of its loop is drawn that leads out.
    #[error("no fair scheduler can go round its loop without letting chance lead out of it")]
    LeftByChance,
    /// What is drawn makes no sense.
    #[error(transparent)]
    Mdp(#[from] MdpError),
    /// The search was stopped.
    #[error("{0}")]
    Stopped(Stop),
}

/// Checks that `run` is one of the model, that it is fair, as `property` assumes, and that it breaks the property. An
/// `almost_surely` is not broken by one run: of it this says only that the run misses the goal and is fair, and
/// [`check_end_component`] says whether a scheduler can go on so.
///
/// [`check_end_component`]: super::check_end_component
///
/// # Errors
/// What is wrong with it.
pub fn check_lasso(judged: &Judged, property: &str, run: &Run) -> Result<(), LassoError> {
    match judged.find(property) {
        Some(property) => check_run(&*judged.0, property, run),
        None => Err(LassoError::NoProperty(property.into())),
    }
}

/// Checks a run as [`check_lasso`] does. It asks the model and the spec, and knows neither graph nor components: the
/// one thing they share with the search is what the model itself answers.
pub(crate) fn check_run(face: &dyn Face, property: usize, run: &Run) -> Result<(), LassoError> {
    let asked = &face.properties()[property];
    let states: Vec<&State> = run.states().collect();
    if !face.init_states().contains(&run.initial) {
        return Err(LassoError::NotInitial);
    }
    if let Some(index) = states.iter().position(|state| !face.within_boundary(&***state)) {
        return Err(LassoError::OutsideBoundary(index));
    }
    for (index, (action, to)) in run.steps.iter().enumerate() {
        let enabled = enabled(face, states[index]);
        match action {
            Some(action) => {
                let next = || face.next_state(&**states[index], &*action.of, action.index);
                if !enabled.contains(action) || next().as_ref() != Some(to) {
                    return Err(LassoError::NoTransition(index + 1));
                }
            }
            None if to != states[index] => return Err(LassoError::NoAction(index + 1)),
            None => {
                let forced = |action: &&Action| face.must_progress(&**to, &*action.of, action.index);
                if let Some(forced) = enabled.iter().find(forced) {
                    return Err(LassoError::MustProgress {
                        step: index + 1,
                        action: face.action_text(&*forced.of, forced.index),
                    });
                }
            }
        }
    }
    if run.loop_start >= run.steps.len() {
        return Err(LassoError::NoLoop);
    }
    if states[run.loop_start] != states[run.steps.len()] {
        return Err(LassoError::NotClosed);
    }
    if !breaks(face, property, &states, run.loop_start) {
        return Err(LassoError::BreaksNothing { kind: asked.kind, property: asked.name.clone() });
    }
    match asked.assumption {
        Some(assumption) => check_fairness(face, (assumption, asked.kind), &states, run),
        None => Ok(()),
    }
}

fn enabled(face: &dyn Face, state: &State) -> Vec<Action> {
    let actions = face.actions(&**state);
    let is_enabled = |index: &usize| face.next_state(&**state, &*actions, *index).is_some();
    (0..actions.len()).filter(is_enabled).map(|index| Action { of: actions.clone(), index }).collect()
}

/// Whether the run through `states`, and from `loop_start` on for ever, is one that the property says there is not.
fn breaks(face: &dyn Face, property: usize, states: &[&State], loop_start: usize) -> bool {
    let met = |state: &&State| face.is_met(property, &***state);
    match face.properties()[property].kind {
        Kind::Eventually | Kind::AlmostSurely => !states.iter().any(met),
        Kind::InfinitelyOften => !states[loop_start..].iter().any(met),
        Kind::EventuallyAlways => !states[loop_start..].iter().all(met),
        Kind::LeadsTo => {
            // After its last goal, which is not on the loop, something has to be triggered.
            let after = states.iter().rposition(met).map_or(0, |last| last + 1);
            after <= loop_start && states[after..].iter().any(|state| face.is_triggered(property, &***state))
        }
        Kind::Always | Kind::Sometimes | Kind::Recoverable | Kind::Probability | Kind::Reward => false,
    }
}

fn check_fairness(
    face: &dyn Face,
    (assumption, kind): (&str, Kind),
    states: &[&State],
    run: &Run,
) -> Result<(), LassoError> {
    let keys = |state: &State, action: &Action| {
        face.fairness(&**state, &*action.of, action.index).into_iter().filter(|key| key.assumption == assumption)
    };
    let choice = |state: &State, action: &Action| {
        face.chance(&**state, &*action.of, action.index).map(|chance| chance.choice).filter(|_| kind.is_of_chance())
    };
    // Whoever lets an outcome be drawn takes all the actions of the choice.
    let with_it = |state: &State, action: &Action| match choice(state, action) {
        None => vec![action.clone()],
        drawn => enabled(face, state).into_iter().filter(|other| choice(state, other) == drawn).collect(),
    };
    let looped = run.loop_start..run.steps.len();
    let enabled: Vec<BTreeSet<_>> = states[looped.clone()]
        .iter()
        .map(|state| enabled(face, state).iter().flat_map(|action| keys(state, action)).collect())
        .collect();
    let taken: BTreeSet<_> = looped
        .filter_map(|index| Some((states[index], run.steps[index].0.as_ref()?)))
        .flat_map(|(state, action)| with_it(state, action).into_iter().map(move |action| (state, action)))
        .flat_map(|(state, action)| keys(state, &action))
        .collect();
    for key in enabled.iter().flatten().filter(|key| !taken.contains(key)) {
        match key.strength {
            Strength::Strong => return Err(LassoError::NotStronglyFair(assumption.into())),
            Strength::Weak if enabled.iter().all(|there| there.contains(key)) => {
                return Err(LassoError::NotWeaklyFair(assumption.into()));
            }
            Strength::Weak => {}
        }
    }
    Ok(())
}
