//! Valency as a picture: every configuration, shaded by what can still be decided from it, and every step between them.
//!
//! Nothing is told by colour alone: each valency has a shape and its name as well, and each process a dash pattern.
//! Fills are light and strokes dark, in hues that the colour blind tell apart: those of M. Okabe and K. Ito, "Color
//! Universal Design", 2008, made lighter and darker.

#[cfg(feature = "picture")]
mod svg;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use crate::explore::{Graph, Target};
use crate::model::{CheckedModel, Consensus, Event};
use crate::verdict::valency::{Printed, Valencies, Valency, read_events};

/// What stands at a node, or at an event by its number.
type Text<'a> = Box<dyn Fn(usize) -> String + 'a>;

/// What is drawn of a graph's valencies. A picture of more than some sixty configurations is hard to read:
/// [`reached_from`](ValencyPicture::reached_from) draws a part.
///
/// Steps that change nothing are left out. The same picture is the same bytes, always.
///
/// `dot` writes it for Graphviz, and `svg` (feature `picture`) lays it out and draws it.
pub struct ValencyPicture<'a> {
    valencies: &'a Valencies<'a>,
    title: String,
    start: Option<usize>,
    state_text: Text<'a>,
    /// Where it is not said: the message.
    event_text: Option<Text<'a>>,
}

impl fmt::Debug for ValencyPicture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValencyPicture").field("title", &self.title).field("start", &self.start).finish_non_exhaustive()
    }
}

