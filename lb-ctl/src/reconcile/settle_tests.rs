use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use lb_common::details::Details;
use lb_common::key::Protocol;
use lb_common::timeout::Timeouts;
use lb_common::value::{Real, real_flags};

use super::*;
use crate::reconcile::actual::Inherited;
use crate::sched::maglev::Member;

const SLOTS: u32 = 251;
const IDLE: Ticks = 160;
const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

fn endpoint() -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: VIP.into(), port: 80.into() }
}

fn members(ids: &[RealId]) -> Vec<Member> {
    let address = |id: RealId| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + id));
    ids.iter().map(|id| Member { id: *id, address: address(*id), weight: 1 }).collect()
}

/// Service 0 goes from one real to two at time 1000.
fn moving(tracking: Tracking) -> Actual {
    let ring = Ring::settled(members(&[1])).advance(members(&[1, 2]), |_| true, 1000, SLOTS);
    let real = |id| {
        let flags = real_flags::IN_USE | real_flags::FORWARD;
        (id, Real { generation: 7, flags, address: [id as u8; 16], ..Real::default() })
    };
    let details = Details { timeouts: Timeouts::with_idle(IDLE), ..Details::default() };
    Actual::inherited(Inherited {
        services: HashMap::from([(endpoint(), Service::new(0, tracking, 0))]),
        rings: BTreeMap::from([(0, ring)]),
        details: BTreeMap::from([(0, details)]),
        reals: vec![real(1), real(2)],
        ..Inherited::default()
    })
}

fn step(settling: &mut Settling, actual: &Actual, observed: Observed, now: Ticks) -> Vec<MapOp> {
    settling.step::<Infallible>(actual, |_| Ok(observed), now).unwrap()
}

fn run(actual: &mut Actual, ops: &[MapOp]) -> usize {
    for op in ops {
        actual.record(op);
    }
    ops.len()
}

fn census(actual: &Actual) -> (usize, usize) {
    let census = actual.ring(0).expect("a ring").census();
    (census.unsettled, census.marked)
}

/// An entry of a flow that falls into this slot.
fn entry(index: u32, real: RealId, generation: u32) -> Tracked {
    let hash = ((u64::from(index) << 32) / u64::from(SLOTS) + 1) as u32;
    assert_eq!(slot(hash, SLOTS), index);
    Tracked {
        protocol: Protocol::Tcp,
        client: (Ipv4Addr::LOCALHOST.into(), 4000),
        vip: (VIP.into(), 80),
        endpoint: endpoint(),
        hash,
        real,
        generation,
        state: 1,
        seen: 0,
        left: 9,
    }
}

const BUSY: Observed = Observed { forwarded: 9, deferred: 0 };

#[test]
fn slots_settle_when_their_time_has_come() {
    let mut actual = moving(Tracking::Changes);
    let mut settling = Settling::default();
    let (unsettled, _) = census(&actual);
    let due = 1000 + patience(IDLE);
    assert_eq!(step(&mut settling, &actual, BUSY, due - 1), []);
    let ops = step(&mut settling, &actual, BUSY, due);
    assert_eq!(run(&mut actual, &ops), 1);
    assert_eq!(census(&actual), (0, unsettled));
}

#[test]
fn a_service_that_forwarded_nothing_need_not_wait() {
    let mut actual = moving(Tracking::Changes);
    let mut settling = Settling::default();
    let ops = step(&mut settling, &actual, Observed::default(), 1000);
    assert_eq!(run(&mut actual, &ops), 1);
    assert_eq!(census(&actual).0, 0);
}

#[test]
fn a_counter_that_was_set_to_zero_tells_nothing() {
    let actual = moving(Tracking::Changes);
    let mut settling = Settling::default();
    settling.assume_carried([0]);
    assert_eq!(step(&mut settling, &actual, Observed::default(), 1000), []);
}

