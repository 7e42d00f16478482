//! From a document of the right shape to the desired state, or to the first rule that it breaks.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use indexmap::IndexMap;
use indexmap::map::Entry;
use lb_common::key::Protocol;
use lb_common::limits::DEFAULT_SOURCES;

use crate::config::file::{self, Document};
use crate::config::locate::Path;
use crate::config::model::{Desired, Endpoint, Service, Vrrp};
use crate::config::parse::{notify, vrrp};
use crate::config::rules::policy::PolicyError;
use crate::config::rules::vrrp::VrrpError;
use crate::config::rules::{self, Broken, Role, RuleError};
use crate::config::vrrp::Instance;

mod service;

use service::service;

/// A broken rule and the value that breaks it.
pub(super) struct Fault {
    pub(super) path: Path,
    pub(super) error: RuleError,
}

fn at<E: Into<RuleError>>(path: Path) -> impl FnOnce(E) -> Fault {
    |error| Fault { path, error: error.into() }
}

/// A rule broken by the value at `path`, or by one within it.
fn place(path: &Path, broken: Broken) -> Fault {
    let Broken { path, error } = broken.under(path);
    Fault { path, error }
}

fn service_path(index: usize) -> Path {
    Path::default().key("services").index(index)
}

pub(super) fn validate(document: &Document) -> Result<Desired, Fault> {
    let interfaces = interfaces(&document.interfaces)?;
    let services = services(&document.services)?;
    no_port_is_taken_twice(&services)?;
    no_target_is_a_vip(&services)?;
    sources_fit(&services)?;
    let vrrp = document.vrrp.as_ref().map(|document| vrrp::vrrp(document, &services)).transpose();
    let vrrp = vrrp.map_err(|broken| place(&Path::default().key("vrrp"), broken))?;
    let vrrp = vrrp.unwrap_or_default();
    no_target_moves(&services, &vrrp)?;
    let notify = document.notify.as_ref().map(notify::notify).transpose();
    let notify = notify.map_err(|broken| place(&Path::default().key("notify"), broken))?;
    Ok(Desired { interfaces, services, notify: notify.unwrap_or_default(), vrrp })
}

fn interfaces(names: &[String]) -> Result<Vec<String>, Fault> {
    for (index, name) in names.iter().enumerate() {
        let path = Path::default().key("interfaces").index(index);
        rules::interface(name).map_err(at(path.clone()))?;
        if let Some(first) = names[..index].iter().position(|earlier| earlier == name) {
            let error = RuleError::DuplicateInterface { name: name.clone(), first };
            return Err(Fault { path, error });
        }
    }
    Ok(names.to_vec())
}

fn services(documents: &[file::Service]) -> Result<IndexMap<Endpoint, Service>, Fault> {
    let mut services = IndexMap::new();
    let mut names = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        let path = service_path(index);
        let service = service(document, &path)?;
        let endpoint = service.endpoint;
        if let Some(name) = &document.name
            && let Some(holder) = names.insert(name, endpoint)
        {
            let error = RuleError::DuplicateName { name: name.clone(), holder };
            return Err(Fault { path: path.key("name"), error });
        }
        match services.entry(endpoint) {
            Entry::Vacant(entry) => entry.insert(service),
            Entry::Occupied(entry) => {
                let error = RuleError::DuplicateService { endpoint, first: entry.index() };
                return Err(Fault { path, error });
            }
        };
    }
    Ok(services)
}

fn no_port_is_taken_twice(services: &IndexMap<Endpoint, Service>) -> Result<(), Fault> {
    let mut taken: HashMap<(Protocol, IpAddr), BTreeMap<u16, Endpoint>> = HashMap::new();
    for (index, &endpoint) in services.keys().enumerate() {
        let Endpoint { protocol, address, port } = endpoint;
        let taken = taken.entry((protocol, address)).or_default();
        // Those before are apart, so none but the last that begins in time can reach this one. Any
        // port is 0 here, which reaches nobody.
        let nearest = taken.range(..=port.last()).next_back().map(|(_, nearest)| *nearest);
        if let Some(other) = nearest.filter(|nearest| nearest.overlaps(&endpoint)) {
            let error = RuleError::OverlappingPorts { endpoint, other };
            return Err(Fault { path: service_path(index).key("port"), error });
        }
        taken.insert(port.first(), endpoint);
    }
    Ok(())
}

fn no_target_is_a_vip(services: &IndexMap<Endpoint, Service>) -> Result<(), Fault> {
    let vips: HashMap<IpAddr, Endpoint> = services.keys().map(|e| (e.address, *e)).collect();
    for (index, service) in services.values().enumerate() {
        let endpoint = service.endpoint;
        for (real_index, &address) in service.reals.keys().enumerate() {
            if let Some(&holder) = vips.get(&address) {
                let path = service_path(index).key("reals").index(real_index).key("address");
                let error =
                    RuleError::RealIsOtherVip { address, real_of: endpoint, service: holder };
                return Err(Fault { path, error });
            }
        }
        if let Some(address) = service.sorry_server
            && let Some(&holder) = vips.get(&address)
        {
            let path = service_path(index).key("sorry_server");
            let error = PolicyError::SorryIsVip { address, sorry_of: endpoint, service: holder };
            return Err(at(path)(error));
        }
    }
    Ok(())
}

/// The director that is master holds the addresses that move as it does its VIPs.
fn no_target_moves(services: &IndexMap<Endpoint, Service>, vrrp: &Vrrp) -> Result<(), Fault> {
    let instances = vrrp.instances.values();
    let moving: HashMap<IpAddr, &Instance> =
        instances.flat_map(|it| it.all_addresses().map(move |held| (held.address, it))).collect();
    for (index, service) in services.values().enumerate() {
        let path = || service_path(index);
        let refuse = |role, address, holder: &Instance, path| {
            let (service, instance) = (service.endpoint, holder.name.clone());
            Err(at(path)(VrrpError::TargetIsVirtual { address, role, service, instance }))
        };
        for (index, &address) in service.reals.keys().enumerate() {
            if let Some(holder) = moving.get(&address) {
                let path = path().key("reals").index(index).key("address");
                return refuse(Role::Real, address, holder, path);
            }
        }
        if let Some(address) = service.sorry_server
            && let Some(holder) = moving.get(&address)
        {
            return refuse(Role::SorryServer, address, holder, path().key("sorry_server"));
        }
    }
    Ok(())
}

fn sources_fit(services: &IndexMap<Endpoint, Service>) -> Result<(), Fault> {
    let count = services.values().map(|service| service.sources.len()).sum();
    if count <= DEFAULT_SOURCES as usize {
        return Ok(());
    }
    let mut sum = 0;
    let over = services.values().position(|service| {
        sum += service.sources.len();
        sum > DEFAULT_SOURCES as usize
    });
    let path = over.map_or_else(Path::default, service_path);
    Err(at(path)(PolicyError::TooManyPrefixes { count }))
}
