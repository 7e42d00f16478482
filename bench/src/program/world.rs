//! The program under test, loaded as the daemon loads it, with the services of a row.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use lb_common::budget::Budget;
use lb_common::details::Details;
use lb_common::hash::DEFAULT_SEED;
use lb_common::ring::Slot;
use lb_common::timeout::{self, Timeouts};
use lb_common::traffic::{DIRECTOR, SERVICE_PORT, vip_v4, vip_v6};
use lb_common::value::{Real, RealId, Service, real_flags, ticks_from_secs};
use lb_common::verdict::Reason;
use lb_ctl::config::model::Endpoint;
use lb_ctl::dataplane::aya::{AyaDataplane, OpenOptions};
use lb_ctl::dataplane::keeping::Kept;
use lb_ctl::dataplane::{Dataplane as _, DataplaneError, ReadConnections};
use lb_ctl::reconcile::op::MapOp;
use lb_ctl::sched::maglev::{self, Member};
use xdp_prog::fixtures::frame::Family;

use super::row::Row;
use super::{Driver, ProgramError};

/// Where the kernel has test packets come in: the loopback.
const INGRESS: u32 = 1;

/// The program in the kernel, with its tables filled.
pub struct World {
    dataplane: AyaDataplane,
    connections: Box<dyn ReadConnections>,
    services: u32,
}

impl World {
    /// Loads the program and what the row asks for, on a machine with so many possible CPUs.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example because there is not the memory for the tables.
    pub fn load(row: &Row, cpus: u32) -> Result<Self, ProgramError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("/sys/fs/bpf/lb-ctl-bench-{}-{number}", std::process::id());
        let pin_dir = PathBuf::from(name);
        let capacity = row.capacity(cpus);
        let mut dataplane =
            AyaDataplane::open(&OpenOptions { pin_dir, capacity, seed: DEFAULT_SEED })?;
        let filled = fill(&mut dataplane, row).and_then(|()| {
            dataplane.connections((0..row.services).map(|id| kept(row, id)).collect())
        });
        // The open descriptors keep everything; without names nothing is left behind, however this
        // process ends.
        dataplane.unpin_all()?;
        Ok(Self { dataplane, connections: filled?, services: row.services })
    }

    /// A packet generator before this program.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn driver(&mut self) -> Result<Driver, ProgramError> {
        Driver::new(self.dataplane.program_fd()?)
    }

    /// How many packets have left by a reason.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn counted(&self, reason: Reason) -> Result<u64, ProgramError> {
        Ok(self.dataplane.reasons()?[reason as usize])
    }

    /// How many packets have left by whatever reason.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn counted_in_all(&self) -> Result<u64, ProgramError> {
        Ok(self.dataplane.reasons()?.iter().sum())
    }

    /// How many connections the services have counted.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn connections_counted(&self) -> Result<u64, ProgramError> {
        let mut connections = 0;
        for service in 0..self.services {
            connections += self.dataplane.service_stats(service)?.connections;
        }
        Ok(connections)
    }

    /// The connection table.
    pub fn connections(&self) -> &dyn ReadConnections {
        self.connections.as_ref()
    }
}

fn fill(dataplane: &mut AyaDataplane, row: &Row) -> Result<(), DataplaneError> {
    let slots = first_ring(row);
    let mut rings = Vec::new();
    for service in 0..row.services {
        let before = service * row.reals;
        for number in 1..=row.reals {
            dataplane.put_real(before + number, &real(service, number))?;
        }
        rings.push(slots.iter().map(|id| Slot::settled(before + id)).collect::<Vec<_>>());
    }
    let numbered: Vec<(u32, &[Slot])> = (0..).zip(rings.iter().map(Vec::as_slice)).collect();
    dataplane.put_ring_slots(&numbered)?;
    // Rows that track every flow are there to show what that costs: none is left out.
    dataplane.put_budget(Budget::of(u32::MAX, u32::MAX))?;
    let details =
        (0..row.services).map(|id| MapOp::PutDetails { service: id, details: details(row) });
    dataplane.run_alike(&details.collect::<Vec<_>>())?;
    let services = (0..row.services).map(|id| (endpoint(row, id), service(row, id))).collect();
    dataplane.run(&MapOp::SetServices { services })
}

/// The ring of the first service; the others' differ only by where their reals begin.
fn first_ring(row: &Row) -> Vec<RealId> {
    let members: Vec<Member> = (1..=row.reals)
        .map(|id| Member {
            id,
            address: std::net::Ipv4Addr::from_bits(0x0aff_0000 + id).into(),
            weight: 1,
        })
        .collect();
    maglev::fill(&members, row.ring_slots())
}

fn real(service: u32, number: u32) -> Real {
    let [_, _, high, low] = number.to_be_bytes();
    Real {
        destination: [0x02, 1, 0, 0, high, low],
        source: DIRECTOR,
        ifindex: INGRESS,
        generation: 1,
        flags: real_flags::FORWARD | real_flags::ACCEPT_NEW | real_flags::IN_USE,
        service,
        ..Real::default()
    }
}

fn endpoint(row: &Row, id: u32) -> Endpoint {
    let address = match row.family {
        Family::V4 => vip_v4(id).into(),
        Family::V6 => vip_v6(id).into(),
    };
    Endpoint { protocol: row.protocol(), address, port: SERVICE_PORT.into() }
}

fn service(row: &Row, id: u32) -> Service {
    Service::new(id, row.tracking, 0)
}

fn details(row: &Row) -> Details {
    let idle = ticks_from_secs(timeout::default_idle_secs(row.protocol()));
    Details { timeouts: Timeouts::with_idle(idle), ..Details::default() }
}

fn kept(row: &Row, id: u32) -> Kept {
    Kept { endpoint: endpoint(row, id), service: service(row, id), details: details(row) }
}
