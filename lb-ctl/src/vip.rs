//! Which VIPs to put on, and take off, the director's interfaces. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::netlink::types::HeldAddress;

/// One step towards the wanted VIPs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VipOp {
    /// Put the VIP on the interface.
    Add {
        /// The interface.
        ifindex: u32,
        /// The VIP.
        address: IpAddr,
    },
    /// Take the VIP off the interface.
    Delete {
        /// The interface.
        ifindex: u32,
        /// The VIP.
        address: IpAddr,
    },
}

/// The steps from the addresses held to the VIPs wanted, additions first. `interfaces` are the
/// attached ones, number and name, in the order they were given.
///
/// A VIP that somebody else put on some interface stays there and is not added a second time. One
/// of ours that is wanted stays where it is. Without an interface nothing is added.
pub fn plan(
    wanted: &BTreeSet<IpAddr>,
    held: &[HeldAddress],
    interfaces: &[(u32, String)],
) -> Vec<VipOp> {
    let present: BTreeSet<IpAddr> = held.iter().map(|held| held.address).collect();
    let missing = wanted.difference(&present);
    let additions = missing.filter_map(|&address| {
        let ifindex = home(address, held, interfaces)?;
        Some(VipOp::Add { ifindex, address })
    });
    let stale = held.iter().filter(|held| held.ours && !wanted.contains(&held.address));
    let deletions =
        stale.map(|held| VipOp::Delete { ifindex: held.ifindex, address: held.address });
    additions.chain(deletions).collect()
}

/// The interface whose network the VIP belongs to, by the longest prefix; else the first.
fn home(vip: IpAddr, held: &[HeldAddress], interfaces: &[(u32, String)]) -> Option<u32> {
    let prefix_on = |ifindex: u32| {
        let connecting = held.iter().filter(|held| held.ifindex == ifindex && held.connects(vip));
        connecting.map(|held| held.prefix_len).max()
    };
    let mut best: Option<(u32, u8)> = None;
    for &(ifindex, _) in interfaces {
        if let Some(prefix) = prefix_on(ifindex)
            && best.is_none_or(|(_, longest)| prefix > longest)
        {
            best = Some((ifindex, prefix));
        }
    }
    best.map(|(ifindex, _)| ifindex).or_else(|| interfaces.first().map(|&(ifindex, _)| ifindex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::types::Mark;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn wanted(addresses: &[&str]) -> BTreeSet<IpAddr> {
        addresses.iter().map(|text| ip(text)).collect()
    }

    fn held(ifindex: u32, cidr: &str, ours: bool) -> HeldAddress {
        let (address, prefix) = cidr.split_once('/').unwrap();
        HeldAddress {
            ifindex,
            address: ip(address),
            prefix_len: prefix.parse().unwrap(),
            ours,
            protocol: if ours { Mark::Director.number() } else { 0 },
            tentative: false,
            dad_failed: false,
        }
    }

    fn interfaces() -> Vec<(u32, String)> {
        vec![(2, "eth0".to_owned()), (3, "eth1".to_owned())]
    }

    fn add(ifindex: u32, address: &str) -> VipOp {
        VipOp::Add { ifindex, address: ip(address) }
    }

    fn delete(ifindex: u32, address: &str) -> VipOp {
        VipOp::Delete { ifindex, address: ip(address) }
    }

    #[test]
    fn a_vip_goes_where_its_network_is() {
        let held = [
            held(2, "198.51.100.1/24", false),
            held(3, "192.0.2.1/24", false),
            held(3, "2001:db8::1/64", false),
        ];
        let ops = plan(&wanted(&["192.0.2.10", "2001:db8::10"]), &held, &interfaces());
        assert_eq!(ops, [add(3, "192.0.2.10"), add(3, "2001:db8::10")]);
    }

    #[test]
    fn a_vip_of_no_network_goes_on_the_first_interface() {
        let held = [held(3, "192.0.2.1/24", false)];
        let ops = plan(&wanted(&["203.0.113.10"]), &held, &interfaces());
        assert_eq!(ops, [add(2, "203.0.113.10")]);
    }

    #[test]
    fn the_longest_prefix_wins_and_the_first_interface_among_equals() {
        let longer = [held(2, "10.0.0.1/8", false), held(3, "10.1.0.1/16", false)];
        assert_eq!(plan(&wanted(&["10.1.2.3"]), &longer, &interfaces()), [add(3, "10.1.2.3")]);
        let equal = [held(3, "10.0.0.2/8", false), held(2, "10.0.0.1/8", false)];
        assert_eq!(plan(&wanted(&["10.1.2.3"]), &equal, &interfaces()), [add(2, "10.1.2.3")]);
    }

    #[test]
    fn an_interface_that_is_not_attached_takes_no_vip() {
        let held = [held(9, "192.0.2.1/24", false)];
        assert_eq!(plan(&wanted(&["192.0.2.10"]), &held, &interfaces()), [add(2, "192.0.2.10")]);
    }

    #[test]
    fn without_an_interface_nothing_is_added() {
        assert_eq!(plan(&wanted(&["192.0.2.10"]), &[], &[]), []);
    }

    #[test]
    fn a_foreign_address_is_left_alone_and_not_added_elsewhere() {
        for foreign in ["192.0.2.10/32", "192.0.2.10/24"] {
            let held = [held(1, foreign, false)];
            assert_eq!(plan(&wanted(&["192.0.2.10"]), &held, &interfaces()), []);
            assert_eq!(plan(&wanted(&[]), &held, &interfaces()), []);
        }
    }

    #[test]
    fn ours_and_wanted_stays_where_it_is() {
        let held = [held(2, "192.0.2.10/32", true), held(3, "192.0.2.1/24", false)];
        assert_eq!(plan(&wanted(&["192.0.2.10"]), &held, &interfaces()), []);
    }

    #[test]
    fn ours_and_not_wanted_goes_wherever_it_is_and_after_the_additions() {
        let held = [held(9, "192.0.2.9/32", true), held(2, "2001:db8::9/128", true)];
        let ops = plan(&wanted(&["192.0.2.10"]), &held, &interfaces());
        assert_eq!(ops, [add(2, "192.0.2.10"), delete(9, "192.0.2.9"), delete(2, "2001:db8::9")]);
    }
}
