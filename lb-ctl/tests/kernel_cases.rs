//! The named packet cases through the program in the kernel. Needs root.

use std::net::IpAddr;
use std::path::PathBuf;

use aya::maps::{HashMap, MapData};
use lb_common::be::{Address, Be32, Be128};
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{Protocol, ServiceKey};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Real, Stats, Ticks};
use lb_common::verdict::{Reason, Verdict};
use lb_ctl::config::model::Endpoint;
use lb_ctl::dataplane::aya::testrun::FamilyMaps;
use lb_ctl::dataplane::aya::{AyaDataplane, OpenOptions};
use lb_ctl::dataplane::{Capacity, Dataplane as _};
use lb_ctl::reconcile::op::MapOp;
use xdp_prog::fixtures::frame::{Family, Packet};
use xdp_prog::fixtures::{Counters, EGRESS, Engine, Flow, INGRESS, cases, check, world};
use xdp_prog::memory::MemoryTables;

const CAPACITY: Capacity = Capacity { services: 8, reals: 16, connections: 1024, ring_slots: 7 };

/// The program in the kernel, pinned under a directory of its own.
struct KernelEngine {
    dataplane: AyaDataplane,
}

impl KernelEngine {
    fn new(name: &str) -> Self {
        let pin_dir =
            PathBuf::from(format!("/sys/fs/bpf/lb-ctl-cases-{}-{name}", std::process::id()));
        let options = OpenOptions { pin_dir, capacity: CAPACITY, seed: DEFAULT_SEED };
        Self { dataplane: AyaDataplane::open(&options).expect("the kernel takes the program") }
    }

    /// Empties the kernel's tables, which takes less than loading the program again.
    fn clear(&mut self) {
        let actual = self.dataplane.read_back().expect("what is there");
        let services = [MapOp::SetServices { services: Vec::new() }].into_iter();
        let rings = actual.rings().map(|(service, _)| MapOp::RemoveRing { service });
        let egress = actual.egress().iter().map(|i| MapOp::RemoveEgress { ifindex: *i });
        let ingress = actual.ingress().keys().map(|i| MapOp::RemoveIngress { ifindex: *i });
        let reals = (0..CAPACITY.reals)
            .flat_map(|id| [MapOp::PutReal { id, real: Real::default() }, MapOp::ZeroReal { id }]);
        let counters = (0..CAPACITY.services).map(|id| MapOp::ZeroService { id });
        let ops: Vec<MapOp> = services
            .chain(rings)
            .chain(egress)
            .chain(ingress)
            .chain(reals)
            .chain(counters)
            .collect();
        for op in &ops {
            self.dataplane.run(op).expect("it can be undone");
        }
        self.dataplane.zero_reasons().expect("reasons");
        for id in 0..CAPACITY.services {
            self.dataplane.zero_deferred(id).expect("count");
        }
        remove_all(Be32::connections(&self.dataplane).expect("connections"));
        remove_all(Be128::connections(&self.dataplane).expect("connections"));
    }

    /// Makes the kernel's tables those of a world, and nothing else.
    fn load(&mut self, world: &MemoryTables) {
        self.clear();
        let dataplane = &mut self.dataplane;
        let v4 = world.v4.services.iter().map(|(key, service)| (endpoint(*key), *service));
        let v6 = world.v6.services.iter().map(|(key, service)| (endpoint(*key), *service));
        let services = v4.chain(v6).collect();
        dataplane.run(&MapOp::SetServices { services }).expect("services");
        let rings: Vec<_> = world.rings.iter().map(|(id, slots)| (*id, &slots[..])).collect();
        dataplane.put_ring_slots(&rings).expect("rings");
        for (id, real) in &world.reals {
            dataplane.put_real(*id, real).expect("real");
        }
        for (ifindex, mac) in &world.ingress {
            dataplane.put_ingress(*ifindex, *mac).expect("ingress");
        }
        for ifindex in &world.egress {
            assert_eq!(*ifindex, EGRESS);
            dataplane.put_egress(*ifindex, INGRESS).expect("egress");
        }
        dataplane.put_budget(world.budget.get()).expect("budget");
        let now = dataplane.now().expect("clock");
        let aged = |connection: Connection| {
            let age = world.now - connection.seen;
            Connection { seen: now.wrapping_sub(age), ..connection }
        };
        let mut v4 = Be32::connections(dataplane).expect("connections");
        for (flow, connection) in world.v4.connections.borrow().iter() {
            v4.insert(flow, aged(connection.get()), 0).expect("connection");
        }
        let mut v6 = Be128::connections(dataplane).expect("connections");
        for (flow, connection) in world.v6.connections.borrow().iter() {
            v6.insert(flow, aged(connection.get()), 0).expect("connection");
        }
    }
}

