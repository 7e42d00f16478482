//! The choice of a real for a flow that has none.

use lb_common::be::Address;
use lb_common::hash::{flow_hash, slot};
use lb_common::key::FlowKey;
use lb_common::value::{Real, RealId, Service};

use crate::tables::Tables;

/// Looks the flow up in the service's ring. `None` where the ring is not there or names a real
/// that cannot be reached.
#[inline(always)]
pub fn pick<A: Address, T: Tables>(
    tables: &T,
    service: Service,
    flow: &FlowKey<A>,
) -> Option<(RealId, Real)> {
    let hash = flow_hash(tables.seed(), flow);
    let id = tables.ring(service.id, slot(hash, service.ring_slots))?;
    let real = tables.real(id)?;
    real.forwards().then_some((id, real))
}
