//! `live.json`. Pure.

use serde::Serialize;

use super::measure::{Effort, Measured};
use super::row::Flows;
use crate::report::{Machine, Report, thousandths, whole};

/// A row of the file. Rates are packets that arrived in a second.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportRow {
    /// The kind of packets.
    pub row: &'static str,
    /// The service's tracking.
    pub tracking: &'static str,
    /// The service's scheduler.
    pub scheduler: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// Number of flows; where every packet is a new one, those of one run.
    pub flows: u32,
    /// Number of services.
    pub services: u32,
    /// Number of reals.
    pub reals: u8,
    /// Median of the runs.
    pub median_pps: u64,
    /// The slowest run.
    pub min_pps: u64,
    /// The fastest run.
    pub max_pps: u64,
    /// Median of the yardstick's runs.
    pub yardstick_pps: u64,
    /// Median of the ratios to the yardstick, each of a pair of runs.
    pub ratio: f64,
    /// The least of these ratios.
    pub ratio_min: f64,
    /// The greatest of these ratios.
    pub ratio_max: f64,
    /// Packets that did not arrive, in all runs together.
    pub lost: u64,
}

/// The report of what was measured.
pub fn report(
    measured: &[Measured],
    machine: Machine,
    effort: Effort,
) -> Report<ReportRow, Effort> {
    let rows = measured.iter().map(|each| row(each, effort)).collect();
    Report { rows, machine, method: effort }
}

fn row(measured: &Measured, effort: Effort) -> ReportRow {
    let Measured { row, figures, lost, .. } = measured;
    ReportRow {
        row: row.flows.name(),
        tracking: row.tracking.name(),
        scheduler: "mh",
        family: row.family_number(),
        flows: match row.flows {
            Flows::Established(flows) => flows,
            Flows::AllNew => effort.packets,
        },
        services: 1,
        reals: effort.reals,
        median_pps: whole(figures.measured.median),
        min_pps: whole(figures.measured.min),
        max_pps: whole(figures.measured.max),
        yardstick_pps: whole(figures.yardstick.median),
        ratio: thousandths(figures.ratio.median),
        ratio_min: thousandths(figures.ratio.min),
        ratio_max: thousandths(figures.ratio.max),
        lost: *lost,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;
    use xdp_prog::fixtures::frame::Family;

    use super::super::row::Row;
    use super::*;
    use crate::report::machine::tests::machine;
    use crate::report::stats::{Figures, Pair};
    use crate::stream::Tracking;

    /// A row of so many millions of packets a second beside a yardstick of 3 million.
    pub(in super::super) fn measured(flows: Flows, family: Family, rate: f64) -> Measured {
        let pairs = [-0.03, 0.0, 0.06]
            .map(|noise| Pair { measured: (rate + noise) * 1e6, yardstick: 3e6 })
            .to_vec();
        let figures = Figures::of(&pairs).unwrap();
        let row = Row { tracking: Tracking::Full, family, flows };
        Measured { row, pairs, figures, lost: 0 }
    }

    #[test]
    fn a_row_has_the_keys_of_the_program_bench_with_rates_for_times() {
        let effort = Effort { packets: 1_000_000, runs: 3, reals: 10, cpus: 2 };
        let measured = measured(Flows::Established(1_000), Family::V6, 2.4);
        let value = serde_json::to_value(report(&[measured], machine(), effort)).unwrap();
        let wanted = json!({
            "row": "established-tcp", "tracking": "full", "scheduler": "mh", "family": 6,
            "flows": 1_000, "services": 1, "reals": 10, "median_pps": 2_400_000,
            "min_pps": 2_370_000, "max_pps": 2_460_000, "yardstick_pps": 3_000_000,
            "ratio": 0.8, "ratio_min": 0.79, "ratio_max": 0.82, "lost": 0,
        });
        assert_eq!(value["rows"], json!([wanted]));
        assert_eq!((&value["packets"], &value["runs"]), (&json!(1_000_000), &json!(3)));
        assert_eq!(value["machine"]["kernel"], "6.18.5");
    }
}
