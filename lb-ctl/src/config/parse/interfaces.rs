//! The interfaces of virtual routers, which a machine has or has not.

use super::{DefinitionError, refusal_at};
use crate::config::locate::Path;
use crate::config::model::Desired;
use crate::config::rules::vrrp::VrrpError;
use crate::config::vrrp::{Instance, VirtualAddress};

/// The first interface that a virtual router needs and `exists` does not know, where it stands in
/// the text that `desired` was read from.
pub fn missing_interface(
    text: &str,
    desired: &Desired,
    exists: impl Fn(&str) -> bool,
) -> Option<DefinitionError> {
    let instances = desired.vrrp.instances.values().enumerate();
    let mut needed = instances.flat_map(|(index, instance)| {
        let path = Path::default().key("vrrp").key("instances").index(index);
        interfaces(instance).map(move |(within, name)| (path.clone().then(within), name))
    });
    let (path, name) = needed.find(|(_, name)| !exists(name))?;
    let error = VrrpError::NoInterface { name: name.to_owned() };
    Some(refusal_at(text, &path, &error.to_string()))
}

fn interfaces(instance: &Instance) -> impl Iterator<Item = (Path, &str)> {
    let own = (Path::default().key("interface"), instance.interface.as_str());
    let addresses = placed("addresses", &instance.addresses);
    std::iter::once(own).chain(addresses).chain(placed("excluded_addresses", &instance.excluded))
}

fn placed<'a>(
    list: &'static str,
    addresses: &'a [VirtualAddress],
) -> impl Iterator<Item = (Path, &'a str)> {
    addresses.iter().enumerate().filter_map(move |(index, address)| {
        let path = Path::default().key(list).index(index).key("interface");
        Some((path, address.interface.as_deref()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::config::samples::vrrp::VRRP;

    #[test]
    fn the_first_that_is_missing_is_pointed_at() {
        let desired = parse(VRRP).unwrap();
        let missing = |there: &[&str]| {
            missing_interface(VRRP, &desired, |name| there.contains(&name))
                .map(|error| error.to_string())
        };
        assert_eq!(missing(&["eth0", "eth1"]), None, "what is tracked may be missing");
        let said = "there is no interface eth0 on this machine: `ip link` lists those there are";
        let place = "line 6, column 38 (vrrp.instances[0].interface): ";
        assert_eq!(missing(&["eth1"]), Some(format!("{place}{said}")));
        let placed = missing(&["eth0"]).unwrap();
        let place = "line 7, column 98 (vrrp.instances[0].addresses[2].interface): there is no";
        assert!(placed.starts_with(place), "{placed}");
    }
}
