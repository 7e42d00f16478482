//! `program.json`. Pure.

use serde::Serialize;

use super::measure::{Effort, Measured};
use crate::report::{Machine, Report, Runs, thousandths, whole};

/// A row of the file. Times are of one packet, in whole nanoseconds, with the generator that both
/// program and yardstick stand behind; the ratios are made before rounding.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportRow {
    /// The kind of packets.
    pub row: &'static str,
    /// The services' tracking.
    pub tracking: &'static str,
    /// The services' scheduler.
    pub scheduler: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// Number of flows; where every packet is a new one, those of one run.
    pub flows: u32,
    /// Number of services.
    pub services: u32,
    /// Number of reals of each service.
    pub reals: u32,
    /// Median of the runs.
    pub median_ns: u64,
    /// The fastest run.
    pub min_ns: u64,
    /// The slowest run.
    pub max_ns: u64,
    /// Median of the yardstick's runs.
    pub yardstick_ns: u64,
    /// Median of the generator before a bare transmit.
    pub generator_ns: u64,
    /// Median of the ratios of program to yardstick, each of a pair of runs.
    pub ratio: f64,
    /// The least of these ratios.
    pub ratio_min: f64,
    /// The greatest of these ratios.
    pub ratio_max: f64,
}

/// The report of what was measured.
pub fn report(measured: &[Measured], machine: Machine, effort: Effort) -> Report<ReportRow, Runs> {
    let rows = measured.iter().map(ReportRow::from).collect();
    Report { rows, machine, method: effort.into() }
}

impl From<Effort> for Runs {
    fn from(effort: Effort) -> Self {
        Self { packets: effort.packets, runs: effort.runs }
    }
}

impl From<&Measured> for ReportRow {
    fn from(measured: &Measured) -> Self {
        let Measured { row, figures, generator_ns } = measured;
        Self {
            row: row.kind.name(),
            tracking: row.tracking.name(),
            scheduler: row.scheduler.name(),
            family: row.family_number(),
            flows: row.flows,
            services: row.services,
            reals: row.reals,
            median_ns: whole(figures.measured.median),
            min_ns: whole(figures.measured.min),
            max_ns: whole(figures.measured.max),
            yardstick_ns: whole(figures.yardstick.median),
            generator_ns: whole(*generator_ns),
            ratio: thousandths(figures.ratio.median),
            ratio_min: thousandths(figures.ratio.min),
            ratio_max: thousandths(figures.ratio.max),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use lb_common::value::Tracking;
    use serde_json::json;
    use xdp_prog::fixtures::frame::Family;

    use super::super::row::{Kind, Row, Scheduler};
    use super::*;
    use crate::report::machine::tests::machine;
    use crate::report::stats::{Figures, Pair};

    /// A row that took so many nanoseconds, with a yardstick of 30.
    pub(in super::super) fn measured(
        kind: Kind,
        family: Family,
        flows: u32,
        program_ns: f64,
    ) -> Measured {
        let (tracking, scheduler) = (Tracking::Full, Scheduler::Mh);
        let row = Row { kind, tracking, scheduler, family, flows, services: 1, reals: 100 };
        let pairs =
            [-3.0, 0.0, 6.0].map(|noise| Pair { measured: program_ns + noise, yardstick: 30.0 });
        Measured { row, figures: Figures::of(&pairs).unwrap(), generator_ns: 27.4 }
    }

    #[test]
    fn a_row_has_the_keys_that_others_rely_on() {
        let measured = measured(Kind::EstablishedTcp, Family::V6, 1_000_000, 60.0);
        let effort = Effort { packets: 1_000_000, runs: 3, cpus: 2 };
        let report = report(&[measured], machine(), effort);
        let mut value = serde_json::to_value(&report).unwrap();
        let row = value["rows"][0].as_object_mut().unwrap();
        for extra in ["generator_ns", "ratio_min", "ratio_max"] {
            assert!(row.remove(extra).unwrap().is_number(), "{extra}");
        }
        let wanted = json!({
            "row": "established-tcp", "tracking": "full", "scheduler": "mh", "family": 6,
            "flows": 1_000_000, "services": 1, "reals": 100, "median_ns": 60, "min_ns": 57,
            "max_ns": 66, "yardstick_ns": 30, "ratio": 2.0,
        });
        assert_eq!(value["rows"], json!([wanted]));
    }
}
