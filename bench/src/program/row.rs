//! What is measured: one row of the table each. Pure.

use lb_common::key::Protocol;
use lb_common::limits::{DEFAULT_CONNECTIONS, DEFAULT_RING_SLOTS};
use lb_common::traffic::{
    DIRECTOR, ENDLESS, SERVICE_PORT, Traffic, client_v4, client_v6, vip_v4, vip_v6,
};
use lb_common::value::Tracking;
use lb_common::verdict::Reason;
use lb_ctl::dataplane::Capacity;
use xdp_prog::fixtures::frame::{Family, Packet};
use xdp_prog::headers::tcp_flags;

/// The kind of packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// To no service: on to the kernel.
    Pass,
    /// TCP SYN of flows whose SYN was seen before.
    TcpSyn,
    /// TCP ACK of flows that were seen before.
    EstablishedTcp,
    /// UDP of flows that were seen before.
    Udp,
    /// TCP SYN, no flow ever twice.
    NewFlows,
}

impl Kind {
    /// Those whose flows come again.
    pub const CYCLIC: [Self; 4] = [Self::Pass, Self::TcpSyn, Self::EstablishedTcp, Self::Udp];

    /// The word for tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::TcpSyn => "tcp-syn",
            Self::EstablishedTcp => "established-tcp",
            Self::Udp => "udp",
            Self::NewFlows => "new-flows",
        }
    }
}

/// How a service chooses a real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduler {
    /// Maglev.
    Mh,
}

impl Scheduler {
    const ALL: [Self; 1] = [Self::Mh];

    /// The word for tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
        }
    }
}

/// Numbers of flows that are measured.
pub const FLOWS: [u32; 4] = [1, 1_000, 100_000, 1_000_000];
/// Reals of a service, where neither they nor the services are what is compared.
pub const REALS: u32 = 100;

/// Flows where services or reals are compared: enough that they do not share cache lines.
const COMPARED_FLOWS: u32 = 100_000;
const COMPARED_KINDS: [Kind; 2] = [Kind::EstablishedTcp, Kind::NewFlows];
const COMPARED_REALS: [u32; 2] = [2, 1_000];
const COMPARED_SERVICES: [u32; 3] = [1, 100, 10_000];
/// Reals of each service where services are compared.
const REALS_OF_MANY: u32 = 10;

/// Slots of a ring where services are compared: 65537 for each of 10,000 would fill gigabytes, and
/// what is compared is not to differ by them.
const SMALL_RING_SLOTS: u32 = 1021;

/// One row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The packets.
    pub kind: Kind,
    /// The services' tracking.
    pub tracking: Tracking,
    /// The services' scheduler.
    pub scheduler: Scheduler,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Number of flows; of [`Kind::NewFlows`], those that one run makes.
    pub flows: u32,
    /// Number of services, to which the packets go in turn.
    pub services: u32,
    /// Number of reals of each service.
    pub reals: u32,
}

impl Row {
    /// Every row, where one run has so many packets.
    pub fn all(packets: u32) -> Vec<Self> {
        let mut rows = Vec::new();
        for tracking in Tracking::ALL {
            for scheduler in Scheduler::ALL {
                for family in Family::BOTH {
                    let row = |kind, flows, services, reals| {
                        let flows = if kind == Kind::NewFlows { packets } else { flows };
                        Self { kind, tracking, scheduler, family, flows, services, reals }
                    };
                    for kind in Kind::CYCLIC {
                        rows.extend(FLOWS.map(|flows| row(kind, flows, 1, REALS)));
                    }
                    rows.push(row(Kind::NewFlows, packets, 1, REALS));
                    // Pure hashing goes the way of a ring at rest: it has nothing to add here.
                    let compared = COMPARED_KINDS.iter().filter(|_| tracking != Tracking::None);
                    for kind in compared.copied() {
                        let compared = |services, reals| row(kind, COMPARED_FLOWS, services, reals);
                        rows.extend(COMPARED_REALS.map(|reals| compared(1, reals)));
                        rows.extend(COMPARED_SERVICES.map(|n| compared(n, REALS_OF_MANY)));
                    }
                }
            }
        }
        rows
    }

    /// The row in one word, for messages and to select by.
    pub fn label(&self) -> String {
        format!(
            "{}/{}/{}/ipv{}/flows={}/services={}/reals={}",
            self.kind.name(),
            self.tracking.name(),
            self.scheduler.name(),
            self.family_number(),
            self.flows,
            self.services,
            self.reals
        )
    }

    /// 4 or 6.
    pub const fn family_number(&self) -> u8 {
        match self.family {
            Family::V4 => 4,
            Family::V6 => 6,
        }
    }

    /// Whether it is one of those that the number of flows is plotted from.
    pub const fn is_plotted(&self) -> bool {
        self.services == 1 && self.reals == REALS
    }

    /// Whether it takes little time and memory whatever the number of packets.
    pub const fn is_quick(&self) -> bool {
        (self.flows <= QUICK_FLOWS || matches!(self.kind, Kind::NewFlows)) && self.services <= 100
    }

