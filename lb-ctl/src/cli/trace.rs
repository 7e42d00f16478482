//! `trace`.

use std::fs::File;
use std::io;
use std::path::Path;

use super::args::{Format, TraceArgs};
use super::output::trace::{TITLES, line};
use super::output::{json_line, show};
use super::pcap::{Record, Writer};
use super::service::only;
use super::{CliError, Said};
use crate::api::client::Client;
use crate::api::wire::TracedPacket;
use crate::command::Wanted;
use crate::config::rules::policy;

pub(super) async fn run(client: &Client, args: &TraceArgs, format: Format) -> Said {
    let source = args.source.as_deref().map(policy::prefix).transpose();
    let wanted = Wanted {
        only: only(&args.only)?,
        source: source.map_err(CliError::refused)?,
        count: args.count,
        every: args.every,
    };
    let mut capture = args.write.as_deref().map(|path| create(path, args.force)).transpose()?;
    let mut packets = client.trace(&wanted).await?;
    if format == Format::Table && !show(TITLES)? {
        return Ok(String::new());
    }
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    loop {
        let packet = tokio::select! {
            packet = packets.next() => packet?,
            // Where the signal cannot be had, it ends the process as ever.
            Ok(()) = &mut interrupt => None,
        };
        let Some(packet) = packet else { return Ok(String::new()) };
        if let (Some(capture), Some(path)) = (&mut capture, &args.write) {
            add(capture, &packet).map_err(|error| unwritten(path, &error))?;
        }
        if !show(&text(&packet, format))? {
            return Ok(String::new());
        }
    }
}

fn text(packet: &TracedPacket, format: Format) -> String {
    match format {
        Format::Table => line(packet),
        Format::Json => json_line(packet),
    }
}

/// Begins a capture file, in the place of another only where that is meant.
fn create(path: &Path, force: bool) -> Result<Writer<File>, CliError> {
    let opened = if force { File::create(path) } else { File::create_new(path) };
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CliError::Refused(format!(
            "{} exists: give another file, or --force to write over it",
            path.display()
        )),
        _ => unwritten(path, &error),
    })?;
    Writer::begin(file).map_err(|error| unwritten(path, &error))
}

fn add(capture: &mut Writer<File>, packet: &TracedPacket) -> io::Result<()> {
    let wrong = || io::Error::other("the daemon sent a frame that is none");
    let bytes = packet.frame_bytes().ok_or_else(wrong)?;
    capture.add(Record { time_ns: packet.time_ns, length: packet.length, bytes: &bytes })
}

fn unwritten(path: &Path, error: &io::Error) -> CliError {
    CliError::Failed(format!("cannot write {}: {error}", path.display()))
}