impl Drop for KernelEngine {
    fn drop(&mut self) {
        if let Err(error) = self.dataplane.unpin_all() {
            eprintln!("pins are left: {error}");
        }
    }
}

fn remove_all<K: aya::Pod>(mut connections: HashMap<MapData, K, Connection>) {
    let keys: Vec<K> = connections.keys().map(|key| key.expect("key")).collect();
    for key in keys {
        connections.remove(&key).expect("it is there");
    }
}

fn endpoint<A: Address>(key: ServiceKey<A>) -> Endpoint {
    let protocol = Protocol::from_number(key.protocol as u8).expect("TCP or UDP");
    Endpoint { protocol, address: A::Std::from(key.vip).into(), port: key.port.get() }
}

fn nonzero(stats: Stats) -> Option<Stats> {
    (stats != Stats::default()).then_some(stats)
}

impl Engine for KernelEngine {
    fn run(&mut self, frame: &[u8]) -> (Verdict, Vec<u8>) {
        let ran = self.dataplane.test_run(frame).expect("the kernel runs the packet");
        let verdict = match ran.action {
            1 => Verdict::Drop,
            2 => Verdict::Pass,
            3 => Verdict::Transmit,
            4 => Verdict::Redirect,
            other => panic!("XDP action {other}"),
        };
        (verdict, ran.frame)
    }

    fn counters(&self) -> Counters {
        let reasons = self.dataplane.reasons().expect("reasons");
        let named = Reason::ALL.iter().map(|reason| reason.name()).zip(reasons);
        let services = (0..CAPACITY.services).filter_map(|id| {
            nonzero(self.dataplane.service_stats(id).expect("stats")).map(|stats| (id, stats))
        });
        let reals = (0..CAPACITY.reals).filter_map(|id| {
            nonzero(self.dataplane.real_stats(id).expect("stats")).map(|stats| (id, stats))
        });
        let deferred = (0..CAPACITY.services).filter_map(|id| {
            let count = self.dataplane.deferred(id).expect("count");
            (count > 0).then_some((id, count))
        });
        Counters {
            reasons: named.filter(|(_, count)| *count > 0).collect(),
            services: services.collect(),
            reals: reals.collect(),
            deferred: deferred.collect(),
        }
    }

    fn connection(&self, flow: &Flow) -> Option<Connection> {
        match flow {
            Flow::V4(key) => Be32::connections(&self.dataplane).expect("map").get(key, 0).ok(),
            Flow::V6(key) => Be128::connections(&self.dataplane).expect("map").get(key, 0).ok(),
        }
    }

    fn now(&self) -> Ticks {
        self.dataplane.now().expect("clock")
    }
}

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
    assert!(ran > 80, "{ran} cases only");
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
    let mut memory = xdp_prog::fixtures::MemoryEngine(world);
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

#[test]
#[should_panic(expected = "counters")]
fn a_case_that_does_not_hold_fails() {
    let mut case = cases::all().into_iter().next().expect("a case");
    case.steps[0].reason = Reason::NotIp;
    let mut engine = KernelEngine::new("fail");
    engine.load(&case.world);
    check(&case, &mut engine);
}