#[test]
fn flows_that_could_not_be_recorded_put_it_off() {
    let actual = moving(Tracking::Changes);
    let mut settling = Settling::default();
    let deferred = |deferred| Observed { forwarded: 9, deferred };
    let due = 1000 + patience(IDLE);
    assert_eq!(step(&mut settling, &actual, deferred(5), 1000), []);
    assert_eq!(step(&mut settling, &actual, deferred(6), due - 10), []);
    assert_eq!(step(&mut settling, &actual, deferred(6), due), []);
    assert_eq!(step(&mut settling, &actual, deferred(6), due - 11 + patience(IDLE)), []);
    assert_eq!(step(&mut settling, &actual, deferred(6), due - 10 + patience(IDLE)).len(), 1);
}

fn settled_and_marked(tracking: Tracking) -> Actual {
    let mut actual = moving(tracking);
    let ops = step(&mut Settling::default(), &actual, BUSY, 1000 + patience(IDLE));
    run(&mut actual, &ops);
    actual
}

fn moved_slot(actual: &Actual) -> u32 {
    let slots = actual.ring(0).expect("a ring").slots(SLOTS);
    slots.iter().position(|slot| slot.current() == 2).expect("real 2 has slots") as u32
}

#[test]
fn marks_go_with_the_last_flow_that_is_elsewhere() {
    let mut actual = settled_and_marked(Tracking::Changes);
    let index = moved_slot(&actual);
    let marks = Marks::of(&actual, SLOTS).expect("there are marks");
    let held = marks.compare(&[entry(index, 1, 7)]);
    let ops = release(&actual, held);
    assert_eq!(run(&mut actual, &ops), 1);
    assert_eq!(census(&actual), (0, 1));
    // An entry of the slot's own real, one of a real that is no more, one from another life.
    for dead in [entry(index, 2, 7), entry(index, 9, 7), entry(index, 1, 6)] {
        let mut actual = actual.clone();
        let marks = Marks::of(&actual, SLOTS).expect("one mark");
        let ops = release(&actual, marks.compare(&[dead]));
        assert_eq!(run(&mut actual, &ops), 1);
        assert_eq!(census(&actual), (0, 0));
        assert!(Marks::of(&actual, SLOTS).is_none());
    }
}

#[test]
fn a_ring_that_changed_meanwhile_keeps_its_marks() {
    let mut actual = settled_and_marked(Tracking::Changes);
    let found = Marks::of(&actual, SLOTS).expect("there are marks").compare(&[]);
    let ring = actual.ring(0).expect("a ring").advance(members(&[2]), |_| true, 2000, SLOTS);
    actual.record(&MapOp::PutRing { service: 0, ring });
    assert_eq!(release(&actual, found), []);
}

#[test]
fn marks_mean_nothing_where_every_flow_is_recorded() {
    let mut actual = settled_and_marked(Tracking::Full);
    let index = moved_slot(&actual);
    let marks = Marks::of(&actual, SLOTS).expect("there are marks");
    let ops = release(&actual, marks.compare(&[entry(index, 1, 7)]));
    assert_eq!(run(&mut actual, &ops), 1);
    assert_eq!(census(&actual), (0, 0));
}

#[test]
fn a_ring_of_nobody_goes_in_the_end() {
    let mut actual = moving(Tracking::Changes);
    let ring = actual.ring(0).expect("a ring").advance(Vec::new(), |_| true, 2000, SLOTS);
    let ring = ring.settle(0, 2000).expect("all");
    actual.record(&MapOp::PutRing { service: 0, ring });
    let found = Marks::of(&actual, SLOTS).expect("marks").compare(&[]);
    assert_eq!(release(&actual, found), [MapOp::RemoveRing { service: 0 }]);
}

#[test]
fn what_comes_from_another_director_is_found_though_nobody_takes_new_flows() {
    let mut actual = moving(Tracking::Changes);
    run(&mut actual, &[MapOp::RemoveRing { service: 0 }]);
    let slots = BTreeMap::from([(0, std::collections::BTreeSet::from([7]))]);
    let ops = mark(&actual, &slots, SLOTS);
    assert_eq!(run(&mut actual, &ops), 1);
    assert_eq!(census(&actual), (0, 1));
    let release_with = |actual: &Actual, entries: &[Tracked]| {
        release(actual, Marks::of(actual, SLOTS).expect("a mark").compare(entries))
    };
    assert_eq!(release_with(&actual, &[entry(7, 1, 7)]), []);
    assert_eq!(release_with(&actual, &[]), [MapOp::RemoveRing { service: 0 }]);
}
