//! Why an advert does not count. Pure.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::vrrp::packet::PacketError;

/// Why an advert does not count. The text says what it is about, not whose it is.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Rejected {
    /// No virtual router of this interface and family has its VRID.
    #[error("no virtual router has VRID {vrid} here: whoever shares a network needs VRIDs apart")]
    UnknownVrid {
        /// The VRID.
        vrid: u8,
    },
    /// It is no advert.
    #[error(transparent)]
    Malformed(#[from] PacketError),
    /// It comes from beyond the link.
    #[error("its TTL is {}, not 255: it has crossed a router, or is forged; `unicast_peers` allow \
             that", hops.map_or("unknown".to_owned(), |hops| hops.to_string()))]
    Hops {
        /// Its TTL or hop limit, where it is known.
        hops: Option<u8>,
    },
    /// Another version.
    #[error("its version is {heard}, this director's is {own}: set `version` alike on both")]
    Version {
        /// The sender's.
        heard: u8,
        /// This director's.
        own: u8,
    },
    /// Another way to authenticate.
    #[error(
        "its type of authentication is {heard}, this director's is {own} (0 none, 1 a \
             password, 2 AH): set `auth` alike on both; there is no AH here"
    )]
    AuthType {
        /// The sender's.
        heard: u8,
        /// This director's.
        own: u8,
    },
    /// Another password.
    #[error("its password is another one: set `auth` alike on both")]
    Password,
    /// Version 2 with another interval.
    #[error("its interval is {}, this director's {}: set `advert_interval` alike on both, as \
             version 2 needs it", seconds(*heard), seconds(*own))]
    Interval {
        /// The sender's.
        heard: Duration,
        /// This director's.
        own: Duration,
    },
    /// It was sent to all, and the virtual router has peers.
    #[error("it came by multicast, and this director has `unicast_peers`: do the same on both")]
    Multicast,
    /// It was sent to this director alone, and the virtual router has no peers.
    #[error(
        "it came by unicast, and this director has no `unicast_peers`: name {peer} there, or \
             use multicast on both"
    )]
    Unicast {
        /// Who sent it.
        peer: IpAddr,
    },
    /// Its sender has this director's own address.
    #[error(
        "it comes from this director's own address {own}: a loop in the network, or another \
             machine with this address"
    )]
    OwnAddress {
        /// That address.
        own: IpAddr,
    },
    /// Its sender is not among the peers.
    #[error("{peer} is not among `unicast_peers`: name it there, or have it stop")]
    NotAPeer {
        /// The sender.
        peer: IpAddr,
    },
}

fn seconds(interval: Duration) -> String {
    format!("{} s", interval.as_secs())
}

impl Rejected {
    /// What it is counted as.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::UnknownVrid { .. } | Self::Malformed(PacketError::Vrid) => Kind::UnknownVrid,
            Self::Malformed(PacketError::Length { .. }) => Kind::Length,
            Self::Malformed(PacketError::Version { .. }) | Self::Version { .. } => Kind::Version,
            Self::Malformed(PacketError::Type { .. }) => Kind::Type,
            Self::Malformed(PacketError::Interval) | Self::Interval { .. } => Kind::Interval,
            Self::Malformed(PacketError::Addresses) => Kind::Addresses,
            Self::Malformed(PacketError::Checksum) => Kind::Checksum,
            Self::Hops { .. } => Kind::Hops,
            Self::AuthType { .. } => Kind::AuthType,
            Self::Password => Kind::Password,
            Self::Multicast => Kind::Multicast,
            Self::Unicast { .. } => Kind::Unicast,
            Self::OwnAddress { .. } => Kind::OwnAddress,
            Self::NotAPeer { .. } => Kind::NotAPeer,
        }
    }

    /// The word used in metrics.
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
}

/// What an advert that does not count is counted as.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// The VRID of no virtual router here.
    UnknownVrid,
    /// It ends too early.
    Length,
    /// TTL or hop limit.
    Hops,
    /// Version.
    Version,
    /// Type of authentication.
    AuthType,
    /// Password.
    Password,
    /// Interval.
    Interval,
    /// Type of message.
    Type,
    /// Checksum.
    Checksum,
    /// No address.
    Addresses,
    /// Multicast, where unicast is defined.
    Multicast,
    /// Unicast, where multicast is defined.
    Unicast,
    /// This director's own address.
    OwnAddress,
    /// Nobody of the peers.
    NotAPeer,
}

impl Kind {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 14] = [
        Self::UnknownVrid,
        Self::Length,
        Self::Hops,
        Self::Version,
        Self::AuthType,
        Self::Password,
        Self::Interval,
        Self::Type,
        Self::Checksum,
        Self::Addresses,
        Self::Multicast,
        Self::Unicast,
        Self::OwnAddress,
        Self::NotAPeer,
    ];

    /// The word used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownVrid => "unknown-vrid",
            Self::Length => "length",
            Self::Hops => "ttl",
            Self::Version => "version",
            Self::AuthType => "auth-type",
            Self::Password => "password",
            Self::Interval => "interval",
            Self::Type => "type",
            Self::Checksum => "checksum",
            Self::Addresses => "no-address",
            Self::Multicast => "multicast",
            Self::Unicast => "unicast",
            Self::OwnAddress => "own-address",
            Self::NotAPeer => "not-a-peer",
        }
    }
}
