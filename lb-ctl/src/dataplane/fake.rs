//! A data plane in plain memory, for unit tests. It refuses what the kernel would refuse, and
//! what would let a packet meet a half-made service.

use std::collections::{BTreeMap, HashMap};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Load, NO_REAL, Real, RealId, Service, Stats, Ticks};
use lb_common::verdict::REASONS;

use super::flow::Flow;
use super::keeping::Keeping;
use super::{
    AttachMode, Attachment, Capacity, Correction, Dataplane, DataplaneError, EditConnections, Held,
    LoadTracer, MapFill, ModeChoice, Place, ReadConnections, Samples, Tracked,
};
use crate::config::model::Endpoint;
use crate::reconcile::actual::{Actual, Inherited, in_use};
use crate::reconcile::op::MapOp;
use crate::sched::ring::Ring;

/// The maps.
#[derive(Debug)]
pub struct FakeDataplane {
    actual: Actual,
    /// Rings as they were filled.
    pub rings: HashMap<u32, Vec<Slot>>,
    /// Reals as they were written.
    pub reals: BTreeMap<RealId, Real>,
    /// Services as packets find them.
    pub services: HashMap<Endpoint, Service>,
    /// Fail the operation with this number (the first is 0), once.
    pub fail_at: Option<usize>,
    runs: usize,
    links: std::collections::BTreeSet<String>,
    capacity: Capacity,
    tracing: bool,
}

impl FakeDataplane {
    /// Empty maps.
    pub fn new(capacity: Capacity) -> Self {
        Self {
            actual: Actual::default(),
            rings: HashMap::new(),
            reals: BTreeMap::new(),
            services: HashMap::new(),
            fail_at: None,
            runs: 0,
            links: std::collections::BTreeSet::new(),
            capacity,
            tracing: false,
        }
    }

    /// What a packet could meet now: `Err` names a service with a ring that points to a real which
    /// cannot be used, or one whose interface is not there.
    ///
    /// # Errors
    ///
    /// The first inconsistency, in words.
    pub fn check(&self) -> Result<(), String> {
        for (endpoint, service) in &self.services {
            for slot in self.rings.get(&service.id).into_iter().flatten() {
                self.check_real(service.id, slot.current(), Real::accepts_new)
                    .and_then(|()| self.check_real(service.id, slot.origin(), Real::forwards))
                    .map_err(|why| format!("{endpoint}: {slot:?}: {why}"))?;
            }
        }
        Ok(())
    }

    fn check_real(&self, service: u32, id: RealId, can: fn(&Real) -> bool) -> Result<(), String> {
        if id == NO_REAL {
            return Ok(());
        }
        let real = self.reals.get(&id).ok_or("a ring names a real never written")?;
        if !in_use(real) || !can(real) || real.service != service {
            return Err(format!("{id} is {real:?}"));
        }
        if !real.is_local() && !self.actual.egress().contains(&real.ifindex) {
            return Err(format!("real {id} has no egress"));
        }
        Ok(())
    }
}

struct NoConnections;

impl ReadConnections for NoConnections {
    fn read(&self) -> Result<Vec<Tracked>, DataplaneError> {
        Ok(Vec::new())
    }

    fn sweep(&mut self) -> Result<(), DataplaneError> {
        Ok(())
    }

    fn keep_clients(&mut self, _: &[Tracked]) -> Result<(), DataplaneError> {
        Ok(())
    }

    fn loads(&self) -> Result<Vec<Load>, DataplaneError> {
        Ok(Vec::new())
    }

    fn correct_loads(&mut self, _: &[Correction]) -> Result<(), DataplaneError> {
        Ok(())
    }
}

impl EditConnections for NoConnections {
    fn entry(&self, _: &Flow) -> Result<Option<Connection>, DataplaneError> {
        Ok(None)
    }

    fn put(&mut self, _: &Flow, _: Connection, _: Place) -> Result<bool, DataplaneError> {
        Ok(false)
    }
}

impl Dataplane for FakeDataplane {
    type Tracer = ();

    fn memory(&self, _: &'static str) -> Result<u64, DataplaneError> {
        Ok(0)
    }

    fn ring_memory(&self, _: u32) -> Result<u64, DataplaneError> {
        Ok(0)
    }

    fn tracer(&self) -> LoadTracer<()> {
        Box::new(|_| Ok(()))
    }

