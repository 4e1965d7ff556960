//! The picture as SVG: laid out in layers by dagre, drawn here.

use std::fmt::Write;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, layout};

use super::{CRITICAL, Drawing, INK, Mark, Node, Stroke, step_name};

/// Average width of a letter of the font, in pixels as all lengths are, with some to spare: nothing is measured.
const LETTER: f64 = 6.4;
const LINE: f64 = 15.0;
/// From the outer border of a critical configuration to the inner.
const DOUBLE: f64 = 4.0;
const MARGIN: f64 = 16.0;

#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
}

/// A configuration's outline.
#[derive(Clone, Copy)]
struct Outline {
    mark: Mark,
    centre: Place,
    width: f64,
    height: f64,
}

pub(super) fn draw(drawing: &Drawing) -> String {
    let graph = laid_out(drawing);
    let places: Vec<Outline> = drawing
        .nodes
        .iter()
        .map(|node| {
            let (width, height) = size(node);
            Outline { mark: node.mark, centre: place(&graph, &node_name(node)), width, height }
        })
        .collect();
    let mut body = String::new();
    let mut extent = Place { x: 320.0, y: 0.0 };
    draw_edges(drawing, &graph, &places, &mut body, &mut extent);
    draw_nodes(drawing, &graph, &places, &mut body, &mut extent);
    let (legend, bottom) = legend(drawing, extent);
    let title = if drawing.title.is_empty() { "valency" } else { &drawing.title };
    let (width, height) = (extent.x + MARGIN, bottom + MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" \
         text-anchor=\"middle\">\n<title>{}</title>\n<desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#ffffff\"/>\n",
        escaped(title),
        escaped(&drawing.caption().join("; "))
    );
    text.push_str(&body);
    text.push_str(&legend);
    text.push_str("</svg>\n");
    text
}

/// Puts the steps into `body`, each with its label. `extent` grows to what is drawn.
fn draw_edges(
    drawing: &Drawing,
    graph: &Graph<NodeLabel, EdgeLabel>,
    places: &[Outline],
    body: &mut String,
    extent: &mut Place,
) {
    for (index, edge) in drawing.edges.iter().enumerate() {
        let (from, to) = (node_name(&drawing.nodes[edge.from]), node_name(&drawing.nodes[edge.to]));
        let Some(laid) = graph.edge(&from, &to, Some(&index.to_string())) else { continue };
        let mut points: Vec<Place> = laid.points.iter().map(|point| Place { x: point.x, y: point.y }).collect();
        // dagre ends an arrow where the way to the centre meets a box: at its side, where it may graze the neighbours.
        if let [first, inner @ .., last] = &mut points[..]
            && let (Some(second), Some(before)) = (inner.first(), inner.last())
        {
            *first = places[edge.from].faces(*second);
            *last = places[edge.to].faces(*before);
        }
        let stroke = Stroke::of(edge.process);
        body.push_str(&arrow(&points, &stroke));
        points.iter().for_each(|point| extent.include(*point));
        if let (Some(x), Some(y), false) = (laid.x, laid.y, edge.label.is_empty()) {
            let width = text_width(&edge.label);
            let _ = writeln!(
                body,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"14\" fill=\"#ffffff\" fill-opacity=\"0.85\"/>",
                x - width / 2.0,
                y - 7.0
            );
            let _ = writeln!(
                body,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\" font-size=\"11\">{}</text>",
                y + 4.0,
                stroke.colour,
                escaped(&edge.label)
            );
            extent.include(Place { x: x + width / 2.0, y });
        }
    }
}

