//! What the outside sees of a discipline, and how the model reads.

use std::collections::BTreeMap;

use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, Discipline, SAMPLES, State, Told};
use super::properties;

/// How the model reads.
#[derive(Debug)]
pub struct DisciplineSpec;

impl Spec for DisciplineSpec {
    type Model = Discipline;

    fn parameters(&self, model: &Discipline) -> BTreeMap<String, String> {
        let offsets: Vec<String> = model.offsets.iter().map(i32::to_string).collect();
        [
            ("offsets", format!("{} units of 64 ms", offsets.join(" "))),
            ("tick", "256 s".into()),
            ("step threshold", format!("{} ms", model.step_ms)),
            ("stepout", format!("{} s", model.stepout_s)),
            ("panic threshold", format!("{} s", model.panic_s)),
            ("first offset", if model.first_is_unlimited { "unlimited" } else { "limited" }.into()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick => "clock",
            Action::Measure { .. } => "server",
            Action::Ask => "client",
        }
        .into()
    }

    fn state_json(&self, model: &Discipline, state: &State) -> Value {
        if model.asks {
            return json!({ "reach": format!("{:08b}", state.reach), "unanswered": state.unanswered });
        }
        let kept: Vec<i32> = state.samples.iter().flatten().map(|(kept, _)| *kept).collect();
        json!({ "phase": itf_state(&state.phase), "slewing": state.slewing, "samples": kept })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::STEPOUT, "one offset may be a spike; nobody waited to see whether it stays"),
            (properties::PANIC, "no clock is off by that much, and the server was believed all the same"),
            (properties::SHIFTED, "the clock was stepped, and a sample of before says that it has to be stepped again"),
            (properties::SLEW, "what counts on a second being a second is told otherwise"),
            (properties::REACHABLE, "the register says of the server what is not so"),
        ]
    }
}

/// What the outside sees of a discipline.
#[derive(Debug)]
pub struct DisciplineInterface;

/// What can be read between inputs: what is still to be slewed and the samples, newest first, in units; and whether the
/// server is reachable.
pub type Shown = (i32, [Option<i32>; SAMPLES], bool);

impl Interface for DisciplineInterface {
    type Model = Discipline;
    type Input = Action;
    type Output = Told;
    type Snapshot = Shown;

    fn label(&self, model: &Discipline, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step_by(from, *action).1))
    }

    fn snapshot(&self, model: &Discipline, state: &State) -> Option<Shown> {
        let samples = state.samples.map(|sample| sample.map(|(kept, _)| kept));
        let reachable = !model.asks || state.reach != 0;
        Some((state.slewing, samples, reachable))
    }
}
