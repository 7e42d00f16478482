//! Which adverts count: RFC 9568, section 7.1; RFC 3768, section 7.1. Pure.
//!
//! The checks are made in keepalived's order, so that both name the same fault.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::packet::{Advert, Covered, Fields, HOPS, PacketError, padded};
use super::sm::Heard;
use crate::config::vrrp::{Instance, Version};

mod counters;
mod once;
mod rejected;

pub use counters::Counters;
pub use once::Once;
pub use rejected::{Kind, Rejected};

/// What a socket has heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it was sent to.
    pub destination: IpAddr,
    /// The TTL or hop limit that it arrived with; `None` where the kernel does not tell.
    pub ttl: Option<u8>,
    /// What is behind the IP headers.
    pub payload: Vec<u8>,
}

/// An advert that counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// What the machine is told of it.
    pub heard: Heard,
    /// What its checksum covers.
    pub covered: Covered,
    /// How its addresses differ from the virtual router's; `None` where they are the same.
    pub differs: Option<Difference>,
}

/// How the addresses of an advert differ from those that are defined here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Those that the advert alone has.
    pub foreign: Vec<IpAddr>,
    /// Those that are defined here alone.
    pub missing: Vec<IpAddr>,
}

impl Difference {
    fn between(advert: &Advert, instance: &Instance) -> Option<Self> {
        let heard: BTreeSet<IpAddr> = advert.addresses.iter().copied().collect();
        let own: BTreeSet<IpAddr> = instance.addresses.iter().map(|it| it.address).collect();
        let foreign = heard.difference(&own).copied().collect();
        let missing = own.difference(&heard).copied().collect();
        (heard != own).then_some(Self { foreign, missing })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its addresses are not those of this director: ")?;
        let lists = [("it has", &self.foreign), ("it lacks", &self.missing)];
        for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            let list: Vec<String> = list.iter().map(IpAddr::to_string).collect();
            write!(f, "{what} {}; ", list.join(", "))?;
        }
        f.write_str("define the same on both")
    }
}

/// Where the VRID stands in an advert: RFC 9568, section 5.1.
const VRID_AT: usize = 1;

/// Which of the virtual routers of an interface a packet is for.
///
/// # Errors
/// It is for none of them, or too short to say.
pub fn addressee<'a>(
    instances: impl IntoIterator<Item = &'a Instance>,
    packet: &Packet,
) -> Result<&'a Instance, Rejected> {
    let v4 = packet.source.is_ipv4();
    let vrid = match packet.payload.get(VRID_AT) {
        // It stands before what may be missing: an advert that was cut off counts as one for whom
        // it was meant.
        Some(vrid) => *vrid,
        None => Fields::of(&packet.payload, v4)?.vrid(),
    };
    let is_it = |it: &&Instance| it.vrid == vrid && it.is_ipv4() == v4;
    instances.into_iter().find(is_it).ok_or(Rejected::UnknownVrid { vrid })
}

/// Whether a packet is a good advert for a virtual router whose own adverts come from `own`.
///
/// # Errors
/// It is not, and has no effect.
pub fn judge(instance: &Instance, own: IpAddr, packet: &Packet) -> Result<Accepted, Rejected> {
    let fields = Fields::of(&packet.payload, instance.is_ipv4())?;
    check_hops(instance, packet.ttl)?;
    check_version(instance, fields)?;
    if instance.version == Version::V2 {
        check_auth(instance, fields)?;
        check_interval(instance, fields)?;
    }
    fields.check_type()?;
    let covered = fields.covered(packet.source, packet.destination)?;
    let advert = fields.advert()?;
    if advert.vrid != instance.vrid {
        return Err(Rejected::UnknownVrid { vrid: advert.vrid });
    }
    check_way(instance, own, packet)?;
    let Advert { priority, interval, .. } = advert;
    let heard = Heard { priority, interval, source: packet.source };
    Ok(Accepted { heard, covered, differs: Difference::between(&advert, instance) })
}

/// RFC 9568, sections 5.1.1.3 and 5.1.2.3. Adverts to one peer may come through routers.
fn check_hops(instance: &Instance, hops: Option<u8>) -> Result<(), Rejected> {
    if instance.unicast_peers.is_empty() && hops != Some(HOPS) {
        return Err(Rejected::Hops { hops });
    }
    Ok(())
}

fn check_version(instance: &Instance, fields: Fields<'_>) -> Result<(), Rejected> {
    let (own, heard) = (instance.version.number(), fields.version());
    match heard {
        Ok(heard) if heard == instance.version => Ok(()),
        Ok(heard) => Err(Rejected::Version { heard: heard.number(), own }),
        Err(PacketError::Version { version }) => Err(Rejected::Version { heard: version, own }),
        Err(other) => Err(other.into()),
    }
}

/// RFC 3768, section 7.1: the type, then what belongs to it.
fn check_auth(instance: &Instance, fields: Fields<'_>) -> Result<(), Rejected> {
    let own = instance.password.as_deref().map(padded);
    let (heard, own_type) = (fields.auth_type(), u8::from(own.is_some()));
    if heard != own_type {
        return Err(Rejected::AuthType { heard, own: own_type });
    }
    if fields.auth() == own { Ok(()) } else { Err(Rejected::Password) }
}

/// RFC 3768, section 7.1: another interval is a fault. Version 3 goes by the master's.
fn check_interval(instance: &Instance, fields: Fields<'_>) -> Result<(), Rejected> {
    let (heard, own) = (fields.interval()?, instance.advert_interval);
    if heard == own { Ok(()) } else { Err(Rejected::Interval { heard, own }) }
}

/// From whom, and to whom.
fn check_way(instance: &Instance, own: IpAddr, packet: &Packet) -> Result<(), Rejected> {
    let Packet { source, destination, .. } = packet;
    let unicast = !instance.unicast_peers.is_empty();
    match (unicast, destination.is_multicast()) {
        (true, true) => Err(Rejected::Multicast),
        (false, false) => Err(Rejected::Unicast { peer: *source }),
        _ if *source == own => Err(Rejected::OwnAddress { own }),
        (true, false) if !instance.unicast_peers.contains(source) => {
            Err(Rejected::NotAPeer { peer: *source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;

#[cfg(test)]
pub(super) use tests::sample;
