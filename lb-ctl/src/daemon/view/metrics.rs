//! What is measured, with the tables of connections still to be counted.

use crate::api::wire;
use crate::command::CommandError;
use crate::config::model::Service;
use crate::daemon::core::{Core, failed};
use crate::dataplane::Dataplane;
use crate::metrics::{RealSample, Sample, ServiceSample};
use crate::state::health::Standing;

/// All but the connections.
pub(super) fn sample<D: Dataplane>(core: &Core<D>) -> Result<Sample, CommandError> {
    let services = core.state.desired.services.values();
    Ok(Sample {
        services: services.map(|each| service(core, each)).collect::<Result<_, _>>()?,
        packets: super::status::packets(core)?,
        connections: 0,
        is_stale: super::status::config(core).state == wire::ConfigState::Stale,
        events: core.telling.counts(),
        dropped: core.telling.dropped(),
        vrrp: core.vrrp_status().to_vec(),
        sync: super::sync::sync(core),
    })
}

fn service<D: Dataplane>(core: &Core<D>, service: &Service) -> Result<ServiceSample, CommandError> {
    let endpoint = service.endpoint;
    let id = core.actual.services().get(&endpoint).map(|found| found.id);
    let stats = id.map(|id| core.dataplane.service_stats(id)).transpose().map_err(failed)?;
    let mut reals = Vec::with_capacity(service.reals.len());
    for (address, real) in &service.reals {
        let slot = id.and_then(|id| core.actual.real(id, *address)).map(|(slot, _)| slot);
        let stats = slot.map(|slot| core.dataplane.real_stats(slot)).transpose().map_err(failed)?;
        let is_in = core.state.health.standing(service, *address) == Standing::In;
        let findings = core.checks.findings(&(endpoint, *address));
        reals.push(RealSample {
            address: *address,
            weight: real.effective_weight(),
            is_up: is_in && core.state.is_reached(*address),
            stats: super::view_stats(stats.unwrap_or_default()),
            checks: findings.map(|findings| (findings.successes, findings.failures)),
        });
    }
    let stats = super::view_stats(stats.unwrap_or_default());
    Ok(ServiceSample { endpoint, name: service.name.clone(), stats, reals })
}
