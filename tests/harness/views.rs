//! What a person sees of a toy, word for word: a table, and what a failing test says.

use counterpart::check::{Case, Options};
use counterpart::report::Report;
use counterpart::view::Written;
use counterpart::{Check, view};
use libtest_mimic::Trial;
use stateright::{Model, Property};

use crate::{claim, snapshot};

pub(crate) fn trials() -> Vec<Trial> {
    vec![claim("views::a_case_as_expected", as_expected), claim("views::what_a_failing_test_says", failing)]
}

/// Two lamps; one day somebody wires them so that both can burn.
struct Lamps {
    interlocked: bool,
}

impl Model for Lamps {
    type State = (bool, bool);
    type Action = &'static str;

    fn init_states(&self) -> Vec<(bool, bool)> {
        vec![(false, false)]
    }

    fn actions(&self, _: &(bool, bool), actions: &mut Vec<&'static str>) {
        actions.extend(["left", "right"]);
    }

    fn next_state(&self, (left, right): &(bool, bool), lamp: &'static str) -> Option<(bool, bool)> {
        match lamp {
            "left" if *right && self.interlocked => None,
            "right" if *left && self.interlocked => None,
            "left" => Some((!left, *right)),
            _ => Some((*left, !right)),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most one burns", |_, (left, right)| !(*left && *right)),
            Property::sometimes("the right one burns", |_, (_, right)| *right),
        ]
    }
}

fn as_expected() {
    let (report, not_run) = Case::new("toy/lamps", Check::of(Lamps { interlocked: true })).run(&Options::default());
    snapshot("toy/lamps", &Report::new(vec![report], not_run).to_string());
}

fn failing() {
    let (report, not_run) = Case::new("toy/lamps", Check::of(Lamps { interlocked: false })).run(&Options::default());
    let file = "target/counterpart/toy/lamps--at-most-one-burns.json";
    let replay = format!("cargo run --release -- replay {file}");
    let files = [Ok(Written { file: file.into(), replay })];
    let text = view::failure(&Report::new(vec![report], not_run), &files);
    assert!(!text.contains('\u{1b}'), "a panic message goes without colours");
    snapshot("toy/lamps--failure", &text);
}
