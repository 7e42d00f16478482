//! Where the services and reals of a target stand in the maps, and what is to stand there. Pure.

use std::collections::HashSet;

use lb_common::be::{Be16, netmask};
use lb_common::details::{Details, Picking, details_flags};
use lb_common::value::{NO_REAL, Real, RealId, Service, Tracking, real_flags, service_flags};
use lb_common::vlan::Tags;

use super::actual::{Actual, address_bytes, in_use};
use super::plan::PlanError;
use super::target::{TargetReal, TargetService, Way};
use crate::dataplane::Capacity;
use crate::sched::maglev::Member;
use crate::sched::order::{Kind, Order};

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
        Some(before) => before.forwards() && real.way.is_none() && tracking != Tracking::Full,
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
        weight: real.weight.into(),
        address,
        ..Real::default()
    };
    if real.sorry {
        wanted.flags |= real_flags::SORRY;
    }
    if real.down {
        wanted.flags |= real_flags::DOWN;
    }
    let Some(way) = real.way else { return wanted };
    wanted.flags |= real_flags::FORWARD;
    if real.weight > 0 {
        wanted.flags |= real_flags::ACCEPT_NEW;
    }
    match way {
        Way::Local => wanted.flags |= real_flags::LOCAL,
        Way::Hop(hop) => {
            wanted.destination = hop.mac;
            wanted.source = hop.source;
            wanted.ifindex = hop.ifindex;
            wanted.tags = hop.tags;
            if hop.tags != Tags::NONE {
                wanted.flags |= real_flags::TAGGED;
            }
        }
    }
    wanted
}

impl Placed<'_> {
    /// What packets are to find of it.
    pub(super) fn wanted(&self) -> Service {
        let TargetService { scheduling, tracking, .. } = *self.target;
        let is_ordered = scheduling.picking != Picking::Hash;
        let binds_long = is_ordered || self.target.persistence.is_some() || self.target.keep_dead;
        let all_long = !self.target.sources.prefixes.is_empty()
            || self.reals.iter().any(|real| real.wanted.forwards() && !real.wanted.is_plain());
        let flags = [
            (scheduling.hash_source, service_flags::HASH_SOURCE),
            (binds_long, service_flags::BINDS_LONG),
            (all_long, service_flags::ALL_LONG),
            (self.target.pass_when_down, service_flags::PASS_WHEN_DOWN),
            (scheduling.picking.counts_load(), service_flags::COUNTS_LOAD),
        ];
        Service::new(self.id, tracking, set(&flags))
    }

    /// What is to stand beside it.
    pub(super) fn details(&self, ring_slots: u32) -> Details {
        let target = self.target;
        let flags = [
            (!target.sources.prefixes.is_empty(), details_flags::SOURCES),
            (target.sources.deny_others, details_flags::DENY_OTHERS),
            (target.keep_dead, details_flags::KEEP_DEAD),
            (self.has_local(), details_flags::HAS_LOCAL),
        ];
        let persistence = target.persistence;
        Details {
            timeouts: target.timeouts,
            persistence: persistence.map_or(0, |persistence| persistence.timeout),
            picking: target.scheduling.picking as u32,
            places: self.order().map_or(0, |order| order.places(ring_slots)),
            flags: set(&flags),
            mask: persistence.map_or([0; 4], |persistence| netmask(persistence.prefix)),
            port: Be16::new(target.endpoint.port.first()),
            ..Details::default()
        }
    }

    /// Whether one of its reals is this machine.
    pub(super) fn has_local(&self) -> bool {
        self.reals.iter().any(|real| real.wanted.is_local())
    }

    /// In which order its scheduler looks at the reals, where it is no hash and has any.
    pub(super) fn order(&self) -> Option<Order> {
        let kind = match self.target.scheduling.picking {
            Picking::Hash => return None,
            Picking::Turns => Kind::Turns,
            _ => Kind::List,
        };
        let mut members = self.members();
        if kind == Kind::List {
            // The weights stand in the reals.
            for member in &mut members {
                member.weight = 1;
            }
        }
        (!members.is_empty()).then(|| Order::new(kind, members))
    }

    /// Who shares its new connections: those who stand in, where nobody else does.
    pub(super) fn members(&self) -> Vec<Member> {
        let sharing = |sorry| {
            let reals = self.reals.iter();
            reals.filter(move |real| real.wanted.accepts_new() && real.target.sorry == sorry)
        };
        let sorry = sharing(false).next().is_none();
        let equal = self.target.scheduling.equal_weights;
        let mut members: Vec<Member> = sharing(sorry)
            .map(|PlacedReal { target, id, .. }| Member {
                id: *id,
                address: target.address,
                weight: if equal { 1 } else { target.weight },
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

/// The flags whose conditions hold.
fn set(flags: &[(bool, u32)]) -> u32 {
    flags.iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag).sum()
}
