//! The state that the packet path reads and writes, wherever it is kept.

use lb_common::be::{Be32, Be128};
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Mac, Real, RealId, Service, Ticks};
use lb_common::verdict::Reason;

/// A connection found in the table, to be read and written in place without a second look-up.
/// Another CPU may write it at the same time; each field is then one of the two values.
pub trait ConnectionEntry {
    /// The entry as it is now.
    fn get(&self) -> Connection;
    /// Notes when it was seen last and its state; the owner never changes in place.
    fn touch(&self, seen: Ticks, state: u32);
}

/// What a forwarded packet counts for.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Its length, from the IP header on.
    pub bytes: u32,
    /// Whether it begins a connection.
    pub opens: bool,
    /// Whether it has FIN or RST.
    pub closes: bool,
}

/// The tables that exist once for each address family.
pub trait FamilyTables<A> {
    /// What a connection look-up gives.
    type Entry: ConnectionEntry;

    /// The service with this key.
    fn service(&self, key: &ServiceKey<A>) -> Option<Service>;
    /// The connection of this flow.
    fn connection(&self, key: &FlowKey<A>) -> Option<Self::Entry>;
    /// Stores a connection, in the place of what stood there.
    fn store_connection(&self, key: &FlowKey<A>, connection: &Connection);
}

/// All tables.
pub trait Tables: FamilyTables<Be32> + FamilyTables<Be128> {
    /// Seed of the flow hash.
    fn seed(&self) -> u64;
    /// The time.
    fn now(&self) -> Ticks;
    /// Slots of each ring.
    fn ring_slots(&self) -> u32;
    /// What slot `slot` of the service's ring says.
    fn ring(&self, service: u32, slot: u32) -> Option<Slot>;
    /// Whether this CPU may record one more flow in this tick.
    fn may_record(&self, now: Ticks) -> bool;
    /// Counts a packet of the service whose flow could not be recorded.
    fn count_deferred(&self, service: u32);
    /// The real with this id.
    fn real(&self, id: RealId) -> Option<Real>;
    /// The MAC of an interface whose packets may be sent out of another one.
    fn ingress_mac(&self, ifindex: u32) -> Option<Mac>;
    /// Prepares to send the packet out of another interface; says whether that can be done.
    fn redirect(&self, ifindex: u32) -> bool;
    /// Counts a forwarded packet, for its service and its real.
    fn count_forwarded(&self, service: u32, real: RealId, packet: Counted);
    /// Counts a packet's way out.
    fn count_reason(&self, reason: Reason);
}
