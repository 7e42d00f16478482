//! All virtual routers of a director: their machines, what these follow, their groups, and when it
//! is told where the addresses are. Pure: the driver brings what is heard, and does what comes out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;

use super::announce::Announcer;
use super::sm::{self, Heard, Machine, Role, Settings, Why};
use super::track::{Fact, Facts, Standing, Subject, standing, subjects};
use crate::config::vrrp::{Group, Instance, Vrrp};

mod group;
mod types;

pub use types::{Act, InterfaceState, Output, Status};

#[derive(Debug)]
struct Router {
    instance: Arc<Instance>,
    machine: Machine,
    announcer: Announcer,
    since: Instant,
    why: String,
    heard: Option<(IpAddr, u8)>,
    /// Its addresses are on the machine, left by a daemon that was killed.
    inherited: bool,
}

/// All virtual routers of a director.
#[derive(Debug, Default)]
pub struct Routers {
    all: IndexMap<String, Router>,
    groups: IndexMap<String, Together>,
    /// Those that are defined no longer, and wait for another master.
    parting: Vec<Router>,
    facts: Facts,
    interfaces: HashMap<String, InterfaceState>,
    stopping: bool,
    outputs: VecDeque<Output>,
}

/// A group, and the state that was told last.
#[derive(Debug)]
struct Together {
    group: Arc<Group>,
    role: Role,
}

impl Router {
    fn new(instance: Arc<Instance>, settings: Settings, now: Instant) -> Self {
        Self {
            instance,
            machine: Machine::new(settings),
            announcer: Announcer::default(),
            since: now,
            why: "not begun yet".to_owned(),
            heard: None,
            inherited: false,
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.machine.next_deadline().into_iter().chain(self.announcer.next_deadline()).min()
    }
}

/// Whether one definition is of the same virtual router as another: it can go over without leaving.
fn is_same(one: &Instance, other: &Instance) -> bool {
    one.interface == other.interface
        && one.vrid == other.vrid
        && one.is_ipv4() == other.is_ipv4()
        && one.version == other.version
        && one.virtual_mac == other.virtual_mac
}

impl Routers {
    /// Goes over to these definitions. Virtual routers that are the same as before go on as they
    /// are. Of those that are new, `inherited` says whether their addresses are here already.
    pub fn set(&mut self, now: Instant, vrrp: &Vrrp, mut inherited: impl FnMut(&Instance) -> bool) {
        let mut before = std::mem::take(&mut self.all);
        self.set_groups(&vrrp.groups);
        for (name, instance) in &vrrp.instances {
            let known = before.shift_remove(name);
            let router = match known {
                Some(router) if is_same(&router.instance, instance) => {
                    self.changed(now, router, instance)
                }
                known => {
                    if let Some(router) = known {
                        self.abandon(now, router);
                    }
                    let settings = self.settings(instance, instance.priority);
                    let mut router = Router::new(Arc::new(instance.clone()), settings, now);
                    router.inherited = inherited(instance);
                    router
                }
            };
            self.all.insert(name.clone(), router);
        }
        let slowest = before.values().map(|router| router.instance.advert_interval).max();
        for mut router in before.into_values() {
            router.machine.stop(now, slowest.unwrap_or_default());
            // Its next rounds would come when it has nothing to tell of any more.
            router.announcer.end();
            self.parting.push(router);
        }
        self.drain_parting(now);
        self.forget(vrrp);
        self.reconsider(now);
    }

    /// Forgets what is known of things that nobody follows any more.
    fn forget(&mut self, vrrp: &Vrrp) {
        let own = vrrp.instances.values().map(|it| Subject::Interface(it.interface.clone()));
        let followed = vrrp.tracks().flat_map(|track| subjects(track).map(|(subject, _)| subject));
        let followed: HashSet<Subject> = followed.chain(own).collect();
        self.facts.retain(|subject, _| followed.contains(subject));
    }

    /// A virtual router that goes on under another definition.
    fn changed(&mut self, now: Instant, mut router: Router, instance: &Instance) -> Router {
        let moved = !router.instance.all_addresses().eq(instance.all_addresses());
        if *router.instance != *instance {
            router.instance = Arc::new(instance.clone());
        }
        if moved && router.machine.holds() {
            let repeat = router.announcer.begin(now, &router.instance.garp);
            self.put(&router.instance, Act::Hold);
            self.put(&router.instance, Act::Announce { repeat });
        }
        router
    }

    fn abandon(&mut self, now: Instant, mut router: Router) {
        router.machine.abandon();
        self.parting.push(router);
        self.drain_parting(now);
    }

    fn put(&mut self, instance: &Arc<Instance>, act: Act) {
        self.outputs.push_back(Output::Router(Arc::clone(instance), act));
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.all.values().chain(&self.parting).filter_map(Router::next_deadline).min()
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for index in 0..self.all.len() {
            let router = &mut self.all[index];
            router.machine.handle_timeout(now);
            let instance = Arc::clone(&router.instance);
            if let Some(repeat) = router.announcer.handle_timeout(now, &instance.garp) {
                self.put(&instance, Act::Announce { repeat });
            }
            self.drain(now, index);
        }
        for router in &mut self.parting {
            router.machine.handle_timeout(now);
        }
        self.drain_parting(now);
    }

