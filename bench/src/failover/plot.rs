//! `failover.svg`: how long nobody answered, in intervals between adverts.

use std::time::Duration;

use super::report::Measured;
use super::row::INTERVALS;
use super::table::figure;
use crate::report::bars::{Bar, draw as draw_bars};
use crate::report::plot::PlotError;

/// The picture: a bar for each row, in times between two adverts.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<String, PlotError> {
    let bars: Vec<Bar> = INTERVALS.iter().flat_map(|each| bars(measured, *each)).collect();
    draw_bars("Without an answer, in intervals between adverts", &bars)
}

fn bars(measured: &[Measured], interval: Duration) -> impl Iterator<Item = Bar> {
    let unit = super::report::milliseconds(interval);
    measured.iter().filter(move |each| each.row.interval == interval).map(move |each| Bar {
        name: each.row.label(),
        figure: each.gap.median / unit,
        spread: (each.gap.min / unit, each.gap.max / unit),
        label: format!("{} ms", figure(each.gap.median)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::rows;
    use super::*;

    #[test]
    fn each_row_has_a_bar() {
        let svg = draw(&rows()).unwrap();
        for word in ["1s/cut/lb-ctl", "1s/cut/keepalived", "3100 ms", "10ms/cut/lb-ctl"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
    }
}
