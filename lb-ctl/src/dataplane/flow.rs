//! What names an entry of the connection tables, whatever its family. Pure.

use std::net::IpAddr;

use lb_common::be::{Address, Be16, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};

/// A connection, or a template.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flow {
    /// Over IPv4.
    V4(FlowKey<Be32>),
    /// Over IPv6.
    V6(FlowKey<Be128>),
}

impl Flow {
    /// The connection of a client to a VIP. `None` where they are of two families.
    pub fn connection(
        protocol: Protocol,
        (client, client_port): (IpAddr, u16),
        (vip, port): (IpAddr, u16),
    ) -> Option<Self> {
        let ports = (Be16::new(client_port), Be16::new(port));
        match (client, vip) {
            (IpAddr::V4(client), IpAddr::V4(vip)) => {
                Some(Self::V4(key(protocol, (client.into(), vip.into()), ports)))
            }
            (IpAddr::V6(client), IpAddr::V6(vip)) => {
                Some(Self::V6(key(protocol, (client.into(), vip.into()), ports)))
            }
            _ => None,
        }
    }

    /// The template of a client network at a service whose lowest port this is. `None` where they
    /// are of two families.
    pub fn template(
        protocol: Protocol,
        network: IpAddr,
        (vip, port): (IpAddr, u16),
    ) -> Option<Self> {
        let (port, protocol) = (Be16::new(port), protocol as u32);
        match (network, vip) {
            (IpAddr::V4(network), IpAddr::V4(vip)) => {
                Some(Self::V4(FlowKey::template(network.into(), vip.into(), port, protocol)))
            }
            (IpAddr::V6(network), IpAddr::V6(vip)) => {
                Some(Self::V6(FlowKey::template(network.into(), vip.into(), port, protocol)))
            }
            _ => None,
        }
    }
}

fn key<A: Address>(
    protocol: Protocol,
    (source, destination): (A, A),
    ports: (Be16, Be16),
) -> FlowKey<A> {
    let (source_port, destination_port) = ports;
    FlowKey { source, destination, source_port, destination_port, protocol: protocol as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_connections_and_templates_of_their_own() {
        for (client, vip, other) in [
            ("198.51.100.7", "192.0.2.10", "2001:db8::10"),
            ("2001:db8:1::7", "2001:db8::10", "192.0.2.10"),
        ] {
            let [client, vip, other]: [IpAddr; 3] =
                [client, vip, other].map(|a| a.parse().unwrap());
            let connection = Flow::connection(Protocol::Tcp, (client, 0), (vip, 80));
            let template = Flow::template(Protocol::Tcp, client, (vip, 80));
            assert!(connection.is_some() && template.is_some() && connection != template);
            assert_eq!(Flow::connection(Protocol::Tcp, (client, 0), (other, 80)), None);
            assert_eq!(Flow::template(Protocol::Tcp, client, (other, 80)), None);
        }
    }
}
