//! What the traced program is told to look for, and what it tells of a packet.

use core::net::IpAddr;

use crate::be::{Be32, Be128};
use crate::value::RealId;

/// Bytes of a frame that an event holds, from its start: room for two VLAN tags, an IPv6 header and
/// a TCP header with options.
pub const CAPTURE: usize = 128;

/// The number that stands for no service, and in a [`Filter`] for any.
pub const NO_SERVICE: u32 = u32::MAX;

/// IPv4, as a family in a [`Filter`] and a [`Source`].
pub const IPV4: u32 = 4;
/// IPv6.
pub const IPV6: u32 = 6;

/// Where a packet comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// [`IPV4`] or [`IPV6`].
    pub family: u32,
    /// The address in words as they stand on the wire; IPv4 in the first.
    pub address: [u32; 4],
}

/// Which packets are told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Filter {
    /// Only those of the service with this id; [`NO_SERVICE`] for all packets.
    pub service: u32,
    /// Only one of so many, on each CPU; 0 is as 1.
    pub every: u32,
    /// Only those from sources of this family; 0 for any source.
    pub family: u32,
    /// Always zero.
    pub pad: u32,
    /// What the source must be where the mask has ones.
    pub address: [u32; 4],
    /// The mask.
    pub mask: [u32; 4],
}

impl Filter {
    /// Every packet.
    pub const ANY: Self =
        Self { service: NO_SERVICE, every: 1, family: 0, pad: 0, address: [0; 4], mask: [0; 4] };

    /// Whether a packet of this service from this source is asked for.
    #[inline(always)]
    pub fn wants(&self, service: u32, source: Option<Source>) -> bool {
        if self.service != NO_SERVICE && self.service != service {
            return false;
        }
        if self.family == 0 {
            return true;
        }
        let Some(source) = source else { return false };
        let mut differs = source.family ^ self.family;
        for word in 0..4 {
            differs |= (source.address[word] & self.mask[word]) ^ self.address[word];
        }
        differs == 0
    }

    /// Whether the packet that matches as this CPU's `number`th, the first being 0, is told of.
    #[inline(always)]
    pub const fn takes(&self, number: u64) -> bool {
        self.every <= 1 || number.is_multiple_of(self.every as u64)
    }
}

/// Counters of a CPU while packets are traced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Tally {
    /// Packets that the filter wants.
    pub matched: u64,
    /// Events for which the ring buffer had no room. Their packets went their way all the same.
    pub lost: u64,
}

/// A packet that was traced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Event {
    /// When, in nanoseconds of the monotonic clock.
    pub time: u64,
    /// The interface it came in by.
    pub ifindex: u32,
    /// The frame's length in bytes as it leaves.
    pub length: u32,
    /// The [`crate::verdict::Reason`] by which it left.
    pub reason: u32,
    /// The service it was found to be for, or [`NO_SERVICE`].
    pub service: u32,
    /// The real that was picked for it, or [`crate::value::NO_REAL`].
    pub real: RealId,
    /// How many bytes of the frame follow.
    pub captured: u32,
    /// The beginning of the frame as it leaves.
    pub frame: [u8; CAPTURE],
}

impl Filter {
    /// The same, only from the sources of a network.
    #[must_use]
    pub fn from_network(self, address: IpAddr, length: u8) -> Self {
        let (family, source, bits) = match address {
            IpAddr::V4(v4) => (IPV4, [Be32::from(v4).raw(), 0, 0, 0], 32),
            IpAddr::V6(v6) => (IPV6, Be128::from(v6).raw(), 128),
        };
        let ones = u32::from(length.min(bits));
        let mask = core::array::from_fn(|word| {
            let ones = ones.saturating_sub(32 * word as u32).min(32);
            u32::MAX.checked_shl(32 - ones).unwrap_or(0).to_be()
        });
        let address = core::array::from_fn(|word| source[word] & mask[word]);
        Self { family, address, mask, ..self }
    }
}

impl Event {
    /// Reads an event as it lies in the ring buffer; `None` where there are fewer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let (words, rest) = rest.split_first_chunk::<24>()?;
        let (frame, _) = rest.split_first_chunk::<CAPTURE>()?;
        let word = |at: usize| {
            u32::from_ne_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]])
        };
        Some(Self {
            time: u64::from_ne_bytes(*time),
            ifindex: word(0),
            length: word(4),
            reason: word(8),
            service: word(12),
            real: word(16),
            captured: word(20),
            frame: *frame,
        })
    }

    /// The bytes of the frame that were captured.
    pub fn bytes(&self) -> &[u8] {
        &self.frame[..CAPTURE.min(self.captured as usize)]
    }
}

