//! Results as text for a terminal. No input or output: whoever prints decides where, and whether colours are kept.

use std::fmt::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::report::{CaseListing, CaseReport, Report};
use crate::trace::{Evidence, FAIRNESS, Step, Trace};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Cells of a table, padded by their visible width.
struct Table {
    rows: Vec<Vec<(Style, String)>>,
}

impl Table {
    fn new() -> Self {
        Table { rows: Vec::new() }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = (Style, String)>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn render(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.1)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = indent.to_string();
            let last = row.iter().rposition(|(_, cell)| !cell.is_empty()).unwrap_or(0);
            for (column, (style, cell)) in row.iter().enumerate().take(last + 1) {
                line.push_str(&styled(*style, cell));
                if column < last {
                    line.extend(std::iter::repeat_n(' ', widths[column] - width(cell) + 2));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn plain(text: impl Into<String>) -> (Style, String) {
    (Style::new(), text.into())
}

fn dim(text: impl Into<String>) -> (Style, String) {
    (DIM, text.into())
}

fn verdict(verdict: &str, expected: &str) -> (Style, String) {
    match (verdict == expected, verdict) {
        (true, "incomplete") => (OPEN, verdict.into()),
        (true, _) => (GOOD, verdict.into()),
        (false, _) => (BAD, format!("{verdict}, {expected} expected")),
    }
}

/// `1234567` as `1,234,567`.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// One case: what was explored, every property, every subject.
pub fn case(report: &CaseReport) -> String {
    let mut text = String::new();
    let mark = if report.as_expected { styled(GOOD, "✓") } else { styled(BAD, "✗") };
    let referee = match &report.referee {
        Some(referee) if referee.agrees => "stateright agrees".into(),
        Some(referee) => format!("stateright counts {}", count(referee.states)),
        None => "stateright not asked".into(),
    };
    let cut = if report.exhausted { "" } else { ", not exhausted" };
    let _ = writeln!(
        text,
        "{mark} {}  {}",
        styled(BOLD, &report.case),
        styled(
            DIM,
            &format!(
                "{} states, {} transitions, depth {}{cut}; {referee}",
                count(report.states),
                count(report.edges),
                report.depth
            )
        )
    );
    if !report.parameters.is_empty() {
        let bounds: Vec<String> = report.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "    {}", styled(DIM, &bounds.join(", ")));
    }
    let mut table = Table::new();
    for property in &report.properties {
        let seen = match (property.verdict, property.steps) {
            ("violated", Some(steps)) => match property.loop_len {
                Some(looped) => format!("after {} steps, then {looped} for ever", steps - looped),
                None => format!("after {steps} steps"),
            },
            ("holds", Some(steps)) => format!("seen after {steps} steps"),
            _ => property.why.clone().unwrap_or_default(),
        };
        table.row([
            dim(property.kind.to_string().replace('_', " ")),
            plain(property.name.clone()),
            verdict(property.verdict, property.expected),
            dim([seen, exercised(property)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")),
        ]);
    }
    for subject in &report.conformance {
        table.row([
            dim(subject.mode.to_string()),
            plain(subject.subject.clone()),
            verdict(subject.verdict, subject.expected),
            dim(effort(subject)),
        ]);
    }
    text.push_str(&table.render("    "));
    for error in &report.errors {
        let _ = writeln!(text, "    {} {error}", styled(BAD, "error:"));
    }
    text
}

/// How much of the model a promise had to do with: a pass that rests on little should look like it.
fn exercised(property: &crate::report::PropertyReport) -> String {
    let mut parts = Vec::new();
    if let Some(triggered) = property.triggered {
        parts.push(format!("triggered in {} states", count(triggered)));
    }
    if let Some(fairness) = &property.fairness {
        let keys = [(fairness.weak, "weakly"), (fairness.strong, "strongly")];
        let keys = keys.iter().filter(|(keys, _)| *keys > 0).map(|(keys, how)| format!("{} {how}", count(*keys)));
        let keys = keys.collect::<Vec<_>>().join(" and ");
        let keys = if keys.is_empty() { "0".into() } else { keys };
        let (name, states) = (&fairness.assumption, count(fairness.states));
        parts.push(format!("under \"{name}\": {keys} fair sets of actions, enabled in {states} states"));
    }
    parts.join("; ")
}

fn effort(subject: &crate::report::ConformanceReport) -> String {
    if let Some(steps) = subject.evidence.as_ref().map(Trace::len) {
        return format!("after {steps} steps");
    }
    let mut parts = Vec::new();
    match (subject.mode, subject.schedules) {
        (_, Some(schedules)) => parts.push(format!("{} schedules", count(schedules))),
        (crate::conform::Mode::Product, _) => {
            parts.push(format!("{} pairs", subject.bounds.get("pairs").map_or("0", String::as_str)));
        }
        (crate::conform::Mode::Tour, _) => {
            parts.push(format!("{} of {} transitions driven", count(subject.edges_driven), count(subject.edges)));
        }
        (_, None) => parts.push(format!("{} steps", count(subject.steps))),
    }
    if let Some(seed) = subject.bounds.get("seed") {
        parts.push(format!("seed {seed}"));
    }
    if let Some(bound) = subject.bounds.get("preemptions") {
        parts.push(format!("preemptions {bound}"));
    }
    if subject.edges_unsupported > 0 {
        parts.push(format!("{} unsupported", count(subject.edges_unsupported)));
    }
    if subject.edges_unchosen > 0 {
        parts.push(format!("{} never chosen", count(subject.edges_unchosen)));
    }
    if let (Some(why), "incomplete") = (&subject.why, subject.verdict) {
        parts.push(why.clone());
    }
    parts.join(", ")
}

/// All cases, what did not run, and a last line that says how it is to be taken.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    for case_report in &report.cases {
        text.push_str(&case(case_report));
        text.push('\n');
    }
    text.push_str(&closing(report));
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report(self))
    }
}

/// What did not run, the traces, and the last line.
pub fn closing(report: &Report) -> String {
    let mut text = String::new();
    let traces: Vec<&PathBuf> =
        report.cases.iter().flat_map(|case| case.counterexamples().map(|(path, _)| path)).collect();
    if let Some(first) = traces.first() {
        let _ = writeln!(
            text,
            "{} traces are kept, one for each violation and deviation; look at one with\n    cargo run --release -- trace \
             show {}",
            traces.len(),
            first.display()
        );
    }
    for left_out in &report.not_run {
        let subject = left_out.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
        let _ = writeln!(text, "{} {}{subject}: {}", styled(OPEN, "not run:"), left_out.case, left_out.why);
    }
    let properties: usize = report.cases.iter().map(|case| case.properties.len()).sum();
    let subjects: usize = report.cases.iter().map(|case| case.conformance.len()).sum();
    let states: usize = report.cases.iter().map(|case| case.states).sum();
    let _ = writeln!(
        text,
        "{} cases, {} states, {properties} properties, {subjects} runs of implementations: {}",
        report.cases.len(),
        count(states),
        if report.as_expected { styled(GOOD, "all as expected") } else { styled(BAD, "NOT as expected") }
    );
    text
}

/// Why a test fails: the report, each surprising trace, the file it is in and the command that replays it.
pub fn failure(report: &Report, files: &[Result<PathBuf, String>]) -> String {
    let mut text = String::new();
    for case_report in report.cases.iter().filter(|case| !case.as_expected) {
        text.push_str(&case(case_report));
        text.push('\n');
    }
    let surprises = report.cases.iter().flat_map(CaseReport::surprises);
    for (surprise, file) in surprises.zip(files) {
        text.push_str(&trace(surprise));
        match file {
            Ok(file) => {
                let _ = writeln!(text, "written to {}", file.display());
                let command = if surprise.case.contains('/') {
                    format!("cargo run --release -- replay {}", file.display())
                } else {
                    format!("COUNTERPART_REPLAY={} cargo test", file.display())
                };
                let _ = writeln!(text, "replay with {command}\n");
            }
            Err(error) => {
                let _ = writeln!(text, "the trace could not be written: {error}\n");
            }
        }
    }
    anstream_free(&text)
}

/// A panic message has no terminal to ask: it goes without colours.
fn anstream_free(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        plain.push_str(&rest[..start]);
        rest = rest[start..].split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// A trace, step by step.
pub fn trace(trace: &Trace) -> String {
    let mut text = String::new();
    let headline = match &trace.evidence {
        Evidence::Property { name, kind } => match trace.verdict.as_str() {
            "violated" => format!("{} violates {} \"{name}\"", trace.case, kind.replace('_', " ")),
            verdict => format!("{} {} \"{name}\": {verdict}", trace.case, kind.replace('_', " ")),
        },
        Evidence::Subject { name, mode } => format!("{name} diverges from {} ({mode})", trace.case),
    };
    let _ = writeln!(text, "{}", styled(BOLD, &headline));
    if !trace.parameters.is_empty() {
        let bounds: Vec<String> = trace.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "{}", styled(DIM, &bounds.join(", ")));
    }
    text.push('\n');
    let alongside = trace.steps.iter().any(|step| !step.implementation.is_empty());
    let mut table = Table::new();
    let mut head = vec![dim("step"), dim("actor"), dim("action"), dim("answer")];
    if alongside {
        head.push(dim("implementation"));
    }
    head.push(dim("state"));
    table.row(head);
    let mut before = Value::Null;
    for (index, step) in trace.steps.iter().enumerate() {
        table.row(row(index, step, &before, alongside, trace));
        before = step.state.clone();
    }
    text.push_str(&table.render("  "));
    if let Some(start) = trace.loop_start {
        let fair =
            trace.extra.get(FAIRNESS).map(|assumption| format!("; fair under \"{assumption}\"")).unwrap_or_default();
        let _ = writeln!(text, "  and again from step {start}, for ever{fair}");
    }
    if !trace.because.is_empty() {
        let _ = writeln!(text, "\n{} {}", styled(BOLD, "because"), trace.because);
    }
    text
}

fn row(index: usize, step: &Step, before: &Value, alongside: bool, trace: &Trace) -> Vec<(Style, String)> {
    let last = index + 1 == trace.steps.len();
    let action = if step.action.is_empty() { step.input.clone() } else { step.action.clone() };
    let mut cells = vec![
        plain(format!("{index:>4}")),
        plain(step.actor.clone()),
        plain(if index == 0 { "(initially)".to_string() } else { action }),
        plain(step.output.clone()),
    ];
    if alongside {
        let deviates = last && trace.verdict == "diverges";
        cells.push((if deviates { BAD } else { Style::new() }, step.implementation.clone()));
    }
    cells.push(dim(changes(before, &step.state)));
    cells
}

/// What of a state is new: all of the first, then only the parts that differ.
fn changes(before: &Value, after: &Value) -> String {
    let mut parts = Vec::new();
    collect_changes("", before, after, &mut parts);
    parts.join(", ")
}

fn collect_changes(place: &str, before: &Value, after: &Value, parts: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Null | Value::Object(_), Value::Object(fields)) => {
            for (name, field) in fields {
                let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                collect_changes(&inner, before.get(name).unwrap_or(&Value::Null), field, parts);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                collect_changes(&format!("{place}[{index}]"), old, new, parts);
            }
        }
        // What is empty from the beginning is not worth a word.
        (Value::Null, Value::String(text)) if text.is_empty() => {}
        (Value::Null, Value::Number(number)) if number.as_i64() == Some(0) => {}
        _ => {
            let shown = short(after);
            parts.push(if place.is_empty() { shown } else { format!("{place} {shown}") });
        }
    }
}

/// A value on one line, strings without quotes.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, field)| format!("{name} {}", short(field))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// The catalogue, a line a case.
pub fn list(cases: &[CaseListing]) -> String {
    let mut table = Table::new();
    table.row([dim("case"), dim("properties"), dim("run alongside")]);
    for case in cases {
        let violated = case.properties.iter().filter(|property| property.expected == "violated").count();
        let mut properties = case.properties.len().to_string();
        if violated > 0 {
            let _ = write!(properties, ", {violated} violated");
        }
        let name = if case.large { format!("{} (large)", case.case) } else { case.case.clone() };
        table.row([plain(name), plain(properties), plain(case.subjects.join(", "))]);
    }
    table.render("")
}
