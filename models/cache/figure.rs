//! Two panels, one above the other, on one axis: a ratio, and the load that it does not show.

pub(super) use plotters::prelude::SeriesLabelPosition;
use plotters::prelude::{
    ChartBuilder, Color, DrawingAreaErrorKind, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend, WHITE,
};

/// A line through points, under a name.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A panel: what is measured, from where to where, and its lines.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) from: f64,
    pub(super) to: f64,
    /// Where the names of the lines are in no line's way.
    pub(super) names: SeriesLabelPosition,
    pub(super) lines: Vec<Line>,
}

/// Colours that are distinct also to those who see no red.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(120, 120, 120)];

/// Draws `panels` over an axis that goes from 0 to `x_to`, as SVG.
///
/// # Panics
/// If it cannot be drawn, which is so of a panel without extent.
pub(super) fn draw(x_name: &str, x_to: f64, panels: &[Panel]) -> String {
    let mut svg = String::new();
    if let Err(error) = try_draw(&mut svg, x_name, x_to, panels) {
        panic!("a figure is drawn into memory: {error}");
    }
    if !svg.ends_with('\n') {
        svg.push('\n');
    }
    svg
}

fn try_draw(
    svg: &mut String,
    x_name: &str,
    x_to: f64,
    panels: &[Panel],
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let height = 260 * panels.len() as u32;
    let root = SVGBackend::with_string(svg, (860, height)).into_drawing_area();
    root.fill(&WHITE)?;
    for (panel, area) in panels.iter().zip(root.split_evenly((panels.len(), 1))) {
        let mut chart = ChartBuilder::on(&area)
            .caption(panel.title, ("sans-serif", 16))
            .margin(8)
            .margin_right(28)
            .x_label_area_size(34)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..x_to, panel.from..panel.to)?;
        let plain = |value: &f64| format!("{value}");
        chart
            .configure_mesh()
            .x_desc(x_name)
            .light_line_style(WHITE)
            .y_labels(6)
            .x_label_formatter(&plain)
            .y_label_formatter(&plain)
            .draw()?;
        for (line, colour) in panel.lines.iter().zip(COLOURS) {
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(panel.names.clone())
            .background_style(WHITE.mix(0.9))
            .border_style(COLOURS[3])
            .draw()?;
    }
    root.present()
}
