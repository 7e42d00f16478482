//! A director in memory: the engine's tables, and the planner that changes them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_common::be::{Be16, Be32, Be128};
use lb_common::budget::Budget;
use lb_common::hash::{flow_hash, slot};
use lb_common::key::{FlowKey, Protocol, ServiceKey};
use lb_common::ring::Slot;
use lb_common::timeout::{self, Timeouts};
use lb_common::value::{Connection, Mac, Service, Ticks, Tracking};
use lb_common::vlan::Tags;
use lb_ctl::config::model::Endpoint;
use lb_ctl::dataplane::{Capacity, Tracked};
use lb_ctl::reconcile::actual::{Actual, Inherited};
use lb_ctl::reconcile::op::MapOp;
use lb_ctl::reconcile::plan::{plan, plan_hops};
use lb_ctl::reconcile::settle::{self, Marks, Observed, Release, Settling};
use lb_ctl::reconcile::target::{NextHop, Target, TargetReal, TargetService, Way};
use lb_ctl::sched::ring::Ring;
use lb_ctl::sync::select::Teller;
use xdp_prog::fixtures::frame::{DIRECTOR, Family, Packet};
use xdp_prog::fixtures::{Flow, INGRESS};
use xdp_prog::memory::MemoryTables;
use xdp_prog::packet::MemoryPacket;
use xdp_prog::pipeline;

#[path = "sync.rs"]
mod sync;

const SLOTS: u32 = 101;
const CAPACITY: Capacity = Capacity { services: 4, reals: 64, connections: 1, ring_slots: SLOTS };
/// Flows that may be recorded in a tick.
const RECORDS: u32 = 8;
/// The idle timeouts. Longer than any of a TCP state, so that it is what flows live by.
const TCP_IDLE: Ticks = 3000;
const UDP_IDLE: Ticks = 900;

#[derive(Clone, Copy)]
struct Wanted {
    weight: u16,
    reachable: bool,
}

/// The director.
pub(crate) struct Director {
    family: Family,
    tables: MemoryTables,
    actual: Actual,
    wanted: BTreeMap<usize, Wanted>,
    tracking: Tracking,
    settling: Settling,
    walk: Option<Vec<Release>>,
    teller: Teller,
}

/// How long a flow may be idle and still be alive.
pub(crate) const fn idle(protocol: Protocol) -> Ticks {
    match protocol {
        Protocol::Tcp => TCP_IDLE,
        Protocol::Udp => UDP_IDLE,
    }
}

const fn mac(real: usize) -> Mac {
    [0x02, 0, 0, 0, 1, real as u8]
}

impl Director {
    pub(crate) fn new(family: Family) -> Self {
        let mut tables = MemoryTables { ring_slots: SLOTS, ..MemoryTables::default() };
        tables.budget.set(Budget::of(RECORDS, 2 * RECORDS));
        tables.ingress.insert(INGRESS, DIRECTOR);
        Self {
            family,
            tables,
            actual: Actual::default(),
            wanted: BTreeMap::new(),
            tracking: Tracking::Changes,
            settling: Settling::default(),
            walk: None,
            teller: Teller::default(),
        }
    }

    pub(crate) fn now(&self) -> Ticks {
        self.tables.now
    }

    pub(crate) fn pass(&mut self, ticks: Ticks) {
        self.tables.now += ticks;
    }

    /// Sends a packet through the engine; gives the real it went to.
    pub(crate) fn send(&self, packet: &Packet) -> Option<usize> {
        let entry = self.entry(&packet.flow());
        let settled = self.slot_of(packet).is_none_or(Slot::is_settled);
        let mut frame = MemoryPacket::new(&packet.frame(), INGRESS);
        let reason = pipeline::process(&mut frame, &self.tables);
        if self.tracking == Tracking::Changes && settled {
            assert_eq!(self.entry(&packet.flow()), entry, "a settled slot leaves the table alone");
        }
        reason.is_delivered().then(|| usize::from(frame.bytes[5]))
    }

    fn entry(&self, flow: &Flow) -> Option<Connection> {
        match flow {
            Flow::V4(key) => self.tables.v4.connections.borrow().get(key).map(|entry| entry.get()),
            Flow::V6(key) => self.tables.v6.connections.borrow().get(key).map(|entry| entry.get()),
        }
    }

    fn slot_of(&self, packet: &Packet) -> Option<Slot> {
        let hash = match packet.flow() {
            Flow::V4(key) => flow_hash(self.tables.seed, &key),
            Flow::V6(key) => flow_hash(self.tables.seed, &key),
        };
        let service = self.actual.services().get(&self.endpoint(packet.protocol))?;
        let ring = self.tables.rings.get(&service.id)?;
        ring.get(slot(hash, SLOTS) as usize).copied()
    }