    fn start_trace(&mut self, (): ()) -> Result<BoxStream<'static, Samples>, DataplaneError> {
        self.tracing = true;
        Ok(stream::pending().boxed())
    }

    fn end_trace(&mut self) {
        self.tracing = false;
    }

    fn is_tracing(&self) -> bool {
        self.tracing
    }

    fn read_back(&self) -> Result<Actual, DataplaneError> {
        let rings = self.rings.iter();
        let services = self.services.values().map(|service| service.id);
        Ok(Actual::inherited(Inherited {
            services: self.services.clone(),
            rings: rings.map(|(id, slots)| (*id, Ring::inherited(slots.clone(), 0))).collect(),
            details: services.filter_map(|id| Some((id, *self.actual.details(id)?))).collect(),
            sources: self.actual.sources().clone(),
            reals: self.reals.clone().into_iter().collect(),
            egress: self.actual.egress().clone(),
            ingress: self.actual.ingress().clone(),
            peers: self.actual.peers().clone(),
            virtual_macs: self.actual.virtual_macs().clone(),
        }))
    }

    fn run(&mut self, op: &MapOp) -> Result<(), DataplaneError> {
        let run = self.runs;
        self.runs += 1;
        if self.fail_at == Some(run) {
            self.fail_at = None;
            let cause = "no memory".to_owned();
            return Err(DataplaneError::Map { operation: "update", map: "FAKE", cause });
        }
        match op {
            MapOp::PutReal { id, real } => {
                assert!(*id > 0 && *id < self.capacity.reals, "real {id} is out of bounds");
                self.reals.insert(*id, *real);
            }
            MapOp::PutRing { service, ring } => {
                assert!(*service < self.capacity.services, "service {service} is out of bounds");
                self.rings.insert(*service, ring.slots(self.capacity.ring_slots).into_owned());
            }
            MapOp::RemoveRing { service } => {
                self.rings.remove(service).expect("a ring is removed once");
            }
            MapOp::SetServices { services } => {
                self.services = services.iter().copied().collect();
            }
            _ => {}
        }
        self.actual.record(op);
        Ok(())
    }

    fn service_stats(&self, _: u32) -> Result<Stats, DataplaneError> {
        Ok(Stats::default())
    }

    fn real_stats(&self, _: RealId) -> Result<Stats, DataplaneError> {
        Ok(Stats::default())
    }

    fn reasons(&self) -> Result<Vec<u64>, DataplaneError> {
        Ok(vec![0; REASONS as usize])
    }

    fn run_alike(&mut self, ops: &[MapOp]) -> Result<(), DataplaneError> {
        ops.iter().try_for_each(|op| self.run(op))
    }

    fn refusals(&self, _: u32) -> Result<Vec<u64>, DataplaneError> {
        Ok(vec![0; REASONS as usize])
    }

    fn deferred(&self, _: u32) -> Result<u64, DataplaneError> {
        Ok(0)
    }

    fn now(&self) -> Result<Ticks, DataplaneError> {
        Ok(0)
    }

    fn zero_reasons(&mut self) -> Result<(), DataplaneError> {
        Ok(())
    }

    fn connections(&self, _: Keeping) -> Result<Box<dyn ReadConnections>, DataplaneError> {
        Ok(Box::new(NoConnections))
    }

    fn edit_connections(&self) -> Result<Box<dyn EditConnections>, DataplaneError> {
        Ok(Box::new(NoConnections))
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn fixed_fill(&self) -> Vec<MapFill> {
        Vec::new()
    }

    fn program_id(&self) -> u32 {
        1
    }

    fn adopted(&self) -> bool {
        false
    }

    fn attach(
        &mut self,
        name: &str,
        ifindex: u32,
        _: ModeChoice,
        _: Option<Held>,
    ) -> Result<Attachment, DataplaneError> {
        self.links.insert(name.to_owned());
        let mode = AttachMode::Native;
        Ok(Attachment { mode, reason: "a fake".to_owned(), link_id: ifindex })
    }

    fn detach(&mut self, name: &str) -> Result<(), DataplaneError> {
        self.links.remove(name);
        Ok(())
    }

    fn attached(&self) -> Result<Vec<String>, DataplaneError> {
        Ok(self.links.iter().cloned().collect())
    }

    fn unpin_all(&mut self) -> Result<(), DataplaneError> {
        self.links.clear();
        Ok(())
    }

    fn discard(&mut self, links: &[String]) -> Result<(), DataplaneError> {
        self.links.retain(|name| links.contains(name));
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), DataplaneError> {
        Ok(())
    }
}
