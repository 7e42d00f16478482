//! IP fragments, sent in an order of one's own choice.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, sendto, socket,
};

/// Bytes of a datagram in each of its fragments; a multiple of eight.
const PIECE: usize = 1024;

const UDP: u8 = 17;
/// IPv6-Frag.
const FRAGMENT: u8 = 44;

/// Sends IP packets with headers made by hand.
pub(crate) struct RawSender {
    socket: OwnedFd,
    to: IpAddr,
}

impl RawSender {
    pub(crate) fn open(to: IpAddr) -> Self {
        let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let opened = socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw);
        Self { socket: opened.unwrap(), to }
    }

    pub(crate) fn send(&self, packet: &[u8]) {
        let to = SockaddrStorage::from(SocketAddr::new(self.to, 0));
        let sent = sendto(self.socket.as_raw_fd(), packet, &to, MsgFlags::empty());
        assert_eq!(sent, Ok(packet.len()));
    }
}

/// The fragments of a UDP datagram, in order, as IP packets.
pub(crate) fn fragments(
    (from, to): (SocketAddr, SocketAddr),
    identification: u16,
    payload: &[u8],
) -> Vec<Vec<u8>> {
    let datagram = datagram((from, to), payload);
    let last = (datagram.len() - 1) / PIECE;
    let pieces = datagram.chunks(PIECE).enumerate();
    let packets = pieces.map(|(index, piece)| {
        let place = Place { identification, offset: index * PIECE, more: index < last };
        let header = match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => header_v4((from, to), piece.len(), place),
            (IpAddr::V6(from), IpAddr::V6(to)) => header_v6((from, to), piece.len(), place),
            mixed => panic!("{mixed:?} are of different families"),
        };
        [&header, piece].concat()
    });
    packets.collect()
}

/// Where a fragment belongs.
#[derive(Clone, Copy)]
struct Place {
    identification: u16,
    /// In bytes.
    offset: usize,
    more: bool,
}

/// RFC 791, section 3.1. The kernel fills in the checksum (raw(7)).
fn header_v4((from, to): (Ipv4Addr, Ipv4Addr), length: usize, place: Place) -> Vec<u8> {
    let total = u16::try_from(20 + length).unwrap();
    let fragment = u16::try_from(place.offset / 8).unwrap() | u16::from(place.more) << 13;
    let mut header = vec![0x45, 0];
    for word in [total, place.identification, fragment] {
        header.extend(word.to_be_bytes());
    }
    header.extend([64, UDP, 0, 0]);
    [&header[..], &from.octets(), &to.octets()].concat()
}

/// RFC 8200, sections 3 and 4.5.
fn header_v6((from, to): (Ipv6Addr, Ipv6Addr), length: usize, place: Place) -> Vec<u8> {
    let [high, low] = u16::try_from(8 + length).unwrap().to_be_bytes();
    let fixed = [0x60, 0, 0, 0, high, low, FRAGMENT, 64];
    let offset = u16::try_from(place.offset).unwrap() | u16::from(place.more);
    let mut fragment = vec![UDP, 0];
    fragment.extend(offset.to_be_bytes());
    fragment.extend(u32::from(place.identification).to_be_bytes());
    [&fixed[..], &from.octets(), &to.octets(), &fragment].concat()
}

/// RFC 768, with its checksum, which IPv6 must have.
fn datagram((from, to): (SocketAddr, SocketAddr), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut datagram = Vec::new();
    for word in [from.port(), to.port(), length, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(payload);
    let addresses = [from.ip(), to.ip()].map(|address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    });
    let pseudo = [&addresses.concat()[..], &[0, UDP], &length.to_be_bytes()].concat();
    let checksum = checksum(&[pseudo, datagram.clone()].concat());
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}
