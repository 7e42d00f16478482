//! `lb-ctl trace`, running.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench::lab::{Process, wait_until};
use lb_ctl::api::wire::TracedPacket;
use nix::sys::signal::Signal;

use crate::common::traffic::{SOON, Site};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A trace that has begun, and what it has shown.
pub(crate) struct Tracer {
    process: Process,
    shown: PathBuf,
}

impl Tracer {
    /// Starts a trace, and waits until packets are traced.
    pub(crate) fn start(site: &Site, arguments: &[&str]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let shown = site.lab.files().join(format!("trace{number}.jsonl"));
        let mut command = site.director.command();
        command.args(["trace", "-o", "json"]).args(arguments).stdin(Stdio::null());
        command.stdout(File::create(&shown).unwrap());
        command.stderr(File::create(shown.with_extension("err")).unwrap());
        let process = Process::spawn(&mut command).unwrap();
        let mut tracer = Self { process, shown };
        let begun = wait_until("packets to be traced", SOON, || {
            if let Some(status) = tracer.process.ended()? {
                // Under load a few packets are soon there.
                assert!(status.success(), "it ended: {status}: {}", tracer.complaint());
                return Ok(true);
            }
            Ok(site.status().tracing)
        });
        begun.unwrap();
        tracer
    }

    /// What it has shown so far.
    pub(crate) fn packets(&self) -> Vec<TracedPacket> {
        let text = fs::read_to_string(&self.shown).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it has said on standard error.
    pub(crate) fn complaint(&self) -> String {
        fs::read_to_string(self.shown.with_extension("err")).unwrap()
    }

    /// Waits until it has shown so many packets.
    pub(crate) fn wait_for(&self, count: usize) {
        let waited = wait_until("packets to be shown", SOON, || Ok(self.packets().len() >= count));
        waited.unwrap_or_else(|error| panic!("{error}: {:#?}", self.packets()));
    }

    /// Waits until it has ended, and returns the exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let mut status = None;
        let waited = wait_until("the trace to end", SOON, || {
            status = self.process.ended()?;
            Ok(status.is_some())
        });
        waited.unwrap_or_else(|error| panic!("{error}: {:#?}", self.packets()));
        status.unwrap().code()
    }

    /// Waits until it ends by itself, well, and the other program is back.
    pub(crate) fn finish(mut self, site: &Site) -> Vec<TracedPacket> {
        let code = self.ended();
        assert_eq!((code, self.complaint().as_str()), (Some(0), ""));
        wait_until("the trace to be over", SOON, || Ok(!site.status().tracing)).unwrap();
        self.packets()
    }

    /// The same after a Ctrl-C.
    pub(crate) fn interrupt(self, site: &Site) -> Vec<TracedPacket> {
        self.process.signal(Signal::SIGINT).unwrap();
        self.finish(site)
    }
}
