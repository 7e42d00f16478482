//! Moves addresses and tells of them, one thing after the other and beside the adverts: the kernel
//! may be busy with its tables for as long as it likes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lb_common::value::Mac;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::addresses::{AddressError, Holder};
use super::driver::Report;
use super::links::Links;
use super::teller::{Conflict, Gateway, Round, Teller};
use super::virtual_mac::VirtualMacs;
use crate::config::vrrp::{Instance, VirtualAddress};
use crate::netlink::Netlink;
use crate::timer::at;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Job {
    /// Have interfaces for the MACs of these virtual routers, and of no others.
    Prepare(Vec<Arc<Instance>>),
    /// Put exactly these addresses on.
    Hold(Arc<Instance>),
    /// Take them off.
    Release(Arc<Instance>),
    /// Tell of them, each so often.
    Announce(Arc<Instance>, u8),
    /// Tell of addresses that do not move.
    Tell { ifindex: u32, addresses: Vec<IpAddr> },
    /// Take off what a daemon that was killed has left, but for these.
    Clean(BTreeSet<IpAddr>),
    /// Report, now that all before this is done: who is told of a master may count on its addresses.
    Report(Report),
    /// Say that all before this is done.
    Flush(oneshot::Sender<()>),
}

/// How often an address that does not move is told of.
const TOLD: u8 = 3;
/// Who has just taken addresses over is not surprised by the one who had them before: it may take its
/// time to hear of it.
const GRACE: Duration = Duration::from_secs(2);
/// When what the kernel refused is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Does the jobs.
pub(super) struct Mover {
    jobs: mpsc::UnboundedReceiver<Job>,
    netlink: Netlink,
    holder: Holder,
    macs: VirtualMacs,
    /// Virtual routers that are to have a MAC of their own; none before that was told.
    with_mac: Option<BTreeSet<String>>,
    tellers: HashMap<u32, Teller>,
    links: Arc<Mutex<Links>>,
    conflicts: mpsc::Sender<Conflict>,
    reports: mpsc::UnboundedSender<Report>,
    /// Virtual routers whose addresses are not all where they are to be, and when that is tried
    /// again.
    unfinished: BTreeMap<String, (Instant, Arc<Instance>)>,
    /// Virtual routers of whose addresses it is asked whether anybody else has them, and when.
    doubted: BTreeMap<String, (Instant, Arc<Instance>)>,
    /// What the log was told last of each.
    complaints: HashMap<String, String>,
}

impl Mover {
    pub(super) fn new(
        jobs: mpsc::UnboundedReceiver<Job>,
        netlink: Netlink,
        links: Arc<Mutex<Links>>,
        conflicts: mpsc::Sender<Conflict>,
        reports: mpsc::UnboundedSender<Report>,
    ) -> Self {
        Self {
            jobs,
            holder: Holder::new(netlink.clone()),
            macs: VirtualMacs::new(netlink.clone()),
            with_mac: None,
            netlink,
            tellers: HashMap::new(),
            links,
            conflicts,
            reports,
            unfinished: BTreeMap::new(),
            doubted: BTreeMap::new(),
            complaints: HashMap::new(),
        }
    }

    /// Works until there are no more to come.
    pub(super) async fn run(mut self) {
        loop {
            let due = self.unfinished.values().chain(self.doubted.values());
            let due = due.map(|(due, _)| *due).min();
            tokio::select! {
                biased;
                job = self.jobs.recv() => match job {
                    Some(job) => self.work(job).await,
                    None => return,
                },
                () = at(due) => {
                    self.try_again().await;
                    self.ask_who_has().await;
                }
            }
        }
    }

    async fn work(&mut self, job: Job) {
        match job {
            Job::Prepare(instances) => self.prepare(&instances).await,
            Job::Hold(instance) => self.hold(instance).await,
            Job::Release(instance) => self.release(&instance).await,
            Job::Announce(instance, repeat) => self.announce(&instance, repeat).await,
            Job::Tell { ifindex, addresses } => self.tell(ifindex, addresses, TOLD).await,
            Job::Clean(kept) => self.clean(&kept).await,
            Job::Report(report) => {
                // The daemon may have left.
                let _ = self.reports.send(report);
            }
            Job::Flush(done) => {
                // Who asked may have gone away.
                let _ = done.send(());
            }
        }
    }

