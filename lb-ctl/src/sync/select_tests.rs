use std::collections::BTreeMap;

use lb_common::key::Protocol;
use lb_common::timeout::Timeouts;
use lb_common::value::{Real, real_flags, ticks_from_secs};

use super::*;
use crate::reconcile::actual::Inherited;
use crate::sched::maglev::Member;

const SLOTS: u32 = 251;
const NOW: Ticks = 1_000_000;
const IDLE: u32 = 600;
const LIMIT: usize = 1000;

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn endpoint() -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: address(10), port: 80.into() }
}

fn members(ids: &[RealId]) -> Vec<Member> {
    let member = |id: &RealId| Member { id: *id, address: address(20 + *id as u8), weight: 1 };
    ids.iter().map(member).collect()
}

/// One service with reals 1 and 2, which are 192.0.2.21 and .22.
fn actual(tracking: Tracking, picking: Picking, ring: Ring) -> Actual {
    let timeouts = Timeouts::with_idle(ticks_from_secs(IDLE));
    let details = Details { timeouts, picking: picking as u32, ..Details::default() };
    let real = |id: u32| {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[192, 0, 2, 20 + id as u8]);
        let flags = real_flags::IN_USE | real_flags::FORWARD;
        (id, Real { generation: 7, flags, address, ..Real::default() })
    };
    Actual::inherited(Inherited {
        services: HashMap::from([(endpoint(), Service::new(0, tracking, 0))]),
        rings: BTreeMap::from([(0, ring)]),
        details: BTreeMap::from([(0, details)]),
        reals: vec![real(1), real(2)],
        ..Inherited::default()
    })
}

/// A service that takes turns: every entry is told.
fn turns() -> View {
    let ring = Ring::settled(members(&[1, 2]));
    View::of(&actual(Tracking::Full, Picking::Turns, ring), SLOTS)
}

/// A connection from this port, which falls into the slot of this number.
fn tracked(port: u16, index: u32, real: RealId) -> Tracked {
    let hash = ((u64::from(index) << 32) / u64::from(SLOTS) + 1) as u32;
    assert_eq!(slot(hash, SLOTS), index);
    Tracked {
        protocol: Protocol::Tcp,
        client: (address(99), port),
        vip: (address(10), 80),
        endpoint: endpoint(),
        hash,
        real,
        generation: 7,
        state: state::ESTABLISHED,
        seen: NOW,
        left: ticks_from_secs(IDLE),
    }
}

fn ports(entries: &[Entry]) -> Vec<u16> {
    let mut ports: Vec<_> = entries.iter().map(|entry| entry.client.1).collect();
    ports.sort_unstable();
    ports
}

fn after(seconds: u32) -> Ticks {
    NOW + ticks_from_secs(seconds) + 1
}

#[test]
fn where_no_ring_decides_everything_is_told_once() {
    let mut teller = Teller::default();
    let table = [tracked(1, 0, 1), tracked(2, 1, 2)];
    let told = teller.select(&turns(), &table, NOW, LIMIT);
    assert_eq!(ports(&told), [1, 2]);
    assert_eq!(told[0].real, address(21));
    assert_eq!(told[0].left, milliseconds(ticks_from_secs(IDLE)));
    assert_eq!(teller.select(&turns(), &table, after(1), LIMIT), []);
    let more = [table[0], table[1], tracked(3, 0, 1)];
    assert_eq!(ports(&teller.select(&turns(), &more, after(2), LIMIT)), [3]);
}

#[test]
fn a_ring_at_rest_tells_everything() {
    let at_rest = Ring::settled(members(&[1, 2]));
    for tracking in [Tracking::Changes, Tracking::None] {
        assert!(View::of(&actual(tracking, Picking::Hash, at_rest.clone()), SLOTS).is_empty());
    }
    let full = View::of(&actual(Tracking::Full, Picking::Hash, at_rest.clone()), SLOTS);
    let owner = at_rest.slots(SLOTS)[0].current();
    let table = [tracked(1, 0, owner), tracked(2, 0, 3 - owner)];
    let told = Teller::default().select(&full, &table, NOW, LIMIT);
    assert_eq!(ports(&told), [2], "the other is where the ring says");
}

