//! The difference between what the maps hold and what they should hold, as operations in an order
//! in which no packet ever meets a half-made service. Pure.
//!
//! Services that go are taken away top-down (service, ring, reals), which frees their slots. Then
//! what is new is made bottom-up: interfaces, reals that gain something, rings, services. Last,
//! reals that lose something, when no ring points to them any more, and interfaces nobody uses.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lb_common::value::{Mac, Real, RealId, Service, Ticks, Tracking, real_flags};
use thiserror::Error;

use super::actual::Actual;
use super::op::MapOp;
use super::place::{Placed, PlacedReal, place};
use super::target::{Target, TargetService};
use crate::config::model::Endpoint;
use crate::dataplane::Capacity;
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
    /// Too many prefixes in source lists.
    #[error("the tables hold {0} prefixes of one IP version in the source lists of all services")]
    Sources(u32),
    /// Too many machines that may be directors.
    #[error(
        "the tables hold {0} machines that share services with this one as a real: take this \
         machine out of the reals, or others"
    )]
    Peers(u32),
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
    let living = living(target, actual);
    let placed = place(&target.services, actual, &living, capacity)?;
    let mut planner = Planner { actual, ops: Vec::new(), now, ring_slots: capacity.ring_slots };
    planner.remove_services(&living);
    planner.put_interfaces(target)?;
    let peers = peers(&placed);
    planner.put_peers(&peers)?;
    planner.put_reals(&placed);
    planner.put_rings(&placed);
    planner.put_orders(&placed);
    planner.put_sources(&placed)?;
    planner.put_details(&placed);
    planner.put_services(&placed);
    planner.remove_orders(&placed);
    planner.remove_sources(&placed);
    planner.settle_reals(&placed);
    planner.free_reals(&placed, &living);
    planner.remove_peers(&peers);
    planner.remove_interfaces(target);
    Ok(planner.ops)
}

/// Whether `target` fits into `capacity`, beside what stays of `actual`.
///
/// # Errors
///
/// What [`plan`] would fail with.
pub fn check(target: &Target, actual: &Actual, capacity: Capacity) -> Result<(), PlanError> {
    let placed = place(&target.services, actual, &living(target, actual), capacity)?;
    check_sources(&placed)?;
    check_peers(&peers(&placed))?;
    check_interfaces(target, actual)
}

/// Plans for some services of a target, where nothing but the way to their reals has changed since
/// all of it was reached. An interface that no real is reached by any more stays. `None` where more
/// has changed: that is for [`plan`].
pub fn plan_hops(
    services: Vec<TargetService>,
    actual: &Actual,
    capacity: Capacity,
    now: Ticks,
) -> Option<Vec<MapOp>> {
    let (ingress, virtual_macs) = (actual.ingress().clone(), actual.virtual_macs().clone());
    let target = Target { services, ingress, virtual_macs };
    let living = actual.services().values().map(|service| service.id).collect();
    let placed = place(&target.services, actual, &living, capacity).ok()?;
    let stands = |placed: &Placed<'_>| {
        placed.before == Some(placed.wanted())
            && !placed.has_local()
            && placed.reals.iter().all(|r| r.before.is_some())
    };
    if !placed.iter().all(stands) {
        return None;
    }
    let mut planner = Planner { actual, ops: Vec::new(), now, ring_slots: capacity.ring_slots };
    planner.put_interfaces(&target).ok()?;
    planner.put_reals(&placed);
    planner.put_rings(&placed);
    planner.put_orders(&placed);
    planner.put_details(&placed);
    planner.remove_orders(&placed);
    planner.settle_reals(&placed);
    Some(planner.ops)
}

/// The ids of the services that stay.
fn living(target: &Target, actual: &Actual) -> HashSet<u32> {
    let known = target.services.iter().filter_map(|s| actual.services().get(&s.endpoint));
    known.map(|service| service.id).collect()
}

fn check_interfaces(target: &Target, actual: &Actual) -> Result<(), PlanError> {
    let limit = lb_common::limits::INTERFACES;
    let egress = egress(target).union(actual.egress()).count();
    let known = actual.ingress().keys().filter(|ifindex| !target.ingress.contains_key(ifindex));
    let ingress = target.ingress.len() + known.count();
    if egress.max(ingress) > limit as usize { Err(PlanError::Interfaces(limit)) } else { Ok(()) }
}

struct Planner<'a> {
    /// The maps before all operations.
    actual: &'a Actual,
    ops: Vec<MapOp>,
    now: Ticks,
    ring_slots: u32,
}

