//! `live.svg`: the ratio over the number of flows, lines for each tracking mode.

use super::measure::Measured;
use super::row::Flows;
use crate::report::plot::{self, Axes, Chart, Lines, PlotError};

/// Above the yardstick, which is 1, there is room for the legend.
const TOP: f64 = 1.4;

/// The ends of the axis.
const FLOWS: [f64; 2] = [1.0, 1e6];

/// The picture, one chart for each family.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<String, PlotError> {
    let axes =
        Axes { flows: FLOWS[0]..FLOWS[1], figures: 0.0..TOP, description: "ratio to the MAC swap" };
    let charts = [4, 6].map(|family| Chart {
        caption: format!("IPv{family}: packets/s on veth, MAC swap = 1"),
        lines: lines(measured, family),
    });
    plot::draw(&charts, &axes)
}

/// The lines of a family by their names. New flows have no number: their line is level.
fn lines(measured: &[Measured], family: u8) -> Lines {
    let mut lines = Lines::new();
    for each in measured.iter().filter(|each| each.row.family_number() == family) {
        let name = format!("{}, {}", each.row.flows.name(), each.row.tracking.name());
        let points = lines.entry(name).or_default();
        let ratio = each.figures.ratio.median;
        match each.row.flows {
            Flows::Established(flows) => points.push((f64::from(flows), ratio)),
            Flows::AllNew => points.extend(FLOWS.map(|flows| (flows, ratio))),
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
    fn a_line_goes_through_all_numbers_of_flows() {
        let rows = [
            measured(Flows::Established(1), Family::V4, 2.4),
            measured(Flows::Established(1_000), Family::V4, 2.1),
            measured(Flows::AllNew, Family::V4, 0.6),
        ];
        let found = lines(&rows, 4);
        assert_eq!(found["established-tcp, full"], [(1.0, 0.8), (1_000.0, 0.7)]);
        assert_eq!(found["new-flows, full"], [(1.0, 0.2), (1e6, 0.2)]);
        assert!(lines(&rows, 6).is_empty());
        assert!(draw(&rows).unwrap().contains("new-flows, full"));
    }
}
