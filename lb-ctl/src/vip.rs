//! Which VIPs to put on, and take off, the director's interfaces. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::netlink::types::HeldAddress;

/// A VIP and the interface it is on, or is to be on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The interface.
    pub ifindex: u32,
    /// The VIP.
    pub address: IpAddr,
}

/// Interfaces by what may be done with the VIPs on them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// Interfaces whose VIPs are this daemon's: another daemon may have its own on others.
    pub ours: BTreeSet<u32>,
    /// Interfaces to balance on.
    pub wanted: BTreeSet<u32>,
}

/// The VIPs to take off: those that are not wanted, and those on interfaces that are not wanted.
///
/// What somebody else put on an interface stays there.
pub fn removals(wanted: &BTreeSet<IpAddr>, held: &[HeldAddress], reach: &Reach) -> Vec<Place> {
    let ours = held.iter().filter(|held| held.ours && reach.ours.contains(&held.ifindex));
    let stale = ours
        .filter(|held| !wanted.contains(&held.address) || !reach.wanted.contains(&held.ifindex));
    stale.map(|held| Place { ifindex: held.ifindex, address: held.address }).collect()
}

/// Where to put the VIPs that are wanted and not there. `interfaces` are the attached ones, number
/// and name, in the order they were given, each with the VLANs on it. The VIP goes where its network
/// is, and on the first where there is none.
///
/// A VIP that is on some interface, whoever put it there, is not added a second time. Without an
/// interface nothing is added.
pub fn additions(
    wanted: &BTreeSet<IpAddr>,
    held: &[HeldAddress],
    interfaces: &[(u32, String)],
) -> Vec<Place> {
    let present: BTreeSet<IpAddr> = held.iter().map(|held| held.address).collect();
    let order: HashMap<u32, usize> =
        interfaces.iter().enumerate().rev().map(|(at, &(ifindex, _))| (ifindex, at)).collect();
    let missing = wanted.difference(&present);
    let places = missing.filter_map(|&address| {
        let at = home(address, held, &order).unwrap_or(0);
        let &(ifindex, _) = interfaces.get(at)?;
        Some(Place { ifindex, address })
    });
    places.collect()
}

/// The interface whose network the VIP belongs to, by the longest prefix, as its place in the order.
fn home(vip: IpAddr, held: &[HeldAddress], order: &HashMap<u32, usize>) -> Option<usize> {
    let connecting = held.iter().filter(|held| held.connects(vip));
    let places =
        connecting.filter_map(|held| Some((held.prefix_len, Reverse(*order.get(&held.ifindex)?))));
    places.max().map(|(_, Reverse(at))| at)
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

    fn place(ifindex: u32, address: &str) -> Place {
        Place { ifindex, address: ip(address) }
    }

    fn reach(ours: &[u32], wanted: &[u32]) -> Reach {
        Reach { ours: ours.iter().copied().collect(), wanted: wanted.iter().copied().collect() }
    }

    #[test]
    fn a_vip_goes_where_its_network_is() {
        let held = [
            held(2, "198.51.100.1/24", false),
            held(3, "192.0.2.1/24", false),
            held(3, "2001:db8::1/64", false),
        ];
        let ops = additions(&wanted(&["192.0.2.10", "2001:db8::10"]), &held, &interfaces());
        assert_eq!(ops, [place(3, "192.0.2.10"), place(3, "2001:db8::10")]);
    }

    #[test]
    fn a_vip_of_no_network_goes_on_the_first_interface() {
        let held = [held(3, "192.0.2.1/24", false)];
        let ops = additions(&wanted(&["203.0.113.10"]), &held, &interfaces());
        assert_eq!(ops, [place(2, "203.0.113.10")]);
    }

    #[test]
    fn the_longest_prefix_wins_and_the_first_interface_among_equals() {
        let longer = [held(2, "10.0.0.1/8", false), held(3, "10.1.0.1/16", false)];
        assert_eq!(
            additions(&wanted(&["10.1.2.3"]), &longer, &interfaces()),
            [place(3, "10.1.2.3")]
        );
        let equal = [held(3, "10.0.0.2/8", false), held(2, "10.0.0.1/8", false)];
        assert_eq!(
            additions(&wanted(&["10.1.2.3"]), &equal, &interfaces()),
            [place(2, "10.1.2.3")]
        );
    }

    #[test]
    fn an_interface_that_is_not_attached_takes_no_vip() {
        let held = [held(9, "192.0.2.1/24", false)];
        assert_eq!(
            additions(&wanted(&["192.0.2.10"]), &held, &interfaces()),
            [place(2, "192.0.2.10")]
        );
    }

    #[test]
    fn without_an_interface_nothing_is_added() {
        assert_eq!(additions(&wanted(&["192.0.2.10"]), &[], &[]), []);
    }

    #[test]
    fn a_foreign_address_is_left_alone_and_not_added_elsewhere() {
        for foreign in ["192.0.2.10/32", "192.0.2.10/24"] {
            let held = [held(2, foreign, false)];
            assert_eq!(additions(&wanted(&["192.0.2.10"]), &held, &interfaces()), []);
            assert_eq!(removals(&wanted(&[]), &held, &reach(&[2, 3], &[2, 3])), []);
        }
    }

    #[test]
    fn ours_and_wanted_stays_where_it_is() {
        let held = [held(2, "192.0.2.10/32", true), held(3, "192.0.2.1/24", false)];
        assert_eq!(additions(&wanted(&["192.0.2.10"]), &held, &interfaces()), []);
        assert_eq!(removals(&wanted(&["192.0.2.10"]), &held, &reach(&[2, 3], &[2, 3])), []);
    }

    #[test]
    fn ours_and_not_wanted_goes() {
        let held = [held(2, "192.0.2.9/32", true), held(3, "2001:db8::9/128", true)];
        let gone = removals(&wanted(&["192.0.2.10"]), &held, &reach(&[2, 3], &[2, 3]));
        assert_eq!(gone, [place(2, "192.0.2.9"), place(3, "2001:db8::9")]);
    }

    #[test]
    fn a_vip_leaves_an_interface_that_is_no_longer_wanted() {
        let held = [held(2, "192.0.2.10/32", true), held(3, "192.0.2.11/32", true)];
        let wanted = wanted(&["192.0.2.10", "192.0.2.11"]);
        assert_eq!(removals(&wanted, &held, &reach(&[2, 3], &[3])), [place(2, "192.0.2.10")]);
    }

    #[test]
    fn another_daemons_vips_are_left_alone() {
        let held = [held(2, "192.0.2.10/32", true), held(3, "192.0.2.11/32", true)];
        assert_eq!(removals(&wanted(&[]), &held, &reach(&[3], &[3])), [place(3, "192.0.2.11")]);
    }
}
