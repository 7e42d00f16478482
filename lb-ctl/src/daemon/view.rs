//! What is shown of the state: built in the daemon's task, finished with the connections on
//! another thread.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lb_common::value::{RealId, Stats, connection_state};
use lb_common::verdict::Reason;

use super::core::{Core, failed};
use crate::api::wire;
use crate::command::{CommandError, Reply};
use crate::config::edit::no_service;
use crate::config::model::{Endpoint, Service, Tracking};
use crate::dataplane::{Dataplane, Tracked};
use crate::metrics::Sample;
use crate::neigh::table::Resolution;

mod maps;
mod metrics;
mod real;
mod status;
mod sync;
pub(super) mod vrrp;

pub(super) use status::status;

/// A view that lacks the connections.
pub(super) enum Unfinished {
    List(wire::List, Owners),
    Connections(Owners),
    /// With the maps of connections of IPv4 and IPv6, empty as yet.
    Status(Box<wire::Status>, [wire::Map; 2]),
    Metrics(Box<Sample>),
}

/// Who owns a connection: by real id and generation, the real's place in the list and its address.
pub(super) struct Owners(HashMap<(RealId, u32), Owner>);

#[derive(Clone, Copy)]
struct Owner {
    service: usize,
    real: usize,
    address: IpAddr,
}

impl Unfinished {
    pub(super) fn finish(self, tracked: &[Tracked]) -> Reply {
        match self {
            Self::List(list, owners) => Reply::List(count(list, &owners, tracked)),
            Self::Connections(owners) => {
                let connections = tracked
                    .iter()
                    .filter_map(|t| {
                        let owner = owners.0.get(&(t.real, t.generation))?;
                        Some(connection(t, owner.address))
                    })
                    .collect();
                Reply::Connections(wire::Connections { connections })
            }
            Self::Status(mut status, maps) => {
                for (map, v4) in maps.into_iter().zip([true, false]) {
                    let entries = tracked.iter().filter(|t| t.vip.0.is_ipv4() == v4).count() as u64;
                    status.maps.push(wire::Map { entries, ..map });
                }
                Reply::Status(status)
            }
            Self::Metrics(sample) => {
                Reply::Metrics(Box::new(Sample { connections: tracked.len() as u64, ..*sample }))
            }
        }
    }
}

fn count(mut list: wire::List, owners: &Owners, tracked: &[Tracked]) -> wire::List {
    for connection in tracked {
        let Some(owner) = owners.0.get(&(connection.real, connection.generation)) else { continue };
        let real = &mut list.services[owner.service].reals[owner.real];
        if real.estimated || connection.is_template() {
            continue;
        }
        if connection.state == connection_state::ESTABLISHED {
            real.active_connections += 1;
        } else {
            real.inactive_connections += 1;
        }
    }
    list
}

fn connection(tracked: &Tracked, real: IpAddr) -> wire::Connection {
    let state = match tracked.state {
        connection_state::SYN_RECEIVED => "SYN_RECV",
        connection_state::FIN_WAIT => "FIN_WAIT",
        connection_state::CLOSED => "CLOSE",
        connection_state::UDP => "UDP",
        connection_state::TEMPLATE => "NONE",
        _ => "ESTABLISHED",
    };
    wire::Connection {
        protocol: tracked.protocol,
        state: state.to_owned(),
        expires: tracked.expires(),
        client: tracked.client.0,
        client_port: tracked.client.1,
        vip: tracked.vip.0,
        port: tracked.vip.1,
        real,
    }
}

/// All that is measured.
pub(super) fn metrics<D: Dataplane>(core: &Core<D>) -> Result<Unfinished, CommandError> {
    metrics::sample(core).map(Box::new).map(Unfinished::Metrics)
}

