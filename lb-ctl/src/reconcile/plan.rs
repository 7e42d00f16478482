//! The difference between what the maps hold and what they should hold, as operations in an order
//! in which no packet ever meets a half-made service. Pure.
//!
//! Services that go are taken away top-down (service, ring, reals), which frees their slots. Then
//! what is new is made bottom-up: interfaces, reals that gain something, rings, services. Last,
//! reals that lose something, when no ring points to them any more, and interfaces nobody uses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lb_common::value::{Real, RealId, real_flags};
use thiserror::Error;

use super::actual::{Actual, Ring, address_bytes};
use super::op::MapOp;
use super::target::{Target, TargetReal, TargetService};
use crate::config::model::Endpoint;
use crate::dataplane::Capacity;
use crate::sched::maglev::Member;

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

/// Plans the way from `actual` to `target`.
///
/// # Errors
///
/// Where `target` does not fit into `capacity`.
pub fn plan(target: &Target, actual: &Actual, capacity: Capacity) -> Result<Vec<MapOp>, PlanError> {
    let mut planner = Planner { after: actual.clone(), ops: Vec::new() };
    planner.remove_services(target);
    planner.put_interfaces(target)?;
    let slots = planner.give_slots(target, capacity)?;
    planner.put_reals(target, &slots);
    planner.put_rings_and_services(target, &slots);
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
}

impl Planner {
    fn push(&mut self, op: MapOp) {
        self.after.record(&op);
        self.ops.push(op);
    }

    fn remove_services(&mut self, target: &Target) {
        let wanted: HashSet<Endpoint> = target.services.iter().map(|s| s.endpoint).collect();
        let mut gone: Vec<(u32, Endpoint)> = self
            .after
            .services()
            .iter()
            .filter(|(endpoint, _)| !wanted.contains(endpoint))
            .map(|(endpoint, id)| (*id, *endpoint))
            .collect();
        gone.sort_unstable_by_key(|(id, _)| *id);
        for (_, endpoint) in gone {
            self.push(MapOp::RemoveService { endpoint });
        }
        let living: HashSet<u32> = self.after.services().values().copied().collect();
        let rings: Vec<u32> = self.after.ring_ids().filter(|id| !living.contains(id)).collect();
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
            let known = self.after.services().get(&service.endpoint).copied();
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
                let wanted = self.wanted_real(*service_id, real, *id);
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

    fn put_rings_and_services(&mut self, target: &Target, slots: &Slots) {
        for service in &target.services {
            let (id, reals) = &slots[&service.endpoint];
            let members = members(service, reals);
            let new = !self.after.services().contains_key(&service.endpoint);
            match self.after.ring(*id) {
                Some(Ring::Of(before)) if *before == members => {}
                Some(_) if members.is_empty() => self.push(MapOp::RemoveRing { service: *id }),
                None if members.is_empty() => {}
                _ => self.push(MapOp::PutRing { service: *id, members }),
            }
            if new {
                self.push(MapOp::ZeroService { id: *id });
                self.push(MapOp::PutService { endpoint: service.endpoint, id: *id });
            }
        }
    }

    fn settle_reals(&mut self, target: &Target, slots: &Slots) {
        let mut wanted: BTreeMap<RealId, Real> = BTreeMap::new();
        for service in &target.services {
            let (service_id, reals) = &slots[&service.endpoint];
            for (real, id) in service.reals.iter().zip(reals) {
                wanted.insert(*id, self.wanted_real(*service_id, real, *id));
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

    fn wanted_real(&self, service: u32, real: &TargetReal, id: RealId) -> Real {
        let generation = match self.after.real(service, real.address) {
            Some((_, before)) => before.generation,
            None => self.after.slot(id).map_or(0, |freed| freed.generation).wrapping_add(1),
        };
        let (address, family) = address_bytes(real.address);
        let mut wanted = Real {
            generation,
            flags: real_flags::IN_USE | family,
            service,
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
