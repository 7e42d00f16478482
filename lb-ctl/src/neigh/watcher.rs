//! The driver's task: takes commands, kernel notices and results, and tells what changed.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::asking::{Asking, Orders, RETRY};
use super::driver::{NetEvent, Watch};
use super::news::News;
use super::table::{Resolution, Table};
use super::worker::{Done, Job, Worker};
use crate::netlink::types::Neighbour;
use crate::netlink::{Netlink, NetlinkError, Notice, Notices};

mod intake;

/// Changes come in bursts; what they ask for is done once, this long after the first of them.
const SETTLE: Duration = Duration::from_millis(50);

/// So many notices are taken in one go before the events are sent.
const BATCH: usize = 4096;

/// State of the task.
pub(super) struct Watcher {
    netlink: Netlink,
    /// None between a subscription that broke or overran and the next.
    notices: Option<Notices>,
    events: mpsc::Sender<NetEvent>,
    worker: Worker,
    table: Table,
    asking: Asking,
    news: News,
    /// When to read all tables again. None while the table agrees with the kernel but for notices
    /// that have not arrived.
    resync_due: Option<Instant>,
    /// When to look up all routes again.
    routes_due: Option<Instant>,
}

impl Watcher {
    pub(super) fn new(netlink: Netlink, notices: Notices, events: mpsc::Sender<NetEvent>) -> Self {
        Self {
            worker: Worker::start(netlink.clone()),
            netlink,
            notices: Some(notices),
            events,
            table: Table::default(),
            asking: Asking::default(),
            news: News::default(),
            resync_due: Some(Instant::now()),
            routes_due: None,
        }
    }

