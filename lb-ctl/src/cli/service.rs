//! The verbs of services.

use lb_common::key::Protocol;

use super::args::{
    AddServiceArgs, DeleteServiceArgs, EditServiceArgs, ForceArg, Format, OnlyArg, ServiceArg,
};
use super::output::quiet_changes;
use super::{CliError, Said};
use crate::api::client::Client;
use crate::api::{properties, wire};
use crate::command::OnHandEdit;
use crate::config::endpoint::parse_service;
use crate::config::model::Endpoint;

mod property;

pub(super) async fn add(client: &Client, args: &AddServiceArgs, format: Format) -> Said {
    let endpoint = endpoint(&args.service)?;
    let asked = property::asked(endpoint, &args.properties).map_err(CliError::refused)?;
    properties::new(asked.clone()).map_err(CliError::refused)?;
    let service = wire::NewService::join(endpoint, asked);
    let changes = client.add_service(&service, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn edit(client: &Client, args: &EditServiceArgs, format: Format) -> Said {
    let endpoint = endpoint(&args.service)?;
    let edit = property::asked(endpoint, &args.properties).map_err(CliError::refused)?;
    properties::changed(edit.clone()).map_err(CliError::refused)?;
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