    /// A good advert of another director for one of these.
    pub fn hear(&mut self, now: Instant, name: &str, heard: Heard) {
        if let Some((index, _, router)) = self.all.get_full_mut(name) {
            router.heard = Some((heard.source, heard.priority));
            router.machine.handle_advert(now, heard);
            self.drain(now, index);
        }
        for router in self.parting.iter_mut().filter(|router| router.instance.name == name) {
            router.machine.handle_advert(now, heard);
        }
        self.drain_parting(now);
    }

    /// What is known of something that is followed.
    pub fn learn(&mut self, now: Instant, subject: Subject, fact: Fact) {
        if self.facts.get(&subject) != Some(&fact) {
            self.facts.insert(subject, fact);
            self.reconsider(now);
        }
    }

    /// What is known of an interface; `None` where there is none of this name.
    pub fn learn_interface(&mut self, now: Instant, name: &str, state: Option<InterfaceState>) {
        let fact = match state {
            Some(InterfaceState { up: true, .. }) => Fact::Works,
            Some(_) => Fact::Fails { why: "is down".to_owned() },
            None => Fact::Fails { why: "is not there".to_owned() },
        };
        self.facts.insert(Subject::Interface(name.to_owned()), fact);
        self.interfaces.insert(name.to_owned(), state.unwrap_or_default());
        self.reconsider(now);
    }

    /// Hands one over, with its group, or all where none is named. Whether there is one.
    pub fn hand_over(&mut self, now: Instant, name: Option<&str>) -> bool {
        let chosen = self.chosen(name);
        for &index in &chosen {
            self.all[index].machine.hand_over(now);
            self.drain(now, index);
        }
        !chosen.is_empty()
    }

    /// Takes that back. Whether there is one.
    pub fn resume(&mut self, name: Option<&str>) -> bool {
        let chosen = self.chosen(name);
        for &index in &chosen {
            self.all[index].machine.resume();
        }
        !chosen.is_empty()
    }

    /// The places of one and those of its group, or of all.
    fn chosen(&self, name: Option<&str>) -> Vec<usize> {
        let all = 0..self.all.len();
        let Some(name) = name else { return all.collect() };
        let Some(index) = self.all.get_index_of(name) else { return Vec::new() };
        let members = self.members(index);
        if members.is_empty() { vec![index] } else { members }
    }

    /// All leave. What is still to be waited for has a deadline; see [`Self::is_gone`].
    pub fn stop(&mut self, now: Instant) {
        self.stopping = true;
        for index in 0..self.all.len() {
            let slowest = self.slowest_with(index);
            self.all[index].machine.stop(now, slowest);
            self.drain(now, index);
        }
    }

    /// Whether nobody counts on its addresses any more.
    pub fn is_gone(&self) -> bool {
        self.parting.is_empty() && self.all.values().all(|router| !router.machine.holds())
    }

    /// All that are defined, in their order, and those that leave.
    pub fn instances(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.all.values().chain(&self.parting).map(|router| &router.instance)
    }

    /// The one of this name.
    pub fn instance(&self, name: &str) -> Option<&Arc<Instance>> {
        self.instances().find(|instance| instance.name == name)
    }

    /// Those that have their addresses.
    pub fn holding(&self) -> impl Iterator<Item = &Arc<Instance>> {
        let holding = self.all.values().filter(|router| router.machine.holds());
        holding.map(|router| &router.instance)
    }

    /// How all stand.
    pub fn status(&self) -> Vec<Status> {
        let status = |router: &Router| Status {
            instance: Arc::clone(&router.instance),
            group: self.group_of(&router.instance.name).map(|group| group.name.clone()),
            role: router.machine.role(),
            since: router.since,
            why: router.why.clone(),
            priority: router.machine.priority(),
            source: self.source(&router.instance),
            handed_over: router.machine.is_handed_over(),
            holds: router.machine.holds(),
            heard: router.heard,
        };
        self.all.values().map(status).collect()
    }

    /// Where the adverts of a virtual router come from.
    pub fn source(&self, instance: &Instance) -> Option<IpAddr> {
        let state = self.interfaces.get(&instance.interface)?;
        let first = if instance.is_ipv4() {
            state.ipv4.map(IpAddr::from)
        } else {
            state.link_local.map(IpAddr::from)
        };
        instance.source.or(first)
    }

    fn settings(&self, instance: &Instance, priority: u8) -> Settings {
        let unknown = if instance.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        Settings {
            version: instance.version,
            priority,
            interval: instance.advert_interval,
            preempt: instance.preempt,
            source: self.source(instance).unwrap_or(unknown),
            grouped: self.group_of(&instance.name).is_some(),
        }
    }

