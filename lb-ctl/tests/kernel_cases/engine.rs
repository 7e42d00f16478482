//! The program in the kernel as an engine of the packet cases.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use aya::maps::{Array, HashMap, Map, MapData};
use futures_util::stream::{BoxStream, StreamExt as _};
use ipnet::IpNet;
use lb_common::be::{Address, Be32, Be128};
use lb_common::budget::Budget;
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{FlowKey, Protocol, ServiceKey};
use lb_common::limits::maps as names;
use lb_common::trace::{Event, Filter};
use lb_common::value::{Connection, Load, Real, RealId, Service, Stats, Ticks};
use lb_common::verdict::{Reason, Verdict};
use lb_ctl::config::model::{Endpoint, Ports};
use lb_ctl::dataplane::aya::testrun::FamilyMaps;
use lb_ctl::dataplane::aya::{AyaDataplane, OpenOptions};
use lb_ctl::dataplane::{Capacity, Dataplane as _, Samples};
use lb_ctl::reconcile::op::MapOp;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use xdp_prog::fixtures::{Counters, EGRESS, Engine, Flow, INGRESS};
use xdp_prog::memory::{Family as MemoryFamily, MemoryTables};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(10);

pub(crate) const CAPACITY: Capacity =
    Capacity { services: 6, reals: 16, connections: 1024, ring_slots: 7 };

/// The program in the kernel, pinned under a directory of its own.
pub(crate) struct KernelEngine {
    dataplane: AyaDataplane,
    options: OpenOptions,
    traced: Option<Traced>,
    /// What takes away the world that is loaded.
    undo: Vec<MapOp>,
}

/// What is told of packets.
struct Traced {
    samples: BoxStream<'static, Samples>,
    /// It waits for them.
    runtime: Runtime,
}

impl KernelEngine {
    pub(crate) fn new(name: &str) -> Self {
        let pin_dir =
            PathBuf::from(format!("/sys/fs/bpf/lb-ctl-cases-{}-{name}", std::process::id()));
        let options = OpenOptions { pin_dir, capacity: CAPACITY, seed: DEFAULT_SEED };
        let dataplane = AyaDataplane::open(&options).expect("the kernel takes the program");
        Self { dataplane, options, traced: None, undo: Vec::new() }
    }

    /// Leaves the tables as a daemon does that dies before it has told packets of a single real.
    pub(crate) fn forget_hops(&mut self) {
        let pins = fs::read_dir(&self.options.pin_dir).expect("pins");
        let pins = pins.map(|pin| pin.expect("a pin").path());
        let lines = pins.map(|pin| pin.join(names::REAL_LINES)).find(|path| path.exists());
        let lines = MapData::from_pin(lines.expect("tables")).expect("lines of reals");
        let lines = Map::from_map_data(lines).expect("an array");
        let mut lines: Array<MapData, [u64; 8]> = lines.try_into().expect("an array");
        for index in 0..lines.len() {
            lines.set(index, [0; 8], 0).expect("a line");
        }
    }

    /// A daemon that is started anew takes the tables over.
    pub(crate) fn start_again(&mut self) {
        self.dataplane = AyaDataplane::open(&self.options).expect("the tables are taken over");
        assert!(self.dataplane.adopted());
    }

    /// The same with the program that traces.
    pub(crate) fn tracing(name: &str) -> Self {
        let mut engine = Self::new(name);
        let load = engine.dataplane.tracer();
        let tracer = load(&Filter::ANY).expect("the kernel takes the program that traces");
        let runtime = Runtime::new().expect("threads");
        let entered = runtime.enter();
        let samples = engine.dataplane.start_trace(tracer).expect("its events can be waited for");
        drop(entered);
        engine.traced = Some(Traced { samples, runtime });
        engine
    }

