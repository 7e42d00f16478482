//! The verbs of reals.

use std::net::IpAddr;
use std::time::Duration;

use super::args::{
    AddRealArgs, CheckNowArgs, DeleteRealArgs, DisableArgs, DrainArgs, EditRealArgs, Format,
    RealArg,
};
use super::output::{self, quiet_changes};
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
    let edit = wire::RealEdit { weight: Some(weight(&args.weight)?), ..Default::default() };
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
    let edit = wire::RealEdit { drained: Some(drained), ..Default::default() };
    let changes = client.edit_real(endpoint, address, &edit, on_hand_edit(&args.force)).await?;
    if args.wait {
        let awaited = if drained { Awaited::Idle } else { Awaited::Up };
        let limit = args.timeout.map(Duration::from_secs);
        wait::until(client, endpoint, address, awaited, limit).await?;
    }
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn disable(
    client: &Client,
    args: &DisableArgs,
    disabled: bool,
    format: Format,
) -> Said {
    let (endpoint, address) = real(&args.real)?;
    let edit = wire::RealEdit { disabled: Some(disabled), ..Default::default() };
    let changes = client.edit_real(endpoint, address, &edit, on_hand_edit(&args.force)).await?;
    Ok(quiet_changes(&changes, format))
}

pub(super) async fn check_now(client: &Client, args: &CheckNowArgs, format: Format) -> Said {
    let endpoint = endpoint(&args.service)?;
    let only = args.real.as_deref().map(|text| address(endpoint, text)).transpose()?;
    let checked = client.check_now(endpoint, only).await?;
    Ok(match format {
        Format::Table => output::checked::lines(&checked),
        Format::Json => output::json(&checked),
    })
}

fn real(arg: &RealArg) -> Result<(Endpoint, IpAddr), CliError> {
    let endpoint = endpoint(&arg.service)?;
    Ok((endpoint, address(endpoint, &arg.real)?))
}

fn address(endpoint: Endpoint, text: &str) -> Result<IpAddr, CliError> {
    let real = parse_real(text).map_err(CliError::refused)?;
    real_of(endpoint, real).map_err(CliError::refused)
}

fn weight(text: &str) -> Result<u16, CliError> {
    parse_weight(text).map_err(CliError::refused)
}