#[test]
fn in_slots_on_their_way_everything_is_told_and_in_marked_ones_what_is_elsewhere() {
    let moving = Ring::settled(members(&[1])).advance(members(&[1, 2]), |_| true, NOW, SLOTS);
    let index = moving.slots(SLOTS).iter().position(|slot| slot.is_unsettled()).unwrap() as u32;
    let rest = moving.slots(SLOTS).iter().position(|slot| slot.is_settled()).unwrap() as u32;
    let table = [tracked(1, index, 1), tracked(2, index, 2), tracked(3, rest, 1)];
    let view = |ring| View::of(&actual(Tracking::Changes, Picking::Hash, ring), SLOTS);
    let marked = moving.settle(0, NOW).unwrap();
    assert_eq!(ports(&Teller::default().select(&view(moving), &table, NOW, LIMIT)), [1, 2]);
    assert_eq!(ports(&Teller::default().select(&view(marked), &table, NOW, LIMIT)), [1]);
}

#[test]
fn what_changes_is_told_and_all_of_it_again_after_a_minute() {
    let mut teller = Teller::default();
    let select = |teller: &mut Teller, table: &[Tracked], seconds| {
        ports(&teller.select(&turns(), table, after(seconds), LIMIT))
    };
    let [one, two] = [tracked(1, 0, 1), tracked(2, 0, 1)];
    assert_eq!(select(&mut teller, &[one, two], 0), [1, 2]);
    let ended = Tracked { state: state::FIN_WAIT, left: ticks_from_secs(120), ..one };
    assert_eq!(select(&mut teller, &[ended, two], 1), [1]);
    let moved = Tracked { real: 2, ..two };
    assert_eq!(select(&mut teller, &[ended, moved], 2), [2]);
    let closed = Tracked { state: state::CLOSED, left: ticks_from_secs(10), ..ended };
    assert_eq!(select(&mut teller, &[closed, moved], 3), [1], "what was told to live is dead");
    let left = |seconds| Tracked { left: ticks_from_secs(IDLE - seconds), ..moved };
    assert!(select(&mut teller, &[left(59)], 61).is_empty());
    assert_eq!(select(&mut teller, &[left(61)], 63), [2]);
    assert!(select(&mut teller, &[left(62)], 64).is_empty());
}

#[test]
fn what_lives_on_is_told_before_it_is_forgotten_there() {
    let mut teller = Teller::default();
    let short = Tracked { left: ticks_from_secs(20), ..tracked(1, 0, 1) };
    assert_eq!(teller.select(&turns(), &[short], NOW, LIMIT).len(), 1);
    // Packets come all the time.
    assert_eq!(teller.select(&turns(), &[short], after(9), LIMIT), []);
    assert_eq!(teller.select(&turns(), &[short], after(12), LIMIT).len(), 1);
    assert_eq!(teller.select(&turns(), &[short], after(13), LIMIT), []);
}

#[test]
fn what_may_be_a_flood_or_has_ended_is_not_news() {
    let mut teller = Teller::default();
    let of = |state| Tracked { state, ..tracked(1, 0, 1) };
    assert_eq!(teller.select(&turns(), &[of(state::SYN_RECEIVED)], NOW, LIMIT), []);
    assert_eq!(teller.select(&turns(), &[of(state::CLOSED)], NOW, LIMIT), []);
    let dead = Tracked { generation: 6, ..tracked(1, 0, 1) };
    assert_eq!(teller.select(&turns(), &[dead], NOW, LIMIT), [], "its real is gone");
    assert_eq!(teller.select(&turns(), &[of(state::ESTABLISHED)], NOW, LIMIT).len(), 1);
}

