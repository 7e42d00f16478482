//! The `ip` commands that make a plan so: bridges, cables, VLANs, bonds, addresses and routes.

use std::fmt::Write;

use super::address::{Network, ROUTER};
use super::topology::{HostPlan, Plan, Wiring};

/// What two tags add to a frame, in bytes.
const TAGS: u16 = 8;

impl Plan {
    /// The bridges, to be made in the switch's namespace.
    pub(super) fn bridges(&self) -> String {
        let names: Vec<_> = match self.wiring {
            Wiring::Trunk { .. } => vec!["trunk"],
            Wiring::Cables | Wiring::Bond => self.networks.iter().map(|it| it.bridge()).collect(),
        };
        names.iter().fold(String::new(), |mut lines, bridge| {
            let _ = writeln!(lines, "link add name {bridge} type bridge mcast_snooping 0");
            let _ = writeln!(lines, "link set dev {bridge} up");
            lines
        })
    }

    /// The bridge that each cable of a host leads to.
    fn ends(&self, host: &HostPlan) -> Vec<&'static str> {
        match self.wiring {
            Wiring::Trunk { .. } => vec!["trunk"],
            Wiring::Bond if self.is_bonded(host) => vec![host.networks[0].bridge(); 2],
            Wiring::Cables | Wiring::Bond => host.networks.iter().map(|it| it.bridge()).collect(),
        }
    }

    fn is_bonded(&self, host: &HostPlan) -> bool {
        self.wiring == Wiring::Bond && *host == self.director
    }

    /// The switch's ends of a host's cables.
    pub(super) fn ports(&self, host: &HostPlan) -> Vec<String> {
        (0..self.ends(host).len()).map(|index| port(&host.name, index)).collect()
    }

    /// The interfaces by which the director takes part in its networks, for the balancer.
    pub(super) fn interfaces(&self) -> &'static [&'static str] {
        match (self.wiring, self.director.networks.len()) {
            (Wiring::Bond, _) => &["bond0"],
            (Wiring::Trunk { .. }, _) | (Wiring::Cables, 1) => &["eth0"],
            (Wiring::Cables, 2) => &["eth0", "eth1"],
            (Wiring::Cables, _) => &["eth0", "eth1", "eth2"],
        }
    }

    /// The cables of one host, to be laid from the switch's namespace.
    pub(super) fn cables(&self, host: &HostPlan, namespace: &str) -> String {
        let trunk = matches!(self.wiring, Wiring::Trunk { .. });
        let mtu = if trunk { self.mtu + TAGS } else { self.mtu };
        let mut lines = String::new();
        for (index, bridge) in self.ends(host).iter().enumerate() {
            let port = port(&host.name, index);
            let _ = writeln!(
                lines,
                "link add name {port} mtu {mtu} type veth \
                 peer name eth{index} mtu {mtu} netns {namespace}"
            );
            let _ = writeln!(lines, "link set dev {port} master {bridge}");
            let _ = writeln!(lines, "link set dev {port} up");
        }
        lines
    }

    /// The VLANs, addresses and routes of one host, to be set in its own namespace.
    pub(super) fn addresses(&self, host: &HostPlan) -> String {
        let mut lines = self.lower_interfaces(host);
        for (index, network) in host.networks.iter().enumerate() {
            let interface = self.interface(host, index);
            if matches!(self.wiring, Wiring::Trunk { .. }) {
                let (below, vlan, mtu) = (self.trunk(), network.vlan(), self.mtu);
                let _ = writeln!(
                    lines,
                    "link add link {below} name {interface} mtu {mtu} type vlan id {vlan}"
                );
            }
            let (v4, v6) = (network.ipv4(host.host), network.ipv6(host.host));
            let _ = writeln!(lines, "address add {v4}/24 dev {interface}");
            let _ = writeln!(lines, "address add {v6}/64 dev {interface} nodad");
            let _ = writeln!(lines, "link set dev {interface} up");
        }
        if self.networks.len() > 1 && host.host != ROUTER {
            let network = host.networks[0];
            let (v4, v6) = (network.ipv4(ROUTER), network.ipv6(ROUTER));
            let _ = writeln!(lines, "route add 0.0.0.0/0 via {v4}");
            let _ = writeln!(lines, "route add ::/0 via {v6}");
        }
        lines
    }

    /// What is below the interfaces that have the addresses.
    fn lower_interfaces(&self, host: &HostPlan) -> String {
        let mut lines = String::new();
        if let Wiring::Trunk { provider } = self.wiring {
            lines += "link set dev eth0 up\n";
            if let Some(vlan) = provider {
                let (below, mtu) = (self.trunk(), self.mtu + TAGS / 2);
                let _ = writeln!(
                    lines,
                    "link add link eth0 name {below} mtu {mtu} type vlan protocol 802.1ad id {vlan}"
                );
                let _ = writeln!(lines, "link set dev {below} up");
            }
        }
        if self.is_bonded(host) {
            let mtu = self.mtu;
            let _ = writeln!(
                lines,
                "link add name bond0 mtu {mtu} type bond mode active-backup miimon 20"
            );
            for index in 0..self.ends(host).len() {
                let _ = writeln!(lines, "link set dev eth{index} master bond0");
            }
        }
        lines
    }

    /// The interface that all VLANs of the networks are on.
    fn trunk(&self) -> String {
        match self.wiring {
            Wiring::Trunk { provider: Some(vlan) } => format!("eth0.{vlan}"),
            _ => "eth0".to_owned(),
        }
    }

    /// The interface that has a host's addresses on its n-th network.
    pub(super) fn interface(&self, host: &HostPlan, index: usize) -> String {
        let network: Network = host.networks[index];
        match self.wiring {
            Wiring::Trunk { .. } => format!("{}.{}", self.trunk(), network.vlan()),
            Wiring::Bond if self.is_bonded(host) => "bond0".to_owned(),
            Wiring::Cables | Wiring::Bond => format!("eth{index}"),
        }
    }
}

