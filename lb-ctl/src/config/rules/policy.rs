//! What a service may ask for beside addresses, ports and weights: words, times, masks, prefixes.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use lb_common::value::{MAX_IDLE, ticks_from_secs};

use crate::config::duration;
use crate::config::model::{AllDown, Hash, Scheduler, Tracking};

mod error;

pub use error::{List, PolicyError, Time};

/// The longest of all times, in seconds: thirteen days.
pub const MAX_SECS: u32 = 13 * 24 * 60 * 60;

const _: () = assert!(ticks_from_secs(MAX_SECS) <= MAX_IDLE, "the packet path can hold it");

/// Reads the LVS name of a scheduler.
///
/// # Errors
/// [`PolicyError::UnknownScheduler`].
pub fn scheduler(word: &str) -> Result<Scheduler, PolicyError> {
    let found = Scheduler::ALL.into_iter().find(|scheduler| scheduler.name() == word);
    found.ok_or_else(|| PolicyError::UnknownScheduler { word: word.to_owned() })
}

/// Reads the word for what `mh` hashes.
///
/// # Errors
/// [`PolicyError::UnknownHash`].
pub fn hash(word: &str) -> Result<Hash, PolicyError> {
    let found = Hash::ALL.into_iter().find(|hash| hash.name() == word);
    found.ok_or_else(|| PolicyError::UnknownHash { word: word.to_owned() })
}

/// Reads the word for what is remembered of a service's flows.
///
/// # Errors
/// [`PolicyError::UnknownTracking`].
pub fn tracking(word: &str) -> Result<Tracking, PolicyError> {
    let found = Tracking::ALL.into_iter().find(|tracking| tracking.name() == word);
    found.ok_or_else(|| PolicyError::UnknownTracking { word: word.to_owned() })
}

/// Reads the word for what happens while all reals are down.
///
/// # Errors
/// [`PolicyError::UnknownAllDown`].
pub fn all_down(word: &str) -> Result<AllDown, PolicyError> {
    let found = AllDown::ALL.into_iter().find(|all_down| all_down.name() == word);
    found.ok_or_else(|| PolicyError::UnknownAllDown { word: word.to_owned() })
}

/// Reads the word of `--expire-nodest`.
///
/// # Errors
/// [`PolicyError::UnknownNodest`].
pub fn expire_nodest(word: &str) -> Result<bool, PolicyError> {
    word.parse().map_err(|_| PolicyError::UnknownNodest { word: word.to_owned() })
}

/// Reads a time as it is written, like `900s`, and returns seconds.
///
/// # Errors
/// [`PolicyError::TimeForm`] and [`PolicyError::TimeRange`].
pub fn time(what: Time, text: &str) -> Result<u32, PolicyError> {
    let length = duration::seconds(text);
    seconds(what, length.map_err(|source| PolicyError::TimeForm { what, source })?)
}

/// Checks a time in seconds.
///
/// # Errors
/// [`PolicyError::TimeRange`] outside one second to thirteen days.
pub fn seconds(what: Time, seconds: u64) -> Result<u32, PolicyError> {
    match u32::try_from(seconds) {
        Ok(short @ 1..=MAX_SECS) => Ok(short),
        _ => Err(PolicyError::TimeRange { what, seconds }),
    }
}

/// Reads a prefix length, which a VIP is yet to be compared with.
///
/// # Errors
/// [`PolicyError::NetmaskNumber`] outside 1 to 128.
pub fn netmask_number(number: i128) -> Result<u8, PolicyError> {
    match u8::try_from(number) {
        Ok(length @ 1..=128) => Ok(length),
        _ => Err(PolicyError::NetmaskNumber { number }),
    }
}

/// Checks that a prefix length is one of the VIP's family.
///
/// # Errors
/// [`PolicyError::NetmaskLength`].
pub fn netmask(vip: IpAddr, length: u8) -> Result<u8, PolicyError> {
    if (1..=full_prefix(vip)).contains(&length) {
        Ok(length)
    } else {
        Err(PolicyError::NetmaskLength { length, vip })
    }
}

/// Reads a netmask as ipvsadm takes it: `255.255.255.0` or `24`, for IPv6 a prefix length.
///
/// # Errors
/// [`PolicyError`], for whatever is no netmask of the VIP's family.
pub fn netmask_text(vip: IpAddr, text: &str) -> Result<u8, PolicyError> {
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        if vip.is_ipv6() {
            return Err(PolicyError::NetmaskDotted { mask, vip });
        }
        let length = ipnet::ipv4_mask_to_prefix(mask);
        return netmask(vip, length.map_err(|_| PolicyError::NetmaskHoles { mask })?);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().unwrap_or(i128::MAX));
    let number = number.ok_or_else(|| PolicyError::NetmaskForm { text: text.to_owned() })?;
    netmask(vip, netmask_number(number)?)
}

/// The prefix length that tells each client of the VIP's family from all others.
pub const fn full_prefix(vip: IpAddr) -> u8 {
    match vip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Reads a prefix; an address alone is the prefix of nobody else.
///
/// # Errors
/// [`PolicyError::PrefixForm`] and [`PolicyError::HostBits`].
pub fn prefix(text: &str) -> Result<IpNet, PolicyError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let prefix: IpNet =
        text.parse().map_err(|_| PolicyError::PrefixForm { text: text.to_owned() })?;
    if prefix == prefix.trunc() {
        Ok(prefix)
    } else {
        Err(PolicyError::HostBits { prefix, meant: prefix.trunc() })
    }
}

#[cfg(test)]
mod tests;
