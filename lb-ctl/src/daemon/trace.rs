//! Tracing: from the program in the kernel to one client, with the names of what it tells of.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use lb_common::trace::{Filter, NO_SERVICE};
use nix::time::{ClockId, clock_gettime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::core::{Core, failed};
use crate::api::feed::{self, Source};
use crate::api::wire::TracedPacket;
use crate::command::{CommandError, Reply, Wanted};
use crate::config::edit::no_service;
use crate::config::model::Endpoint;
use crate::dataplane::{Dataplane, DataplaneError, Samples};

mod names;

/// What the daemon's task hears of a trace.
pub(super) enum Heard<T> {
    /// The program was loaded, or refused.
    Loaded(Result<T, DataplaneError>, Wanted, Asker),
    /// Packets of the trace with this number.
    Packets(u64, Samples),
    /// Nobody listens to it any more.
    Closed(u64),
}

type Asker = oneshot::Sender<Result<Reply, CommandError>>;

/// The trace that there may be.
pub(super) struct Tracing<T> {
    heard: mpsc::Sender<Heard<T>>,
    state: State,
    /// Traces so far: what is heard of an earlier one comes too late.
    number: u64,
}

enum State {
    Idle,
    Loading,
    Running(Running),
}

struct Running {
    packets: mpsc::Sender<TracedPacket>,
    left: Option<u64>,
    /// Of the packets that the kernel had no room for, those that the client was told of.
    lost: u64,
    /// Packets that the client was not told of, and does not know of yet.
    missed: u64,
    names: names::Names,
    pump: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl<T> Tracing<T> {
    /// Tells `heard` what comes of traces.
    pub(super) fn new(heard: mpsc::Sender<Heard<T>>) -> Self {
        Self { heard, state: State::Idle, number: 0 }
    }
}

impl<D: Dataplane> Core<D> {
    /// Begins a trace. The program is loaded on another thread, which takes a second.
    pub(super) fn trace(&mut self, wanted: Wanted, asker: Asker) {
        // That its client has gone may not have been heard yet.
        if matches!(&self.tracing.state, State::Running(running) if running.packets.is_closed()) {
            self.end_trace();
        }
        match self.filter(wanted) {
            Ok(filter) => {
                self.tracing.state = State::Loading;
                let (load, heard) = (self.dataplane.tracer(), self.tracing.heard.clone());
                tokio::task::spawn_blocking(move || {
                    let loaded = load(&filter);
                    // The daemon may have left.
                    let _ = heard.blocking_send(Heard::Loaded(loaded, wanted, asker));
                });
            }
            Err(error) => {
                // The asker may have gone away.
                let _ = asker.send(Err(error));
            }
        }
    }

    fn filter(&self, wanted: Wanted) -> Result<Filter, CommandError> {
        if !matches!(self.tracing.state, State::Idle) {
            return Err(CommandError::Failed(
                "packets are being traced already, and there is one trace at a time: end the other \
                 `lb-ctl trace` first"
                    .to_owned(),
            ));
        }
        let service = match wanted.only {
            Some(endpoint) => self.service_id(endpoint)?,
            None => NO_SERVICE,
        };
        let filter = Filter { service, every: wanted.every, ..Filter::ANY };
        Ok(match wanted.source {
            Some(network) => filter.from_network(network.network(), network.prefix_len()),
            None => filter,
        })
    }

    fn service_id(&self, endpoint: Endpoint) -> Result<u32, CommandError> {
        if !self.state.desired.services.contains_key(&endpoint) {
            let unknown = no_service(&self.state.desired, endpoint);
            return Err(CommandError::NotFound(unknown.to_string()));
        }
        let found = self.actual.services().get(&endpoint).map(|service| service.id);
        found.ok_or_else(|| failed(format!("service {endpoint} is not in effect yet: try again")))
    }

    /// Takes in what is heard of a trace.
    pub(super) fn handle_traced(&mut self, heard: Heard<D::Tracer>) {
        match heard {
            Heard::Loaded(loaded, wanted, asker) => {
                let begun = loaded.and_then(|tracer| self.dataplane.start_trace(tracer));
                let reply = begun.map(|samples| self.run_trace(samples, wanted)).map_err(failed);
                if reply.is_err() {
                    self.end_trace();
                }
                // Where the asker has gone away, the feed that is dropped here says so.
                let _ = asker.send(reply);
            }
            Heard::Packets(number, samples) if number == self.tracing.number => self.show(&samples),
            Heard::Closed(number) if number == self.tracing.number => self.end_trace(),
            Heard::Packets(..) | Heard::Closed(_) => {}
        }
    }

    fn run_trace(&mut self, samples: BoxStream<'static, Samples>, wanted: Wanted) -> Reply {
        let (Source { packets, closed }, feed) = feed::feed();
        self.tracing.number += 1;
        let pump = pump(samples, closed, self.tracing.number, self.tracing.heard.clone());
        let names = names::Names::new(ahead_of_monotonic());
        let left = wanted.count;
        let running = Running { packets, left, lost: 0, missed: 0, names, pump };
        self.tracing.state = State::Running(running);
        tracing::info!("packets are being traced");
        Reply::Trace(feed)
    }

    /// Puts the program that forwards alone back, and ends the client's feed.
    pub(super) fn end_trace(&mut self) {
        let before = std::mem::replace(&mut self.tracing.state, State::Idle);
        self.dataplane.end_trace();
        if matches!(before, State::Running(_)) {
            tracing::info!("packets are no longer traced");
        }
    }

    /// Tells the client of packets, as far as it takes them.
    fn show(&mut self, samples: &Samples) {
        let State::Running(running) = &mut self.tracing.state else { return };
        running.missed += samples.lost.saturating_sub(running.lost);
        running.lost = running.lost.max(samples.lost);
        running.names.learn(&self.actual, &samples.events);
        for event in &samples.events {
            if running.left == Some(0) {
                break;
            }
            let packet = running.names.packet(&self.actual, event, running.missed);
            if running.packets.try_send(packet).is_err() {
                running.missed += 1;
                continue;
            }
            running.missed = 0;
            running.left = running.left.map(|left| left - 1);
        }
        if running.left == Some(0) {
            self.end_trace();
        }
    }
}

/// Hands on what the program tells until nobody listens. The daemon's task takes it when it has
/// nothing else to do; until then what there is no room for is lost in the kernel, and counted.
fn pump<T: Send + 'static>(
    mut samples: BoxStream<'static, Samples>,
    mut closed: oneshot::Receiver<()>,
    number: u64,
    heard: mpsc::Sender<Heard<T>>,
) -> AbortHandle {
    let pumping = tokio::spawn(async move {
        let told = async {
            while let Some(samples) = samples.next().await {
                if heard.send(Heard::Packets(number, samples)).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            _ = &mut closed => {}
            () = told => {}
        }
        // The daemon may have left.
        let _ = heard.send(Heard::Closed(number)).await;
    });
    pumping.abort_handle()
}

/// By how much the clock of the day is ahead of the one that the program reads.
fn ahead_of_monotonic() -> Duration {
    let now = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    now(ClockId::CLOCK_REALTIME).saturating_sub(now(ClockId::CLOCK_MONOTONIC))
}
