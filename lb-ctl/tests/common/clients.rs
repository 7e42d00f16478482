//! Clients in other networks, all of them behind the one client of the bed.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bench::lab::{Host, Lab};

/// Networks of strangers, and hosts in each.
const NETWORKS: u8 = 2;
const HOSTS: u8 = 24;

/// A stranger of the family of `like`, in the network 0 or 1; hosts are counted from 1.
pub(crate) fn stranger(like: IpAddr, network: u8, host: u8) -> IpAddr {
    assert!(network < NETWORKS && (1..=HOSTS).contains(&host), "no stranger {network}, {host}");
    if like.is_ipv4() {
        let [a, b, c] = [[198, 51, 100], [203, 0, 113]][usize::from(network)];
        Ipv4Addr::new(a, b, c, host).into()
    } else {
        Ipv6Addr::new(0x2001, 0xdb8, 0x100 + u16::from(network), 0, 0, 0, 0, host.into()).into()
    }
}

/// All strangers of a family in a network.
pub(crate) fn strangers(like: IpAddr, network: u8) -> impl Iterator<Item = IpAddr> {
    (1..=HOSTS).map(move |host| stranger(like, network, host))
}

/// Gives the client the addresses of all strangers, and everybody else the way to them.
pub(crate) fn admit_strangers(lab: &Lab) {
    let mut addresses = String::new();
    let others = lab.reals.iter().chain([&lab.director]);
    for client in lab.client.addresses() {
        for network in 0..NETWORKS {
            for address in strangers(client, network) {
                let single = if address.is_ipv4() { "32" } else { "128 nodad" };
                let _ = writeln!(addresses, "address add {address}/{single} dev eth0");
            }
            let route = route(client, network);
            others.clone().for_each(|other: &Host| other.namespace.ip(&route).unwrap());
        }
    }
    lab.client.namespace.ip(&addresses).unwrap();
}

fn route(client: IpAddr, network: u8) -> String {
    let length = if client.is_ipv4() { 24 } else { 64 };
    let inside = stranger(client, network, 1);
    let prefix = ipnet::IpNet::new(inside, length).unwrap().trunc();
    format!("route add {prefix} via {client}\n")
}
