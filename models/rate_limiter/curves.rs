//! The worst case of each algorithm, computed from its model: the most that any stretch of time can admit.
//!
//! A stretch of `L` ticks is half-open: it holds `L` instants, the end is not of it. In the graph of what a limiter
//! without a monitor can remember, that is a path with `L − 1` ticks in it, and what it admits are its other steps; the
//! longest is found by dynamic programming over all states. The monitor of the checked models and the closed forms of
//! [`Limiter::curve`] come to the same by other ways.

use std::fmt::Write;
use std::sync::Arc;

use counterpart::explore::{Budget, Target, explore};
use plotters::prelude::*;

use super::model::{Action, Algorithm, Limiter};

/// What an algorithm admits at worst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Most requests that are admitted in a stretch of so many ticks, from 0 on.
    pub admitted: Vec<u16>,
    /// Number of states right after a tick, and of the first: what a limiter can have in mind when nothing happens.
    pub states: usize,
}

impl WorstCase {
    /// The worst case of `model`, for stretches of up to `ticks_max` ticks.
    ///
    /// # Panics
    /// If the model cannot be explored.
    pub fn of(model: &Limiter, ticks_max: usize) -> Self {
        let model = Arc::new(Limiter { monitored_ticks: 0, ..model.clone() });
        let graph = explore(model.clone(), &Budget::default()).expect("a limiter can be explored");
        let count = graph.states().len();
        // Where a tick changes nothing it is no transition, and leads back.
        let mut ticked: Vec<usize> = (0..count).collect();
        let mut admits: Vec<Vec<usize>> = vec![Vec::new(); count];
        for node in 0..count {
            for (action, target) in graph.transitions(node) {
                let to = match target {
                    Target::Node(to) => to,
                    Target::Refused | Target::Cut => continue,
                };
                match action {
                    Action::Tick => ticked[node] = to,
                    Action::Check { .. } => admits[node].push(to),
                    Action::Collect | Action::SetQuota { .. } => {}
                }
            }
        }
        let mut rest = vec![0; count];
        let mut admitted = vec![0];
        for _ in 0..ticks_max {
            // What a tick leads to has one tick less to go.
            let after_tick: Vec<u16> = ticked.iter().map(|to| rest[*to]).collect();
            let mut best: Vec<Option<u16>> = vec![None; count];
            (0..count).for_each(|node| {
                longest(node, &admits, &after_tick, &mut best);
            });
            rest = best.into_iter().flatten().collect();
            admitted.push(rest.iter().copied().max().unwrap_or(0));
        }
        let mut quiet = ticked;
        quiet.push(0);
        quiet.sort_unstable();
        quiet.dedup();
        WorstCase { admitted, states: quiet.len() }
    }
}

/// Most requests that are admitted from `node` on: some now, the rest after the tick. An admission never leads back.
fn longest(node: usize, admits: &[Vec<usize>], after_tick: &[u16], best: &mut [Option<u16>]) -> u16 {
    if let Some(known) = best[node] {
        return known;
    }
    let more = admits[node].iter().map(|to| 1 + longest(*to, admits, after_tick, best)).max().unwrap_or(0);
    let most = more.max(after_tick[node]);
    best[node] = Some(most);
    most
}

/// The rows of the table: a window of 6 and a limit of 4, and GCRA, whose interval is whole, in a window of 8.
pub fn rows() -> Vec<(&'static str, Limiter)> {
    vec![
        ("fixed window", Limiter::of(Algorithm::FixedWindow, 6, 4)),
        ("window from the first call (tower)", Limiter::of(Algorithm::WindowFromFirstCall, 6, 4)),
        ("coarse refill, 4 a window (leaky-bucket)", Limiter::of(Algorithm::CoarseRefill, 6, 4)),
        ("sliding log", Limiter::of(Algorithm::SlidingLog, 6, 4)),
        ("sliding counter", Limiter::of(Algorithm::SlidingCounter, 6, 4)),
        ("token bucket, burst 4", Limiter::of(Algorithm::TokenBucket, 6, 4)),
        ("GCRA, burst 4 (window 8, interval 2)", Limiter::gcra(8, 2, 4)),
        ("GCRA, burst 1 (window 8, interval 2)", Limiter::gcra(8, 2, 1)),
    ]
}

