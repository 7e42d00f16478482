//! Where the services and reals of a target stand in the maps, and what is to stand there. Pure.

use std::collections::HashSet;

use lb_common::value::{NO_REAL, Real, RealId, Service, Tracking, real_flags};

use super::actual::{Actual, address_bytes, in_use};
use super::plan::PlanError;
use super::target::{TargetReal, TargetService};
use crate::dataplane::Capacity;
use crate::sched::maglev::Member;

/// A service and its places.
pub(super) struct Placed<'a> {
    pub(super) target: &'a TargetService,
    /// Index of its ring and counters.
    pub(super) id: u32,
    /// What packets find of it now.
    pub(super) before: Option<Service>,
    pub(super) reals: Vec<PlacedReal<'a>>,
}

/// A real and its slot.
pub(super) struct PlacedReal<'a> {
    pub(super) target: &'a TargetReal,
    pub(super) id: RealId,
    /// What stands there of it now.
    pub(super) before: Option<Real>,
    pub(super) wanted: Real,
}

/// Gives each service and each of its reals the place it has, or else a free one. What belongs to
/// no service of `living` counts as free.
pub(super) fn place<'a>(
    services: &'a [TargetService],
    actual: &Actual,
    living: &HashSet<u32>,
    capacity: Capacity,
) -> Result<Vec<Placed<'a>>, PlanError> {
    let is_free = |id: &RealId| {
        let real = actual.slot(*id);
        !in_use(&real) || !living.contains(&real.service)
    };
    let mut free_services = (0..capacity.services).filter(|id| !living.contains(id));
    let mut free_reals = (NO_REAL + 1..capacity.reals).filter(is_free);
    let mut placed = Vec::with_capacity(services.len());
    for target in services {
        let before = actual.services().get(&target.endpoint).copied();
        let id = before
            .map(|known| known.id)
            .or_else(|| free_services.next())
            .ok_or(PlanError::Services(capacity.services))?;
        let mut reals = Vec::with_capacity(target.reals.len());
        for real in &target.reals {
            let known = before.and_then(|_| actual.real(id, real.address));
            let slot = known
                .map(|(slot, _)| slot)
                .or_else(|| free_reals.next())
                .ok_or(PlanError::Reals(capacity.reals - 1))?;
            let before = known.map(|(_, real)| *real);
            let generation = generation(target.tracking, real, before, actual.slot(slot));
            let wanted = wanted(id, real, generation);
            reals.push(PlacedReal { target: real, id: slot, before, wanted });
        }
        placed.push(Placed { target, id, before, reals });
    }
    Ok(placed)
}

/// A real that is lost begins anew when it comes back, where the table does not hold all its flows:
/// those it had may have gone on elsewhere, and entries of old must not call them back.
fn generation(tracking: Tracking, real: &TargetReal, before: Option<Real>, slot: Real) -> u32 {
    let forgotten = match before {
        Some(before) => before.forwards() && real.hop.is_none() && tracking != Tracking::Full,
        None => true,
    };
    slot.generation.wrapping_add(u32::from(forgotten))
}

fn wanted(service: u32, real: &TargetReal, generation: u32) -> Real {
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

impl Placed<'_> {
    /// What packets are to find of it.
    pub(super) fn wanted(&self) -> Service {
        Service::new(self.id, self.target.tracking, self.target.idle)
    }

    /// Who shares its new connections.
    pub(super) fn members(&self) -> Vec<Member> {
        let sharing = self.reals.iter().filter(|real| real.wanted.accepts_new());
        let mut members: Vec<Member> = sharing
            .map(|PlacedReal { target, id, .. }| Member {
                id: *id,
                address: target.address,
                weight: target.weight,
            })
            .collect();
        members.sort_unstable_by_key(|member| member.address);
        members
    }

    /// The ids of its reals that can be reached, ascending.
    pub(super) fn alive(&self) -> Vec<RealId> {
        let alive = self.reals.iter().filter(|real| real.wanted.forwards());
        let mut alive: Vec<RealId> = alive.map(|real| real.id).collect();
        alive.sort_unstable();
        alive
    }
}
