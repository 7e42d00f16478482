//! What the properties of one virtual router must be together.

use super::{MAX_ADDRESSES, VrrpError, interval};
use crate::config::locate::Path;
use crate::config::rules::{Broken, Role, RuleError};
use crate::config::vrrp::{Checksum, Instance, OWNER, Preempt, Track, Version};

fn within(list: &str, index: usize, error: impl Into<RuleError>) -> Broken {
    Broken { path: Path::default().key(list).index(index), error: error.into() }
}

/// Checks all properties of a virtual router that depend on each other.
///
/// # Errors
/// The first rule that is broken.
pub fn instance(instance: &Instance) -> Result<(), Broken> {
    addresses(instance)?;
    version(instance)?;
    peers(instance)?;
    track(instance)?;
    owner(instance)
}

fn addresses(instance: &Instance) -> Result<(), Broken> {
    let addresses = &instance.addresses;
    let Some(first) = addresses.first().map(|first| first.address) else {
        return Err(Broken::at("addresses")(VrrpError::NoAddress));
    };
    if addresses.len() > MAX_ADDRESSES {
        let error = VrrpError::TooManyAddresses { count: addresses.len() };
        return Err(Broken::at("addresses")(error));
    }
    let other = addresses.iter().position(|it| it.address.is_ipv4() != first.is_ipv4());
    match other {
        None => Ok(()),
        Some(index) => {
            let address = addresses[index].address;
            Err(within("addresses", index, VrrpError::MixedAddresses { address, first }))
        }
    }
}

fn version(instance: &Instance) -> Result<(), Broken> {
    let Instance { version, checksum, .. } = *instance;
    if let Some(first) = instance.addresses.first()
        && version == Version::V2
        && !first.address.is_ipv4()
    {
        return Err(Broken::at("version")(VrrpError::Ipv6V2 { address: first.address }));
    }
    let length = instance.advert_interval;
    interval(version, length).map_err(Broken::at("advert_interval"))?;
    if version == Version::V3 && instance.password.is_some() {
        let could = instance.is_ipv4() && interval(Version::V2, length).is_ok();
        let remedy = if could { ", or say \"version\": 2" } else { "" };
        return Err(Broken::at("auth")(VrrpError::AuthV3 { remedy }));
    }
    if checksum != Checksum::default() {
        if version == Version::V2 {
            return Err(Broken::at("checksum")(VrrpError::ChecksumV2));
        }
        if !instance.is_ipv4() {
            return Err(Broken::at("checksum")(VrrpError::ChecksumIpv6));
        }
    }
    Ok(())
}

fn peers(instance: &Instance) -> Result<(), Broken> {
    let Some(first) = instance.addresses.first().map(|first| first.address) else {
        return Ok(());
    };
    if let Some(address) = instance.source
        && address.is_ipv4() != first.is_ipv4()
    {
        let error = VrrpError::OtherFamily { role: Role::Source, address, first };
        return Err(Broken::at("source")(error));
    }
    let peers = &instance.unicast_peers;
    for (index, &address) in peers.iter().enumerate() {
        let error = if address.is_ipv4() != first.is_ipv4() {
            VrrpError::OtherFamily { role: Role::Peer, address, first }
        } else if instance.source == Some(address) {
            VrrpError::PeerIsSource { address }
        } else if let Some(first) = peers[..index].iter().position(|earlier| *earlier == address) {
            let text = format!("unicast peer {address}");
            VrrpError::Duplicate { text, list: "unicast_peers", first }
        } else {
            continue;
        };
        return Err(within("unicast_peers", index, error));
    }
    if instance.virtual_mac && !peers.is_empty() {
        return Err(Broken::at("virtual_mac")(VrrpError::VirtualMacUnicast));
    }
    Ok(())
}

fn track(instance: &Instance) -> Result<(), Broken> {
    let interfaces = &instance.track.interfaces;
    match interfaces.iter().position(|tracked| tracked.what == instance.interface) {
        None => Ok(()),
        Some(index) => {
            let error = VrrpError::OwnInterface { name: instance.interface.clone() };
            Err(within("interfaces", index, error).under(&Path::default().key("track")))
        }
    }
}

fn owner(instance: &Instance) -> Result<(), Broken> {
    if instance.priority != OWNER {
        return Ok(());
    }
    let key = match instance.preempt {
        Preempt::Never => Some("preempt"),
        Preempt::After(delay) if !delay.is_zero() => Some("preempt_delay"),
        Preempt::After(_) => None,
    };
    if let Some(key) = key {
        return Err(Broken::at(key)(VrrpError::OwnerPreempt { key }));
    }
    no_weight(&instance.track, None)
}

/// Checks that nothing here changes the priority of an owner, who is a member of this name where
/// these are a group's.
pub(super) fn no_weight(track: &Track, member: Option<&str>) -> Result<(), Broken> {
    let Track { interfaces, scripts, files, processes, services } = track;
    let of = |list: &'static str, weights: Vec<Option<i16>>| {
        weights.iter().position(Option::is_some).map(|index| (list, index))
    };
    let found = of("interfaces", interfaces.iter().map(|it| it.weight).collect())
        .or_else(|| of("scripts", scripts.iter().map(|it| it.weight).collect()))
        .or_else(|| of("files", files.iter().map(|it| it.weight).collect()))
        .or_else(|| of("processes", processes.iter().map(|it| it.weight).collect()))
        .or_else(|| of("services", services.iter().map(|it| it.weight).collect()));
    match found {
        None => Ok(()),
        Some((list, index)) => {
            let error = VrrpError::OwnerWeight { instance: member.map(ToOwned::to_owned) };
            Err(within(list, index, error).under(&Path::default().key("track")))
        }
    }
}
