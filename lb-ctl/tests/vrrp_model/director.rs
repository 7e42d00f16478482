//! One director: its virtual routers, the addresses on its interfaces, and what happens to its
//! process.

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Instant;

use lb_ctl::config::vrrp::{Instance, Vrrp};
use lb_ctl::vrrp::routers::{Act, InterfaceState, Output, Routers, Status};
use lb_ctl::vrrp::sm::{Heard, Role};
use lb_ctl::vrrp::track::{Fact, Subject};

use crate::setup::{SCRIPTS, name};

/// How many packets wait for a process that does not read them; the kernel drops what comes then.
const BUFFER: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Awake,
    /// It does nothing, and does not know.
    Suspended,
    /// It leaves.
    Stopping,
    Dead,
}

/// What one that was suspended does first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum First {
    /// It reads what has come in between: as the driver does.
    Packets,
    /// It looks at its clock.
    Timers,
}

#[derive(Debug)]
pub(crate) struct Director {
    number: usize,
    definitions: Vrrp,
    routers: Routers,
    pub(crate) life: Life,
    /// Virtual routers whose addresses are on its interfaces. They stay there when it is killed.
    pub(crate) held: BTreeSet<usize>,
    pub(crate) has_link: bool,
    /// Whether the scripts that it follows succeed.
    pub(crate) works: [bool; 2],
    waiting: VecDeque<(usize, Heard)>,
    /// How often anything but an advert was wanted.
    pub(crate) changes: usize,
}

impl Director {
    pub(crate) fn new(number: usize, definitions: Vrrp) -> Self {
        Self {
            number,
            definitions,
            routers: Routers::default(),
            life: Life::Dead,
            held: BTreeSet::new(),
            has_link: true,
            works: [true; 2],
            waiting: VecDeque::new(),
            changes: 0,
        }
    }

    /// Whether it does something.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.life, Life::Awake | Life::Stopping)
    }

    pub(crate) fn status(&self, router: usize) -> Option<Status> {
        (self.life != Life::Dead).then(|| self.routers.status().swap_remove(router))
    }

    /// How many virtual routers it has.
    pub(crate) fn routers(&self) -> usize {
        self.definitions.instances.len()
    }

    pub(crate) fn role(&self, router: usize) -> Role {
        self.status(router).map_or(Role::Init, |status| status.role)
    }

    pub(crate) fn instance(&self, router: usize) -> &Instance {
        &self.definitions.instances[&name(router)]
    }

    pub(crate) fn begin(&mut self, now: Instant) {
        if self.life != Life::Dead {
            return;
        }
        self.life = Life::Awake;
        self.routers = Routers::default();
        let held: BTreeSet<String> = self.held.iter().copied().map(name).collect();
        self.routers.set(now, &self.definitions, |instance| held.contains(&instance.name));
        self.tell_link(now);
        for script in 0..SCRIPTS.len() {
            self.tell_script(now, script);
        }
    }

    pub(crate) fn kill(&mut self) {
        self.life = Life::Dead;
        self.waiting.clear();
    }

    pub(crate) fn suspend(&mut self) {
        if self.life == Life::Awake {
            self.life = Life::Suspended;
        }
    }

    pub(crate) fn wake(&mut self, now: Instant, first: First) {
        if self.life != Life::Suspended {
            return;
        }
        self.life = Life::Awake;
        if first == First::Timers {
            self.routers.handle_timeout(now);
        }
        for (router, heard) in std::mem::take(&mut self.waiting) {
            self.routers.hear(now, &name(router), heard);
        }
        // What has happened elsewhere on the machine comes in after that.
        self.tell_link(now);
        for script in 0..SCRIPTS.len() {
            self.tell_script(now, script);
        }
    }

    pub(crate) fn stop(&mut self, now: Instant) {
        if self.life == Life::Awake {
            self.life = Life::Stopping;
            self.routers.stop(now);
        }
    }

    pub(crate) fn hand_over(&mut self, now: Instant) {
        if self.life == Life::Awake {
            assert!(self.routers.hand_over(now, None));
        }
    }

    pub(crate) fn resume(&mut self) {
        if self.life == Life::Awake {
            assert!(self.routers.resume(None));
        }
    }

    pub(crate) fn set_priority(&mut self, now: Instant, priority: u8) {
        for instance in self.definitions.instances.values_mut() {
            instance.priority = priority;
        }
        if self.life == Life::Awake {
            self.routers.set(now, &self.definitions, |_| false);
        }
    }

    pub(crate) fn tell_link(&mut self, now: Instant) {
        let ipv4 = Some(Ipv4Addr::new(192, 0, 2, 1 + self.number as u8));
        let state = InterfaceState { up: self.has_link, ipv4, link_local: None };
        if self.life == Life::Awake {
            self.routers.learn_interface(now, "eth0", Some(state));
        }
    }

    pub(crate) fn tell_script(&mut self, now: Instant, script: usize) {
        let fact = if self.works[script] {
            Fact::Works
        } else {
            Fact::Fails { why: "has failed".to_owned() }
        };
        if self.life == Life::Awake {
            self.routers.learn(now, Subject::Script(SCRIPTS[script].to_owned()), fact);
        }
    }

    /// An advert has arrived.
    pub(crate) fn receive(&mut self, now: Instant, router: usize, heard: Heard) {
        match self.life {
            Life::Dead => {}
            Life::Suspended if self.waiting.len() == BUFFER => {}
            Life::Suspended => self.waiting.push_back((router, heard)),
            Life::Awake | Life::Stopping => self.routers.hear(now, &name(router), heard),
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.routers.next_deadline().filter(|_| self.runs())
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|due| due <= now) {
            self.routers.handle_timeout(now);
        }
    }

    /// Does what is wanted; the adverts are returned.
    pub(crate) fn act(&mut self) -> Vec<(usize, Heard)> {
        let mut adverts = Vec::new();
        while let Some(output) = self.routers.poll_output() {
            let Output::Router(instance, act) = output else { continue };
            let router = usize::from(instance.vrid - 1);
            let source = self.routers.source(&instance);
            let source = source.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            let interval = instance.advert_interval;
            self.changes += usize::from(!matches!(act, Act::Advertise { .. }));
            match act {
                Act::Advertise { priority } => {
                    let advert = (router, Heard { priority, interval, source });
                    assert!(!adverts.contains(&advert), "the same advert twice at one moment");
                    adverts.push(advert);
                }
                Act::Hold => drop(self.held.insert(router)),
                Act::Release => drop(self.held.remove(&router)),
                Act::Announce { .. } => {
                    assert!(self.held.contains(&router), "it has nothing to tell of");
                }
                Act::Changed { .. } => {}
            }
        }
        if self.life == Life::Stopping && self.routers.is_gone() {
            assert!(self.held.is_empty(), "it leaves addresses behind");
            self.kill();
        }
        adverts
    }
}
