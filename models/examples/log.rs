//! A log of something that has run, against a model of what it may do: seats that are reserved and given back.

use std::path::Path;

use counterpart::conform::Agreement;
use counterpart::conform::events::{Event, Labelled, Log, LogReader};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Interface};
use stateright::Model;

/// Seats, so many of which there are. The state is how many are taken.
struct Seats(u32);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Reserve,
    Cancel,
}

impl Model for Seats {
    type State = u32;
    type Action = Ask;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, _: &u32, actions: &mut Vec<Ask>) {
        actions.extend([Ask::Reserve, Ask::Cancel]);
    }

    fn next_state(&self, taken: &u32, ask: Ask) -> Option<u32> {
        match ask {
            Ask::Reserve => (*taken < self.0).then_some(taken + 1),
            Ask::Cancel => taken.checked_sub(1),
        }
    }
}

struct Office;

impl Interface for Office {
    type Model = Seats;
    type Input = Ask;
    /// Whether it was done.
    type Output = bool;
    type Snapshot = ();

    fn label(&self, _: &Seats, _: &u32, ask: &Ask, to: Option<&u32>) -> Option<(Ask, bool)> {
        Some((*ask, to.is_some()))
    }
}

/// How a line reads: its name is what was asked, `ok` says whether it was done, and where it is missing nobody knows.
struct Clerk;

impl LogReader<Office> for Clerk {
    fn admits(&self, event: &Event, step: &Labelled<'_, Office>) -> bool {
        event.agrees("ok", step.output)
    }

    fn inputs(&self, event: &Event) -> Option<Vec<Ask>> {
        Some(match event.name.as_str() {
            "reserve" => vec![Ask::Reserve],
            "cancel" => vec![Ask::Cancel],
            _ => vec![],
        })
    }
}

/// What was recorded of an office with two seats. Of the third reservation nobody knows how it ended.
const LINES: &str = r#"
{"begin":1,"end":4,"actor":"web","name":"reserve","fields":{"ok":true}}
{"begin":2,"end":3,"actor":"desk","name":"reserve","fields":{"ok":true}}
{"begin":5,"actor":"web","name":"reserve"}
{"begin":6,"end":7,"actor":"desk","name":"cancel","fields":{"ok":true}}
{"begin":8,"end":9,"actor":"phone","name":"reserve","fields":{"ok":false}}
"#;

fn judged(lines: String) -> ConformanceReport {
    let log = move || Log::parse(Path::new("office.jsonl"), lines.trim().as_bytes());
    Check::of(Seats(2)).interface(Office).events(Clerk, log).run().cases.remove(0).conformance.remove(0)
}

/// The phone is refused: that is explained if the web got a seat in the end, after the desk had given one back.
#[test]
fn the_log_is_explained() {
    let judged = judged(LINES.into());
    assert_eq!(judged.verdict, Agreement::Conforms, "{:?}", judged.why);
}

/// With one more reservation there were three people on two seats, and the line that cannot be is named.
#[test]
fn a_line_that_nothing_explains_is_named() {
    let judged = judged(
        LINES
            .replace(r#""begin":5,"#, r#""begin":5,"end":5,"#)
            .replace(r#""name":"reserve"}"#, r#""name":"reserve","fields":{"ok":true}}"#),
    );
    let why = judged.why.unwrap_or_default();
    assert_eq!(judged.verdict, Agreement::Diverges, "{why}");
    assert!(why.starts_with("line 3, reserve ok=true by web: "), "{why}");
}
