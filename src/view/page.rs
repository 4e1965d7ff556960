//! A trace as one HTML file: a sequence diagram, bars of a history, the state of each step, properties by step.
//!
//! The page asks nobody for anything: style and script stand in it, named in its content policy by their hashes, and
//! the trace stands in it as JSON in an element that no browser runs. The script makes text of it, never markup.

use serde_json::{Value, json};

use super::image::image;
use super::lanes::{Lanes, spans};
use super::matrix::{Matrix, PropertyRow};
use super::trace::headline;
use crate::trace::{Evidence, FAIRNESS, Trace};

const TEMPLATE: &str = include_str!("page/page.html");
pub(super) const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// SHA-256 of the style and of the script, as a content policy names them. A trial knows what they have to be.
pub(super) const STYLE_HASH: &str = "sha256-410HqS9Mkq8e2qtdilPoskp2nOCRQ6gs7Gb6I9n1SeQ=";
const SCRIPT_HASH: &str = "sha256-jQJ08I6zRnHo4eG4zjptgREv/yFSfw1JJlEq2IBvknI=";

/// `trace` as a page of its own. `matrix` is what its model says of each state, where the model is at hand.
pub fn page(trace: &Trace, matrix: Option<&Matrix>) -> String {
    page_above("", trace, matrix)
}

/// The same below a part of its own, which is markup.
pub(super) fn page_above(above: &str, trace: &Trace, matrix: Option<&Matrix>) -> String {
    let title = escaped(&headline(trace));
    let data = inert(&document(trace, matrix));
    filled(TEMPLATE, |name| match name {
        "title" => &title,
        "style" => STYLE,
        "script" => SCRIPT,
        "style-hash" => STYLE_HASH,
        "script-hash" => SCRIPT_HASH,
        "above" => above,
        "data" => &data,
        other => unreachable!("the template names {other}"),
    })
}

/// `template` with each `{{name}}` replaced. What is put in is not looked at again.
pub(super) fn filled<'a>(template: &str, part: impl Fn(&str) -> &'a str) -> String {
    let mut text = String::new();
    let mut pieces = template.split("{{");
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").expect("a name in the template is closed");
        text.push_str(part(name));
        text.push_str(rest);
    }
    text
}

/// JSON that no parser of HTML takes for anything but text.
fn inert(document: &Value) -> String {
    let escapes =
        [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    let mut text = document.to_string();
    for (letter, escape) in escapes {
        // Such a letter stands in strings only.
        text = text.replace(letter, escape);
    }
    text
}

/// Text in which no line ends and nothing is markup, not even between quotes.
pub(super) fn escaped(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace(breaks, " ")
}

fn document(trace: &Trace, matrix: Option<&Matrix>) -> Value {
    let lanes = Lanes::of(trace);
    let steps: Vec<Value> = trace
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let message = lanes.messages[index];
            json!({
                "lane": lanes.acting[index], "from": message.map(|(from, _)| from), "to": message.map(|(_, to)| to),
                "actor": step.actor, "action": step.action, "input": step.input, "output": step.output,
                "implementation": step.implementation, "state": step.state,
            })
        })
        .collect();
    let (subject, kind, mode) = match &trace.evidence {
        Evidence::Property { kind, .. } => (None, kind.as_str(), ""),
        Evidence::Subject { name, mode } => (Some(name), "", mode.as_str()),
    };
    let spans = spans(trace);
    let known = Matrix { properties: known(trace), ..Matrix::default() };
    let matrix = matrix.unwrap_or(&known);
    json!({
        "name": trace.evidence.name(),
        "case": trace.case,
        "kind": kind,
        "subject": subject,
        "mode": mode,
        "verdict": trace.verdict,
        "because": trace.because,
        "replay": trace.replay,
        "parameters": trace.parameters,
        "loop": trace.loop_start,
        "fairness": trace.extra.get(FAIRNESS),
        "lanes": lanes.names,
        "answers": subject.map_or("model", String::as_str),
        "steps": steps,
        "spans_from": spans.iter().map(|span| span.begin).min(),
        "spans": spans.iter().map(|span| json!({
            "actor": span.actor, "call": span.call, "answer": span.answer, "step": span.step, "begin": span.begin,
            "end": span.end, "wrong": span.wrong,
        })).collect::<Vec<_>>(),
        "moments": moments(trace, &spans),
        "properties": matrix.properties.iter().map(|row| json!({
            "name": row.name, "kind": row.kind, "met": marks(&row.met), "because": row.because,
            "triggered": Some(&row.triggered).filter(|marks| !marks.is_empty()).map(|by_step| marks(by_step)),
            "asked": matches!(&trace.evidence, Evidence::Property { name, .. } if *name == row.name),
        })).collect::<Vec<_>>(),
        "picture": matrix.picture.as_deref().map(image),
        "fair": matrix.fair.iter().map(|row| json!({
            "strength": row.strength, "actions": row.actions.join(", "), "marks": fair_marks(&row.enabled, &row.taken),
        })).collect::<Vec<_>>(),
    })
}

/// By step, where it stands in a history whose numbers are a log's; `None` where they are those of the steps.
fn moments(trace: &Trace, spans: &[super::lanes::Span]) -> Option<Vec<u64>> {
    trace.extra.get("log")?;
    let first = spans.iter().map(|span| span.begin).min().unwrap_or(0);
    let mut at = first;
    let moment = |index| {
        at = spans.iter().find(|span| span.step == index).map_or(at, |span| span.begin);
        at
    };
    Some((0..trace.steps.len()).map(moment).collect())
}

/// What a trace by itself says of its property: where an `always` is broken, and that it is so nowhere before.
fn known(trace: &Trace) -> Vec<PropertyRow> {
    let Evidence::Property { name, kind } = &trace.evidence else { return Vec::new() };
    let last = match (kind.as_str(), trace.verdict.as_str()) {
        ("always", "violated") => Some(false),
        ("sometimes", "holds") => Some(true),
        _ => return Vec::new(),
    };
    let mut met = vec![None; trace.steps.len()];
    if let Some(mark) = met.last_mut() {
        *mark = last;
    }
    vec![PropertyRow {
        name: name.clone(),
        kind: kind.clone(),
        met,
        triggered: Vec::new(),
        because: trace.because.clone(),
    }]
}

fn marks(by_step: &[Option<bool>]) -> String {
    by_step.iter().map(|mark| mark.map_or('?', |met| if met { '1' } else { '0' })).collect()
}

fn fair_marks(enabled: &[Option<bool>], taken: &[Option<bool>]) -> String {
    let mark = |(enabled, taken): (&Option<bool>, &Option<bool>)| match (enabled, taken) {
        (_, Some(true)) => 't',
        (Some(true), _) => 'e',
        (Some(false), _) => '0',
        (None, _) => '?',
    };
    enabled.iter().zip(taken).map(mark).collect()
}
