//! Keys of the tables that are searched for the longest prefix: services of more than one port, and
//! source lists.

use crate::be::{Address, Be16, Be32, Be128};
use crate::key::Protocol;

/// What a service of a port range or of every port is found by. A prefix with less than all bits of
/// the port stands for a block of ports.
///
/// Behind the four bytes of a prefix length, addresses stand where eight bytes can be written at
/// once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct PortsKey<A> {
    /// The IP protocol number.
    pub protocol: u32,
    /// The virtual address.
    pub vip: A,
    /// The port, or the first of a block.
    pub port: Be16,
    /// Always zero, and no part of any prefix.
    pub pad: u16,
}

impl<A: Address> PortsKey<A> {
    /// The key of `vip:port` for `protocol`.
    pub const fn new(vip: A, port: Be16, protocol: Protocol) -> Self {
        Self { protocol: protocol as u32, vip, port, pad: 0 }
    }

    /// Bits of the whole key.
    pub const BITS: u32 = 8 * (size_of::<Self>() - size_of::<u16>()) as u32;

    /// Bits of a block of so many ports, a power of two.
    pub const fn block_bits(ports: u32) -> u32 {
        Self::BITS - ports.trailing_zeros()
    }
}

/// What a prefix of a service's source lists is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct SourceKey<A> {
    /// The service's id.
    pub service: u32,
    /// The client's address, or the first of a network.
    pub address: A,
}

impl<A: Address> SourceKey<A> {
    /// Bits of the whole key.
    pub const BITS: u32 = 8 * size_of::<Self>() as u32;

    /// Bits of a network whose prefix has this length.
    pub const fn prefix_bits(length: u8) -> u32 {
        u32::BITS + length as u32
    }
}

/// What a source list says of a prefix.
pub mod source {
    /// Its clients are served.
    pub const ALLOW: u32 = 1;
    /// Its clients are not.
    pub const DENY: u32 = 2;
}

const _: () = {
    assert!(size_of::<PortsKey<Be32>>() == 12);
    assert!(size_of::<PortsKey<Be128>>() == 24);
    assert!(size_of::<SourceKey<Be32>>() == 8);
    assert!(size_of::<SourceKey<Be128>>() == 20);
};
