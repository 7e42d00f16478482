//! What directors tell each other of connections, on the wire. Pure.
//!
//! A datagram has a header, entries, and an HMAC-SHA256 (RFC 2104, FIPS 180-4) of both. Numbers are
//! in network order:
//!
//! | bytes | |
//! |---|---|
//! | 4 | `LBCS` |
//! | 1 | version: 1 |
//! | 1 | kind: 1 hello, 2 entries, 3 hello of one that asks to be told everything |
//! | 2 | how many entries |
//! | 8 | start of the sender, a number that grows from one to the next |
//! | 8 | start of the receiver, as the sender knows it; 0 where it does not |
//! | 8 | sequence, which grows by one with each datagram of a start to this receiver |
//! | 22 or 58 each | entries |
//! | 32 | HMAC |
//!
//! An entry:
//!
//! | bytes | |
//! |---|---|
//! | 1 | IP protocol |
//! | 1 | state, and 128 for IPv6 |
//! | 2, 2 | ports of client and service |
//! | 4 | milliseconds until it is forgotten |
//! | 4 or 16 each | client, VIP, real |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use lb_common::key::Protocol;
use lb_common::value::connection_state as state;
use sha2::Sha256;
use thiserror::Error;

use super::entry::Entry;

const MAGIC: [u8; 4] = *b"LBCS";
const VERSION: u8 = 1;
const HELLO: u8 = 1;
const ENTRIES: u8 = 2;
const ASK: u8 = 3;
const HEADER: usize = 32;
const TAG: usize = 32;
const IPV6: u8 = 0x80;
/// An entry without its addresses.
const PLAIN: usize = 10;

/// No datagram is longer, in bytes: it passes every Ethernet and most tunnels in one piece.
pub const MAX_LENGTH: usize = 1400;

/// Who speaks to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The sender's start.
    pub from: u64,
    /// The receiver's, as the sender knows it; 0 where it does not.
    pub to: u64,
    /// The datagram's number.
    pub sequence: u64,
}

/// A datagram that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// Who speaks to whom.
    pub header: Header,
    /// What it says.
    pub body: Body,
}

/// What a datagram says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// Its sender is there.
    Hello,
    /// Its sender is there, and asks to be told everything.
    Ask,
    /// Its sender has these.
    Entries(Vec<Entry>),
}

/// Why a datagram is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum PacketError {
    /// Something else was sent here, or a piece is missing.
    #[error("it is not what directors tell each other, or a piece of it is missing")]
    Malformed,
    /// A later version of this program wrote it.
    #[error("it is of another version: run the same lb-ctl on both directors")]
    Version,
    /// Its sender has another key, or somebody else wrote it.
    #[error("its sender has another key: give all directors the same `key`")]
    Unauthentic,
}

/// What all directors know and nobody else does.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The key of these words.
    ///
    /// # Panics
    ///
    /// Never: HMAC takes keys of any length.
    pub fn new(words: &str) -> Self {
        Self(Hmac::new_from_slice(words.as_bytes()).expect("HMAC takes keys of any length"))
    }

    fn tag(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(bytes);
        mac
    }
}

