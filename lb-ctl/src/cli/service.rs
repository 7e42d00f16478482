//! The verbs of services.

use lb_common::key::Protocol;

use super::args::{
    AddServiceArgs, DeleteServiceArgs, EditServiceArgs, ForceArg, Format, MemoryArg, OnlyArg,
    PersistenceArg, ServiceArg,
};
use super::output::quiet_changes;
use super::{CliError, Said};
use crate::api::client::Client;
use crate::api::wire;
use crate::command::OnHandEdit;
use crate::config::endpoint::parse_service;
use crate::config::model::Endpoint;
use crate::config::rules;

pub(super) async fn add(client: &Client, args: &AddServiceArgs, format: Format) -> Said {
    let Endpoint { protocol, address, port } = endpoint(&args.service)?;
    refuse_persistence(&args.persistence)?;
    let service = wire::NewService {
        protocol,
        vip: address,
        port,
        name: args.name.clone(),
        scheduler: scheduler(args.scheduler.as_deref())?,
        tracking: tracking(&args.memory)?,
        idle_timeout: idle_timeout(&args.memory)?,
    };
    let changes = client.add_service(&service, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn edit(client: &Client, args: &EditServiceArgs, format: Format) -> Said {
    let endpoint = endpoint(&args.service)?;
    refuse_persistence(&args.persistence)?;
    let edit = wire::ServiceEdit {
        name: args.name.clone(),
        scheduler: scheduler(args.scheduler.as_deref())?,
        tracking: tracking(&args.memory)?,
        idle_timeout: idle_timeout(&args.memory)?,
    };
    let changes = client.edit_service(endpoint, &edit, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn delete(client: &Client, args: &DeleteServiceArgs, format: Format) -> Said {
    let endpoint = endpoint(&args.service)?;
    let changes = client.delete_service(endpoint, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

/// The service that `-t` or `-u` names.
pub(super) fn endpoint(arg: &ServiceArg) -> Result<Endpoint, CliError> {
    let named = either(arg.tcp.as_deref(), arg.udp.as_deref())?;
    Ok(named.expect("clap requires one of -t and -u"))
}

/// The service that `-t` or `-u` names, where one is given.
pub(super) fn only(arg: &OnlyArg) -> Result<Option<Endpoint>, CliError> {
    either(arg.tcp.as_deref(), arg.udp.as_deref())
}

fn either(tcp: Option<&str>, udp: Option<&str>) -> Result<Option<Endpoint>, CliError> {
    let (protocol, text) = match (tcp, udp) {
        (Some(text), _) => (Protocol::Tcp, text),
        (None, Some(text)) => (Protocol::Udp, text),
        (None, None) => return Ok(None),
    };
    parse_service(protocol, text).map(Some).map_err(CliError::refused)
}

pub(super) fn on_hand_edit(arg: &ForceArg) -> OnHandEdit {
    if arg.force { OnHandEdit::Overwrite } else { OnHandEdit::Refuse }
}

fn scheduler(name: Option<&str>) -> Result<Option<String>, CliError> {
    let scheduler = name.map(rules::scheduler).transpose().map_err(CliError::refused)?;
    Ok(scheduler.map(|scheduler| scheduler.name().to_owned()))
}

fn tracking(arg: &MemoryArg) -> Result<Option<String>, CliError> {
    let tracking = arg.tracking.as_deref().map(rules::tracking).transpose();
    Ok(tracking.map_err(CliError::refused)?.map(|tracking| tracking.name().to_owned()))
}

fn idle_timeout(arg: &MemoryArg) -> Result<Option<u32>, CliError> {
    arg.idle_timeout.as_deref().map(rules::idle_timeout).transpose().map_err(CliError::refused)
}

/// What is not carried out is not silently left out either.
fn refuse_persistence(arg: &PersistenceArg) -> Result<(), CliError> {
    let flag = match (&arg.persistent, &arg.netmask) {
        (Some(_), _) => "-p/--persistent",
        (None, Some(_)) => "-M/--netmask",
        (None, None) => return Ok(()),
    };
    Err(CliError::Refused(format!(
        "{flag}: persistence is not carried out by this version: leave the flag out"
    )))
}
