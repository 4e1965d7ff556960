//! Pictures of the README: whose arcs are whose before and after a join, and how evenly points spread keys.

use std::fmt::Write;
use std::num::NonZeroU32;

use super::implementation::{Hashed, Member, Ring};

/// Distinct also to those who see no red.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#787878"];

fn ring(nodes: u32, points: u32) -> Ring<String, Hashed> {
    let points = NonZeroU32::new(points).expect("a picture is of rings with points");
    let mut ring = Ring::new(Hashed, points);
    for node in 0..nodes {
        ring.add(format!("node {node}"), Member::default()).expect("the nodes are distinct");
    }
    ring
}

fn head(svg: &mut String, width: u32, height: u32) {
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"14\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// Three nodes of six points, and a fourth: its arcs are the only ones that change colour.
pub(super) fn arcs() -> String {
    let (before, after) = (ring(3, 6), ring(4, 6));
    let mut svg = String::new();
    head(&mut svg, 860, 420);
    for (at, title, drawn) in [(220.0, "three nodes", &before), (640.0, "a fourth joins", &after)] {
        text(&mut svg, at, 24.0, "middle", title);
        circle(&mut svg, at, 215.0, drawn);
    }
    for (node, colour) in COLOURS.iter().enumerate() {
        let x = 255.0 + 90.0 * node as f64;
        let _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"392\" width=\"14\" height=\"14\" fill=\"{colour}\"/>");
        text(&mut svg, x + 20.0, 404.0, "start", &format!("node {node}"));
    }
    svg.push_str("</svg>\n");
    svg
}

fn circle(svg: &mut String, x: f64, y: f64, ring: &Ring<String, Hashed>) {
    let radius = 150.0;
    let at = |position: u64| {
        let angle = position as f64 / u64::MAX as f64 * std::f64::consts::TAU;
        (x + radius * angle.sin(), y - radius * angle.cos())
    };
    let points = ring.points();
    for (index, (point, node)) in points.iter().enumerate() {
        let (before, _) = &points[(index + points.len() - 1) % points.len()];
        let length = point.wrapping_sub(*before);
        let colour = node.rsplit(' ').next().and_then(|number| COLOURS.get(number.parse::<usize>().ok()?));
        let ((from_x, from_y), (to_x, to_y)) = (at(*before), at(*point));
        let _ = writeln!(
            svg,
            "<path d=\"M {from_x:.1} {from_y:.1} A {radius} {radius} 0 {} 1 {to_x:.1} {to_y:.1}\" fill=\"none\" \
             stroke=\"{}\" stroke-width=\"26\"/>",
            u8::from(length > u64::MAX / 2),
            colour.unwrap_or(&COLOURS[3])
        );
    }
    for (point, _) in points {
        let (to_x, to_y) = at(*point);
        let _ = writeln!(svg, "<circle cx=\"{to_x:.1}\" cy=\"{to_y:.1}\" r=\"3\" fill=\"white\" stroke=\"black\"/>");
    }
}

/// Points for each node, as the picture has them.
const POINTS: [u32; 8] = [1, 2, 5, 10, 20, 40, 80, 160];

/// The fullest and the emptiest of ten nodes, by the number of points of each: the exact lengths of their arcs.
pub(super) fn balance() -> String {
    let mut svg = String::new();
    head(&mut svg, 860, 360);
    text(&mut svg, 430.0, 22.0, "middle", "share of the fullest and of the emptiest of ten nodes, of the mean");
    text(&mut svg, 430.0, 350.0, "middle", "points for each node");
    let y = |share: f64| 310.0 - share * 80.0;
    let x = |index: usize| 90.0 + 100.0 * index as f64;
    for share in 0..=3 {
        let height = y(f64::from(share));
        let _ = writeln!(
            svg,
            "<line x1=\"60\" x2=\"820\" y1=\"{height:.1}\" y2=\"{height:.1}\" stroke=\"{}\"/>",
            if share == 1 { "black" } else { "#cccccc" }
        );
        text(&mut svg, 50.0, height + 5.0, "end", &share.to_string());
    }
    let shares: Vec<(f64, f64)> = POINTS.iter().map(|points| extremes(&ring(10, *points))).collect();
    for (index, (points, (most, least))) in POINTS.iter().zip(&shares).enumerate() {
        text(&mut svg, x(index), 330.0, "middle", &points.to_string());
        for (share, colour) in [(most, COLOURS[1]), (least, COLOURS[0])] {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{colour}\"/>",
                x(index),
                y(share.min(3.4))
            );
            text(&mut svg, x(index) + 10.0, y(share.min(3.4)) - 6.0, "start", &format!("{share:.2}"));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The greatest and the least share of the ring, of the mean.
fn extremes(ring: &Ring<String, Hashed>) -> (f64, f64) {
    let points = ring.points();
    let share = |node: &String| {
        let own = points.iter().enumerate().filter(|(_, (_, owner))| owner == node);
        let length = own.map(|(index, (point, _))| {
            let (before, _) = &points[(index + points.len() - 1) % points.len()];
            u128::from(point.wrapping_sub(*before))
        });
        length.sum::<u128>() as f64 / u64::MAX as f64 * ring.members().len() as f64
    };
    let shares: Vec<f64> = ring.members().map(|(node, _)| share(node)).collect();
    (shares.iter().copied().fold(0.0, f64::max), shares.iter().copied().fold(f64::INFINITY, f64::min))
}
