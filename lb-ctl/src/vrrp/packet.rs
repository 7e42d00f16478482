//! Adverts on the wire: version 2 (RFC 3768, section 5) and version 3 (RFC 9568, section 5). Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::checksum::Sum16BitWords;

use crate::config::vrrp::{Checksum, Instance, Version};

mod decode;

pub(super) use decode::Fields;
pub use decode::decode;

/// VRRP's number among the protocols over IP.
pub const PROTOCOL: u8 = 112;
/// Where adverts go over IPv4 (RFC 9568, section 5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Where adverts go over IPv6 (RFC 9568, section 5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// The TTL or hop limit of adverts: nobody beyond the link can send one that arrives with it.
pub const HOPS: u8 = 255;

/// The one type of message that there is.
const ADVERTISEMENT: u8 = 1;
/// Version 2's authentication by a password.
const PASSWORD: u8 = 1;
/// What is before the addresses, in bytes.
const HEADER: usize = 8;
/// Version 2's authentication data in bytes: there whatever the type of authentication.
const AUTH: usize = 8;
/// The unit of version 3's intervals.
const CENTISECOND: Duration = Duration::from_millis(10);
/// Version 3's longest interval: twelve bits.
const MOST_CENTISECONDS: u16 = 0x0fff;

/// What a virtual router says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advert {
    /// How it is written.
    pub version: Version,
    /// The virtual router's number.
    pub vrid: u8,
    /// The sender's priority; 0 when it leaves.
    pub priority: u8,
    /// The time between two adverts: whole seconds in version 2, hundredths in version 3.
    pub interval: Duration,
    /// The addresses that move, in the order that they are written in; no more than 255.
    pub addresses: Vec<IpAddr>,
    /// Version 2's password, filled up with zeros.
    pub auth: Option<[u8; AUTH]>,
}

impl Advert {
    /// What a virtual router says with this priority.
    pub fn of(instance: &Instance, priority: u8) -> Self {
        Self {
            version: instance.version,
            vrid: instance.vrid,
            priority,
            interval: instance.advert_interval,
            addresses: advertised(instance),
            auth: instance.password.as_deref().map(padded),
        }
    }
}

/// The addresses of a virtual router's adverts: as they are defined, but link-local ones first,
/// as RFC 9568, section 5.2.9, has it.
///
/// Where none is link-local none is made up, although that section wants one. It means a virtual
/// address; the sender's own would make the lists of two directors differ, and keepalived before
/// 2.3.3 drops adverts whose list is not its own. keepalived sends what is defined and warns.
pub fn advertised(instance: &Instance) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = instance.addresses.iter().map(|it| it.address).collect();
    addresses.sort_by_key(|address| !is_link_local(*address));
    addresses
}

/// A password as adverts carry it.
pub(super) fn padded(password: &str) -> [u8; AUTH] {
    let mut auth = [0; AUTH];
    for (byte, letter) in auth.iter_mut().zip(password.bytes()) {
        *byte = letter;
    }
    auth
}

/// Over IPv4 169.254/16 is an address like others.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// What the checksum of an advert covers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Covered {
    /// The pseudo-header as well.
    PseudoHeader,
    /// The message alone.
    Message,
    /// A pseudo-header with the group as destination, although it was sent to one peer: keepalived
    /// until 1.3.6.
    GroupPseudoHeader,
}

impl Covered {
    /// All.
    pub const ALL: [Self; 3] = [Self::PseudoHeader, Self::Message, Self::GroupPseudoHeader];

    /// The word used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PseudoHeader => "pseudo-header",
            Self::Message => "message",
            Self::GroupPseudoHeader => "group-pseudo-header",
        }
    }
}

/// An advert as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// What it says.
    pub advert: Advert,
    /// Version 2's type of authentication; 0 in version 3.
    pub auth_type: u8,
    /// What its checksum covers.
    pub checksum: Covered,
}

