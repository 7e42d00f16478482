//! Fragments. Only the first one of a datagram has ports: where it goes is noted, and the others go
//! there too.
//!
//! One that comes before the first is dropped, and counted: to send it anywhere would be a guess,
//! and to hold it back would need memory that a stranger can fill. The datagram is then lost, as it
//! is wherever one fragment is.

use lb_common::key::FlowKey;
use lb_common::timeout::age;
use lb_common::value::{Connection, RealId, Ticks, ticks_from_secs};

use crate::ip::Ip;
use crate::read::Read;
use crate::tables::{FamilyTables, Tables};

/// How long after the first the others may come. IPv4's identifications come round again after
/// 65536 datagrams; a fragment of a later one must not meet what was noted of an earlier.
pub const LIFE: Ticks = ticks_from_secs(2);

#[inline(always)]
fn key<A: Ip>(fragment: &Read<A>) -> FlowKey<A> {
    let FlowKey { source, destination, protocol, .. } = fragment.flow;
    let protocol = A::fragment_protocol(protocol as u8);
    FlowKey::fragments(source, destination, fragment.identification, protocol)
}

/// Notes that the fragments behind this first one go to a real.
#[inline(always)]
pub fn note<A, T>(tables: &T, first: &Read<A>, id: RealId)
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let Some((real, _)) = tables.real(id) else { return };
    let (generation, seen) = (real.generation, tables.now());
    tables.store_fragment(&key(first), &Connection { real: id, generation, seen, state: 0 });
}

/// The real that the first fragment of this one's datagram went to.
#[inline(always)]
pub fn follow<A, T>(tables: &T, later: &Read<A>) -> Option<RealId>
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let first = tables.fragment(&key(later))?;
    let (real, _) = tables.real(first.real)?;
    let holds = first.generation == real.generation
        && real.forwards()
        && age(first.seen, tables.now()) <= LIFE;
    if holds { Some(first.real) } else { None }
}
