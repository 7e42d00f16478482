//! The one task that runs all virtual routers: it brings them what is heard, and has done what they
//! want done. Nothing that may take long is awaited here.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::accept::{self, Packet, Rejected};
use super::books::Books;
use super::driver::{Order, Report};
use super::links::Links;
use super::mover::{Job, Mover};
use super::packet::Advert;
use super::ports::{HeardAt, Place, Ports};
use super::routers::{Act, Output, Routers};
use super::status::{self, VrrpStatus};
use super::teller::Conflict;
use super::track::{Fact, Subject};
use super::trackers::{Finding, Trackers};
use crate::config::vrrp::{Instance, Vrrp};
use crate::netlink::types::{HeldAddress, Link, Mark};
use crate::netlink::{Netlink, NetlinkError, Notice, Notices};
use crate::timer::at;

/// Addresses that somebody else has, on their way here.
const CONFLICTS: usize = 64;

/// All of the kernel's interfaces and addresses, after notices were lost.
type Resync = (Vec<Link>, Vec<HeldAddress>);

/// All virtual routers, and what they need of the machine.
pub(super) struct Runner {
    routers: Routers,
    vrrp: Vrrp,
    ports: Ports,
    heard: mpsc::Receiver<HeardAt>,
    jobs: mpsc::UnboundedSender<Job>,
    conflicts: mpsc::Receiver<Conflict>,
    trackers: Trackers,
    facts: mpsc::UnboundedReceiver<Finding>,
    netlink: Netlink,
    notices: Notices,
    resync: Option<oneshot::Receiver<Result<Resync, NetlinkError>>>,
    links: Arc<Mutex<Links>>,
    /// Addresses of virtual routers that are on the machine since before this began.
    left_behind: BTreeSet<IpAddr>,
    books: Books,
    orders: mpsc::UnboundedReceiver<Order>,
    reports: mpsc::UnboundedSender<Report>,
    leaving: Option<oneshot::Sender<()>>,
}

/// What can happen.
enum Event {
    Heard(HeardAt),
    Due,
    Notice(Option<Notice>),
    Resynced(Option<Resync>),
    Fact(Subject, Fact),
    Conflict(Conflict),
    /// None when nobody can give any more.
    Order(Option<Order>),
}

impl Runner {
    /// Looks at the machine. To be called within the runtime that it is to run in; what it follows
    /// is followed in the other, since to begin a script takes its time.
    pub(super) async fn new(
        other: Handle,
        orders: mpsc::UnboundedReceiver<Order>,
        reports: mpsc::UnboundedSender<Report>,
    ) -> Result<Self, NetlinkError> {
        let notices = Notices::of_links()?;
        let netlink = Netlink::open()?;
        let held = netlink.addresses().await?;
        let left = held.iter().filter(|held| held.has(Mark::Vrrp)).map(|held| held.address);
        let left_behind = left.collect();
        let links = Arc::new(Mutex::new(Links::new(netlink.links().await?, held)));
        let (jobs, queue) = mpsc::unbounded_channel();
        let (told, conflicts) = mpsc::channel(CONFLICTS);
        let mover = Mover::new(queue, netlink.clone(), Arc::clone(&links), told, reports.clone());
        tokio::spawn(mover.run());
        let (ports, heard) = Ports::new();
        let (trackers, facts) = Trackers::start(other, &Vrrp::default(), "");
        Ok(Self {
            routers: Routers::default(),
            vrrp: Vrrp::default(),
            ports,
            heard,
            jobs,
            conflicts,
            trackers,
            facts,
            netlink,
            notices,
            resync: None,
            links,
            left_behind,
            books: Books::default(),
            orders,
            reports,
            leaving: None,
        })
    }

    /// Runs until it is told to leave, and has left.
    pub(super) async fn run(mut self) {
        loop {
            match self.next().await {
                Event::Due => {}
                Event::Heard((place, packet)) => self.hear(Instant::now(), &place, &packet),
                Event::Notice(notice) => self.notice(notice),
                Event::Resynced(found) => self.resync(found),
                Event::Fact(subject, fact) => self.routers.learn(Instant::now(), subject, fact),
                Event::Conflict(conflict) => self.conflict(conflict),
                Event::Order(Some(order)) => self.obey(order),
                // Nobody waits for anything any more.
                Event::Order(None) => return,
            }
            self.hear_all();
            self.routers.handle_timeout(Instant::now());
            self.act();
            if self.leaving.is_some() && self.routers.is_gone() {
                break;
            }
        }
        let (done, flushed) = oneshot::channel();
        self.job(Job::Prepare(Vec::new()));
        self.job(Job::Flush(done));
        // An error is the mover's end, which means the same.
        let _ = flushed.await;
        if let Some(leaving) = self.leaving.take() {
            // Who asked may have gone away.
            let _ = leaving.send(());
        }
    }

