//! Persistence: the connections of a client, or of a client network, that are begun in a time go to
//! one real.

use lb_common::be::Address;
use lb_common::details::Details;
use lb_common::key::FlowKey;
use lb_common::timeout::age;
use lb_common::value::{Connection, RealId, Service, Ticks, connection_state};

use crate::tables::{ConnectionEntry as _, FamilyTables, Tables};

/// What the templates of a flow's client are found by.
#[inline(always)]
pub fn key<A: Address>(details: &Details, flow: &FlowKey<A>) -> FlowKey<A> {
    let network = flow.source.masked(&details.mask);
    FlowKey::template(network, flow.destination, details.port, flow.protocol)
}

/// The real that the flow's client stays with, if there is one that can be reached. As in IPVS,
/// one that takes no new clients keeps those it has.
#[inline(always)]
pub fn stay<A, T>(
    tables: &T,
    service: Service,
    details: &Details,
    flow: &FlowKey<A>,
    now: Ticks,
) -> Option<RealId>
where
    A: Address,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let template = tables.connection(&key(details, flow))?.get();
    let (real, _) = tables.real(template.real)?;
    let holds = template.generation == real.generation
        && real.service == service.id
        && real.forwards()
        && age(template.seen, now) <= details.persistence;
    if holds { Some(template.real) } else { None }
}

/// Lets the time of the template of the flow's client begin anew.
#[inline(always)]
pub fn renew<A, T>(tables: &T, details: &Details, flow: &FlowKey<A>, now: Ticks)
where
    A: Address,
    T: Tables + FamilyTables<A> + ?Sized,
{
    if let Some(entry) = tables.connection(&key(details, flow))
        && entry.get().seen != now
    {
        entry.touch(now, connection_state::TEMPLATE);
    }
}

/// Notes that the flow's client stays with a real from now on.
#[inline(always)]
pub fn note<A, T>(tables: &T, details: &Details, flow: &FlowKey<A>, id: RealId, now: Ticks)
where
    A: Address,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let Some((real, _)) = tables.real(id) else { return };
    let template = Connection {
        real: id,
        generation: real.generation,
        seen: now,
        state: connection_state::TEMPLATE,
    };
    tables.store_connection(&key(details, flow), &template);
}