    /// Runs until one of the other ends is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Watch>) {
        let events = self.events.clone();
        let mut retry = interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                notice = next(self.notices.as_mut()) => self.take_notices(notice),
                done = self.worker.next() => self.take_result(done),
                room = events.reserve(), if !self.news.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = self.news.next(&self.table) {
                            room.send(event);
                        }
                    }
                    Err(_) => return,
                },
                () = until(self.resync_due) => {
                    if let Err(error) = self.resync().await {
                        tracing::warn!("{error}");
                    }
                }
                () = until(self.routes_due) => self.query_routes(),
                _ = retry.tick() => self.retry(),
                command = commands.recv() => match command {
                    Some(Watch { rips, attached, reply }) => {
                        // An asker that has gone needs no answer.
                        let _ = reply.send(self.watch(rips, attached).await);
                    }
                    None => return,
                },
            }
        }
    }

    async fn watch(
        &mut self,
        rips: BTreeSet<IpAddr>,
        attached: BTreeSet<u32>,
    ) -> Result<HashMap<IpAddr, Resolution>, NetlinkError> {
        // Older news must not overwrite what the dumps are about to say.
        self.drain_notices();
        if self.resync_due.is_some() {
            self.resync().await?;
        }
        let mut routes = Vec::new();
        for &rip in rips.iter().filter(|rip| !self.table.watches(**rip)) {
            routes.push((rip, self.netlink.route_to(rip).await?));
        }
        let links = self.netlink.links().await?;
        let neighbours = self.netlink.neighbours().await?;

        let mut asking: BTreeSet<IpAddr> = self.table.watched().collect();
        asking.extend(&rips);
        self.table.watch(&rips);
        self.table.set_attached(attached);
        self.take_links(links);
        self.take_routes(routes);
        self.take_neighbours(neighbours);
        if !self.worker.is_idle() {
            // A look-up of routes under way may have begun before ours and end after it.
            self.routes_due.get_or_insert_with(Instant::now);
        }
        self.ask(asking);
        let reply = rips.iter().map(|rip| (*rip, self.table.resolution(*rip))).collect();
        self.news.replied(&reply, self.events.capacity() < self.events.max_capacity());
        Ok(reply)
    }

    fn drain_notices(&mut self) {
        if let Some(notice) = self.notices.as_mut().and_then(Notices::try_next) {
            self.take_notices(Some(notice));
        }
    }

    /// A notice, and those that have queued up behind it. None if the subscription broke.
    fn take_notices(&mut self, first: Option<Notice>) {
        let Some(first) = first else {
            tracing::warn!("the subscription to kernel notices broke; renewing it");
            self.unsubscribe(RETRY);
            return;
        };
        self.take_notice(first);
        for _ in 1..BATCH {
            let Some(next) = self.notices.as_mut().and_then(Notices::try_next) else {
                break;
            };
            self.take_notice(next);
        }
    }

    fn take_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Link(link) => {
                self.tell_link(&link);
                let changed = self.table.set_link(link);
                self.took(changed);
                self.routes_changed();
            }
            Notice::LinkRemoved(link) => {
                self.news.link(&link, false);
                let changed = self.table.remove_link(link.index);
                self.took(changed);
                self.routes_changed();
            }
            Notice::Neighbour(neighbour) => {
                let changed = self.table.set_neighbour(neighbour);
                self.took(changed);
            }
            Notice::NeighbourRemoved(Neighbour { ifindex, address, .. }) => {
                let changed = self.table.remove_neighbour(ifindex, address);
                self.news.changed(&changed);
                if self.asking.forgotten(ifindex, address) {
                    self.ask([address]);
                }
            }
            Notice::Address(held) => {
                self.news.address(held.ifindex, held.address);
                self.take_vip(&held, held.ours);
                self.routes_changed();
            }
            Notice::AddressRemoved(held) => {
                self.news.no_address(held.ifindex, held.address);
                self.take_vip(&held, false);
                self.routes_changed();
            }
            Notice::Routes => self.routes_changed(),
            Notice::Overrun => {
                tracing::warn!("kernel notices were lost; reading its tables again");
                self.unsubscribe(SETTLE);
            }
        }
    }

    /// Ends the subscription, to take a new one with a look at everything. What is still queued in
    /// the old one is older than that look and must not come after it.
    fn unsubscribe(&mut self, pause: Duration) {
        self.notices = None;
        self.resync_due.get_or_insert_with(|| Instant::now() + pause);
    }

    /// Reads all of the kernel's tables; the routes follow.
    async fn resync(&mut self) -> Result<(), NetlinkError> {
        self.resync_due = Some(Instant::now() + RETRY);
        // A new subscription first, so that nothing falls between the dumps and its first notice.
        if self.notices.is_none() {
            self.notices = Some(Notices::open()?);
        }
        let links = self.netlink.links().await?;
        let addresses = self.netlink.addresses().await?;
        let neighbours = self.netlink.neighbours().await?;
        self.take_links(links);
        self.take_addresses(&addresses);
        self.take_neighbours(neighbours);
        // Whether the kernel still keeps them fresh was told in the notices that are lost.
        self.asking.all_forgotten();
        self.routes_due = Some(Instant::now());
        self.resync_due = None;
        Ok(())
    }

    fn routes_changed(&mut self) {
        self.routes_due.get_or_insert_with(|| Instant::now() + SETTLE);
    }

    fn query_routes(&mut self) {
        if !self.worker.is_idle() {
            self.routes_due = Some(Instant::now() + SETTLE);
            return;
        }
        self.routes_due = None;
        let watched: Vec<_> = self.table.watched().collect();
        if !watched.is_empty() {
            self.worker.submit(Job::Routes(watched));
        }
    }

    fn take_result(&mut self, done: Done) {
        if let Done::Routes { found, failed } = done {
            self.take_routes(found);
            if failed {
                self.routes_due.get_or_insert_with(|| Instant::now() + RETRY);
            }
        }
    }

    /// Has the kernel resolve each real where its way leads now, and no longer where it led.
    fn ask(&mut self, rips: impl IntoIterator<Item = IpAddr>) {
        let now = Instant::now().into_std();
        let mut orders = Orders::default();
        for rip in rips {
            self.asking.follow(rip, self.table.asking_on(rip), now, &mut orders);
        }
        self.order(orders);
    }

    /// Asks again for what is not known or was forgotten.
    fn retry(&mut self) {
        if !self.worker.is_idle() {
            return;
        }
        let now = Instant::now().into_std();
        let mut orders = Orders::default();
        for rip in self.table.watched() {
            if let Some(on) = self.table.asking_on(rip) {
                let resolved = matches!(self.table.resolution(rip), Resolution::Resolved(_));
                self.asking.again(rip, on, resolved, now, &mut orders);
            }
        }
        self.order(orders);
    }

    fn order(&mut self, Orders { resolve, release }: Orders) {
        if !release.is_empty() {
            self.worker.submit(Job::Release(release));
        }
        if !resolve.is_empty() {
            self.worker.submit(Job::Resolve(resolve));
        }
    }
}

/// The next notice; none if the subscription broke; never while there is no subscription.
async fn next(notices: Option<&mut Notices>) -> Option<Notice> {
    match notices {
        Some(notices) => notices.next().await,
        None => std::future::pending().await,
    }
}

/// Until then; for ever if there is no then.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