    async fn next(&mut self) -> Event {
        let due = self.routers.next_deadline().map(tokio::time::Instant::from_std);
        tokio::select! {
            biased;
            Some(heard) = self.heard.recv() => Event::Heard(heard),
            () = at(due) => Event::Due,
            Some((subject, fact)) = self.facts.recv() => Event::Fact(subject, fact),
            notice = self.notices.next() => Event::Notice(notice),
            found = arrival(&mut self.resync) => {
                self.resync = None;
                Event::Resynced(found.and_then(Result::ok))
            }
            Some(conflict) = self.conflicts.recv() => Event::Conflict(conflict),
            order = self.orders.recv() => Event::Order(order),
        }
    }

    /// Hears all that has come in: after a time in which this thread did not run, a master may have
    /// spoken whose silence would be wondered at otherwise.
    fn hear_all(&mut self) {
        // All at one moment: to lower masters that were not heard in time one answer is enough.
        let now = Instant::now();
        while let Ok((place, packet)) = self.heard.try_recv() {
            self.hear(now, &place, &packet);
        }
        for (place, packet) in self.ports.unread() {
            self.hear(now, &place, &packet);
        }
    }

    fn hear(&mut self, now: Instant, place: &Place, packet: &Packet) {
        let here = self.routers.instances().filter(|it| it.interface == place.0);
        let instance = match accept::addressee(here.map(Arc::as_ref), packet) {
            Ok(instance) => instance.name.clone(),
            Err(rejected) => return self.reject(place, None, packet, &rejected),
        };
        let Some(instance) = self.routers.instance(&instance).cloned() else { return };
        let Some(source) = self.routers.source(&instance) else { return };
        match accept::judge(&instance, source, packet) {
            Ok(accepted) => {
                if let Some(words) = self.books.accepted(now, &instance, &accepted) {
                    tracing::warn!("{}: {words}", instance.name);
                }
                self.routers.hear(now, &instance.name, accepted.heard);
            }
            Err(rejected) => self.reject(place, Some(&instance), packet, &rejected),
        }
    }

    fn reject(
        &mut self,
        (interface, _): &Place,
        instance: Option<&Arc<Instance>>,
        packet: &Packet,
        rejected: &Rejected,
    ) {
        let now = Instant::now();
        // What is for none is counted by the first that could have heard it.
        let first = || {
            let v4 = packet.source.is_ipv4();
            self.routers.instances().find(|it| it.interface == *interface && it.is_ipv4() == v4)
        };
        let counting = instance.or_else(first).map(Arc::as_ref);
        if !self.books.rejected(now, counting, packet, rejected) {
            return;
        }
        self.report(Report::Rejected {
            instance: instance.map(|instance| instance.name.clone()),
            why: format!("from {} on {interface}: {rejected}", packet.source),
        });
    }

    /// Has done what the virtual routers want done.
    fn act(&mut self) {
        while let Some(output) = self.routers.poll_output() {
            match output {
                Output::Router(instance, Act::Advertise { priority }) => {
                    self.advertise(&instance, priority);
                }
                Output::Router(instance, Act::Hold) => self.job(Job::Hold(instance)),
                Output::Router(instance, Act::Announce { repeat }) => {
                    self.job(Job::Announce(instance, repeat));
                }
                Output::Router(instance, Act::Release) => self.job(Job::Release(instance)),
                Output::Router(ref instance, Act::Changed { to, .. }) => {
                    self.books.changed(instance, to);
                    self.job(Job::Report(Report::Changed(output)));
                }
                Output::Group { .. } => self.job(Job::Report(Report::Changed(output))),
            }
        }
    }

    fn advertise(&mut self, instance: &Instance, priority: u8) {
        let Some(source) = self.routers.source(instance) else { return };
        let advert = Advert::of(instance, priority);
        let sent = self.ports.send(instance, source, &advert);
        if let Some(words) = self.books.sent(instance, priority, sent) {
            tracing::warn!("{}: {words}", instance.name);
        }
    }

    fn conflict(&mut self, conflict: Conflict) {
        let Conflict { address, mac, interface } = conflict;
        let found = self.routers.instances().find(|instance| instance.moves(address)).cloned();
        let Some(instance) = found else { return };
        let conflict = status::Conflict { address, mac, interface };
        self.books.conflict(Instant::now(), &instance, conflict.clone());
        self.report(Report::Conflict { instance: instance.name.clone(), conflict });
    }

    fn obey(&mut self, order: Order) {
        let now = Instant::now();
        match order {
            Order::Set { vrrp, user } => self.set(*vrrp, &user),
            Order::Learn(subject, fact) => self.routers.learn(now, subject, fact),
            Order::Tell { ifindex, addresses } => self.job(Job::Tell { ifindex, addresses }),
            Order::HandOver(name, answer) => {
                // Who asked may have gone away; so below.
                let _ = answer.send(self.routers.hand_over(now, name.as_deref()));
            }
            Order::Resume(name, answer) => {
                let _ = answer.send(self.routers.resume(name.as_deref()));
            }
            Order::Status(answer) => {
                let _ = answer.send(self.status());
            }
            Order::Stop(answer) => {
                self.leaving = Some(answer);
                self.routers.stop(now);
            }
        }
    }

