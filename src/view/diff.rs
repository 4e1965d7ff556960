//! Two traces beside each other: what they are of, how long they go together, and how each goes on.

use std::fmt::Write;

use anstyle::Style;

use super::line::{Line, printable};
use super::table::{BOLD, DIM};
use super::trace::{headline, news};
use crate::trace::{Step, Trace};

/// What tells two traces apart; empty where nothing does. A line of `width` columns that is too long is wrapped.
pub fn diff(left: &Trace, right: &Trace, width: Option<usize>) -> String {
    let sides = [("A", left), ("B", right)];
    let mut lines: Vec<(Style, String)> = Vec::new();
    let pair = |what: &str, of: &dyn Fn(&Trace) -> String| -> Vec<(Style, String)> {
        let told = sides.map(|(side, trace)| (Style::new(), format!("  {side}  {}", of(trace))));
        if of(left) == of(right) { Vec::new() } else { std::iter::once((BOLD, what.to_string())).chain(told).collect() }
    };
    lines.extend(pair("of", &headline));
    lines.extend(pair("because", &|trace| trace.because.clone()));
    let names =
        left.parameters.keys().chain(right.parameters.keys().filter(|name| !left.parameters.contains_key(*name)));
    for name in names {
        let of = |trace: &Trace| trace.parameters.get(name).map_or_else(|| "(none)".into(), String::clone);
        lines.extend(pair(name, &of));
    }
    lines.extend(pair("loop", &|trace| match trace.loop_start {
        Some(start) => format!("from step {start}"),
        None => "none".into(),
    }));
    for (name, _) in left.extra.iter().chain(right.extra.iter().filter(|(name, _)| !left.extra.contains_key(*name))) {
        lines.extend(pair(name, &|trace| trace.extra.get(name).map_or_else(|| "(none)".into(), String::clone)));
    }
    lines.extend(steps(left, right));
    let wrap = |(style, text): &(Style, String)| {
        let line = Line::of(*style, &printable(text, false));
        match width {
            Some(width) => line.wrapped(width, &Line::of(Style::new(), "     ")),
            None => vec![line],
        }
    };
    let mut text = String::new();
    for line in lines.iter().flat_map(wrap) {
        let _ = writeln!(text, "{}", line.render());
    }
    text
}

fn steps(left: &Trace, right: &Trace) -> Vec<(Style, String)> {
    let together = left.steps.iter().zip(&right.steps).take_while(|(left, right)| left == right).count();
    let mut lines = Vec::new();
    if together == left.steps.len() && together == right.steps.len() {
        return lines;
    }
    lines.push((BOLD, "steps".to_string()));
    lines.push(match together {
        0 => (DIM, "  they begin in different states".to_string()),
        1 => (DIM, "  they begin in the same state".to_string()),
        _ => (DIM, format!("  the same up to step {}", together - 1)),
    });
    for index in together..left.steps.len().max(right.steps.len()) {
        match (left.steps.get(index), right.steps.get(index)) {
            (Some(of_left), Some(of_right)) if of_left == of_right => {
                lines.push((Style::new(), format!("  =  {index:>4}  {}", told(of_left, left, index))));
            }
            (of_left, of_right) => {
                let sides = [("A", of_left, left), ("B", of_right, right)];
                for (side, step, trace) in sides {
                    let step =
                        step.map(|step| (Style::new(), format!("  {side}  {index:>4}  {}", told(step, trace, index))));
                    lines.extend(step);
                }
            }
        }
    }
    lines
}

/// A step, and what is new after it.
fn told(step: &Step, trace: &Trace, index: usize) -> String {
    let said = [step.actor.as_str(), step.told()].into_iter().filter(|part| !part.is_empty());
    let mut parts: Vec<String> = said.map(str::to_string).collect();
    if index == 0 && parts.is_empty() {
        parts.push("(initially)".into());
    }
    if !step.output.is_empty() {
        parts.push(format!("→ {}", step.output));
    }
    if !step.implementation.is_empty() && step.implementation != step.output {
        parts.push(format!("(implementation: {})", step.implementation));
    }
    let new = news(trace, index);
    if !new.is_empty() {
        parts.push(format!(" {new}"));
    }
    parts.join(" ")
}
