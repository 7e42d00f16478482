//! Telling of what happens: the history, the log, those who follow, and those who are notified.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::broadcast;

use super::core::Core;
use super::view;
use crate::api::follow::{self, Follow};
use crate::api::wire;
use crate::command::{CommandError, EventsOf, Reply, WantedEvents};
use crate::config::edit::no_service;
use crate::config::model::{Desired, Endpoint};
use crate::config::notify::Notify;
use crate::dataplane::Dataplane;
use crate::event::history::{History, Selection};
use crate::event::{Event, EventKind, Happening, ServiceName, Severity};
use crate::neigh::table::{Resolution, Why};
use crate::notify::dropped::Medium;
use crate::notify::{Commands, Notifier};
use crate::state::serving::Serving;

mod routers;

/// Changes that one message names.
const CHANGES_NAMED: usize = 5;

/// What was told, and to whom it is told.
pub(super) struct Telling {
    history: History,
    followers: broadcast::Sender<Arc<Event>>,
    notifier: Notifier,
    /// The reals that were said to be unresolved.
    lost: HashSet<IpAddr>,
    /// To whom services were said to go.
    serving: HashMap<Endpoint, Serving>,
}

impl Telling {
    /// Nothing told yet, and these to be told. To be called within a runtime.
    pub(super) fn new(notify: &Notify) -> Self {
        let mut notifier = Notifier::start();
        notifier.configure(notify);
        Self {
            history: History::default(),
            followers: broadcast::Sender::new(follow::ROOM),
            notifier,
            lost: HashSet::new(),
            serving: HashMap::new(),
        }
    }

    /// How many events of each kind there were.
    pub(super) fn counts(&self) -> Vec<(EventKind, u64)> {
        self.history.counts().collect()
    }

    /// How much was not told of, by whom it would have been told.
    pub(super) fn dropped(&self) -> Vec<(Medium, u64)> {
        self.notifier.dropped()
    }

    /// Tells of what happened, with the commands of the one that it happened to.
    fn tell(&mut self, what: Happening, commands: Commands<'_>) {
        let event = self.history.note(SystemTime::now(), what);
        log(&event);
        // Nobody may follow.
        let _ = self.followers.send(Arc::clone(&event));
        self.notifier.send(&event, commands);
    }

    /// Ends what is told to those who follow.
    pub(super) fn end_following(&mut self) {
        self.followers = broadcast::Sender::new(1);
    }

    /// Tells what waits to be told, for a short time, and lets scripts of virtual routers end.
    pub(super) async fn finish(self) {
        self.notifier.finish().await;
    }
}

impl<D: Dataplane> Core<D> {
    /// Tells of what happened to a service, a real, both or neither.
    pub(super) fn tell(
        &mut self,
        kind: EventKind,
        service: Option<Endpoint>,
        real: Option<IpAddr>,
        message: impl Into<String>,
    ) {
        let defined = service.and_then(|endpoint| self.state.desired.services.get(&endpoint));
        let name = defined.and_then(|service| service.name.clone());
        let commands = defined.map_or(Commands::None, |service| Commands::Service(&service.hooks));
        let service = service.map(|endpoint| ServiceName { endpoint, name });
        let what = Happening { service, real, ..Happening::new(kind, message) };
        self.telling.tell(what, commands);
    }

    /// Goes over to telling those who are to be told by the definitions.
    pub(super) fn follow_notify(&mut self) {
        self.telling.notifier.configure(&self.state.desired.notify);
    }

    /// What happened and, where that is asked for, what happens.
    pub(super) fn events(&self, wanted: WantedEvents) -> Result<Reply, CommandError> {
        let WantedEvents { only, count, follow } = wanted;
        let selection = match only {
            EventsOf::All => Selection::All,
            EventsOf::Service(endpoint) => self.events_of(endpoint)?,
            EventsOf::Instance(name) => routers::events_of(&self.state.desired.vrrp, name)?,
        };
        let count = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let count = if follow { count.or(Some(0)) } else { count };
        let past = self.telling.history.events(&selection, count);
        if follow {
            let coming = self.telling.followers.subscribe();
            return Ok(Reply::Follow(Follow::new(past, coming, selection)));
        }
        let events = past.iter().map(|event| wire::Event::from(&**event)).collect();
        Ok(Reply::Events(wire::Events { events }))
    }

    fn events_of(&self, endpoint: Endpoint) -> Result<Selection, CommandError> {
        let desired = &self.state.desired;
        let service = desired
            .services
            .get(&endpoint)
            .ok_or_else(|| CommandError::NotFound(no_service(desired, endpoint).to_string()))?;
        let reals: BTreeSet<IpAddr> =
            service.reals.keys().copied().chain(service.sorry_server).collect();
        Ok(Selection::Service { endpoint, reals })
    }

