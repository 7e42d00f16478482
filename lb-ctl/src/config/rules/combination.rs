//! What the properties of one service must be together.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::policy::{self, List, PolicyError};
use super::{Role, RuleError, check, quorum, usable};
use crate::config::locate::Path;
use crate::config::model::{Hash, Scheduler, Service, Sources, Tracking};

/// A rule that an object breaks, and by which of the values in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The way from the object to the value; nothing for the object as a whole.
    pub path: Path,
    /// The rule.
    pub error: RuleError,
}

impl Broken {
    /// A rule that is broken by the object's value of this key.
    pub(in crate::config) fn at<E: Into<RuleError>>(key: &str) -> impl FnOnce(E) -> Self {
        let path = Path::default().key(key);
        |error| Self { path, error: error.into() }
    }

    /// The same, of an object that stands at `path` in another one.
    #[must_use]
    pub(in crate::config) fn under(self, path: &Path) -> Self {
        Self { path: path.clone().then(self.path), error: self.error }
    }
}

fn broken(key: &str, error: impl Into<RuleError>) -> Broken {
    Broken::at(key)(error)
}

fn broken_at(list: List, index: usize, error: PolicyError) -> Broken {
    let path = Path::default().key(list.name()).index(index);
    Broken { path, error: error.into() }
}

/// Checks all properties of a service that depend on each other.
///
/// # Errors
/// The first rule that is broken.
pub fn service(service: &Service) -> Result<(), Broken> {
    scheduling(service)?;
    tracking(service)?;
    sources(service.endpoint.address, &service.sources)?;
    sorry_server(service)?;
    check(service)?;
    quorum::thresholds(service).map_err(Broken::at("hysteresis"))?;
    quorum::ramp(service).map_err(Broken::at("slow_start"))
}

fn check(service: &Service) -> Result<(), Broken> {
    let Some(check) = &service.check else { return Ok(()) };
    check::fits(check, service.endpoint).map_err(|(key, error)| {
        let within = key.map_or_else(Path::default, |key| Path::default().key(key));
        Broken { path: within, error: error.into() }.under(&Path::default().key("check"))
    })
}

fn scheduling(service: &Service) -> Result<(), Broken> {
    let Service { scheduler, hash, persistence, .. } = *service;
    if scheduler != Scheduler::Mh && hash != Hash::default() {
        return Err(broken("hash", PolicyError::HashScheduler { scheduler }));
    }
    let Some(persistence) = persistence else { return Ok(()) };
    if scheduler == Scheduler::Sh {
        return Err(broken("persistence", PolicyError::PersistenceSh));
    }
    policy::netmask(service.endpoint.address, persistence.prefix)
        .map(drop)
        .map_err(|error| broken("persistence", error))
}

fn tracking(service: &Service) -> Result<(), Broken> {
    let Service { scheduler, tracking, .. } = *service;
    if tracking == Tracking::Full {
        return Ok(());
    }
    let error = if !scheduler.is_hashing() {
        PolicyError::SchedulerTracking { scheduler, tracking }
    } else if service.persistence.is_some() {
        PolicyError::PersistenceTracking { tracking }
    } else if !service.expire_nodest {
        PolicyError::NodestTracking { tracking }
    } else {
        return Ok(());
    };
    Err(broken("tracking", error))
}

fn sources(vip: IpAddr, sources: &Sources) -> Result<(), Broken> {
    let allowed = prefixes(vip, List::Allow, &sources.allow)?;
    prefixes(vip, List::Deny, &sources.deny)?;
    match sources.deny.iter().position(|prefix| allowed.contains(prefix)) {
        None => Ok(()),
        Some(index) => {
            let error = PolicyError::AllowedAndDenied { prefix: sources.deny[index] };
            Err(broken_at(List::Deny, index, error))
        }
    }
}

fn prefixes(vip: IpAddr, list: List, prefixes: &[IpNet]) -> Result<HashSet<IpNet>, Broken> {
    let mut seen = HashSet::with_capacity(prefixes.len());
    for (index, &prefix) in prefixes.iter().enumerate() {
        let error = if prefix.addr().is_ipv4() != vip.is_ipv4() {
            PolicyError::PrefixFamily { prefix, vip }
        } else if !seen.insert(prefix) {
            PolicyError::DuplicatePrefix { prefix, list }
        } else {
            continue;
        };
        return Err(broken_at(list, index, error));
    }
    Ok(seen)
}

fn sorry_server(service: &Service) -> Result<(), Broken> {
    let Some(address) = service.sorry_server else { return Ok(()) };
    usable(Role::SorryServer, service.endpoint.address, address)
        .map_err(|error| broken("sorry_server", error))?;
    if service.reals.contains_key(&address) {
        return Err(broken("sorry_server", PolicyError::SorryIsReal { address }));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
