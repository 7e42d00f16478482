//! The tables, how full they are, and what they take of the kernel's memory.

use lb_common::limits::maps as names;

use crate::api::wire;
use crate::command::CommandError;
use crate::daemon::core::{Core, failed};
use crate::dataplane::{Dataplane, MapFill};

/// Those that do not change with each packet.
pub(super) fn fixed<D: Dataplane>(core: &Core<D>) -> Result<Vec<wire::Map>, CommandError> {
    let capacity = core.dataplane.capacity();
    let of_family =
        |v4| core.actual.services().keys().filter(|e| e.address.is_ipv4() == v4).count() as u64;
    let reals = core.actual.reals_len() as u64;
    let mut fills = core.dataplane.fixed_fill();
    fills.extend([
        MapFill::new(names::SERVICES_V4, of_family(true), capacity.services),
        MapFill::new(names::SERVICES_V6, of_family(false), capacity.services),
        // Number 0 is nobody's.
        MapFill::new(names::REALS, reals, capacity.reals - 1),
    ]);
    let mut maps = fills.into_iter().map(|fill| map(core, fill)).collect::<Result<Vec<_>, _>>()?;
    maps.push(rings(core)?);
    Ok(maps)
}

/// Those of connections, as if they were empty: of IPv4, then of IPv6.
pub(super) fn connections<D: Dataplane>(core: &Core<D>) -> Result<[wire::Map; 2], CommandError> {
    let capacity = core.dataplane.capacity().connections;
    let empty = |name| map(core, MapFill::new(name, 0, capacity));
    Ok([empty(names::CONNS_V4)?, empty(names::CONNS_V6)?])
}

fn rings<D: Dataplane>(core: &Core<D>) -> Result<wire::Map, CommandError> {
    let count = core.actual.rings().count() as u64;
    let first = core.actual.rings().next().map(|(service, _)| service);
    let each = first.map(|service| core.dataplane.ring_memory(service)).transpose();
    let each = each.map_err(failed)?.unwrap_or_default();
    let fill = MapFill::new(names::RINGS, count, core.dataplane.capacity().services);
    let table = map(core, fill)?;
    Ok(wire::Map { bytes: table.bytes + count * each, ..table })
}

fn map<D: Dataplane>(core: &Core<D>, fill: MapFill) -> Result<wire::Map, CommandError> {
    let MapFill { name, entries, capacity } = fill;
    let bytes = core.dataplane.memory(name).map_err(failed)?;
    Ok(wire::Map { name: name.to_owned(), entries, capacity, bytes })
}
