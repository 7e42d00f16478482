//! `status`.

use super::Said;
use super::args::Format;
use super::output;
use crate::api::client::Client;

pub(super) async fn status(client: &Client, format: Format) -> Said {
    let status = client.status().await?;
    Ok(match format {
        Format::Table => output::status::table(&status),
        Format::Json => output::json(&status),
    })
}
