//! Picking a real for a flow: by the hash ring, by turns, or by the number of connections. A service
//! of the latter kinds has a hash ring all the same, for flows that no scheduler can be asked about.

use lb_common::be::Address;
use lb_common::details::{Details, Picking};
use lb_common::hash::{flow_hash, slot, source_hash};
use lb_common::key::FlowKey;
use lb_common::ring::Slot;
use lb_common::value::{Load, NO_REAL, RealId, Service, service_flags};

use crate::tables::Tables;

/// So many reals are compared for one new connection at most: a service with more than these is
/// looked at from a place that the flow's hash says.
pub const COMPARED: u32 = 64;

/// The flow's hash, as this service asks for it.
#[inline(always)]
pub fn hash<A: Address, T: Tables + ?Sized>(
    tables: &T,
    service: Service,
    flow: &FlowKey<A>,
) -> u32 {
    if service.has(service_flags::HASH_SOURCE) {
        source_hash(tables.seed(), flow.source, flow.destination)
    } else {
        flow_hash(tables.seed(), flow)
    }
}

/// The flow's slot of the service's ring. `None` where the service has no ring, for want of reals.
#[inline(always)]
pub fn pick<A: Address, T: Tables + ?Sized>(
    tables: &T,
    service: Service,
    flow: &FlowKey<A>,
) -> Option<Slot> {
    slot_of(tables, service, hash(tables, service, flow))
}

/// The slot of the service's ring that a hash falls into.
#[inline(always)]
pub fn slot_of<T: Tables + ?Sized>(tables: &T, service: Service, hash: u32) -> Option<Slot> {
    tables.ring(service.id, slot(hash, tables.ring_slots()))
}

/// The real for a new connection, at a service whose scheduler is no hash. `None` where it has none
/// to give.
#[inline(always)]
pub fn choose<T: Tables + ?Sized>(
    tables: &T,
    service: Service,
    details: &Details,
    hash: u32,
) -> Option<RealId> {
    match details.picking() {
        Picking::Hash => None,
        Picking::Turns => {
            // A power of two: no division.
            let turn = tables.next_turn(service.id) & details.places.wrapping_sub(1);
            tables.ordered(service.id, turn)
        }
        picking => least(tables, service.id, details.places, picking, hash),
    }
}

/// The real with the least cost for its weight, of the `reals` of the service. Whoever is looked at
/// first wins a tie, which the hash decides.
#[inline(always)]
pub fn least<T: Tables + ?Sized>(
    tables: &T,
    service: u32,
    reals: u32,
    picking: Picking,
    hash: u32,
) -> Option<RealId> {
    let start = slot(hash, reals);
    let mut best = NO_REAL;
    // Costs more than any real, however little that weighs.
    let (mut best_cost, mut best_weight) = (1_u64, 0_u64);
    for step in 0..COMPARED {
        if step >= reals {
            break;
        }
        let index = start + step;
        let index = if index >= reals { index - reals } else { index };
        let Some(id) = tables.ordered(service, index) else { break };
        let Some((real, _)) = tables.real(id) else { break };
        let weight = if matches!(picking, Picking::Least) { 1 } else { u64::from(real.weight) };
        let cost = cost(picking, tables.load(id));
        // Fractions are compared without dividing: a weight has 16 bits, which leaves room for more
        // connections than any machine has.
        if cost * best_weight < best_cost * weight && real.accepts_new() {
            (best, best_cost, best_weight) = (id, cost, weight);
        }
    }
    if best == NO_REAL { None } else { Some(best) }
}

/// As IPVS counts it: `ip_vs_dest_conn_overhead` for lc and wlc, `ip_vs_sed_dest_overhead` for sed
/// and nq.
#[inline(always)]
fn cost(picking: Picking, load: Load) -> u64 {
    let Load { active, inactive } = load;
    match picking {
        Picking::ShortestDelay => active + 1,
        Picking::NeverQueue if active > 0 => active + 1,
        Picking::NeverQueue => 0,
        _ => (active << 8) + inactive,
    }
}
