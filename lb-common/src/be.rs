//! Numbers in network byte order, so that no port or address is ever compared in the wrong order.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A 16-bit number in network byte order, such as a port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Be16(u16);

impl Be16 {
    /// Takes the two bytes as they stand on the wire.
    #[inline(always)]
    pub const fn from_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_ne_bytes(bytes))
    }

    /// The bytes as they stand on the wire.
    #[inline(always)]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_ne_bytes()
    }

    /// Converts a number in host order.
    #[inline(always)]
    pub const fn new(host: u16) -> Self {
        Self(host.to_be())
    }

    /// The number in host order.
    #[inline(always)]
    pub const fn get(self) -> u16 {
        u16::from_be(self.0)
    }

    /// The stored bits, equal on the wire and in memory; only good for hashing.
    #[inline(always)]
    pub const fn raw(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for Be16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// An IPv4 address in network byte order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Be32(u32);

impl Be32 {
    /// Takes the four bytes as they stand on the wire.
    #[inline(always)]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_ne_bytes(bytes))
    }

    /// The bytes as they stand on the wire.
    #[inline(always)]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_ne_bytes()
    }

    /// The stored bits, equal on the wire and in memory; only good for hashing.
    #[inline(always)]
    pub const fn raw(self) -> u32 {
        self.0
    }
}

impl From<Ipv4Addr> for Be32 {
    fn from(address: Ipv4Addr) -> Self {
        Self::from_bytes(address.octets())
    }
}

impl From<Be32> for Ipv4Addr {
    fn from(address: Be32) -> Self {
        address.to_bytes().into()
    }
}

impl fmt::Debug for Be32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Ipv4Addr::from(*self), f)
    }
}

/// An IPv6 address in network byte order, in four words so that keys need no padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Be128([u32; 4]);

impl Be128 {
    /// Takes the sixteen bytes as they stand on the wire.
    #[inline(always)]
    pub const fn from_bytes(b: [u8; 16]) -> Self {
        Self([
            u32::from_ne_bytes([b[0], b[1], b[2], b[3]]),
            u32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
            u32::from_ne_bytes([b[8], b[9], b[10], b[11]]),
            u32::from_ne_bytes([b[12], b[13], b[14], b[15]]),
        ])
    }

    /// The bytes as they stand on the wire.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The stored words, equal on the wire and in memory; only good for hashing.
    #[inline(always)]
    pub const fn raw(self) -> [u32; 4] {
        self.0
    }
}

impl From<Ipv6Addr> for Be128 {
    fn from(address: Ipv6Addr) -> Self {
        Self::from_bytes(address.octets())
    }
}

impl From<Be128> for Ipv6Addr {
    fn from(address: Be128) -> Self {
        address.to_bytes().into()
    }
}

impl fmt::Debug for Be128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Ipv6Addr::from(*self), f)
    }
}

/// The netmask with the first `length` bits, as it would stand on the wire; in IPv4's first four
/// bytes or all sixteen.
pub const fn netmask(length: u8) -> [u32; 4] {
    let mut mask = [0; 4];
    let mut word = 0;
    while word < 4 {
        let bits = (length as u32).saturating_sub(32 * word as u32);
        let host = if bits == 0 { 0 } else { u32::MAX << 32_u32.saturating_sub(bits) };
        mask[word] = host.to_be();
        word += 1;
    }
    mask
}

/// An address of either family as it stands in map keys.
pub trait Address: Copy + Eq + fmt::Debug + Into<Self::Std> + 'static {
    /// The standard library's type of this family.
    type Std: Into<IpAddr> + From<Self>;

    /// Two words that carry every bit of the address into the flow hash.
    fn words(self) -> [u64; 2];

    /// The address with the bits alone that the mask has, which stands as on the wire.
    #[must_use]
    fn masked(self, mask: &[u32; 4]) -> Self;
}

impl Address for Be32 {
    type Std = Ipv4Addr;

    #[inline(always)]
    fn words(self) -> [u64; 2] {
        [u64::from(self.0), 0]
    }

    #[inline(always)]
    fn masked(self, mask: &[u32; 4]) -> Self {
        Self(self.0 & mask[0])
    }
}

impl Address for Be128 {
    type Std = Ipv6Addr;

    #[inline(always)]
    fn words(self) -> [u64; 2] {
        let [a, b, c, d] = self.0;
        // In the order that a little-endian machine loads them in one go.
        [u64::from(b) << 32 | u64::from(a), u64::from(d) << 32 | u64::from(c)]
    }

    #[inline(always)]
    fn masked(self, mask: &[u32; 4]) -> Self {
        let [a, b, c, d] = self.0;
        Self([a & mask[0], b & mask[1], c & mask[2], d & mask[3]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_keep_wire_order() {
        let port = Be16::new(80);
        assert_eq!(port, Be16::from_bytes([0, 80]));
        assert_eq!(port.get(), 80);
    }

    #[test]
    fn masks_keep_the_network() {
        let client = Be32::from(Ipv4Addr::new(198, 51, 100, 77));
        let network = Be32::from(Ipv4Addr::new(198, 51, 96, 0));
        assert_eq!(client.masked(&netmask(20)), network);
        assert_eq!(client.masked(&netmask(32)), client);
        let client = Be128::from("2001:db8:1:2:3::4".parse::<Ipv6Addr>().unwrap());
        let network = Be128::from("2001:db8:1::".parse::<Ipv6Addr>().unwrap());
        assert_eq!(client.masked(&netmask(48)), network);
        assert_eq!(client.masked(&netmask(128)), client);
    }

    #[test]
    fn addresses_round_trip() {
        let v4 = Ipv4Addr::new(192, 0, 2, 10);
        assert_eq!(Ipv4Addr::from(Be32::from(v4)), v4);
        let v6: Ipv6Addr = "2001:db8::10".parse().unwrap();
        assert_eq!(Ipv6Addr::from(Be128::from(v6)), v6);
    }
}
