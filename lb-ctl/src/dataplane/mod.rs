//! What the controller needs of the packet path, behind a trait: the kernel in production, plain
//! memory in unit tests.

use std::net::IpAddr;

use futures_util::stream::BoxStream;
use lb_common::key::Protocol;
use lb_common::trace::{Event, Filter};
use lb_common::value::{Connection, Load, RealId, Stats, TICK_SHIFT, Ticks, connection_state};
use thiserror::Error;

use self::flow::Flow;
use self::keeping::Keeping;
use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;
use crate::reconcile::op::MapOp;

pub mod aya;
pub mod directory;
#[cfg(test)]
pub mod fake;
pub mod flow;
pub mod keeping;

/// A tracked connection, as the packet path has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tracked {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The client's address and port.
    pub client: (IpAddr, u16),
    /// The VIP and port; for a template the lowest port of its service.
    pub vip: (IpAddr, u16),
    /// The service it belongs to.
    pub endpoint: Endpoint,
    /// The flow's hash, which says its slot of the ring.
    pub hash: u32,
    /// The real that owns it.
    pub real: RealId,
    /// That real's generation when the connection was made.
    pub generation: u32,
    /// One of [`lb_common::value::connection_state`].
    pub state: u32,
    /// When its last packet was seen, or when it was written here.
    pub seen: Ticks,
    /// How long until it is forgotten if no packet comes.
    pub left: Ticks,
}

impl Tracked {
    /// Seconds until it is forgotten if no packet comes.
    pub const fn expires(&self) -> u64 {
        ((self.left as u64) << TICK_SHIFT) / 1_000_000_000
    }

    /// Whether it is no connection, but says where a client's next ones go.
    pub const fn is_template(&self) -> bool {
        self.state == connection_state::TEMPLATE
    }
}

/// By how much the packet path is wrong about a real's connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Correction {
    /// The real.
    pub real: RealId,
    /// How many more are active than it believes.
    pub active: i64,
    /// How many more are not.
    pub inactive: i64,
}

/// Reads the connection tables apart from the task that owns the data plane, since that may take a
/// second where there are millions.
pub trait ReadConnections: Send {
    /// The connections that have not expired.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn read(&self) -> Result<Vec<Tracked>, DataplaneError>;

    /// Keeps clients that still have connections with their reals: their templates are as if used
    /// now.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn keep_clients(&mut self, connections: &[Tracked]) -> Result<(), DataplaneError>;

    /// How many connections the packet path believes each real to have, by its id.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn loads(&self) -> Result<Vec<Load>, DataplaneError>;

    /// Adds to what it believes, while it goes on counting.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn correct_loads(&mut self, corrections: &[Correction]) -> Result<(), DataplaneError>;

    /// Removes entries that have expired, so that they take no room from others: what is least
    /// recently used is not always what is least needed.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn sweep(&mut self) -> Result<(), DataplaneError>;
}

/// Whether an entry is to be there when another is written in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// It is not: one that a packet has made meanwhile stays.
    Free,
    /// It is: one that has been forgotten meanwhile stays forgotten.
    Taken,
}

/// Reads and writes single entries of the connection tables.
pub trait EditConnections {
    /// An entry, expired or not.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn entry(&self, flow: &Flow) -> Result<Option<Connection>, DataplaneError>;

    /// Writes an entry, and says whether the place was as it was said to be, and it was written.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn put(&mut self, flow: &Flow, entry: Connection, place: Place)
    -> Result<bool, DataplaneError>;
}

/// A table and what it can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Services.
    pub services: u32,
    /// Reals of all services.
    pub reals: u32,
    /// Connections of each address family.
    pub connections: u32,
    /// Slots of each service's ring, a prime.
    pub ring_slots: u32,
}

/// How the program is attached to an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttachMode {
    /// In the driver.
    Native,
    /// In the stack, for drivers without XDP.
    Generic,
}

impl AttachMode {
    /// The word of the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

/// A program that the kernel says is on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// In which mode.
    pub mode: AttachMode,
    /// The program's id.
    pub program_id: u32,
}

/// Which mode is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ModeChoice {
    /// Native where the driver can, else generic.
    #[default]
    Auto,
    /// Native or not at all.
    Native,
    /// Generic.
    Generic,
}

impl ModeChoice {
    /// Whether an attachment of this mode is what is asked for.
    pub const fn allows(self, mode: AttachMode) -> bool {
        match self {
            Self::Auto => true,
            Self::Native => matches!(mode, AttachMode::Native),
            Self::Generic => matches!(mode, AttachMode::Generic),
        }
    }
}

/// An attachment that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// In which mode.
    pub mode: AttachMode,
    /// Why in this mode.
    pub reason: String,
    /// The kernel's id of the link.
    pub link_id: u32,
}

/// How full a map is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapFill {
    /// The map.
    pub name: &'static str,
    /// Entries in use.
    pub entries: u64,
    /// Entries it can hold.
    pub capacity: u64,
}

impl MapFill {
    /// The fill of a map.
    pub fn new(name: &'static str, entries: u64, capacity: u32) -> Self {
        Self { name, entries, capacity: u64::from(capacity) }
    }
}

/// Packets that were traced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Samples {
    /// In the order in which they left; not empty.
    pub events: Vec<Event>,
    /// How many there was no room for, since the trace began.
    pub lost: u64,
}

/// Loads a program that traces. That takes a second, and needs nothing of the data plane that
/// changes: it is meant for another thread.
pub type LoadTracer<T> = Box<dyn FnOnce(&Filter) -> Result<T, DataplaneError> + Send>;

