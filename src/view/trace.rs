//! A trace as a person reads it in a terminal: who did what, what was answered, and what of the state is new.
//!
//! A line a step. On its left stand the loop of a lasso and a column for each who takes part, with the messages between
//! them; then words. What is not as it should be has a glyph as well as a colour.

use anstyle::Style;
use serde_json::Value;

use super::drawn::Glyphs;
use super::lanes::{Lanes, spans};
use super::line::{Line, printable};
use super::table::{BAD, BOLD, DIM, GOOD, width};
use crate::model::Kind;
use crate::trace::{Evidence, FAIRNESS, Step, Trace};

/// Most cells are narrower, and a wide one need not push those of other steps apart.
const COLUMN_MAX: usize = 44;

/// How a trace is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Show {
    /// Columns that a line may take; `None`: as many as it wants.
    pub width: Option<usize>,
    /// Shows the steps of this actor alone, and messages to and from it.
    pub only: Option<String>,
    /// Wraps what is wider, in place of cutting it.
    pub full: bool,
    /// Draws with letters of ASCII, and shows other letters by their numbers.
    pub ascii: bool,
    /// Ends with the command that replays it.
    pub replay: bool,
}

/// A trace, step by step, in lines as long as they are.
pub fn trace(trace: &Trace) -> String {
    trace_as(trace, &Show::default())
}

/// A trace, step by step.
pub fn trace_as(trace: &Trace, show: &Show) -> String {
    let teller = Teller { trace, show, glyphs: Glyphs::new(show.ascii), lanes: Lanes::of(trace) };
    let mut lines = teller.opening();
    lines.push(Line::default());
    let bars = teller.glyphs.bars(&spans(trace), show.width);
    if bars.len() > 1 {
        let room = show.width.unwrap_or(usize::MAX);
        let bar = |bar: &String| Line::of(Style::new(), &teller.printable(bar)).cut(room, teller.glyphs.more);
        lines.extend(bars.iter().map(bar));
        lines.push(Line::default());
    }
    lines.extend(teller.steps());
    lines.extend(teller.on());
    lines.extend(teller.replay());
    lines.iter().map(|line| line.render() + "\n").collect()
}

/// What a trace is evidence for, in a line.
pub(super) fn headline(trace: &Trace) -> String {
    match &trace.evidence {
        // Somebody else's, who may not say.
        _ if trace.is_foreign() && trace.verdict.is_empty() => trace.case.clone(),
        _ if trace.is_foreign() => format!("{}: {}", trace.case, trace.verdict),
        Evidence::Property { name, kind } => match trace.verdict.as_str() {
            "violated" => format!("{} violates {} \"{name}\"", trace.case, kind.replace('_', " ")),
            verdict => format!("{} {} \"{name}\": {verdict}", trace.case, kind.replace('_', " ")),
        },
        Evidence::Subject { name, mode } => format!("{name} diverges from {} ({mode})", trace.case),
    }
}

/// Everybody who takes part in a trace.
pub fn actors(trace: &Trace) -> Vec<String> {
    Lanes::of(trace).names
}

struct Teller<'a> {
    trace: &'a Trace,
    show: &'a Show,
    glyphs: Glyphs,
    lanes: Lanes,
}

/// What a step says, cell by cell.
type Cells = Vec<(Style, String)>;