#[test]
fn what_others_told_is_not_told_back_until_a_packet_comes() {
    let mut teller = Teller::default();
    let theirs = tracked(1, 0, 1);
    let told = |tracked: &Tracked| turns().entry(tracked).unwrap().name();
    teller.note_taken([(told(&theirs), NOW)]);
    assert_eq!(teller.select(&turns(), &[theirs], after(1), LIMIT), []);
    assert_eq!(teller.select(&turns(), &[theirs], after(100), LIMIT), []);
    assert_eq!(teller.taken(), 1);
    let ours = Tracked { seen: NOW + 1, ..theirs };
    assert_eq!(teller.select(&turns(), &[ours], after(101), LIMIT).len(), 1);
    assert_eq!(teller.taken(), 0);
}

#[test]
fn a_director_that_has_started_anew_is_told_even_what_it_has_told() {
    let mut teller = Teller::default();
    let [ours, theirs] = [tracked(1, 0, 1), tracked(2, 0, 1)];
    teller.note_taken([(turns().entry(&theirs).unwrap().name(), NOW)]);
    assert_eq!(ports(&teller.select(&turns(), &[ours, theirs], NOW, LIMIT)), [1]);
    teller.forget();
    assert_eq!(ports(&teller.select(&turns(), &[ours, theirs], NOW, LIMIT)), [1, 2]);
}

#[test]
fn what_does_not_fit_is_told_later_and_news_come_first() {
    let mut teller = Teller::default();
    let table: Vec<_> = (1..=10).map(|port| tracked(port, 0, 1)).collect();
    let mut told = ports(&teller.select(&turns(), &table[..6], NOW, 4));
    assert_eq!(told.len(), 4);
    told.extend(ports(&teller.select(&turns(), &table[..6], after(10), 4)));
    told.sort_unstable();
    assert_eq!(told, [1, 2, 3, 4, 5, 6]);
    // After a minute the first four are due, then the other two.
    let again = teller.select(&turns(), &table, after(75), 6);
    let news = again.iter().filter(|entry| entry.client.1 > 6).count();
    assert_eq!((again.len(), news), (6, 4));
    assert!(again[..4].iter().all(|entry| entry.client.1 > 6));
    assert_eq!(teller.select(&turns(), &table, after(75), LIMIT).len(), 4);
    assert_eq!(teller.select(&turns(), &table, after(75), LIMIT), []);
}

#[test]
fn what_is_gone_from_the_table_is_forgotten() {
    let mut teller = Teller::default();
    let one = tracked(1, 0, 1);
    assert_eq!(teller.select(&turns(), &[one], NOW, LIMIT).len(), 1);
    teller.note_taken([(turns().entry(&tracked(2, 0, 1)).unwrap().name(), NOW)]);
    assert_eq!(teller.select(&turns(), &[], after(1), LIMIT), []);
    assert_eq!(teller.taken(), 0);
    assert_eq!(teller.select(&turns(), &[one], after(2), LIMIT).len(), 1);
}

#[test]
fn times_arrive_as_they_were() {
    for left in (0..5000).chain([ticks_from_secs(900), lb_common::value::MAX_IDLE]) {
        let there = (u64::from(milliseconds(left)) * 1_000_000) >> TICK_SHIFT;
        assert_eq!(there, u64::from(left));
    }
}

#[test]
fn templates_are_told() {
    let ring = Ring::settled(members(&[1, 2]));
    let view = View::of(&actual(Tracking::Full, Picking::Turns, ring), SLOTS);
    let template = Tracked { state: state::TEMPLATE, client: (address(0), 0), ..tracked(0, 0, 2) };
    let told = Teller::default().select(&view, &[template, tracked(1, 0, 2)], NOW, LIMIT);
    assert_eq!(told.iter().filter(|entry| entry.name().template).count(), 1);
    assert_eq!(told.len(), 2);
}
