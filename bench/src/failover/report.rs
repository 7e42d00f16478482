//! What the runs say, and `failover.json`. Pure.

use std::time::Duration;

use serde::Serialize;

use super::adverts::Evenness;
use super::row::{Goal, Row};
use crate::report::stats::Spread;
use crate::report::{Machine, Report, thousandths};

/// What is greater by no more than this is no more: the client asks a few times in a hundredth of the
/// shortest of the gaps that are compared.
const ALIKE: f64 = 1.01;

/// A row and its figures, in milliseconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The row.
    pub row: Row,
    /// How long nobody answered.
    pub gap: Spread,
    /// What it is to be at most, where there is such a goal.
    pub goal: Option<f64>,
    /// What each run showed.
    pub runs: Vec<f64>,
}

impl Measured {
    /// Whether the goal is reached: a number of milliseconds in every run; what another row has by
    /// the median, to a hundredth.
    pub fn is_reached(&self) -> Option<bool> {
        let goal = self.goal?;
        Some(match self.row.goal()? {
            Goal::Milliseconds(_) => self.gap.max <= goal,
            Goal::Row(_) => self.gap.median <= goal * ALIKE,
        })
    }
}

/// How much was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Effort {
    /// Runs of each row.
    pub runs: u32,
    /// The time between two of the client's questions, in milliseconds.
    pub resolution_ms: f64,
    /// How evenly adverts came.
    pub adverts: Vec<AdvertRow>,
}

/// Milliseconds.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The figures of all rows that were measured, in order.
pub fn measured(runs: &[(Row, Vec<Duration>)]) -> Vec<Measured> {
    let in_ms = |runs: &[Duration]| runs.iter().copied().map(milliseconds).collect::<Vec<_>>();
    let spread = |wanted: &Row| {
        let (_, runs) = runs.iter().find(|(row, _)| row == wanted)?;
        Spread::of(in_ms(runs))
    };
    let goal = |row: &Row| match row.goal()? {
        Goal::Milliseconds(most) => Some(f64::from(most)),
        Goal::Row(other) => spread(&other).map(|theirs| theirs.median),
    };
    let of = |(row, runs): &(Row, Vec<Duration>)| {
        let gap = spread(row)?;
        Some(Measured { row: *row, gap, goal: goal(row), runs: in_ms(runs) })
    };
    runs.iter().filter_map(of).collect()
}

/// A row of the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportRow {
    /// Who holds the address, and who answers there.
    pub who: &'static str,
    /// What happened to the master.
    pub event: &'static str,
    /// The time between two adverts.
    pub advert_interval_ms: f64,
    /// The median of the runs.
    pub median_ms: f64,
    /// The least.
    pub min_ms: f64,
    /// The most.
    pub max_ms: f64,
    /// What it may be at most.
    pub goal_ms: Option<f64>,
    /// Whether it is not more.
    pub reached: Option<bool>,
    /// Each run.
    pub runs_ms: Vec<f64>,
}

/// How evenly adverts came, in the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AdvertRow {
    /// What the daemon did meanwhile.
    pub during: &'static str,
    /// The time between two adverts that it was told.
    pub advert_interval_ms: f64,
    /// How many were heard.
    pub adverts: usize,
    /// The median of the times between them.
    pub median_ms: f64,
    /// The least.
    pub min_ms: f64,
    /// The most.
    pub max_ms: f64,
    /// The share of those further than a fifth from what was told, in percent.
    pub outside_percent: f64,
}

impl From<&Evenness> for AdvertRow {
    fn from(of: &Evenness) -> Self {
        Self {
            during: of.during,
            advert_interval_ms: milliseconds(of.interval),
            adverts: of.adverts,
            median_ms: thousandths(of.between.median),
            min_ms: thousandths(of.between.min),
            max_ms: thousandths(of.between.max),
            outside_percent: thousandths(of.outside_percent()),
        }
    }
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
    let Measured { row, gap, goal, runs } = measured;
    ReportRow {
        who: row.who.name(),
        event: row.event.name(),
        advert_interval_ms: milliseconds(row.interval),
        median_ms: thousandths(gap.median),
        min_ms: thousandths(gap.min),
        max_ms: thousandths(gap.max),
        goal_ms: goal.map(thousandths),
        reached: measured.is_reached(),
        runs_ms: runs.iter().copied().map(thousandths).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::row::{Event, INTERVALS, Who};
    use super::*;

    /// A cut with slow adverts of both, and one with fast ones.
    pub(crate) fn rows() -> Vec<Measured> {
        let row = |interval, who| Row { interval, event: Event::Cut, who };
        let ms = |runs: [u64; 3]| runs.map(Duration::from_millis).to_vec();
        measured(&[
            (row(INTERVALS[0], Who::LbCtl), ms([3000, 2500, 3400])),
            (row(INTERVALS[0], Who::Keepalived), ms([3100, 2600, 3500])),
            (row(INTERVALS[2], Who::LbCtl), ms([30, 61, 20])),
        ])
    }

    #[test]
    fn slow_adverts_have_keepalived_for_a_goal() {
        let rows = rows();
        assert_eq!(rows[0].gap, Spread { median: 3000.0, min: 2500.0, max: 3400.0 });
        assert_eq!((rows[0].goal, rows[0].is_reached()), (Some(3100.0), Some(true)));
        assert_eq!((rows[1].goal, rows[1].is_reached()), (None, None));
    }

    #[test]
    fn a_goal_in_milliseconds_is_one_of_every_run() {
        let fast = &rows()[2];
        assert_eq!((fast.goal, fast.is_reached()), (Some(60.0), Some(false)));
        let file = row(fast);
        assert_eq!((file.who, file.event, file.advert_interval_ms), ("lb-ctl", "cut", 10.0));
        assert_eq!(file.runs_ms, [30.0, 61.0, 20.0]);
    }

    #[test]
    fn without_keepalived_there_is_nothing_to_compare_with() {
        let row = Row { interval: INTERVALS[0], event: Event::Stop, who: Who::LbCtl };
        let alone = measured(&[(row, vec![Duration::from_secs(1)])]);
        assert_eq!((alone[0].goal, alone[0].is_reached()), (None, None));
    }
}
