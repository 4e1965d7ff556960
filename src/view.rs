//! Results as text for a terminal. No input or output: whoever prints decides where, and whether colours are kept.

mod valency;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::explore::{Graph, Target};
use crate::model::{Bound, CheckedModel, Kind};
use crate::report::{CaseListing, CaseReport, Report};
use crate::trace::{Evidence, FAIRNESS, Step, Trace};
use crate::verdict::Verdict;

pub use self::valency::ValencyPicture;

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

fn verdict<V: Copy + PartialEq + std::fmt::Display>(found: V, expected: V, incomplete: V) -> (Style, String) {
    match (found == expected, found == incomplete) {
        (true, true) => (OPEN, found.to_string()),
        (true, false) => (GOOD, found.to_string()),
        (false, _) => (BAD, format!("{found}, {expected} expected")),
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

/// `1 step`, `1,234 steps`.
fn counted(number: usize, noun: &str) -> String {
    let ending = match (noun.ends_with("propert"), number) {
        (true, 1) => "y",
        (true, _) => "ies",
        (false, 1) => "",
        (false, _) => "s",
    };
    format!("{} {noun}{ending}", count(number))
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
            (Verdict::Violated, Some(steps)) => match property.loop_len {
                Some(looped) if property.kind == Kind::AlmostSurely => format!(
                    "after {} a scheduler can keep away, in loops as one of {looped}",
                    counted(steps - looped, "step")
                ),
                Some(looped) => format!("after {}, then {looped} for ever", counted(steps - looped, "step")),
                None => format!("after {}", counted(steps, "step")),
            },
            (Verdict::Holds, Some(steps)) => format!("seen after {}", counted(steps, "step")),
            _ => property.why.clone().unwrap_or_default(),
        };
        table.row([
            dim(property.kind.to_string().replace('_', " ")),
            plain(property.name.clone()),
            verdict(property.verdict, property.expected, Verdict::Incomplete),
            dim([measured(property), seen, exercised(property)]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; ")),
        ]);
    }
    for subject in &report.conformance {
        table.row([
            dim(subject.mode.to_string()),
            plain(subject.subject.clone()),
            verdict(subject.verdict, subject.expected, "incomplete"),
            dim(effort(subject)),
        ]);
    }
    text.push_str(&table.render("    "));
    for subject in &report.conformance {
        for unchosen in &subject.unchosen {
            let states = counted(unchosen.states, "state");
            let what = format!("{} ({} answered {})", unchosen.action, unchosen.input, unchosen.output);
            let by = format!("never chosen by {} ({})", subject.subject, subject.mode);
            let _ = writeln!(text, "    {}", styled(DIM, &format!("{by}: {what}, in {states}")));
        }
        let named: usize = subject.unchosen.iter().map(|unchosen| unchosen.states).sum();
        if !subject.unchosen.is_empty() && named < subject.edges_unchosen {
            let rest = count(subject.edges_unchosen - named);
            let _ = writeln!(text, "    {}", styled(DIM, &format!("    and {rest} more transitions")));
        }
    }
    for error in &report.errors {
        let _ = writeln!(text, "    {} {error}", styled(BAD, "error:"));
    }
    text
}

/// A value, over whom it is the extreme, and what it has to keep to.
fn measured(property: &crate::report::PropertyReport) -> String {
    let (Some(value), Some(extreme), Some(bound)) = (property.value, property.extreme, property.bound) else {
        return String::new();
    };
    let (asked, extreme) = match extreme {
        "min" => (Bound::AtLeast(bound), "least"),
        _ => (Bound::AtMost(bound), "greatest"),
    };
    format!("{value}, {asked} asked: the {extreme} over all schedulers, which see all, coins drawn included")
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
    if let Some(count) = subject.evidence.as_ref().map(Trace::len) {
        return format!("after {}", counted(count, "step"));
    }
    let mut parts = Vec::new();
    match (subject.mode, subject.schedules) {
        (_, Some(schedules)) => parts.push(format!("{} schedules", count(schedules))),
        (crate::conform::Mode::Product, _) => {
            parts.push(format!("{} pairs", subject.bounds.get("pairs").map_or("0", String::as_str)));
        }
        (crate::conform::Mode::Tour, _) => {
            parts.push(format!("{} of {} transitions driven", count(subject.edges_driven), count(subject.edges)));
            parts.push(format!("{:.1} steps for each", subject.steps as f64 / subject.edges_driven.max(1) as f64));
            parts.extend(subject.starts.map(|starts| counted(starts, "start")));
        }
        (crate::conform::Mode::Events, _) => parts.push(counted(subject.steps, "event")),
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
    if subject.edges_ambiguous > 0 {
        parts.push(format!("{} not told from others", count(subject.edges_ambiguous)));
    }
    parts.extend(subject.verified.iter().map(verified));
    if let (Some(why), "incomplete") = (&subject.why, subject.verdict) {
        parts.push(why.clone());
    }
    parts.join(", ")
}

/// How much the suffixes of a tour have shown.
fn verified(verified: &crate::conform::Verified) -> String {
    // Rounded down: what is not all must not look like it.
    let share = |edges: usize| (edges * 1000 / verified.edges.max(1)) as f64 / 10.0;
    let mut text = format!("{} % of targets verified", share(verified.edges_verified));
    let mut notes = Vec::new();
    if verified.extra_states > 0 {
        notes.push(format!("up to {} allowed for", counted(verified.extra_states, "extra state")));
    }
    if verified.edges_by_offers > 0 {
        notes.push(format!("{} % in part by what is offered", share(verified.edges_by_offers)));
    }
    if verified.edges_beyond_cap > 0 {
        notes.push(format!("{} beyond the limit on suffixes", count(verified.edges_beyond_cap)));
    }
    if !verified.is_complete {
        notes.push("not all looked for".into());
    }
    if verified.indistinguishable_states > 0 {
        let (states, classes) = (verified.indistinguishable_states, verified.indistinguishable_classes);
        notes.push(format!("{} in {} alike to the outside", counted(states, "state"), counted(classes, "set")));
    }
    if !notes.is_empty() {
        text.push_str(&format!(" ({})", notes.join(", ")));
    }
    text
}

/// All cases, what did not run, and a last line that says how it is to be taken.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    for case_report in &report.cases {
        text.push_str(&case(case_report));
        text.push('\n');
    }
    text.push_str(&closing(report, Path::new("traces")));
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report(self))
    }
}

