//! A run in one screen: a line for each protocol, what is not as expected, a closing line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use super::table::{BAD, BOLD, DIM, GOOD, OPEN, count, counted, styled, width};
use crate::conform::Agreement;
use crate::report::{CaseReport, ConformanceReport, NotRun, Report};
use crate::verdict::Verdict;

/// How much is told of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line for each protocol, and in full what is not as expected.
    Brief,
    /// Every case, and by name all that was left out.
    Whole,
}

/// Lines that tell of protocols, one of each, below a heading.
#[derive(Clone, Debug)]
pub struct Protocols {
    /// Letters of the longest name.
    names: usize,
}

/// The columns beside the name, with how wide their figures get.
pub(super) const COLUMNS: [(&str, usize); 6] =
    [("cases", 5), ("states", 11), ("driven", 11), ("implementations", 15), ("defective", 9), ("crates", 6)];

impl Protocols {
    /// Lines for protocols that are called so.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Protocols { names: names.into_iter().map(width).max().unwrap_or(0) }
    }

    /// What the columns are.
    pub fn heading(&self) -> String {
        let columns: String = COLUMNS.iter().map(|(name, wide)| format!("  {name:>wide$}")).collect();
        format!("{}\n", styled(DIM, &format!("  {:names$}{columns}", "", names = self.names)))
    }

    /// What was done of the protocol `name`: its cases, their states, the transitions driven through implementations,
    /// how many of these there are, how many of them have a defect on purpose, and how many are others' crates. Of
    /// `lacking` cases nothing is known.
    pub fn line(&self, name: &str, cases: &[&CaseReport], lacking: usize) -> String {
        let columns = COLUMNS.iter().zip(figures(cases));
        let columns: String = columns.map(|((_, wide), figure)| format!("  {:>wide$}", count(figure))).collect();
        let surprises = cases.iter().filter(|case| !case.as_expected).count();
        let mark = if surprises + lacking == 0 { styled(GOOD, "✓") } else { styled(BAD, "✗") };
        let name = format!("{}{:pad$}", styled(BOLD, name), "", pad = self.names.saturating_sub(width(name)));
        let mut line = format!("{mark} {name}{columns}");
        let notes = [
            (surprises, "not as expected", BAD),
            (lacking, "not finished", BAD),
            (cases.iter().map(|case| expected_incomplete(case)).sum(), "incomplete as expected", OPEN),
        ];
        for (number, what, style) in notes.into_iter().filter(|(number, ..)| *number > 0) {
            let _ = write!(line, "  {}", styled(style, &format!("{} {what}", count(number))));
        }
        line.push('\n');
        line
    }
}

/// The figures of [`COLUMNS`] for the cases of a protocol.
pub(super) fn figures(cases: &[&CaseReport]) -> [usize; 6] {
    let subjects: Vec<&ConformanceReport> = cases.iter().flat_map(|case| &case.conformance).collect();
    let named = |of: &dyn Fn(&ConformanceReport) -> bool| -> BTreeSet<&str> {
        subjects.iter().filter(|subject| of(subject)).map(|subject| subject.subject.as_str()).collect()
    };
    let crates = named(&ConformanceReport::is_of_others);
    let conforming = named(&|subject| !subject.is_of_others() && subject.expected != Agreement::Diverges);
    let ours = named(&|subject| !subject.is_of_others());
    [
        cases.len(),
        cases.iter().map(|case| case.states).sum(),
        subjects.iter().map(|subject| subject.effort.edges().1).sum(),
        conforming.len(),
        ours.difference(&conforming).count(),
        crates.len(),
    ]
}

/// All protocols of a run, below a heading.
fn protocols(report: &Report) -> String {
    let of_unfinished = report.unfinished.iter().map(|name| name.split('/').next().unwrap_or(name));
    let mut names: Vec<&str> = Vec::new();
    for name in report.cases.iter().map(|case| case.protocol.as_str()).chain(of_unfinished.clone()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let lines = Protocols::of(names.iter().copied());
    let mut text = lines.heading();
    for name in names {
        let cases: Vec<&CaseReport> = report.cases.iter().filter(|case| case.protocol == name).collect();
        let lacking = of_unfinished.clone().filter(|protocol| *protocol == name).count();
        text.push_str(&lines.line(name, &cases, lacking));
    }
    text
}

/// How many verdicts of a case are incomplete, as they may be.
fn expected_incomplete(case: &CaseReport) -> usize {
    let properties = case.properties.iter().filter(|property| property.as_expected());
    let subjects = case.conformance.iter().filter(|subject| subject.as_expected());
    properties.filter(|property| property.verdict == Verdict::Incomplete).count()
        + subjects.filter(|subject| subject.verdict == Agreement::Incomplete).count()
}

/// A case in full, and what is not as expected with the reason of each deviation that has one.
pub fn explained(report: &CaseReport) -> String {
    let mut text = super::case(report);
    for (_, trace) in report.surprises().filter(|(_, trace)| !trace.because.is_empty()) {
        let _ = writeln!(text, "    {}: {}", trace.evidence.name(), trace.because);
    }
    text
}

/// The traces that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub count: usize,
    /// Those of what is not as expected, or any one where all is.
    pub shown: Vec<PathBuf>,
}

