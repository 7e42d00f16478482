//! Single edits of the desired state: what the verbs of the command line ask for.
//!
//! Each takes a state and gives another one, or says why not; the given one is never touched.

use std::net::IpAddr;

use indexmap::IndexMap;
use lb_common::key::Protocol;

use super::model::{Desired, Endpoint, Real, Service};
use super::rules::{self, RuleError};

mod among;
mod checked;
mod properties;

pub use checked::checked;
pub use properties::{HooksChange, PersistenceChange, ServiceChange, TimeoutsChange};

/// Why an edit is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum EditError {
    /// The service is not there.
    #[error("there is no service {endpoint}: {}", elsewhere(*endpoint, *other))]
    NoService { endpoint: Endpoint, other: Option<Endpoint> },
    /// The real is not there.
    #[error(
        "service {endpoint} has no real {real}: `lb-ctl list` shows those it has, `add-real` \
         adds one"
    )]
    NoReal { endpoint: Endpoint, real: IpAddr },
    /// The service is there already.
    #[error("service {endpoint} is there already: use `edit-service` to change it")]
    ServiceExists { endpoint: Endpoint },
    /// The real is there already.
    #[error("service {endpoint} has the real {real} already: use `edit-real` to change it")]
    RealExists { endpoint: Endpoint, real: IpAddr },
    /// There is nothing to ask its reals.
    #[error(
        "service {endpoint} has no check: give it one with `edit-service --check`, like `--check tcp`"
    )]
    NoCheck { endpoint: Endpoint },
    /// A real that nobody asks.
    #[error(
        "real {real} of service {endpoint} is disabled and so not checked: `enable-real` puts it back"
    )]
    Disabled { endpoint: Endpoint, real: IpAddr },
    /// It would break a rule.
    #[error(transparent)]
    Refused(#[from] RuleError),
}

/// The kinds of [`EditError`], by which exit codes are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditErrorKind {
    /// The object is not there.
    NotFound,
    /// The object is there already.
    Exists,
    /// Validation refused it.
    Refused,
}

impl EditError {
    /// Its kind.
    pub const fn kind(&self) -> EditErrorKind {
        match self {
            Self::NoService { .. } | Self::NoReal { .. } => EditErrorKind::NotFound,
            Self::ServiceExists { .. } | Self::RealExists { .. } => EditErrorKind::Exists,
            Self::NoCheck { .. } | Self::Disabled { .. } | Self::Refused(_) => {
                EditErrorKind::Refused
            }
        }
    }
}

fn elsewhere(endpoint: Endpoint, other: Option<Endpoint>) -> String {
    match other {
        Some(other) if other.protocol == endpoint.protocol => {
            format!("its ports are among those of {other}, which is named by all of them")
        }
        Some(other) => {
            let flag = match other.protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
            };
            format!("there is {other} at the same address and port, which {flag} names")
        }
        None => "`lb-ctl list` shows those there are, `add-service` adds one".to_owned(),
    }
}

/// Adds a service without reals.
///
/// # Errors
/// Where it is there already, another takes some of its ports, its VIP cannot be balanced or is
/// another server's address, its name is bad or taken, or its properties do not go together.
pub fn add_service(
    desired: &Desired,
    endpoint: Endpoint,
    properties: &ServiceChange,
) -> Result<Desired, EditError> {
    if desired.services.contains_key(&endpoint) {
        return Err(EditError::ServiceExists { endpoint });
    }
    rules::vip(endpoint.address)?;
    among::ports(desired, endpoint)?;
    if let Some(name) = &properties.name {
        among::name(desired, endpoint, name)?;
    }
    among::vip(desired, endpoint)?;
    let mut service = Service { name: properties.name.clone(), ..Service::new(endpoint) };
    properties.apply(&mut service)?;
    let mut next = desired.clone();
    next.services.insert(endpoint, service);
    among::service(&next, endpoint)?;
    Ok(next)
}

/// Changes properties of a service.
///
/// # Errors
/// Where it is not there, the new name is bad or taken, or its properties do not go together.
pub fn edit_service(
    desired: &Desired,
    endpoint: Endpoint,
    change: &ServiceChange,
) -> Result<Desired, EditError> {
    let mut next = desired.clone();
    let service = service_mut(&mut next, endpoint)?;
    match change.name.as_deref() {
        None => {}
        Some("") => service.name = None,
        Some(name) => {
            among::name(desired, endpoint, name)?;
            service.name = Some(name.to_owned());
        }
    }
    change.apply(service)?;
    among::service(&next, endpoint)?;
    Ok(next)
}

/// Deletes a service and its reals.
///
/// # Errors
/// Where it is not there, or a virtual router follows it.
pub fn delete_service(desired: &Desired, endpoint: Endpoint) -> Result<Desired, EditError> {
    among::not_followed(desired, endpoint)?;
    let mut next = desired.clone();
    match next.services.shift_remove(&endpoint) {
        Some(_) => Ok(next),
        None => Err(no_service(desired, endpoint)),
    }
}

