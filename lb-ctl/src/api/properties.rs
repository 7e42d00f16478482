//! From the properties of a service as they are asked for to those that can be applied. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::wire::{NO_CHECK, PersistenceEdit, ServiceEdit, TimeoutsEdit};
use crate::config::check::Check;
use crate::config::edit::{HooksChange, PersistenceChange, ServiceChange, TimeoutsChange};
use crate::config::hook::HookCommand;
use crate::config::rules::notify::NotifyError;
use crate::config::rules::policy::{self, PolicyError, Time};
use crate::config::rules::{self, Role, RuleError, quorum};
use crate::config::{file, parse};

/// The word that takes a sorry server off.
const NONE: &str = "none";

/// Properties that a service begins with.
///
/// # Errors
/// The first that is not valid by itself.
pub fn new(asked: ServiceEdit) -> Result<ServiceChange, RuleError> {
    let properties = changed(asked)?;
    // There is nothing yet that could be taken off.
    if properties.persistence == Some(PersistenceChange::Off) {
        return Err(PolicyError::TimeRange { what: Time::Persistence, seconds: 0 }.into());
    }
    Ok(properties)
}

/// Properties that a service is to have from now on.
///
/// # Errors
/// The first that is not valid by itself.
pub fn changed(asked: ServiceEdit) -> Result<ServiceChange, RuleError> {
    let words = |words: Option<Vec<String>>| words.as_deref().map(prefixes).transpose();
    Ok(ServiceChange {
        name: asked.name,
        scheduler: asked.scheduler.as_deref().map(policy::scheduler).transpose()?,
        hash: asked.hash.as_deref().map(policy::hash).transpose()?,
        persistence: asked.persistence.map(persistence).transpose()?,
        tracking: asked.tracking.as_deref().map(policy::tracking).transpose()?,
        idle_timeout: seconds(Time::Idle, asked.idle_timeout)?,
        timeouts: timeouts(asked.timeouts.unwrap_or_default())?,
        expire_nodest: asked.expire_nodest,
        all_down: asked.all_down.as_deref().map(policy::all_down).transpose()?,
        allow: words(asked.allow)?,
        deny: words(asked.deny)?,
        sorry_server: asked.sorry_server.as_deref().map(sorry_server).transpose()?,
        check: asked.check.as_ref().map(check).transpose()?,
        inhibit_on_failure: asked.inhibit_on_failure,
        quorum: asked.quorum.map(|number| quorum::quorum(number.into())).transpose()?,
        hysteresis: asked.hysteresis,
        slow_start: asked.slow_start.as_deref().map(quorum::slow_start).transpose()?,
        hooks: HooksChange {
            up: asked.notify_up.as_deref().map(hook).transpose()?,
            down: asked.notify_down.as_deref().map(hook).transpose()?,
            quorum_up: asked.quorum_up.as_deref().map(hook).transpose()?,
            quorum_down: asked.quorum_down.as_deref().map(hook).transpose()?,
        },
    })
}

fn check(asked: &file::Check) -> Result<Option<Check>, RuleError> {
    if *asked == file::Check::of_type(NO_CHECK) {
        return Ok(None);
    }
    parse::check::check(asked).map(Some).map_err(|broken| broken.error)
}

/// A command; an empty one is none.
fn hook(text: &str) -> Result<Option<HookCommand>, NotifyError> {
    if text.is_empty() { Ok(None) } else { parse::notify::hook(text).map(Some) }
}

fn seconds(what: Time, given: Option<u32>) -> Result<Option<u32>, PolicyError> {
    given.map(|seconds| policy::seconds(what, seconds.into())).transpose()
}

fn persistence(asked: PersistenceEdit) -> Result<PersistenceChange, PolicyError> {
    let PersistenceEdit { timeout, netmask } = asked;
    if timeout == Some(0) && netmask.is_none() {
        return Ok(PersistenceChange::Off);
    }
    let prefix = netmask.map(|length| policy::netmask_number(length.into())).transpose()?;
    Ok(PersistenceChange::On { timeout: seconds(Time::Persistence, timeout)?, prefix })
}

fn timeouts(asked: TimeoutsEdit) -> Result<TimeoutsChange, PolicyError> {
    Ok(TimeoutsChange {
        syn: seconds(Time::Syn, asked.syn)?,
        fin: seconds(Time::Fin, asked.fin)?,
        closed: seconds(Time::Closed, asked.closed)?,
    })
}

fn prefixes(texts: &[String]) -> Result<Vec<IpNet>, PolicyError> {
    texts.iter().map(|text| policy::prefix(text)).collect()
}

fn sorry_server(text: &str) -> Result<Option<IpAddr>, RuleError> {
    if text == NONE { Ok(None) } else { rules::address(Role::SorryServer, text).map(Some) }
}

#[cfg(test)]
mod tests;
