//! The plan of a bed: who is there, and on which networks.

use super::LabError;
use super::address::{CLIENT, DIRECTOR, FIRST_REAL, Network, ROUTER, SECOND_DIRECTOR};

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
    /// There is a second client, with a network of its own to the director.
    pub(super) second_client: bool,
    /// There is a second director, on the networks of the first.
    pub(super) second_director: bool,
    pub(super) wiring: Wiring,
}

/// How machines are joined to their networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wiring {
    /// By one cable each.
    Cables,
    /// By one cable, on which each network is a VLAN: of its own, or in the provider's VLAN that
    /// has this number.
    Trunk { provider: Option<u16> },
    /// By one cable each; the director has two to its network, bonded.
    Bond,
}

/// One machine of the bed.
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
    pub(super) second_client: Option<HostPlan>,
    pub(super) second_director: Option<HostPlan>,
    pub(super) networks: Vec<Network>,
    pub(super) mtu: u16,
    pub(super) wiring: Wiring,
}

/// The largest number of reals: their addresses end before the client's.
const MAX_REALS: u8 = CLIENT - FIRST_REAL;

impl Plan {
    pub(super) fn new(options: Options) -> Result<Self, LabError> {
        let Options { reals, far_reals, nat_port, mtu, second_client, second_director, wiring } =
            options;
        if reals > MAX_REALS {
            return Err(LabError::Options("it has more reals than addresses for them"));
        }
        if far_reals > reals {
            return Err(LabError::Options("more reals are far away than there are"));
        }
        if wiring == Wiring::Bond && (far_reals > 0 || second_client) {
            return Err(LabError::Options("the director's bond leads to one network only"));
        }
        let far = far_reals > 0;
        let nat = nat_port.is_some();
        let mut networks = vec![Network::Lan];
        networks.extend(far.then_some(Network::Far));
        networks.extend(nat.then_some(Network::Outside));
        networks.extend(second_client.then_some(Network::Side));

        let client = if nat { Network::Outside } else { Network::Lan };
        let mut director = vec![Network::Lan];
        director.extend(far.then_some(Network::Far));
        director.extend(second_client.then_some(Network::Side));
        let real = |number| {
            let network = if number + far_reals < reals { Network::Lan } else { Network::Far };
            HostPlan::new(&format!("real{}", number + 1), FIRST_REAL + number, vec![network])
        };
        let router = (networks.len() > 1).then(|| networks.clone());
        Ok(Self {
            client: HostPlan::new("client", CLIENT, vec![client]),
            second_director: second_director
                .then(|| HostPlan::new("director2", SECOND_DIRECTOR, director.clone())),
            director: HostPlan::new("director", DIRECTOR, director),
            reals: (0..reals).map(real).collect(),
            router: router.map(|networks| HostPlan::new("router", ROUTER, networks)),
            second_client: second_client
                .then(|| HostPlan::new("client2", CLIENT, vec![Network::Side])),
            networks,
            mtu,
            wiring,
        })
    }
}

impl HostPlan {
    fn new(name: &str, host: u8, networks: Vec<Network>) -> Self {
        Self { name: name.to_owned(), host, networks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            reals: 3,
            far_reals: 0,
            nat_port: None,
            mtu: 1500,
            second_client: false,
            second_director: false,
            wiring: Wiring::Cables,
        }
    }

    #[test]
    fn one_bridge_needs_no_router() {
        let plan = Plan::new(options()).unwrap();
        let names: Vec<_> = plan.reals.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["real1", "real2", "real3"]);
        assert_eq!(plan.router, None);
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
        assert_eq!(plan.router.unwrap().networks, [Network::Lan, Network::Outside]);
    }

    #[test]
    fn a_second_client_has_its_own_way_to_the_director() {
        let plan = Plan::new(Options { far_reals: 3, second_client: true, ..options() }).unwrap();
        assert_eq!(plan.director.networks, [Network::Lan, Network::Far, Network::Side]);
        assert_eq!(plan.second_client.unwrap().networks, [Network::Side]);
        assert_eq!(plan.router.unwrap().networks.len(), 3);
    }

    #[test]
    fn a_second_director_is_where_the_first_is() {
        let far = Options { far_reals: 1, second_director: true, ..options() };
        let plan = Plan::new(far).unwrap();
        let second = plan.second_director.unwrap();
        assert_eq!(second.networks, plan.director.networks);
        assert_ne!(second.host, plan.director.host);
        assert_eq!(Plan::new(options()).unwrap().second_director, None);
    }

    #[test]
    fn impossible_beds_are_refused() {
        assert!(Plan::new(Options { far_reals: 4, ..options() }).is_err());
        assert!(Plan::new(Options { reals: MAX_REALS + 1, ..options() }).is_err());
        let bond = Options { wiring: Wiring::Bond, ..options() };
        assert!(Plan::new(Options { far_reals: 1, ..bond }).is_err());
        assert!(Plan::new(Options { second_client: true, ..bond }).is_err());
    }
}
