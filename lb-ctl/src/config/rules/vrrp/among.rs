//! What virtual routers must be among each other, and among services.

use std::collections::HashMap;
use std::net::IpAddr;

use super::instance::no_weight;
use super::{Named, VrrpError};
use crate::config::locate::Path;
use crate::config::model::Endpoint;
use crate::config::rules::Broken;
use crate::config::vrrp::{Group, Instance, OWNER, Track, VirtualAddress, Vrrp};

/// Checks that no two virtual routers are taken for one, and that no address is on two of them.
/// `instances` are in the order of their list, which the path begins with.
///
/// # Errors
/// [`VrrpError::VridTaken`] and [`VrrpError::AddressTaken`].
pub fn unique<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Result<(), Broken> {
    let (mut routers, mut addresses) = (HashMap::new(), HashMap::new());
    for (index, instance) in instances.into_iter().enumerate() {
        let path = Path::default().key("instances").index(index);
        let Instance { interface, vrid, .. } = instance;
        if let Some(holder) = routers.insert((interface, *vrid, instance.is_ipv4()), &instance.name)
        {
            let family = if instance.is_ipv4() { "IPv4" } else { "IPv6" };
            let (interface, instance) = (interface.clone(), holder.clone());
            let error = VrrpError::VridTaken { vrid: *vrid, interface, family, instance };
            return Err(Broken::at("vrid")(error).under(&path));
        }
        let lists =
            [("addresses", &instance.addresses), ("excluded_addresses", &instance.excluded)];
        let all = lists.into_iter().flat_map(|(key, list)| {
            list.iter().enumerate().map(move |(index, address)| (key, index, address))
        });
        for (key, index, moving) in all {
            if let Some(holder) = addresses.insert(place(instance, moving), &instance.name) {
                let error = VrrpError::AddressTaken {
                    address: moving.address,
                    instance: String::clone(holder),
                };
                let path = path.key(key).index(index);
                return Err(Broken { path, error: error.into() });
            }
        }
    }
    Ok(())
}

/// What is at most once: link-local addresses differ by interface (RFC 4291, section 2.5.6).
fn place<'a>(instance: &'a Instance, moving: &'a VirtualAddress) -> (IpAddr, Option<&'a str>) {
    let interface = moving.interface.as_deref().unwrap_or(&instance.interface);
    let is_local = match moving.address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    (moving.address, is_local.then_some(interface))
}

/// Checks that a group changes the priority of no owner.
///
/// # Errors
/// [`VrrpError::OwnerWeight`].
pub fn owners<'a>(
    group: &Group,
    members: impl IntoIterator<Item = &'a Instance>,
) -> Result<(), Broken> {
    let owner = members.into_iter().find(|member| member.priority == OWNER);
    owner.map_or(Ok(()), |owner| no_weight(&group.track, Some(&owner.name)))
}

/// The virtual router that this address moves with.
pub fn holder(vrrp: &Vrrp, address: IpAddr) -> Option<&Instance> {
    vrrp.instances.values().find(|instance| instance.moves(address))
}

/// Checks that nobody follows a service.
///
/// # Errors
/// [`VrrpError::Followed`].
pub fn follower(vrrp: &Vrrp, service: Endpoint) -> Result<(), VrrpError> {
    let follows = |track: &Track| track.services.iter().any(|tracked| tracked.what == service);
    let instance = vrrp.instances.values().find(|instance| follows(&instance.track));
    let group = vrrp.groups.values().find(|group| follows(&group.track));
    let instance = instance.map(|instance| (Named::Instance, &instance.name));
    match instance.or(group.map(|group| (Named::Group, &group.name))) {
        None => Ok(()),
        Some((what, name)) => Err(VrrpError::Followed { service, what, name: name.clone() }),
    }
}