/// Why bytes are no advert.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PacketError {
    /// It ends before it should.
    #[error("it has {bytes} bytes, and needs {needed}")]
    Length {
        /// How many there are.
        bytes: usize,
        /// How many there should be at least.
        needed: usize,
    },
    /// A version that is not known, or has no IPv6.
    #[error("its version is {version}; there are 2 over IPv4, and 3 over both")]
    Version {
        /// The version.
        version: u8,
    },
    /// Not an advert.
    #[error("its type is {kind}, not 1 (RFC 9568, section 5.2.2)")]
    Type {
        /// The type.
        kind: u8,
    },
    /// Two adverts are no time apart.
    #[error("its interval is 0 (RFC 9568, section 5.2.7)")]
    Interval,
    /// VRID 0.
    #[error("its VRID is 0; there are 1 to 255 (RFC 9568, section 5.2.3)")]
    Vrid,
    /// Version 3 without an address.
    #[error("it has no address (RFC 9568, section 5.2.5)")]
    Addresses,
    /// The checksum is that of nothing that it may cover.
    #[error("its checksum is wrong")]
    Checksum,
}

/// Writes an advert. `checksum` is for version 3 over IPv4; the others leave no choice. Addresses
/// of another family than the source's have no place in it.
pub fn encode(advert: &Advert, checksum: Checksum, source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let fits = |address: &&IpAddr| address.is_ipv4() == source.is_ipv4();
    let addresses: Vec<&IpAddr> =
        advert.addresses.iter().filter(fits).take(usize::from(u8::MAX)).collect();
    let [first, second] = interval_field(advert);
    let kind = advert.version.number() << 4 | ADVERTISEMENT;
    let count = addresses.len() as u8;
    let mut message = vec![kind, advert.vrid, advert.priority, count, first, second, 0, 0];
    for address in addresses {
        match address {
            IpAddr::V4(address) => message.extend(address.octets()),
            IpAddr::V6(address) => message.extend(address.octets()),
        }
    }
    let pseudo = match (advert.version, checksum) {
        (Version::V2, _) => {
            message.extend(advert.auth.unwrap_or_default());
            None
        }
        (Version::V3, Checksum::Message) if source.is_ipv4() => None,
        (Version::V3, _) => Some((source, destination)),
    };
    let sum = sum(&message, pseudo).to_ne_bytes();
    message[6..HEADER].copy_from_slice(&sum);
    message
}

/// Bytes 4 and 5: version 2's type of authentication and seconds (RFC 3768, sections 5.3.6 and
/// 5.3.7), version 3's hundredths (RFC 9568, sections 5.2.6 and 5.2.7).
fn interval_field(advert: &Advert) -> [u8; 2] {
    match advert.version {
        Version::V2 => {
            let seconds = u8::try_from(advert.interval.as_secs()).unwrap_or(u8::MAX);
            [if advert.auth.is_some() { PASSWORD } else { 0 }, seconds.max(1)]
        }
        Version::V3 => {
            let hundredths = advert.interval.as_millis() / CENTISECOND.as_millis();
            let hundredths = u16::try_from(hundredths).unwrap_or(u16::MAX);
            hundredths.clamp(1, MOST_CENTISECONDS).to_be_bytes()
        }
    }
}

/// The checksum of a message, in the byte order of memory; of a good one it is 0.
fn sum(message: &[u8], pseudo: Option<(IpAddr, IpAddr)>) -> u16 {
    let mut sum = Sum16BitWords::new().add_slice(message);
    if let Some((source, destination)) = pseudo {
        for address in [source, destination] {
            sum = match address {
                IpAddr::V4(address) => sum.add_4bytes(address.octets()),
                IpAddr::V6(address) => sum.add_16bytes(address.octets()),
            };
        }
        // The length has four bytes over IPv6 (RFC 8200, section 8.1) and two over IPv4, but is
        // never that long.
        let length = message.len() as u16;
        sum = sum.add_2bytes(length.to_be_bytes()).add_2bytes([0, PROTOCOL]);
    }
    sum.ones_complement()
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
