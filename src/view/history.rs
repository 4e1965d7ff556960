//! A history as a picture: who did what when, the order that explains it, and the event that does not fit.
//!
//! Time goes from left to right and says only what came before what: begins and ends stand in the order of their numbers,
//! at equal distances. The line goes through the events in an order that explains them, each at a moment inside its bar.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::conform::events::{Judgement, Log};

/// Events that are drawn at most: those around the one that does not fit, or else the first.
const EVENTS_MAX: usize = 400;

const COLUMN: f64 = 26.0;
const ROW: f64 = 30.0;
const BAR: f64 = 18.0;
const LEFT: f64 = 130.0;
const TOP: f64 = 46.0;

/// `log` with what is known of it, as SVG.
pub fn history(log: &Log, judgement: &Judgement) -> String {
    let drawing = Drawing::new(log, judgement);
    let (width, height) = drawing.size();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <style>.explained{{fill:#cfe8cf;stroke:#3a7d3a}}.unexplained{{fill:#f3c1bb;stroke:#b3261e;stroke-width:2}}\
         .open{{fill:#ececec;stroke:#8a8a8a}}.lost{{stroke-dasharray:4 3}}.order{{fill:none;stroke:#1f4e9c}}\
         .point{{fill:#1f4e9c}}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let _ = writeln!(svg, "<text x=\"8\" y=\"18\" font-size=\"13\">{}</text>", escaped(&drawing.caption()));
    for (row, actor) in drawing.actors.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{:.1}\">{}</text>", y + 13.0, escaped(&short(actor, 18)));
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{width:.1}\" y2=\"{0:.1}\" stroke=\"#e4e4e4\"/>",
            y + BAR / 2.0
        );
    }
    for event in &drawing.events {
        drawing.bar(*event, &mut svg);
    }
    for order in &judgement.orders {
        drawing.order(order, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

struct Drawing<'a> {
    log: &'a Log,
    judgement: &'a Judgement,
    /// The events that are drawn, in the order of their begins.
    events: Vec<usize>,
    /// By the order in which they come in.
    actors: Vec<&'a str>,
    /// The place of each number that is drawn.
    columns: BTreeMap<u64, usize>,
}

impl<'a> Drawing<'a> {
    fn new(log: &'a Log, judgement: &'a Judgement) -> Self {
        let all = log.events();
        let mut events: Vec<usize> = (0..all.len()).collect();
        events.sort_by_key(|event| all[*event].begin);
        if events.len() > EVENTS_MAX {
            let middle = judgement.unexplained.and_then(|event| events.iter().position(|other| *other == event));
            let first = middle.unwrap_or(0).saturating_sub(EVENTS_MAX * 3 / 4).min(events.len() - EVENTS_MAX);
            events = events[first..first + EVENTS_MAX].to_vec();
        }
        let mut actors: Vec<&str> = Vec::new();
        let mut columns = BTreeMap::new();
        for event in &events {
            let recorded = &all[*event];
            if !actors.contains(&recorded.event.actor.as_str()) {
                actors.push(&recorded.event.actor);
            }
            columns.insert(recorded.begin, 0);
            columns.extend(recorded.end.map(|end| (end, 0)));
        }
        for (place, column) in columns.values_mut().enumerate() {
            *column = place;
        }
        Drawing { log, judgement, events, actors, columns }
    }

    fn size(&self) -> (f64, f64) {
        (LEFT + COLUMN * (self.columns.len() + 2) as f64, TOP + ROW * self.actors.len() as f64 + 12.0)
    }

    fn caption(&self) -> String {
        let all = self.log.events().len();
        let drawn = match self.events.len() {
            drawn if drawn == all => format!("{all} events"),
            drawn => format!("{drawn} of {all} events"),
        };
        let explained: usize = self.judgement.orders.iter().map(Vec::len).sum();
        let verdict = self.judgement.conformance.agreement;
        match self.judgement.unexplained {
            Some(event) => format!(
                "{drawn}: {verdict}; line {}, {}, is explained by nothing after {explained} others",
                event + 1,
                short(&self.log.events()[event].event.to_string(), 80)
            ),
            None => format!("{drawn}: {verdict}"),
        }
    }

    fn x(&self, number: u64) -> f64 {
        let column = self.columns.get(&number).copied().unwrap_or(self.columns.len());
        LEFT + COLUMN * column as f64
    }

    fn y(&self, event: usize) -> f64 {
        let actor = &self.log.events()[event].event.actor;
        TOP + ROW * self.actors.iter().position(|other| other == actor).unwrap_or(0) as f64
    }

    fn bar(&self, event: usize, svg: &mut String) {
        let recorded = &self.log.events()[event];
        let is_explained = self.judgement.orders.iter().any(|order| order.contains(&event));
        let class = match self.judgement.unexplained {
            Some(unexplained) if unexplained == event => "unexplained",
            _ if is_explained => "explained",
            _ => "open",
        };
        let lost = if recorded.end.is_none() { " lost" } else { "" };
        let (x, y) = (self.x(recorded.begin), self.y(event));
        let end = recorded.end.map_or(LEFT + COLUMN * (self.columns.len() + 1) as f64, |end| self.x(end));
        let width = (end - x).max(6.0);
        let told = recorded.event.to_string();
        let _ = writeln!(
            svg,
            "<g><title>line {}, {}</title><rect class=\"{class}{lost}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{BAR}\" rx=\"3\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            event + 1,
            escaped(&told),
            x + 3.0,
            y + 13.0,
            escaped(&short(&told, (width / 6.0) as usize))
        );
    }

    /// The line through the events of an order, each no sooner than it begins and than the one before it.
    fn order(&self, order: &[usize], svg: &mut String) {
        let mut moments: Vec<(usize, u64)> = Vec::new();
        for event in order {
            let begin = self.log.events()[*event].begin;
            let before = moments.last().map_or(0, |(_, moment)| *moment);
            moments.push((*event, begin.max(before)));
        }
        let mut points = Vec::new();
        for chunk in moments.chunk_by(|left, right| left.1 == right.1) {
            let room = COLUMN / (chunk.len() + 1) as f64;
            for (place, (event, moment)) in chunk.iter().enumerate() {
                if self.columns.contains_key(moment) && self.columns.contains_key(&self.log.events()[*event].begin) {
                    points.push((self.x(*moment) + room * (place + 1) as f64, self.y(*event) + BAR / 2.0));
                }
            }
        }
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(svg, "<polyline class=\"order\" points=\"{}\"/>", line.join(" "));
        for (x, y) in points {
            let _ = writeln!(svg, "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>");
        }
    }
}

/// As much of `text` as `letters` letters have room for.
fn short(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_string();
    }
    let mut short: String = text.chars().take(letters.saturating_sub(1)).collect();
    if letters > 0 {
        short.push('…');
    }
    short
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
