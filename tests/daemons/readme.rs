//! The table of the README: what each daemon was asked, over how many transitions, and what came of it.

use std::fmt::Write;
use std::fs;

use counterpart::conform::Agreement;
use counterpart::trace::write_whole;

use crate::alongside::{Alongside, UPDATE};
use crate::root;

const BEGIN: &str = "<!-- daemons: generated -->\n";
const END: &str = "<!-- daemons: end -->";

/// Compares the table with what the runs give.
pub(crate) fn compare(cases: &[Alongside]) {
    let file = root().join("tests/daemons/README.md");
    let text = fs::read_to_string(&file).expect("a README");
    let start = text.find(BEGIN).expect("the table begins") + BEGIN.len();
    let stop = text.find(END).expect("the table ends");
    let fresh = table(cases);
    if text[start..stop] == fresh {
        return;
    }
    assert!(
        std::env::var_os(UPDATE).is_some(),
        "{}: write it anew with {UPDATE}=1; a run gives\n{fresh}",
        file.display()
    );
    let anew = format!("{}{fresh}{}", &text[..start], &text[stop..]);
    write_whole(&file, anew.as_bytes()).expect("the README can be written");
}

fn table(cases: &[Alongside]) -> String {
    let mut text = String::from("| Daemon | Checked | Transitions | What came of it |\n|---|---|---|---|\n");
    for case in cases {
        let report = case.report();
        for subject in &report.conformance {
            let (edges, driven) = subject.effort.edges();
            let transitions = match (subject.verdict, edges) {
                (Agreement::Diverges, _) => match subject.evidence.as_ref().map_or(0, |trace| trace.len()) {
                    1 => "after 1 step".into(),
                    steps => format!("after {steps} steps"),
                },
                (_, 0) => format!("{} steps", subject.effort.steps()),
                _ => format!("{driven} of {edges}"),
            };
            let came = match (&subject.trace, &subject.evidence) {
                (Some(file), Some(trace)) => {
                    let file = file.strip_prefix("tests/daemons").unwrap_or(file);
                    format!("[deviates]({}): {}", file.display(), trace.because)
                }
                _ => subject.verdict.to_string(),
            };
            let _ = writeln!(text, "| {} | {} | {transitions} | {came} |", subject.subject, case.checked());
        }
    }
    text
}
