//! A daemon that is measured: what it is asked, what the kernel says of it, and its maps.

use std::fs;
use std::time::Duration;

use lb_ctl::api::client::Client;
use lb_ctl::api::wire;
use lb_ctl::command::OnHandEdit;
use tokio::runtime::Runtime;

use super::ControlError;
use super::watch::{Watch, wait};
use super::world::{Size, World};
use crate::lab::Director;

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A daemon of one run.
pub(super) struct Asked {
    pub(super) runtime: Runtime,
    pub(super) client: Client,
    pub(super) watch: Watch,
    pub(super) size: Size,
    director: Director,
}

impl Asked {
    /// Starts a new one, without services.
    pub(super) fn start(world: &World, size: Size) -> Result<Self, ControlError> {
        let director = world.start(size)?;
        let runtime = Runtime::new()
            .map_err(|source| ControlError::Io { what: "start a runtime for requests", source })?;
        let client = Client::new(director.socket()).with_patience(PATIENCE);
        let watch = Watch::open(director.pins(), size)?;
        Ok(Self { runtime, client, watch, size, director })
    }

    /// How it stands.
    pub(super) fn status(&self) -> Result<wire::Status, ControlError> {
        Ok(self.runtime.block_on(self.client.status())?)
    }

    /// Has it go over to a definition.
    pub(super) fn apply(&self, definition: String) -> Result<(), ControlError> {
        self.runtime.block_on(self.client.apply(definition, OnHandEdit::Refuse))?;
        Ok(())
    }

    /// Waits until rings have come to rest after the change before.
    pub(super) fn rest(&self) -> Result<(), ControlError> {
        wait("the rings to come to rest", || Ok(self.status()?.settling.is_empty()))
    }

    /// What the kernel says of its process.
    pub(super) fn process(&mut self, file: &'static str) -> Result<String, ControlError> {
        let path = format!("/proc/{}/{file}", self.director.process().id());
        fs::read_to_string(path)
            .map_err(|source| ControlError::Io { what: "read what the daemon uses", source })
    }

    /// Its memory, in kilobytes.
    pub(super) fn resident(&mut self) -> Result<f64, ControlError> {
        self.memory("VmRSS:")
    }

    /// The most memory it has had, in kilobytes.
    pub(super) fn peak(&mut self) -> Result<f64, ControlError> {
        self.memory("VmHWM:")
    }

    /// The kernel counts as the daemon's what it has mapped of the maps' memory.
    fn memory(&mut self, key: &str) -> Result<f64, ControlError> {
        let all = kilobytes(&self.process("status")?, key)?;
        Ok(all - maps(&self.process("smaps")?))
    }
}

/// The kilobytes of BPF maps in `/proc/PID/smaps`.
fn maps(smaps: &str) -> f64 {
    let mut is_map = false;
    let mut sum = 0.0;
    for line in smaps.lines() {
        // Figures have a colon behind their names, mappings have it within their device's number.
        let mut words = line.split_whitespace();
        let is_figure = words.next().is_some_and(|word| word.ends_with(':'));
        if !is_figure {
            is_map = line.ends_with("anon_inode:bpf-map");
        } else if is_map && let Some(rest) = line.strip_prefix("Rss:") {
            sum += number(rest).unwrap_or(0.0);
        }
    }
    sum
}

/// The kilobytes that stand behind a figure's name.
fn number(rest: &str) -> Option<f64> {
    rest.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// A figure of `/proc/PID/status`.
fn kilobytes(status: &str, key: &str) -> Result<f64, ControlError> {
    let found = status.lines().find_map(|line| line.strip_prefix(key));
    found.and_then(number).ok_or_else(|| ControlError::Io {
        what: "find the daemon's memory in its status",
        source: std::io::Error::other(key.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_found() {
        let status = "VmHWM:\t   26360 kB\nVmRSS:\t   16644 kB\nThreads:\t3\n";
        assert!((kilobytes(status, "VmRSS:").unwrap() - 16_644.0).abs() < 0.5);
        assert!(kilobytes(status, "Threads:").is_err());
    }

    #[test]
    fn the_maps_in_it_are_told_apart() {
        let smaps = "7f0000000000-7f0000800000 rw-s 00000000 00:0e 1057    anon_inode:bpf-map\n\
            Size:               8192 kB\nRss:                8192 kB\n\
            7f0001000000-7f0001021000 rw-p 00000000 00:00 0 \n\
            Size:                132 kB\nRss:                  64 kB\n\
            7f0002000000-7f0002001000 rw-s 00000000 00:0e 1057    anon_inode:bpf-map\n\
            Rss:                   4 kB\nVmFlags: rd wr sh\n";
        assert!((maps(smaps) - 8196.0).abs() < 0.5);
    }
}
