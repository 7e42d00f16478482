//! What the samples say, and `churn.json`. Pure.

use serde::Serialize;

use super::measure::{Effort, Group, Sample};
use super::script::{EVENTS, Event, REALS};
use crate::report::stats::Spread;
use crate::report::{Machine, Report, thousandths, whole};

/// An event in one group and what it did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// The group.
    pub group: Group,
    /// The event.
    pub event: Event,
    /// Its place in the script.
    pub index: usize,
    /// Flows that are with another real than before.
    pub moved: Spread,
    /// Flows whose real was deleted.
    pub necessary: Spread,
    /// Flows that moved although their real is there.
    pub excess: Spread,
    /// The part of the flows that began after the event which went to its real.
    pub new_to_real: Spread,
    /// Milliseconds: what the command took, and then the packets of all flows.
    pub after_ms: Spread,
}

/// The rows of a group from its runs, each of which has a sample for every event.
///
/// # Panics
///
/// There was no run.
pub fn measured(group: Group, runs: &[Vec<Sample>], effort: Effort) -> Vec<Measured> {
    let row = |(index, event): (usize, &Event)| {
        let spread = |figure: &dyn Fn(Sample) -> f64| {
            let values = runs.iter().map(|samples| figure(samples[index]));
            Spread::of(values).expect("the caller has made at least one run")
        };
        let new_flows = f64::from(effort.new_flows);
        Measured {
            group,
            event: *event,
            index,
            moved: spread(&|sample| sample.moved.into()),
            necessary: spread(&|sample| sample.necessary.into()),
            excess: spread(&|sample| f64::from(sample.moved) - f64::from(sample.necessary)),
            new_to_real: spread(&|sample| f64::from(sample.new_to_real) / new_flows),
            after_ms: spread(&|sample| sample.after.as_secs_f64() * 1e3),
        }
    };
    EVENTS.iter().enumerate().map(row).collect()
}

/// A row of the file: medians, with the least and the greatest of the runs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportRow {
    /// The command's verb.
    pub row: &'static str,
    /// What happened, in a few words.
    pub event: String,
    /// The service's tracking.
    pub tracking: &'static str,
    /// The service's scheduler.
    pub scheduler: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// Number of live flows at that moment.
    pub flows: u32,
    /// Number of services.
    pub services: u32,
    /// Number of reals at the beginning.
    pub reals: u8,
    /// Flows that are with another real than before.
    pub moved: u64,
    /// In the run in which they were fewest.
    pub moved_min: u64,
    /// In the run in which they were most.
    pub moved_max: u64,
    /// Flows whose real was deleted.
    pub necessary: u64,
    /// The part of the flows that moved although their real is there.
    pub excess_share: f64,
    /// The part of the flows begun after the event that went to its real.
    pub new_flows_to_real: f64,
    /// Milliseconds: what the command took, and then the packets of all flows.
    pub after_ms: u64,
    /// The shortest of these times.
    pub after_ms_min: u64,
    /// The longest of these times.
    pub after_ms_max: u64,
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
    let Measured { group, event, index, moved, necessary, excess, new_to_real, after_ms } =
        measured;
    let flows = effort.live(*index);
    ReportRow {
        row: event.verb(),
        event: event.name(),
        tracking: group.tracking.name(),
        scheduler: "mh",
        family: group.family_number(),
        flows,
        services: 1,
        reals: REALS,
        moved: whole(moved.median),
        moved_min: whole(moved.min),
        moved_max: whole(moved.max),
        necessary: whole(necessary.median),
        excess_share: excess.median / f64::from(flows),
        new_flows_to_real: thousandths(new_to_real.median),
        after_ms: whole(after_ms.median),
        after_ms_min: whole(after_ms.min),
        after_ms_max: whole(after_ms.max),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use serde_json::json;
    use xdp_prog::fixtures::frame::Family;

    use super::*;
    use crate::report::machine::tests::machine;
    use crate::stream::Tracking;

    pub(in super::super) const EFFORT: Effort =
        Effort { flows: 1_000, new_flows: 200, runs: 3, cpus: 2 };

    /// Runs in which each event moves that many flows; the deletions must move 90.
    pub(in super::super) fn rows(moved: [u32; 3]) -> Vec<Measured> {
        let group = Group { tracking: Tracking::Full, family: Family::V6 };
        let run = |moved| {
            let sample = |event: &Event| Sample {
                moved,
                necessary: event.necessary(&[event.real; 90]) as u32,
                new_to_real: 18,
                after: Duration::from_micros(12_600),
            };
            EVENTS.iter().map(sample).collect::<Vec<_>>()
        };
        measured(group, &moved.map(run), EFFORT)
    }

    #[test]
    fn a_row_says_what_moved_beside_what_must() {
        let value = serde_json::to_value(report(&rows([94, 90, 91]), machine(), EFFORT)).unwrap();
        let wanted = json!({
            "row": "delete-real", "event": "delete-real 3", "tracking": "full",
            "scheduler": "mh", "family": 6, "flows": 1_800, "services": 1, "reals": 10,
            "moved": 91, "moved_min": 90, "moved_max": 94, "necessary": 90,
            "excess_share": 1.0 / 1_800.0, "new_flows_to_real": 0.09,
            "after_ms": 13, "after_ms_min": 13, "after_ms_max": 13,
        });
        assert_eq!(value["rows"][4], wanted);
        assert_eq!(value["rows"].as_array().unwrap().len(), EVENTS.len());
        assert_eq!(value["runs"], 3);
    }
}
