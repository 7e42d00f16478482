//! One row of the table: what is measured. Pure.

use lb_common::key::Protocol;
use lb_common::limits::{DEFAULT_CONNECTIONS, DEFAULT_RING_SLOTS};
use lb_common::traffic::{
    DIRECTOR, ENDLESS, SERVICE_PORT, Traffic, client_v4, client_v6, vip_v4, vip_v6,
};
use lb_common::value::Tracking;
use lb_common::verdict::Reason;
pub use lb_ctl::config::model::Scheduler;
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

    /// TCP or UDP.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Udp => Protocol::Udp,
            _ => Protocol::Tcp,
        }
    }
}

/// Reals of a service, where neither they nor the services are what is compared.
pub const REALS: u32 = 100;
/// Reals of each service where services are compared.
pub(super) const REALS_OF_MANY: u32 = 10;

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
        self.services == 1 && self.reals == REALS && matches!(self.scheduler, Scheduler::Mh)
    }

    /// Whether it takes little time and memory whatever the number of packets.
    pub const fn is_quick(&self) -> bool {
        (self.flows <= QUICK_FLOWS || matches!(self.kind, Kind::NewFlows)) && self.services <= 100
    }

    /// The frame from which the generator makes all others.
    pub fn frame(&self) -> Vec<u8> {
        self.frame_with(match self.kind {
            Kind::TcpSyn | Kind::NewFlows => tcp_flags::SYN,
            _ => tcp_flags::ACK,
        })
    }

    /// The frame by which each flow begins before those of [`Self::frame`] come; `None` where they
    /// begin it themselves. A scheduler that is no hash is asked about beginnings only: a flow that
    /// is first seen in mid-connection goes by the ring.
    pub fn opening_frame(&self) -> Option<Vec<u8>> {
        let opens = self.kind == Kind::EstablishedTcp && !self.scheduler.is_hashing();
        opens.then(|| self.frame_with(tcp_flags::SYN))
    }

    fn frame_with(&self, flags: u8) -> Vec<u8> {
        let base = Packet::new(self.family);
        let (source, destination) = match self.family {
            Family::V4 => (client_v4(0).into(), vip_v4(0).into()),
            Family::V6 => (client_v6(0).into(), vip_v6(0).into()),
        };
        let destination_port = match self.kind {
            Kind::Pass => SERVICE_PORT + 1,
            _ => SERVICE_PORT,
        };
        let protocol = self.kind.protocol();
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
    pub(super) const fn is_tracked(&self) -> bool {
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
    use super::*;

    fn row(kind: Kind, tracking: Tracking, scheduler: Scheduler) -> Row {
        let family = Family::V4;
        Row { kind, tracking, scheduler, family, flows: 100, services: 1, reals: REALS }
    }

    #[test]
    fn a_flow_counts_once_where_it_is_recorded_and_else_with_each_syn() {
        let after = |kind, tracking, scheduler| {
            [40, 1_000].map(|packets| row(kind, tracking, scheduler).connections_after(packets))
        };
        for scheduler in [Scheduler::Mh, Scheduler::Rr, Scheduler::Wlc] {
            for kind in [Kind::TcpSyn, Kind::EstablishedTcp, Kind::Udp] {
                assert_eq!(after(kind, Tracking::Full, scheduler), [40, 100], "{kind:?}");
            }
            assert_eq!(after(Kind::NewFlows, Tracking::Full, scheduler), [40, 1_000]);
            assert_eq!(after(Kind::Pass, Tracking::Full, scheduler), [0, 0]);
        }
        for tracking in [Tracking::Changes, Tracking::None] {
            assert_eq!(after(Kind::TcpSyn, tracking, Scheduler::Sh), [40, 1_000]);
            assert_eq!(after(Kind::NewFlows, tracking, Scheduler::Sh), [40, 1_000]);
            assert_eq!(after(Kind::EstablishedTcp, tracking, Scheduler::Sh), [0, 0]);
            assert_eq!(after(Kind::Udp, tracking, Scheduler::Sh), [0, 0]);
        }
    }

    #[test]
    fn only_connections_that_a_scheduler_gives_out_are_opened_before() {
        for scheduler in Scheduler::ALL {
            let opened = |kind| row(kind, Tracking::Full, scheduler).opening_frame();
            assert!(opened(Kind::NewFlows).is_none() && opened(Kind::Udp).is_none());
            let syn = row(Kind::TcpSyn, Tracking::Full, scheduler).frame();
            let wanted = (!scheduler.is_hashing()).then_some(syn);
            assert_eq!(opened(Kind::EstablishedTcp), wanted, "{}", scheduler.name());
        }
    }

    #[test]
    fn the_plot_is_of_one_scheduler() {
        let plotted = |scheduler| row(Kind::Udp, Tracking::Full, scheduler).is_plotted();
        assert_eq!(Scheduler::ALL.into_iter().filter(|each| plotted(*each)).count(), 1);
        assert!(plotted(Scheduler::Mh));
    }
}
