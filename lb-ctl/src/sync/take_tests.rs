use std::cell::RefCell;
use std::net::IpAddr;

use lb_common::details::{Details, Picking};
use lb_common::key::Protocol;
use lb_common::timeout::Timeouts;
use lb_common::value::{Real, Service, connection_state as state, real_flags, ticks_from_secs};

use super::*;
use crate::config::model::Endpoint;
use crate::reconcile::actual::Inherited;
use crate::reconcile::settle::{self, Marks};
use crate::sched::maglev::Member;
use crate::sched::ring::Ring;

const SLOTS: u32 = 251;
const SEED: u64 = 7;
const NOW: Ticks = 1_000_000;
const IDLE_SECS: u32 = 600;

/// A table in plain memory, where a packet may be quicker than what is written.
#[derive(Default)]
struct Table {
    entries: HashMap<Flow, Connection>,
    /// Made by a packet between the look-up and what follows it.
    sudden: RefCell<Option<Connection>>,
}

impl EditConnections for Table {
    fn entry(&self, flow: &Flow) -> Result<Option<Connection>, DataplaneError> {
        Ok(self.entries.get(flow).copied())
    }

    fn put(
        &mut self,
        flow: &Flow,
        entry: Connection,
        place: Place,
    ) -> Result<bool, DataplaneError> {
        if let Some(sudden) = self.sudden.take() {
            self.entries.insert(*flow, sudden);
        }
        let fits = self.entries.contains_key(flow) == (place == Place::Taken);
        if fits {
            self.entries.insert(*flow, entry);
        }
        Ok(fits)
    }
}

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: address(10), port: port.into() }
}

const CHANGES: u16 = 80;
const TURNS: u16 = 81;
const NONE: u16 = 82;

/// Real 1 is 192.0.2.21, real 2 is .22, of the service that tracks changes, whose ring knows real 1
/// alone; real 3 is .23 and cannot be reached; real 4 is .24 of the service that takes turns and
/// keeps its clients.
fn actual() -> Actual {
    let timeouts = Timeouts::with_idle(ticks_from_secs(IDLE_SECS));
    let details = Details { timeouts, ..Details::default() };
    let persistence = ticks_from_secs(300);
    let turns =
        Details { picking: Picking::Turns as u32, port: 81.into_be(), persistence, ..details };
    let real = |id: u8, flags, service| {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[192, 0, 2, 20 + id]);
        let flags = real_flags::IN_USE | flags;
        let generation = 70 + u32::from(id);
        (RealId::from(id), Real { generation, flags, service, address, ..Real::default() })
    };
    let up = real_flags::FORWARD;
    let members = vec![Member { id: 1, address: address(21), weight: 1 }];
    Actual::inherited(Inherited {
        services: HashMap::from([
            (endpoint(CHANGES), Service::new(0, Tracking::Changes, 0)),
            (endpoint(TURNS), Service::new(1, Tracking::Full, 0)),
            (endpoint(NONE), Service::new(2, Tracking::None, 0)),
        ]),
        rings: BTreeMap::from([(0, Ring::settled(members))]),
        details: BTreeMap::from([(0, details), (1, turns), (2, details)]),
        reals: vec![real(1, up, 0), real(2, up, 0), real(3, 0, 0), real(4, up, 1)],
        ..Inherited::default()
    })
}

/// As it stands in a packet.
trait IntoBe {
    fn into_be(self) -> lb_common::be::Be16;
}

impl IntoBe for u16 {
    fn into_be(self) -> lb_common::be::Be16 {
        lb_common::be::Be16::new(self)
    }
}

fn entry(port: u16, real: u8) -> Entry {
    let (client, vip) = ((address(99), 4000), (address(10), port));
    let (protocol, state) = (Protocol::Tcp, state::ESTABLISHED);
    Entry { protocol, client, vip, real: address(real), state, left: 1000 * IDLE_SECS }
}

struct Bed {
    actual: Actual,
    keeping: Keeping,
    table: Table,
}

impl Bed {
    fn new() -> Self {
        let actual = actual();
        Self { keeping: Keeping::of(&actual), actual, table: Table::default() }
    }

    fn take(&mut self, entries: &[Entry]) -> Taken {
        self.take_at(entries, NOW, usize::MAX)
    }

    fn take_at(&mut self, entries: &[Entry], now: Ticks, room: usize) -> Taken {
        let Self { actual, keeping, table } = self;
        let world = World { keeping, actual, seed: SEED, ring_slots: SLOTS };
        take(world, table, entries, now, room).expect("memory does not fail")
    }

    fn found(&self, entry: &Entry) -> Option<Connection> {
        self.table.entries.get(&entry.flow().unwrap()).copied()
    }
}

fn refused(taken: &Taken) -> Vec<Refusal> {
    assert_eq!(taken.written, []);
    Refusal::ALL.into_iter().zip(taken.refused).filter(|(_, n)| *n > 0).map(|(r, _)| r).collect()
}

#[test]
fn an_entry_gets_the_number_that_its_real_has_here() {
    let mut bed = Bed::new();
    let told = Entry { left: 100_000, ..entry(CHANGES, 22) };
    let taken = bed.take(&[told]);
    let seen = NOW - (ticks_from_secs(IDLE_SECS) - ticks(100_000));
    let expected = Connection { real: 2, generation: 72, seen, state: state::ESTABLISHED };
    assert_eq!(bed.found(&told), Some(expected));
    assert_eq!(taken.written, [(told.name(), seen)]);
    let kept = bed.keeping.find(Protocol::Tcp, address(10), CHANGES).unwrap();
    assert_eq!(kept.left(&expected, NOW), Some(ticks(100_000)));
}

