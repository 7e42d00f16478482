//! The kernel's data plane: the only place that names aya.
//!
//! Everything is pinned from the start. Forwarding needs no process: the links hold the program,
//! the program holds the maps, and a new daemon finds all of them under the pin directory.

mod bpf_syscall;
mod connections;
mod links;
mod logs;
mod maps;
mod open;
pub mod testrun;

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::ServiceKey;
use lb_common::limits::{RING_SLOTS, maps as names};
use lb_common::value::{RealId, Service, Stats};

use self::links::Links;
use self::maps::{Maps, map_error};
pub use self::open::OpenOptions;
use super::{
    Attachment, Capacity, Dataplane, DataplaneError, Held, MapFill, ModeChoice, ReadConnections,
};
use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;
use crate::reconcile::op::MapOp;
use crate::sched::maglev;

/// The program, its maps and its links in the kernel.
pub struct AyaDataplane {
    ebpf: aya::Ebpf,
    maps: Maps,
    links: Links,
    capacity: Capacity,
    adopted: bool,
    program_id: u32,
}

/// A service key of either family.
enum Key {
    V4(ServiceKey<Be32>),
    V6(ServiceKey<Be128>),
}

impl From<&Endpoint> for Key {
    fn from(endpoint: &Endpoint) -> Self {
        let port = Be16::new(endpoint.port);
        match endpoint.address {
            std::net::IpAddr::V4(vip) => {
                Self::V4(ServiceKey::new(vip.into(), port, endpoint.protocol))
            }
            std::net::IpAddr::V6(vip) => {
                Self::V6(ServiceKey::new(vip.into(), port, endpoint.protocol))
            }
        }
    }
}

impl Dataplane for AyaDataplane {
    fn read_back(&self) -> Result<Actual, DataplaneError> {
        self.maps.read_back()
    }

    fn run(&mut self, op: &MapOp) -> Result<(), DataplaneError> {
        let maps = &mut self.maps;
        match op {
            MapOp::PutEgress { ifindex } => maps.put_egress(*ifindex),
            MapOp::RemoveEgress { ifindex } => {
                maps::gone_is_fine(maps.egress.remove(*ifindex), names::EGRESS)
            }
            MapOp::PutIngress { ifindex, mac } => {
                maps.ingress.insert(ifindex, mac, 0).map_err(map_error("insert", names::INGRESS))
            }
            MapOp::RemoveIngress { ifindex } => {
                maps::gone_is_fine(maps.ingress.remove(ifindex), names::INGRESS)
            }
            MapOp::ZeroReal { id } => maps::zero(&mut maps.real_stats, names::REAL_STATS, *id),
            MapOp::PutReal { id, real } => {
                maps.reals.set(*id, real, 0).map_err(map_error("update", names::REALS))
            }
            MapOp::ZeroService { id } => {
                maps::zero(&mut maps.service_stats, names::SERVICE_STATS, *id)
            }
            MapOp::PutRing { service, members } => {
                maps.put_ring(*service, &maglev::fill(members, RING_SLOTS))
            }
            MapOp::RemoveRing { service } => maps.remove_ring(*service),
            MapOp::PutService { endpoint, id } => {
                let service = Service { id: *id, ring_slots: RING_SLOTS };
                match Key::from(endpoint) {
                    Key::V4(key) => maps.services_v4.insert(key, service, 0),
                    Key::V6(key) => maps.services_v6.insert(key, service, 0),
                }
                .map_err(map_error("insert", names::SERVICES_V4))
            }
            MapOp::RemoveService { endpoint } => maps::gone_is_fine(
                match Key::from(endpoint) {
                    Key::V4(key) => maps.services_v4.remove(&key),
                    Key::V6(key) => maps.services_v6.remove(&key),
                },
                names::SERVICES_V4,
            ),
        }
    }

    fn service_stats(&self, id: u32) -> Result<Stats, DataplaneError> {
        maps::sum(&self.maps.service_stats, names::SERVICE_STATS, id)
    }

    fn real_stats(&self, id: RealId) -> Result<Stats, DataplaneError> {
        maps::sum(&self.maps.real_stats, names::REAL_STATS, id)
    }

    fn reasons(&self) -> Result<Vec<u64>, DataplaneError> {
        self.maps.reasons()
    }

    fn zero_reasons(&mut self) -> Result<(), DataplaneError> {
        self.maps.zero_reasons()
    }

    fn connections(&self) -> Result<Box<dyn ReadConnections>, DataplaneError> {
        Ok(Box::new(connections::Reader::open(self.maps.directory())?))
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn fixed_fill(&self) -> Vec<MapFill> {
        self.maps.fixed_fill(self.capacity)
    }

    fn program_id(&self) -> u32 {
        self.program_id
    }

    fn adopted(&self) -> bool {
        self.adopted
    }

    fn attach(
        &mut self,
        name: &str,
        ifindex: u32,
        choice: ModeChoice,
        before: Option<Held>,
    ) -> Result<Attachment, DataplaneError> {
        let program = open::program(&mut self.ebpf)?;
        self.links.attach(program, name, ifindex, choice, before)
    }

    fn detach(&mut self, name: &str) -> Result<(), DataplaneError> {
        self.links.detach(name)
    }

    fn attached(&self) -> Result<Vec<String>, DataplaneError> {
        self.links.pinned()
    }

    fn unpin_all(&mut self) -> Result<(), DataplaneError> {
        for name in self.links.pinned()? {
            self.links.detach(&name)?;
        }
        open::remove_pins(self.links.pin_dir())
    }

    fn discard(&mut self, links: &[String]) -> Result<(), DataplaneError> {
        for name in self.links.pinned()?.iter().filter(|name| !links.contains(name)) {
            self.links.detach(name)?;
        }
        self.links.forget_if_empty()?;
        if self.adopted { Ok(()) } else { open::remove_pins(self.maps.directory()) }
    }

    fn confirm(&mut self) -> Result<(), DataplaneError> {
        open::pin_program(&mut self.ebpf, self.links.pin_dir())?;
        open::retire_other_maps(self.links.pin_dir(), self.maps.directory())
    }
}