/// A line for each protocol, where cases are not told one by one; the traces that are kept, what did not run, what is
/// not as expected, and the last line.
pub fn closing(report: &Report, kept: &Kept, detail: Detail) -> String {
    let mut text = match detail {
        Detail::Brief => format!("{}\n", protocols(report)),
        Detail::Whole => String::new(),
    };
    text.push_str(&hint(kept));
    text.push_str(&left_out(&report.not_run, detail));
    text.push_str(&unfinished(&report.unfinished, detail));
    for case in report.cases.iter().filter(|case| !case.as_expected) {
        let _ = writeln!(text, "{} {}: {}", styled(BAD, "not as expected:"), case.case, surprising(case).join(", "));
    }
    let properties: usize = report.cases.iter().map(|case| case.properties.len()).sum();
    let subjects: usize = report.cases.iter().map(|case| case.conformance.len()).sum();
    let states: usize = report.cases.iter().map(|case| case.states).sum();
    let incomplete = match report.cases.iter().map(expected_incomplete).sum() {
        0 => String::new(),
        some => format!(", {} of them incomplete", count(some)),
    };
    let _ = writeln!(
        text,
        "{}, {}, {}, {}: {}",
        counted(report.cases.len(), "case"),
        counted(states, "state"),
        counted(properties, "propert"),
        counted(subjects, "run") + " of implementations",
        match (report.cases.is_empty(), report.as_expected) {
            (true, _) => styled(BAD, "nothing was run, so nothing is known"),
            (false, true) => styled(GOOD, &format!("all as expected{incomplete}")),
            (false, false) => styled(BAD, "NOT as expected"),
        }
    );
    text
}

/// How to look at what was kept.
fn hint(kept: &Kept) -> String {
    if kept.shown.is_empty() {
        return String::new();
    }
    let traces = if kept.count == 1 { "1 trace is".to_string() } else { format!("{} traces are", kept.count) };
    let mut text =
        format!("{traces} kept, one for each deviation, and each violation that a run shows; look at one with\n");
    for place in &kept.shown {
        let _ = writeln!(text, "    cargo run --release -- trace show {}", place.display());
    }
    text
}

/// So many of one kind are told by name; more are counted.
const NAMED_MAX: usize = 3;

/// What is optional and was left out, and why.
fn left_out(not_run: &[NotRun], detail: Detail) -> String {
    let mut text = String::new();
    let mut told: Vec<&str> = Vec::new();
    for one in not_run {
        let alike: Vec<&NotRun> = not_run.iter().filter(|other| other.why == one.why).collect();
        if detail == Detail::Whole || alike.len() <= NAMED_MAX {
            let subject = one.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
            let _ = writeln!(text, "{} {}{subject}: {}", styled(OPEN, "not run:"), one.case, one.why);
        } else if !told.contains(&one.why.as_str()) {
            told.push(&one.why);
            let cases = by_protocol(alike.iter().map(|other| other.case.as_str()));
            let _ = writeln!(text, "{} {cases}: {}", styled(OPEN, "not run:"), one.why);
        }
    }
    text
}

/// The cases that have no result.
fn unfinished(names: &[String], detail: Detail) -> String {
    let mark = styled(BAD, "not finished:");
    if detail == Detail::Brief && names.len() > NAMED_MAX {
        return format!("{mark} {}\n", by_protocol(names.iter().map(String::as_str)));
    }
    names.iter().map(|name| format!("{mark} {name}\n")).collect()
}

/// How many cases there are, and of which protocols.
fn by_protocol<'a>(cases: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    cases.for_each(|case| *counts.entry(case.split('/').next().unwrap_or(case)).or_default() += 1);
    let of_each: Vec<String> = counts.iter().map(|(protocol, cases)| format!("{protocol} {cases}")).collect();
    format!("{} ({})", counted(counts.values().sum(), "case"), of_each.join(", "))
}

/// What of a case is not as expected, by name.
pub(super) fn surprising(case: &CaseReport) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let properties = case.properties.iter().filter(|property| !property.as_expected());
    names.extend(properties.map(|property| format!("{:?} {}", property.name, property.verdict)));
    let subjects = case.conformance.iter().filter(|subject| !subject.as_expected());
    names.extend(subjects.map(|subject| format!("{} {} ({})", subject.subject, subject.verdict, subject.mode)));
    names.extend((!case.counts_as_expected()).then(|| "its counts".to_string()));
    names.extend(case.errors.iter().cloned());
    names
}
