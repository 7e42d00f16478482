//! The plan of a bed: who is there, on which networks, and the `ip` commands that make it so.

use std::fmt::Write;

use super::LabError;
use super::address::{CLIENT, DIRECTOR, FIRST_REAL, Network, ROUTER};

/// What a caller may choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) reals: u8,
    /// How many of the reals, the last ones, are behind the director's second interface.
    pub(super) far_reals: u8,
    /// The port that the NAT router maps to the VIP; there is one only then.
    pub(super) nat_port: Option<u16>,
    /// Bytes of an IP packet.
    pub(super) mtu: u16,
}

/// One machine of the bed: its n-th network is on its `eth<n>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPlan {
    pub(super) name: String,
    pub(super) host: u8,
    pub(super) networks: Vec<Network>,
}

/// All machines, and the networks that join them.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) client: HostPlan,
    pub(super) director: HostPlan,
    pub(super) reals: Vec<HostPlan>,
    /// Where there are several networks.
    pub(super) router: Option<HostPlan>,
    networks: Vec<Network>,
    mtu: u16,
}

/// The largest number of reals: their addresses end before the client's.
const MAX_REALS: u8 = CLIENT - FIRST_REAL;

impl Plan {
    pub(super) fn new(options: Options) -> Result<Self, LabError> {
        let Options { reals, far_reals, nat_port, mtu } = options;
        if reals > MAX_REALS {
            return Err(LabError::Options("it has more reals than addresses for them"));
        }
        if far_reals > reals {
            return Err(LabError::Options("more reals are far away than there are"));
        }
        let far = far_reals > 0;
        let nat = nat_port.is_some();
        let mut networks = vec![Network::Lan];
        networks.extend(far.then_some(Network::Far));
        networks.extend(nat.then_some(Network::Outside));

        let client = if nat { Network::Outside } else { Network::Lan };
        let mut director = vec![Network::Lan];
        director.extend(far.then_some(Network::Far));
        let real = |number| {
            let network = if number + far_reals < reals { Network::Lan } else { Network::Far };
            HostPlan::new(&format!("real{}", number + 1), FIRST_REAL + number, vec![network])
        };
        let router = (networks.len() > 1).then(|| networks.clone());
        Ok(Self {
            client: HostPlan::new("client", CLIENT, vec![client]),
            director: HostPlan::new("director", DIRECTOR, director),
            reals: (0..reals).map(real).collect(),
            router: router.map(|networks| HostPlan::new("router", ROUTER, networks)),
            networks,
            mtu,
        })
    }

    /// The bridges, to be made in the switch's namespace.
    pub(super) fn bridges(&self) -> String {
        self.networks.iter().fold(String::new(), |mut lines, network| {
            let bridge = network.bridge();
            let _ = writeln!(lines, "link add name {bridge} type bridge mcast_snooping 0");
            let _ = writeln!(lines, "link set dev {bridge} up");
            lines
        })
    }

    /// The cables of one host, to be laid from the switch's namespace.
    pub(super) fn cables(&self, host: &HostPlan, namespace: &str) -> String {
        let mtu = self.mtu;
        let mut lines = String::new();
        for (index, network) in host.networks.iter().enumerate() {
            let (port, bridge) = (host.port(index), network.bridge());
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

    /// The addresses and routes of one host, to be set in its own namespace.
    pub(super) fn addresses(&self, host: &HostPlan) -> String {
        let mut lines = String::new();
        for (index, network) in host.networks.iter().enumerate() {
            let (v4, v6) = (network.ipv4(host.host), network.ipv6(host.host));
            let _ = writeln!(lines, "address add {v4}/24 dev eth{index}");
            let _ = writeln!(lines, "address add {v6}/64 dev eth{index} nodad");
            let _ = writeln!(lines, "link set dev eth{index} up");
        }
        if self.networks.len() > 1 && host.host != ROUTER {
            let network = host.networks[0];
            let (v4, v6) = (network.ipv4(ROUTER), network.ipv6(ROUTER));
            let _ = writeln!(lines, "route add 0.0.0.0/0 via {v4}");
            let _ = writeln!(lines, "route add ::/0 via {v6}");
        }
        lines
    }
}

impl HostPlan {
    fn new(name: &str, host: u8, networks: Vec<Network>) -> Self {
        Self { name: name.to_owned(), host, networks }
    }

    /// The switch's end of the cable to this host's `eth<index>`.
    pub(super) fn port(&self, index: usize) -> String {
        if index == 0 { self.name.clone() } else { format!("{}-{index}", self.name) }
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = String> {
        (0..self.networks.len()).map(|index| self.port(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { reals: 3, far_reals: 0, nat_port: None, mtu: 1500 }
    }

    #[test]
    fn one_bridge_needs_no_router() {
        let plan = Plan::new(options()).unwrap();
        let names: Vec<_> = plan.reals.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["real1", "real2", "real3"]);
        assert_eq!(plan.router, None);
        assert!(!plan.addresses(&plan.client).contains("route"));
    }

    #[test]
    fn far_reals_are_the_last_ones() {
        let plan = Plan::new(Options { far_reals: 1, ..options() }).unwrap();
        assert_eq!(plan.director.networks, [Network::Lan, Network::Far]);
        assert_eq!(plan.reals[1].networks, [Network::Lan]);
        assert_eq!(plan.reals[2].networks, [Network::Far]);
        assert_eq!(plan.router.unwrap().networks, [Network::Lan, Network::Far]);
    }

    #[test]
    fn nat_puts_the_client_outside() {
        let plan = Plan::new(Options { nat_port: Some(80), ..options() }).unwrap();
        assert_eq!(plan.client.networks, [Network::Outside]);
        assert!(plan.addresses(&plan.reals[0]).contains("route add 0.0.0.0/0 via 192.0.2.1"));
        assert_eq!(plan.router.unwrap().networks, [Network::Lan, Network::Outside]);
    }

    #[test]
    fn impossible_beds_are_refused() {
        assert!(Plan::new(Options { far_reals: 4, ..options() }).is_err());
        assert!(Plan::new(Options { reals: MAX_REALS + 1, ..options() }).is_err());
    }
}
