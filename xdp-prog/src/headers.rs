//! Protocol headers as they stand in a frame: bytes only, so that they may be read at any address.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A header that can be laid over any bytes of a frame.
pub trait Header: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned {}

impl<const N: usize> Header for [u8; N] {}

macro_rules! header {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $ty:ty,)+ }) => {
        $(#[$meta])*
        #[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy)]
        #[repr(C)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)+ }
        impl Header for $name {}
    };
}

header! {
    /// Ethernet II (IEEE 802.3, clause 3).
    pub struct Ethernet {
        /// The destination address, and the beginning of the source address.
        pub front: [u8; 8],
        /// The rest of the source address.
        pub back: [u8; 4],
        /// Ethertype.
        pub ethertype: [u8; 2],
    }
}

impl Ethernet {
    /// The destination address.
    #[inline(always)]
    pub const fn destination(&self) -> [u8; 6] {
        let front = self.front;
        [front[0], front[1], front[2], front[3], front[4], front[5]]
    }

    /// The source address.
    #[inline(always)]
    pub const fn source(&self) -> [u8; 6] {
        let (front, back) = (self.front, self.back);
        [front[6], front[7], back[0], back[1], back[2], back[3]]
    }
}

header! {
    /// IPv4 without options (RFC 791, section 3.1).
    pub struct Ipv4 {
        /// Version and header length in words.
        pub version_ihl: u8,
        /// Type of service.
        pub tos: u8,
        /// Length of header and data.
        pub total_length: [u8; 2],
        /// Identification.
        pub identification: [u8; 2],
        /// Flags and fragment offset.
        pub fragment: [u8; 2],
        /// Time to live.
        pub ttl: u8,
        /// Protocol.
        pub protocol: u8,
        /// Header checksum.
        pub checksum: [u8; 2],
        /// Source address.
        pub source: [u8; 4],
        /// Destination address.
        pub destination: [u8; 4],
    }
}

impl Ipv4 {
    /// The header's length with its options; `None` where the header contradicts itself.
    #[inline(always)]
    pub const fn header_length(&self) -> Option<usize> {
        let length = (self.version_ihl & 0xf) as usize * 4;
        let total = u16::from_be_bytes(self.total_length) as usize;
        if self.version_ihl >> 4 != 4 || length < size_of::<Self>() || total < length {
            return None;
        }
        Some(length)
    }
}

header! {
    /// IPv6 (RFC 8200, section 3).
    pub struct Ipv6 {
        /// Version, traffic class, flow label.
        pub version: [u8; 4],
        /// Length of all that follows this header.
        pub payload_length: [u8; 2],
        /// Next header.
        pub next_header: u8,
        /// Hop limit.
        pub hop_limit: u8,
        /// Source address.
        pub source: [u8; 16],
        /// Destination address.
        pub destination: [u8; 16],
    }
}

impl Ipv6 {
    /// The length of the packet.
    #[inline(always)]
    pub const fn bytes(&self) -> u32 {
        size_of::<Self>() as u32 + u16::from_be_bytes(self.payload_length) as u32
    }
}

header! {
    /// The link layer of most frames, and the IPv4 header that follows it.
    pub struct EthernetIpv4 {
        /// The link layer.
        pub ethernet: Ethernet,
        /// What follows it.
        pub ip: Ipv4,
    }
}

header! {
    /// The link layer of most frames, and the IPv6 header that follows it.
    pub struct EthernetIpv6 {
        /// The link layer.
        pub ethernet: Ethernet,
        /// What follows it.
        pub ip: Ipv6,
    }
}

header! {
    /// How every extension header of IPv6 begins (RFC 8200, section 4).
    pub struct Ipv6Extension {
        /// What follows it.
        pub next_header: u8,
        /// Its length, in a unit and from a beginning that depend on its kind.
        pub length: u8,
    }
}

header! {
    /// The fragment header of IPv6 (RFC 8200, section 4.5).
    pub struct Ipv6Fragment {
        /// What follows it.
        pub next_header: u8,
        /// Zero.
        pub reserved: u8,
        /// Offset in units of eight bytes, two bits, and whether more fragments follow.
        pub place: [u8; 2],
        /// Identification.
        pub identification: [u8; 4],
    }
}

header! {
    /// The ports, which TCP and UDP begin with: all that an ICMP message is sure to quote.
    pub struct Ports {
        /// Source port.
        pub source: [u8; 2],
        /// Destination port.
        pub destination: [u8; 2],
    }
}

header! {
    /// How an ICMP error begins, before the packet that it quotes (RFC 792, RFC 4443).
    pub struct Icmp {
        /// Type.
        pub kind: u8,
        /// Code.
        pub code: u8,
        /// Checksum.
        pub checksum: [u8; 2],
        /// What depends on the type.
        pub rest: [u8; 4],
    }
}

header! {
    /// What a VLAN tag puts between the addresses and the ethertype (IEEE 802.1Q, clause 9).
    pub struct VlanTag {
        /// TPID.
        pub tpid: [u8; 2],
        /// Priority, drop eligibility, VLAN identifier.
        pub tci: [u8; 2],
    }
}

header! {
    /// The part of TCP that is read (RFC 9293, section 3.1).
    pub struct Tcp {
        /// Source port.
        pub source: [u8; 2],
        /// Destination port.
        pub destination: [u8; 2],
        /// Sequence and acknowledgement numbers.
        pub numbers: [u8; 8],
        /// Header length in words, in the upper half.
        pub data_offset: u8,
        /// Control bits.
        pub flags: u8,
    }
}

header! {
    /// UDP (RFC 768).
    pub struct Udp {
        /// Source port.
        pub source: [u8; 2],
        /// Destination port.
        pub destination: [u8; 2],
        /// Length of header and data.
        pub length: [u8; 2],
        /// Checksum.
        pub checksum: [u8; 2],
    }
}

/// Ethertypes.
pub mod ethertype {
    use lb_common::be::Be16;

    /// IPv4.
    pub const IPV4: Be16 = Be16::new(0x0800);
    /// IPv6.
    pub const IPV6: Be16 = Be16::new(0x86dd);
    /// A customer's VLAN tag.
    pub const C_TAG: Be16 = Be16::new(lb_common::vlan::C_TAG);
    /// A provider's VLAN tag.
    pub const S_TAG: Be16 = Be16::new(lb_common::vlan::S_TAG);

    /// Whether a VLAN tag begins with it.
    #[inline(always)]
    pub const fn is_tag(ethertype: Be16) -> bool {
        matches!(ethertype, C_TAG | S_TAG)
    }
}

/// TCP control bits (RFC 9293, section 3.1).
pub mod tcp_flags {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// ACK.
    pub const ACK: u8 = 0x10;
}
