//! Why the loop of 2012 is asked for under no fairness.

use counterpart::model::{FairKey, Temporal};
use counterpart::report::Report;
use counterpart::{Check, Spec};
use counterpart_models::ntp::leap::check;
use counterpart_models::ntp::leap::model::{Action, Leap, Second, State, Variant};
use counterpart_models::ntp::leap::properties::TIME_GOES_ON;
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![claim("ntp::an_assumption_that_time_passes_hides_the_loop_of_2012", hidden)]
}

/// The same model and the same property, but under the assumption that the clock is not stopped and
/// that nobody is kept from running.
struct TimePasses;

impl Spec for TimePasses {
    type Model = Leap;

    fn temporal(&self) -> Vec<Temporal<Leap>> {
        let ticks = |_: &Leap, state: &State| state.ticked;
        vec![Temporal::infinitely_often("time goes on, if the clock does", ticks).under("time passes")]
    }

    fn fairness(&self, _: &Leap, _: &State, action: &Action) -> Vec<FairKey> {
        let key = FairKey::weak("time passes");
        match action {
            Action::Tick => vec![key.of_each("tick")],
            Action::Wake { app, .. } => vec![key.of_each(app)],
            Action::Announce | Action::Follow { .. } => Vec::new(),
        }
    }
}

fn hidden() {
    let model = Leap::small(Second::Insert).with(Variant::ForgetsClockWasSet);
    let report = Check::of(model.clone()).spec(TimePasses).explore();
    let verdict = |report: &Report, name: &str| {
        let mut properties = report.cases.iter().flat_map(|case| &case.properties);
        properties.find(|property| property.name == name).map(|property| property.verdict.to_string())
    };
    assert_eq!(verdict(&report, "time goes on, if the clock does").as_deref(), Some("holds"));
    let report = check(model).explore();
    assert_eq!(verdict(&report, TIME_GOES_ON).as_deref(), Some("violated"));
}
