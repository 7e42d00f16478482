//! From bytes to an advert. Pure.

use std::net::IpAddr;
use std::time::Duration;

use super::{
    ADVERTISEMENT, AUTH, Advert, CENTISECOND, Covered, Decoded, GROUP_V4, HEADER,
    MOST_CENTISECONDS, PASSWORD, PacketError, sum,
};
use crate::config::vrrp::Version;

/// Reads an advert that came from `source` to `destination`. What stands behind it, as where
/// Ethernet fills a frame up, is left aside.
///
/// # Errors
///
/// It is none, or does not say what an advert may say.
pub fn decode(message: &[u8], source: IpAddr, destination: IpAddr) -> Result<Decoded, PacketError> {
    let fields = Fields::of(message, source.is_ipv4())?;
    fields.version()?;
    fields.check_type()?;
    let checksum = fields.covered(source, destination)?;
    let advert = fields.advert()?;
    Ok(Decoded { advert, auth_type: fields.auth_type(), checksum })
}

/// A message that is long enough, and nothing more is known of it: whoever receives it has an
/// order of checks, and the first that fails is what is told.
#[derive(Clone, Copy, Debug)]
pub(in crate::vrrp) struct Fields<'a> {
    /// Without what stands behind it; eight bytes at least.
    message: &'a [u8],
    v4: bool,
}

impl<'a> Fields<'a> {
    /// Of a message over IPv4, or IPv6.
    pub(in crate::vrrp) fn of(message: &'a [u8], v4: bool) -> Result<Self, PacketError> {
        let bytes = message.len();
        let short = |needed| PacketError::Length { bytes, needed };
        let Some(&[kind, _, _, count, ..]) = message.first_chunk::<HEADER>() else {
            return Err(short(HEADER));
        };
        let address = if v4 { 4 } else { 16 };
        let auth = if kind >> 4 == Version::V2.number() { AUTH } else { 0 };
        let needed = HEADER + usize::from(count) * address + auth;
        let message = message.get(..needed).ok_or_else(|| short(needed))?;
        Ok(Self { message, v4 })
    }

    /// The virtual router's number.
    pub(in crate::vrrp) fn vrid(&self) -> u8 {
        self.message[1]
    }

    /// How it is written.
    pub(in crate::vrrp) fn version(&self) -> Result<Version, PacketError> {
        match (self.message[0] >> 4, self.v4) {
            (2, true) => Ok(Version::V2),
            (3, _) => Ok(Version::V3),
            (version, _) => Err(PacketError::Version { version }),
        }
    }

    /// That it is an advert: RFC 9568, section 5.2.2.
    pub(in crate::vrrp) fn check_type(&self) -> Result<(), PacketError> {
        match self.message[0] & 0x0f {
            ADVERTISEMENT => Ok(()),
            kind => Err(PacketError::Type { kind }),
        }
    }

    /// Version 2's type of authentication; 0 in version 3.
    pub(in crate::vrrp) fn auth_type(&self) -> u8 {
        if self.version() == Ok(Version::V2) { self.message[4] } else { 0 }
    }

    /// Version 2's password.
    pub(in crate::vrrp) fn auth(&self) -> Option<[u8; AUTH]> {
        let password = self.auth_type() == PASSWORD;
        password.then(|| self.message.last_chunk().copied().unwrap_or_default())
    }

    /// The time between two adverts.
    pub(in crate::vrrp) fn interval(&self) -> Result<Duration, PacketError> {
        let [high, low] = [self.message[4], self.message[5]];
        let interval = match self.version()? {
            Version::V2 => Duration::from_secs(low.into()),
            // The first four bits are reserved, and not looked at (RFC 9568, section 5.2.6).
            Version::V3 => {
                CENTISECOND * u32::from(u16::from_be_bytes([high, low]) & MOST_CENTISECONDS)
            }
        };
        if interval.is_zero() { Err(PacketError::Interval) } else { Ok(interval) }
    }

    /// What the checksum covers.
    pub(in crate::vrrp) fn covered(
        &self,
        source: IpAddr,
        destination: IpAddr,
    ) -> Result<Covered, PacketError> {
        let with = |destination| Some((source, destination));
        let (pseudo, alone) =
            ((Covered::PseudoHeader, with(destination)), (Covered::Message, None));
        let group = (Covered::GroupPseudoHeader, with(GROUP_V4.into()));
        let may: &[_] = match self.version()? {
            Version::V2 => &[alone],
            Version::V3 if self.v4 => &[pseudo, alone, group],
            // RFC 9568, section 5.2.8.
            Version::V3 => &[pseudo],
        };
        let holds =
            |(_, pseudo): &&(Covered, Option<(IpAddr, IpAddr)>)| sum(self.message, *pseudo) == 0;
        may.iter().find(holds).map(|(covered, _)| *covered).ok_or(PacketError::Checksum)
    }

    /// All that it says.
    pub(in crate::vrrp) fn advert(&self) -> Result<Advert, PacketError> {
        let version = self.version()?;
        let (vrid, priority, count) = (self.vrid(), self.message[2], self.message[3]);
        if vrid == 0 {
            return Err(PacketError::Vrid);
        }
        // Version 2 does not forbid it, and keepalived sends it where all addresses are excluded.
        if count == 0 && version == Version::V3 {
            return Err(PacketError::Addresses);
        }
        let addresses = self.addresses(count);
        let interval = self.interval()?;
        Ok(Advert { version, vrid, priority, interval, addresses, auth: self.auth() })
    }

    fn addresses(&self, count: u8) -> Vec<IpAddr> {
        let (list, count) = (&self.message[HEADER..], usize::from(count));
        if self.v4 {
            let (addresses, _) = list.as_chunks::<4>();
            addresses[..count].iter().map(|octets| IpAddr::from(*octets)).collect()
        } else {
            let (addresses, _) = list.as_chunks::<16>();
            addresses[..count].iter().map(|octets| IpAddr::from(*octets)).collect()
        }
    }
}
