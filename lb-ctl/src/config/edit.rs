//! Single edits of the desired state: what the verbs of the command line ask for.
//!
//! Each takes a state and gives another one, or says why not; the given one is never touched.

use std::net::IpAddr;

use lb_common::key::Protocol;

use super::model::{Desired, Endpoint, Real, Scheduler, Service, Tracking};
use super::rules::{self, RuleError};

/// Why an edit is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum EditError {
    /// The service is not there.
    #[error("there is no service {endpoint}: {}", elsewhere(*other))]
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
            Self::Refused(_) => EditErrorKind::Refused,
        }
    }
}

fn elsewhere(other: Option<Endpoint>) -> String {
    match other {
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

/// Properties of a service, to change or to begin with; what is `None` stays as it is, or is as it
/// is by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceChange {
    /// The name; an empty one takes a name off.
    pub name: Option<String>,
    /// How reals are picked.
    pub scheduler: Option<Scheduler>,
    /// What is remembered of its flows.
    pub tracking: Option<Tracking>,
    /// Seconds after its last packet until a flow is forgotten.
    pub idle_timeout: Option<u32>,
}

impl ServiceChange {
    /// Takes over what is given but for the name, whose rule needs the other services.
    fn apply(&self, service: &mut Service) -> Result<(), RuleError> {
        if let Some(scheduler) = self.scheduler {
            service.scheduler = scheduler;
        }
        if let Some(tracking) = self.tracking {
            service.tracking = tracking;
        }
        if let Some(seconds) = self.idle_timeout {
            service.idle_timeout = rules::idle_timeout_secs(seconds.into())?;
        }
        Ok(())
    }
}

/// Adds a service without reals.
///
/// # Errors
/// Where it is there already, its VIP cannot be balanced or is a real's address, its name is bad or
/// taken, or its idle timeout out of range.
pub fn add_service(
    desired: &Desired,
    endpoint: Endpoint,
    properties: &ServiceChange,
) -> Result<Desired, EditError> {
    if desired.services.contains_key(&endpoint) {
        return Err(EditError::ServiceExists { endpoint });
    }
    rules::vip(endpoint.address)?;
    rules::port(endpoint.port.into())?;
    if let Some(name) = &properties.name {
        check_name(desired, endpoint, name)?;
    }
    let mut services = desired.services.values();
    if let Some(holder) = services.find(|other| other.reals.contains_key(&endpoint.address)) {
        return Err(real_is_vip(endpoint.address, holder.endpoint, endpoint));
    }
    let mut service = Service { name: properties.name.clone(), ..Service::new(endpoint) };
    properties.apply(&mut service)?;
    let mut next = desired.clone();
    next.services.insert(endpoint, service);
    Ok(next)
}

/// Changes properties of a service.
///
/// # Errors
/// Where it is not there, the new name is bad or taken, or the idle timeout out of range.
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
            check_name(desired, endpoint, name)?;
            service.name = Some(name.to_owned());
        }
    }
    change.apply(service)?;
    Ok(next)
}

/// Deletes a service and its reals.
///
/// # Errors
/// Where it is not there.
pub fn delete_service(desired: &Desired, endpoint: Endpoint) -> Result<Desired, EditError> {
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
    if let Some(service) = desired.services.keys().find(|other| other.address == real) {
        return Err(real_is_vip(real, endpoint, *service));
    }
    service.reals.insert(real, Real::new(weight));
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

/// Deletes all services. The interfaces stay.
///
/// # Errors
/// None so far; it is fallible as all edits are.
pub fn clear(desired: &Desired) -> Result<Desired, EditError> {
    Ok(Desired { interfaces: desired.interfaces.clone(), ..Desired::default() })
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
    let missing = no_service(desired, endpoint);
    desired.services.get_mut(&endpoint).ok_or(missing)
}

fn no_service(desired: &Desired, endpoint: Endpoint) -> EditError {
    let protocol = match endpoint.protocol {
        Protocol::Tcp => Protocol::Udp,
        Protocol::Udp => Protocol::Tcp,
    };
    let other = Endpoint { protocol, ..endpoint };
    let other = desired.services.contains_key(&other).then_some(other);
    EditError::NoService { endpoint, other }
}

fn real_is_vip(address: IpAddr, real_of: Endpoint, service: Endpoint) -> EditError {
    RuleError::RealIsOtherVip { address, real_of, service }.into()
}

fn check_name(desired: &Desired, endpoint: Endpoint, name: &str) -> Result<(), RuleError> {
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

#[cfg(test)]
mod tests;
