//! The state that the packet path reads and writes, wherever it is kept.

use lb_common::be::{Be32, Be128};
use lb_common::details::Details;
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Load, Mac, NextHop, RealId, Service, Ticks};
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;

use crate::choice::{self, Asked, Choice};
use crate::frag;
use crate::ip::Ip;
use crate::read::Read;

/// A connection found in the table, to be read and written in place without a second look-up.
/// Another CPU may write it at the same time; each field is then one of the two values.
pub trait ConnectionEntry {
    /// The entry as it is now.
    fn get(&self) -> Connection;
    /// Notes when it was seen last and its state; the owner never changes in place.
    fn touch(&self, seen: Ticks, state: u32);
}

/// What a forwarded packet counts for: numbers to add, since the compiler packs a few small values
/// into one, and takes it apart again.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Its length, from the IP header on.
    pub bytes: u64,
    /// 1 where it begins a connection, else 0.
    pub opens: u64,
    /// 1 where it has FIN or RST, else 0.
    pub closes: u64,
}

impl Counted {
    /// A packet of this length.
    #[inline(always)]
    pub const fn new(bytes: u32, opens: bool, closes: bool) -> Self {
        Self { bytes: bytes as u64, opens: opens as u64, closes: closes as u64 }
    }
}

/// The tables that exist once for each address family.
pub trait FamilyTables<A> {
    /// What a connection look-up gives.
    type Entry: ConnectionEntry;

    /// The service with this key.
    fn service(&self, key: &ServiceKey<A>) -> Option<Service>;
    /// Whether there are services of more than one port.
    fn has_wide(&self) -> bool;
    /// The service of more than one port that is found by this key.
    fn wide_service(&self, key: &ServiceKey<A>) -> Option<Service>;
    /// Whether this is a VIP of any service.
    fn is_vip(&self, address: &A) -> bool;
    /// What the source lists of a service say of an address: see [`lb_common::wide::source`].
    fn source(&self, service: u32, address: &A) -> Option<u32>;
    /// The connection of this flow, or the template.
    fn connection(&self, key: &FlowKey<A>) -> Option<Self::Entry>;
    /// Stores a connection, in the place of what stood there.
    fn store_connection(&self, key: &FlowKey<A>, connection: &Connection);
    /// Chooses the real for a packet: [`choice::choose`], which the kernel would rather verify once
    /// than wherever it is called.
    fn choose(&self, asked: &Asked<A>) -> Choice
    where
        A: Ip,
        Self: Tables,
    {
        choice::choose(self, asked)
    }
    /// Asks a scheduler that is no hash: [`choice::order`], in the same way.
    fn order(&self, asked: &Asked<A>) -> Option<RealId>
    where
        A: Ip,
        Self: Tables,
    {
        choice::order(self, asked)
    }
    /// Writes down what is to be remembered: [`choice::note`], in the same way.
    fn note(&self, asked: &Asked<A>, choice: Choice)
    where
        A: Ip,
        Self: Tables,
    {
        choice::note(self, asked, choice);
    }
    /// The real of a fragment that is not the first: [`frag::follow`], in the same way.
    fn follow(&self, later: &Read<A>) -> Option<RealId>
    where
        A: Ip,
        Self: Tables,
    {
        frag::follow(self, later)
    }
    /// Notes the real of a first fragment: [`frag::note`], in the same way.
    fn note_first(&self, first: &Read<A>, id: RealId)
    where
        A: Ip,
        Self: Tables,
    {
        frag::note(self, first, id);
    }
    /// Where the first fragment of a datagram went.
    fn fragment(&self, key: &FlowKey<A>) -> Option<Connection>;
    /// Notes where the first fragment of a datagram goes.
    fn store_fragment(&self, key: &FlowKey<A>, connection: &Connection);
}

/// What a connection look-up gives, of these tables and this family.
pub type EntryOf<T, A> = <T as FamilyTables<A>>::Entry;

/// All tables.
pub trait Tables: FamilyTables<Be32> + FamilyTables<Be128> {
    /// Where the packets of a real are counted: found with it, and not looked for again.
    type Counter;

    /// Seed of the flow hash.
    fn seed(&self) -> u64;
    /// The time.
    fn now(&self) -> Ticks;
    /// Slots of each ring.
    fn ring_slots(&self) -> u32;
    /// What slot `slot` of the service's ring says.
    fn ring(&self, service: u32, slot: u32) -> Option<Slot>;
    /// Who stands at this place of the order of a service whose scheduler is no hash.
    fn ordered(&self, service: u32, place: u32) -> Option<RealId>;
    /// What stands beside a service.
    fn details(&self, service: u32) -> Option<&Details>;
    /// How often this was asked before for the service, on any CPU.
    fn next_turn(&self, service: u32) -> u32;
    /// Whether this CPU may record one more flow in this tick.
    fn may_record(&self, now: Ticks) -> bool;
    /// Counts a packet of the service whose flow could not be recorded.
    fn count_deferred(&self, service: u32);
    /// The real with this id, and where its packets are counted.
    fn real(&self, id: RealId) -> Option<(NextHop, Self::Counter)>;
    /// The VLAN tags of frames to a real that has some of its own.
    fn tags(&self, id: RealId) -> Tags;
    /// How many connections a real has.
    fn load(&self, id: RealId) -> Load;
    /// Counts connections that a real has more, or less.
    fn count_load(&self, id: RealId, active: i32, inactive: i32);
    /// Whether the machine with this MAC may be another director of services that this one is a
    /// real of.
    fn is_peer(&self, mac: &Mac) -> bool;
    /// Whether this is the MAC of a virtual router that this machine may be.
    fn is_virtual_mac(&self, mac: &Mac) -> bool;
    /// The MAC of an interface whose packets may be sent out of another one.
    fn ingress_mac(&self, ifindex: u32) -> Option<Mac>;
    /// Prepares to send the packet out of another interface; says whether that can be done.
    fn redirect(&self, ifindex: u32) -> bool;
    /// Counts a forwarded packet, for its service and its real.
    fn count_forwarded(&self, service: u32, real: &Self::Counter, packet: Counted);
    /// Counts a packet of a service that was not forwarded.
    fn count_refusal(&self, service: u32, reason: Reason);
    /// Counts a packet's way out.
    fn count_reason(&self, reason: Reason);
}
