//! Words that are told apart by equality and named by their text: what happens where the two disagree.

use std::fmt;
use std::sync::Arc;

use counterpart::conform::{Agreement, Job, Product, Tour, Walk};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Counterpart, Interface};
use libtest_mimic::Trial;
use stateright::Model;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("words::two_of_a_model_that_print_alike_are_an_error_that_names_both", of_the_model),
        claim("words::an_answer_that_prints_like_another_is_an_error_that_names_both", of_the_implementation),
        claim("words::equal_answers_that_print_otherwise_are_one", equal),
    ]
}

/// A lamp; nobody can do more than press and look.
#[derive(Clone, Copy)]
struct Lamp {
    /// What prints alike although it is not equal.
    alike: Alike,
}

#[derive(Clone, Copy, PartialEq)]
enum Alike {
    Nothing,
    Inputs,
    Answers,
    Snapshots,
}

impl Model for Lamp {
    type State = bool;
    type Action = &'static str;

    fn init_states(&self) -> Vec<bool> {
        vec![false]
    }

    fn actions(&self, _: &bool, actions: &mut Vec<&'static str>) {
        actions.extend(["press", "look"]);
    }

    fn next_state(&self, lit: &bool, action: &'static str) -> Option<bool> {
        (action == "press").then_some(!lit)
    }
}

/// A number of which some digits are not shown.
#[derive(Clone, Copy, PartialEq)]
struct Word {
    shown: f32,
    hidden: u8,
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown)
    }
}

fn word(shown: u8, hidden: u8) -> Word {
    Word { shown: shown.into(), hidden }
}

struct Face;

impl Interface for Face {
    type Model = Lamp;
    type Input = Word;
    type Output = Word;
    type Snapshot = Word;

    fn label(&self, lamp: &Lamp, lit: &bool, action: &&'static str, to: Option<&bool>) -> Option<(Word, Word)> {
        let input = match (*action, lamp.alike) {
            ("press", _) => word(7, 0),
            (_, Alike::Inputs) => word(7, 1),
            _ => word(8, 0),
        };
        let output = match (*action, lamp.alike) {
            ("press", _) => word(0, 0),
            (_, Alike::Answers) => word(0, 1),
            _ => word(1 + u8::from(*to.unwrap_or(lit)), 0),
        };
        Some((input, output))
    }

    fn snapshot(&self, lamp: &Lamp, lit: &bool) -> Option<Word> {
        Some(if lamp.alike == Alike::Snapshots { word(0, (*lit).into()) } else { word((*lit).into(), 0) })
    }
}

/// Says to `press` what it is told to say.
#[derive(Clone, PartialEq)]
struct Ours {
    lit: bool,
    alike: Alike,
    pressed: Word,
}

impl Eq for Ours {}

impl std::hash::Hash for Ours {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.lit.hash(state);
    }
}

impl Counterpart<Face> for Ours {
    fn apply(&mut self, input: &Word) -> Word {
        if *input == word(7, 0) {
            self.lit ^= true;
            return self.pressed;
        }
        if self.alike == Alike::Answers { word(0, 1) } else { word(1 + u8::from(self.lit), 0) }
    }

    fn observe(&self) -> Option<Word> {
        Some(if self.alike == Alike::Snapshots { word(0, self.lit.into()) } else { word(self.lit.into(), 0) })
    }
}

fn jobs(ours: Ours) -> [Arc<dyn Job<Face>>; 3] {
    let make = move || ours.clone();
    [Product::new().of(make.clone()), Tour::new().of(make.clone()), Walk::new().runs(20).steps(20).of(make)]
}

fn run(alike: Alike, pressed: Word) -> Vec<ConformanceReport> {
    let run = |job| {
        let check = Check::of(Lamp { alike }).interface(Face).subject("ours", job);
        check.run().cases.remove(0).conformance.remove(0)
    };
    jobs(Ours { lit: false, alike, pressed }).into_iter().map(run).collect()
}

#[track_caller]
fn named(reports: Vec<ConformanceReport>, words: &[&str]) {
    for report in reports {
        let why = report.why.unwrap_or_default();
        assert_eq!(report.verdict, Agreement::Incomplete, "{} {why}", report.mode);
        assert!(report.evidence.is_none(), "a trace would not say which of the two it means");
        for word in words {
            assert!(why.contains(word), "{} {why}", report.mode);
        }
    }
}

fn of_the_model() {
    let both = ["that of the model's \"press\" in false", "that of the model's \"look\" in false"];
    named(run(Alike::Inputs, word(0, 0)), &[&["two inputs that are not equal print alike, 7.0"], &both[..]].concat());
    named(run(Alike::Answers, word(0, 0)), &[&["two answers that are not equal print alike, 0.0"], &both[..]].concat());
    let both = ["that of the model's state false", "that of the model's state true"];
    named(
        run(Alike::Snapshots, word(0, 0)),
        &[&["two snapshots that are not equal print alike, 0.0"], &both[..]].concat(),
    );
}

fn of_the_implementation() {
    let words = ["print alike, 0.0", "that of the model's \"press\" in false", "the implementation's to 7.0"];
    named(run(Alike::Nothing, word(0, 9)), &words);
}

fn equal() {
    for report in run(Alike::Nothing, Word { shown: -0.0, hidden: 0 }) {
        assert_eq!(report.verdict, Agreement::Conforms, "{report:?}");
    }
}