/// The services, all or one.
pub(super) fn list<D: Dataplane>(
    core: &Core<D>,
    only: Option<Endpoint>,
) -> Result<Unfinished, CommandError> {
    let services = chosen(core, only)?;
    let mut list = wire::List::default();
    for service in services {
        list.services.push(view_service(core, service)?);
    }
    Ok(Unfinished::List(list, owners(core, only)))
}

/// The connections, of all services or one.
pub(super) fn connections<D: Dataplane>(
    core: &Core<D>,
    only: Option<Endpoint>,
) -> Result<Unfinished, CommandError> {
    chosen(core, only)?;
    Ok(Unfinished::Connections(owners(core, only)))
}

fn chosen<D: Dataplane>(
    core: &Core<D>,
    only: Option<Endpoint>,
) -> Result<Vec<&Service>, CommandError> {
    let services = &core.state.desired.services;
    match only {
        None => Ok(services.values().collect()),
        Some(endpoint) => services.get(&endpoint).map(|service| vec![service]).ok_or_else(|| {
            CommandError::NotFound(no_service(&core.state.desired, endpoint).to_string())
        }),
    }
}

fn owners<D: Dataplane>(core: &Core<D>, only: Option<Endpoint>) -> Owners {
    let mut owners = HashMap::new();
    let services = core.state.desired.services.values();
    let chosen = services.filter(|service| only.is_none_or(|only| only == service.endpoint));
    for (index, service) in chosen.enumerate() {
        let Some(found) = core.actual.services().get(&service.endpoint) else { continue };
        for (real_index, address) in service.reals.keys().enumerate() {
            if let Some((slot, real)) = core.actual.real(found.id, *address) {
                let owner = Owner { service: index, real: real_index, address: *address };
                owners.insert((slot, real.generation), owner);
            }
        }
    }
    Owners(owners)
}

fn view_service<D: Dataplane>(
    core: &Core<D>,
    service: &Service,
) -> Result<wire::Service, CommandError> {
    let id = core.actual.services().get(&service.endpoint).map(|found| found.id);
    let stats = id.map(|id| core.dataplane.service_stats(id)).transpose().map_err(failed)?;
    let mut reals = Vec::with_capacity(service.reals.len());
    for (address, real) in &service.reals {
        let slot = id.and_then(|id| core.actual.real(id, *address)).map(|(slot, _)| slot);
        let stats = slot.map(|slot| core.dataplane.real_stats(slot)).transpose().map_err(failed)?;
        let stats = stats.unwrap_or_default();
        let ring = id.and_then(|id| core.actual.ring(id));
        let is_origin = || slot.zip(ring).is_some_and(|(slot, ring)| ring.is_origin(slot));
        let settling = service.tracking == Tracking::Changes && is_origin();
        let findings = core.checks.findings(&(service.endpoint, *address));
        let shown = real::view(&core.state, service, (*address, *real), findings.as_ref(), stats);
        reals.push(wire::Real { settling, ..shown });
    }
    let stats = view_stats(stats.unwrap_or_default());
    let refused = id.map(|id| refused(core, id)).transpose()?.unwrap_or_default();
    Ok(wire::Service { stats, refused, reals, ..wire::Service::from(service) })
}

/// The reasons for which packets of a service were not forwarded.
fn refused<D: Dataplane>(core: &Core<D>, id: u32) -> Result<BTreeMap<String, u64>, CommandError> {
    let counts = core.dataplane.refusals(id).map_err(failed)?;
    let named = Reason::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
    Ok(named.map(|(reason, count)| (reason.name().to_owned(), count)).collect())
}

fn view_stats(stats: Stats) -> wire::Stats {
    let Stats { connections, packets, bytes, .. } = stats;
    wire::Stats { connections, packets, bytes }
}

fn mac(mac: lb_common::value::Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// A resolution in words.
pub(super) fn resolution(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Resolved(hop) => format!("is at {} on {}", mac(hop.mac), hop.interface),
        Resolution::Local => "is this machine".to_owned(),
        Resolution::Unresolved(why) => format!("unresolved: {why}"),
    }
}
