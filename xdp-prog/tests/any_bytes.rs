//! Whatever bytes come in, the engine keeps its promises.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::Hash;

use lb_common::key::FlowKey;
use lb_common::value::{Connection, Stats};
use lb_common::verdict::{Reason, Verdict};
use lb_common::vlan::Tags;
use proptest::prelude::*;
use xdp_prog::fixtures::{INGRESS, cases, worlds};
use xdp_prog::memory::{Family, MemoryTables};
use xdp_prog::packet::MemoryPacket;
use xdp_prog::{long, pipeline};

/// Runs a frame and asserts what must hold of any: one reason is counted, and it is the one that
/// is told; nothing but the addresses, the hops and the tags changes, and those only where it is
/// sent; services and reals count what is delivered and nothing else, and nothing else is recorded.
fn keeps_its_promises(tables: &MemoryTables, frame: &[u8]) -> Reason {
    let recorded = left_in_tables(tables);
    let mut packet = MemoryPacket::new(frame, INGRESS);
    let reason = pipeline::process(&mut packet, tables);
    let counted = tables.reasons.borrow();
    assert_eq!(counted.iter().sum::<u64>(), 1);
    assert_eq!(counted[reason as usize], 1);
    let mut services = Stats::default();
    tables.service_stats.borrow().values().for_each(|stats| services += *stats);
    let mut reals = Stats::default();
    tables.real_stats.borrow().values().for_each(|stats| reals += *stats);
    assert_eq!(services, reals);
    assert_eq!(services.packets, u64::from(reason.is_delivered()));
    if !reason.is_delivered() {
        assert_eq!(services, Stats::default());
        assert_eq!(left_in_tables(tables), recorded);
    }
    match reason.verdict() {
        Verdict::Transmit | Verdict::Redirect => is_sent(tables, frame, &packet.bytes),
        Verdict::Pass | Verdict::Drop => assert_eq!(packet.bytes, frame),
    }
    reason
}

/// Asserts that a frame was sent to a real, with the tags that it wants or with its own.
fn is_sent(tables: &MemoryTables, frame: &[u8], sent: &[u8]) {
    assert!(sent[..6] != frame[..6], "it is addressed to a real");
    let real = tables.reals.values().find(|real| real.destination == sent[..6]);
    let real = real.expect("it is addressed to a real");
    assert_eq!(sent[6..12], real.source);
    let tags: Vec<_> = (0..Tags::MOST).filter_map(|index| real.tags.get(index)).collect();
    for (tag, (tpid, vid)) in sent[12..].chunks_exact(4).zip(&tags) {
        assert_eq!(tag[..2], tpid.to_be_bytes());
        assert_eq!(u16::from_be_bytes([tag[2], tag[3]]) & 0xfff, *vid);
    }
    let behind = 12 + 4 * tags.len();
    let mut wanted = frame.to_vec();
    count_hop(&mut wanted);
    let from = if tags.is_empty() { 12 } else { network_header(frame) - 2 };
    assert_eq!(sent[behind..], wanted[from..]);
}

/// Where the header behind Ethernet and its tags begins.
fn network_header(frame: &[u8]) -> usize {
    let mut next = 14;
    while matches!(frame[next - 2..next], [0x81, 0x00] | [0x88, 0xa8]) {
        next += 4;
    }
    next
}

/// Counts one machine in a frame of IP: the sum over the header stays the same, whatever it is.
fn count_hop(frame: &mut [u8]) {
    let ip = network_header(frame);
    if frame[ip - 2..ip] == [0x86, 0xdd] {
        frame[ip + 7] -= 1;
        return;
    }
    frame[ip + 8] -= 1;
    let sum = u32::from(u16::from_be_bytes([frame[ip + 10], frame[ip + 11]])) + 0x100;
    let sum = if sum >= 0xffff { sum + 1 } else { sum };
    frame[ip + 10..ip + 12].copy_from_slice(&(sum as u16).to_be_bytes());
}

/// What is recorded of the flows of one family.
#[derive(PartialEq, Debug)]
struct Recorded<A: Eq + Hash> {
    connections: HashMap<FlowKey<A>, Connection>,
    fragments: HashMap<FlowKey<A>, Connection>,
}

fn recorded<A: Copy + Eq + Hash>(family: &Family<A>) -> Recorded<A> {
    let connections = family.connections.borrow();
    let connections = connections.iter().map(|(key, entry)| (*key, entry.get())).collect();
    Recorded { connections, fragments: family.fragments.borrow().clone() }
}

/// What is recorded of flows, and how many each real has.
fn left_in_tables(tables: &MemoryTables) -> impl PartialEq + Debug {
    (recorded(&tables.v4), recorded(&tables.v6), tables.loads.borrow().clone())
}

/// All that a run leaves behind.
fn left_behind(tables: &MemoryTables) -> impl PartialEq + Debug {
    let refusals = (*tables.reasons.borrow(), tables.refusals.borrow().clone());
    let counted = (tables.real_stats.borrow().clone(), tables.deferred.borrow().clone());
    let taken = (tables.turns.borrow().clone(), tables.budget.get());
    (left_in_tables(tables), refusals, counted, taken)
}

/// Which way a packet takes is a matter of speed and of nothing else.
fn both_ways_agree(world: usize, frame: &[u8]) {
    let (one, other) = (worlds::any_world(world), worlds::any_world(world));
    let mut short = MemoryPacket::new(frame, INGRESS);
    let Some(reason) = pipeline::short(&mut short, &one) else {
        assert_eq!(short.bytes, frame, "what takes the long way is left as it was");
        assert_eq!(left_behind(&one), left_behind(&other), "and leaves nothing behind");
        return;
    };
    let mut long = MemoryPacket::new(frame, INGRESS);
    assert_eq!(long::process(&mut long, &other), reason);
    assert_eq!(long.bytes, short.bytes);
    assert_eq!(left_behind(&one), left_behind(&other));
}

/// The frames of the cases, each once.
fn case_frames() -> BTreeSet<Vec<u8>> {
    cases::all().into_iter().flat_map(|case| case.steps).map(|step| step.frame).collect()
}

fn any_case_frame() -> impl Strategy<Value = Vec<u8>> {
    proptest::sample::select(case_frames().into_iter().collect::<Vec<_>>())
}

/// Otherwise the properties below would hold of little.
#[test]
fn the_frames_of_the_cases_leave_in_every_way() {
    let mut missing: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    for world in 0..worlds::WORLDS {
        for frame in &case_frames() {
            let reason = keeps_its_promises(&worlds::any_world(world), frame);
            missing.remove(reason.name());
        }
    }
    // In memory there is always room, and the long way.
    let never = [Reason::NoRoom.name(), Reason::NoLongWay.name()];
    assert_eq!(missing, never.into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_bytes(
        world in 0..worlds::WORLDS,
        frame in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        keeps_its_promises(&worlds::any_world(world), &frame);
        both_ways_agree(world, &frame);
    }

    #[test]
    fn frames_with_a_few_bytes_changed(
        world in 0..worlds::WORLDS,
        frame in any_case_frame(),
        changes in proptest::collection::vec((0usize..120, any::<u8>()), 0..6),
    ) {
        let mut frame = frame;
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        keeps_its_promises(&worlds::any_world(world), &frame);
        both_ways_agree(world, &frame);
    }

    #[test]
    fn frames_cut_anywhere(
        world in 0..worlds::WORLDS,
        frame in any_case_frame(),
        length in 0usize..1500,
    ) {
        let cut = &frame[..length.min(frame.len())];
        keeps_its_promises(&worlds::any_world(world), cut);
        both_ways_agree(world, cut);
    }
}