    async fn prepare(&mut self, instances: &[Arc<Instance>]) {
        let wanted: BTreeSet<String> = instances.iter().map(|it| it.name.clone()).collect();
        let unused: Vec<String> = self.macs.names().cloned().collect();
        for name in unused.iter().filter(|name| !wanted.contains(*name)) {
            // Those that are held go with their release.
            if !self.holder.holds(name) {
                self.remove_mac(name).await;
            }
        }
        for instance in instances {
            self.make_mac(instance).await;
        }
        if self.with_mac.replace(wanted).is_none() {
            match self.macs.remove_strays().await {
                Ok(names) if names.is_empty() => {}
                Ok(names) => tracing::info!("left by an earlier daemon, removed: {names:?}"),
                Err(error) => tracing::error!("interfaces of an earlier daemon: {error}"),
            }
        }
    }

    /// Has a virtual router's own interface be there, where its other one is.
    async fn make_mac(&mut self, instance: &Instance) {
        let Some(lower) = self.links().named(&instance.interface).cloned() else { return };
        match self.macs.make(instance, &lower).await {
            // What follows is not to wait for the kernel's notice of it.
            Ok(link) => drop(self.links().set_link(link)),
            Err(error) => tracing::error!("{}: {error}", instance.name),
        }
    }

    async fn remove_mac(&mut self, name: &str) {
        if let Err(error) = self.macs.remove(name).await {
            tracing::error!("{name}: {error}");
        }
    }

    async fn hold(&mut self, instance: Arc<Instance>) {
        self.unfinished.remove(&instance.name);
        if instance.virtual_mac && self.home(&instance).is_none() {
            self.make_mac(&instance).await;
        }
        let places = self.places(&instance);
        let failures = match self.home(&instance) {
            Some(home) => self.holder.hold(&instance, home, |name| places.get(name).copied()).await,
            // It is at fault then, and that is told.
            None => return,
        };
        if !failures.is_empty() {
            let due = Instant::now() + RETRY;
            self.unfinished.insert(instance.name.clone(), (due, Arc::clone(&instance)));
        }
        self.complain(&instance, &failures);
    }

    async fn try_again(&mut self) {
        for instance in due(&self.unfinished) {
            self.hold(Arc::clone(&instance)).await;
            if !self.unfinished.contains_key(&instance.name) {
                self.announce(&instance, instance.garp.repeat).await;
            }
        }
    }

    /// Asks whether anybody else has addresses that were taken over a while ago.
    async fn ask_who_has(&mut self) {
        for instance in due(&self.doubted) {
            self.doubted.remove(&instance.name);
            self.announce(&instance, 0).await;
        }
    }

    async fn release(&mut self, instance: &Instance) {
        self.unfinished.remove(&instance.name);
        self.doubted.remove(&instance.name);
        for teller in self.tellers.values() {
            teller.release(instance.all_addresses().map(|moving| moving.address));
        }
        let failures = self.holder.release(instance).await;
        self.complain(instance, &failures);
        if self.with_mac.as_ref().is_some_and(|names| !names.contains(&instance.name)) {
            self.remove_mac(&instance.name).await;
        }
    }

    /// Logs failures, where they are others than before.
    fn complain(&mut self, instance: &Instance, failures: &[AddressError]) {
        let Some(first) = failures.first() else {
            self.complaints.remove(&instance.name);
            return;
        };
        let complaint = match failures.len() {
            1 => first.to_string(),
            count => format!("{first}; and {} more", count - 1),
        };
        let before = self.complaints.insert(instance.name.clone(), complaint.clone());
        if before.as_ref() != Some(&complaint) {
            tracing::error!("{}: {complaint}", instance.name);
        }
    }