/// The switch's end of the cable to a host's `eth<index>`.
pub(super) fn port(host: &str, index: usize) -> String {
    if index == 0 { host.to_owned() } else { format!("{host}-{index}") }
}

#[cfg(test)]
mod tests {
    use super::super::topology::Options;
    use super::*;

    fn plan(wiring: Wiring, far_reals: u8) -> Plan {
        let options = Options {
            reals: 2,
            far_reals,
            nat_port: None,
            mtu: 1500,
            second_client: false,
            second_director: false,
            wiring,
        };
        Plan::new(options).unwrap()
    }

    #[test]
    fn each_network_has_a_cable_of_its_own() {
        let one = plan(Wiring::Cables, 0);
        assert!(!one.addresses(&one.client).contains("route"));
        assert_eq!(
            (one.ports(&one.director), one.interfaces()),
            (vec!["director".into()], &["eth0"][..])
        );
        let two = plan(Wiring::Cables, 1);
        assert_eq!(two.ports(&two.director), ["director", "director-1"]);
        assert_eq!(two.interfaces(), ["eth0", "eth1"]);
        assert!(two.addresses(&two.reals[0]).contains("route add 0.0.0.0/0 via 192.0.2.1"));
    }

    #[test]
    fn on_a_trunk_networks_are_vlans() {
        let plan = plan(Wiring::Trunk { provider: None }, 1);
        assert_eq!((plan.ports(&plan.director).len(), plan.interfaces()), (1, &["eth0"][..]));
        let lines = plan.addresses(&plan.director);
        for line in [
            "link add link eth0 name eth0.10 mtu 1500 type vlan id 10",
            "address add 192.0.2.2/24 dev eth0.10",
            "link add link eth0 name eth0.20 mtu 1500 type vlan id 20",
            "address add 203.0.113.2/24 dev eth0.20",
        ] {
            assert!(lines.contains(line), "{line} in {lines}");
        }
    }

    #[test]
    fn a_provider_puts_a_tag_around() {
        let plan = plan(Wiring::Trunk { provider: Some(100) }, 1);
        let lines = plan.addresses(&plan.reals[1]);
        for line in [
            "link add link eth0 name eth0.100 mtu 1504 type vlan protocol 802.1ad id 100",
            "link add link eth0.100 name eth0.100.20 mtu 1500 type vlan id 20",
        ] {
            assert!(lines.contains(line), "{line} in {lines}");
        }
        assert!(plan.cables(&plan.client, "ns").contains("mtu 1508"));
    }

    #[test]
    fn a_bonded_director_has_two_cables_to_one_bridge() {
        let plan = plan(Wiring::Bond, 0);
        assert_eq!(plan.ports(&plan.director), ["director", "director-1"]);
        assert_eq!(plan.interfaces(), ["bond0"]);
        let cables = plan.cables(&plan.director, "ns");
        assert_eq!(cables.matches("master lan").count(), 2, "{cables}");
        assert!(plan.addresses(&plan.director).contains("address add 192.0.2.2/24 dev bond0"));
        assert!(plan.addresses(&plan.client).contains("address add 192.0.2.200/24 dev eth0"));
    }
}
