//! The tables in ordinary memory, for tests on the host.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use lb_common::be::{Address as _, Be32, Be128};
use lb_common::budget::Budget;
use lb_common::details::Details;
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::limits::DEFAULT_RING_SLOTS;
use lb_common::ring::Slot;
use lb_common::value::{Connection, Load, Mac, NextHop, Real, RealId, Service, Stats, Ticks};
use lb_common::verdict::{REASONS, Reason};
use lb_common::vlan::Tags;

use crate::tables::{ConnectionEntry, Counted, FamilyTables, Tables};

/// The tables of one address family.
#[derive(Default, Debug)]
pub struct Family<A> {
    /// Services by key.
    pub services: HashMap<ServiceKey<A>, Service>,
    /// Services of more than one port: address, protocol, first and last port.
    pub wide: Vec<(ServiceKey<A>, u16, Service)>,
    /// The VIPs.
    pub vips: HashSet<A>,
    /// Source lists: service, address, netmask, what they say. The longest comes first.
    pub sources: Vec<(u32, A, [u32; 4], u32)>,
    /// Connections and templates.
    pub connections: RefCell<HashMap<FlowKey<A>, Rc<Cell<Connection>>>>,
    /// Where the first fragments of datagrams went.
    pub fragments: RefCell<HashMap<FlowKey<A>, Connection>>,
}

/// All tables. Counters grow as they are touched; what was never touched is not there.
#[derive(Debug)]
pub struct MemoryTables {
    /// The clock.
    pub now: Ticks,
    /// The flow hash's seed.
    pub seed: u64,
    /// IPv4.
    pub v4: Family<Be32>,
    /// IPv6.
    pub v6: Family<Be128>,
    /// Slots of each ring.
    pub ring_slots: u32,
    /// Rings by service id.
    pub rings: HashMap<u32, Vec<Slot>>,
    /// Orders of services whose schedulers are no hashes, by id.
    pub orders: HashMap<u32, Vec<RealId>>,
    /// What stands beside services, by id.
    pub details: HashMap<u32, Details>,
    /// Whose turn it is, by service.
    pub turns: RefCell<HashMap<u32, u32>>,
    /// What may be recorded for services that track changes.
    pub budget: Cell<Budget>,
    /// Packets of flows that could not be recorded, by service.
    pub deferred: RefCell<HashMap<u32, u64>>,
    /// Reals by id.
    pub reals: HashMap<RealId, Real>,
    /// Connections of reals.
    pub loads: RefCell<HashMap<RealId, Load>>,
    /// MACs of possible other directors.
    pub peers: HashSet<Mac>,
    /// MACs of virtual routers.
    pub virtual_macs: HashSet<Mac>,
    /// MACs of the interfaces that packets come in by.
    pub ingress: HashMap<u32, Mac>,
    /// Interfaces that can be redirected to.
    pub egress: Vec<u32>,
    /// Counters of services.
    pub service_stats: RefCell<HashMap<u32, Stats>>,
    /// Counters of reals.
    pub real_stats: RefCell<HashMap<RealId, Stats>>,
    /// Packets of services that were not forwarded, by service and reason.
    pub refusals: RefCell<HashMap<(u32, &'static str), u64>>,
    /// Counters of reasons.
    pub reasons: RefCell<[u64; REASONS as usize]>,
}

impl Default for MemoryTables {
    fn default() -> Self {
        Self {
            now: 1_000_000,
            seed: DEFAULT_SEED,
            v4: Family::default(),
            v6: Family::default(),
            ring_slots: DEFAULT_RING_SLOTS,
            rings: HashMap::new(),
            orders: HashMap::new(),
            details: HashMap::new(),
            turns: RefCell::default(),
            budget: Cell::new(Budget::of(0, u32::MAX)),
            deferred: RefCell::default(),
            reals: HashMap::new(),
            loads: RefCell::default(),
            peers: HashSet::new(),
            virtual_macs: HashSet::new(),
            ingress: HashMap::new(),
            egress: Vec::new(),
            service_stats: RefCell::default(),
            real_stats: RefCell::default(),
            refusals: RefCell::default(),
            reasons: RefCell::default(),
        }
    }
}

/// A connection in memory.
pub struct MemoryEntry(Rc<Cell<Connection>>);

impl ConnectionEntry for MemoryEntry {
    fn get(&self) -> Connection {
        self.0.get()
    }

