//! Directors and the network between them.

use std::time::{Duration, Instant};

use lb_ctl::config::vrrp::{OWNER, Preempt};
use lb_ctl::vrrp::sm::Role;

use crate::director::{Director, First, Life};
use crate::network::{Network, Packet};
use crate::setup::Setup;
use crate::watch::Watch;

/// More turns than this at one moment would go on for ever.
const TURNS: u32 = 10_000;

/// One that leaves does not wait for others that wait longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// One that leaves waits no longer than this for another, besides the others' skew time.
const LEAVING: Duration = Duration::from_millis(100);

/// What can happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Tenths of the shortest interval.
    Wait(u16),
    Suspend(usize),
    Wake(usize, First),
    /// The process is gone, its addresses stay.
    Kill(usize),
    Begin(usize),
    Stop(usize),
    HandOver(usize),
    Resume(usize),
    /// A script succeeds or fails from now on.
    Script(usize, usize, bool),
    Link(usize, bool),
    Priority(usize, u8),
    /// How many of a hundred packets are lost, and arrive twice.
    Network(u8, u8),
    /// Nothing of a virtual router comes from one to another.
    Cut(usize, usize, usize),
    Heal,
}

#[derive(Debug)]
pub(crate) struct World {
    setup: Setup,
    now: Instant,
    pub(crate) directors: Vec<Director>,
    network: Network,
    watch: Watch,
    turns: u32,
    /// How many were sent.
    pub(crate) adverts: usize,
}

impl World {
    /// All begin at once.
    pub(crate) fn new(setup: &Setup) -> Self {
        let now = Instant::now();
        let director = |number| Director::new(number, setup.definitions(number));
        let mut world = Self {
            setup: setup.clone(),
            now,
            directors: (0..setup.parts.len()).map(director).collect(),
            network: Network::new(setup.seed, setup.delay, setup.jitter),
            watch: Watch::new(now, setup),
            turns: 0,
            adverts: 0,
        };
        for director in 0..setup.parts.len() {
            world.happen(&Event::Begin(director));
        }
        world
    }

    pub(crate) fn happen(&mut self, event: &Event) {
        if let Event::Wait(tenths) = event {
            return self.wait(self.setup.shortest() * u32::from(*tenths) / 10);
        }
        let covered = self.is_made_before_broken(event);
        self.watch.disturb(self.now);
        if covered {
            self.watch.cover();
        }
        self.disturb(event);
        self.act();
    }

    fn disturb(&mut self, event: &Event) {
        let (now, directors) = (self.now, &mut self.directors);
        match *event {
            Event::Wait(_) => {}
            Event::Suspend(at) => directors[at].suspend(),
            Event::Wake(at, first) => directors[at].wake(now, first),
            Event::Kill(at) => directors[at].kill(),
            Event::Begin(at) => directors[at].begin(now),
            Event::Stop(at) => directors[at].stop(now),
            Event::HandOver(at) => directors[at].hand_over(now),
            Event::Resume(at) => directors[at].resume(),
            Event::Script(at, script, works) => {
                directors[at].works[script] = works;
                directors[at].tell_script(now, script);
            }
            Event::Link(at, has_link) => {
                directors[at].has_link = has_link;
                directors[at].tell_link(now);
            }
            Event::Priority(at, priority) => {
                self.setup.parts[at].priority = priority;
                directors[at].set_priority(now, priority);
            }
            Event::Network(loss, twice) => self.network.disturb(loss, twice),
            Event::Cut(from, to, router) => self.network.cut(from, to, router),
            Event::Heal => self.network.heal(),
        }
    }

    /// Whether this is a director that has all and leaves while another one listens, in a network
    /// that has been at rest.
    fn is_made_before_broken(&self, event: &Event) -> bool {
        let (Event::Stop(leaving) | Event::HandOver(leaving)) = *event else { return false };
        let routers = 0..self.setup.routers.len();
        let all = |at: &Director, role| routers.clone().all(|router| at.role(router) == role);
        let others = || self.directors.iter().enumerate().filter(|(at, _)| *at != leaving);
        let leaving = &self.directors[leaving];
        let is_master = leaving.life == Life::Awake && all(leaving, Role::Master);
        let others_are_backups =
            others().all(|(_, at)| at.has_link && at.held.is_empty() && all(at, Role::Backup));
        let somebody_listens = others().any(|(_, at)| at.life == Life::Awake);
        let is_orderly = self.network.is_whole() && !self.network.reorders();
        let is_waited_for = self.setup.longest() <= PATIENCE;
        let rested = self.now - self.watch.calm_since() > self.setup.longest_down();
        is_master && others_are_backups && somebody_listens && is_orderly && is_waited_for && rested
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let deadlines = self.directors.iter().filter_map(Director::next_deadline);
            let next = deadlines.chain(self.network.next_arrival()).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.turns = if next > self.now { 0 } else { self.turns + 1 };
            assert!(self.turns < TURNS, "it never rests");
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = end;
        self.turns = 0;
        self.watch.look(self.now, &self.directors, &self.network);
    }

