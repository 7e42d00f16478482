//! What the properties of one service must be together.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::policy::{self, List, PolicyError};
use super::{Role, RuleError, usable};
use crate::config::model::{Hash, Scheduler, Service, Sources, Tracking};

/// A rule that a service breaks, and by which of its properties.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The key of the property in a definition.
    pub key: &'static str,
    /// Its place, where the property is a list.
    pub index: Option<usize>,
    /// The rule.
    pub error: RuleError,
}

fn broken(key: &'static str, error: impl Into<RuleError>) -> Broken {
    Broken { key, index: None, error: error.into() }
}

/// Checks all properties of a service that depend on each other.
///
/// # Errors
/// The first rule that is broken.
pub fn service(service: &Service) -> Result<(), Broken> {
    scheduling(service)?;
    tracking(service)?;
    sources(service.endpoint.address, &service.sources)?;
    sorry_server(service)
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
            Err(Broken { index: Some(index), ..broken(List::Deny.name(), error) })
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
        return Err(Broken { index: Some(index), ..broken(list.name(), error) });
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
