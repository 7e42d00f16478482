//! What the runs say, and `control.json`. Pure.

use serde::Serialize;

use super::row::{Row, Sample};
use crate::report::stats::Spread;
use crate::report::{Machine, Report, thousandths};

/// A row and its figures.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// The row.
    pub row: Row,
    /// Its figures, in its unit.
    pub figures: Spread,
}

/// How much was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Effort {
    /// Runs of each row.
    pub runs: u32,
}

/// The rows in the order in which they were first measured.
pub fn measured(samples: &[Sample]) -> Vec<Measured> {
    let mut rows: Vec<Row> = Vec::new();
    for sample in samples {
        if !rows.contains(&sample.row) {
            rows.push(sample.row);
        }
    }
    let of = |row: Row| {
        let figures = samples.iter().filter(|sample| sample.row == row).map(|s| s.figure);
        Spread::of(figures).map(|figures| Measured { row, figures })
    };
    rows.into_iter().filter_map(of).collect()
}

/// A row of the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportRow {
    /// What was measured.
    pub row: &'static str,
    /// Number of services.
    pub services: u32,
    /// Number of reals of each.
    pub reals: u32,
    /// Slots of each ring.
    pub ring_slots: u32,
    /// What the figures are counted in.
    pub unit: &'static str,
    /// The median of the runs.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// What it may be at most.
    pub goal: Option<f64>,
}

/// The report of what was measured.
pub fn report(
    measured: &[Measured],
    machine: Machine,
    effort: Effort,
) -> Report<ReportRow, Effort> {
    Report { rows: measured.iter().map(row).collect(), machine, method: effort }
}

fn row(measured: &Measured) -> ReportRow {
    let Measured { row, figures: Spread { median, min, max } } = measured;
    ReportRow {
        row: row.quantity.name(),
        services: row.size.services,
        reals: row.size.reals,
        ring_slots: row.size.ring_slots,
        unit: row.quantity.unit(),
        median: thousandths(*median),
        min: thousandths(*min),
        max: thousandths(*max),
        goal: row.goal(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::row::Quantity;
    use super::super::world::Size;
    use super::*;

    /// Three runs of two rows, one with a goal.
    pub(crate) fn rows() -> Vec<Measured> {
        let sample = |quantity, figure| Sample { row: Row { quantity, size: Size::WIDE }, figure };
        let runs = [12.5, 10.0, 15.25].map(|figure| {
            [sample(Quantity::AddReal, figure), sample(Quantity::Weight, 2.0 * figure)]
        });
        measured(&runs.concat())
    }

    #[test]
    fn the_runs_of_a_row_come_together() {
        let rows = rows();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].figures, Spread { median: 12.5, min: 10.0, max: 15.25 });
        let file = row(&rows[0]);
        assert_eq!((file.row, file.unit, file.goal), ("add-real", "ms", Some(20.0)));
        assert_eq!(row(&rows[1]).goal, None);
    }
}