    /// TCP or UDP.
    pub const fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Udp => Protocol::Udp,
            _ => Protocol::Tcp,
        }
    }

    /// The frame from which the generator makes all others.
    pub fn frame(&self) -> Vec<u8> {
        let base = Packet::new(self.family);
        let (source, destination) = match self.family {
            Family::V4 => (client_v4(0).into(), vip_v4(0).into()),
            Family::V6 => (client_v6(0).into(), vip_v6(0).into()),
        };
        let flags = match self.kind {
            Kind::TcpSyn | Kind::NewFlows => tcp_flags::SYN,
            _ => tcp_flags::ACK,
        };
        let destination_port = match self.kind {
            Kind::Pass => SERVICE_PORT + 1,
            _ => SERVICE_PORT,
        };
        let protocol = self.protocol();
        Packet { to: DIRECTOR, source, destination, protocol, destination_port, flags, ..base }
            .frame()
    }

    /// The generator's beginning.
    pub const fn traffic(&self) -> Traffic {
        let flows = match self.kind {
            Kind::NewFlows => ENDLESS,
            _ => self.flows,
        };
        Traffic { flow: 0, flows, service: 0, services: self.services }
    }

    /// By which reason each packet must leave.
    pub const fn reason(&self) -> Reason {
        match self.kind {
            Kind::Pass => Reason::NoService,
            _ => Reason::Transmitted,
        }
    }

    /// How many connections must have been counted after so many packets.
    pub fn connections_after(&self, packets: u64) -> u64 {
        match (self.kind, self.tracking) {
            (Kind::Pass, _) => 0,
            (Kind::NewFlows, _) => packets,
            (_, Tracking::Full) => packets.min(u64::from(self.flows)),
            // Nothing tells a SYN that is sent again from the first.
            (Kind::TcpSyn, _) => packets,
            (Kind::EstablishedTcp | Kind::Udp, _) => 0,
        }
    }

    /// Whether its flows stand in the connection table.
    const fn is_tracked(&self) -> bool {
        !matches!(self.kind, Kind::Pass) && matches!(self.tracking, Tracking::Full)
    }

    /// Sizes of the tables on a machine with so many CPUs. Each CPU has its share of the
    /// connections to itself, and one CPU does all the work here: its share must hold the flows.
    pub fn capacity(&self, cpus: u32) -> Capacity {
        let tracked = if self.is_tracked() { self.flows } else { 0 };
        let share = tracked + tracked / 16;
        Capacity {
            services: self.services,
            // Index zero is nobody.
            reals: self.services * self.reals + 1,
            connections: share.saturating_mul(cpus).max(DEFAULT_CONNECTIONS),
            ring_slots: self.ring_slots(),
        }
    }

    /// Packets to run before anything is measured: every flow once; of new flows, as many as fill
    /// the table, so that each measured one also pushes an old one out.
    pub fn warm_up(&self, cpus: u32) -> u32 {
        match self.kind {
            Kind::NewFlows if self.is_tracked() => {
                self.capacity(cpus).connections / cpus + self.flows / 16
            }
            _ => self.flows.max(WARM_CODE),
        }
    }

    /// Slots of each service's ring.
    pub const fn ring_slots(&self) -> u32 {
        if self.reals == REALS_OF_MANY { SMALL_RING_SLOTS } else { DEFAULT_RING_SLOTS }
    }
}

/// The most flows of a quick run.
const QUICK_FLOWS: u32 = 1_000;

/// Packets after which code and branch predictors are warm.
const WARM_CODE: u32 = 10_000;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lb_common::traffic::MAX_SERVICES;

    use super::*;

    const PACKETS: u32 = 1_000_000;

    #[test]
    fn no_row_is_twice() {
        let rows = Row::all(PACKETS);
        let labels: HashSet<_> = rows.iter().map(Row::label).collect();
        assert_eq!(labels.len(), rows.len());
    }

    #[test]
    fn every_kind_number_and_family_has_a_row() {
        let rows = Row::all(PACKETS);
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
    fn a_flow_always_meets_the_same_service() {
        for row in Row::all(PACKETS) {
            assert_eq!(row.flows % row.services, 0, "{}", row.label());
            assert!(row.services <= MAX_SERVICES, "{}", row.label());
        }
    }

    #[test]
    fn one_cpus_share_of_the_table_holds_every_tracked_flow() {
        for row in Row::all(PACKETS) {
            for cpus in [1, 2, 64] {
                let share = row.capacity(cpus).connections / cpus;
                let tracked = if row.is_tracked() { row.flows } else { 0 };
                assert!(share >= tracked, "{} on {cpus} CPUs: {share}", row.label());
            }
        }
    }

    #[test]
    fn new_flows_are_measured_with_a_full_table() {
        let rows = Row::all(PACKETS);
        for row in rows.iter().filter(|row| row.kind == Kind::NewFlows && row.is_tracked()) {
            assert!(row.warm_up(2) > row.capacity(2).connections / 2);
        }
    }
}
