//! Who is told of what happens, beside the log and the history: scripts, mail and webhooks.
//!
//! Each has a queue with an end and a task of its own, and nothing here holds up the one who tells.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use nix::sys::utsname::uname;

use self::dropped::{Dropped, Medium};
use self::outbox::Outbox;
use self::script::{Scripts, words};
use crate::config::notify::{Hooks, Notify};
use crate::config::vrrp::RoleHooks;
use crate::event::{Event, EventKind};

pub mod dropped;
mod mail;
mod outbox;
mod retry;
mod script;
mod tls;
mod turns;
mod webhook;

/// How long what waits may take to be told when the daemon leaves.
const GRACE: Duration = Duration::from_secs(2);
/// How long scripts of virtual routers may take then: the next master counts on what they stop. It
/// is less than systemd waits for (90 s) before it kills all there is.
const ROUTERS_GRACE: Duration = Duration::from_mins(1);

/// The commands of the one that an event happened to.
#[derive(Clone, Copy, Debug)]
pub enum Commands<'a> {
    /// None.
    None,
    /// A service's.
    Service(&'a Hooks),
    /// Those of a virtual router, or of a group of them.
    Router {
        /// The commands.
        hooks: &'a RoleHooks,
        /// Its priority, as they are told; 0 for a group.
        priority: u8,
    },
}

/// Tells those who are to be told.
#[derive(Debug)]
pub struct Notifier {
    notify: Notify,
    /// This machine's name.
    host: Arc<str>,
    scripts: Scripts,
    /// Those of virtual routers, which wait for no service's.
    router_scripts: Scripts,
    mail: Option<Outbox>,
    webhooks: Vec<Outbox>,
    dropped: Arc<Dropped>,
}

impl Notifier {
    /// One that runs scripts, and has nobody else to tell before [`Self::configure`]. To be called
    /// within a runtime.
    pub fn start() -> Self {
        let dropped = Arc::new(Dropped::default());
        Self {
            notify: Notify::default(),
            host: host().into(),
            scripts: Scripts::start(script::OF_SERVICES, Arc::clone(&dropped)),
            router_scripts: Scripts::start(script::OF_ROUTERS, Arc::clone(&dropped)),
            mail: None,
            webhooks: Vec::new(),
            dropped,
        }
    }

    /// Tells these from now on. Those who are told no longer still get what waits for them.
    pub fn configure(&mut self, notify: &Notify) {
        if *notify == self.notify {
            return;
        }
        if notify.mail != self.notify.mail {
            self.mail = notify.mail.clone().map(|mail| {
                let name = format!("mail to {}", mail.to.join(", "));
                let (host, dropped) = (Arc::clone(&self.host), Arc::clone(&self.dropped));
                Outbox::open(name, Medium::Mail, &self.dropped, |events| {
                    mail::Mailer::new(mail, host, dropped).run(events)
                })
            });
        }
        if notify.webhooks != self.notify.webhooks {
            let open = |webhook: &crate::config::notify::Webhook| {
                let poster = webhook::Poster::new(webhook.clone(), &self.host, &self.dropped);
                let name = poster.name().to_owned();
                Outbox::open(name, Medium::Webhook, &self.dropped, |events| poster.run(events))
            };
            self.webhooks = notify.webhooks.iter().map(open).collect();
        }
        self.notify = notify.clone();
    }

    /// Tells of an event, with the commands of the one that it happened to.
    pub fn send(&mut self, event: &Arc<Event>, commands: Commands<'_>) {
        if let Some(told) = words::told(event, commands) {
            let Notify { user, timeout, .. } = &self.notify;
            let scripts = match told.whose {
                words::Whose::Service(_) => &self.scripts,
                words::Whose::Router(_) => &self.router_scripts,
            };
            scripts.run(told, user, *timeout);
        }
        if is_mailed(event.what.kind)
            && let Some(mail) = &mut self.mail
        {
            mail.put(event);
        }
        for webhook in &mut self.webhooks {
            webhook.put(event);
        }
    }

    /// How much was not told of, by whom it would have been told.
    pub fn dropped(&self) -> Vec<(Medium, u64)> {
        self.dropped.counts()
    }

    /// Tells what waits to be told, for two seconds at most, and lets scripts of virtual routers
    /// end, for a minute at most. Returns how much was not told of.
    pub async fn finish(self) -> Vec<(Medium, u64)> {
        let scripts = self.scripts.close();
        let boxes = self.mail.into_iter().chain(self.webhooks).map(Outbox::close);
        let all = future::join(scripts, future::join_all(boxes));
        let all = tokio::time::timeout(GRACE, all);
        let of_routers = tokio::time::timeout(ROUTERS_GRACE, self.router_scripts.close());
        let (all, of_routers) = future::join(all, of_routers).await;
        if all.is_err() {
            tracing::warn!("not everybody was told of the last events");
        }
        if of_routers.is_err() {
            let seconds = ROUTERS_GRACE.as_secs();
            tracing::warn!("scripts of virtual routers did not end within {seconds} s");
        }
        self.dropped.counts()
    }
}

/// Whether people are told by mail: not of what an operator has just done.
const fn is_mailed(kind: EventKind) -> bool {
    !matches!(kind, EventKind::ConfigApplied | EventKind::RealDisabled | EventKind::RealEnabled)
}

fn host() -> String {
    let name = uname().map(|names| names.nodename().to_string_lossy().into_owned());
    name.unwrap_or_else(|_| "localhost".to_owned())
}
