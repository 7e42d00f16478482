//! From the flags of a service to what is asked of the daemon. Pure.

use thiserror::Error;

use crate::api::wire::{PersistenceEdit, ServiceEdit, TimeoutsEdit};
use crate::cli::args::PropertyArgs;
use crate::config::file::Check;
use crate::config::model::Endpoint;
use crate::config::parse::{self, DefinitionError};
use crate::config::rules::policy::{self, PolicyError, Time};
use crate::config::rules::quorum::{self, QuorumError};

/// The word that empties a list.
const NONE: &str = "none";

/// Why flags ask for nothing that can be.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum FlagError {
    /// What a service cannot ask for.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// What a service cannot make of its reals.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// A check that is no JSON, or not of a check's shape.
    #[error("--check: {0}")]
    Check(#[from] DefinitionError),
}

/// What the flags ask for, with times in seconds and masks as prefix lengths.
pub(super) fn asked(endpoint: Endpoint, args: &PropertyArgs) -> Result<ServiceEdit, FlagError> {
    let time = |what, text: &Option<String>| {
        text.as_deref().map(|text| policy::time(what, text)).transpose()
    };
    let timeouts = TimeoutsEdit {
        syn: time(Time::Syn, &args.syn_timeout)?,
        fin: time(Time::Fin, &args.fin_timeout)?,
        closed: time(Time::Closed, &args.closed_timeout)?,
    };
    let expire_nodest = args.expire_nodest.as_deref().map(policy::expire_nodest).transpose()?;
    Ok(ServiceEdit {
        name: args.name.clone(),
        scheduler: args.scheduler.clone(),
        hash: args.hash.clone(),
        persistence: persistence(endpoint, args)?,
        tracking: args.tracking.clone(),
        idle_timeout: time(Time::Idle, &args.idle_timeout)?,
        timeouts: (timeouts != TimeoutsEdit::default()).then_some(timeouts),
        expire_nodest,
        all_down: args.all_down.clone(),
        allow: args.allow.as_deref().map(list),
        deny: args.deny.as_deref().map(list),
        sorry_server: args.sorry_server.clone(),
        ..health(args)?
    })
}

/// The same of the check and of what follows.
fn health(args: &PropertyArgs) -> Result<ServiceEdit, FlagError> {
    let word = args.inhibit_on_failure.as_deref();
    let quorum = |text| quorum::quorum(quorum::number("quorum", text)?);
    let hysteresis = |text| quorum::hysteresis(quorum::number("hysteresis", text)?);
    Ok(ServiceEdit {
        check: args.check.as_deref().map(check).transpose()?,
        inhibit_on_failure: word.map(quorum::inhibit_on_failure).transpose()?,
        quorum: args.quorum.as_deref().map(quorum).transpose()?,
        hysteresis: args.hysteresis.as_deref().map(hysteresis).transpose()?,
        slow_start: args.slow_start.clone(),
        notify_up: args.notify_up.clone(),
        notify_down: args.notify_down.clone(),
        quorum_up: args.quorum_up.clone(),
        quorum_down: args.quorum_down.clone(),
        ..ServiceEdit::default()
    })
}

/// A type alone, or a check as it stands in a definition.
fn check(text: &str) -> Result<Check, DefinitionError> {
    if text.trim_start().starts_with('{') {
        parse::check_document(text)
    } else {
        Ok(Check::of_type(text))
    }
}

fn persistence(
    endpoint: Endpoint,
    args: &PropertyArgs,
) -> Result<Option<PersistenceEdit>, PolicyError> {
    let timeout = args.persistent.as_deref().map(persistence_timeout).transpose()?;
    let netmask = args.netmask.as_deref();
    let netmask = netmask.map(|text| policy::netmask_text(endpoint.address, text)).transpose()?;
    let asked = PersistenceEdit { timeout, netmask };
    Ok((asked != PersistenceEdit::default()).then_some(asked))
}

/// Seconds without a unit, as for ipvsadm, or a time with one.
fn persistence_timeout(text: &str) -> Result<u32, PolicyError> {
    match text {
        "0" => Ok(0),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            policy::time(Time::Persistence, &format!("{text}s"))
        }
        _ => policy::time(Time::Persistence, text),
    }
}

fn list(given: &[String]) -> Vec<String> {
    if given == [NONE] { Vec::new() } else { given.to_vec() }
}

#[cfg(test)]
mod tests;
