//! A trace as a person reads it: who did what, what was answered, and what of the state is new.

use std::fmt::Write;

use anstyle::Style;
use serde_json::Value;

use super::table::{BAD, BOLD, DIM, Table, dim, plain, styled};
use crate::model::Kind;
use crate::trace::{Evidence, FAIRNESS, Step, Trace};

/// Most steps are narrower, and a wide one need not push the others apart.
const COLUMN_MAX: usize = 44;

/// A trace, step by step.
pub fn trace(trace: &Trace) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", styled(BOLD, &printable(&headline(trace))));
    if !trace.parameters.is_empty() {
        let bounds: Vec<String> = trace.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "{}", styled(DIM, &printable(&bounds.join(", "))));
    }
    text.push('\n');
    let alongside = trace.steps.iter().any(|step| !step.implementation.is_empty());
    let mut table = Table::with_columns_up_to(COLUMN_MAX);
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

/// What a trace is evidence for, in a line.
pub(super) fn headline(trace: &Trace) -> String {
    match &trace.evidence {
        Evidence::Property { name, kind } => match trace.verdict.as_str() {
            "violated" => format!("{} violates {} \"{name}\"", trace.case, kind.replace('_', " ")),
            verdict => format!("{} {} \"{name}\": {verdict}", trace.case, kind.replace('_', " ")),
        },
        Evidence::Subject { name, mode } => format!("{name} diverges from {} ({mode})", trace.case),
    }
}

fn row(index: usize, step: &Step, before: &Value, alongside: bool, trace: &Trace) -> Vec<(Style, String)> {
    let last = index + 1 == trace.steps.len();
    let action = if step.action.is_empty() { step.input.clone() } else { step.action.clone() };
    let mut cells = vec![
        plain(format!("{index:>4}")),
        plain(printable(&step.actor)),
        plain(if index == 0 { "(initially)".to_string() } else { printable(&action) }),
        plain(printable(&step.output)),
    ];
    if alongside {
        let deviates = last && trace.verdict == "diverges";
        cells.push((if deviates { BAD } else { Style::new() }, printable(&step.implementation)));
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