const _: () = {
    assert!(size_of::<Filter>() == 48);
    assert!(size_of::<Tally>() == 16);
    assert!(size_of::<Event>() == 32 + CAPTURE);
};

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(address: [u8; 4]) -> Source {
        Source { family: IPV4, address: [u32::from_ne_bytes(address), 0, 0, 0] }
    }

    fn from_net24(address: [u8; 4]) -> Filter {
        let mask = [u32::from_ne_bytes([255, 255, 255, 0]), 0, 0, 0];
        Filter { family: IPV4, address: v4(address).address, mask, ..Filter::ANY }
    }

    #[test]
    fn any_packet_matches_an_empty_filter() {
        assert!(Filter::ANY.wants(NO_SERVICE, None));
        assert!(Filter::ANY.wants(7, Some(v4([192, 0, 2, 1]))));
    }

    #[test]
    fn a_filter_is_by_service_and_by_source() {
        let filter = Filter { service: 7, ..from_net24([198, 51, 100, 0]) };
        let inside = Some(v4([198, 51, 100, 9]));
        assert!(filter.wants(7, inside));
        assert!(!filter.wants(8, inside));
        assert!(!filter.wants(NO_SERVICE, inside));
        assert!(!filter.wants(7, Some(v4([198, 51, 101, 9]))));
        assert!(!filter.wants(7, None), "no IP packet has no source");
    }

    #[test]
    fn networks_of_any_length() {
        let v6 = |text: &str| {
            let address: core::net::Ipv6Addr = text.parse().expect("an address");
            Source { family: IPV6, address: Be128::from(address).raw() }
        };
        for (network, length, inside, outside) in [
            ("2001:db8:1::", 48, "2001:db8:1:ffff::1", "2001:db8:2::1"),
            ("2001:db8::", 33, "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("2001:db8::1", 128, "2001:db8::1", "2001:db8::2"),
        ] {
            let network = network.parse().expect("an address");
            let filter = Filter::ANY.from_network(network, length);
            assert!(filter.wants(1, Some(v6(inside))), "{network}/{length}");
            assert!(!filter.wants(1, Some(v6(outside))), "{network}/{length}");
        }
        let all = Filter::ANY.from_network([0, 0, 0, 0].into(), 0);
        assert!(all.wants(1, Some(v4([203, 0, 113, 1]))) && !all.wants(1, Some(v6("::1"))));
        let half = Filter::ANY.from_network([128, 0, 0, 0].into(), 1);
        assert!(half.wants(1, Some(v4([203, 0, 113, 1]))));
        assert!(!half.wants(1, Some(v4([10, 0, 0, 1]))));
    }

    #[test]
    fn families_never_match_each_other() {
        let all_v4 = Filter { family: IPV4, ..Filter::ANY };
        assert!(all_v4.wants(1, Some(v4([10, 0, 0, 1]))));
        assert!(!all_v4.wants(1, Some(Source { family: IPV6, address: [0; 4] })));
    }

    #[test]
    fn an_event_is_read_as_it_lies_in_memory() {
        let mut bytes = [0; 160];
        bytes[..8].copy_from_slice(&7_u64.to_ne_bytes());
        for (index, word) in (1_u32..=6).enumerate() {
            bytes[8 + 4 * index..][..4].copy_from_slice(&word.to_ne_bytes());
        }
        bytes[32..38].copy_from_slice(b"frame!");
        let event = Event::from_bytes(&bytes).expect("as many bytes as an event has");
        assert_eq!((event.time, event.ifindex, event.length, event.reason), (7, 1, 2, 3));
        assert_eq!((event.service, event.real, event.captured), (4, 5, 6));
        assert_eq!(event.bytes(), b"frame!");
        assert_eq!(Event::from_bytes(&bytes[1..]), None);
        assert_eq!(Event { captured: 1000, ..event }.bytes().len(), CAPTURE);
    }

    #[test]
    fn one_of_so_many_is_taken() {
        let taken = |every| {
            (0..100).filter(|number| Filter { every, ..Filter::ANY }.takes(*number)).count()
        };
        assert_eq!((taken(0), taken(1), taken(10), taken(64)), (100, 100, 10, 2));
    }
}
