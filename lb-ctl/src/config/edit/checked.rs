//! Which reals are checked when somebody asks for it.

use std::net::IpAddr;

use super::{EditError, no_service};
use crate::config::model::{Desired, Endpoint};

/// The reals of a service that are to be checked now: one, or all that are not disabled.
///
/// # Errors
/// Where there is no such service or real, the service has no check, or the real is disabled.
pub fn checked(
    desired: &Desired,
    endpoint: Endpoint,
    only: Option<IpAddr>,
) -> Result<Vec<IpAddr>, EditError> {
    let service = desired.services.get(&endpoint).ok_or_else(|| no_service(desired, endpoint))?;
    if let Some(real) = only {
        let found = service.reals.get(&real).ok_or(EditError::NoReal { endpoint, real })?;
        if found.disabled {
            return Err(EditError::Disabled { endpoint, real });
        }
    }
    if service.check.is_none() {
        return Err(EditError::NoCheck { endpoint });
    }
    let asked = |(address, real): (&IpAddr, &crate::config::model::Real)| {
        (!real.disabled && only.is_none_or(|only| only == *address)).then_some(*address)
    };
    Ok(service.reals.iter().filter_map(asked).collect())
}