    fn set(&mut self, vrrp: Vrrp, user: &str) {
        let now = Instant::now();
        self.trackers.set(&vrrp, user);
        let left = std::mem::take(&mut self.left_behind);
        let is_left = |instance: &Instance| {
            instance.all_addresses().any(|moving| left.contains(&moving.address))
        };
        let kept = vrrp.addresses();
        if !left.is_subset(&kept) {
            self.job(Job::Clean(kept));
        }
        self.vrrp = vrrp;
        self.books.keep(&self.vrrp);
        self.prepare();
        let names: Vec<String> = self.followed_interfaces().into_iter().collect();
        // What is known of the interfaces comes first, or all would be at fault for a moment.
        for name in &names {
            let state = self.links().state(name);
            self.routers.learn_interface(now, name, state);
        }
        self.routers.set(now, &self.vrrp, is_left);
        // Those that leave say so by the ports that there were.
        self.act();
        self.open_ports();
    }

    /// Has virtual routers that are to have a MAC of their own have the interface for it.
    fn prepare(&self) {
        let with_mac = self.vrrp.instances.values().filter(|instance| instance.virtual_mac);
        self.job(Job::Prepare(with_mac.cloned().map(Arc::new).collect()));
    }

    /// The names of all interfaces that virtual routers care of.
    fn followed_interfaces(&self) -> BTreeSet<String> {
        let own = self.vrrp.instances.values().map(|instance| &instance.interface);
        let tracked = self.vrrp.tracks().flat_map(|track| &track.interfaces);
        let tracked = tracked.map(|tracked| &tracked.what);
        own.chain(tracked).cloned().collect()
    }

    fn open_ports(&mut self) {
        let failed = {
            let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            self.ports.set(self.routers.instances().map(Arc::as_ref), &links)
        };
        for ((interface, _), error) in failed {
            tracing::error!("{interface}: no socket for adverts: {error}");
        }
    }

    fn notice(&mut self, notice: Option<Notice>) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let changed: Vec<String> = match notice {
            Some(Notice::Link(link)) => links.set_link(link),
            Some(Notice::LinkRemoved(link)) => links.remove_link(link.index).into_iter().collect(),
            Some(Notice::Address(held)) => links.add_address(held).into_iter().collect(),
            Some(Notice::AddressRemoved(held)) => {
                let changed: Vec<String> = links.remove_address(&held).into_iter().collect();
                drop(links);
                self.put_back(&held);
                return self.follow(&changed);
            }
            Some(Notice::Overrun) | None => {
                drop(links);
                return self.ask_again();
            }
            Some(Notice::Neighbour(_) | Notice::NeighbourRemoved(_) | Notice::Routes) => return,
        };
        drop(links);
        self.follow(&changed);
    }

    /// Takes in that something is new of these interfaces.
    fn follow(&mut self, names: &[String]) {
        // As of each of the thousands of VIPs that come and go with the definitions.
        if names.is_empty() {
            return;
        }
        let followed = self.followed_interfaces();
        for name in names.iter().filter(|name| followed.contains(*name)) {
            let state = self.links().state(name);
            self.routers.learn_interface(Instant::now(), name, state);
        }
        let below = |it: &Instance| it.virtual_mac && names.contains(&it.interface);
        if self.vrrp.instances.values().any(below) {
            self.prepare();
        }
        self.open_ports();
    }

    /// An address is gone. Where it should be here, somebody else took it off.
    fn put_back(&mut self, held: &HeldAddress) {
        let mut holding = self.routers.holding();
        if let Some(instance) = holding.find(|instance| instance.moves(held.address)).cloned() {
            tracing::warn!("{}: somebody took {} off; it is put back", instance.name, held.address);
            self.job(Job::Hold(Arc::clone(&instance)));
            self.job(Job::Announce(instance, 1));
        }
    }

    /// Asks the kernel for all there is, since notices were lost.
    fn ask_again(&mut self) {
        match Notices::of_links() {
            Ok(notices) => self.notices = notices,
            Err(error) => tracing::error!("changes of interfaces are not seen: {error}"),
        }
        let (found, answer) = oneshot::channel();
        let netlink = self.netlink.clone();
        tokio::spawn(async move {
            let all = async { Ok((netlink.links().await?, netlink.addresses().await?)) };
            // Who asked may have asked again.
            let _ = found.send(all.await);
        });
        self.resync = Some(answer);
    }

    fn resync(&mut self, found: Option<Resync>) {
        let Some((links, held)) = found else { return };
        let names: Vec<String> = {
            let mut known = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            *known = Links::new(links, held);
            self.followed_interfaces().into_iter().collect()
        };
        self.follow(&names);
    }

    fn status(&self) -> Vec<VrrpStatus> {
        let status = self.routers.status().into_iter();
        status.map(|status| self.books.with(status)).collect()
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn job(&self, job: Job) {
        // Its end means that the runtime ends.
        let _ = self.jobs.send(job);
    }

    fn report(&self, report: Report) {
        // The daemon may have left.
        let _ = self.reports.send(report);
    }
}

/// Waits for what somebody was asked for, where somebody was.
async fn arrival<T>(answer: &mut Option<oneshot::Receiver<T>>) -> Option<T> {
    match answer {
        Some(answer) => answer.await.ok(),
        None => std::future::pending().await,
    }
}
