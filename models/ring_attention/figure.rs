//! Who holds which block when: a row a host, a column a step, read off our own rotation. And what a host goes through,
//! read off the model.

use std::fmt::Write;
use std::sync::Arc;

use counterpart::explore::{Budget, explore};

use super::implementation::{Next, Order, Pass, Plan, Rotation, Way};
use super::model::{Action, Op, Ring, State, Status};

/// Hosts in the picture.
const HOSTS: usize = 8;

/// A colour a block.
const COLOURS: [&str; HOSTS] = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#eeca3b", "#b279a2", "#9d755d"];

/// Pixels of a block's side.
const SIDE: usize = 48;

/// The lap as SVG.
pub(super) fn lap() -> String {
    let plan = Plan::new(HOSTS, Order::SendFirst, 1, Pass::Forward).expect("a ring that does not stand still");
    let (left, top) = (80, 40);
    let (width, height) = (left + HOSTS * SIDE + 10, top + HOSTS * SIDE + 10);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"14\">\n<title>Whose keys and values each host has at each step</title>\n"
    );
    for step in 0..HOSTS {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step {step}</text>",
            left + step * SIDE + SIDE / 2,
            top - 12
        );
    }
    for host in 0..HOSTS {
        let y = top + host * SIDE;
        let _ = writeln!(svg, "<text x=\"10\" y=\"{}\">host {host}</text>", y + SIDE / 2 + 5);
        for (step, origin) in origins(plan, host).into_iter().enumerate() {
            let x = left + step * SIDE;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" \
                 text-anchor=\"middle\" fill=\"white\">{origin}</text>",
                COLOURS[origin],
                x + SIDE / 2,
                y + SIDE / 2 + 5,
                side = SIDE - 2,
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The blocks that a host computes with, in order.
fn origins(plan: Plan, host: usize) -> Vec<usize> {
    let mut rotation = Rotation::new(plan, host).expect("a host of this ring");
    let mut origins = Vec::new();
    while let Some(next) = rotation.next() {
        if next == Next::Compute(Way::Up) {
            origins.push(rotation.origin(Way::Up));
        }
        rotation.done();
    }
    origins
}

/// What host 0 of a ring goes through, and what leads from one to the next.
pub(super) fn diagram(ring: &Ring) -> String {
    let graph = explore(Arc::new(ring.clone()), &Budget::default()).expect("a ring that can be explored");
    let phase = |state: &State| {
        let host = &state.hosts[0];
        let running = match ring.programme(0, host.step).get(usize::from(host.at)) {
            Some(Op::Post(..)) => "BeforeSending",
            Some(Op::AwaitTaken(_)) => "WaitsToSend",
            Some(Op::Begin(_)) => "BeforeComputing",
            Some(Op::End(_)) => "Computes",
            Some(Op::Ask(..)) => "BeforeReceiving",
            Some(Op::AwaitGiven(_)) => "WaitsToReceive",
            Some(Op::Swap) => "HasTheNextBlock",
            Some(Op::Publish) | None => "BeforePublishing",
        };
        let phase = match host.status {
            Status::Running => running,
            Status::Published => "Published",
            Status::Disconnected => "Disconnected",
            Status::Crashed => "Crashed",
        };
        phase.to_string()
    };
    counterpart::view::state_diagram(&graph, phase, |action| {
        match action {
            Action::Step { .. } => "go on",
            Action::Take { .. } => "the channel takes",
            Action::Give { .. } => "the channel gives",
            Action::SeeDisconnect { .. } => "a neighbour is gone",
            Action::Crash { .. } => "crash",
        }
        .into()
    })
}