    /// Tells of all addresses on each interface that they are on, and on those that were asked for.
    async fn announce(&mut self, instance: &Arc<Instance>, repeat: u8) {
        for (ifindex, addresses) in self.told_on(instance) {
            self.tell(ifindex, addresses, repeat).await;
        }
        if repeat > 0 {
            let doubted = (Instant::now() + GRACE, Arc::clone(instance));
            self.doubted.insert(instance.name.clone(), doubted);
        }
    }

    fn told_on(&self, instance: &Instance) -> BTreeMap<u32, Vec<IpAddr>> {
        let Some(home) = self.home(instance) else { return BTreeMap::new() };
        let links = self.links();
        let index = |name: &String| links.named(name).map(|link| link.index);
        let mut told: BTreeMap<u32, Vec<IpAddr>> = BTreeMap::new();
        for VirtualAddress { address, interface, .. } in instance.all_addresses() {
            if let Some(ifindex) = interface.as_ref().map_or(Some(home), index) {
                told.entry(ifindex).or_default().push(*address);
            }
        }
        for ifindex in instance.garp.interfaces.iter().filter_map(index) {
            let addresses = told.entry(ifindex).or_default();
            for VirtualAddress { address, .. } in instance.all_addresses() {
                if !addresses.contains(address) {
                    addresses.push(*address);
                }
            }
        }
        told
    }

    async fn tell(&mut self, ifindex: u32, addresses: Vec<IpAddr>, repeat: u8) {
        let Some((name, mac)) = self.face(ifindex) else { return };
        if !self.tellers.contains_key(&ifindex) {
            match Teller::open(&name, &self.conflicts) {
                Ok(teller) => drop(self.tellers.insert(ifindex, teller)),
                Err(error) => {
                    return tracing::error!("{name}: nobody is told of addresses: {error}");
                }
            }
        }
        let gateway = Gateway::find(&self.netlink, ifindex).await.unwrap_or_else(|error| {
            tracing::debug!("{name}: no gateway is told: {error}");
            None
        });
        let macs = self.links().macs().collect();
        let Some(teller) = self.tellers.get(&ifindex) else { return };
        teller.set_own(macs);
        teller.hold(std::time::Instant::now() + GRACE, addresses.iter().copied());
        let told = teller.tell(Round { addresses, mac, repeat, gateway }).await;
        if let Err(error) = told {
            tracing::warn!("{name}: not everybody was told of addresses: {error}");
        }
    }

    /// Takes off what a daemon that was killed has left, but for these.
    async fn clean(&mut self, kept: &BTreeSet<IpAddr>) {
        let mut left = match self.holder.left_behind().await {
            Ok(left) => left,
            Err(error) => return tracing::error!("addresses of an earlier daemon: {error}"),
        };
        left.retain(|held| !kept.contains(&held.address));
        for held in &left {
            tracing::info!("{}: left by an earlier daemon, taken off", held.address);
        }
        for failure in self.holder.take_off(&left).await {
            tracing::error!("{failure}");
        }
    }

    /// The interface of the addresses that name none.
    fn home(&self, instance: &Instance) -> Option<u32> {
        let name = super::home(instance);
        self.links().named(&name).map(|link| link.index)
    }

    /// The numbers of the interfaces that addresses name.
    fn places(&self, instance: &Instance) -> HashMap<String, u32> {
        let links = self.links();
        let named = instance.all_addresses().filter_map(|moving| moving.interface.as_ref());
        named.filter_map(|name| Some((name.clone(), links.named(name)?.index))).collect()
    }

    /// Name and MAC of an interface that has one.
    fn face(&self, ifindex: u32) -> Option<(String, Mac)> {
        let links = self.links();
        let link = links.numbered(ifindex)?;
        Some((link.name.clone(), link.mac?))
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is due by now of what is to be done at a time.
fn due(planned: &BTreeMap<String, (Instant, Arc<Instance>)>) -> Vec<Arc<Instance>> {
    let now = Instant::now();
    let due = planned.values().filter(|(due, _)| *due <= now);
    due.map(|(_, instance)| Arc::clone(instance)).collect()
}
