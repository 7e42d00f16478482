//! What is measured: one row of the table each. Pure.

use lb_common::limits::DEFAULT_CONNECTIONS;
use lb_common::traffic::{ENDLESS, Traffic};
use xdp_prog::fixtures::frame::Family;
use xdp_prog::headers::tcp_flags;

use crate::stream::{Stream, Tracking, family_number};

/// The flows of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flows {
    /// So many established TCP flows, in turn.
    Established(u32),
    /// Each packet is the SYN of a flow that was never seen.
    AllNew,
}

/// What is measured.
pub const FLOWS: [Flows; 5] = [
    Flows::Established(1),
    Flows::Established(1_000),
    Flows::Established(100_000),
    Flows::Established(1_000_000),
    Flows::AllNew,
];

/// The most flows of a quick run.
const QUICK_FLOWS: u32 = 1_000;

/// Packets after which code and branch predictors are warm.
const WARM_CODE: u32 = 100_000;

impl Flows {
    /// The word for files, which is that of the program bench.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Established(_) => "established-tcp",
            Self::AllNew => "new-flows",
        }
    }
}

/// One row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// How the service remembers its connections.
    pub tracking: Tracking,
    /// IPv4 or IPv6.
    pub family: Family,
    /// The flows.
    pub flows: Flows,
}

impl Row {
    /// Every row of an lb-ctl that knows these modes.
    pub fn all(known: &[Tracking]) -> Vec<Self> {
        let mut rows = Vec::new();
        for family in Family::BOTH {
            for &tracking in known {
                rows.extend(FLOWS.map(|flows| Self { tracking, family, flows }));
            }
        }
        rows
    }

    /// Whether it takes little time.
    pub const fn is_quick(&self) -> bool {
        !matches!(self.flows, Flows::Established(flows) if flows > QUICK_FLOWS)
    }

    /// 4 or 6.
    pub const fn family_number(&self) -> u8 {
        family_number(self.family)
    }

    /// The row in one word, for messages and to select by.
    pub fn label(&self) -> String {
        let (name, tracking, family) =
            (self.flows.name(), self.tracking.name(), self.family_number());
        match self.flows {
            Flows::Established(flows) => format!("{name}/{tracking}/ipv{family}/flows={flows}"),
            Flows::AllNew => format!("{name}/{tracking}/ipv{family}"),
        }
    }

    /// The packets.
    pub const fn stream(&self) -> Stream {
        let (flags, flows) = match self.flows {
            Flows::Established(flows) => (tcp_flags::ACK, flows),
            Flows::AllNew => (tcp_flags::SYN, ENDLESS),
        };
        let traffic = Traffic { flow: 0, flows, service: 0, services: 1 };
        Stream { family: self.family, flags, traffic }
    }

    /// Room for connections on a machine with so many CPUs: all the work is done by one, whose
    /// share must hold the row's flows.
    pub fn max_connections(&self, cpus: u32) -> u32 {
        let tracked = match self.flows {
            Flows::Established(flows) => flows + flows / 16,
            Flows::AllNew => 0,
        };
        tracked.saturating_mul(cpus).max(DEFAULT_CONNECTIONS)
    }

    /// Packets to send before anything is measured: every flow once; of new flows, as many as fill
    /// the table, so that each measured one also pushes an old one out.
    pub fn warm_up(&self, cpus: u32) -> u32 {
        match self.flows {
            Flows::Established(flows) => flows.max(WARM_CODE),
            Flows::AllNew => self.max_connections(cpus),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const KNOWN: [Tracking; 3] = [Tracking::Changes, Tracking::Full, Tracking::None];

    #[test]
    fn each_mode_has_every_row_in_both_families_and_none_twice() {
        let rows = Row::all(&KNOWN);
        let labels: HashSet<_> = rows.iter().map(Row::label).collect();
        assert_eq!(labels.len(), rows.len());
        assert_eq!(rows.len(), KNOWN.len() * FLOWS.len() * 2);
    }

    #[test]
    fn one_cpus_share_of_the_table_holds_the_flows_or_is_full() {
        for row in Row::all(&KNOWN) {
            for cpus in [1, 2, 64] {
                let share = row.max_connections(cpus) / cpus;
                match row.flows {
                    Flows::Established(flows) => assert!(share >= flows, "{}", row.label()),
                    Flows::AllNew => assert!(row.warm_up(cpus) >= share, "{}", row.label()),
                }
                if let Flows::Established(flows) = row.flows {
                    assert!(row.warm_up(cpus) >= flows);
                }
            }
        }
    }

    #[test]
    fn quick_rows_have_few_flows_and_are_some() {
        let rows = Row::all(&KNOWN).into_iter();
        let (quick, slow): (Vec<Row>, Vec<Row>) = rows.partition(Row::is_quick);
        assert!(quick.iter().any(|row| row.flows == Flows::AllNew));
        assert!(slow.iter().all(|row| matches!(row.flows, Flows::Established(n) if n > 1_000)));
    }
}
