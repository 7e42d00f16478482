//! What virtual routers must be, each value by itself.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::check::MAX_TIME;
use super::{Role, RuleError, name_fault, text, unusable};
use crate::config::duration;
use crate::config::vrrp::{Checksum, Version, VirtualAddress};

mod among;
mod error;
mod instance;

pub use among::{follower, holder, owners, unique};
pub use error::{Named, VrrpError};
pub use instance::instance;

/// Most addresses that an advert counts: one byte (RFC 9568, section 5.2.5).
pub const MAX_ADDRESSES: usize = 255;

/// Longest password of version 2, in bytes: RFC 2338, section 5.3.10.
pub const PASSWORD_BYTES: usize = 8;

/// Shortest key that connections are told by, in characters.
pub const MIN_KEY_CHARS: usize = 16;

/// The weight that moves the lowest priority to the highest, the owner's apart.
const MAX_WEIGHT: i16 = 253;

/// Version 3's unit of time: RFC 9568, section 5.2.7.
const CENTISECOND: Duration = Duration::from_millis(10);

/// The most of them: twelve bits.
const MAX_CENTISECONDS: u32 = 4095;

/// The most seconds in version 2: one byte (RFC 3768, section 5.3.7).
const MAX_SECONDS: u64 = 255;

/// The shortest time between two rounds that go on for ever.
const MIN_REFRESH: Duration = Duration::from_millis(100);

fn byte(number: i128) -> Option<u8> {
    u8::try_from(number).ok().filter(|byte| *byte > 0)
}

/// Reads the number of a virtual router.
///
/// # Errors
/// [`VrrpError::Vrid`].
pub fn vrid(number: i128) -> Result<u8, VrrpError> {
    byte(number).ok_or(VrrpError::Vrid { number })
}

/// Reads the number of a version.
///
/// # Errors
/// [`VrrpError::Version`].
pub fn version(number: i128) -> Result<u8, VrrpError> {
    let known = [Version::V2, Version::V3].map(Version::number);
    known
        .into_iter()
        .find(|known| i128::from(*known) == number)
        .ok_or(VrrpError::Version { number })
}

/// Reads a priority.
///
/// # Errors
/// [`VrrpError::Priority`].
pub fn priority(number: i128) -> Result<u8, VrrpError> {
    byte(number).ok_or(VrrpError::Priority { number })
}

/// Reads what is added to a priority.
///
/// # Errors
/// [`VrrpError::Weight`] and [`VrrpError::WeightZero`].
pub fn weight(number: i128) -> Result<i16, VrrpError> {
    match i16::try_from(number) {
        Ok(0) => Err(VrrpError::WeightZero),
        Ok(weight) if (-MAX_WEIGHT..=MAX_WEIGHT).contains(&weight) => Ok(weight),
        _ => Err(VrrpError::Weight { number }),
    }
}

/// Reads how many processes are to run.
///
/// # Errors
/// [`VrrpError::Quorum`].
pub fn quorum(number: i128) -> Result<u32, VrrpError> {
    u32::try_from(number).ok().filter(|quorum| *quorum > 0).ok_or(VrrpError::Quorum { number })
}

/// Reads how often an address is told of in the first rounds.
///
/// # Errors
/// [`VrrpError::Repeat`].
pub fn repeat(number: i128) -> Result<u8, VrrpError> {
    byte(number).ok_or(VrrpError::Repeat { key: "repeat", number })
}

/// Reads how often an address is told of in the later rounds.
///
/// # Errors
/// [`VrrpError::Repeat`].
pub fn refresh_repeat(number: i128) -> Result<u8, VrrpError> {
    byte(number).ok_or(VrrpError::Repeat { key: "refresh_repeat", number })
}

/// Reads the word for what a checksum covers.
///
/// # Errors
/// [`VrrpError::UnknownChecksum`].
pub fn checksum(word: &str) -> Result<Checksum, VrrpError> {
    let found = Checksum::ALL.into_iter().find(|checksum| checksum.name() == word);
    found.ok_or_else(|| VrrpError::UnknownChecksum { word: word.to_owned() })
}

/// Reads the word for a kind of authentication, of which there is one.
///
/// # Errors
/// [`VrrpError::UnknownAuth`].
pub fn auth_type(word: &str) -> Result<(), VrrpError> {
    if word == "pass" { Ok(()) } else { Err(VrrpError::UnknownAuth { word: word.to_owned() }) }
}

/// Reads a password.
///
/// # Errors
/// [`VrrpError::Password`].
pub fn password(text: &str) -> Result<String, VrrpError> {
    let fault = if text.is_empty() {
        "is empty"
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        "has characters that are not printable ASCII"
    } else if text.len() > PASSWORD_BYTES {
        "is longer than 8 characters"
    } else {
        return Ok(text.to_owned());
    };
    Err(VrrpError::Password { fault })
}