    /// Tells of definitions that are in effect from now on.
    pub(super) fn tell_of_definitions(&mut self, changes: &wire::Changes, toggled: Vec<Toggled>) {
        let lines = &changes.changes;
        for line in lines {
            tracing::info!("{line}");
        }
        let message = match lines.len() {
            0 => "they can be used again, and are as they ran".to_owned(),
            count if count > CHANGES_NAMED => {
                let more = count - CHANGES_NAMED;
                format!("{}; and {more} more", lines[..CHANGES_NAMED].join("; "))
            }
            _ => lines.join("; "),
        };
        self.tell(EventKind::ConfigApplied, None, None, message);
        for Toggled { kind, endpoint, real } in toggled {
            self.tell(kind, Some(endpoint), Some(real), "by hand");
        }
    }

    /// Tells of the ways to reals that were lost, found again, or are others now. It is to be
    /// called before the state takes them in.
    pub(super) fn tell_of_ways<'a>(
        &mut self,
        found: impl IntoIterator<Item = (&'a IpAddr, &'a Resolution)>,
    ) {
        for (address, resolution) in found {
            let words = view::resolution(resolution);
            match resolution {
                // The kernel asks, and what becomes of that is still to come.
                Resolution::Unresolved(Why::Resolving { .. }) => {}
                Resolution::Unresolved(why) => {
                    if self.telling.lost.insert(*address) {
                        let why = why.to_string();
                        self.tell(EventKind::RealUnresolved, None, Some(*address), why);
                    }
                }
                Resolution::Resolved(_) | Resolution::Local => {
                    let moved = self.state.has_other_hop(*address, resolution);
                    if self.telling.lost.remove(address) || moved {
                        self.tell(EventKind::RealResolved, None, Some(*address), words);
                    }
                }
            }
        }
    }

    /// Tells which of these services go to their sorry server, to nobody, or to their reals again.
    pub(super) fn tell_of_serving(&mut self, services: &[Endpoint]) {
        for endpoint in services {
            let Some(serving) = self.state.serving(endpoint) else { continue };
            let before = self.telling.serving.insert(*endpoint, serving);
            if let Some((kind, message)) = serving.news(before) {
                self.tell(kind, Some(*endpoint), None, message);
            }
        }
    }

    /// Forgets what was said of services and reals that are defined no longer.
    pub(super) fn forget_told(&mut self) {
        let desired = &self.state.desired;
        let rips = crate::state::rips(desired);
        self.telling.lost.retain(|address| rips.contains(address));
        self.telling.serving.retain(|endpoint, _| desired.services.contains_key(endpoint));
    }
}

/// A real that was taken out by hand, or put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Toggled {
    kind: EventKind,
    endpoint: Endpoint,
    real: IpAddr,
}

/// The reals that are taken out by hand or put back on the way from one definition to another.
pub(super) fn toggled(before: &Desired, after: &Desired) -> Vec<Toggled> {
    let mut toggled = Vec::new();
    for (endpoint, service) in &after.services {
        let Some(earlier) = before.services.get(endpoint) else { continue };
        for (address, real) in &service.reals {
            let kind = match (earlier.reals.get(address).map(|real| real.disabled), real.disabled) {
                (Some(false), true) => EventKind::RealDisabled,
                (Some(true), false) => EventKind::RealEnabled,
                _ => continue,
            };
            toggled.push(Toggled { kind, endpoint: *endpoint, real: *address });
        }
    }
    toggled
}

fn log(event: &Event) {
    let (kind, seq) = (event.what.kind.name(), event.seq);
    match event.what.kind.severity() {
        Severity::Notice => tracing::info!(event = kind, seq, "{}", event.what),
        Severity::Warning | Severity::Alert => tracing::warn!(event = kind, seq, "{}", event.what),
    }
}

#[cfg(test)]
mod tests {
    use lb_common::key::Protocol;

    use super::*;
    use crate::config::model::{Real, Service};

    fn with(disabled: &[(u8, bool)]) -> Desired {
        let address = [192, 0, 2, 10].into();
        let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: 80.into() };
        let mut service = Service::new(endpoint);
        for (last, disabled) in disabled {
            let real = Real { disabled: *disabled, ..Real::new(1) };
            service.reals.insert([192, 0, 2, *last].into(), real);
        }
        let mut desired = Desired::default();
        desired.services.insert(endpoint, service);
        desired
    }

    #[test]
    fn only_reals_that_were_there_are_toggled() {
        let before = with(&[(21, false), (22, true), (23, true), (24, false)]);
        let after = with(&[(21, true), (22, false), (23, true), (25, true)]);
        let found: Vec<_> = toggled(&before, &after)
            .into_iter()
            .map(|Toggled { kind, real, .. }| (kind, real.to_string()))
            .collect();
        let expected = [
            (EventKind::RealDisabled, "192.0.2.21".to_owned()),
            (EventKind::RealEnabled, "192.0.2.22".to_owned()),
        ];
        assert_eq!(found, expected);
        assert_eq!(toggled(&Desired::default(), &after), []);
    }
}
