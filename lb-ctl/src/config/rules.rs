//! What a definition must obey, wherever it comes from: file, command line or API.

use std::net::{IpAddr, Ipv6Addr};

use lb_common::key::Protocol;

use super::model::Endpoint;

pub mod check;
mod combination;
mod error;
pub mod notify;
pub mod policy;
pub mod quorum;
mod text;
pub mod vrrp;

pub use combination::{Broken, service};
pub use error::{Role, RuleError};

/// Longest service name, in characters.
pub const NAME_CHARS: usize = 64;

/// Longest interface name, in bytes: the kernel's IFNAMSIZ less the closing zero.
pub const INTERFACE_BYTES: usize = 15;

/// Reads an address.
///
/// # Errors
/// [`RuleError::NotAnAddress`], with a guess at what was meant.
pub fn address(role: Role, text: &str) -> Result<IpAddr, RuleError> {
    text.parse().map_err(|_| RuleError::NotAnAddress {
        role,
        text: text.to_owned(),
        hint: address_hint(text),
    })
}

fn address_hint(text: &str) -> &'static str {
    if text.contains('/') {
        "leave the prefix length out"
    } else if text.contains('%') {
        "leave the interface out"
    } else if text.trim() != text {
        "leave the blanks out"
    } else if text.contains(['[', ']']) || text.matches(':').count() == 1 {
        "give the address alone, without brackets and port"
    } else if text.chars().any(char::is_alphabetic) && !text.contains(':') {
        "names are not looked up"
    } else {
        "write it like 192.0.2.10 or 2001:db8::10"
    }
}

/// Reads a weight.
///
/// # Errors
/// [`RuleError::WeightAbove`] and [`RuleError::WeightBelow`] outside 0 to 65535.
pub fn weight(number: i128) -> Result<u16, RuleError> {
    u16::try_from(number).map_err(|_| {
        if number < 0 {
            RuleError::WeightBelow { number }
        } else {
            RuleError::WeightAbove { number }
        }
    })
}

/// Reads the word for a protocol.
///
/// # Errors
/// [`RuleError::UnknownProtocol`].
pub fn protocol(word: &str) -> Result<Protocol, RuleError> {
    [Protocol::Tcp, Protocol::Udp]
        .into_iter()
        .find(|protocol| protocol.name() == word)
        .ok_or_else(|| RuleError::UnknownProtocol { word: word.to_owned() })
}

/// Checks that a VIP can be balanced.
///
/// # Errors
/// [`RuleError::UnusableAddress`].
pub fn vip(address: IpAddr) -> Result<(), RuleError> {
    let link_local = match address {
        // The neighbours of fe80::/10 differ by interface; a service has none (RFC 4291, 2.5.6).
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address"),
        _ => None,
    };
    match link_local.or_else(|| unusable(address)) {
        None => Ok(()),
        Some(kind) => Err(RuleError::UnusableAddress { role: Role::Vip, address, kind }),
    }
}

/// Checks that `address` can be a real of the service at `vip`.
///
/// # Errors
/// [`RuleError::UnusableAddress`], [`RuleError::MixedFamily`] and [`RuleError::IsVip`].
pub fn real(vip: IpAddr, address: IpAddr) -> Result<(), RuleError> {
    usable(Role::Real, vip, address)
}

/// Checks that probes can come from `address`.
///
/// # Errors
/// [`RuleError::UnusableAddress`].
pub fn bind(address: IpAddr) -> Result<(), RuleError> {
    match unusable(address) {
        None => Ok(()),
        Some(kind) => Err(RuleError::UnusableAddress { role: Role::Bind, address, kind }),
    }
}

/// Checks that packets to `vip` can be sent to `address`.
fn usable(role: Role, vip: IpAddr, address: IpAddr) -> Result<(), RuleError> {
    if let Some(kind) = unusable(address) {
        return Err(RuleError::UnusableAddress { role, address, kind });
    }
    if vip.is_ipv4() != address.is_ipv4() {
        return Err(RuleError::MixedFamily { role, address, vip });
    }
    if vip == address {
        return Err(RuleError::IsVip { role, address });
    }
    Ok(())
}

/// Checks that a real's port, where one is given, is the one port of its service.
///
/// # Errors
/// [`RuleError::RealPort`] and [`RuleError::RealPortOfMany`].
pub fn real_port(service: Endpoint, real: IpAddr, port: Option<u16>) -> Result<(), RuleError> {
    let Some(port) = port else { return Ok(()) };
    match service.port.single() {
        Some(one) if one == port => Ok(()),
        Some(_) => Err(RuleError::RealPort { real, port, service }),
        None => Err(RuleError::RealPortOfMany { real, port, service }),
    }
}

/// Checks the form of a service name.
///
/// # Errors
/// [`RuleError::Name`].
pub fn name(name: &str) -> Result<(), RuleError> {
    match name_fault(name) {
        None => Ok(()),
        Some(fault) => Err(RuleError::Name { name: name.to_owned(), fault }),
    }
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.chars().count() > NAME_CHARS {
        Some("is too long")
    } else if name.chars().any(char::is_control) {
        Some("has control characters")
    } else {
        None
    }
}

/// Checks the form of an interface name, as the kernel's `dev_valid_name()` does.
///
/// # Errors
/// [`RuleError::Interface`].
pub fn interface(name: &str) -> Result<(), RuleError> {
    let fault = if name.is_empty() {
        "is empty"
    } else if name.len() > INTERFACE_BYTES {
        "is longer than 15 bytes"
    } else if name.contains(['/', ':']) || name == "." || name == ".." {
        "cannot be one (no `/`, no `:`, not `.` or `..`)"
    } else if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "has blanks or control characters"
    } else {
        return Ok(());
    };
    Err(RuleError::Interface { name: name.to_owned(), fault })
}

/// Why nothing can be balanced to `address`, whatever it is for.
fn unusable(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("the unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if address.is_multicast() {
        return Some("a multicast address");
    }
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(v6) if is_mapped(v6) => Some("an IPv4 address in IPv6 form"),
        _ => None,
    }
}

/// `::ffff:0:0/96` never stands in a packet (RFC 4291, 2.5.5.2).
fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

#[cfg(test)]
mod tests;
