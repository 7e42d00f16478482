//! Two directors with the same definitions, one of which has the clients.

use lb_common::key::Protocol;
use lb_common::value::Ticks;
use proptest::prelude::*;
use xdp_prog::fixtures::frame::Family;

use crate::REALS;
use crate::clients::Clients;
use crate::director::Director;

/// What can happen to both.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Time passes; flows that would be idle for too long send a packet.
    Wait(Ticks),
    /// So many flows begin.
    Begin(Protocol, usize),
    /// A share of the flows, told by a number, send a packet.
    Talk(u64),
    /// A share of the flows end.
    End(u64),
    /// A real is added, or gets another weight; 0 drains it.
    Weigh(usize, u16),
    /// A real is deleted.
    Delete(usize),
    /// A real cannot be reached.
    Fail(usize),
    /// It can again.
    Recover(usize),
    /// Both look which slots may settle.
    Settle,
    /// Both compare their marks with their tables.
    Walk,
    /// The one that has the clients tells the other.
    Tell,
    /// The clients go to the other one.
    FailOver,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    prop_oneof![
        6 => (1u32..200).prop_map(Event::Wait),
        3 => (200u32..1500).prop_map(Event::Wait),
        6 => (protocol, 1usize..12).prop_map(|(protocol, n)| Event::Begin(protocol, n)),
        8 => any::<u64>().prop_map(Event::Talk),
        2 => any::<u64>().prop_map(Event::End),
        5 => (0..REALS, 0u16..4).prop_map(|(real, weight)| Event::Weigh(real, weight)),
        1 => (0..REALS).prop_map(Event::Delete),
        2 => (0..REALS).prop_map(Event::Fail),
        3 => (0..REALS).prop_map(Event::Recover),
        6 => Just(Event::Settle),
        4 => Just(Event::Walk),
        6 => Just(Event::Tell),
        2 => Just(Event::FailOver),
    ]
}

/// Both, and the clients.
pub(crate) struct Pair {
    /// The first one has the clients.
    directors: [Director; 2],
    clients: Clients,
    /// What is told arrives.
    connected: bool,
}

impl Pair {
    pub(crate) fn new(family: Family) -> Self {
        let mut directors = [Director::new(family), Director::new(family)];
        // The second one numbers its reals in another way.
        directors[1].weigh(REALS, 1);
        for director in &mut directors {
            director.record_all();
            for real in 0..3 {
                director.weigh(real, 1);
            }
        }
        directors[1].delete(REALS);
        for director in &mut directors {
            // No flow has come yet.
            director.settle();
            director.walk();
            director.walked();
            director.carry();
        }
        Self { directors, clients: Clients::new(family), connected: true }
    }

    /// Nothing arrives from now on.
    pub(crate) fn part(&mut self) {
        self.connected = false;
    }

    pub(crate) fn happen(&mut self, event: &Event) {
        let Self { directors: [active, _], clients, .. } = self;
        match event {
            Event::Wait(ticks) => {
                let begin = active.now();
                clients.wait(active, *ticks);
                let passed = active.now() - begin;
                self.directors[1].pass(passed);
            }
            Event::Begin(protocol, count) => {
                for _ in 0..*count {
                    clients.begin(active, *protocol);
                }
            }
            Event::Talk(share) => clients.talk(active, *share),
            Event::End(share) => clients.end(active, *share),
            Event::Weigh(real, weight) => self.both(|director| director.weigh(*real, *weight)),
            Event::Delete(real) => {
                self.both(|director| director.delete(*real));
                self.clients.lose(*real);
            }
            Event::Fail(real) => {
                self.both(|director| director.reach(*real, false));
                self.clients.lose(*real);
            }
            Event::Recover(real) => self.both(|director| director.reach(*real, true)),
            Event::Settle => self.both(Director::settle),
            Event::Walk => self.both(|director| {
                director.walk();
                director.walked();
            }),
            Event::Tell => self.tell(),
            Event::FailOver => self.fail_over(),
        }
    }

    fn both(&mut self, mut happen: impl FnMut(&mut Director)) {
        self.directors.iter_mut().for_each(&mut happen);
    }

    fn tell(&mut self) {
        let [active, other] = &mut self.directors;
        let told = active.tell();
        if self.connected {
            other.take(&told);
        }
    }

    /// The clients go on at the other director, a moment after the last that was told.
    pub(crate) fn fail_over(&mut self) {
        self.tell();
        self.directors.reverse();
        self.clients.talk(&mut self.directors[0], u64::MAX);
    }
}