/// Checks the form of a name.
///
/// # Errors
/// [`VrrpError::Name`].
pub fn name(what: Named, name: &str) -> Result<(), VrrpError> {
    match name_fault(name) {
        None => Ok(()),
        Some(fault) => Err(VrrpError::Name { what, name: name.to_owned(), fault }),
    }
}

/// Reads an address that moves: without a prefix length it is by itself.
///
/// # Errors
/// [`VrrpError::Prefix`], and where it is no address that a machine can have.
pub fn virtual_address(text: &str) -> Result<VirtualAddress, RuleError> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address = host(Role::Virtual, address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match prefix {
        None => Some(most),
        // Rust's own integer parser would also take a `+`.
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => digits.parse().ok().filter(|length| (1..=most).contains(length)),
    };
    let prefix = length.ok_or_else(|| VrrpError::Prefix { text: text.to_owned(), most })?;
    Ok(VirtualAddress { address, prefix, interface: None })
}

/// Reads the address of a machine.
///
/// # Errors
/// [`RuleError::NotAnAddress`] and [`RuleError::UnusableAddress`].
pub fn host(role: Role, text: &str) -> Result<IpAddr, RuleError> {
    let address = super::address(role, text)?;
    match unusable(address) {
        None => Ok(address),
        Some(kind) => Err(RuleError::UnusableAddress { role, address, kind }),
    }
}

/// Reads an address and a port.
///
/// # Errors
/// [`VrrpError::SyncAddress`] and [`RuleError::UnusableAddress`].
pub fn socket(text: &str) -> Result<SocketAddr, RuleError> {
    let found = text.parse().ok().filter(|socket: &SocketAddr| socket.port() != 0);
    let found = found.ok_or_else(|| VrrpError::SyncAddress { text: text.to_owned() })?;
    match unusable(found.ip()) {
        None => Ok(found),
        Some(kind) => {
            Err(RuleError::UnusableAddress { role: Role::Sync, address: found.ip(), kind })
        }
    }
}

/// Reads a key.
///
/// # Errors
/// [`VrrpError::ShortKey`].
pub fn key(text: &str) -> Result<String, VrrpError> {
    match text.chars().count() {
        count if count < MIN_KEY_CHARS => Err(VrrpError::ShortKey { count }),
        _ => Ok(text.to_owned()),
    }
}

/// Checks that a version can say an interval.
///
/// # Errors
/// [`VrrpError::IntervalV2`] and [`VrrpError::IntervalV3`].
pub fn interval(version: Version, interval: Duration) -> Result<(), VrrpError> {
    match version {
        Version::V2 if interval.subsec_nanos() != 0 => Err(VrrpError::IntervalV2 { interval }),
        Version::V2 if !(1..=MAX_SECONDS).contains(&interval.as_secs()) => {
            Err(VrrpError::IntervalV2 { interval })
        }
        Version::V3
            if !interval.as_millis().is_multiple_of(CENTISECOND.as_millis())
                || !(CENTISECOND..=CENTISECOND * MAX_CENTISECONDS).contains(&interval) =>
        {
            Err(VrrpError::IntervalV3 { interval })
        }
        _ => Ok(()),
    }
}

/// Reads the time of this key, from `least` to thirteen days.
///
/// # Errors
/// [`VrrpError::TimeForm`] and [`VrrpError::TimeRange`].
pub fn time(key: &'static str, least: Duration, text: &str) -> Result<Duration, VrrpError> {
    let length = duration::duration(text);
    let length = length.map_err(|source| VrrpError::TimeForm { key, source })?;
    if (least..=MAX_TIME).contains(&length) {
        Ok(length)
    } else {
        Err(VrrpError::TimeRange { key, length, least })
    }
}

/// Reads the time between rounds that go on for ever; `0s` for none.
///
/// # Errors
/// [`VrrpError::TimeForm`] and [`VrrpError::TimeRange`].
pub fn refresh(text: &str) -> Result<Duration, VrrpError> {
    match time("refresh", Duration::ZERO, text)? {
        none if none.is_zero() => Ok(none),
        _ => time("refresh", MIN_REFRESH, text),
    }
}

/// Reads the path of a file that is followed.
///
/// # Errors
/// [`VrrpError::RelativeFile`].
pub fn file(path: &str) -> Result<PathBuf, VrrpError> {
    text::absolute(path).ok_or_else(|| VrrpError::RelativeFile { text: path.to_owned() })
}

/// Reads the name of a program.
///
/// # Errors
/// [`VrrpError::Program`].
pub fn program(name: &str) -> Result<String, VrrpError> {
    if name.is_empty() || name.contains(|c: char| c == '/' || c.is_control()) {
        Err(VrrpError::Program { text: name.to_owned() })
    } else {
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests;
