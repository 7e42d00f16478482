//! `program-schedulers.svg`: what a new connection costs with each scheduler, since it is only about
//! beginnings that a scheduler is asked.

use super::definition::default_tracking;
use super::measure::Measured;
use super::row::{Kind, REALS};
use crate::report::bars::{Bar, draw as draw_bars};
use crate::report::plot::PlotError;

/// The picture: a bar for each scheduler and family, with the scheduler's own tracking. `None` where
/// no row of new flows was measured.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<Option<String>, PlotError> {
    let bars: Vec<Bar> = measured.iter().filter_map(bar).collect();
    if bars.is_empty() {
        return Ok(None);
    }
    draw_bars("Cost of a packet that begins a connection, MAC swap = 1", &bars).map(Some)
}

fn bar(measured: &Measured) -> Option<Bar> {
    let Measured { row, figures, .. } = measured;
    let shown = row.kind == Kind::NewFlows
        && row.tracking == default_tracking(row.scheduler)
        && (row.services, row.reals) == (1, REALS);
    let (ratio, program) = (figures.ratio, figures.measured);
    shown.then(|| Bar {
        name: format!(
            "{} ({}), IPv{}",
            row.scheduler.name(),
            row.tracking.name(),
            row.family_number()
        ),
        figure: ratio.median,
        spread: (ratio.min, ratio.max),
        label: format!("{:.1} ({:.0} ns)", ratio.median, program.median),
    })
}

#[cfg(test)]
mod tests {
    use lb_common::value::Tracking;
    use xdp_prog::fixtures::frame::Family;

    use super::super::report::tests::measured;
    use super::super::row::Scheduler;
    use super::*;

    #[test]
    fn each_scheduler_has_a_bar_of_new_flows_as_it_is_by_default() {
        let mut rows = Vec::new();
        for scheduler in [Scheduler::Mh, Scheduler::Wlc] {
            for kind in [Kind::Udp, Kind::NewFlows] {
                let mut each = measured(kind, Family::V4, 1_000, 900.0);
                each.row.scheduler = scheduler;
                rows.push(each);
            }
        }
        let svg = draw(&rows).unwrap().unwrap();
        assert_eq!(svg.matches("30.0 (900 ns)").count(), 1, "{svg}");
        assert!(svg.contains("wlc (full), IPv4") && !svg.contains("mh (full)"), "{svg}");
        rows[1].row.tracking = Tracking::Changes;
        let svg = draw(&rows).unwrap().unwrap();
        assert!(svg.contains("mh (changes), IPv4"), "{svg}");
        assert!(draw(&rows[..1]).unwrap().is_none());
    }
}
