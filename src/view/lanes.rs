//! Who takes part in a trace, and what goes from whom to whom: the columns and the arrows of a sequence diagram.
//!
//! A trace names who acts, and no more. That a message came from somebody is read from the action's text: fields
//! `from` or `src`, `to` or `dst`, with numbers, in a step of somebody whose name ends in a number. `p1` that takes
//! `Receive { message: Vote { from: 0 } }` has it from `p0`. So is `Id(0) → Vote → Id(1)`, as stateright's actor systems
//! write a delivery.

use crate::conform::events::Log;
use crate::trace::{Step, Trace};

/// Everybody in a trace, and where each step happens.
pub(super) struct Lanes {
    /// In order of appearance, those of one kind by their numbers.
    pub(super) names: Vec<String>,
    /// By step, who acts.
    pub(super) acting: Vec<Option<usize>>,
    /// By step, from whom to whom a message goes.
    pub(super) messages: Vec<Option<(usize, usize)>>,
}

impl Lanes {
    pub(super) fn of(trace: &Trace) -> Lanes {
        let routes: Vec<Option<(String, String)>> = trace.steps.iter().map(route).collect();
        let mut names: Vec<&str> = Vec::new();
        for (step, route) in trace.steps.iter().zip(&routes) {
            let ends = route.iter().flat_map(|(from, to)| [from.as_str(), to.as_str()]);
            for name in std::iter::once(step.actor.as_str()).chain(ends) {
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let mut kinds: Vec<&str> = Vec::new();
        for name in &names {
            if !kinds.contains(&numbered(name).0) {
                kinds.push(numbered(name).0);
            }
        }
        names.sort_by_key(|name| {
            let (kind, number) = numbered(name);
            (kinds.iter().position(|other| *other == kind), number)
        });
        let place = |name: &str| names.iter().position(|other| *other == name);
        Lanes {
            acting: trace.steps.iter().map(|step| place(&step.actor)).collect(),
            messages: routes.iter().map(|route| route.as_ref().and_then(|(f, t)| place(f).zip(place(t)))).collect(),
            names: names.iter().map(ToString::to_string).collect(),
        }
    }
}

/// `client 12` as `client ` and 12.
fn numbered(name: &str) -> (&str, Option<u64>) {
    let kind = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (kind, name[kind.len()..].parse().ok())
}

/// From whom to whom the message of a step goes, if its action says so.
fn route(step: &Step) -> Option<(String, String)> {
    let (kind, Some(own)) = numbered(&step.actor) else { return None };
    let ends = delivered(&step.action)
        .unwrap_or_else(|| (number_in(&step.action, &["from", "src"]), number_in(&step.action, &["to", "dst"])));
    let (from, to) = match ends {
        (None, None) => return None,
        (from, to) => (from.unwrap_or(own), to.unwrap_or(own)),
    };
    (from != to).then(|| (format!("{kind}{from}"), format!("{kind}{to}")))
}

/// Sender and receiver of `Id(0) → Vote → Id(1)`.
fn delivered(action: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (from, rest) = action.strip_prefix("Id(")?.split_once(") → ")?;
    let (_, to) = rest.rsplit_once(" → Id(")?;
    Some((Some(from.parse().ok()?), Some(to.strip_suffix(')')?.parse().ok()?)))
}

/// The first number that the text, as `Debug` writes it, has in a field of such a name: `from: 3` or `src: Id(3)`.
fn number_in(text: &str, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| {
        text.match_indices(&format!("{name}: ")).find_map(|(at, found)| {
            let whole = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '_');
            let value = &text[at + found.len()..];
            let value = value.strip_prefix("Id(").unwrap_or(value);
            let digits = value.len() - value.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            let ends = value[digits..].chars().next().is_none_or(|after| matches!(after, ' ' | ',' | ')' | '}'));
            if whole && ends { value[..digits].parse().ok() } else { None }
        })
    })
}

/// A call of a history: it lasts for a while.
pub(super) struct Span {
    pub(super) actor: String,
    pub(super) call: String,
    /// What came back; empty where nothing is known to.
    pub(super) answer: String,
    /// The step that shows it best.
    pub(super) step: usize,
    /// A step's index, or a number of the log.
    pub(super) begin: u64,
    /// `None`: it is not known to have ended.
    pub(super) end: Option<u64>,
    /// Nothing explains it.
    pub(super) wrong: bool,
}

/// Calls that overlap: of threads, or of a log. None where every step is a moment.
pub(super) fn spans(trace: &Trace) -> Vec<Span> {
    match trace.extra.get("log").map(|text| Log::parse("the log in the trace".as_ref(), text.as_bytes())) {
        Some(Ok(log)) => of_log(trace, &log),
        _ => of_threads(trace),
    }
}

fn of_log(trace: &Trace, log: &Log) -> Vec<Span> {
    // Steps name the lines that they explain; the last one has the line that nothing does.
    let line = |step: &Step| number_in(&step.implementation.replacen("line ", "line: ", 1), &["line"]);
    let told: Vec<Option<u64>> = trace.steps.iter().map(line).collect();
    let events = log.events().iter().enumerate().map(|(index, recorded)| {
        let step = told.iter().position(|line| *line == Some(index as u64 + 1));
        Span {
            actor: recorded.event.actor.clone(),
            call: recorded.event.to_string(),
            answer: String::new(),
            step: step.unwrap_or(trace.len()),
            begin: recorded.begin,
            end: recorded.end,
            wrong: step == Some(trace.len()) && trace.verdict == "diverges",
        }
    });
    events.collect()
}

fn of_threads(trace: &Trace) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (index, step) in trace.steps.iter().enumerate() {
        let moment = index as u64;
        if let Some(call) = step.action.strip_prefix("invoke ") {
            spans.push(Span {
                actor: step.actor.clone(),
                call: call.into(),
                answer: String::new(),
                step: index,
                begin: moment,
                end: None,
                wrong: false,
            });
        } else if let Some(call) = step.action.strip_prefix("return ") {
            let open = |span: &&mut Span| span.end.is_none() && span.actor == step.actor && span.call == call;
            if let Some(span) = spans.iter_mut().rev().find(open) {
                span.end = Some(moment);
                span.answer.clone_from(&step.implementation);
                span.wrong = index == trace.len() && trace.verdict == "diverges";
            }
        }
    }
    spans
}
