//! `--wait` of drain and undrain: asks the daemon until a real is where it should be.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::CliError;
use crate::api::client::Client;
use crate::api::wire::{Connection, List, Real, RealState};
use crate::config::model::Endpoint;

const INTERVAL: Duration = Duration::from_millis(500);

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Awaited {
    /// No connection of the real lives.
    Idle,
    /// The real takes traffic.
    Up,
}

impl Awaited {
    /// The verb that shows what is still missing.
    const fn shown_by(self) -> &'static str {
        match self {
            Self::Idle => "lb-ctl list --connections",
            Self::Up => "lb-ctl list",
        }
    }
}

/// Waits until the real is as awaited, for `limit` at most.
pub(super) async fn until(
    client: &Client,
    endpoint: Endpoint,
    address: IpAddr,
    awaited: Awaited,
    limit: Option<Duration>,
) -> Result<(), CliError> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    loop {
        let list = client.list(Some(endpoint)).await?;
        let real = find(&list, endpoint, address)?;
        let missing = match awaited {
            Awaited::Up => not_up(real, endpoint)?,
            Awaited::Idle if real.active_connections > 0 => Some(still(real.active_connections)),
            Awaited::Idle => {
                let all = client.connections(Some(endpoint)).await?.connections;
                let living = all.iter().filter(|one| one.real == address && lives(one)).count();
                (living > 0).then(|| still(living as u64))
            }
        };
        let Some(missing) = missing else {
            return Ok(());
        };
        if deadline.is_some_and(|deadline| Instant::now() + INTERVAL > deadline) {
            return Err(CliError::Failed(format!(
                "real {address} of service {endpoint} {missing} after {} s: wait longer with \
                 --timeout, or see {}",
                limit.unwrap_or_default().as_secs(),
                awaited.shown_by()
            )));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn still(connections: u64) -> String {
    format!("still has {connections} connections")
}

fn find(list: &List, endpoint: Endpoint, address: IpAddr) -> Result<&Real, CliError> {
    let mut reals = list.services.iter().flat_map(|service| &service.reals);
    reals.find(|real| real.address == address).ok_or_else(|| {
        CliError::NotFound(format!(
            "real {address} of service {endpoint} was deleted while it was waited for"
        ))
    })
}

fn not_up(real: &Real, endpoint: Endpoint) -> Result<Option<String>, CliError> {
    if real.weight == 0 {
        return Err(CliError::Failed(format!(
            "real {} of service {endpoint} has weight 0 and will take no traffic: give it one \
             with lb-ctl edit-real -w",
            real.address
        )));
    }
    if real.state == RealState::Up {
        return Ok(None);
    }
    Ok(Some(format!("is still {}", real.state.name())))
}

/// A connection that is closing needs nobody's patience: its ends have said goodbye.
fn lives(connection: &Connection) -> bool {
    !matches!(connection.state.as_str(), "FIN_WAIT" | "CLOSE" | "TIME_WAIT")
}
