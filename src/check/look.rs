//! The states of a trace, asked what the model says of each: which property holds where, which fair actions could go on.

use super::case::Case;
use super::face::AnyCheck;
use crate::explore::{Action, State};
use crate::model::{FairKey, Kind, Strength};
use crate::trace::{FAIRNESS, STAY, Trace};
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
        Matrix { properties: properties.collect(), fair: self.fair(trace, &along) }
    }

    /// The states that `trace` goes through, each with the action that leads into it, up to the first that the model
    /// does not know.
    fn along(&self, trace: &Trace) -> Vec<(Option<Action>, State)> {
        let is = |state: &State, index: usize| self.model.state_json(&**state) == trace.steps[index].state;
        let mut along: Vec<(Option<Action>, State)> = Vec::new();
        let initial = self.model.init_states().into_iter().find(|state| is(state, 0));
        along.extend(initial.map(|state| (None, state)));
        for (index, step) in trace.steps.iter().enumerate().skip(1) {
            let Some((_, at)) = along.last() else { break };
            let of = self.model.actions(&**at);
            let named = (0..of.len()).filter(|place| self.model.action_text(&*of, *place) == step.action);
            // What is refused leaves everything as it is.
            let next = |place| self.model.next_state(&**at, &*of, place).unwrap_or_else(|| at.clone());
            let found = named.map(|place| (place, next(place))).find(|(_, to)| is(to, index));
            match found {
                Some((place, to)) => along.push((Some(Action { of, index: place }), to)),
                None if step.action == STAY && is(at, index) => along.push((None, at.clone())),
                None => break,
            }
        }
        along
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
