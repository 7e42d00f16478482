//! What a service must be among the others. A file is asked the same as a whole.

use std::net::IpAddr;

use lb_common::limits::DEFAULT_SOURCES;

use crate::config::model::{Desired, Endpoint};
use crate::config::rules::policy::PolicyError;
use crate::config::rules::vrrp::{self, VrrpError};
use crate::config::rules::{self, Role, RuleError};

/// The ports of a new service are nobody's.
pub(super) fn ports(desired: &Desired, new: Endpoint) -> Result<(), RuleError> {
    match desired.services.keys().find(|other| other.overlaps(&new)) {
        None => Ok(()),
        Some(&other) => Err(RuleError::OverlappingPorts { endpoint: new, other }),
    }
}

/// The VIP of a new service is nobody's real and nobody's sorry server.
pub(super) fn vip(desired: &Desired, new: Endpoint) -> Result<(), RuleError> {
    let address = new.address;
    for service in desired.services.values() {
        let of = service.endpoint;
        if service.reals.contains_key(&address) {
            return Err(RuleError::RealIsOtherVip { address, real_of: of, service: new });
        }
        if service.sorry_server == Some(address) {
            return Err(PolicyError::SorryIsVip { address, sorry_of: of, service: new }.into());
        }
    }
    Ok(())
}

/// A new real is no VIP, and moves with no virtual router.
pub(super) fn real(
    desired: &Desired,
    endpoint: Endpoint,
    address: IpAddr,
) -> Result<(), RuleError> {
    match desired.services.keys().find(|other| other.address == address) {
        None => Ok(not_virtual(desired, endpoint, Role::Real, address)?),
        Some(&service) => Err(RuleError::RealIsOtherVip { address, real_of: endpoint, service }),
    }
}

/// Where packets of a service go is nowhere where the director itself may be.
fn not_virtual(
    desired: &Desired,
    service: Endpoint,
    role: Role,
    address: IpAddr,
) -> Result<(), VrrpError> {
    match vrrp::holder(&desired.vrrp, address) {
        None => Ok(()),
        Some(holder) => {
            let instance = holder.name.clone();
            Err(VrrpError::TargetIsVirtual { address, role, service, instance })
        }
    }
}

/// A service that goes is followed by no virtual router.
pub(super) fn not_followed(desired: &Desired, endpoint: Endpoint) -> Result<(), RuleError> {
    Ok(vrrp::follower(&desired.vrrp, endpoint)?)
}

/// A service's sorry server is no VIP and moves with no virtual router, and the prefixes of all
/// services fit.
pub(super) fn service(desired: &Desired, endpoint: Endpoint) -> Result<(), RuleError> {
    let sorry = desired.services[&endpoint].sorry_server;
    if let Some(address) = sorry
        && let Some(&service) = desired.services.keys().find(|other| other.address == address)
    {
        return Err(PolicyError::SorryIsVip { address, sorry_of: endpoint, service }.into());
    }
    if let Some(address) = sorry {
        not_virtual(desired, endpoint, Role::SorryServer, address)?;
    }
    let count = desired.services.values().map(|service| service.sources.len()).sum();
    if count > DEFAULT_SOURCES as usize {
        return Err(PolicyError::TooManyPrefixes { count }.into());
    }
    Ok(())
}

/// A name has the right form and is no other service's.
pub(super) fn name(desired: &Desired, endpoint: Endpoint, name: &str) -> Result<(), RuleError> {
    rules::name(name)?;
    let holder = desired
        .services
        .values()
        .find(|service| service.endpoint != endpoint && service.name.as_deref() == Some(name));
    match holder {
        None => Ok(()),
        Some(service) => {
            Err(RuleError::DuplicateName { name: name.to_owned(), holder: service.endpoint })
        }
    }
}
