//! Which rows there are. Pure.

use lb_common::value::Tracking;
use xdp_prog::fixtures::frame::Family;

use super::definition::default_tracking;
use super::row::{Kind, REALS, REALS_OF_MANY, Row, Scheduler};

/// Numbers of flows that are measured.
pub const FLOWS: [u32; 4] = [1, 1_000, 100_000, 1_000_000];

/// Flows where services or reals are compared: enough that they do not share cache lines.
const COMPARED_FLOWS: u32 = 100_000;
const COMPARED_REALS: [u32; 2] = [2, 1_000];
const COMPARED_SERVICES: [u32; 3] = [1, 100, 10_000];

/// By which the schedulers are compared, beside new flows.
const SCHEDULED_KINDS: [Kind; 3] = [Kind::TcpSyn, Kind::EstablishedTcp, Kind::Udp];
const SCHEDULED_FLOWS: [u32; 2] = [1, COMPARED_FLOWS];

/// Every row, where one run has so many packets: `mh` with each tracking mode in all its sizes, then
/// the other schedulers, each with the tracking that its services have by default.
pub fn all(packets: u32) -> Vec<Row> {
    let mh = Tracking::ALL.into_iter().map(|tracking| (Scheduler::Mh, tracking));
    let others = Scheduler::ALL.into_iter().filter(|scheduler| *scheduler != Scheduler::Mh);
    let others = others.map(|scheduler| (scheduler, default_tracking(scheduler)));
    let mut rows = Vec::new();
    for (scheduler, tracking) in mh.chain(others) {
        for family in Family::BOTH {
            let (kind, flows) = (Kind::NewFlows, packets);
            let new_flows =
                Row { kind, tracking, scheduler, family, flows, services: 1, reals: REALS };
            rows.extend(match scheduler {
                Scheduler::Mh => in_all_sizes(new_flows),
                _ => compared(new_flows),
            });
        }
    }
    rows
}

/// A row of new flows and those beside it: every kind, and all numbers of flows, services and reals.
fn in_all_sizes(new_flows: Row) -> Vec<Row> {
    let mut rows = cyclic(new_flows, &Kind::CYCLIC, &FLOWS);
    rows.push(new_flows);
    // Pure hashing goes the way of a ring at rest: it has nothing to add here.
    if new_flows.tracking == Tracking::None {
        return rows;
    }
    let established = Row { kind: Kind::EstablishedTcp, flows: COMPARED_FLOWS, ..new_flows };
    for row in [established, new_flows] {
        rows.extend(COMPARED_REALS.map(|reals| Row { reals, ..row }));
        let many = |services| Row { services, reals: REALS_OF_MANY, ..row };
        rows.extend(COMPARED_SERVICES.map(many));
    }
    rows
}

/// A row of new flows and those beside it that tell its scheduler from others.
fn compared(new_flows: Row) -> Vec<Row> {
    let mut rows = cyclic(new_flows, &SCHEDULED_KINDS, &SCHEDULED_FLOWS);
    rows.push(new_flows);
    rows
}

/// Rows whose flows come again, in other things like this one.
fn cyclic(like: Row, kinds: &[Kind], flows: &[u32]) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in kinds.iter().copied() {
        rows.extend(flows.iter().map(|flows| Row { kind, flows: *flows, ..like }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lb_common::traffic::MAX_SERVICES;

    use super::*;

    const PACKETS: u32 = 1_000_000;

    #[test]
    fn no_row_is_twice() {
        let rows = all(PACKETS);
        let labels: HashSet<_> = rows.iter().map(Row::label).collect();
        assert_eq!(labels.len(), rows.len());
    }

    #[test]
    fn every_kind_number_and_family_has_a_row() {
        let rows = all(PACKETS);
        for family in Family::BOTH {
            let has = |wanted: &dyn Fn(&Row) -> bool| {
                rows.iter().any(|row| row.family == family && wanted(row))
            };
            for kind in Kind::CYCLIC {
                for flows in FLOWS {
                    assert!(has(&|row| row.kind == kind && row.flows == flows), "{kind:?} {flows}");
                }
            }
            assert!(has(&|row| row.kind == Kind::NewFlows));
            for services in [1, 100, 10_000] {
                assert!(has(&|row| row.services == services), "{services} services");
            }
            for reals in [2, 100, 1_000] {
                assert!(has(&|row| row.reals == reals && row.services == 1), "{reals} reals");
            }
        }
    }

    #[test]
    fn every_tracking_mode_has_a_row_of_mh() {
        let rows = all(PACKETS);
        for tracking in Tracking::ALL {
            let mh = |row: &Row| row.scheduler == Scheduler::Mh && row.tracking == tracking;
            assert!(rows.iter().any(mh), "{}", tracking.name());
        }
    }

    #[test]
    fn every_other_scheduler_has_its_rows_with_its_own_tracking() {
        let rows = all(PACKETS);
        for scheduler in Scheduler::ALL.into_iter().filter(|each| *each != Scheduler::Mh) {
            let tracking = match scheduler {
                Scheduler::Sh => "changes",
                _ => "full",
            };
            let mut wanted = Vec::new();
            for kind in ["tcp-syn", "established-tcp", "udp"] {
                wanted.extend([1, 100_000].map(|flows| (kind, flows)));
            }
            wanted.push(("new-flows", PACKETS));
            for family in Family::BOTH {
                let of = |row: &&Row| row.scheduler == scheduler && row.family == family;
                let found: Vec<_> = rows.iter().filter(of).collect();
                let kinds: Vec<_> = found.iter().map(|row| (row.kind.name(), row.flows)).collect();
                assert_eq!(kinds, wanted, "{}", scheduler.name());
                for row in found {
                    assert_eq!(row.tracking.name(), tracking, "{}", row.label());
                    assert_eq!((row.services, row.reals), (1, 100), "{}", row.label());
                }
            }
        }
    }

    #[test]
    fn a_flow_always_meets_the_same_service() {
        for row in all(PACKETS) {
            assert_eq!(row.flows % row.services, 0, "{}", row.label());
            assert!(row.services <= MAX_SERVICES, "{}", row.label());
        }
    }

    #[test]
    fn one_cpus_share_of_the_table_holds_every_tracked_flow() {
        for row in all(PACKETS) {
            for cpus in [1, 2, 64] {
                let share = row.capacity(cpus).connections / cpus;
                let tracked = if row.is_tracked() { row.flows } else { 0 };
                assert!(share >= tracked, "{} on {cpus} CPUs: {share}", row.label());
            }
        }
    }

    #[test]
    fn new_flows_are_measured_with_a_full_table() {
        let rows = all(PACKETS);
        for row in rows.iter().filter(|row| row.kind == Kind::NewFlows && row.is_tracked()) {
            assert!(row.warm_up(2) > row.capacity(2).connections / 2);
        }
    }
}
