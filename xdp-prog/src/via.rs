//! Probes through the VIP: see [`lb_common::via`].
//!
//! A packet that leaves is for a probe where its mark says so; one that comes in, where its flow is
//! one that such a packet left with. TCP, UDP and ICMP echo are led, and ICMP errors about them.
//! Neither fragments nor packets with IPv6 extension headers are: those that leave are dropped,
//! since a probe that reaches the RIP instead would find healthy what no client can use, and those
//! that come in are left as they are. IPv4 options are no hindrance.

mod checksum;
mod egress;
mod family;
mod ingress;
#[cfg(feature = "std")]
pub mod memory;
mod report;

pub use egress::egress;
pub use family::ViaIp;
pub use ingress::ingress;

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::FlowKey;

use crate::headers::{Ethernet, Header};

/// Where the IP header begins: the programs are on interfaces whose frames have no tag in front of
/// it, since the kernel keeps that of a VLAN apart, or the interface is the VLAN's.
const IP: usize = size_of::<Ethernet>();

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is for no probe, and as it was.
    Untouched,
    /// It goes on with another address.
    Led,
    /// It is for a probe, and cannot be led: it must go nowhere.
    Lost,
}

/// The checksum of a transport header, and what of the change it covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sum {
    /// That of TCP and ICMPv6 for a change in the pseudo header (RFC 9293, section 3.1; RFC 8200,
    /// section 8.1).
    Pseudo,
    /// The same of UDP, where zero means that there is none (RFC 768).
    PseudoUdp,
    /// That of ICMPv6 for a change in the packet that it quotes.
    Body,
}

/// A packet of the kernel's, from its Ethernet header on. What is written is written in place; a
/// difference is the sum of the new 32-bit words less that of the old ones (RFC 1624), as they lie
/// in memory.
pub trait Skb {
    /// Its mark.
    fn mark(&self) -> u32;

    /// What follows the Ethernet header and all tags.
    fn ethertype(&self) -> Be16;

    /// Reads what stands at `offset`; `None` where the packet ends before it does.
    fn load<H: Header>(&self, offset: usize) -> Option<H>;

    /// Writes at `offset`. `counted` says whether the sum of the whole packet that a card may have
    /// left with it is to follow; else another write makes up for this one.
    fn store<H: Header>(&mut self, offset: usize, value: &H, counted: bool) -> Option<()>;

    /// Makes the checksum of an IPv4 header, which stands at `offset`, follow.
    fn follow_header(&mut self, offset: usize, difference: u32) -> Option<()>;

    /// Makes the checksum of a transport header, which stands at `offset`, follow.
    fn follow_transport(&mut self, offset: usize, difference: u32, sum: Sum) -> Option<()>;
}

/// The tables of one address family.
pub trait FamilyTables<A> {
    /// The VIP at this place.
    fn vip(&self, index: u16) -> Option<A>;

    /// The RIP behind a probe's flow: from the director's address to the VIP.
    fn rip(&self, flow: &FlowKey<A>) -> Option<A>;

    /// Remembers it; says whether that could be done.
    fn note(&self, flow: &FlowKey<A>, rip: A) -> Option<()>;
}

/// All tables.
pub trait Tables: FamilyTables<Be32> + FamilyTables<Be128> {
    /// Whether any probe ever had this port, or this ICMP identifier: of others' packets nothing
    /// more needs to be looked up.
    fn is_probing(&self, port: Be16) -> bool;
}
