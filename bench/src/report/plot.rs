//! The plots: charts side by side, figures over the number of flows.

use std::collections::BTreeMap;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use thiserror::Error;

const SIZE: (u32, u32) = (1200, 520);

/// The points of a line: flows and figure.
pub type Points = Vec<(f64, f64)>;

/// The lines of a chart by their names.
pub type Lines = BTreeMap<String, Points>;

/// One of the charts of a picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// What stands above it.
    pub caption: String,
    /// What it shows.
    pub lines: Lines,
}

/// What the charts of a picture have in common.
#[derive(Clone, PartialEq, Debug)]
pub struct Axes {
    /// Numbers of flows, by their logarithm.
    pub flows: Range<f64>,
    /// The figures.
    pub figures: Range<f64>,
    /// What the figures are.
    pub description: &'static str,
}

/// A picture that could not be drawn.
#[derive(Debug, Error)]
#[error("cannot draw the plot: {0}")]
pub struct PlotError(String);

impl PlotError {
    pub(super) fn new(error: &dyn std::error::Error) -> Self {
        Self(error.to_string())
    }
}

pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A part of a picture.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG, chart beside chart.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(charts: &[Chart], axes: &Axes) -> Result<String, PlotError> {
    picture(charts.len(), |number, area| draw_chart(area, &charts[number], axes))
}

/// A picture of so many charts, each drawn into its part.
pub(crate) fn picture(
    charts: usize,
    draw: impl Fn(usize, &Area<'_>) -> Drawn,
) -> Result<String, PlotError> {
    let mut svg = String::new();
    draw_parts(&mut svg, charts, draw).map_err(|error| PlotError::new(error.as_ref()))?;
    Ok(svg)
}

fn draw_parts(svg: &mut String, charts: usize, draw: impl Fn(usize, &Area<'_>) -> Drawn) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    for (number, part) in area.split_evenly((1, charts)).iter().enumerate() {
        draw(number, part)?;
    }
    area.present()?;
    Ok(())
}

fn draw_chart(area: &Area<'_>, chart: &Chart, axes: &Axes) -> Drawn {
    let mut context = ChartBuilder::on(area)
        .caption(&chart.caption, ("sans-serif", 20))
        .margin(12)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d(axes.flows.clone().log_scale(), axes.figures.clone())?;
    context
        .configure_mesh()
        .x_desc("flows")
        .y_desc(axes.description)
        .x_label_formatter(&|flows| format!("{flows:.0}"))
        .max_light_lines(1)
        .draw()?;
    for (number, (name, points)) in chart.lines.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        context
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        context.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}
