//! What is drawn beside the words of a trace in a terminal: who acts, messages, the loop of a lasso, calls as bars.

use std::collections::BTreeSet;

use super::lanes::{Lanes, Span};

/// Letters to draw with.
#[derive(Clone, Copy)]
pub(super) struct Glyphs {
    pub(super) acts: char,
    pub(super) idle: char,
    sends: char,
    across: char,
    rightwards: char,
    leftwards: char,
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
    pub(super) neither: &'static str,
    pub(super) apart: &'static str,
    pub(super) more: &'static str,
    pub(super) left_out: &'static str,
    loop_alone: &'static str,
    loop_begins: &'static str,
    loop_goes_on: &'static str,
    loop_ends: &'static str,
    begins: char,
    ends: char,
}

impl Glyphs {
    pub(super) fn new(ascii: bool) -> Glyphs {
        if ascii {
            Glyphs {
                acts: '*',
                idle: '|',
                sends: 'o',
                across: '-',
                rightwards: '>',
                leftwards: '<',
                good: "+",
                bad: "x",
                neither: "-",
                apart: "!=",
                more: "...",
                left_out: ":",
                loop_alone: "@ ",
                loop_begins: ",>",
                loop_goes_on: "| ",
                loop_ends: "`-",
                begins: '[',
                ends: ']',
            }
        } else {
            Glyphs {
                acts: '●',
                idle: '│',
                sends: '○',
                across: '─',
                rightwards: '▶',
                leftwards: '◀',
                good: "✓",
                bad: "✗",
                neither: "•",
                apart: "≠",
                more: "…",
                left_out: "⋮",
                loop_alone: "↺ ",
                loop_begins: "╭▶",
                loop_goes_on: "│ ",
                loop_ends: "╰─",
                begins: '├',
                ends: '┤',
            }
        }
    }

    /// Two columns that show how a step stands to the loop from `start` to `last`.
    pub(super) fn looped(&self, index: usize, start: usize, last: usize) -> &'static str {
        match index {
            _ if index == start && start == last => self.loop_alone,
            _ if index == start => self.loop_begins,
            _ if index == last => self.loop_ends,
            _ if index > start => self.loop_goes_on,
            _ => "  ",
        }
    }

    /// Who acts in a step, and from whom to whom a message goes: a letter for each and one between.
    pub(super) fn step(&self, lanes: &Lanes, index: usize) -> String {
        let mut drawn: Vec<char> = idle(lanes.names.len(), self.idle);
        if let Some(lane) = lanes.acting[index] {
            drawn[2 * lane] = self.acts;
        }
        if let Some((from, to)) = lanes.messages[index] {
            drawn[2 * from.min(to)..2 * from.max(to)].fill(self.across);
            drawn[2 * from] = self.sends;
            drawn[2 * to] = if from < to { self.rightwards } else { self.leftwards };
        }
        drawn.into_iter().collect()
    }

    /// What goes on where nothing happens.
    pub(super) fn idle(&self, lanes: &Lanes) -> String {
        idle(lanes.names.len(), self.idle).into_iter().collect()
    }

    /// The names of the lanes, each above its own.
    pub(super) fn names(&self, lanes: &Lanes) -> Vec<String> {
        lanes
            .names
            .iter()
            .enumerate()
            .map(|(lane, name)| format!("{}{name}", format!("{} ", self.idle).repeat(lane)))
            .collect()
    }

    /// Calls as bars on a time line of numbers, in pieces of at most `width` columns.
    pub(super) fn bars(&self, spans: &[Span], width: Option<usize>) -> Vec<String> {
        let moments: Vec<u64> = spans
            .iter()
            .flat_map(|span| [Some(span.begin), span.end])
            .flatten()
            .collect::<BTreeSet<u64>>()
            .into_iter()
            .collect();
        let place = |moment: u64| moments.binary_search(&moment).unwrap_or(0);
        let column = moments.last().map_or(1, |last| last.to_string().len()).max(3) + 1;
        // A call begins in a row of its actor in which the last one has ended.
        let mut rows: Vec<(&str, u64, Vec<&Span>)> = Vec::new();
        let mut in_order: Vec<&Span> = spans.iter().collect();
        in_order.sort_by_key(|span| span.begin);
        for span in in_order {
            let ends = span.end.unwrap_or(u64::MAX);
            match rows.iter_mut().find(|(actor, free, _)| *actor == span.actor && *free < span.begin) {
                Some((_, free, of)) => {
                    *free = ends;
                    of.push(span);
                }
                None => rows.push((span.actor.as_str(), ends, vec![span])),
            }
        }
        rows.sort_by_key(|(actor, _, _)| rows_order(spans, actor));
        let label = rows.iter().map(|(actor, _, _)| actor.chars().count()).max().unwrap_or(0);
        let total = moments.len() * column + 2;
        let numbers: Vec<char> =
            moments.iter().flat_map(|moment| format!("{moment:<column$}").chars().collect::<Vec<_>>()).collect();
        let drawn: Vec<Vec<char>> =
            rows.iter().map(|(_, _, of)| self.row(of, total, |moment| place(moment) * column)).collect();
        let piece = width.map_or(total, |width| width.saturating_sub(label + 4)).max(column);
        let mut lines = Vec::new();
        for from in (0..total).step_by(piece) {
            let part = |letters: &[char]| letters.iter().skip(from).take(piece).collect::<String>();
            lines.push(format!("  {:label$}  {}", "", part(&numbers)).trim_end().to_string());
            for ((actor, _, _), letters) in rows.iter().zip(&drawn) {
                lines.push(format!("  {actor:label$}  {}", part(letters)).trim_end().to_string());
            }
        }
        lines
    }

    fn row(&self, spans: &[&Span], total: usize, at: impl Fn(u64) -> usize) -> Vec<char> {
        let mut letters = vec![' '; total];
        for span in spans {
            let (begin, end) = (at(span.begin), span.end.map_or(total - 1, &at));
            letters[begin..=end].fill(self.across);
            letters[begin] = self.begins;
            if span.end.is_some() {
                letters[end] = self.ends;
            }
            if span.wrong {
                letters[(end + 1).min(total - 1)] = self.bad.chars().next().unwrap_or('x');
            }
        }
        letters
    }
}

fn rows_order(spans: &[Span], actor: &str) -> Option<usize> {
    spans.iter().position(|span| span.actor == actor)
}

fn idle(lanes: usize, letter: char) -> Vec<char> {
    (0..(2 * lanes).saturating_sub(1)).map(|place| if place % 2 == 0 { letter } else { ' ' }).collect()
}