    /// What is due now.
    fn turn(&mut self) {
        for packet in self.network.arrived(self.now) {
            let Packet { from, to, router, heard } = packet;
            if self.directors[from].has_link && self.directors[to].has_link {
                self.directors[to].receive(self.now, router, heard);
            }
        }
        for director in &mut self.directors {
            director.handle_timeout(self.now);
        }
        self.act();
    }

    fn act(&mut self) {
        for from in 0..self.directors.len() {
            let adverts = self.directors[from].act();
            self.adverts += adverts.len();
            for (router, heard) in adverts {
                let others = (0..self.directors.len()).filter(|to| *to != from);
                for to in others.filter(|_| self.directors[from].has_link) {
                    self.network.send(self.now, &Packet { from, to, router, heard });
                }
            }
        }
        self.watch.look(self.now, &self.directors, &self.network);
    }

    /// Everything is made good, apart from these directors, which cannot take part; and then, after
    /// a while, exactly one is master of all, and stays it.
    pub(crate) fn settle(&mut self, unfit: &[usize]) {
        for event in [Event::Heal, Event::Network(0, 0)] {
            self.happen(&event);
        }
        // Who is about to leave has left by then.
        self.wait(self.setup.longest_down() + LEAVING);
        for at in 0..self.directors.len() {
            let fit = !unfit.contains(&at);
            for event in [
                Event::Wake(at, First::Packets),
                Event::Link(at, true),
                Event::Script(at, 0, fit),
                Event::Script(at, 1, true),
                Event::Begin(at),
            ] {
                self.happen(&event);
            }
        }
        self.wait(self.setup.longest_down() * 4 + self.setup.longest_preempt_delay());
        self.check_end(unfit);
        self.check_quiet();
    }

    fn check_end(&self, unfit: &[usize]) {
        let fit: Vec<usize> = (0..self.directors.len()).filter(|at| !unfit.contains(at)).collect();
        let mut masters = Vec::new();
        for router in 0..self.setup.routers.len() {
            let is_master = |at: &usize| self.directors[*at].role(router) == Role::Master;
            let holds = |at: &usize| self.directors[*at].held.contains(&router);
            let all = || 0..self.directors.len();
            let master: Vec<usize> = all().filter(is_master).collect();
            let holders: Vec<usize> = all().filter(holds).collect();
            assert_eq!(master, holders, "of R{router}: who is master, and who has the addresses");
            assert_eq!(master.len(), fit.len().min(1), "masters of R{router}: {master:?}");
            masters.extend(master);
        }
        assert!(masters.windows(2).all(|two| two[0] == two[1]), "not together: {masters:?}");
        if let Some(master) = masters.first() {
            for at in fit {
                self.check_none_better(*master, at);
            }
        }
    }

    /// The highest is master in the end, where it is to take over (section 6.4.2, (440)).
    fn check_none_better(&self, master: usize, other: usize) {
        let priority = |at: usize| self.directors[at].status(0).expect("all run").priority;
        let preempts =
            self.setup.parts[other].preempt != Preempt::Never || priority(other) == OWNER;
        let (highest, own) = (priority(other), priority(master));
        assert!(
            highest <= own || !preempts,
            "{master} is master with {own}, while {other} has {highest} and is to take over"
        );
    }

    /// Nothing changes any more, and one alone sends.
    fn check_quiet(&mut self) {
        let changes = |world: &Self| -> Vec<usize> {
            world.directors.iter().map(|director| director.changes).collect()
        };
        // The second round of ARP has come by then (5 s after the first).
        self.wait(Duration::from_secs(6));
        let (before, sent) = (changes(self), self.adverts);
        let rest = self.setup.longest() * 20;
        self.wait(rest);
        assert_eq!(changes(self), before, "what changes in a quiet network");
        let expected: usize =
            (0..self.setup.routers.len()).map(|router| self.paced(router, rest)).sum();
        let sent = self.adverts - sent;
        let slack = self.setup.routers.len();
        assert!(sent.abs_diff(expected) <= slack, "{sent} adverts in {rest:?}, not {expected}");
    }

    /// How many adverts the master of a virtual router sends within a time.
    fn paced(&self, router: usize, time: Duration) -> usize {
        let master = self.directors.iter().find(|at| at.role(router) == Role::Master);
        let interval = |at: &Director| at.instance(router).advert_interval;
        master.map_or(0, |at| (time.as_nanos() / interval(at).as_nanos()) as usize)
    }

    /// Who is master of the first virtual router.
    pub(crate) fn masters(&self) -> Vec<usize> {
        let is_master = |at: &usize| self.directors[*at].role(0) == Role::Master;
        (0..self.directors.len()).filter(is_master).collect()
    }
}