impl<'a> ValencyPicture<'a> {
    /// A picture of all configurations. A step is labelled with its message.
    pub fn of(valencies: &'a Valencies<'a>) -> Self {
        ValencyPicture {
            valencies,
            title: String::new(),
            start: None,
            state_text: Box::new(|_| String::new()),
            event_text: None,
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Draws only what can be reached from the configuration `node`, itself included: from an initial one, say.
    #[must_use]
    pub fn reached_from(mut self, node: usize) -> Self {
        self.start = Some(node);
        self
    }

    /// Sets what stands in each configuration, below its inputs and its valency. Nothing by default. The text may have
    /// several lines.
    #[must_use]
    pub fn states<M: CheckedModel>(mut self, graph: &'a Graph<M>, text: impl Fn(&M::State) -> String + 'a) -> Self {
        self.state_text = Box::new(move |node| text(&graph.states()[node]));
        self
    }

    /// Sets what stands at each step, on one line; the message by default. An empty text leaves the label out. `graph` and
    /// `consensus` are those that the valencies are of.
    #[must_use]
    pub fn events<C: Consensus>(
        mut self,
        graph: &Graph<C::Model>,
        consensus: &C,
        text: impl Fn(&Event<C::Message>) -> String,
    ) -> Self {
        let texts: Vec<String> = read_events(graph, consensus).0.iter().map(text).collect();
        self.event_text = Some(Box::new(move |event| texts[event].clone()));
        self
    }

    /// The picture in DOT, for Graphviz.
    ///
    /// # Panics
    /// If [`reached_from`](ValencyPicture::reached_from) was given a node that is none.
    pub fn dot(&self) -> String {
        let drawing = self.drawing();
        let caption: Vec<String> = drawing.caption().into_iter().map(|line| quoted(&line)).collect();
        let caption = caption.join("\\n");
        let mut text = format!(
            "digraph valency {{\n    graph [bgcolor=\"white\", fontname=\"Helvetica\", labelloc=\"b\", \
             label=\"{caption}\"]\n    node [style=\"filled\", color=\"{INK}\", fontcolor=\"{INK}\", \
             fontname=\"Helvetica\", fontsize=11]\n    edge [fontname=\"Helvetica\", fontsize=10]\n"
        );
        for node in &drawing.nodes {
            let Node { number, mark, .. } = node;
            let lines: Vec<String> = node.lines.iter().map(|line| quoted(line)).collect();
            let _ = writeln!(
                text,
                "    n{number} [shape={}, fillcolor=\"{}\", label=\"{}\"{}{}]",
                mark.dot_shape(),
                mark.fill(),
                lines.join("\\n"),
                if node.is_critical { ", peripheries=2" } else { "" },
                if mark.is_dashed() { ", style=\"filled,dashed\"" } else { "" },
            );
            if node.is_initial {
                let _ = writeln!(
                    text,
                    "    s{number} [shape=point, width=0.08]\n    s{number} -> n{number} [color=\"{INK}\"]"
                );
            }
        }
        for Edge { from, to, process, label } in &drawing.edges {
            let Stroke { colour, dot_style, .. } = Stroke::of(*process);
            let (from, to, label) = (drawing.nodes[*from].number, drawing.nodes[*to].number, quoted(label));
            let _ = writeln!(
                text,
                "    n{from} -> n{to} [label=\"{label}\", style=\"{dot_style}\", color=\"{colour}\", \
                 fontcolor=\"{colour}\"]"
            );
        }
        text.push_str("}\n");
        text
    }

    /// The picture in SVG, for a browser: laid out in layers, with a legend and a background of its own.
    ///
    /// # Panics
    /// As [`dot`](ValencyPicture::dot).
    #[cfg(feature = "picture")]
    pub fn svg(&self) -> String {
        svg::draw(&self.drawing())
    }

    fn drawing(&self) -> Drawing {
        let valencies = self.valencies;
        let shape = valencies.shape();
        let initial: BTreeMap<usize, String> =
            valencies.initial().iter().map(|initial| (initial.node, initial.inputs_text())).collect();
        let shown: Vec<usize> = match self.start {
            None => (0..shape.node_count()).collect(),
            Some(start) => self.reached(start).into_iter().collect(),
        };
        let places: BTreeMap<usize, usize> = shown.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut drawing = Drawing { title: self.title.clone(), nodes: Vec::new(), edges: Vec::new() };
        for node in shown {
            let mark = if valencies.decided(node).len() > 1 {
                Mark::Disagreement
            } else {
                match valencies.valency(node) {
                    Valency::Univalent(value) => Mark::Univalent(value),
                    Valency::Bivalent(_) => Mark::Bivalent,
                    Valency::Nullvalent => Mark::Nullvalent,
                }
            };
            let decided: Vec<String> = valencies.decided(node).iter().map(|value| value.to_string()).collect();
            let mut lines = Vec::new();
            lines.extend(initial.get(&node).map(|inputs| format!("inputs {inputs}")));
            lines.push(match decided.is_empty() {
                true => valencies.valency(node).to_string(),
                false => format!("decided {}", decided.join(" and ")),
            });
            let text = (self.state_text)(node);
            lines.extend(text.lines().map(str::to_string));
            drawing.nodes.push(Node {
                number: node,
                mark,
                lines,
                is_critical: valencies.critical_at(node).is_some(),
                is_initial: initial.contains_key(&node),
            });
            // Steps of one process between the same two are one arrow.
            let mut arrows: BTreeMap<(usize, Option<usize>), Vec<String>> = BTreeMap::new();
            for place in shape.places(node) {
                let (Target::Node(to), Some(event)) = (shape.target_at(place), valencies.event_at(place)) else {
                    continue;
                };
                if let (Some(to), true) = (places.get(&to), to != node) {
                    let labels = arrows.entry((*to, event.process)).or_default();
                    let label = self.label(place, event);
                    if !label.is_empty() && !labels.contains(&label) {
                        labels.push(label);
                    }
                }
            }
            let from = places[&node];
            let edge = |((to, process), labels): (_, Vec<String>)| Edge { from, to, process, label: labels.join(", ") };
            drawing.edges.extend(arrows.into_iter().map(edge));
        }
        drawing
    }

    fn label(&self, place: usize, event: &Event<Printed>) -> String {
        match (&self.event_text, self.valencies.event_number(place)) {
            (Some(text), Some(number)) => text(number),
            _ => event.message.0.clone(),
        }
    }

    /// What can be reached from `start`.
    fn reached(&self, start: usize) -> BTreeSet<usize> {
        let shape = self.valencies.shape();
        let mut reached = BTreeSet::from([start]);
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            for target in shape.targets(node) {
                if let Target::Node(to) = target
                    && reached.insert(to)
                {
                    waiting.push(to);
                }
            }
        }
        reached
    }
}

/// Text and outlines.
const INK: &str = "#1a1a1a";

/// What is drawn, before anything has a place.
struct Drawing {
    title: String,
    /// By number.
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

struct Node {
    /// In the graph.
    number: usize,
    mark: Mark,
    lines: Vec<String>,
    is_critical: bool,
    is_initial: bool,
}

struct Edge {
    /// Index of a node drawn.
    from: usize,
    /// Index of a node drawn.
    to: usize,
    process: Option<usize>,
    label: String,
}

impl Drawing {
    /// Every mark that occurs.
    fn marks(&self) -> BTreeSet<Mark> {
        self.nodes.iter().map(|node| node.mark).collect()
    }