#[test]
fn nothing_lives_longer_here_than_it_may() {
    let mut bed = Bed::new();
    let told = Entry { left: u32::MAX, ..entry(CHANGES, 22) };
    bed.take(&[told]);
    assert_eq!(bed.found(&told).unwrap().seen, NOW);
    // Nor does a template, where the service keeps its clients.
    let template = Entry { state: state::TEMPLATE, client: (address(0), 0), ..entry(TURNS, 24) };
    bed.take(&[Entry { left: u32::MAX, ..template }]);
    assert_eq!(bed.found(&template).unwrap().seen, NOW);
}

#[test]
fn slots_that_would_send_it_elsewhere_are_to_ask_the_table() {
    let mut bed = Bed::new();
    let (elsewhere, here) =
        (entry(CHANGES, 22), Entry { client: (address(98), 1), ..entry(CHANGES, 21) });
    let taken = bed.take(&[elsewhere, here, entry(TURNS, 24)]);
    assert_eq!(taken.written.len(), 3, "a later change may move what the ring sends there now");
    let kept = bed.keeping.find(Protocol::Tcp, address(10), CHANGES).unwrap();
    let index = slot(kept.hash_of_flow(SEED, &elsewhere.flow().unwrap()), SLOTS);
    assert_eq!(taken.slots, BTreeMap::from([(0, BTreeSet::from([index]))]));

    let ops = settle::mark(&bed.actual, &taken.slots, SLOTS);
    assert_eq!(ops.len(), 1);
    bed.actual.record(&ops[0]);
    let ring = bed.actual.ring(0).unwrap();
    assert_eq!((ring.census().marked, ring.census().unsettled), (1, 0));
    assert_eq!(ring.slots(SLOTS)[index as usize].current(), 1);
    assert_eq!(bed.take(&[elsewhere]).slots, BTreeMap::new(), "it is marked already");
    assert_eq!(settle::mark(&bed.actual, &taken.slots, SLOTS), []);
    // The mark goes when the entry is gone.
    let releases = Marks::of(&bed.actual, SLOTS).unwrap().compare(&[]);
    for op in settle::release(&bed.actual, releases) {
        bed.actual.record(&op);
    }
    assert!(bed.actual.ring(0).unwrap().is_settled());
}

#[test]
fn who_has_seen_the_last_packet_is_right() {
    let mut bed = Bed::new();
    let told = Entry { left: 100_000, ..entry(CHANGES, 22) };
    let seen = NOW - (ticks_from_secs(IDLE_SECS) - ticks(100_000));
    let ours = |seen| Connection { real: 1, generation: 71, seen, state: state::ESTABLISHED };
    let flow = told.flow().unwrap();
    bed.table.entries.insert(flow, ours(seen));
    assert_eq!(refused(&bed.take(&[told])), [Refusal::Older]);
    assert_eq!(bed.found(&told), Some(ours(seen)), "as late as what is told: ours stays");
    bed.table.entries.insert(flow, ours(seen - 1));
    let taken = bed.take(&[told]);
    assert_eq!(taken.written.len(), 1);
    assert_eq!(bed.found(&told).map(|found| found.real), Some(2));
    assert_eq!(refused(&bed.take(&[told])), [], "it is known");
}

#[test]
fn an_entry_of_our_own_that_binds_nothing_gives_way() {
    let told = Entry { left: 1, ..entry(CHANGES, 22) };
    let seen = NOW;
    let expired = NOW - ticks_from_secs(IDLE_SECS) - 1;
    let state = state::ESTABLISHED;
    for dead in [
        Connection { real: 1, generation: 70, seen, state },
        Connection { real: 3, generation: 73, seen, state },
        Connection { real: 1, generation: 71, seen: expired, state },
    ] {
        let mut bed = Bed::new();
        bed.table.entries.insert(told.flow().unwrap(), dead);
        assert_eq!(bed.take(&[told]).written.len(), 1, "{dead:?}");
    }
}

#[test]
fn what_a_packet_makes_meanwhile_stays() {
    let mut bed = Bed::new();
    let sudden = Connection { real: 1, generation: 71, seen: NOW, state: state::ESTABLISHED };
    *bed.table.sudden.borrow_mut() = Some(sudden);
    assert_eq!(refused(&bed.take(&[entry(CHANGES, 22)])), [Refusal::Older]);
    assert_eq!(bed.found(&entry(CHANGES, 22)), Some(sudden));
}

#[test]
fn what_nobody_here_knows_is_refused() {
    let refusal = |entry: Entry| refused(&Bed::new().take(&[entry]));
    assert_eq!(refusal(entry(8080, 21)), [Refusal::NoService]);
    let other = Entry { protocol: Protocol::Udp, state: state::UDP, ..entry(CHANGES, 21) };
    assert_eq!(refusal(other), [Refusal::NoService]);
    assert_eq!(refusal(entry(CHANGES, 24)), [Refusal::NoReal], "it is another service's");
    assert_eq!(refusal(entry(CHANGES, 23)), [Refusal::RealDown]);
    assert_eq!(refusal(entry(NONE, 21)), [Refusal::NotKept]);
    let template = Entry { state: state::TEMPLATE, ..entry(CHANGES, 21) };
    assert_eq!(refusal(template), [Refusal::NotKept]);
    let mixed = Entry { client: ("2001:db8::1".parse().unwrap(), 1), ..entry(CHANGES, 21) };
    assert_eq!(refusal(mixed), [Refusal::NoService]);
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    let mut bed = Bed::new();
    let entries: Vec<_> =
        (1..=5).map(|port| Entry { client: (address(99), port), ..entry(TURNS, 24) }).collect();
    let taken = bed.take_at(&entries, NOW, 3);
    assert_eq!((taken.written.len(), bed.table.entries.len()), (3, 3));
    assert_eq!(taken.refused, [0, 0, 0, 0, 0, 2]);
}