    /// Adds a real, or gives it another weight.
    pub(crate) fn weigh(&mut self, real: usize, weight: u16) {
        self.wanted.entry(real).or_insert(Wanted { weight, reachable: true }).weight = weight;
        self.converge();
    }

    pub(crate) fn delete(&mut self, real: usize) {
        self.wanted.remove(&real);
        self.converge();
    }

    pub(crate) fn reach(&mut self, real: usize, reachable: bool) {
        if let Some(wanted) = self.wanted.get_mut(&real) {
            wanted.reachable = reachable;
        }
        // What neighbours say goes this way.
        let ops = plan_hops(self.services(), &self.actual, CAPACITY, self.now());
        self.run(&ops.expect("nothing but a hop changes"));
    }

    pub(crate) fn track(&mut self, tracking: Tracking) {
        self.tracking = tracking;
        self.converge();
    }

    fn endpoint(&self, protocol: Protocol) -> Endpoint {
        Endpoint { protocol, address: self.family.vip(), port: 80.into() }
    }

    fn real(&self, number: usize, wanted: Wanted) -> TargetReal {
        let address = match self.family {
            Family::V4 => IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number as u32)),
            Family::V6 => Ipv6Addr::from(0xfd00_u128 << 112 | number as u128).into(),
        };
        let (mac, tags) = (mac(number), Tags::NONE);
        let hop = Way::Hop(NextHop { ifindex: INGRESS, mac, source: DIRECTOR, tags });
        let way = wanted.reachable.then_some(hop);
        TargetReal { address, weight: wanted.weight, way, sorry: false, down: false }
    }

    fn services(&self) -> Vec<TargetService> {
        let reals: Vec<_> = self.wanted.iter().map(|(n, wanted)| self.real(*n, *wanted)).collect();
        let service = |protocol| TargetService {
            reals: reals.clone(),
            ..TargetService::new(self.endpoint(protocol), self.tracking, idle(protocol))
        };
        [Protocol::Tcp, Protocol::Udp].map(service).into()
    }

    fn converge(&mut self) {
        let ingress = BTreeMap::from([(INGRESS, DIRECTOR)]);
        let virtual_macs = BTreeSet::new();
        let target = Target { services: self.services(), ingress, virtual_macs };
        let ops = plan(&target, &self.actual, CAPACITY, self.now()).expect("it fits");
        self.run(&ops);
    }

    fn run(&mut self, ops: &[MapOp]) {
        for op in ops {
            self.actual.record(op);
            match op {
                MapOp::PutReal { id, real } => {
                    self.tables.reals.insert(*id, *real);
                }
                MapOp::PutRing { service, ring } => {
                    self.tables.rings.insert(*service, ring.slots(SLOTS).into_owned());
                }
                MapOp::RemoveRing { service } => {
                    self.tables.rings.remove(service);
                }
                MapOp::SetServices { services } => self.set_services(services),
                MapOp::PutDetails { service, details } => {
                    self.tables.details.insert(*service, *details);
                }
                MapOp::PutOrder { service, order } => {
                    self.tables.orders.insert(*service, order.fill(SLOTS));
                }
                MapOp::RemoveOrder { service } => {
                    self.tables.orders.remove(service);
                }
                MapOp::PutSource { .. }
                | MapOp::RemoveSource { .. }
                | MapOp::PutPeer { .. }
                | MapOp::RemovePeer { .. }
                | MapOp::PutEgress { .. }
                | MapOp::RemoveEgress { .. }
                | MapOp::PutIngress { .. }
                | MapOp::RemoveIngress { .. }
                | MapOp::PutVirtualMac { .. }
                | MapOp::RemoveVirtualMac { .. }
                | MapOp::ZeroReal { .. }
                | MapOp::ZeroService { .. } => {}
            }
        }
    }

    fn set_services(&mut self, services: &[(Endpoint, Service)]) {
        self.tables.v4.services.clear();
        self.tables.v6.services.clear();
        for (endpoint, service) in services {
            let (port, protocol) = (Be16::new(endpoint.port.first()), endpoint.protocol);
            match endpoint.address {
                IpAddr::V4(vip) => {
                    let key = ServiceKey::new(Be32::from(vip), port, protocol);
                    self.tables.v4.services.insert(key, *service);
                }
                IpAddr::V6(vip) => {
                    let key = ServiceKey::new(Be128::from(vip), port, protocol);
                    self.tables.v6.services.insert(key, *service);
                }
            }
        }
    }

    pub(crate) fn settle(&mut self) {
        let forwarded = |id| self.tables.service_stats.borrow().get(&id).map_or(0, |s| s.packets);
        let deferred = |id| self.tables.deferred.borrow().get(&id).copied().unwrap_or_default();
        let observe = |id| Ok(Observed { forwarded: forwarded(id), deferred: deferred(id) });
        let now = self.tables.now;
        let ops = self.settling.step::<Infallible>(&self.actual, observe, now).expect("it reads");
        self.run(&ops);
    }

    /// Reads the connection table, after taking out what expired.
    pub(crate) fn walk(&mut self) {
        let now = self.now();
        let expired = |connection: &Connection, protocol| {
            timeout::left(connection, &Timeouts::with_idle(idle(protocol)), now).is_none()
        };
        let protocol = |number: u32| Protocol::from_number(number as u8).expect("TCP or UDP");
        let v4 = self.tables.v4.connections.get_mut();
        v4.retain(|flow, entry| !expired(&entry.get(), protocol(flow.protocol)));
        let v6 = self.tables.v6.connections.get_mut();
        v6.retain(|flow, entry| !expired(&entry.get(), protocol(flow.protocol)));
        let entries = self.connections();
        self.walk = Marks::of(&self.actual, SLOTS).map(|marks| marks.compare(&entries));
    }

    /// What stands in the connection table.
    fn connections(&self) -> Vec<Tracked> {
        let (seed, now) = (self.tables.seed, self.now());
        let (v4, v6) = (self.tables.v4.connections.borrow(), self.tables.v6.connections.borrow());
        let v4 = v4.iter().filter_map(|(flow, entry)| tracked(flow, entry.get(), seed, now));
        let v6 = v6.iter().filter_map(|(flow, entry)| tracked(flow, entry.get(), seed, now));
        v4.chain(v6).collect()
    }

    pub(crate) fn walked(&mut self) {
        let found = self.walk.take().unwrap_or_default();
        let ops = settle::release(&self.actual, found);
        self.run(&ops);
    }

    /// Another daemon takes over what the tables hold.
    pub(crate) fn restart(&mut self) {
        let now = self.now();
        let rings = &self.tables.rings;
        let rings = rings.iter();
        self.actual = Actual::inherited(Inherited {
            services: self.actual.services().clone(),
            rings: rings.map(|(id, slots)| (*id, Ring::inherited(slots.clone(), now))).collect(),
            details: self.tables.details.clone().into_iter().collect(),
            reals: self.tables.reals.clone().into_iter().collect(),
            egress: [INGRESS].into(),
            ingress: self.tables.ingress.clone().into_iter().collect(),
            ..Inherited::default()
        });
        self.settling = Settling::default();
        self.settling.assume_carried(self.actual.services().values().map(|service| service.id));
        self.walk = None;
        self.converge();
    }

    pub(crate) fn zero(&mut self) {
        self.settling.assume_carried(self.actual.services().values().map(|service| service.id));
        self.tables.service_stats.get_mut().clear();
    }

    /// Slots of all services that are unsettled, and that are marked.
    pub(crate) fn census(&self) -> (usize, usize) {
        let census = self.actual.rings().map(|(_, ring)| ring.census());
        census.fold((0, 0), |(unsettled, marked), c| (unsettled + c.unsettled, marked + c.marked))
    }

    /// Entries of the connection table.
    pub(crate) fn entries(&self) -> usize {
        self.tables.v4.connections.borrow().len() + self.tables.v6.connections.borrow().len()
    }
}

fn tracked<A: lb_common::be::Address>(
    flow: &FlowKey<A>,
    connection: Connection,
    seed: u64,
    now: Ticks,
) -> Option<Tracked> {
    let protocol = Protocol::from_number(flow.protocol as u8).expect("TCP or UDP");
    let (address, port) = (A::Std::from(flow.destination).into(), flow.destination_port.get());
    let left = timeout::left(&connection, &Timeouts::with_idle(idle(protocol)), now)?;
    Some(Tracked {
        protocol,
        endpoint: Endpoint { protocol, address, port: port.into() },
        client: (A::Std::from(flow.source).into(), flow.source_port.get()),
        vip: (address, port),
        hash: flow_hash(seed, flow),
        real: connection.real,
        generation: connection.generation,
        state: connection.state,
        seen: connection.seen,
        left,
    })
}
