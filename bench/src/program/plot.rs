//! `program.svg`: the ratio over the number of flows, a line for each kind of packets.

use super::measure::Measured;
use super::row::Kind;
use super::rows::FLOWS;
use crate::report::plot::{self, Axes, Chart, Lines, PlotError};

/// Above the highest line there is room for the legend.
const HEADROOM: f64 = 1.4;

/// The picture, one chart for each family.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<String, PlotError> {
    let plotted = measured.iter().filter(|each| each.row.is_plotted());
    let highest = plotted.map(|each| each.figures.ratio.median).fold(1.0, f64::max);
    let axes = Axes {
        flows: 1.0..1e6,
        figures: 0.0..(highest * HEADROOM).ceil(),
        description: "ratio to the MAC swap",
    };
    let charts = [4, 6].map(|family| Chart {
        caption: format!("IPv{family}: cost of a packet, MAC swap = 1"),
        lines: lines(measured, family),
    });
    plot::draw(&charts, &axes)
}

/// The lines of a family by their names. New flows have no number: their line is level.
fn lines(measured: &[Measured], family: u8) -> Lines {
    let mut lines = Lines::new();
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
