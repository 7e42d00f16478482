//! What the maps hold, kept in step with each operation. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use lb_common::be::{Be32, Be128};
use lb_common::details::{Details, Picking};
use lb_common::value::{Mac, Real, RealId, Service, real_flags};

use super::op::MapOp;
use crate::config::model::Endpoint;
use crate::sched::order::Order;
use crate::sched::ring::Ring;

/// What the maps hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Actual {
    services: HashMap<Endpoint, Service>,
    rings: BTreeMap<u32, Ring>,
    /// By id. A free slot keeps its generation; one that was never used is all zero.
    reals: Vec<Real>,
    by_address: HashMap<(u32, IpAddr), RealId>,
    egress: BTreeSet<u32>,
    ingress: BTreeMap<u32, Mac>,
    orders: BTreeMap<u32, Order>,
    details: BTreeMap<u32, Details>,
    sources: BTreeMap<u32, BTreeMap<IpNet, u32>>,
    peers: BTreeSet<Mac>,
    virtual_macs: BTreeSet<Mac>,
}

/// What an earlier daemon left.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// Services as packets find them.
    pub services: HashMap<Endpoint, Service>,
    /// Rings by the ids of their services.
    pub rings: BTreeMap<u32, Ring>,
    /// What stands beside each service.
    pub details: BTreeMap<u32, Details>,
    /// What source lists say, by the ids of their services.
    pub sources: BTreeMap<u32, BTreeMap<IpNet, u32>>,
    /// The slots of the reals table that are not all zero.
    pub reals: Vec<(RealId, Real)>,
    /// Interfaces that packets may be sent out of.
    pub egress: BTreeSet<u32>,
    /// Interfaces that packets come in by.
    pub ingress: BTreeMap<u32, Mac>,
    /// Machines that may be other directors.
    pub peers: BTreeSet<Mac>,
    /// MACs of virtual routers.
    pub virtual_macs: BTreeSet<Mac>,
}

impl Actual {
    /// Takes over what an earlier daemon left. Which services have an order follows from their
    /// details.
    pub fn inherited(left: Inherited) -> Self {
        let Inherited { services, rings, details, sources, reals, egress, ingress, .. } = left;
        let Inherited { peers, virtual_macs, .. } = left;
        let ordered = details.iter().filter(|(_, details)| details.picking() != Picking::Hash);
        let orders = ordered.map(|(id, _)| (*id, Order::inherited())).collect();
        let mut actual = Self {
            services,
            rings,
            egress,
            ingress,
            orders,
            details,
            sources,
            peers,
            virtual_macs,
            ..Self::default()
        };
        for (id, real) in reals {
            actual.record(&MapOp::PutReal { id, real });
        }
        actual
    }

    /// Notes an operation that was carried out.
    pub fn record(&mut self, op: &MapOp) {
        match op {
            MapOp::PutEgress { ifindex } => {
                self.egress.insert(*ifindex);
            }
            MapOp::RemoveEgress { ifindex } => {
                self.egress.remove(ifindex);
            }
            MapOp::PutIngress { ifindex, mac } => {
                self.ingress.insert(*ifindex, *mac);
            }
            MapOp::RemoveIngress { ifindex } => {
                self.ingress.remove(ifindex);
            }
            MapOp::PutReal { id, real } => self.record_real(*id, *real),
            MapOp::PutRing { service, ring } => {
                self.rings.insert(*service, ring.clone());
            }
            MapOp::RemoveRing { service } => {
                self.rings.remove(service);
            }
            MapOp::SetServices { services } => {
                self.services = services.iter().copied().collect();
            }
            MapOp::PutOrder { service, order } => {
                self.orders.insert(*service, order.clone());
            }
            MapOp::RemoveOrder { service } => {
                self.orders.remove(service);
            }
            MapOp::PutDetails { service, details } => {
                self.details.insert(*service, *details);
            }
            MapOp::PutSource { service, prefix, said } => {
                self.sources.entry(*service).or_default().insert(*prefix, *said);
            }
            MapOp::RemoveSource { service, prefix } => {
                if let Some(prefixes) = self.sources.get_mut(service) {
                    prefixes.remove(prefix);
                }
            }
            MapOp::PutVirtualMac { mac } => {
                self.virtual_macs.insert(*mac);
            }
            MapOp::RemoveVirtualMac { mac } => {
                self.virtual_macs.remove(mac);
            }
            MapOp::PutPeer { mac } => {
                self.peers.insert(*mac);
            }
            MapOp::RemovePeer { mac } => {
                self.peers.remove(mac);
            }
            MapOp::ZeroReal { .. } | MapOp::ZeroService { .. } => {}
        }
    }

