//! `list`.

use std::time::Duration;

use tokio::time::Instant;

use super::Said;
use super::args::{Format, ListArgs};
use super::output::{self, Digits};
use super::service::only;
use crate::api::client::Client;

/// How long rates are measured.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn list(client: &Client, args: &ListArgs, format: Format) -> Said {
    let only = only(&args.only)?;
    let digits = if args.exact { Digits::All } else { Digits::Few };
    if args.connections {
        let connections = client.connections(only).await?;
        return Ok(match format {
            Format::Table => output::connections::table(connections, &client.list(only).await?),
            Format::Json => output::json(&connections),
        });
    }
    let list = client.list(only).await?;
    if args.rate {
        let begun = Instant::now();
        tokio::time::sleep(INTERVAL).await;
        let later = client.list(only).await?;
        let rates = output::rate::between(&list, &later, begun.elapsed());
        return Ok(match format {
            Format::Table => output::rate::table(&rates, digits),
            Format::Json => output::json(&rates),
        });
    }
    Ok(match format {
        Format::Json => output::json(&list),
        Format::Table if args.reasons => output::reasons::table(&list),
        Format::Table if args.stats => output::list::stats(&list, digits),
        Format::Table => output::list::table(&list),
    })
}
