//! A trace in the words of other people's tools: a sequence diagram for Mermaid, a graph for Graphviz.

use std::fmt::Write;

use super::lanes::Lanes;
use super::trace::news;
use crate::trace::{Evidence, Trace};

/// The trace as a sequence diagram for Mermaid.
pub fn mermaid(trace: &Trace) -> String {
    let lanes = Lanes::of(trace);
    let mut text = String::from("sequenceDiagram\n");
    for (lane, name) in lanes.names.iter().enumerate() {
        let _ = writeln!(text, "    participant p{lane} as {}", for_mermaid(name));
    }
    let answers = match &trace.evidence {
        Evidence::Property { .. } => "model",
        Evidence::Subject { name, .. } => name,
    };
    let _ = writeln!(text, "    participant m as {}", for_mermaid(answers));
    for (index, step) in trace.steps.iter().enumerate() {
        if trace.loop_start.is_some_and(|start| start + 1 == index) {
            let _ = writeln!(text, "    loop for ever");
        }
        let action = for_mermaid(step.told());
        match (lanes.messages[index], lanes.acting[index]) {
            (Some((from, to)), _) => _ = writeln!(text, "    p{from}->>p{to}: {action}"),
            (None, Some(lane)) if !step.input.is_empty() => {
                let _ = writeln!(text, "    p{lane}->>m: {action}");
                let answer = if step.implementation.is_empty() { &step.output } else { &step.implementation };
                if !answer.is_empty() {
                    let _ = writeln!(text, "    m-->>p{lane}: {}", for_mermaid(answer));
                }
            }
            (None, Some(lane)) => _ = writeln!(text, "    Note over p{lane}: {action}"),
            (None, None) if action.trim().is_empty() => {}
            (None, None) => _ = writeln!(text, "    Note over m: {action}"),
        }
        if !step.implementation.is_empty() && !step.output.is_empty() && step.implementation != step.output {
            let _ = writeln!(text, "    Note over m: the model answers {}", for_mermaid(&step.output));
        }
    }
    if trace.loop_start.is_some_and(|start| start < trace.len()) {
        text.push_str("    end\n");
    }
    text
}

/// Mermaid ends a statement at a semicolon, and reads numbers between `#` and that as letters.
fn for_mermaid(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '#' | ';' | '<' | '>' | '&' | '"' | '%' => {
                let _ = write!(plain, "#{};", u32::from(letter));
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    // A word of its own would end a block.
    if plain.trim() == "end" { "(end)".into() } else { plain }
}

/// The trace as a graph for Graphviz: its states, each with what is new in it, and the steps between them. The last
/// state of a lasso is the one that it leads back to.
pub fn dot(trace: &Trace) -> String {
    let mut text = String::from("digraph trace {\n    node [shape=box];\n");
    let place = |index: usize| match trace.loop_start {
        Some(start) if index == trace.len() => start,
        _ => index,
    };
    for (index, step) in trace.steps.iter().enumerate() {
        if place(index) == index {
            let _ = writeln!(text, "    s{index} [label=\"{index}\\n{}\"];", for_dot(&news(trace, index)));
        }
        if let Some(before) = index.checked_sub(1) {
            let mut label = for_dot(&[step.actor.as_str(), step.told()].join(" "));
            if !step.output.is_empty() {
                let _ = write!(label, "\\n{}", for_dot(&step.output));
            }
            if !step.implementation.is_empty() && step.implementation != step.output {
                let _ = write!(label, "\\nimplementation: {}", for_dot(&step.implementation));
            }
            let _ = writeln!(text, "    s{before} -> s{} [label=\"{}\"];", place(index), label.trim());
        }
    }
    text.push_str("}\n");
    text
}

fn for_dot(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => plain.extend(['\\', letter]),
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}
