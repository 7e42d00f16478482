//! The named packet cases through the program in the kernel. Needs root.

use std::net::IpAddr;

use lb_common::ring::Slot;
use lb_common::trace::CAPTURE;
use lb_common::value::{Connection, NO_REAL};
use lb_common::verdict::{Reason, Verdict};
use xdp_prog::fixtures::frame::{Family, Packet};
use xdp_prog::fixtures::{Engine as _, cases, check, world};

#[path = "kernel_cases/engine.rs"]
mod engine;
#[path = "kernel_cases/via.rs"]
mod via;

use engine::{CAPACITY, KernelEngine};

#[test]
fn every_case_holds_in_the_kernel() {
    let mut ran = 0;
    let mut engine = KernelEngine::new("all");
    for case in &cases::all() {
        // The kernel takes no test frame shorter than an Ethernet header.
        assert!(case.steps.iter().all(|step| step.frame.len() >= 14), "{}", case.name);
        engine.load(&case.world);
        check(case, &mut engine);
        ran += 1;
    }
    assert!(ran > 300, "{ran} cases only");
}

#[test]
fn every_case_holds_while_it_is_traced_and_is_told_of() {
    let mut engine = KernelEngine::tracing("traced");
    let mut told = 0;
    for case in &cases::all() {
        engine.load(&case.world);
        check(case, &mut engine);
        let events = engine.told(case.steps.len());
        assert_eq!(events.len(), case.steps.len(), "{}", case.name);
        for (event, step) in events.iter().zip(&case.steps) {
            assert_eq!(event.reason, step.reason as u32, "{}: {event:?}", case.name);
            let leaves = step.wanted();
            let captured = &leaves[..leaves.len().min(CAPTURE)];
            assert_eq!(event.bytes(), captured, "{}", case.name);
            let refused = step.refused.filter(|service| event.service != *service);
            assert_eq!(refused, None, "{}: {event:?}", case.name);
            told += usize::from(event.real != NO_REAL);
        }
    }
    assert!(told > 40, "the real of {told} only was told of");
}

/// Two directors, or one and its unit tests, must pick alike: the ring slot that the kernel's hash
/// picks is the one that the host's does.
#[test]
fn the_flow_hash_is_the_same_in_the_kernel() {
    let slots: Vec<u32> = (1..=CAPACITY.ring_slots).collect();
    let mut world = world::both_worlds();
    let service = *world.v4.services.values().next().expect("a service");
    world.rings.insert(service.id, slots.iter().map(|id| Slot::settled(*id)).collect());
    let template = *world.reals.values().next().expect("a real");
    for id in &slots {
        world.reals.insert(*id, template);
    }
    let mut kernel = KernelEngine::new("hash");
    kernel.load(&world);
    let mut memory = xdp_prog::fixtures::MemoryEngine { tables: world, long: false };
    for family in Family::BOTH {
        for port in (1024..60_000).step_by(997) {
            let source: IpAddr = family.client();
            let packet = Packet { source, source_port: port, ..Packet::udp(family) };
            kernel.run(&packet.frame());
            memory.run(&packet.frame());
            let pick = |connection: Option<Connection>| connection.map(|c| c.real);
            let flow = packet.flow();
            let (there, here) = (pick(kernel.connection(&flow)), pick(memory.connection(&flow)));
            assert!(here.is_some(), "{flow:?} is tracked");
            assert_eq!(there, here, "{flow:?}");
        }
    }
    assert!(kernel.counters().reals.len() == slots.len(), "the ports spread over the slots");
}

/// Rare packets are passed on, and counted, by themselves; all others are served.
#[test]
fn without_the_long_way_the_short_one_serves() {
    let mut engine = KernelEngine::new("short");
    engine.load(&world::both_worlds());
    engine.remove_long_way();
    for (number, family) in (1..).zip(Family::BOTH) {
        let plain = Packet::new(family);
        let tagged = Packet { tags: vec![(0x8100, 7)], ..plain.clone() };
        let (verdict, _) = engine.run(&plain.frame());
        assert_eq!(verdict, Verdict::Transmit, "{family:?}");
        let frame = tagged.frame();
        assert_eq!(engine.run(&frame), (Verdict::Pass, frame), "{family:?}");
        let reasons = [(Reason::Transmitted.name(), number), (Reason::NoLongWay.name(), number)];
        assert_eq!(engine.counters().reasons, reasons.into(), "{family:?}");
        assert_eq!(engine.counters().refusals, [].into(), "{family:?}");
    }
}

/// What packets find of a real is written after the real itself.
#[test]
fn a_daemon_that_takes_over_tells_packets_of_every_real() {
    let mut engine = KernelEngine::new("hops");
    engine.load(&world::both_worlds());
    engine.forget_hops();
    for family in Family::BOTH {
        let (verdict, _) = engine.run(&Packet::new(family).frame());
        assert_eq!(verdict, Verdict::Drop, "{family:?}: no packet has been told of a real");
    }
    engine.start_again();
    for family in Family::BOTH {
        let (verdict, _) = engine.run(&Packet::new(family).frame());
        assert_eq!(verdict, Verdict::Transmit, "{family:?}");
    }
}

#[test]
#[should_panic(expected = "counters")]
fn a_case_that_does_not_hold_fails() {
    let mut case = cases::all().into_iter().next().expect("a case");
    case.steps[0].reason = Reason::NotIp;
    let mut engine = KernelEngine::new("fail");
    engine.load(&case.world);
    check(&case, &mut engine);
}