    /// What one may do by what is known, its group left aside.
    fn standing(&self, instance: &Instance) -> Standing {
        let own = Subject::Interface(instance.interface.clone());
        match self.facts.get(&own) {
            None => return Standing::Unknown { subject: own },
            Some(Fact::Fails { why }) => return Standing::Fault { why: format!("{own} {why}") },
            Some(Fact::Works) => {}
        }
        if self.source(instance).is_none() {
            let family = if instance.is_ipv4() { "IPv4" } else { "link-local IPv6" };
            return Standing::Fault { why: format!("{own} has no {family} address") };
        }
        let group = self.group_of(&instance.name).map(|group| &group.track);
        standing(instance.priority, [&instance.track].into_iter().chain(group), &self.facts)
    }

    /// Has all take part that can, with the priorities that follow from the facts.
    fn reconsider(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        let own: Vec<Standing> =
            self.all.values().map(|router| self.standing(&router.instance)).collect();
        for index in 0..self.all.len() {
            let standing = self.with_group(index, &own);
            self.follow(now, index, standing);
        }
    }

    fn follow(&mut self, now: Instant, index: usize, standing: Standing) {
        let router = &self.all[index];
        let priority = match &standing {
            Standing::Fit { priority } => *priority,
            _ => router.machine.settings().priority,
        };
        let settings = self.settings(&router.instance, priority);
        let router = &mut self.all[index];
        router.machine.handle_settings(now, settings);
        match standing {
            // One that runs already goes on until more is known.
            Standing::Unknown { subject } if router.machine.role() == Role::Init => {
                router.why = format!("nothing is known of {subject} yet");
            }
            Standing::Unknown { .. } => {}
            Standing::Fault { why } => {
                if std::mem::take(&mut router.inherited) {
                    let instance = Arc::clone(&router.instance);
                    self.put(&instance, Act::Release);
                }
                self.all[index].why = why;
                self.all[index].machine.fail();
            }
            Standing::Fit { .. } => {
                let inherited = std::mem::take(&mut router.inherited);
                router.machine.start(now, inherited);
            }
        }
        self.drain(now, index);
        if !self.all[index].machine.settings().grouped && self.all[index].machine.is_ripe() {
            let why = self.all[index].machine.why_ripe();
            self.all[index].machine.promote(now, why);
            self.drain(now, index);
        }
    }

    /// Passes on what a machine wants done, and has its group follow.
    fn drain(&mut self, now: Instant, index: usize) {
        while let Some(output) = self.all[index].machine.poll_output() {
            let change = self.pass_on(now, index, output);
            match (output, change) {
                (sm::Output::Ripe, _) => self.promote_group(now, index),
                (_, Some((Role::Master, Role::Backup, Why::Higher(_)))) => {
                    self.resign_group(now, index);
                }
                _ => {}
            }
        }
        self.tell_group(index);
    }

    /// Passes one thing on; returns what changed, where something did.
    fn pass_on(
        &mut self,
        now: Instant,
        index: usize,
        output: sm::Output,
    ) -> Option<(Role, Role, Why)> {
        let router = &mut self.all[index];
        let acts = acts(now, router, output);
        let instance = Arc::clone(&router.instance);
        for act in acts {
            self.put(&instance, act);
        }
        match output {
            sm::Output::Changed { from, to, why } => Some((from, to, why)),
            _ => None,
        }
    }

    fn drain_parting(&mut self, now: Instant) {
        let mut parting = std::mem::take(&mut self.parting);
        parting.retain_mut(|router| {
            let mut left = false;
            while let Some(output) = router.machine.poll_output() {
                left |= output == sm::Output::Left;
                let acts = acts(now, router, output);
                for act in acts {
                    self.put(&router.instance, act);
                }
            }
            !left
        });
        self.parting = parting;
    }
}

/// What a machine's output means for the outside.
fn acts(now: Instant, router: &mut Router, output: sm::Output) -> Vec<Act> {
    match output {
        sm::Output::Advertise { priority } => vec![Act::Advertise { priority }],
        sm::Output::Hold => {
            let repeat = router.announcer.begin(now, &router.instance.garp);
            vec![Act::Hold, Act::Announce { repeat }]
        }
        sm::Output::Announce => {
            let repeat = router.announcer.begin(now, &router.instance.garp);
            vec![Act::Announce { repeat }]
        }
        sm::Output::Release => {
            router.announcer.end();
            vec![Act::Release]
        }
        sm::Output::Changed { from, to, why } => {
            router.since = now;
            // What is at fault was noted when it was found.
            if why != Why::Fault {
                router.why = why.to_string();
            }
            let (priority, why) = (router.machine.priority(), router.why.clone());
            vec![Act::Changed { from, to, priority, why }]
        }
        sm::Output::Ripe | sm::Output::Left => Vec::new(),
    }
}

#[cfg(test)]
#[path = "routers_tests.rs"]
mod tests;