/// Puts the configurations into `body`, over the steps' ends. `extent` grows to what is drawn.
fn draw_nodes(
    drawing: &Drawing,
    graph: &Graph<NodeLabel, EdgeLabel>,
    places: &[Outline],
    body: &mut String,
    extent: &mut Place,
) {
    for (node, outline) in drawing.nodes.iter().zip(places) {
        if node.is_initial {
            let start = place(graph, &start_name(node));
            let _ = writeln!(body, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{INK}\"/>", start.x, start.y);
            let stroke = Stroke { colour: INK, dot_style: "solid", dashes: "" };
            body.push_str(&arrow(&[start, outline.meets(start)], &stroke));
        }
        let _ = writeln!(body, "<g><title>configuration {}</title>", node.number);
        body.push_str(&outline.drawn(node.is_critical));
        let top = outline.centre.y - LINE * (node.lines.len() as f64 - 1.0) / 2.0 + 4.0;
        for (line, text) in node.lines.iter().enumerate() {
            let y = top + LINE * line as f64;
            let weight = if line == usize::from(node.is_initial) { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(
                body,
                "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{INK}\"{weight}>{}</text>",
                outline.centre.x,
                escaped(text)
            );
        }
        body.push_str("</g>\n");
        extent.include(Place { x: outline.centre.x + outline.width / 2.0, y: outline.centre.y + outline.height / 2.0 });
    }
}

impl Place {
    fn include(&mut self, other: Place) {
        *self = Place { x: self.x.max(other.x), y: self.y.max(other.y) };
    }
}

fn node_name(node: &Node) -> String {
    format!("n{}", node.number)
}

/// The dot that an initial configuration is entered from.
fn start_name(node: &Node) -> String {
    format!("s{}", node.number)
}

fn text_width(text: &str) -> f64 {
    LETTER * text.chars().count() as f64 + 6.0
}

fn size(node: &Node) -> (f64, f64) {
    let widest = node.lines.iter().map(|line| text_width(line)).fold(0.0, f64::max);
    let border = if node.is_critical { 2.0 * DOUBLE } else { 0.0 };
    // What a shape with slanted sides cannot use.
    let slanted = if matches!(node.mark, Mark::Univalent(0) | Mark::Nullvalent) { 8.0 } else { 24.0 };
    (widest + slanted + border, LINE * node.lines.len() as f64 + 14.0 + border)
}

/// Everything has a place: configurations by their size, steps with their labels.
fn laid_out(drawing: &Drawing) -> Graph<NodeLabel, EdgeLabel> {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for node in &drawing.nodes {
        let (width, height) = size(node);
        graph.set_node(node_name(node), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for node in drawing.nodes.iter().filter(|node| node.is_initial) {
        let (from, to) = (start_name(node), node_name(node));
        graph.set_node(from.clone(), Some(NodeLabel { width: 8.0, height: 8.0, ..NodeLabel::default() }));
        graph.set_edge(from, to, Some(EdgeLabel { weight: 4, ..EdgeLabel::default() }), Some("start"));
    }
    for (index, edge) in drawing.edges.iter().enumerate() {
        let (from, to) = (node_name(&drawing.nodes[edge.from]), node_name(&drawing.nodes[edge.to]));
        let (width, height) = if edge.label.is_empty() { (0.0, 0.0) } else { (text_width(&edge.label), 14.0) };
        let label =
            EdgeLabel { width, height, labelpos: dagre::layout::types::LabelPos::Center, ..EdgeLabel::default() };
        graph.set_edge(from, to, Some(label), Some(&index.to_string()));
    }
    let options = LayoutOptions {
        nodesep: 22.0,
        edgesep: 12.0,
        ranksep: 36.0,
        marginx: MARGIN,
        marginy: MARGIN,
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    layout(&mut graph, Some(options));
    graph
}

fn place(graph: &Graph<NodeLabel, EdgeLabel>, name: &str) -> Place {
    let laid = graph.node(name);
    let coordinate = |of: fn(&NodeLabel) -> Option<f64>| laid.and_then(of).unwrap_or_default();
    Place { x: coordinate(|node| node.x), y: coordinate(|node| node.y) }
}

impl Outline {
    /// Its corners, in order.
    fn corners(&self) -> Vec<Place> {
        let (x, y) = (self.width / 2.0, self.height / 2.0);
        // How much is taken off the corners, along either side.
        let (along, down) = match self.mark {
            Mark::Univalent(0) | Mark::Nullvalent => (0.0, 0.0),
            // Nearly a half circle at either end: what of it is drawn round is beyond the corners.
            Mark::Univalent(1) => (0.3 * self.height, 0.3 * self.height),
            Mark::Univalent(_) => (10.0, 10.0),
            Mark::Bivalent => (0.4 * self.height, y),
            Mark::Disagreement => (10.0, 0.3 * self.height),
        };
        let corners = [
            (along - x, -y),
            (x - along, -y),
            (x, down - y),
            (x, y - down),
            (x - along, y),
            (along - x, y),
            (-x, y - down),
            (-x, down - y),
        ];
        corners.map(|(x, y)| Place { x: self.centre.x + x, y: self.centre.y + y }).to_vec()
    }

    /// Where the line from its centre towards `other` leaves it.
    fn meets(&self, other: Place) -> Place {
        let (dx, dy) = (other.x - self.centre.x, other.y - self.centre.y);
        let corners = self.corners();
        let next = corners.iter().cycle().skip(1);
        let crossings = corners.iter().zip(next).filter_map(|(one, two)| {
            let (ex, ey) = (two.x - one.x, two.y - one.y);
            let across = dx * ey - dy * ex;
            let (ox, oy) = (one.x - self.centre.x, one.y - self.centre.y);
            let (along, within) = ((ox * ey - oy * ex) / across, (ox * dy - oy * dx) / across);
            (across != 0.0 && along > 0.0 && (0.0..=1.0).contains(&within)).then_some(along)
        });
        let along = crossings.fold(f64::INFINITY, f64::min);
        if !along.is_finite() {
            return other;
        }
        Place { x: self.centre.x + dx * along, y: self.centre.y + dy * along }
    }

    /// Where a way to or from `other`, above or below, should touch it: on that side, towards `other`.
    fn faces(&self, other: Place) -> Place {
        let reach = 0.3 * self.width;
        let x = (other.x - self.centre.x).clamp(-reach, reach);
        let y = (self.height / 2.0).copysign(other.y - self.centre.y);
        self.meets(Place { x: self.centre.x + x, y: self.centre.y + y })
    }

    fn drawn(&self, is_double: bool) -> String {
        let mut text = self.shape(self.mark.fill());
        if is_double {
            let inner = Outline { width: self.width - 2.0 * DOUBLE, height: self.height - 2.0 * DOUBLE, ..*self };
            text.push_str(&inner.shape("none"));
        }
        text
    }

    fn shape(&self, fill: &str) -> String {
        let dashes = if self.mark.is_dashed() { " stroke-dasharray=\"5 3\"" } else { "" };
        let look = format!("fill=\"{fill}\" stroke=\"{INK}\" stroke-width=\"1.3\"{dashes}");
        if self.mark == Mark::Univalent(1) {
            return format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{:.1}\" {look}/>\n",
                self.centre.x - self.width / 2.0,
                self.centre.y - self.height / 2.0,
                self.width,
                self.height,
                self.height / 2.0
            );
        }
        let corners: Vec<String> =
            self.corners().iter().map(|corner| format!("{:.1},{:.1}", corner.x, corner.y)).collect();
        format!("<polygon points=\"{}\" {look}/>\n", corners.join(" "))
    }
}

/// A line rounded at its inner points, with a head.
fn arrow(points: &[Place], stroke: &Stroke) -> String {
    let [first, inner @ .., last] = points else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", first.x, first.y);
    for (index, point) in inner.iter().enumerate() {
        let end = match inner.get(index + 1) {
            Some(next) => Place { x: (point.x + next.x) / 2.0, y: (point.y + next.y) / 2.0 },
            None => *last,
        };
        let _ = write!(path, " Q{:.1} {:.1} {:.1} {:.1}", point.x, point.y, end.x, end.y);
    }
    if inner.is_empty() {
        let _ = write!(path, " L{:.1} {:.1}", last.x, last.y);
    }
    let before = inner.last().unwrap_or(first);
    let (dx, dy) = (last.x - before.x, last.y - before.y);
    let length = (dx * dx + dy * dy).sqrt().max(0.001);
    let (dx, dy) = (dx / length, dy / length);
    let (back, side) = (9.0, 3.6);
    let dashes =
        if stroke.dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", stroke.dashes) };
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\"{dashes}/>\n<polygon \
         points=\"{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}\" fill=\"{colour}\"/>\n",
        last.x,
        last.y,
        last.x - dx * back - dy * side,
        last.y - dy * back + dx * side,
        last.x - dx * back + dy * side,
        last.y - dy * back - dx * side,
        colour = stroke.colour
    )
}

/// What every shape and line means that occurs, below the picture and as wide as it is. With the height at its end.
fn legend(drawing: &Drawing, extent: Place) -> (String, f64) {
    let (sample_width, sample_height) = (34.0, 20.0);
    let sample = |mark| Outline { mark, centre: Place { x: 0.0, y: 0.0 }, width: sample_width, height: sample_height };
    let mut entries: Vec<(String, String)> = Vec::new();
    entries.extend(drawing.marks().into_iter().map(|mark| (sample(mark).drawn(false), mark.name())));
    entries.extend(drawing.has_critical().then(|| {
        let name = format!("{CRITICAL}: the next step settles the decision");
        (sample(Mark::Bivalent).drawn(true), name)
    }));
    if drawing.nodes.iter().any(|node| node.is_initial) {
        entries.push((format!("<circle cx=\"0\" cy=\"0\" r=\"4\" fill=\"{INK}\"/>\n"), "initial".into()));
    }
    entries.extend(drawing.processes().into_iter().map(|process| {
        let (start, end) = (Place { x: -sample_width / 2.0, y: 0.0 }, Place { x: sample_width / 2.0, y: 0.0 });
        (arrow(&[start, end], &Stroke::of(process)), step_name(process))
    }));
    let mut text = String::new();
    let (mut x, mut y) = (MARGIN, extent.y + 34.0);
    let _ = writeln!(
        text,
        "<line x1=\"{MARGIN}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#bbbbbb\"/>",
        y - 18.0,
        extent.x,
        y - 18.0
    );
    if !drawing.title.is_empty() {
        let _ = writeln!(
            text,
            "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{INK}\" font-size=\"14\" font-weight=\"bold\" \
             text-anchor=\"start\">{}</text>",
            y + 4.0,
            escaped(&drawing.title)
        );
        y += 28.0;
    }
    for (drawn, name) in entries {
        let width = sample_width + 8.0 + text_width(&name) + 14.0;
        if x > MARGIN && x + width > extent.x + MARGIN {
            (x, y) = (MARGIN, y + 28.0);
        }
        let _ = writeln!(
            text,
            "<g transform=\"translate({:.1} {y:.1})\">\n{drawn}<text x=\"{:.1}\" y=\"4\" fill=\"{INK}\" \
             text-anchor=\"start\">{}</text></g>",
            x + sample_width / 2.0,
            sample_width / 2.0 + 8.0,
            escaped(&name)
        );
        x += width;
    }
    (text, y + sample_height / 2.0)
}

/// For text in XML, which has no place for control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
