//! The ring: which real a flow falls to.

use lb_common::be::Address;
use lb_common::hash::{flow_hash, slot};
use lb_common::key::FlowKey;
use lb_common::ring::Slot;
use lb_common::value::Service;

use crate::tables::Tables;

/// The flow's slot of the service's ring. `None` where the service has no ring, for want of reals.
#[inline(always)]
pub fn pick<A: Address, T: Tables>(
    tables: &T,
    service: Service,
    flow: &FlowKey<A>,
) -> Option<Slot> {
    let hash = flow_hash(tables.seed(), flow);
    tables.ring(service.id, slot(hash, tables.ring_slots()))
}