/// The table of the README.
pub(super) fn table() -> String {
    let mut table =
        "| algorithm | 1 tick | 2 ticks | a window | two windows | states between ticks |\n|---|---|---|---|---|---|\n"
            .to_string();
    for (name, model) in rows() {
        let window = usize::from(model.window_ticks);
        let worst = WorstCase::of(&model, 2 * window);
        let at = |ticks: usize| worst.admitted[ticks];
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {} |",
            at(1),
            at(2),
            at(window),
            at(2 * window),
            worst.states
        );
    }
    table
}

/// The curves as a picture: one window for all, so that they can be compared.
pub(super) fn picture() -> String {
    draw().expect("a drawing into memory does not fail")
}

/// Window and limit of the picture: GCRA needs a whole interval, which 8 ticks and 4 requests have.
const PICTURED: (u8, u8) = (8, 4);

fn draw() -> Result<String, Box<dyn std::error::Error>> {
    let (window, limit) = PICTURED;
    // Two that are alike are drawn once; that they are is tested.
    let lines: [(&str, Limiter, RGBColor); 6] = [
        ("fixed window, coarse refill", Limiter::of(Algorithm::FixedWindow, window, limit), RGBColor(0xb2, 0x18, 0x2b)),
        (
            "window from the first call",
            Limiter::of(Algorithm::WindowFromFirstCall, window, limit),
            RGBColor(0xe0, 0x82, 0x14),
        ),
        ("token bucket, GCRA, burst 4", Limiter::gcra(window, window / limit, limit), RGBColor(0x21, 0x66, 0xac)),
        ("sliding counter", Limiter::of(Algorithm::SlidingCounter, window, limit), RGBColor(0x76, 0x2a, 0x83)),
        ("sliding log", Limiter::of(Algorithm::SlidingLog, window, limit), RGBColor(0x1b, 0x78, 0x37)),
        ("GCRA, burst 1", Limiter::gcra(window, window / limit, 1), RGBColor(0x5a, 0xae, 0x61)),
    ];
    let ticks_max = 2 * usize::from(window);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption("The most that any stretch of time admits: window 8 ticks, limit 4", ("sans-serif", 17))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(44)
            .build_cartesian_2d(0..ticks_max as i32, 0..13)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc("length of the stretch in ticks")
            .y_desc("requests admitted")
            .x_labels(ticks_max + 1)
            .y_labels(14)
            .draw()?;
        // What a promise of the limit in every window would be.
        let promised = |ticks: usize| i32::from(limit) * ticks.div_ceil(usize::from(window)) as i32;
        for (index, (name, model, colour)) in lines.iter().enumerate() {
            let worst = WorstCase::of(model, ticks_max);
            let mut points = Vec::new();
            for ticks in 1..=ticks_max {
                let admitted = i32::from(worst.admitted[ticks]);
                points.extend([(ticks as i32 - 1, admitted), (ticks as i32, admitted)]);
            }
            let style = colour.stroke_width(if index % 2 == 0 { 4 } else { 2 });
            let legend = style;
            chart
                .draw_series(LineSeries::new(points, style))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 22, y)], legend));
        }
        let steps =
            (1..=ticks_max).flat_map(|ticks| [(ticks as i32 - 1, promised(ticks)), (ticks as i32, promised(ticks))]);
        chart
            .draw_series(steps.step_by(2).map(|point| Circle::new(point, 2, BLACK.filled())))?
            .label("the limit in every window")
            .legend(|(x, y)| Circle::new((x + 11, y), 2, BLACK.filled()));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(0xbb, 0xbb, 0xbb))
            .label_font(("sans-serif", 13))
            .draw()?;
        root.present()?;
    }
    if !svg.ends_with('\n') {
        svg.push('\n');
    }
    Ok(svg)
}