/// What did not run, the traces, which are kept below `folder`, and the last line.
pub fn closing(report: &Report, folder: &Path) -> String {
    let mut text = String::new();
    let traces: Vec<&PathBuf> =
        report.cases.iter().flat_map(|case| case.counterexamples().map(|(path, _)| path)).collect();
    if let Some(first) = traces.first() {
        let first = folder.join(first.strip_prefix("traces").unwrap_or(first));
        let kept =
            if traces.len() == 1 { "1 trace is kept".to_string() } else { format!("{} traces are kept", traces.len()) };
        let _ = writeln!(
            text,
            "{kept}, one for each deviation, and each violation that a run shows; look at one with\n    cargo run --release -- trace show {}",
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
        "{}, {}, {}, {}: {}",
        counted(report.cases.len(), "case"),
        counted(states, "state"),
        counted(properties, "propert"),
        counted(subjects, "run") + " of implementations",
        match (report.cases.is_empty(), report.as_expected) {
            (true, _) => styled(BAD, "nothing was run, so nothing is known"),
            (false, true) => styled(GOOD, "all as expected"),
            (false, false) => styled(BAD, "NOT as expected"),
        }
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
    let mut told: Vec<(&str, &str)> = Vec::new();
    for ((_, surprise), file) in report.cases.iter().flat_map(CaseReport::surprises).zip(files) {
        // The same subject in another mode mostly shows the same thing: its file is enough.
        let name = (surprise.case.as_str(), surprise.evidence.name());
        if !told.contains(&name) {
            told.push(name);
            text.push_str(&trace(surprise));
        }
        match file {
            Ok(file) => {
                let command = if surprise.case.contains('/') {
                    format!("cargo run --release -- replay {}", file.display())
                } else {
                    format!("COUNTERPART_REPLAY={} cargo test", file.display())
                };
                let by = match &surprise.evidence {
                    Evidence::Subject { mode, .. } => format!(" (by {mode})"),
                    Evidence::Property { .. } => String::new(),
                };
                let _ = writeln!(text, "written to {}{by}; replay it with\n    {command}", file.display());
            }
            Err(error) => {
                let _ = writeln!(text, "the trace could not be written: {error}");
            }
        }
    }
    without_colours(&text)
}

/// A panic message has no terminal to ask: it goes without colours.
fn without_colours(text: &str) -> String {
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
    let _ = writeln!(text, "{}", styled(BOLD, &printable(&headline)));
    if !trace.parameters.is_empty() {
        let bounds: Vec<String> = trace.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "{}", styled(DIM, &printable(&bounds.join(", "))));
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
        let on = match &trace.evidence {
            Evidence::Property { kind, .. } if *kind == Kind::AlmostSurely.to_string() => {
                format!("and on from step {start}, round and round as it is drawn, for ever")
            }
            _ => format!("and again from step {start}, for ever"),
        };
        let _ = writeln!(text, "  {on}{fair}");
    }
    if !trace.because.is_empty() {
        let _ = writeln!(text, "\n{} {}", styled(BOLD, "because"), printable(&trace.because));
    }
    text
}

fn row(index: usize, step: &Step, before: &Value, alongside: bool, trace: &Trace) -> Vec<(Style, String)> {
    let last = index + 1 == trace.steps.len();
    let action = if step.action.is_empty() { step.input.clone() } else { step.action.clone() };
    let mut cells = vec![
        plain(format!("{index:>4}")),
        plain(clipped(&step.actor)),
        plain(if index == 0 { "(initially)".to_string() } else { clipped(&action) }),
        plain(clipped(&step.output)),
    ];
    if alongside {
        let deviates = last && trace.verdict == "diverges";
        cells.push((if deviates { BAD } else { Style::new() }, clipped(&step.implementation)));
    }
    cells.push(dim(printable(&changes(before, &step.state))));
    cells
}

/// A file may hold anything: what would steer a terminal is shown instead of sent.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

/// A cell that leaves room for the others; what is cut off stands in the file, and of a deviation below the table.
fn clipped(text: &str) -> String {
    const WIDTH_MAX: usize = 44;
    let text = printable(text);
    if width(&text) <= WIDTH_MAX {
        return text;
    }
    text.chars().take(WIDTH_MAX - 1).chain(['…']).collect()
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
        let violated = case.properties.iter().filter(|property| property.expected == Verdict::Violated).count();
        let mut properties = case.properties.len().to_string();
        if violated > 0 {
            let _ = write!(properties, ", {violated} violated");
        }
        let name = if case.large { format!("{} (large)", case.case) } else { case.case.clone() };
        table.row([plain(name), plain(properties), plain(case.subjects.join(", "))]);
    }
    table.render("")
}

/// The graph folded into a few named phases, as a Mermaid state diagram: an arrow for every phase that some state of
/// another leads to, with the names of the actions that do.
pub fn state_diagram<M: CheckedModel>(
    graph: &Graph<M>,
    phase: impl Fn(&M::State) -> String,
    action_name: impl Fn(&M::Action) -> String,
) -> String {
    let mut arrows: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (node, state) in graph.states().iter().enumerate() {
        for (action, target) in graph.transitions(node) {
            if let Target::Node(to) = target {
                let (from, to) = (phase(state), phase(&graph.states()[to]));
                if from != to {
                    arrows.entry((from, to)).or_default().insert(action_name(&action));
                }
            }
        }
    }
    let mut text = String::from("stateDiagram-v2\n");
    for state in &graph.states()[..graph.initial_count()] {
        let _ = writeln!(text, "    [*] --> {}", phase(state));
    }
    for ((from, to), names) in arrows {
        let _ = writeln!(text, "    {from} --> {to}: {}", names.into_iter().collect::<Vec<_>>().join(", "));
    }
    text
}
