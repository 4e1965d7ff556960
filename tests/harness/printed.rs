//! States that nobody has said how to read: as structure, in an order that is always the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use counterpart::check::Options;
use counterpart::explore::Surveyor;
use counterpart::model::printed;
use counterpart::{Case, Check, Interface, view};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use stateright::{Model, Property};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("printed::derived_debug_is_read_back_as_structure", structure),
        claim("printed::what_is_written_otherwise_is_kept_as_its_text", otherwise),
        claim("printed::hash_maps_read_alike_whatever_their_order", hashed),
        claim("printed::a_trace_of_hash_maps_is_the_same_bytes_every_time", same_bytes),
        claim("printed::equal_states_that_read_otherwise_are_an_error", told),
        claim("printed::an_action_reads_as_the_model_says_whole_and_only_what_changed_is_shown", shown),
    ]
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are printed")]
struct All {
    number: i64,
    text: &'static str,
    letter: char,
    nothing: Option<u8>,
    something: Option<u8>,
    nested: Option<Vec<Id>>,
    unit: (),
    pair: (u8, bool),
    by_id: BTreeMap<Id, &'static str>,
    by_number: BTreeMap<u8, Kind>,
    float: f64,
    deep: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id(u16);

#[derive(Clone, Debug)]
#[expect(dead_code, reason = "they are printed")]
enum Kind {
    Idle,
    Busy { since: u8, with: Vec<Id> },
}

fn structure() {
    let all = All {
        number: -3,
        text: "say \"a, b\" {",
        letter: ',',
        nothing: None,
        something: Some(7),
        nested: Some(vec![Id(1), Id(2)]),
        unit: (),
        pair: (1, true),
        by_id: BTreeMap::from([(Id(2), "two"), (Id(10), "ten")]),
        by_number: BTreeMap::from([(10, Kind::Idle), (9, Kind::Idle)]),
        float: 0.5,
        deep: Kind::Busy { since: 3, with: vec![Id(4)] },
    };
    let expected = json!({
        "number": -3,
        "text": "say \\\"a, b\\\" {",
        "letter": "','",
        "nothing": "None",
        "something": "Some(7)",
        "nested": {"Some": ["Id(1)", "Id(2)"]},
        "unit": "()",
        "pair": "(1, true)",
        "by_id": {"Id(2)": "two", "Id(10)": "ten"},
        "by_number": {"9": "Idle", "10": "Idle"},
        "float": "0.5",
        "deep": {"Busy": {"since": 3, "with": ["Id(4)"]}},
    });
    assert_eq!(printed(&format!("{all:?}")), expected);
    assert_eq!(printed(&format!("{all:#?}")), expected, "as it is printed on many lines");
}

fn otherwise() {
    for text in ["a → b", "{ not closed", "1, 2", "x: {y", "\"half", "", "]", "P { a: 1, b }"] {
        assert_eq!(printed(text), Value::String(text.into()), "{text}");
    }
    assert_eq!(printed("P { a: 1, .. }"), json!({"a": 1}));
    assert_eq!(printed("{1: a -> b, 2: <locked>}"), json!({"1": "a -> b", "2": "<locked>"}));
    // Keys that read alike are not one.
    assert_eq!(printed("{a: 1, a: 2}"), json!([["a", 1], ["a", 2]]));
}

fn hashed() {
    for count in 0..40_u16 {
        let map = || (0..count).map(|number| (Id(number), (0..number % 7).collect::<HashSet<_>>())).collect();
        let read = |map: &HashMap<Id, HashSet<u16>>| printed(&format!("{map:?}"));
        let (one, other): (HashMap<_, _>, HashMap<_, _>) = (map(), map());
        assert_eq!(read(&one), read(&other));
    }
    let read = printed(&format!("{:?}", HashSet::from([10, 9, 1])));
    assert_eq!(read, json!([1, 9, 10]));
}

/// Marks numbers up to a few, in a set that is hashed by no fixed order.
struct Marks;

#[derive(Clone, Debug, PartialEq)]
struct Marked {
    marks: HashSet<u8>,
    unchanged: [u8; 3],
}

impl Hash for Marked {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut marks: Vec<&u8> = self.marks.iter().collect();
        marks.sort();
        marks.hash(hasher);
    }
}

impl Model for Marks {
    type State = Marked;
    type Action = u8;

    fn init_states(&self) -> Vec<Marked> {
        vec![Marked { marks: HashSet::new(), unchanged: [7, 8, 9] }]
    }

    fn actions(&self, _: &Marked, actions: &mut Vec<u8>) {
        actions.extend(0..6);
    }

    fn next_state(&self, marked: &Marked, mark: u8) -> Option<Marked> {
        let mut next = marked.clone();
        next.marks.insert(mark).then_some(next)
    }

    fn format_action(&self, mark: &u8) -> String {
        format!("somebody marks number {mark}, which takes more than forty-four columns to say")
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("not all are marked", |_, marked: &Marked| marked.marks.len() < 6)]
    }
}

fn same_bytes() {
    let trace = || {
        let report = Case::new("toy/marks", Check::of(Marks).violates("not all are marked")).run(&Options::default()).0;
        assert!(report.as_expected, "{:?}", report.errors);
        report.counterexamples().next().expect("it is violated").1.to_json()
    };
    let first = trace();
    (0..3).for_each(|_| assert_eq!(trace(), first));
    assert!(first.contains("\"marks\": ["), "{first}");
}

/// A state that prints its own count of prints.
struct Fickle;

#[derive(Clone, Copy, PartialEq, Hash)]
struct Counted(u8);

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PRINTS: AtomicU32 = AtomicU32::new(0);
        write!(f, "Counted {{ value: {}, print: {} }}", self.0, PRINTS.fetch_add(1, Ordering::Relaxed))
    }
}

impl Model for Fickle {
    type State = Counted;
    type Action = ();

    fn init_states(&self) -> Vec<Counted> {
        vec![Counted(0)]
    }

    fn actions(&self, _: &Counted, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, at: &Counted, (): ()) -> Option<Counted> {
        (at.0 < 2).then_some(Counted(at.0 + 1))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("below two", |_, at: &Counted| at.0 < 2)]
    }
}

fn told() {
    let check = || Check::of(Fickle).violates("below two");
    for check in [check(), check().surveyed(Surveyor::plain())] {
        let report = Case::new("toy/fickle", check).run(&Options::default()).0;
        assert!(!report.as_expected);
        let [error] = &report.errors[..] else { panic!("{:?}", report.errors) };
        assert!(error.contains("\"below two\"") && error.contains("have to read alike"), "{error}");
    }
}

struct Face;

impl Interface for Face {
    type Model = Marks;
    type Input = u8;
    type Output = ();
    type Snapshot = ();

    fn label(&self, _: &Marks, _: &Marked, mark: &u8, _: Option<&Marked>) -> Option<(u8, ())> {
        Some((*mark, ()))
    }
}

fn shown() {
    let report = Check::of(Marks).interface(Face).violates("not all are marked").run();
    let trace = report.cases[0].counterexamples().next().expect("it is violated").1;
    let text = anstream::adapter::strip_str(&view::trace(trace)).to_string();
    assert!(text.contains("somebody marks number 5, which takes more than forty-four columns to say"), "{text}");
    assert!(!text.contains('…'), "{text}");
    assert_eq!(text.matches("unchanged").count(), 1, "what does not change is told once: {text}");
}
