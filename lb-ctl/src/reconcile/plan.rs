//! The difference between what the maps hold and what they should hold, as operations in an order
//! in which no packet ever meets a half-made service. Pure.
//!
//! Services that go are taken away top-down (service, ring, reals), which frees their slots. Then
//! what is new is made bottom-up: interfaces, reals that gain something, rings, services. Last,
//! reals that lose something, when no ring points to them any more, and interfaces nobody uses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lb_common::value::{Real, RealId, Service, Ticks, Tracking, real_flags};
use thiserror::Error;

use super::actual::{Actual, address_bytes};
use super::op::MapOp;
use super::target::{Target, TargetReal, TargetService};
use crate::config::model::Endpoint;
use crate::dataplane::Capacity;
use crate::sched::maglev::Member;
use crate::sched::ring::Ring;

/// What is wanted does not fit the tables.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PlanError {
    /// Too many services.
    #[error(
        "the tables hold {0} services: start the daemon with a larger --max-services to have more"
    )]
    Services(u32),
    /// Too many reals.
    #[error(
        "the tables hold {0} reals of all services together: start the daemon with a larger --max-reals to have more"
    )]
    Reals(u32),
    /// Too many interfaces.
    #[error("the tables hold {0} interfaces")]
    Interfaces(u32),
}

/// Plans the way from `actual` to `target`, at the time `now`.
///
/// # Errors
///
/// Where `target` does not fit into `capacity`.
pub fn plan(
    target: &Target,
    actual: &Actual,
    capacity: Capacity,
    now: Ticks,
) -> Result<Vec<MapOp>, PlanError> {
    let mut planner =
        Planner { after: actual.clone(), ops: Vec::new(), now, ring_slots: capacity.ring_slots };
    planner.remove_services(target);
    planner.put_interfaces(target)?;
    let slots = planner.give_slots(target, capacity)?;
    planner.put_reals(target, &slots);
    planner.put_rings(target, &slots);
    planner.put_services(target, &slots);
    planner.settle_reals(target, &slots);
    planner.remove_interfaces(target);
    Ok(planner.ops)
}

/// The slots of each service: its own, and one for each of its reals.
type Slots = HashMap<Endpoint, (u32, Vec<RealId>)>;

struct Planner {
    /// The maps after all operations so far.
    after: Actual,
    ops: Vec<MapOp>,
    now: Ticks,
    ring_slots: u32,
}

impl Planner {
    fn push(&mut self, op: MapOp) {
        self.after.record(&op);
        self.ops.push(op);
    }

    fn remove_services(&mut self, target: &Target) {
        let wanted: HashSet<Endpoint> = target.services.iter().map(|s| s.endpoint).collect();
        let before = self.after.services();
        let left: Vec<_> = before
            .iter()
            .filter(|(endpoint, _)| wanted.contains(*endpoint))
            .map(|(endpoint, service)| (*endpoint, *service))
            .collect();
        if left.len() < before.len() {
            self.set_services(left);
        }
        let living: HashSet<u32> = self.after.services().values().map(|s| s.id).collect();
        let rings: Vec<u32> =
            self.after.rings().map(|(id, _)| id).filter(|id| !living.contains(id)).collect();
        for service in rings {
            self.push(MapOp::RemoveRing { service });
        }
        let reals: Vec<RealId> = self
            .after
            .reals_in_use()
            .filter(|(_, real)| !living.contains(&real.service))
            .map(|(id, _)| id)
            .collect();
        for id in reals {
            self.free_real(id);
        }
    }

    fn put_interfaces(&mut self, target: &Target) -> Result<(), PlanError> {
        let ingress: Vec<_> = target
            .ingress
            .iter()
            .filter(|(ifindex, mac)| self.after.ingress().get(ifindex) != Some(mac))
            .map(|(ifindex, mac)| MapOp::PutIngress { ifindex: *ifindex, mac: *mac })
            .collect();
        let egress: Vec<_> = egress(target)
            .difference(self.after.egress())
            .map(|ifindex| MapOp::PutEgress { ifindex: *ifindex })
            .collect();
        ingress.into_iter().chain(egress).for_each(|op| self.push(op));
        let limit = lb_common::limits::INTERFACES;
        let most = self.after.egress().len().max(self.after.ingress().len());
        if most > limit as usize { Err(PlanError::Interfaces(limit)) } else { Ok(()) }
    }