    fn touch(&self, seen: Ticks, state: u32) {
        self.0.set(Connection { seen, state, ..self.0.get() });
    }
}

macro_rules! family_tables {
    ($address:ty, $field:ident) => {
        impl FamilyTables<$address> for MemoryTables {
            type Entry = MemoryEntry;

            fn service(&self, key: &ServiceKey<$address>) -> Option<Service> {
                self.$field.services.get(key).copied()
            }

            fn has_wide(&self) -> bool {
                !self.$field.wide.is_empty()
            }

            fn wide_service(&self, key: &ServiceKey<$address>) -> Option<Service> {
                let same = |first: &ServiceKey<$address>, last: u16| {
                    (first.vip, first.protocol) == (key.vip, key.protocol)
                        && (first.port.get()..=last).contains(&key.port.get())
                };
                let holding = self.$field.wide.iter().filter(|(first, last, _)| same(first, *last));
                let narrowest = holding.min_by_key(|(first, last, _)| last - first.port.get());
                narrowest.map(|(.., service)| *service)
            }

            fn is_vip(&self, address: &$address) -> bool {
                self.$field.vips.contains(address)
            }

            fn source(&self, service: u32, address: &$address) -> Option<u32> {
                let lists = self.$field.sources.iter();
                let mut lists = lists.filter(|(id, ..)| *id == service);
                let found = lists.find(|(_, network, mask, _)| address.masked(mask) == *network);
                found.map(|(.., said)| *said)
            }

            fn connection(&self, key: &FlowKey<$address>) -> Option<MemoryEntry> {
                self.$field.connections.borrow().get(key).cloned().map(MemoryEntry)
            }

            fn store_connection(&self, key: &FlowKey<$address>, connection: &Connection) {
                let entry = Rc::new(Cell::new(*connection));
                self.$field.connections.borrow_mut().insert(*key, entry);
            }

            fn fragment(&self, key: &FlowKey<$address>) -> Option<Connection> {
                self.$field.fragments.borrow().get(key).copied()
            }

            fn store_fragment(&self, key: &FlowKey<$address>, connection: &Connection) {
                self.$field.fragments.borrow_mut().insert(*key, *connection);
            }
        }
    };
}

family_tables!(Be32, v4);
family_tables!(Be128, v6);

impl Tables for MemoryTables {
    type Counter = RealId;

    fn seed(&self) -> u64 {
        self.seed
    }

    fn now(&self) -> Ticks {
        self.now
    }

    fn ring_slots(&self) -> u32 {
        self.ring_slots
    }

    fn ring(&self, service: u32, slot: u32) -> Option<Slot> {
        self.rings.get(&service)?.get(slot as usize).copied()
    }

    fn ordered(&self, service: u32, place: u32) -> Option<RealId> {
        self.orders.get(&service)?.get(place as usize).copied()
    }

    fn details(&self, service: u32) -> Option<&Details> {
        self.details.get(&service)
    }

    fn next_turn(&self, service: u32) -> u32 {
        let mut turns = self.turns.borrow_mut();
        let turn = turns.entry(service).or_default();
        let before = *turn;
        *turn = before.wrapping_add(1);
        before
    }

    fn may_record(&self, now: Ticks) -> bool {
        let mut budget = self.budget.get();
        let may = budget.take(now);
        self.budget.set(budget);
        may
    }

    fn count_deferred(&self, service: u32) {
        *self.deferred.borrow_mut().entry(service).or_default() += 1;
    }

    fn real(&self, id: RealId) -> Option<(NextHop, RealId)> {
        self.reals.get(&id).map(|real| (real.hop(), id))
    }

    fn tags(&self, id: RealId) -> Tags {
        self.reals.get(&id).map_or(Tags::NONE, |real| real.tags)
    }

    fn load(&self, id: RealId) -> Load {
        self.loads.borrow().get(&id).copied().unwrap_or_default()
    }

    fn count_load(&self, id: RealId, active: i32, inactive: i32) {
        let mut loads = self.loads.borrow_mut();
        let load = loads.entry(id).or_default();
        load.active = load.active.wrapping_add_signed(active.into());
        load.inactive = load.inactive.wrapping_add_signed(inactive.into());
    }

    fn is_peer(&self, mac: &Mac) -> bool {
        self.peers.contains(mac)
    }

    fn is_virtual_mac(&self, mac: &Mac) -> bool {
        self.virtual_macs.contains(mac)
    }

    fn ingress_mac(&self, ifindex: u32) -> Option<Mac> {
        self.ingress.get(&ifindex).copied()
    }

    fn redirect(&self, ifindex: u32) -> bool {
        self.egress.contains(&ifindex)
    }

    fn count_forwarded(&self, service: u32, real: &RealId, packet: Counted) {
        let Counted { bytes, opens, closes } = packet;
        let packet = Stats { connections: opens, packets: 1, bytes, closes };
        *self.service_stats.borrow_mut().entry(service).or_default() += packet;
        *self.real_stats.borrow_mut().entry(*real).or_default() += packet;
    }

    fn count_refusal(&self, service: u32, reason: Reason) {
        *self.refusals.borrow_mut().entry((service, reason.name())).or_default() += 1;
    }

    fn count_reason(&self, reason: Reason) {
        self.reasons.borrow_mut()[reason as usize] += 1;
    }
}
