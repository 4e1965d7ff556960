//! What the outside sees of a clock and its timers, and how the model reads.

use std::collections::BTreeMap;

use counterpart::model::Temporal;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::model::{Action, DAY, Leap, SECOND, State, Told};
use super::properties::{self, TIME_GOES_ON};

/// How the model reads, and what is asked of its runs.
#[derive(Debug)]
pub struct LeapSpec;

impl Spec for LeapSpec {
    type Model = Leap;

    /// Promises of whole runs, under no fairness: a loop that takes no time is fair to nobody, and an assumption that
    /// the clock goes on would hide it.
    fn temporal(&self) -> Vec<Temporal<Leap>> {
        vec![Temporal::infinitely_often(TIME_GOES_ON, |_: &Leap, state: &State| state.ticked)]
    }

    fn must_progress(&self, _: &Leap, _: &State, action: &Action) -> bool {
        matches!(action, Action::Tick | Action::Wake { .. })
    }

    fn parameters(&self, model: &Leap) -> BTreeMap<String, String> {
        let sleeps: Vec<String> = model.sleeps.iter().map(u8::to_string).collect();
        [
            ("leap second", format!("{:?}", model.second)),
            ("ticks of a second", SECOND.to_string()),
            ("ticks of a day", DAY.to_string()),
            ("applications", model.apps.to_string()),
            ("sleeps", format!("{} ticks", sleeps.join(" "))),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Tick => "clock".into(),
            Action::Announce => "server".into(),
            Action::Wake { app, .. } => format!("application {app}"),
            Action::Follow { .. } => "operator".into(),
        }
    }

    fn state_json(&self, model: &Leap, state: &State) -> Value {
        let left: Vec<String> = state.left[..usize::from(model.apps)].iter().map(i8::to_string).collect();
        let mut shown = json!({
            "wall clock": format!("{}.{}", state.wall / SECOND, state.wall % SECOND * 25),
            "timers due in": left.join(" "),
            "timer base ahead by": state.base_ahead,
            "wakes in this second": state.wakes,
            "leap second awaited": state.pending,
            "leap seconds": state.leaps,
        });
        if model.follows {
            shown["follows"] = json!({ "unsmeared": state.followed[0], "smeared": state.followed[1] });
        }
        shown
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (properties::NOT_EARLY, "its timer fired while the wall clock was a second short of it"),
            (
                properties::WAKES,
                "the timer base is a second ahead: every sleep of a second or less is over as soon as it begins, and the \
                 next one too",
            ),
            (properties::NOT_LATE, "the time it waits for did not come: the clock went over it"),
            (properties::FORWARD, "the last second of the day comes twice, and what was later is earlier"),
            (properties::ONCE, "one second was announced, and two were made"),
            (properties::UNMIXED, "for a day the two are up to a second apart, and the client is told both"),
            (TIME_GOES_ON, "applications wake and sleep and wake, and no time goes by"),
        ]
    }
}

/// What the outside sees of a clock and its timers.
#[derive(Debug)]
pub struct LeapInterface;

impl Interface for LeapInterface {
    type Model = Leap;
    type Input = Action;
    type Output = Told;
    /// The wall clock's reading, in ticks since midnight.
    type Snapshot = u8;

    fn label(&self, model: &Leap, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Told)> {
        Some((*action, model.step_by(from, *action).1))
    }

    fn snapshot(&self, _: &Leap, state: &State) -> Option<u8> {
        Some(state.wall)
    }
}
