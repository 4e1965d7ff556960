//! The states of a trace, asked what the model says of each: which property holds where, which fair actions could go on.

use super::case::Case;
use super::face::AnyCheck;
use super::replay::Followed;
use crate::explore::{Action, State};
use crate::model::{FairKey, Kind, Strength};
use crate::trace::{FAIRNESS, Trace};
use crate::view::{FairRow, Matrix, PropertyRow};

impl Case {
    /// What the model says of each state of `trace`, as far as it follows the trace. What comes after the first step
    /// that it does not know, and all of a trace that is of other bounds, is not known.
    pub fn look(&self, trace: &Trace) -> Matrix {
        self.check().look(trace)
    }
}

impl AnyCheck {
    fn look(&self, trace: &Trace) -> Matrix {
        if trace.parameters != self.model.parameters() {
            return Matrix::default();
        }
        let along = self.along(trace);
        let by_step = |ask: &dyn Fn(&State) -> bool| -> Vec<Option<bool>> {
            (0..trace.steps.len()).map(|index| along.get(index).map(|(_, state)| ask(state))).collect()
        };
        let properties = self.model.properties().iter().enumerate();
        let properties = properties.map(|(property, asked)| PropertyRow {
            name: asked.name.clone(),
            kind: asked.kind.to_string(),
            met: by_step(&|state| self.model.is_met(property, &**state)),
            triggered: match asked.kind {
                Kind::LeadsTo => by_step(&|state| self.model.is_triggered(property, &**state)),
                _ => Vec::new(),
            },
            because: self.why(&asked.name).unwrap_or_default(),
        });
        Matrix { properties: properties.collect(), fair: self.fair(trace, &along), picture: self.picture(&along) }
    }

    fn picture(&self, along: &[(Option<Action>, State)]) -> Option<String> {
        let ((_, initial), steps) = along.split_first()?;
        let taken: Vec<Action> = steps.iter().filter_map(|(action, _)| action.clone()).collect();
        self.model.as_svg(&**initial, &taken)
    }

    /// The states that `trace` goes through, each with the action that leads into it, up to the first that the model
    /// does not know.
    fn along(&self, trace: &Trace) -> Vec<(Option<Action>, State)> {
        let Followed { initial, steps, states, .. } = self.followed(trace);
        let known = states.iter().zip(&trace.steps).take_while(|(state, step)| **state == step.state).count();
        initial.map(|state| (None, state)).into_iter().chain(steps).take(known).collect()
    }

    /// The fair sets of the assumption that `trace` was judged under.
    fn fair(&self, trace: &Trace, along: &[(Option<Action>, State)]) -> Vec<FairRow> {
        let Some(assumption) = trace.extra.get(FAIRNESS) else { return Vec::new() };
        let mut rows: Vec<(FairKey, FairRow)> = Vec::new();
        let blank =
            || (0..trace.steps.len()).map(|index| along.get(index).map(|_| false)).collect::<Vec<Option<bool>>>();
        for (index, (_, state)) in along.iter().enumerate() {
            let of = self.model.actions(&**state);
            let taken = along.get(index + 1).and_then(|(action, _)| action.as_ref()).map(|action| action.index);
            for place in 0..of.len() {
                if self.model.next_state(&**state, &*of, place).is_none() {
                    continue;
                }
                let keys = self.model.fairness(&**state, &*of, place);
                for key in keys.into_iter().filter(|key| key.assumption == assumption) {
                    let known = rows.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                        let strength = match key.strength {
                            Strength::Weak => "weak",
                            Strength::Strong => "strong",
                        };
                        rows.push((
                            key,
                            FairRow {
                                strength: strength.into(),
                                actions: Vec::new(),
                                enabled: blank(),
                                taken: blank(),
                            },
                        ));
                        rows.len() - 1
                    });
                    let row = &mut rows[known].1;
                    row.enabled[index] = Some(true);
                    let text = self.model.action_text(&*of, place);
                    if !row.actions.contains(&text) {
                        row.actions.push(text);
                    }
                    if taken == Some(place) {
                        row.taken[index + 1] = Some(true);
                    }
                }
            }
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }
}