    fn record_real(&mut self, id: RealId, real: Real) {
        let index = id as usize;
        if index >= self.reals.len() {
            self.reals.resize(index + 1, Real::default());
        }
        let before = std::mem::replace(&mut self.reals[index], real);
        if in_use(&before) {
            self.by_address.remove(&(before.service, address_of(&before)));
        }
        if in_use(&real) {
            self.by_address.insert((real.service, address_of(&real)), id);
        }
    }

    /// Services as packets find them.
    pub fn services(&self) -> &HashMap<Endpoint, Service> {
        &self.services
    }

    /// The ring of a service.
    pub fn ring(&self, service: u32) -> Option<&Ring> {
        self.rings.get(&service)
    }

    /// All rings, by the ids of their services.
    pub fn rings(&self) -> impl Iterator<Item = (u32, &Ring)> {
        self.rings.iter().map(|(id, ring)| (*id, ring))
    }

    /// The orders, by the ids of their services.
    pub fn orders(&self) -> &BTreeMap<u32, Order> {
        &self.orders
    }

    /// What stands beside a service.
    pub fn details(&self, service: u32) -> Option<&Details> {
        self.details.get(&service)
    }

    /// What the source lists of services say, by their ids.
    pub fn sources(&self) -> &BTreeMap<u32, BTreeMap<IpNet, u32>> {
        &self.sources
    }

    /// Machines that may be other directors.
    pub fn peers(&self) -> &BTreeSet<Mac> {
        &self.peers
    }

    /// MACs of virtual routers.
    pub fn virtual_macs(&self) -> &BTreeSet<Mac> {
        &self.virtual_macs
    }

    /// What stands in a slot of the reals table: all zero where it was never used.
    pub fn slot(&self, id: RealId) -> Real {
        self.reals.get(id as usize).copied().unwrap_or_default()
    }

    /// The real of a service with this address.
    pub fn real(&self, service: u32, address: IpAddr) -> Option<(RealId, &Real)> {
        let id = *self.by_address.get(&(service, address))?;
        self.reals.get(id as usize).map(|real| (id, real))
    }

    /// The reals in use.
    pub fn reals_in_use(&self) -> impl Iterator<Item = (RealId, &Real)> {
        let numbered = self.reals.iter().enumerate().map(|(id, real)| (id as RealId, real));
        numbered.filter(|(_, real)| in_use(real))
    }

    /// Number of reals in use.
    pub fn reals_len(&self) -> usize {
        self.by_address.len()
    }

    /// Interfaces that packets may be sent out of.
    pub fn egress(&self) -> &BTreeSet<u32> {
        &self.egress
    }

    /// Interfaces that packets come in by.
    pub fn ingress(&self) -> &BTreeMap<u32, Mac> {
        &self.ingress
    }
}

/// Whether a slot is in use.
pub const fn in_use(real: &Real) -> bool {
    real.flags & real_flags::IN_USE != 0
}

/// The address written into a real.
pub fn address_of(real: &Real) -> IpAddr {
    if real.flags & real_flags::IPV6 != 0 {
        IpAddr::V6(Be128::from_bytes(real.address).into())
    } else {
        let [a, b, c, d, ..] = real.address;
        IpAddr::V4(Be32::from_bytes([a, b, c, d]).into())
    }
}

/// The bytes and the flag by which a real carries its address.
pub fn address_bytes(address: IpAddr) -> ([u8; 16], u32) {
    match address {
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            (bytes, 0)
        }
        IpAddr::V6(v6) => (v6.octets(), real_flags::IPV6),
    }
}