    /// The next `count` packets that are told of.
    pub(crate) fn told(&mut self, count: usize) -> Vec<Event> {
        let Traced { samples, runtime } = self.traced.as_mut().expect("packets are traced");
        let mut events = Vec::new();
        while events.len() < count {
            let next = async { timeout(SOON, samples.next()).await };
            let told = runtime.block_on(next).expect("packets are told of").expect("without end");
            assert_eq!(told.lost, 0);
            events.extend(told.events);
        }
        events
    }

    /// Empties the kernel's tables of what would stay there beside a world, which takes less than
    /// loading the program again. What the world replaces is left, since the kernel waits for
    /// running programs wherever a ring or an order goes.
    fn clear(&mut self, world: &MemoryTables) {
        let is_replaced = |op: &MapOp| match op {
            MapOp::RemoveRing { service } => world.rings.contains_key(service),
            MapOp::RemoveOrder { service } => world.orders.contains_key(service),
            _ => false,
        };
        let undo = self.undo.drain(..).filter(|op| !is_replaced(op));
        let reals = (0..CAPACITY.reals)
            .flat_map(|id| [MapOp::PutReal { id, real: Real::default() }, MapOp::ZeroReal { id }]);
        let counters = (0..CAPACITY.services).map(|id| MapOp::ZeroService { id });
        for op in undo.chain(reals).chain(counters) {
            self.dataplane.run(&op).expect("it can be undone");
        }
        self.dataplane.zero_reasons().expect("reasons");
        for id in 0..CAPACITY.services {
            self.dataplane.zero_deferred(id).expect("count");
            self.dataplane.zero_turns(id).expect("turns");
        }
        remove_all(Be32::connections(&self.dataplane).expect("connections"));
        remove_all(Be128::connections(&self.dataplane).expect("connections"));
        remove_all(Be32::fragments(&self.dataplane).expect("fragments"));
        remove_all(Be128::fragments(&self.dataplane).expect("fragments"));
    }

    /// Makes the kernel's tables those of a world, and nothing else.
    pub(crate) fn load(&mut self, world: &MemoryTables) {
        self.clear(world);
        self.undo = undo(world);
        let dataplane = &mut self.dataplane;
        let services = endpoints(&world.v4).chain(endpoints(&world.v6)).collect();
        for (service, details) in &world.details {
            let (service, details) = (*service, *details);
            dataplane.run(&MapOp::PutDetails { service, details }).expect("details");
        }
        for (service, order) in &world.orders {
            dataplane.put_order_places(*service, order).expect("order");
        }
        for (real, load) in world.loads.borrow().iter() {
            dataplane.put_load(*real, *load).expect("load");
        }
        for mac in &world.peers {
            dataplane.run(&MapOp::PutPeer { mac: *mac }).expect("peer");
        }
        for mac in &world.virtual_macs {
            dataplane.run(&MapOp::PutVirtualMac { mac: *mac }).expect("virtual router");
        }
        for (service, prefix, said) in sources(&world.v4).chain(sources(&world.v6)) {
            dataplane.run(&MapOp::PutSource { service, prefix, said }).expect("prefix");
        }
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
        put_entries(dataplane, &world.v4, (world.now, now));
        put_entries(dataplane, &world.v6, (world.now, now));
    }

    /// Leaves rare packets to nobody.
    pub(crate) fn remove_long_way(&mut self) {
        self.dataplane.remove_long_way().expect("the map is there");
    }
}

