//! The kernel's data plane: the only place that names aya.
//!
//! Everything is pinned from the start. Forwarding needs no process: the links hold the program,
//! the program holds the maps, and a new daemon finds all of them under the pin directory.

mod bpf_syscall;
mod bulk;
mod by_cpu;
mod connections;
pub mod inspect;
mod links;
mod logs;
mod maps;
mod open;
mod rings;
mod services;
mod sources;
pub mod testrun;
mod trace;
pub mod via;
mod wide;

use aya::maps::{MapData, ProgramArray};
use futures_util::stream::BoxStream;
use lb_common::limits::maps as names;
use lb_common::value::{RealId, Stats, Ticks};

use self::links::Links;
use self::maps::{Maps, map_error};
pub use self::open::OpenOptions;
pub use self::trace::Tracer;
use self::trace::Tracing;
use super::keeping::Keeping;
use super::{
    Attachment, Capacity, Dataplane, DataplaneError, EditConnections, Held, LoadTracer, MapFill,
    ModeChoice, ReadConnections, Samples,
};
use crate::reconcile::actual::Actual;
use crate::reconcile::op::MapOp;
use crate::sched::order::Order;

/// An order as it stands in its map.
fn places(order: &Order, ring_slots: u32) -> Vec<u64> {
    order.fill(ring_slots).into_iter().map(u64::from).collect()
}

/// The program, its maps and its links in the kernel.
pub struct AyaDataplane {
    ebpf: aya::Ebpf,
    maps: Maps,
    links: Links,
    capacity: Capacity,
    seed: u64,
    adopted: bool,
    program_id: u32,
    /// Stands in for the program of `ebpf` while packets are traced.
    tracing: Option<Tracing>,
    /// A table of programs empties itself when nobody has it open and no pin names it: held, so that
    /// rare packets find their program also where the pins are removed first.
    _long_way: ProgramArray<MapData>,
}

impl Dataplane for AyaDataplane {
    type Tracer = Box<Tracer>;

    fn read_back(&self) -> Result<Actual, DataplaneError> {
        self.maps.read_back(self.capacity.ring_slots, self.now()?)
    }

    fn run_alike(&mut self, ops: &[MapOp]) -> Result<(), DataplaneError> {
        let slots = self.capacity.ring_slots;
        match ops {
            [MapOp::PutRing { .. }, ..] => {
                let rings = ops.iter().filter_map(MapOp::as_put_ring);
                self.maps.rings.put_slots(rings.map(|(service, ring)| (service, ring.slots(slots))))
            }
            [MapOp::PutOrder { .. }, ..] => {
                let orders = ops.iter().filter_map(MapOp::as_put_order);
                self.maps.orders.put_places(orders.map(|(id, order)| (id, places(order, slots))))
            }
            [MapOp::RemoveRing { .. }, ..] => {
                let services: Vec<_> = ops.iter().filter_map(MapOp::as_remove_ring).collect();
                self.maps.rings.remove(&services)
            }
            [MapOp::RemoveOrder { .. }, ..] => {
                let services: Vec<_> = ops.iter().filter_map(MapOp::as_remove_order).collect();
                self.maps.orders.remove(&services)
            }
            [MapOp::PutDetails { .. }, ..] => {
                self.maps.bulk.put_details(ops.iter().filter_map(MapOp::as_put_details))
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
            MapOp::ZeroReal { id } => maps.bulk.zero_reals([*id].into_iter()),
            MapOp::PutReal { id, real } => maps.bulk.put_reals([(*id, *real)].into_iter()),
            MapOp::ZeroService { id } => maps.bulk.zero_services([*id].into_iter()),
            MapOp::PutRing { service, ring } => {
                maps.rings.put_slots([(*service, ring.slots(self.capacity.ring_slots))])
            }
            MapOp::RemoveRing { service } => maps.rings.remove(&[*service]),
            MapOp::PutOrder { service, order } => {
                maps.orders.put_places([(*service, places(order, self.capacity.ring_slots))])
            }
            MapOp::RemoveOrder { service } => maps.orders.remove(&[*service]),
            MapOp::PutDetails { service, details } => {
                maps.bulk.put_details([(*service, *details)].into_iter())
            }
            MapOp::PutSource { service, prefix, said } => {
                maps.sources.put(*service, *prefix, *said)
            }
            MapOp::RemoveSource { service, prefix } => maps.sources.remove(*service, *prefix),
            MapOp::PutVirtualMac { mac } => maps
                .virtual_macs
                .insert(mac, 0, 0)
                .map_err(map_error("insert", names::VIRTUAL_MACS)),
            MapOp::RemoveVirtualMac { mac } => {
                maps::gone_is_fine(maps.virtual_macs.remove(mac), names::VIRTUAL_MACS)
            }
            MapOp::PutPeer { mac } => {
                maps.peers.insert(mac, 0, 0).map_err(map_error("insert", names::PEERS))
            }
            MapOp::RemovePeer { mac } => maps::gone_is_fine(maps.peers.remove(mac), names::PEERS),
            MapOp::SetServices { services } => maps.services.set(services),
        }
    }

    fn service_stats(&self, id: u32) -> Result<Stats, DataplaneError> {
        Ok(self.maps.bulk.service_stats(id))
    }

    fn real_stats(&self, id: RealId) -> Result<Stats, DataplaneError> {
        Ok(self.maps.bulk.real_stats(id))
    }

    fn reasons(&self) -> Result<Vec<u64>, DataplaneError> {
        self.maps.reasons()
    }

    fn refusals(&self, service: u32) -> Result<Vec<u64>, DataplaneError> {
        self.maps.bulk.refusals(service)
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

    fn connections(&self, keeping: Keeping) -> Result<Box<dyn ReadConnections>, DataplaneError> {
        Ok(Box::new(connections::Reader::open(self.maps.directory(), self.seed, keeping)?))
    }

    fn edit_connections(&self) -> Result<Box<dyn EditConnections>, DataplaneError> {
        Ok(Box::new(connections::Editor::open(self.maps.directory())?))
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn fixed_fill(&self) -> Vec<MapFill> {
        self.maps.fixed_fill()
    }

    fn memory(&self, map: &'static str) -> Result<u64, DataplaneError> {
        inspect::memory_of(self.maps.directory(), map)
    }

    fn ring_memory(&self, service: u32) -> Result<u64, DataplaneError> {
        self.maps.rings.memory(service)
    }

    fn program_id(&self) -> u32 {
        self.tracing.as_ref().map_or(self.program_id, |tracing| tracing.program_id)
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
        let program = match &mut self.tracing {
            Some(tracing) => tracing.program()?,
            None => open::program(&mut self.ebpf)?,
        };
        self.links.attach(program, name, ifindex, choice, before)
    }

    fn tracer(&self) -> LoadTracer<Box<Tracer>> {
        self.load_tracer()
    }

    fn start_trace(
        &mut self,
        tracer: Box<Tracer>,
    ) -> Result<BoxStream<'static, Samples>, DataplaneError> {
        self.put_tracer(tracer)
    }

    fn end_trace(&mut self) {
        self.put_back();
    }

    fn is_tracing(&self) -> bool {
        self.tracing.is_some()
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
