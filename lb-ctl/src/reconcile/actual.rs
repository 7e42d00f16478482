//! What the maps hold, kept in step with each operation. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use lb_common::be::{Be32, Be128};
use lb_common::value::{Mac, Real, RealId, Service, real_flags};

use super::op::MapOp;
use crate::config::model::Endpoint;
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
}

impl Actual {
    /// Takes over what an earlier daemon left.
    pub fn inherited(
        services: impl IntoIterator<Item = (Endpoint, Service)>,
        rings: impl IntoIterator<Item = (u32, Ring)>,
        reals: impl IntoIterator<Item = (RealId, Real)>,
        egress: impl IntoIterator<Item = u32>,
        ingress: impl IntoIterator<Item = (u32, Mac)>,
    ) -> Self {
        let mut actual = Self {
            services: services.into_iter().collect(),
            rings: rings.into_iter().collect(),
            egress: egress.into_iter().collect(),
            ingress: ingress.into_iter().collect(),
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