    /// Whoever takes a step.
    fn processes(&self) -> BTreeSet<Option<usize>> {
        self.edges.iter().map(|edge| edge.process).collect()
    }

    fn has_critical(&self) -> bool {
        self.nodes.iter().any(|node| node.is_critical)
    }

    /// The legend in words: what every shape and line means that occurs.
    fn caption(&self) -> Vec<String> {
        let marks = self.marks().into_iter().map(|mark| format!("{}: {}", mark.dot_shape(), mark.name()));
        let strokes = self.processes().into_iter();
        let strokes = strokes.map(|process| format!("{}: {}", Stroke::of(process).dot_style, step_name(process)));
        let mut lines = Vec::new();
        lines.extend((!self.title.is_empty()).then(|| self.title.clone()));
        lines.push(marks.collect::<Vec<_>>().join("; "));
        lines.extend(self.has_critical().then(|| format!("double border: {CRITICAL}")));
        lines.push(strokes.collect::<Vec<_>>().join("; "));
        lines
    }
}

const CRITICAL: &str = "critical";

/// How a configuration looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Univalent(u8),
    Bivalent,
    Nullvalent,
    Disagreement,
}

impl Mark {
    fn name(self) -> String {
        match self {
            Mark::Univalent(value) => format!("{value}-valent"),
            Mark::Bivalent => "bivalent".into(),
            Mark::Nullvalent => "nullvalent: nothing can be decided".into(),
            Mark::Disagreement => "two values are decided".into(),
        }
    }

    fn dot_shape(self) -> &'static str {
        match self {
            Mark::Univalent(0) | Mark::Nullvalent => "box",
            Mark::Univalent(1) => "ellipse",
            Mark::Univalent(_) => "house",
            Mark::Bivalent => "hexagon",
            Mark::Disagreement => "octagon",
        }
    }

    fn fill(self) -> &'static str {
        match self {
            Mark::Univalent(0) => "#cfe6f7",
            Mark::Univalent(1) => "#fbe0b0",
            Mark::Univalent(_) => "#cdeadf",
            Mark::Bivalent => "#ffffff",
            Mark::Nullvalent => "#dddddd",
            Mark::Disagreement => "#f6c3b5",
        }
    }

    /// Whether its outline is, which tells it from the other boxes.
    fn is_dashed(self) -> bool {
        self == Mark::Nullvalent
    }
}

/// How a step looks.
struct Stroke {
    colour: &'static str,
    dot_style: &'static str,
    /// Lengths on and off; empty for a solid line.
    #[cfg_attr(not(feature = "picture"), expect(dead_code, reason = "Graphviz has names for them"))]
    dashes: &'static str,
}

impl Stroke {
    /// Colours and dash patterns come round at different times, so that twenty processes look different.
    fn of(process: Option<usize>) -> Stroke {
        const COLOURS: [&str; 5] = ["#00507d", "#a83f00", "#006b4d", "#7a2f62", "#4a4a00"];
        const PATTERNS: [(&str, &str); 4] = [("solid", ""), ("dashed", "7 4"), ("dotted", "2 3"), ("bold", "12 3 2 3")];
        let (colour, (dot_style, dashes)) = match process {
            Some(process) => (COLOURS[process % COLOURS.len()], PATTERNS[process % PATTERNS.len()]),
            None => ("#5f5f5f", ("dashed,bold", "1 4")),
        };
        Stroke { colour, dot_style, dashes }
    }
}

fn step_name(process: Option<usize>) -> String {
    match process {
        Some(process) => format!("step of process {process}"),
        None => "step of the environment".into(),
    }
}

/// For the inside of a string in DOT.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
