//! `queues.svg`: the story as queue lengths over time.

use plotters::prelude::*;
use stateright::Model;

use super::model::{Cluster, Policy};

const TICKS: usize = 40;

/// Queue length by server over the first ticks of `round_robin_legacy`; a gap is a server that is down. No text is laid
/// out here: an SVG names its fonts and leaves that to the reader.
///
/// # Panics
/// If the chart cannot be drawn, which does not depend on the world.
pub fn queues() -> String {
    let model = Cluster::legacy(Policy::RoundRobin);
    let mut state = model.init_states()[0];
    let mut lengths: Vec<Vec<Option<u8>>> = Vec::new();
    for _ in 0..=TICKS {
        lengths.push((0..model.count()).map(|at| (state.down[at] == 0).then_some(state.queues[at])).collect());
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        state = model.next_state(&state, actions[0]).expect("a tick can always go by");
    }
    let mut svg = String::new();
    draw(&model, &lengths, &mut svg).expect("drawn into memory");
    svg.push('\n');
    svg
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(model: &Cluster, lengths: &[Vec<Option<u8>>], svg: &mut String) -> Drawn {
    let area = SVGBackend::with_string(svg, (900, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("round_robin_legacy: ten servers, 90 requests a tick, 9 to each", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0..TICKS, 0..usize::from(model.queue_max))?;
    chart
        .configure_mesh()
        .x_desc("tick")
        .y_desc("requests waiting at the end of the tick")
        .light_line_style(WHITE)
        .draw()?;
    // Fast, nominal and legacy servers; those of a kind on top of each other unless they fare differently.
    let kinds = [
        (15, "fast: 15 a tick", RGBColor(0, 114, 178)),
        (10, "nominal: 10 a tick", RGBColor(120, 120, 120)),
        (6, "legacy: 6 a tick", RGBColor(213, 94, 0)),
    ];
    for (capacity, name, colour) in kinds {
        let mut named = false;
        for at in (0..model.count()).filter(|at| model.capacities[*at] == capacity) {
            let points: Vec<Option<(usize, usize)>> =
                lengths.iter().enumerate().map(|(tick, row)| row[at].map(|length| (tick, length.into()))).collect();
            for run in points.split(Option::is_none).filter(|run| !run.is_empty()) {
                let line = chart.draw_series(LineSeries::new(run.iter().flatten().copied(), colour.stroke_width(2)))?;
                if !std::mem::replace(&mut named, true) {
                    line.label(name)
                        .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
                }
            }
            // Where it crashed.
            for tick in 1..lengths.len() {
                if let (Some(length), None) = (lengths[tick - 1][at], lengths[tick][at]) {
                    chart.draw_series([Cross::new((tick - 1, usize::from(length)), 5, colour.stroke_width(2))])?;
                }
            }
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .border_style(BLACK)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    area.present()?;
    Ok(())
}
