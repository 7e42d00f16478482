//! All that can happen to the daemon, and where it comes from.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::error::DaemonError;
use super::settling::Walked;
use super::sync::Selected;
use super::trace;
use crate::api::door::Call;
use crate::dataplane::Dataplane;
use crate::dataplane::aya::AyaDataplane;
use crate::health::driver::Report;
use crate::neigh::driver::NetEvent;
use crate::sync::driver::Heard;
use crate::timer::at;
use crate::vrrp::driver as vrrp;

/// How many results of checks are taken in together.
const TOGETHER: usize = 4096;

/// What is heard of a trace.
pub(super) type Traced = trace::Heard<<AyaDataplane as Dataplane>::Tracer>;

/// All that can happen to the daemon.
pub(super) enum Event {
    Call(Call),
    Net(NetEvent),
    TakeIn,
    Settle,
    SettleRings,
    Health(Vec<Report>),
    Vrrp(vrrp::Report),
    TakeInHealth,
    RaiseShares,
    Walked(Walked),
    TellDirectors,
    Selected(Selected),
    Heard(Heard),
    Traced(Traced),
    Reload,
    Leave(&'static str),
}

/// Where events come from.
pub(super) struct Events {
    pub(super) calls: Option<mpsc::Receiver<Call>>,
    pub(super) net: Option<mpsc::Receiver<NetEvent>>,
    pub(super) health: Option<mpsc::UnboundedReceiver<Report>>,
    pub(super) vrrp: Option<mpsc::UnboundedReceiver<vrrp::Report>>,
    pub(super) settle: Option<tokio::time::Instant>,
    pub(super) settle_rings: Option<tokio::time::Instant>,
    pub(super) walked: Option<mpsc::Receiver<Walked>>,
    pub(super) selected: Option<mpsc::Receiver<Selected>>,
    pub(super) heard: Option<mpsc::Receiver<Heard>>,
    pub(super) traced: Option<mpsc::Receiver<Traced>>,
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Events {
    pub(super) fn listen() -> Result<Self, DaemonError> {
        Ok(Self {
            calls: None,
            net: None,
            health: None,
            vrrp: None,
            settle: None,
            settle_rings: None,
            walked: None,
            selected: None,
            heard: None,
            traced: None,
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Asks for [`Event::Settle`], unless it is asked for already.
    pub(super) fn settle_after(&mut self, wait: Duration) {
        self.settle.get_or_insert(tokio::time::Instant::now() + wait);
    }

    /// Asks for [`Event::SettleRings`], unless it comes sooner already.
    pub(super) fn settle_rings_after(&mut self, wait: Duration) {
        let then = tokio::time::Instant::now() + wait;
        self.settle_rings = Some(self.settle_rings.map_or(then, |sooner| sooner.min(then)));
    }

    /// The next event.
    pub(super) async fn next(&mut self, due: Due) -> Event {
        let settle = self.settle;
        let settle_rings = self.settle_rings;
        tokio::select! {
            // A change of neighbours goes before a queue of commands, and all that has been heard
            // of them is taken in together.
            biased;
            _ = self.terminate.recv() => Event::Leave("SIGTERM"),
            _ = self.interrupt.recv() => Event::Leave("SIGINT"),
            Some(event) = receive(&mut self.net) => Event::Net(event),
            () = at(due.take_in) => Event::TakeIn,
            () = at(due.take_in_health) => Event::TakeInHealth,
            Some(report) = next_of(&mut self.vrrp) => Event::Vrrp(report),
            Some(reports) = receive_all(&mut self.health) => Event::Health(reports),
            () = at(due.raise_shares) => Event::RaiseShares,
            _ = self.hangup.recv() => Event::Reload,
            () = at(settle) => Event::Settle,
            Some(walked) = receive(&mut self.walked) => Event::Walked(walked),
            () = at(settle_rings) => Event::SettleRings,
            Some(found) = receive(&mut self.selected) => Event::Selected(found),
            () = at(due.tell_directors) => Event::TellDirectors,
            Some(heard) = receive(&mut self.heard), if due.can_take => Event::Heard(heard),
            Some(call) = receive(&mut self.calls) => Event::Call(call),
            Some(heard) = receive(&mut self.traced) => Event::Traced(heard),
        }
    }
}

/// When something is due that the core says.
pub(super) struct Due {
    pub(super) take_in: Option<tokio::time::Instant>,
    pub(super) take_in_health: Option<tokio::time::Instant>,
    pub(super) raise_shares: Option<tokio::time::Instant>,
    pub(super) tell_directors: Option<tokio::time::Instant>,
    /// What other directors tell can be taken in now.
    pub(super) can_take: bool,
}

/// The next message of a channel that may not be there.
async fn next_of<T>(channel: &mut Option<mpsc::UnboundedReceiver<T>>) -> Option<T> {
    match channel {
        Some(channel) => channel.recv().await,
        None => std::future::pending().await,
    }
}

/// All messages that wait in a channel that may not be there, and the next if none does.
async fn receive_all<T>(channel: &mut Option<mpsc::UnboundedReceiver<T>>) -> Option<Vec<T>> {
    let Some(channel) = channel else { return std::future::pending().await };
    let mut messages = Vec::new();
    let count = channel.recv_many(&mut messages, TOGETHER).await;
    (count > 0).then_some(messages)
}

/// The next message of a channel that may not be there.
async fn receive<T>(channel: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match channel {
        Some(channel) => channel.recv().await,
        None => std::future::pending().await,
    }
}
