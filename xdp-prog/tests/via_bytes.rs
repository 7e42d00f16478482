//! Whatever packets there are, probes are led with right checksums, and nothing else is touched.

use std::net::IpAddr;

use lb_common::via::mark;
use proptest::prelude::*;
use xdp_prog::fixtures::frame::Family;
use xdp_prog::fixtures::via::{Carried, Probe, Way, all, place, run, sums_hold, tables};
use xdp_prog::via::Outcome;
use xdp_prog::via::memory::{MemorySkb, Summed, fold, sum};

/// Offset of the transport header and of its checksum, of frames without options.
fn transport(frame: &[u8]) -> (usize, usize) {
    let (at, protocol) = if frame[12] == 8 { (34, frame[23]) } else { (54, frame[20]) };
    let sum = match protocol {
        6 => 16,
        17 => 6,
        _ => 2,
    };
    (at, at + sum)
}

/// Whether the checksum of the frame's transport covers addresses.
fn has_pseudo_header(frame: &[u8]) -> bool {
    (frame[12], frame[23]) != (8, 1)
}

/// The same sum: zero has two forms in ones' complement.
fn same(one: u16, other: u16) -> bool {
    one % 0xffff == other % 0xffff
}

/// The packet as the kernel hands it to a card that computes checksums: in their place is the sum
/// of the pseudo header, which with the rest makes all ones.
fn partial(frame: &[u8]) -> MemorySkb {
    let mut skb = MemorySkb::new(frame, 0);
    let (at, field) = transport(frame);
    skb.bytes[field..field + 2].copy_from_slice(&[0, 0]);
    let checksum = u16::from_ne_bytes([frame[field], frame[field + 1]]);
    let rest = fold(sum(&skb.bytes[at..]) + u32::from(checksum));
    skb.bytes[field..field + 2].copy_from_slice(&(!rest).to_ne_bytes());
    skb.summed = Summed::Partial;
    skb
}

/// The packet as a card leaves it that sums up all bytes.
fn complete(frame: &[u8]) -> MemorySkb {
    MemorySkb { summed: Summed::Complete(sum(frame)), ..MemorySkb::new(frame, 0) }
}

fn assert_complete(skb: &MemorySkb) {
    let Summed::Complete(all) = skb.summed else { panic!("{:?}", skb.summed) };
    assert!(same(fold(all), fold(sum(&skb.bytes))), "the sum of the whole packet is wrong");
}

/// Runs the packet as all kinds of cards leave it, and asserts that it becomes this one.
fn becomes(tables: &xdp_prog::via::memory::MemoryTables, way: Way, frame: &[u8], wanted: &[u8]) {
    let mark = match wanted[12] {
        8 => mark(place(Family::V4)),
        _ => mark(place(Family::V6)),
    };
    let mut plain = MemorySkb::new(frame, mark);
    assert_eq!(run(tables, way, &mut plain), Outcome::Led);
    assert_eq!(plain.bytes, wanted);

    let mut skb = MemorySkb { mark, ..complete(frame) };
    assert_complete(&skb);
    assert_eq!(run(tables, way, &mut skb), Outcome::Led);
    assert_eq!(skb.bytes, wanted);
    assert_complete(&skb);

    if has_pseudo_header(frame) {
        let mut skb = MemorySkb { mark, ..partial(frame) };
        assert_eq!(run(tables, way, &mut skb), Outcome::Led);
        let wanted = partial(wanted);
        let (_, field) = transport(frame);
        let pseudo = |skb: &MemorySkb| u16::from_ne_bytes([skb.bytes[field], skb.bytes[field + 1]]);
        assert!(same(pseudo(&skb), pseudo(&wanted)), "the sum of the pseudo header is wrong");
        skb.bytes[field..field + 2].copy_from_slice(&wanted.bytes[field..field + 2]);
        assert_eq!(skb.bytes, wanted.bytes);
    }
}

fn address(family: Family) -> impl Strategy<Value = IpAddr> {
    any::<u128>().prop_map(move |bits| match family {
        // Neither unspecified nor the VIP.
        Family::V4 => IpAddr::from((bits as u32 | 1 << 31).to_be_bytes()),
        Family::V6 => IpAddr::from((bits | 1 << 127).to_be_bytes()),
    })
}