/// The packet path as the controller sees it.
pub trait Dataplane {
    /// A program that traces, loaded.
    type Tracer: Send + 'static;

    /// Reads back what the maps hold.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, or the maps contradict themselves.
    fn read_back(&self) -> Result<Actual, DataplaneError>;

    /// Carries out one operation.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses; then nothing of the operation was done.
    fn run(&mut self, op: &MapOp) -> Result<(), DataplaneError>;

    /// Carries out operations that are all of one kind, which takes far less time than one by one.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses; some may have been carried out, and to do it again does no harm.
    fn run_alike(&mut self, ops: &[MapOp]) -> Result<(), DataplaneError>;

    /// Counters of a service, summed over the CPUs.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn service_stats(&self, id: u32) -> Result<Stats, DataplaneError>;

    /// Counters of a real, summed over the CPUs.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn real_stats(&self, id: RealId) -> Result<Stats, DataplaneError>;

    /// How many packets left by each reason, in the order of `Reason::ALL`.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn reasons(&self) -> Result<Vec<u64>, DataplaneError>;

    /// How many packets of a service were not forwarded, in the order of `Reason::ALL`.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn refusals(&self, service: u32) -> Result<Vec<u64>, DataplaneError>;

    /// How many packets of a service belonged to flows that should have been recorded and could
    /// not.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn deferred(&self, service: u32) -> Result<u64, DataplaneError>;

    /// The packet path's clock.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    fn now(&self) -> Result<Ticks, DataplaneError>;

    /// Sets the counters of reasons to zero.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn zero_reasons(&mut self) -> Result<(), DataplaneError>;

    /// A reader of the connections of these services.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn connections(&self, keeping: Keeping) -> Result<Box<dyn ReadConnections>, DataplaneError>;

    /// What reads and writes single connections.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn edit_connections(&self) -> Result<Box<dyn EditConnections>, DataplaneError>;

    /// What the tables can hold.
    fn capacity(&self) -> Capacity;

    /// How full the tables are, but for those of connections.
    fn fixed_fill(&self) -> Vec<MapFill>;

    /// What the kernel has set aside for a map, without maps that it holds, in bytes.
    ///
    /// # Errors
    ///
    /// Where the kernel does not tell.
    fn memory(&self, map: &'static str) -> Result<u64, DataplaneError>;

    /// What the kernel has set aside for the ring of a service, in bytes; 0 without one. All rings
    /// take the same.
    ///
    /// # Errors
    ///
    /// Where the kernel does not tell.
    fn ring_memory(&self, service: u32) -> Result<u64, DataplaneError>;

    /// The kernel's id of the program that is put on interfaces.
    fn program_id(&self) -> u32;

    /// Whether maps were taken over from an earlier daemon.
    fn adopted(&self) -> bool;

    /// Puts the program on an interface. `before` is what the kernel says is on it; where that is
    /// the link which is pinned for it, in a mode that fits, the program is swapped without a gap.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, with the reason and the remedy.
    fn attach(
        &mut self,
        name: &str,
        ifindex: u32,
        choice: ModeChoice,
        before: Option<Held>,
    ) -> Result<Attachment, DataplaneError>;

    /// What loads a program that traces.
    fn tracer(&self) -> LoadTracer<Self::Tracer>;

    /// Puts a program that traces on every interface in the place of the other one, without a gap,
    /// and gives what it tells. Interfaces on which it cannot be put keep the other, and the log
    /// says which.
    ///
    /// # Errors
    ///
    /// Where it could not tell anything.
    fn start_trace(
        &mut self,
        tracer: Self::Tracer,
    ) -> Result<BoxStream<'static, Samples>, DataplaneError>;

    /// Puts the other program back; fine where nothing is traced.
    fn end_trace(&mut self);

    /// Whether packets are traced.
    fn is_tracing(&self) -> bool;

    /// Takes the program off an interface; fine where it is not on it.
    ///
    /// # Errors
    ///
    /// Where the pin cannot be removed.
    fn detach(&mut self, name: &str) -> Result<(), DataplaneError>;

    /// Interfaces with a pinned link, of this daemon or an earlier one.
    ///
    /// # Errors
    ///
    /// Where the pin directory cannot be read.
    fn attached(&self) -> Result<Vec<String>, DataplaneError>;

    /// Detaches from every interface and removes every pin: forwarding ends.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be removed.
    fn unpin_all(&mut self) -> Result<(), DataplaneError>;

    /// Undoes a start that failed: detaches from interfaces that are not among `links`, and
    /// removes tables that were not taken over.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be removed.
    fn discard(&mut self, links: &[String]) -> Result<(), DataplaneError>;

    /// Pins the program, now that it forwards, and removes tables of an earlier daemon that this
    /// one did not take over.
    ///
    /// # Errors
    ///
    /// Where a pin cannot be made or removed.
    fn confirm(&mut self) -> Result<(), DataplaneError>;
}

/// A failed operation on the packet path.
#[derive(Debug, Error)]
pub enum DataplaneError {
    /// A map operation failed.
    #[error("{operation} in map {map}: {cause}")]
    Map {
        /// What was tried.
        operation: &'static str,
        /// The map.
        map: &'static str,
        /// What the kernel said.
        cause: String,
    },
    /// The program or its maps could not be set up.
    #[error("{0}")]
    Setup(String),
    /// The program could not be attached to an interface.
    #[error("cannot attach to {interface}: {cause}")]
    Attach {
        /// The interface.
        interface: String,
        /// Why, and what to do.
        cause: String,
    },
}
