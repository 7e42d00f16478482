//! Map keys.

use crate::be::{Address, Be16, Be32, Be128};

/// The protocols that can be balanced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[cfg_attr(
    feature = "user",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "lowercase")
)]
#[repr(u8)]
pub enum Protocol {
    /// TCP, protocol number 6 (RFC 9293).
    Tcp = 6,
    /// UDP, protocol number 17 (RFC 768).
    Udp = 17,
}

impl Protocol {
    /// The protocol of an IP protocol number, where it is one that can be balanced.
    #[inline(always)]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }

    /// The word used in definitions, tables and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Names a service: what a packet must be addressed to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct ServiceKey<A> {
    /// The virtual address.
    pub vip: A,
    /// The port.
    pub port: Be16,
    /// The IP protocol number, as wide as leaves no padding: the kernel hashes every byte.
    pub protocol: u16,
}

impl<A: Address> ServiceKey<A> {
    /// The key of `vip:port` for `protocol`.
    pub const fn new(vip: A, port: Be16, protocol: Protocol) -> Self {
        Self { vip, port, protocol: protocol as u16 }
    }
}

/// Names a flow: the client's packets of one connection. Aligned so that the packet path can write
/// eight bytes of it at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C, align(8))]
pub struct FlowKey<A> {
    /// The client's address.
    pub source: A,
    /// The virtual address.
    pub destination: A,
    /// The client's port.
    pub source_port: Be16,
    /// The service's port.
    pub destination_port: Be16,
    /// The IP protocol number, as wide as leaves no padding: the kernel hashes every byte.
    pub protocol: u32,
}

impl<A: Address> FlowKey<A> {
    /// The service this flow is addressed to.
    #[inline(always)]
    pub const fn service(&self) -> ServiceKey<A> {
        ServiceKey {
            vip: self.destination,
            port: self.destination_port,
            protocol: self.protocol as u16,
        }
    }
}

/// Set in [`FlowKey::protocol`] of what is no flow but a template: where the connections of a client
/// go that are begun in a time.
pub const TEMPLATE: u32 = 1 << 16;

impl<A: Address> FlowKey<A> {
    /// The template of clients that have `source` in common, at a service whose lowest port is
    /// `port`.
    #[inline(always)]
    pub const fn template(source: A, vip: A, port: Be16, protocol: u32) -> Self {
        Self {
            source,
            destination: vip,
            source_port: Be16::new(0),
            destination_port: port,
            protocol: protocol | TEMPLATE,
        }
    }

    /// The fragments of a datagram: those with one identification between two machines.
    #[inline(always)]
    pub const fn fragments(source: A, destination: A, identification: u32, protocol: u32) -> Self {
        Self {
            source,
            destination,
            source_port: Be16::new((identification >> 16) as u16),
            destination_port: Be16::new(identification as u16),
            protocol,
        }
    }

    /// Whether this is a template's key.
    pub const fn is_template(&self) -> bool {
        self.protocol & TEMPLATE != 0
    }
}

const _: () = {
    assert!(size_of::<ServiceKey<Be32>>() == 8);
    assert!(size_of::<ServiceKey<Be128>>() == 20);
    assert!(size_of::<FlowKey<Be32>>() == 16);
    assert!(size_of::<FlowKey<Be128>>() == 40);
};
