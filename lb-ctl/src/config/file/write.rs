//! From the desired state back to the document, without what is as it is by default.

use std::net::IpAddr;

use super::{Check, Document, Notify, Persistence, Real, Service, Timeouts};
use crate::config::duration;
use crate::config::hook::HookCommand;
use crate::config::model::{self, Desired};
use crate::config::rules::policy::full_prefix;

mod check;
mod notify;
pub(in crate::config) mod vrrp;

impl From<&Desired> for Document {
    fn from(desired: &Desired) -> Self {
        Self {
            interfaces: desired.interfaces.clone(),
            services: desired.services.values().map(Service::from).collect(),
            notify: (desired.notify != model::Notify::default())
                .then(|| Notify::from(&desired.notify)),
            vrrp: (desired.vrrp != model::Vrrp::default()).then(|| vrrp::vrrp(desired)),
        }
    }
}

impl From<&model::Service> for Service {
    fn from(service: &model::Service) -> Self {
        let usual = model::Service::new(service.endpoint);
        let vip = service.endpoint.address;
        let word = |given: &'static str, usual| (given != usual).then(|| given.to_owned());
        Self {
            name: service.name.clone(),
            protocol: service.endpoint.protocol.name().to_owned(),
            vip: vip.to_string(),
            port: service.endpoint.port,
            scheduler: service.scheduler.name().to_owned(),
            hash: word(service.hash.name(), usual.hash.name()),
            persistence: service.persistence.map(|persistence| written(persistence, vip)),
            tracking: word(service.tracking.name(), service.default_tracking().name()),
            idle_timeout: seconds(service.idle_timeout, usual.idle_timeout),
            timeouts: timeouts(service.timeouts),
            expire_nodest: service.expire_nodest,
            all_down: word(service.all_down.name(), usual.all_down.name()),
            allow: service.sources.allow.iter().map(ToString::to_string).collect(),
            deny: service.sources.deny.iter().map(ToString::to_string).collect(),
            sorry_server: service.sorry_server.map(|address| address.to_string()),
            check: service.check.as_ref().map(Check::from),
            inhibit_on_failure: service.inhibit_on_failure,
            quorum: (service.quorum != usual.quorum).then_some(service.quorum),
            hysteresis: (service.hysteresis != usual.hysteresis).then_some(service.hysteresis),
            slow_start: (service.slow_start != usual.slow_start)
                .then(|| duration::written(service.slow_start)),
            notify_up: command(service.hooks.up.as_ref()),
            notify_down: command(service.hooks.down.as_ref()),
            quorum_up: command(service.hooks.quorum_up.as_ref()),
            quorum_down: command(service.hooks.quorum_down.as_ref()),
            reals: service.reals.iter().map(real).collect(),
        }
    }
}

fn real((address, real): (&IpAddr, &model::Real)) -> Real {
    let model::Real { weight, drained, disabled } = *real;
    Real { address: address.to_string(), weight, drain: drained, disable: disabled }
}

fn command(command: Option<&HookCommand>) -> Option<String> {
    command.map(ToString::to_string)
}

fn written(persistence: model::Persistence, vip: IpAddr) -> Persistence {
    let model::Persistence { timeout, prefix } = persistence;
    Persistence {
        timeout: seconds(timeout, model::Persistence::DEFAULT_TIMEOUT),
        netmask: (prefix != full_prefix(vip)).then_some(prefix),
    }
}

fn timeouts(timeouts: model::Timeouts) -> Option<Timeouts> {
    let usual = model::Timeouts::default();
    (timeouts != usual).then(|| Timeouts {
        syn: seconds(timeouts.syn, usual.syn),
        fin: seconds(timeouts.fin, usual.fin),
        closed: seconds(timeouts.closed, usual.closed),
    })
}

/// A time, where it is not the usual one.
fn seconds(given: u32, usual: u32) -> Option<String> {
    (given != usual).then(|| format!("{given}s"))
}
