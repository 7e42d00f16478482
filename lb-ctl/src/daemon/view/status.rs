//! The state of the daemon, before its connections are counted.

use std::net::IpAddr;

use lb_common::verdict::Reason;

use super::{Unfinished, maps, vrrp};
use crate::api::wire;
use crate::command::CommandError;
use crate::config::model::Real;
use crate::daemon::core::{Core, failed};
use crate::daemon::interfaces::Interface;
use crate::dataplane::Dataplane;
use crate::health::sm::Condition;
use crate::netlink::types::HeldAddress;
use crate::sched::ring::Census;

/// The state of the daemon.
pub(in crate::daemon) fn status<D: Dataplane>(core: &Core<D>) -> Result<Unfinished, CommandError> {
    let services = &core.state.desired.services;
    let reals = || services.values().flat_map(|service| &service.reals);
    let up = services.values().flat_map(|service| {
        let takes = |(address, _): &(&IpAddr, &Real)| core.state.takes_new(service, **address);
        service.reals.iter().filter(takes)
    });
    let status = wire::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime: core.started.elapsed().as_secs(),
        adopted: core.dataplane.adopted(),
        pin_dir: core.options.pin_dir.display().to_string(),
        program_id: core.dataplane.program_id(),
        tracing: core.dataplane.is_tracing(),
        config: config(core),
        services: services.len() as u64,
        reals: reals().count() as u64,
        reals_up: up.count() as u64,
        interfaces: core.interfaces.iter().map(|i| interface(core, i)).collect(),
        maps: maps::fixed(core)?,
        settling: settling(core)?,
        checks: checks(core),
        vrrp: vrrp::all(core.vrrp_status(), vrrp::Now::read()).instances,
        sync: super::sync::sync(core),
        packets: packets(core)?,
    };
    Ok(Unfinished::Status(Box::new(status), maps::connections(core)?))
}

fn checks<D: Dataplane>(core: &Core<D>) -> wire::Checks {
    let worst_lateness = core.checks.worst_lateness().as_micros() as u64;
    let mut checks = wire::Checks { worst_lateness, ..wire::Checks::default() };
    for condition in core.state.health.conditions() {
        checks.running += 1;
        *match condition {
            Condition::Up => &mut checks.up,
            Condition::Down => &mut checks.down,
            Condition::Unknown => &mut checks.unknown,
        } += 1;
    }
    checks
}

fn settling<D: Dataplane>(core: &Core<D>) -> Result<Vec<wire::Settling>, CommandError> {
    let services = core.state.desired.services.keys();
    let moving = services.filter_map(|endpoint| {
        let id = core.actual.services().get(endpoint)?.id;
        let census = core.actual.ring(id)?.census();
        (census != Census::default()).then_some((endpoint, id, census))
    });
    moving
        .map(|(endpoint, id, census)| {
            Ok(wire::Settling {
                protocol: endpoint.protocol,
                vip: endpoint.address,
                port: endpoint.port,
                slots: u64::from(core.dataplane.capacity().ring_slots),
                unsettled: census.unsettled as u64,
                marked: census.marked as u64,
                deferred: core.dataplane.deferred(id).map_err(failed)?,
            })
        })
        .collect()
}

fn interface<D: Dataplane>(core: &Core<D>, interface: &Interface) -> wire::Interface {
    let Interface { name, link, attachment, problem, .. } = interface;
    let ifindex = link.as_ref().map(|link| link.index);
    let here = |held: &&HeldAddress| held.ours && interface.has_addresses_on(held.ifindex);
    let ours = core.held.iter().filter(here);
    let reason = match (attachment, problem) {
        (Some(attachment), _) => attachment.reason.clone(),
        (None, Some(problem)) => problem.clone(),
        (None, None) => "not attached yet".to_owned(),
    };
    wire::Interface {
        name: name.clone(),
        ifindex,
        up: link.as_ref().is_some_and(|link| link.up),
        mode: attachment.as_ref().map(|attachment| attachment.mode.name().to_owned()),
        reason,
        link_id: attachment.as_ref().map(|attachment| attachment.link_id),
        vips: ours.map(|held| held.address).collect(),
    }
}

pub(super) fn config<D: Dataplane>(core: &Core<D>) -> wire::ConfigStatus {
    let path = core.store.path();
    let (state, error) = match (core.store.changed_by_hand(), &core.stale) {
        // Whatever it held when it was refused, it holds again what runs.
        (Ok(false), _) if path.exists() => (wire::ConfigState::InSync, None),
        (Ok(false), _) => (wire::ConfigState::Missing, None),
        (_, Some(error)) => (wire::ConfigState::Stale, Some(error.clone())),
        (Err(error), None) => (wire::ConfigState::Stale, Some(error.to_string())),
        (Ok(true), None) => (wire::ConfigState::ChangedByHand, None),
    };
    wire::ConfigStatus { path: path.display().to_string(), state, error }
}

pub(super) fn packets<D: Dataplane>(
    core: &Core<D>,
) -> Result<Vec<wire::ReasonCount>, CommandError> {
    let counts = core.dataplane.reasons().map_err(failed)?;
    let named = Reason::ALL.iter().zip(counts).map(|(reason, packets)| wire::ReasonCount {
        verdict: reason.verdict().name().to_owned(),
        reason: reason.name().to_owned(),
        packets,
    });
    Ok(named.collect())
}