    fn give_slots(&self, target: &Target, capacity: Capacity) -> Result<Slots, PlanError> {
        let mut free_services = self.after.free_services(capacity.services);
        let mut free_reals = self.after.free_reals(capacity.reals);
        let mut slots = Slots::with_capacity(target.services.len());
        for service in &target.services {
            let known = self.after.services().get(&service.endpoint).map(|s| s.id);
            let id = known
                .or_else(|| free_services.next())
                .ok_or(PlanError::Services(capacity.services))?;
            let reals = service
                .reals
                .iter()
                .map(|real| {
                    let known = self.after.real(id, real.address).map(|(slot, _)| slot);
                    known.or_else(|| free_reals.next())
                })
                .collect::<Option<Vec<_>>>()
                .ok_or(PlanError::Reals(capacity.reals - 1))?;
            slots.insert(service.endpoint, (id, reals));
        }
        Ok(slots)
    }

    /// Writes the reals that are new or gain something. What one loses waits until no ring gives
    /// it new connections.
    fn put_reals(&mut self, target: &Target, slots: &Slots) {
        for service in &target.services {
            let (service_id, reals) = &slots[&service.endpoint];
            for (real, id) in service.reals.iter().zip(reals) {
                let before = self.after.real(*service_id, real.address).map(|(_, r)| *r);
                let wanted = self.wanted_real(service, *service_id, real, *id);
                match before {
                    None => {
                        self.push(MapOp::ZeroReal { id: *id });
                        self.push(MapOp::PutReal { id: *id, real: wanted });
                    }
                    Some(before) if before != wanted && before.flags & !wanted.flags == 0 => {
                        self.push(MapOp::PutReal { id: *id, real: wanted });
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn put_rings(&mut self, target: &Target, slots: &Slots) {
        for service in &target.services {
            let (id, reals) = &slots[&service.endpoint];
            let Some(ring) = self.wanted_ring(service, *id, reals) else { continue };
            if !ring.is_empty() {
                self.push(MapOp::PutRing { service: *id, ring });
            } else if self.after.ring(*id).is_some() {
                self.push(MapOp::RemoveRing { service: *id });
            }
        }
    }

    /// The ring that a service should have, where it is not the one it has.
    fn wanted_ring(&self, service: &TargetService, id: u32, reals: &[RealId]) -> Option<Ring> {
        let members = members(service, reals);
        let Some(before) = self.after.ring(id) else { return Some(Ring::settled(members)) };
        if service.tracking == Tracking::None {
            let ring = Ring::settled(members);
            return (ring != *before).then_some(ring);
        }
        let alive: HashSet<RealId> = service
            .reals
            .iter()
            .zip(reals)
            .filter(|(r, _)| r.hop.is_some())
            .map(|(_, id)| *id)
            .collect();
        let is_alive = |id| alive.contains(&id);
        let stands = before.stands(&members, is_alive);
        let after = || before.advance(members, is_alive, self.now, self.ring_slots);
        // While all flows were recorded, changes of the ring left them where they were.
        let was = self.after.services().get(&service.endpoint).map(|s| s.tracking());
        if was == Some(Tracking::Full) && service.tracking == Tracking::Changes {
            return Some(after().marked(self.ring_slots));
        }
        (!stands).then(after)
    }

    fn put_services(&mut self, target: &Target, slots: &Slots) {
        let services: Vec<(Endpoint, Service)> = target
            .services
            .iter()
            .map(|service| {
                let (id, _) = slots[&service.endpoint];
                (service.endpoint, Service::new(id, service.tracking, service.idle))
            })
            .collect();
        let before = self.after.services();
        if services.iter().all(|(endpoint, service)| before.get(endpoint) == Some(service)) {
            return;
        }
        let new: Vec<u32> = services
            .iter()
            .filter(|(endpoint, _)| !before.contains_key(endpoint))
            .map(|(_, service)| service.id)
            .collect();
        for id in new {
            self.push(MapOp::ZeroService { id });
        }
        self.set_services(services);
    }

    fn set_services(&mut self, mut services: Vec<(Endpoint, Service)>) {
        services.sort_unstable_by_key(|(_, service)| service.id);
        self.push(MapOp::SetServices { services });
    }

    fn settle_reals(&mut self, target: &Target, slots: &Slots) {
        let mut wanted: BTreeMap<RealId, Real> = BTreeMap::new();
        for service in &target.services {
            let (service_id, reals) = &slots[&service.endpoint];
            for (real, id) in service.reals.iter().zip(reals) {
                wanted.insert(*id, self.wanted_real(service, *service_id, real, *id));
            }
        }
        let losing: Vec<_> = self
            .after
            .reals_in_use()
            .filter(|(id, real)| wanted.get(id) != Some(real))
            .map(|(id, _)| id)
            .collect();
        for id in losing {
            match wanted.get(&id) {
                Some(real) => self.push(MapOp::PutReal { id, real: *real }),
                None => self.free_real(id),
            }
        }
    }

    fn remove_interfaces(&mut self, target: &Target) {
        let egress: Vec<u32> = self.after.egress().difference(&egress(target)).copied().collect();
        for ifindex in egress {
            self.push(MapOp::RemoveEgress { ifindex });
        }
        let gone: Vec<u32> = self
            .after
            .ingress()
            .keys()
            .filter(|ifindex| !target.ingress.contains_key(ifindex))
            .copied()
            .collect();
        for ifindex in gone {
            self.push(MapOp::RemoveIngress { ifindex });
        }
    }

    /// A free slot keeps nothing but its generation.
    fn free_real(&mut self, id: RealId) {
        let generation = self.after.slot(id).map_or(0, |real| real.generation);
        self.push(MapOp::PutReal { id, real: Real { generation, ..Real::default() } });
    }

    /// A real that is lost begins anew when it comes back, where the table does not hold all its
    /// flows: those it had may have gone on elsewhere, and entries of old must not call them back.
    fn wanted_real(
        &self,
        service: &TargetService,
        id: u32,
        real: &TargetReal,
        slot: RealId,
    ) -> Real {
        let generation = match self.after.real(id, real.address) {
            Some((_, before)) => {
                let lost = before.forwards() && real.hop.is_none();
                let forgotten = lost && service.tracking != Tracking::Full;
                before.generation.wrapping_add(u32::from(forgotten))
            }
            None => self.after.slot(slot).map_or(0, |freed| freed.generation).wrapping_add(1),
        };
        let (address, family) = address_bytes(real.address);
        let mut wanted = Real {
            generation,
            flags: real_flags::IN_USE | family,
            service: id,
            address,
            ..Real::default()
        };
        if let Some(hop) = real.hop {
            wanted.destination = hop.mac;
            wanted.source = hop.source;
            wanted.ifindex = hop.ifindex;
            wanted.flags |= real_flags::FORWARD;
            if real.weight > 0 {
                wanted.flags |= real_flags::ACCEPT_NEW;
            }
        }
        wanted
    }
}

/// The interfaces that reals are reached by.
fn egress(target: &Target) -> BTreeSet<u32> {
    let reals = target.services.iter().flat_map(|service| &service.reals);
    reals.filter_map(|real| real.hop).map(|hop| hop.ifindex).collect()
}

fn members(service: &TargetService, slots: &[RealId]) -> Vec<Member> {
    let mut members: Vec<Member> = service
        .reals
        .iter()
        .zip(slots)
        .filter(|(real, _)| real.weight > 0 && real.hop.is_some())
        .map(|(real, id)| Member { id: *id, address: real.address, weight: real.weight })
        .collect();
    members.sort_unstable_by_key(|member| member.address);
    members
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