impl Planner<'_> {
    fn remove_services(&mut self, living: &HashSet<u32>) {
        let before = self.actual.services();
        let left = before.iter().filter(|(_, service)| living.contains(&service.id));
        let left: Vec<_> = left.map(|(endpoint, service)| (*endpoint, *service)).collect();
        if left.len() < before.len() {
            self.set_services(left);
        }
        let rings = self.actual.rings().map(|(id, _)| id).filter(|id| !living.contains(id));
        self.ops.extend(rings.map(|service| MapOp::RemoveRing { service }));
        let orders = self.actual.orders().keys().copied().filter(|id| !living.contains(id));
        self.ops.extend(orders.map(|service| MapOp::RemoveOrder { service }));
        for (service, prefixes) in self.actual.sources() {
            if !living.contains(service) {
                let removed = prefixes.keys();
                self.ops
                    .extend(removed.map(|p| MapOp::RemoveSource { service: *service, prefix: *p }));
            }
        }
        let reals = self.actual.reals_in_use().filter(|(_, real)| !living.contains(&real.service));
        self.ops.extend(reals.map(|(id, real)| freed(id, real)));
    }

    fn put_interfaces(&mut self, target: &Target) -> Result<(), PlanError> {
        let ingress = target
            .ingress
            .iter()
            .filter(|(ifindex, mac)| self.actual.ingress().get(ifindex) != Some(mac))
            .map(|(ifindex, mac)| MapOp::PutIngress { ifindex: *ifindex, mac: *mac });
        self.ops.extend(ingress);
        let virtual_macs = target.virtual_macs.difference(self.actual.virtual_macs());
        self.ops.extend(virtual_macs.map(|mac| MapOp::PutVirtualMac { mac: *mac }));
        let egress = egress(target);
        let egress = egress.difference(self.actual.egress());
        self.ops.extend(egress.map(|ifindex| MapOp::PutEgress { ifindex: *ifindex }));
        check_interfaces(target, self.actual)
    }

    /// Writes the reals that are new or gain something. What one loses waits until no ring gives
    /// it new connections.
    fn put_reals(&mut self, placed: &[Placed<'_>]) {
        let reals = || placed.iter().flat_map(|service| &service.reals);
        let new = reals().filter(|real| real.before.is_none());
        self.ops.extend(new.map(|real| MapOp::ZeroReal { id: real.id }));
        let gaining = reals().filter(|real| gains(real));
        self.ops.extend(gaining.map(|real| MapOp::PutReal { id: real.id, real: real.wanted }));
    }

    fn put_rings(&mut self, placed: &[Placed<'_>]) {
        for service in placed {
            let before = service.before.and_then(|known| self.actual.ring(known.id));
            let Some(ring) = self.wanted_ring(service, before) else { continue };
            if !ring.is_empty() {
                self.ops.push(MapOp::PutRing { service: service.id, ring });
            } else if before.is_some() {
                self.ops.push(MapOp::RemoveRing { service: service.id });
            }
        }
    }

    /// The ring that a service should have, where it is not the one it has.
    fn wanted_ring(&self, service: &Placed<'_>, before: Option<&Ring>) -> Option<Ring> {
        let members = service.members();
        let Some(before) = before else { return Some(Ring::settled(members)) };
        let tracking = service.target.tracking;
        if tracking == Tracking::None {
            let ring = Ring::settled(members);
            return (ring != *before).then_some(ring);
        }
        let alive = service.alive();
        let is_alive = |id| alive.binary_search(&id).is_ok();
        let stands = before.stands(&members, is_alive);
        let after = || before.advance(members, is_alive, self.now, self.ring_slots);
        // While all flows were recorded, changes of the ring left them where they were.
        let was = service.before.map(Service::tracking);
        if was == Some(Tracking::Full) && tracking == Tracking::Changes {
            return Some(after().marked(self.ring_slots));
        }
        (!stands).then(after)
    }

    fn put_orders(&mut self, placed: &[Placed<'_>]) {
        for service in placed {
            let standing = service.before.and_then(|known| self.actual.orders().get(&known.id));
            if let Some(order) = service.order()
                && standing != Some(&order)
            {
                self.ops.push(MapOp::PutOrder { service: service.id, order });
            }
        }
    }

    fn remove_orders(&mut self, placed: &[Placed<'_>]) {
        let standing = |service: &&Placed<'_>| {
            service.before.is_some_and(|known| self.actual.orders().contains_key(&known.id))
        };
        let without = placed.iter().filter(|service| service.order().is_none()).filter(standing);
        let removed: Vec<u32> = without.map(|service| service.id).collect();
        self.ops.extend(removed.into_iter().map(|service| MapOp::RemoveOrder { service }));
    }

    /// What the lists say, before the service goes by them.
    fn put_sources(&mut self, placed: &[Placed<'_>]) -> Result<(), PlanError> {
        for Placed { target, id, before, .. } in placed {
            // What stood at the id of a new service is taken away by now.
            let standing = before.and_then(|known| self.actual.sources().get(&known.id));
            let new = target.sources.prefixes.iter().filter(|(prefix, said)| {
                standing.and_then(|prefixes| prefixes.get(prefix)) != Some(said)
            });
            let service = *id;
            let put = new.map(|(p, said)| MapOp::PutSource { service, prefix: *p, said: *said });
            self.ops.extend(put);
        }
        check_sources(placed)
    }

    fn remove_sources(&mut self, placed: &[Placed<'_>]) {
        for Placed { target, id, before, .. } in placed {
            let standing = before.and_then(|known| self.actual.sources().get(&known.id));
            let standing = standing.into_iter().flat_map(BTreeMap::keys);
            let gone = standing.filter(|prefix| !target.sources.prefixes.contains_key(prefix));
            self.ops.extend(gone.map(|p| MapOp::RemoveSource { service: *id, prefix: *p }));
        }
    }

    fn put_peers(&mut self, peers: &BTreeSet<Mac>) -> Result<(), PlanError> {
        let new = peers.difference(self.actual.peers());
        self.ops.extend(new.map(|mac| MapOp::PutPeer { mac: *mac }));
        check_peers(peers)
    }

    fn remove_peers(&mut self, peers: &BTreeSet<Mac>) {
        let gone = self.actual.peers().difference(peers);
        self.ops.extend(gone.map(|mac| MapOp::RemovePeer { mac: *mac }));
    }

    fn put_details(&mut self, placed: &[Placed<'_>]) {
        for service in placed {
            let details = service.details(self.ring_slots);
            if self.actual.details(service.id) != Some(&details) {
                self.ops.push(MapOp::PutDetails { service: service.id, details });
            }
        }
    }

    fn put_services(&mut self, placed: &[Placed<'_>]) {
        if placed.iter().all(|service| service.before == Some(service.wanted())) {
            return;
        }
        let new = placed.iter().filter(|service| service.before.is_none());
        self.ops.extend(new.map(|service| MapOp::ZeroService { id: service.id }));
        self.set_services(placed.iter().map(|s| (s.target.endpoint, s.wanted())).collect());
    }

    fn set_services(&mut self, mut services: Vec<(Endpoint, Service)>) {
        services.sort_unstable_by_key(|(_, service)| service.id);
        self.ops.push(MapOp::SetServices { services });
    }

    /// Writes the reals that only lose something.
    fn settle_reals(&mut self, placed: &[Placed<'_>]) {
        let reals = placed.iter().flat_map(|service| &service.reals);
        let losing = reals.filter(|real| real.before != Some(real.wanted) && !gains(real));
        self.ops.extend(losing.map(|real| MapOp::PutReal { id: real.id, real: real.wanted }));
    }

    /// Frees the slots of reals that their services have no more.
    fn free_reals(&mut self, placed: &[Placed<'_>], living: &HashSet<u32>) {
        let reals = placed.iter().flat_map(|service| &service.reals);
        let wanted: HashSet<RealId> = reals.map(|real| real.id).collect();
        let left = self.actual.reals_in_use().filter(|(_, real)| living.contains(&real.service));
        let gone = left.filter(|(id, _)| !wanted.contains(id));
        self.ops.extend(gone.map(|(id, real)| freed(id, real)));
    }

    fn remove_interfaces(&mut self, target: &Target) {
        let wanted = egress(target);
        let egress = self.actual.egress().difference(&wanted);
        self.ops.extend(egress.map(|ifindex| MapOp::RemoveEgress { ifindex: *ifindex }));
        let ingress = self.actual.ingress().keys();
        let gone = ingress.filter(|ifindex| !target.ingress.contains_key(ifindex));
        self.ops.extend(gone.map(|ifindex| MapOp::RemoveIngress { ifindex: *ifindex }));
        let gone = self.actual.virtual_macs().difference(&target.virtual_macs);
        self.ops.extend(gone.map(|mac| MapOp::RemoveVirtualMac { mac: *mac }));
    }
}

/// Whether a real is new, or can do something more than before and nothing less.
fn gains(real: &PlacedReal<'_>) -> bool {
    let able = |flags: u32| flags & !real_flags::DOWN;
    real.before
        .is_none_or(|before| before != real.wanted && able(before.flags) & !real.wanted.flags == 0)
}

/// A free slot keeps nothing but its generation.
fn freed(id: RealId, real: &Real) -> MapOp {
    MapOp::PutReal { id, real: Real { generation: real.generation, ..Real::default() } }
}

/// The interfaces that reals are reached by.
fn egress(target: &Target) -> BTreeSet<u32> {
    let reals = target.services.iter().flat_map(|service| &service.reals);
    reals.filter_map(|real| real.way?.hop()).map(|hop| hop.ifindex).collect()
}

/// The other reals of services that this machine is a real of: one of them may be a director that
/// gives this one its share, which must not go round.
fn peers(placed: &[Placed<'_>]) -> BTreeSet<Mac> {
    let shared = placed.iter().filter(|service| service.has_local());
    let reals = shared.flat_map(|service| &service.target.reals);
    reals.filter_map(|real| real.way?.hop()).map(|hop| hop.mac).collect()
}

fn check_peers(peers: &BTreeSet<Mac>) -> Result<(), PlanError> {
    let limit = lb_common::limits::PEERS;
    if peers.len() > limit as usize { Err(PlanError::Peers(limit)) } else { Ok(()) }
}

fn check_sources(placed: &[Placed<'_>]) -> Result<(), PlanError> {
    let limit = lb_common::limits::DEFAULT_SOURCES;
    for is_ipv4 in [true, false] {
        let family = placed.iter().filter(|s| s.target.endpoint.address.is_ipv4() == is_ipv4);
        let prefixes: usize = family.map(|service| service.target.sources.prefixes.len()).sum();
        if prefixes > limit as usize {
            return Err(PlanError::Sources(limit));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
