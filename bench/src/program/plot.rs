//! `program.svg`: the ratio over the number of flows, a line for each kind of packets.

use std::collections::BTreeMap;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::measure::Measured;
use super::row::{FLOWS, Kind};

const SIZE: (u32, u32) = (1200, 520);

/// Above the highest line there is room for the legend.
const HEADROOM: f64 = 1.4;

/// The points of a line: flows and ratio.
type Points = Vec<(f64, f64)>;

/// The picture, one chart for each family.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let plotted = measured.iter().filter(|each| each.row.is_plotted());
        let highest = plotted.map(|each| each.figures.ratio.median).fold(1.0, f64::max);
        let ratios = 0.0..(highest * HEADROOM).ceil();
        for (half, family) in area.split_evenly((1, 2)).iter().zip([4, 6]) {
            chart(half, family, &lines(measured, family), ratios.clone())?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// The lines of a family by their names. New flows have no number: their line is level.
fn lines(measured: &[Measured], family: u8) -> BTreeMap<String, Points> {
    let mut lines: BTreeMap<String, Points> = BTreeMap::new();
    for each in measured {
        let row = each.row;
        if row.family_number() != family || !row.is_plotted() {
            continue;
        }
        let ratio = each.figures.ratio.median;
        let points = lines.entry(format!("{}, {}", row.kind.name(), row.tracking.name()));
        let points = points.or_default();
        if row.kind == Kind::NewFlows {
            let ends = [FLOWS[0], FLOWS[FLOWS.len() - 1]];
            points.extend(ends.map(|flows| (f64::from(flows), ratio)));
        } else {
            points.push((f64::from(row.flows), ratio));
        }
    }
    lines
}

fn chart(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    family: u8,
    lines: &BTreeMap<String, Points>,
    ratios: Range<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption(format!("IPv{family}: cost of a packet, MAC swap = 1"), ("sans-serif", 20))
        .margin(12)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d((1f64..1e6).log_scale(), ratios)?;
    chart
        .configure_mesh()
        .x_desc("flows")
        .y_desc("ratio to the MAC swap")
        .x_label_formatter(&|flows| format!("{flows:.0}"))
        .max_light_lines(1)
        .draw()?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use xdp_prog::fixtures::frame::Family;

    use super::super::report::tests::measured;
    use super::*;

    #[test]
    fn each_kind_has_a_line_and_comparisons_have_none() {
        let mut rows: Vec<Measured> =
            FLOWS.map(|flows| measured(Kind::Udp, Family::V4, flows, 60.0)).to_vec();
        rows.push(measured(Kind::NewFlows, Family::V4, 1_000, 900.0));
        let mut many = measured(Kind::EstablishedTcp, Family::V4, 100_000, 70.0);
        many.row.services = 10_000;
        rows.push(many);
        let found = lines(&rows, 4);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["new-flows, full", "udp, full"]);
        assert_eq!(found["udp, full"].len(), FLOWS.len());
        assert_eq!(found["new-flows, full"], [(1.0, 30.0), (1e6, 30.0)]);
        assert!(lines(&rows, 6).is_empty());
        let svg = draw(&rows).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("udp, full") && svg.contains("IPv6"));
    }
}
