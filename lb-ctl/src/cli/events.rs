//! `events`.

use super::Said;
use super::args::{EventsArgs, Format};
use super::output::events::line;
use super::output::{json, json_line, show};
use super::service::only;
use crate::api::client::Client;
use crate::api::wire::Event;
use crate::command::EventsOf;

pub(super) async fn run(client: &Client, args: &EventsArgs, format: Format) -> Said {
    let only = match (only(&args.only)?, &args.instance) {
        (Some(endpoint), _) => EventsOf::Service(endpoint),
        (None, Some(name)) => EventsOf::Instance(name.clone()),
        (None, None) => EventsOf::All,
    };
    if args.follow {
        let mut events = client.follow_events(only, args.count).await?;
        let interrupt = tokio::signal::ctrl_c();
        tokio::pin!(interrupt);
        loop {
            let event = tokio::select! {
                event = events.next() => event?,
                // Where the signal cannot be had, it ends the process as ever.
                Ok(()) = &mut interrupt => None,
            };
            let Some(event) = event else { return Ok(String::new()) };
            if !show(&text(&event, format))? {
                return Ok(String::new());
            }
        }
    }
    let found = client.events(only, args.count).await?;
    Ok(match format {
        Format::Table => found.events.iter().map(line).collect(),
        Format::Json => json(&found),
    })
}

fn text(event: &Event, format: Format) -> String {
    match format {
        Format::Table => line(event),
        Format::Json => json_line(event),
    }
}
