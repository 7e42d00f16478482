//! What the controller needs of the packet path, behind a trait: the kernel in production, plain
//! memory in unit tests.

use std::collections::HashMap;
use std::net::IpAddr;

use lb_common::key::Protocol;
use lb_common::value::{RealId, Stats, Ticks};
use thiserror::Error;

use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;
use crate::reconcile::op::MapOp;

pub mod aya;
pub mod directory;
#[cfg(test)]
pub mod fake;

/// A tracked connection, as the packet path has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tracked {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The client's address and port.
    pub client: (IpAddr, u16),
    /// The VIP and port.
    pub vip: (IpAddr, u16),
    /// The flow's hash, which says its slot of the ring.
    pub hash: u32,
    /// The real that owns it.
    pub real: RealId,
    /// That real's generation when the connection was made.
    pub generation: u32,
    /// One of [`lb_common::value::connection_state`].
    pub state: u32,
    /// Seconds until it is forgotten if no packet comes.
    pub expires: u64,
}

impl Tracked {
    /// The service the connection belongs to.
    pub const fn endpoint(&self) -> Endpoint {
        Endpoint { protocol: self.protocol, address: self.vip.0, port: self.vip.1 }
    }
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

    /// Removes entries that have expired, so that they take no room from others: what is least
    /// recently used is not always what is least needed.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn sweep(&mut self) -> Result<(), DataplaneError>;
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

/// The packet path as the controller sees it.
pub trait Dataplane {
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

    /// A reader of the connections of services, whose idle timeouts are given.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn connections(
        &self,
        idle: HashMap<Endpoint, Ticks>,
    ) -> Result<Box<dyn ReadConnections>, DataplaneError>;

    /// What the tables can hold.
    fn capacity(&self) -> Capacity;

    /// How full the tables are, but for those of connections.
    fn fixed_fill(&self) -> Vec<MapFill>;

    /// The kernel's id of the program.
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