impl std::fmt::Debug for Key {
    /// Keys stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// Bytes that an entry takes.
fn length(entry: &Entry) -> usize {
    PLAIN + 3 * if entry.vip.0.is_ipv4() { 4 } else { 16 }
}

/// How many of these entries, from the first on, go into one datagram.
pub fn fitting(entries: &[Entry]) -> usize {
    let mut left = MAX_LENGTH - HEADER - TAG;
    let fits = |entry: &&Entry| {
        let rest = left.checked_sub(length(entry));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    entries.iter().take_while(fits).count()
}

/// The datagram that says that its sender is there.
pub fn hello(key: &Key, header: Header) -> Vec<u8> {
    seal(key, begin(HELLO, 0, header))
}

/// The same, which asks to be told everything.
pub fn ask(key: &Key, header: Header) -> Vec<u8> {
    seal(key, begin(ASK, 0, header))
}

/// The datagram that tells of these entries; [`fitting`] says how many are not too many.
pub fn telling(key: &Key, header: Header, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = begin(ENTRIES, entries.len(), header);
    for entry in entries {
        write(&mut bytes, entry);
    }
    seal(key, bytes)
}

fn begin(kind: u8, count: usize, header: Header) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAX_LENGTH);
    bytes.extend(MAGIC);
    bytes.extend([VERSION, kind]);
    bytes.extend((count as u16).to_be_bytes());
    for number in [header.from, header.to, header.sequence] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

fn write(bytes: &mut Vec<u8>, entry: &Entry) {
    let Entry { protocol, client, vip, real, state, left } = *entry;
    let family = if vip.0.is_ipv4() { 0 } else { IPV6 };
    bytes.extend([protocol as u8, state as u8 | family]);
    bytes.extend(client.1.to_be_bytes());
    bytes.extend(vip.1.to_be_bytes());
    bytes.extend(left.to_be_bytes());
    for address in [client.0, vip.0, real] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
}

fn seal(key: &Key, mut bytes: Vec<u8>) -> Vec<u8> {
    let tag = key.tag(&bytes).finalize().into_bytes();
    bytes.extend(tag);
    bytes
}

/// Reads a datagram that somebody with this key wrote.
///
/// # Errors
///
/// Why it is not taken. What stands in one that is not authentic is not looked at.
pub fn open(key: &Key, bytes: &[u8]) -> Result<Datagram, PacketError> {
    if bytes.len() > MAX_LENGTH {
        return Err(PacketError::Malformed);
    }
    let at = bytes.len().checked_sub(TAG).ok_or(PacketError::Malformed)?;
    let (signed, tag) = bytes.split_at(at);
    let mut reader = Reader(signed);
    if reader.take()? != MAGIC {
        return Err(PacketError::Malformed);
    }
    if reader.byte()? != VERSION {
        return Err(PacketError::Version);
    }
    // It compares in constant time.
    key.tag(signed).verify_slice(tag).map_err(|_| PacketError::Unauthentic)?;
    parse(signed)
}

/// Reads a datagram without its HMAC.
///
/// # Errors
///
/// Where it is none.
pub fn parse(signed: &[u8]) -> Result<Datagram, PacketError> {
    let mut reader = Reader(signed);
    let [m, a, g, i, version, kind] = reader.take()?;
    let count = u16::from_be_bytes(reader.take()?);
    if [m, a, g, i] != MAGIC || version != VERSION {
        return Err(PacketError::Malformed);
    }
    let header = Header { from: reader.long()?, to: reader.long()?, sequence: reader.long()? };
    let body = match kind {
        HELLO if count == 0 => Body::Hello,
        ASK if count == 0 => Body::Ask,
        ENTRIES => Body::Entries((0..count).map(|_| reader.entry()).collect::<Result<_, _>>()?),
        _ => return Err(PacketError::Malformed),
    };
    if reader.0.is_empty() { Ok(Datagram { header, body }) } else { Err(PacketError::Malformed) }
}

/// What is left of a datagram.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], PacketError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(PacketError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, PacketError> {
        self.take().map(|[byte]| byte)
    }

    fn short(&mut self) -> Result<u16, PacketError> {
        self.take().map(u16::from_be_bytes)
    }

    fn long(&mut self) -> Result<u64, PacketError> {
        self.take().map(u64::from_be_bytes)
    }

    fn address(&mut self, v6: bool) -> Result<IpAddr, PacketError> {
        if v6 {
            self.take::<16>().map(|octets| Ipv6Addr::from(octets).into())
        } else {
            self.take::<4>().map(|octets| Ipv4Addr::from(octets).into())
        }
    }

    fn entry(&mut self) -> Result<Entry, PacketError> {
        let protocol = Protocol::from_number(self.byte()?).ok_or(PacketError::Malformed)?;
        let word = self.byte()?;
        let (state, v6) = (u32::from(word & !IPV6), word & IPV6 != 0);
        let (client_port, port) = (self.short()?, self.short()?);
        let left = u32::from_be_bytes(self.take()?);
        let (client, vip) = (self.address(v6)?, self.address(v6)?);
        let real = self.address(v6)?;
        if !can_be(protocol, state) {
            return Err(PacketError::Malformed);
        }
        let (client, vip) = ((client, client_port), (vip, port));
        Ok(Entry { protocol, client, vip, real, state, left })
    }
}

/// Whether an entry of this protocol can be in this state.
const fn can_be(protocol: Protocol, state: u32) -> bool {
    match state {
        state::TEMPLATE => true,
        state::UDP => matches!(protocol, Protocol::Udp),
        _ => state <= state::CLOSED && matches!(protocol, Protocol::Tcp),
    }
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
