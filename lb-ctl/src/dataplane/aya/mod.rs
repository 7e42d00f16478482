//! The kernel's data plane: the only place that names aya.
//!
//! Everything is pinned from the start. Forwarding needs no process: the links hold the program,
//! the program holds the maps, and a new daemon finds all of them under the pin directory.

mod bpf_syscall;
mod bulk;
mod connections;
pub mod inspect;
mod links;
mod logs;
mod maps;
mod open;
mod rings;
mod services;
pub mod testrun;

use std::collections::HashMap;

use lb_common::limits::maps as names;
use lb_common::value::{RealId, Stats, Ticks};

use self::links::Links;
use self::maps::{Maps, map_error};
pub use self::open::OpenOptions;
use super::{
    Attachment, Capacity, Dataplane, DataplaneError, Held, MapFill, ModeChoice, ReadConnections,
};
use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;
use crate::reconcile::op::MapOp;

/// The program, its maps and its links in the kernel.
pub struct AyaDataplane {
    ebpf: aya::Ebpf,
    maps: Maps,
    links: Links,
    capacity: Capacity,
    seed: u64,
    adopted: bool,
    program_id: u32,
}

impl Dataplane for AyaDataplane {
    fn read_back(&self) -> Result<Actual, DataplaneError> {
        self.maps.read_back(self.capacity.ring_slots, self.now()?)
    }

    fn run_alike(&mut self, ops: &[MapOp]) -> Result<(), DataplaneError> {
        let slots = self.capacity.ring_slots;
        match ops {
            [MapOp::PutRing { .. }, ..] => {
                let rings = ops.iter().filter_map(MapOp::as_put_ring);
                self.maps.rings.put(rings.map(|(service, ring)| (service, ring.slots(slots))))
            }
            [MapOp::PutReal { .. }, ..] => {
                let reals = ops.iter().filter_map(MapOp::as_put_real);
                self.maps.bulk.put_reals(reals)
            }
            [MapOp::ZeroReal { .. }, ..] => {
                self.maps.bulk.zero_reals(ops.iter().filter_map(MapOp::as_zero_real))
            }
            [MapOp::ZeroService { .. }, ..] => {
                self.maps.bulk.zero_services(ops.iter().filter_map(MapOp::as_zero_service))
            }
            _ => ops.iter().try_for_each(|op| self.run(op)),
        }
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
            MapOp::PutRing { service, ring } => {
                maps.rings.put([(*service, ring.slots(self.capacity.ring_slots))])
            }
            MapOp::RemoveRing { service } => maps.rings.remove(*service),
            MapOp::SetServices { services } => maps.services.set(services),
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

    fn deferred(&self, service: u32) -> Result<u64, DataplaneError> {
        self.maps.deferred(service)
    }

    fn now(&self) -> Result<Ticks, DataplaneError> {
        connections::now()
    }

    fn zero_reasons(&mut self) -> Result<(), DataplaneError> {
        self.maps.zero_reasons()
    }

    fn connections(
        &self,
        idle: HashMap<Endpoint, Ticks>,
    ) -> Result<Box<dyn ReadConnections>, DataplaneError> {
        Ok(Box::new(connections::Reader::open(self.maps.directory(), self.seed, idle)?))
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn fixed_fill(&self) -> Vec<MapFill> {
        self.maps.fixed_fill()
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