impl Teller<'_> {
    fn printable(&self, text: &str) -> String {
        printable(text, self.show.ascii)
    }

    /// The verdict, on what, within which bounds, and why.
    fn opening(&self) -> Vec<Line> {
        let (mark, style) = match self.trace.verdict.as_str() {
            "holds" => (self.glyphs.good, GOOD),
            "violated" | "diverges" => (self.glyphs.bad, BAD),
            _ => (self.glyphs.neither, DIM),
        };
        let mut line = Line::of(style, mark);
        line.push(BOLD, &format!(" {}", self.printable(&headline(self.trace))));
        let mut lines = self.prose(line, "  ");
        if !self.trace.parameters.is_empty() {
            let bounds = self.trace.parameters.iter().map(|(name, value)| format!("{name} {value}"));
            let bounds = bounds.collect::<Vec<_>>().join(", ");
            lines.extend(self.prose(Line::of(DIM, &format!("  {}", self.printable(&bounds))), "  "));
        }
        if !self.trace.because.is_empty() {
            let mut line = Line::of(BOLD, "  because");
            line.push(Style::new(), &format!(" {}", self.printable(&self.trace.because)));
            lines.extend(self.prose(line, "  "));
        }
        lines
    }

    /// Running text, which is wrapped and never cut.
    fn prose(&self, line: Line, indent: &str) -> Vec<Line> {
        match self.show.width {
            Some(width) => line.wrapped(width, &Line::of(Style::new(), indent)),
            None => vec![line],
        }
    }

    fn steps(&self) -> Vec<Line> {
        let steps = &self.trace.steps;
        let alongside = steps.iter().any(|step| !step.implementation.is_empty());
        let mut head = vec!["actor", "action", "answer"];
        head.extend(alongside.then_some("implementation"));
        head.push("state");
        let head: Cells = head.into_iter().map(|name| (DIM, name.to_string())).collect();
        let told: Vec<Cells> = (0..steps.len()).map(|index| self.cells(index, alongside)).collect();
        let shown: Vec<usize> = (0..steps.len()).filter(|index| self.is_shown(*index)).collect();
        let columns: Vec<usize> = (0..head.len())
            .map(|column| {
                let cells = std::iter::once(&head).chain(shown.iter().map(|index| &told[*index]));
                let widths = cells.map(|row| width(&row[column].1)).filter(|width| *width <= COLUMN_MAX);
                widths.max().unwrap_or(0)
            })
            .collect();
        let margin = self.prefix("", "", "").width();
        let mut lines = Vec::new();
        for name in self.glyphs.names(&self.lanes) {
            let mut line = Line::default();
            line.pad(margin);
            line.push(DIM, &self.printable(&name));
            lines.extend(self.fit(line, None, &[]));
        }
        let idle = self.glyphs.idle(&self.lanes);
        lines.extend(self.fit(self.prefix("  step", "", &idle), Some(&columns), &head));
        let mut before = None;
        for index in shown {
            let left_out = index - before.map_or(0, |before| before + 1);
            lines.extend(self.left_out(left_out));
            before = Some(index);
            let last = index == self.trace.len();
            let mark = if last && self.is_broken() { self.glyphs.bad } else { " " };
            let start = self.trace.loop_start;
            let looped = start.map_or("", |start| self.glyphs.looped(index, start, self.trace.len()));
            let prefix = self.prefix(&format!("{mark} {index:>4}"), looped, &self.glyphs.step(&self.lanes, index));
            lines.extend(self.fit(prefix, Some(&columns), &told[index]));
        }
        lines.extend(self.left_out(self.trace.len() - before.unwrap_or(0)));
        lines
    }

    /// What stands left of the words: the number, the loop, the lanes.
    fn prefix(&self, number: &str, looped: &str, lanes: &str) -> Line {
        let style = if number.starts_with(self.glyphs.bad) { BAD } else { Style::new() };
        let mut line = Line::of(if number.trim() == "step" { DIM } else { style }, number);
        line.pad(8);
        if self.trace.loop_start.is_some() {
            line.push(Style::new(), looped);
            line.pad(11);
        }
        let margin = line.width();
        line.push(style, lanes);
        if !lanes.is_empty() {
            line.pad(margin + 2 * self.lanes.names.len() + 1);
        }
        line
    }

    /// A step's words after its drawing, in columns if they fit, else close together, else cut or wrapped.
    fn fit(&self, prefix: Line, columns: Option<&[usize]>, cells: &[(Style, String)]) -> Vec<Line> {
        let joined = |columns: Option<&[usize]>| {
            let mut line = prefix.clone();
            for (column, (style, cell)) in cells.iter().enumerate() {
                line.push(*style, cell);
                match columns {
                    Some(columns) => line.pad(line.width() + columns[column].saturating_sub(width(cell)) + 2),
                    None if cell.is_empty() => {}
                    None => line.push(Style::new(), "  "),
                }
            }
            line
        };
        let aligned = joined(columns).cut(usize::MAX, "");
        let Some(width) = self.show.width.filter(|width| aligned.width() > *width) else { return vec![aligned] };
        let close = joined(None);
        if !self.show.full {
            return vec![close.cut(width, self.glyphs.more)];
        }
        let mut indent = self.prefix("", "", &self.glyphs.idle(&self.lanes));
        indent.push(Style::new(), "  ");
        let indent = if indent.width() + 12 > width { Line::of(Style::new(), "  ") } else { indent };
        close.wrapped(width, &indent)
    }

    fn left_out(&self, count: usize) -> Option<Line> {
        let of_others = if count == 1 { "1 step of others".to_string() } else { format!("{count} steps of others") };
        (count > 0 && self.show.only.is_some()).then(|| {
            let line = Line::of(DIM, &format!("     {}  {of_others}", self.glyphs.left_out));
            line.cut(self.show.width.unwrap_or(usize::MAX), self.glyphs.more)
        })
    }

    fn is_shown(&self, index: usize) -> bool {
        let Some(only) = &self.show.only else { return true };
        let of_message = self.lanes.messages[index].iter().flat_map(|(from, to)| [*from, *to]);
        let is_meant = |lane: usize| self.lanes.names[lane] == *only;
        index == 0 || self.lanes.acting[index].into_iter().chain(of_message).any(is_meant)
    }

    /// Whether it is the last step that is not as it should be.
    fn is_broken(&self) -> bool {
        let always = matches!(&self.trace.evidence, Evidence::Property { kind, .. } if kind == "always");
        self.trace.verdict == "diverges" || self.trace.verdict == "violated" && always
    }

    fn cells(&self, index: usize, alongside: bool) -> Cells {
        let step: &Step = &self.trace.steps[index];
        let diverges = index == self.trace.len() && self.trace.verdict == "diverges";
        let action = match (index, step.told()) {
            (0, "") => "(initially)".to_string(),
            (_, action) => self.printable(action),
        };
        let style = if diverges { BAD } else { Style::new() };
        let mut cells = vec![
            (Style::new(), self.printable(&step.actor)),
            (Style::new(), action),
            (style, self.printable(&step.output)),
        ];
        if alongside {
            let mark = if diverges { format!("{} ", self.glyphs.apart) } else { String::new() };
            cells.push((style, mark + &self.printable(&step.implementation)));
        }
        cells.push((DIM, self.printable(&news(self.trace, index))));
        cells
    }

    /// Where a lasso goes on.
    fn on(&self) -> Vec<Line> {
        let Some(start) = self.trace.loop_start else { return Vec::new() };
        let fair = self.trace.extra.get(FAIRNESS).map(|assumption| format!("; fair under \"{assumption}\""));
        let on = match &self.trace.evidence {
            Evidence::Property { kind, .. } if *kind == Kind::AlmostSurely.to_string() => {
                format!("and on from step {start}, round and round as it is drawn, for ever")
            }
            _ => format!("and again from step {start}, for ever"),
        };
        let on = format!("  {on}{}", self.printable(&fair.unwrap_or_default()));
        self.prose(Line::of(Style::new(), &on), "  ")
    }

    /// The command that replays it, so that it can be copied whatever the width.
    fn replay(&self) -> Vec<Line> {
        if !self.show.replay || self.trace.replay.is_empty() {
            return Vec::new();
        }
        let command = self.printable(&self.trace.replay);
        let mut lines = vec![Line::default(), Line::of(BOLD, "replay it with")];
        match self.show.width.filter(|width| *width > 1 && command.chars().count() + 4 > *width) {
            None => lines.push(Line::of(Style::new(), &format!("    {command}"))),
            Some(width) => {
                // A shell takes a line that ends so together with the next.
                let letters: Vec<char> = command.chars().collect();
                let pieces: Vec<String> = letters.chunks(width - 1).map(|piece| piece.iter().collect()).collect();
                let last = pieces.len() - 1;
                let ended =
                    |(index, piece): (usize, &String)| if index < last { format!("{piece}\\") } else { piece.clone() };
                lines.extend(pieces.iter().enumerate().map(|piece| Line::of(Style::new(), &ended(piece))));
            }
        }
        lines
    }
}

/// What of the state is new after a step: all of the first, then only the parts that differ.
pub(super) fn news(trace: &Trace, index: usize) -> String {
    let before = index.checked_sub(1).map_or(&Value::Null, |before| &trace.steps[before].state);
    let mut parts = Vec::new();
    collect_changes("", before, &trace.steps[index].state, &mut parts);
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