/// Fills the tables of connections and of fragmented datagrams. `then` and `now` are one moment, by
/// the world's clock and by the kernel's.
fn put_entries<A: FamilyMaps>(
    dataplane: &AyaDataplane,
    family: &MemoryFamily<A>,
    (then, now): (Ticks, Ticks),
) where
    FlowKey<A>: aya::Pod,
{
    let aged = |connection: Connection| {
        let age = then - connection.seen;
        Connection { seen: now.wrapping_sub(age), ..connection }
    };
    let mut connections = A::connections(dataplane).expect("connections");
    for (flow, connection) in family.connections.borrow().iter() {
        connections.insert(flow, aged(connection.get()), 0).expect("connection");
    }
    let mut fragments = A::fragments(dataplane).expect("fragments");
    for (datagram, first) in family.fragments.borrow().iter() {
        fragments.insert(datagram, aged(*first), 0).expect("fragment");
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

fn endpoints<A: Address>(family: &MemoryFamily<A>) -> impl Iterator<Item = (Endpoint, Service)> {
    let narrow = family.services.iter();
    let narrow = narrow.map(|(key, service)| (endpoint(*key, key.port.get()), *service));
    let wide = family.wide.iter().map(|(key, last, service)| (endpoint(*key, *last), *service));
    narrow.chain(wide)
}

fn endpoint<A: Address>(key: ServiceKey<A>, last: u16) -> Endpoint {
    let protocol = Protocol::from_number(key.protocol as u8).expect("TCP or UDP");
    let port = Ports::range(key.port.get(), last).unwrap_or(Ports::ANY);
    Endpoint { protocol, address: A::Std::from(key.vip).into(), port }
}

/// The source lists of a family: service, prefix and what is said of it.
fn sources<A: Address>(family: &MemoryFamily<A>) -> impl Iterator<Item = (u32, IpNet, u32)> {
    family.sources.iter().map(|(service, network, mask, said)| {
        let network: IpAddr = A::Std::from(*network).into();
        let words = if network.is_ipv4() { &mask[..1] } else { &mask[..] };
        let length: u32 = words.iter().map(|word| word.count_ones()).sum();
        (*service, IpNet::new(network, length as u8).expect("a prefix"), *said)
    })
}

/// What takes a world out of the tables whose keys the engine does not know.
fn undo(world: &MemoryTables) -> Vec<MapOp> {
    let rings = world.rings.keys().map(|service| MapOp::RemoveRing { service: *service });
    let orders = world.orders.keys().map(|service| MapOp::RemoveOrder { service: *service });
    let sources = sources(&world.v4).chain(sources(&world.v6));
    let sources = sources.map(|(service, prefix, _)| MapOp::RemoveSource { service, prefix });
    let peers = world.peers.iter().map(|mac| MapOp::RemovePeer { mac: *mac });
    let virtual_macs = world.virtual_macs.iter().map(|mac| MapOp::RemoveVirtualMac { mac: *mac });
    let peers = peers.chain(virtual_macs);
    let egress = world.egress.iter().map(|ifindex| MapOp::RemoveEgress { ifindex: *ifindex });
    let ingress = world.ingress.keys().map(|ifindex| MapOp::RemoveIngress { ifindex: *ifindex });
    rings.chain(orders).chain(sources).chain(peers).chain(egress).chain(ingress).collect()
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
        let refusals = (0..CAPACITY.services).flat_map(|id| {
            let counts = self.dataplane.refusals(id).expect("counts").into_iter();
            counts.zip(Reason::ALL).map(move |(count, reason)| ((id, reason.name()), count))
        });
        let refusals = refusals.filter(|(_, count)| *count > 0);
        Counters {
            reasons: named.filter(|(_, count)| *count > 0).collect(),
            services: services.collect(),
            reals: reals.collect(),
            deferred: deferred.collect(),
            refusals: refusals.collect(),
        }
    }

    fn connection(&self, flow: &Flow) -> Option<Connection> {
        match flow {
            Flow::V4(key) => Be32::connections(&self.dataplane).expect("map").get(key, 0).ok(),
            Flow::V6(key) => Be128::connections(&self.dataplane).expect("map").get(key, 0).ok(),
        }
    }

    fn load_of(&self, real: RealId) -> Load {
        self.dataplane.load_of(real).expect("load")
    }

    fn set_budget(&mut self, budget: Budget) {
        self.dataplane.put_budget(budget).expect("budget");
    }

    fn now(&self) -> Ticks {
        self.dataplane.now().expect("clock")
    }
}
