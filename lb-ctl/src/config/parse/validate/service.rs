//! One service of a document.

use std::net::IpAddr;

use indexmap::IndexMap;
use indexmap::map::Entry;
use ipnet::IpNet;

use super::{Fault, at, place};
use crate::config::file;
use crate::config::locate::Path;
use crate::config::model::{
    Endpoint, Hash, Persistence, Real, Scheduler, Service, Sources, Timeouts,
};
use crate::config::parse::{check, notify};
use crate::config::rules::policy::{self, PolicyError, Time};
use crate::config::rules::quorum;
use crate::config::rules::{self, Role, RuleError};

pub(super) fn service(document: &file::Service, path: &Path) -> Result<Service, Fault> {
    let member = |key: &str| path.clone().key(key);
    if let Some(name) = &document.name {
        rules::name(name).map_err(at(member("name")))?;
    }
    let mut service = Service::new(endpoint(document, path)?);
    let vip = service.endpoint.address;
    service.name.clone_from(&document.name);
    service.scheduler = policy::scheduler(&document.scheduler).map_err(at(member("scheduler")))?;
    service.hash = hash(document.hash.as_deref(), service.scheduler).map_err(at(member("hash")))?;
    if let Some(document) = &document.persistence {
        service.persistence = Some(persistence(document, vip, &member("persistence"))?);
    }
    service.expire_nodest = document.expire_nodest;
    service.tracking = match &document.tracking {
        Some(word) => policy::tracking(word).map_err(at(member("tracking")))?,
        None => service.default_tracking(),
    };
    let idle = document.idle_timeout.as_deref();
    service.idle_timeout = time(Time::Idle, idle, service.idle_timeout, path, "idle_timeout")?;
    if let Some(document) = &document.timeouts {
        service.timeouts = timeouts(document, &member("timeouts"))?;
    }
    if let Some(word) = &document.all_down {
        service.all_down = policy::all_down(word).map_err(at(member("all_down")))?;
    }
    service.sources = Sources {
        allow: prefixes(&document.allow, &member("allow"))?,
        deny: prefixes(&document.deny, &member("deny"))?,
    };
    if let Some(text) = &document.sorry_server {
        let address = rules::address(Role::SorryServer, text);
        service.sorry_server = Some(address.map_err(at(member("sorry_server")))?);
    }
    health(document, &mut service, path)?;
    service.reals = reals(&document.reals, vip, path)?;
    rules::service(&service).map_err(|broken| place(path, broken))?;
    Ok(service)
}

/// How its reals are checked, and what follows.
fn health(document: &file::Service, service: &mut Service, path: &Path) -> Result<(), Fault> {
    let member = |key: &str| path.clone().key(key);
    let check = document.check.as_ref().map(check::check).transpose();
    service.check = check.map_err(|broken| place(&member("check"), broken))?;
    service.inhibit_on_failure = document.inhibit_on_failure;
    service.quorum = document.quorum.unwrap_or(service.quorum);
    service.hysteresis = document.hysteresis.unwrap_or(service.hysteresis);
    if let Some(text) = &document.slow_start {
        service.slow_start = quorum::slow_start(text).map_err(at(member("slow_start")))?;
    }
    service.hooks = notify::hooks(document).map_err(|broken| place(path, broken))?;
    Ok(())
}

fn endpoint(document: &file::Service, path: &Path) -> Result<Endpoint, Fault> {
    let member = |key: &str| path.clone().key(key);
    let protocol = rules::protocol(&document.protocol).map_err(at(member("protocol")))?;
    let vip = rules::address(Role::Vip, &document.vip).map_err(at(member("vip")))?;
    rules::vip(vip).map_err(at(member("vip")))?;
    Ok(Endpoint { protocol, address: vip, port: document.port })
}

/// What a scheduler hashes that does not choose it is not to be written, not even rightly.
fn hash(word: Option<&str>, scheduler: Scheduler) -> Result<Hash, PolicyError> {
    match word {
        None => Ok(Hash::default()),
        Some(word) if scheduler == Scheduler::Mh => policy::hash(word),
        Some(_) => Err(PolicyError::HashScheduler { scheduler }),
    }
}

fn persistence(
    document: &file::Persistence,
    vip: IpAddr,
    path: &Path,
) -> Result<Persistence, Fault> {
    let timeout = document.timeout.as_deref();
    let usual = Persistence::DEFAULT_TIMEOUT;
    let prefix = document.netmask.unwrap_or_else(|| policy::full_prefix(vip));
    Ok(Persistence {
        timeout: time(Time::Persistence, timeout, usual, path, "timeout")?,
        prefix: policy::netmask(vip, prefix).map_err(at(path.clone().key("netmask")))?,
    })
}

fn timeouts(document: &file::Timeouts, path: &Path) -> Result<Timeouts, Fault> {
    let usual = Timeouts::default();
    Ok(Timeouts {
        syn: time(Time::Syn, document.syn.as_deref(), usual.syn, path, "syn")?,
        fin: time(Time::Fin, document.fin.as_deref(), usual.fin, path, "fin")?,
        closed: time(Time::Closed, document.closed.as_deref(), usual.closed, path, "closed")?,
    })
}

/// A time in seconds, or the usual one where none is given.
fn time(
    what: Time,
    text: Option<&str>,
    usual: u32,
    object: &Path,
    key: &str,
) -> Result<u32, Fault> {
    let given = text.map(|text| policy::time(what, text)).transpose();
    Ok(given.map_err(at(object.clone().key(key)))?.unwrap_or(usual))
}

fn prefixes(texts: &[String], path: &Path) -> Result<Vec<IpNet>, Fault> {
    let read = |(index, text): (usize, &String)| {
        policy::prefix(text).map_err(|error| at(path.clone().index(index))(error))
    };
    texts.iter().enumerate().map(read).collect()
}

fn reals(
    documents: &[file::Real],
    vip: IpAddr,
    service: &Path,
) -> Result<IndexMap<IpAddr, Real>, Fault> {
    let mut reals = IndexMap::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        let path = service.clone().key("reals").index(index).key("address");
        let address = rules::address(Role::Real, &document.address).map_err(at(path.clone()))?;
        rules::real(vip, address).map_err(at(path.clone()))?;
        match reals.entry(address) {
            Entry::Vacant(entry) => {
                entry.insert(Real {
                    weight: document.weight,
                    drained: document.drain,
                    disabled: document.disable,
                });
            }
            Entry::Occupied(entry) => {
                let error = RuleError::DuplicateReal { real: address, first: entry.index() };
                return Err(Fault { path, error });
            }
        }
    }
    Ok(reals)
}
