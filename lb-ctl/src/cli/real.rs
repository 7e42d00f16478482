//! The verbs of reals.

use std::net::IpAddr;
use std::time::Duration;

use super::args::{AddRealArgs, DeleteRealArgs, DrainArgs, EditRealArgs, Format, RealArg};
use super::output::quiet_changes;
use super::service::{endpoint, on_hand_edit};
use super::wait::{self, Awaited};
use super::{CliError, Said};
use crate::api::client::Client;
use crate::api::wire;
use crate::config::endpoint::{parse_real, parse_weight, real_of};
use crate::config::model::Endpoint;

pub(super) async fn add(client: &Client, args: &AddRealArgs, format: Format) -> Said {
    let (endpoint, address) = real(&args.real)?;
    let real = wire::NewReal { address, weight: Some(weight(&args.weight)?) };
    let changes = client.add_real(endpoint, &real, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn edit(client: &Client, args: &EditRealArgs, format: Format) -> Said {
    let (endpoint, address) = real(&args.real)?;
    let edit = wire::RealEdit { weight: Some(weight(&args.weight)?), drained: None };
    let changes = client.edit_real(endpoint, address, &edit, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn delete(client: &Client, args: &DeleteRealArgs, format: Format) -> Said {
    let (endpoint, address) = real(&args.real)?;
    let changes = client.delete_real(endpoint, address, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn drain(
    client: &Client,
    args: &DrainArgs,
    drained: bool,
    format: Format,
) -> Said {
    let (endpoint, address) = real(&args.real)?;
    let edit = wire::RealEdit { weight: None, drained: Some(drained) };
    let changes = client.edit_real(endpoint, address, &edit, on_hand_edit(&args.force)).await?;
    if args.wait {
        let awaited = if drained { Awaited::Idle } else { Awaited::Up };
        let limit = args.timeout.map(Duration::from_secs);
        wait::until(client, endpoint, address, awaited, limit).await?;
    }
    Ok(quiet_changes(&changes, format))
}

fn real(arg: &RealArg) -> Result<(Endpoint, IpAddr), CliError> {
    let endpoint = endpoint(&arg.service)?;
    let real = parse_real(&arg.real).map_err(CliError::refused)?;
    let address = real_of(endpoint, real).map_err(CliError::refused)?;
    Ok((endpoint, address))
}

fn weight(text: &str) -> Result<u16, CliError> {
    parse_weight(text).map_err(CliError::refused)
}
