//! `--wait` of drain and undrain: asks the daemon until a real is where it should be.

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::CliError;
use crate::api::client::Client;
use crate::api::wire::{Connection, List, Real, RealState, Service};
use crate::config::model::{Endpoint, Tracking};

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
    let mut told = false;
    loop {
        let list = client.list(Some(endpoint)).await?;
        let (service, real) = find(&list, endpoint, address)?;
        let missing = match awaited {
            Awaited::Up => not_up(real, endpoint)?,
            Awaited::Idle => busy(client, endpoint, service, real).await?,
        };
        let Some(missing) = missing else {
            return Ok(());
        };
        if deadline.is_some_and(|deadline| Instant::now() + INTERVAL > deadline) {
            return Err(CliError::Failed(format!(
                "after {} s, real {address} of service {endpoint} {missing}: wait longer with \
                 --timeout, or see {}",
                limit.unwrap_or_default().as_secs(),
                awaited.shown_by()
            )));
        }
        if awaited == Awaited::Idle && real.settling && !told {
            told = true;
            // Who waits for minutes wants to know what for. Where this cannot be written there is
            // nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "lb-ctl: waiting: real {address} of service {endpoint} {missing}"
            );
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What a real still has to do, or may have.
async fn busy(
    client: &Client,
    endpoint: Endpoint,
    service: &Service,
    real: &Real,
) -> Result<Option<String>, CliError> {
    if let Some(shown) = shown_busy(service, real) {
        return Ok(Some(shown));
    }
    // What a drain moves moves at once, and entries of another time bind nobody.
    if is(service, Tracking::None) {
        return Ok(None);
    }
    let all = client.connections(Some(endpoint)).await?.connections;
    let living = all.iter().filter(|one| one.real == real.address && lives(one)).count();
    Ok((living > 0).then(|| still(living as u64, service)))
}

fn is(service: &Service, tracking: Tracking) -> bool {
    service.tracking == tracking.name()
}

/// What the list alone shows of connections that a real still has, or may have.
fn shown_busy(service: &Service, real: &Real) -> Option<String> {
    if real.settling {
        let idle = service.idle_timeout;
        Some(format!(
            "may still get packets of connections from before its drain, for a little more than \
             {idle} s after it, or as long as more come than can be tracked (one that is idle for \
             {idle} s is forgotten)"
        ))
    } else if real.active_connections > 0 && !real.estimated {
        Some(still(real.active_connections, service))
    } else {
        None
    }
}

fn still(connections: u64, service: &Service) -> String {
    let idle = service.idle_timeout;
    format!("still has {connections} connections (one that is idle for {idle} s is forgotten)")
}

fn find(list: &List, endpoint: Endpoint, address: IpAddr) -> Result<(&Service, &Real), CliError> {
    let mut reals = list.services.iter().flat_map(|service| {
        let with_service = move |real| (service, real);
        service.reals.iter().map(with_service)
    });
    reals.find(|(_, real)| real.address == address).ok_or_else(|| {
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
    if real.disabled {
        return Err(CliError::Failed(format!(
            "real {} of service {endpoint} is disabled and will take no traffic: put it back with \
             lb-ctl enable-real",
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
