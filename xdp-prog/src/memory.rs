//! The tables in ordinary memory, for tests on the host.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use lb_common::be::{Be32, Be128};
use lb_common::budget::Budget;
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::limits::DEFAULT_RING_SLOTS;
use lb_common::ring::Slot;
use lb_common::value::{Connection, Mac, Real, RealId, Service, Stats, Ticks};
use lb_common::verdict::{REASONS, Reason};

use crate::tables::{ConnectionEntry, Counted, FamilyTables, Tables};

/// The tables of one address family.
#[derive(Default, Debug)]
pub struct Family<A> {
    /// Services by key.
    pub services: HashMap<ServiceKey<A>, Service>,
    /// Connections by flow.
    pub connections: RefCell<HashMap<FlowKey<A>, Rc<Cell<Connection>>>>,
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
    /// What may be recorded for services that track changes.
    pub budget: Cell<Budget>,
    /// Packets of flows that could not be recorded, by service.
    pub deferred: RefCell<HashMap<u32, u64>>,
    /// Reals by id.
    pub reals: HashMap<RealId, Real>,
    /// MACs of the interfaces that packets come in by.
    pub ingress: HashMap<u32, Mac>,
    /// Interfaces that can be redirected to.
    pub egress: Vec<u32>,
    /// Counters of services.
    pub service_stats: RefCell<HashMap<u32, Stats>>,
    /// Counters of reals.
    pub real_stats: RefCell<HashMap<RealId, Stats>>,
    /// Counters of reasons.
    pub reasons: RefCell<[u64; REASONS as usize]>,
}

impl Default for MemoryTables {
    fn default() -> Self {
        Self {
            now: 1_000_000,
            seed: DEFAULT_SEED,
            v4: Family { services: HashMap::new(), connections: RefCell::default() },
            v6: Family { services: HashMap::new(), connections: RefCell::default() },
            ring_slots: DEFAULT_RING_SLOTS,
            rings: HashMap::new(),
            budget: Cell::new(Budget::of(0, u32::MAX)),
            deferred: RefCell::default(),
            reals: HashMap::new(),
            ingress: HashMap::new(),
            egress: Vec::new(),
            service_stats: RefCell::default(),
            real_stats: RefCell::default(),
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

            fn connection(&self, key: &FlowKey<$address>) -> Option<MemoryEntry> {
                self.$field.connections.borrow().get(key).cloned().map(MemoryEntry)
            }

            fn store_connection(&self, key: &FlowKey<$address>, connection: &Connection) {
                let entry = Rc::new(Cell::new(*connection));
                self.$field.connections.borrow_mut().insert(*key, entry);
            }
        }
    };
}

family_tables!(Be32, v4);
family_tables!(Be128, v6);

impl Tables for MemoryTables {
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

    fn may_record(&self, now: Ticks) -> bool {
        let mut budget = self.budget.get();
        let may = budget.take(now);
        self.budget.set(budget);
        may
    }

    fn count_deferred(&self, service: u32) {
        *self.deferred.borrow_mut().entry(service).or_default() += 1;
    }

    fn real(&self, id: RealId) -> Option<Real> {
        self.reals.get(&id).copied()
    }

    fn ingress_mac(&self, ifindex: u32) -> Option<Mac> {
        self.ingress.get(&ifindex).copied()
    }

    fn redirect(&self, ifindex: u32) -> bool {
        self.egress.contains(&ifindex)
    }

    fn count_forwarded(&self, service: u32, real: RealId, packet: Counted) {
        let Counted { bytes, opens, closes } = packet;
        let packet = Stats {
            connections: u64::from(opens),
            packets: 1,
            bytes: u64::from(bytes),
            closes: u64::from(closes),
        };
        *self.service_stats.borrow_mut().entry(service).or_default() += packet;
        *self.real_stats.borrow_mut().entry(real).or_default() += packet;
    }

    fn count_reason(&self, reason: Reason) {
        self.reasons.borrow_mut()[reason as usize] += 1;
    }
}