fn probe() -> impl Strategy<Value = (Family, Probe)> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let carried =
        prop_oneof![Just(Carried::Tcp), Just(Carried::Udp), Just(Carried::Echo { reply: false })];
    (family, carried).prop_flat_map(|(family, carried)| {
        let addresses = (address(family), address(family));
        let rest = (any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..64));
        (addresses, rest).prop_map(move |(addresses, (source_port, destination_port, payload))| {
            let probe = Probe::new(family, carried.clone());
            let (source, destination) = addresses;
            let ports = Probe { source_port, destination_port, payload, ..probe };
            (family, ports.from(source).to(destination))
        })
    })
}

proptest! {
    #[test]
    fn probes_and_answers_have_right_checksums((family, probe) in probe()) {
        // RFC 792: of an ICMP message's own addresses the sender is the VIP, so none is another.
        prop_assume!(probe.destination != family.vip() && probe.source != family.vip());
        let tables = tables();
        let there = probe.to(family.vip());
        becomes(&tables, Way::Egress, &probe.frame(), &there.frame());
        prop_assert_eq!(sums_hold(&there.frame()), Some(true));
        let answer = there.answer();
        becomes(&tables, Way::Ingress, &answer.frame(), &probe.answer().frame());
        prop_assert_eq!(sums_hold(&probe.answer().frame()), Some(true));
    }

    #[test]
    fn errors_have_right_checksums(
        (family, probe) in probe(),
        by_router: bool,
        kind in 0..2_usize,
        quoted in 0..128_usize,
    ) {
        prop_assume!(probe.destination != family.vip() && probe.source != family.vip());
        let tables = tables();
        let there = probe.to(family.vip()).frame()[14..].to_vec();
        let mut out = MemorySkb::new(&probe.frame(), mark(place(family)));
        prop_assert_eq!(run(&tables, Way::Egress, &mut out), Outcome::Led);

        let least = if family == Family::V4 { 28 } else { 48 };
        let payload = there[..there.len().min(least + quoted)].to_vec();
        let kind = if family == Family::V4 { [3, 11] } else { [1, 3] }[kind];
        let source = if by_router { family.client() } else { family.vip() };
        let report = Probe { payload, ..Probe::new(family, Carried::Report(kind, 1)) };
        let frame = report.from(source).to(probe.source).frame();
        prop_assert_eq!(sums_hold(&frame), Some(true));
        let mut skb = complete(&frame);
        prop_assert_eq!(run(&tables, Way::Ingress, &mut skb), Outcome::Led);
        prop_assert_eq!(sums_hold(&skb.bytes), Some(true));
        assert_complete(&skb);
        let (header, address) = if family == Family::V4 { (20, 16..20) } else { (40, 24..40) };
        let inner = 14 + header + 8;
        prop_assert_eq!(&skb.bytes[inner..][address.clone()], &probe.frame()[14..][address]);
    }

    #[test]
    fn any_bytes_keep_their_promises(
        case in 0..all().len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let tables = tables();
        for step in &all()[case].steps {
            let mut frame = step.frame.clone();
            for (at, byte) in &changes {
                *at.get_mut(&mut frame) = *byte;
            }
            if is_cut {
                frame.truncate(cut.index(frame.len()) + 1);
            }
            let mut skb = MemorySkb::new(&frame, step.mark);
            let outcome = run(&tables, step.way, &mut skb);
            prop_assert_eq!(skb.bytes.len(), frame.len());
            if outcome == Outcome::Untouched {
                prop_assert_eq!(&skb.bytes, &frame);
            }
            if outcome == Outcome::Led && sums_hold(&frame) == Some(true) {
                prop_assert_eq!(sums_hold(&skb.bytes), Some(true));
            }
            if step.way == Way::Ingress {
                prop_assert!(outcome != Outcome::Lost || is_cut);
            }
        }
    }

    #[test]
    fn bytes_at_random_are_nobody_s(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        let tables = tables();
        for way in [Way::Egress, Way::Ingress] {
            let mut skb = MemorySkb::new(&frame, 0);
            prop_assert_eq!(run(&tables, way, &mut skb), Outcome::Untouched);
            prop_assert_eq!(&skb.bytes, &frame);
        }
    }
}