/// Adds a real to a service.
///
/// # Errors
/// Where there is no such service, the real is there already, or it cannot be a real of this VIP.
pub fn add_real(
    desired: &Desired,
    endpoint: Endpoint,
    real: IpAddr,
    weight: u16,
) -> Result<Desired, EditError> {
    let mut next = desired.clone();
    let service = service_mut(&mut next, endpoint)?;
    rules::real(endpoint.address, real)?;
    if service.reals.contains_key(&real) {
        return Err(EditError::RealExists { endpoint, real });
    }
    among::real(desired, endpoint, real)?;
    service.reals.insert(real, Real::new(weight));
    rules::service(service).map_err(|broken| broken.error)?;
    Ok(next)
}

/// Gives a real another weight. A drained real stays drained.
///
/// # Errors
/// Where there is no such service or real.
pub fn edit_real(
    desired: &Desired,
    endpoint: Endpoint,
    real: IpAddr,
    weight: u16,
) -> Result<Desired, EditError> {
    with_real(desired, endpoint, real, |real| real.weight = weight)
}

/// Deletes a real from a service.
///
/// # Errors
/// Where there is no such service or real.
pub fn delete_real(
    desired: &Desired,
    endpoint: Endpoint,
    real: IpAddr,
) -> Result<Desired, EditError> {
    let mut next = desired.clone();
    match service_mut(&mut next, endpoint)?.reals.shift_remove(&real) {
        Some(_) => Ok(next),
        None => Err(EditError::NoReal { endpoint, real }),
    }
}

/// Takes a real out of scheduling and keeps its weight. Draining twice changes nothing.
///
/// # Errors
/// Where there is no such service or real.
pub fn drain(desired: &Desired, endpoint: Endpoint, real: IpAddr) -> Result<Desired, EditError> {
    with_real(desired, endpoint, real, |real| real.drained = true)
}

/// Puts a drained real back into scheduling with the weight it had. One that is not drained stays
/// as it is.
///
/// # Errors
/// Where there is no such service or real.
pub fn undrain(desired: &Desired, endpoint: Endpoint, real: IpAddr) -> Result<Desired, EditError> {
    with_real(desired, endpoint, real, |real| real.drained = false)
}

/// Takes a real out altogether, and keeps its weight. Disabling twice changes nothing.
///
/// # Errors
/// Where there is no such service or real.
pub fn disable(desired: &Desired, endpoint: Endpoint, real: IpAddr) -> Result<Desired, EditError> {
    with_real(desired, endpoint, real, |real| real.disabled = true)
}

/// Puts a disabled real back as it was. One that is not disabled stays as it is.
///
/// # Errors
/// Where there is no such service or real.
pub fn enable(desired: &Desired, endpoint: Endpoint, real: IpAddr) -> Result<Desired, EditError> {
    with_real(desired, endpoint, real, |real| real.disabled = false)
}

/// Deletes all services. Interfaces, virtual routers and whom to notify stay.
///
/// # Errors
/// Where a virtual router follows one of them.
pub fn clear(desired: &Desired) -> Result<Desired, EditError> {
    for &endpoint in desired.services.keys() {
        among::not_followed(desired, endpoint)?;
    }
    Ok(Desired { services: IndexMap::new(), ..desired.clone() })
}

fn with_real(
    desired: &Desired,
    endpoint: Endpoint,
    real: IpAddr,
    change: impl FnOnce(&mut Real),
) -> Result<Desired, EditError> {
    let mut next = desired.clone();
    let service = service_mut(&mut next, endpoint)?;
    let found = service.reals.get_mut(&real).ok_or(EditError::NoReal { endpoint, real })?;
    change(found);
    Ok(next)
}

fn service_mut(desired: &mut Desired, endpoint: Endpoint) -> Result<&mut Service, EditError> {
    if !desired.services.contains_key(&endpoint) {
        return Err(no_service(desired, endpoint));
    }
    Ok(desired.services.get_mut(&endpoint).expect("it was there a line before"))
}

/// Says that a service is not there, and which one may be meant.
pub fn no_service(desired: &Desired, endpoint: Endpoint) -> EditError {
    let protocol = match endpoint.protocol {
        Protocol::Tcp => Protocol::Udp,
        Protocol::Udp => Protocol::Tcp,
    };
    let namesake = Endpoint { protocol, ..endpoint };
    let namesake = desired.services.contains_key(&namesake).then_some(namesake);
    let around = || desired.services.keys().copied().find(|other| other.overlaps(&endpoint));
    EditError::NoService { endpoint, other: namesake.or_else(around) }
}

#[cfg(test)]
mod tests;
