//! Definitions for the tests of this module.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;
use lb_common::key::Protocol;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::model::{Desired, Endpoint, Real, Scheduler, Service, Tracking};
use super::rules::MAX_IDLE_SECS;

/// A definition with every key of this version, indented as people do.
pub(super) const TEXT: &str = r#"{
  "interfaces": ["eth0", "eth1"],
  "services": [
    { "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80, "scheduler": "mh", "tracking": "full", "idle_timeout": "5m",
      "reals": [ { "address": "192.0.2.21", "weight": 1 },
                 { "address": "192.0.2.22", "weight": 2, "drain": true } ] },
    { "protocol": "udp", "vip": "2001:db8::10", "port": 53,
      "reals": [ { "address": "2001:db8::21" } ] }
  ]
}
"#;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(super) fn tcp(address: &str, port: u16) -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: ip(address), port }
}

pub(super) fn udp(address: &str, port: u16) -> Endpoint {
    Endpoint { protocol: Protocol::Udp, ..tcp(address, port) }
}

/// What [`TEXT`] asks for.
pub(super) fn desired() -> Desired {
    let web = tcp("192.0.2.10", 80);
    let dns = udp("2001:db8::10", 53);
    let web_reals =
        [(ip("192.0.2.21"), Real::new(1)), (ip("192.0.2.22"), Real { weight: 2, drained: true })];
    let web_service = Service {
        name: Some("web".to_owned()),
        tracking: Tracking::Full,
        idle_timeout: 300,
        reals: IndexMap::from(web_reals),
        ..Service::new(web)
    };
    let dns_service = Service {
        reals: IndexMap::from([(ip("2001:db8::21"), Real::new(1))]),
        ..Service::new(dns)
    };
    Desired {
        interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
        services: IndexMap::from([(web, web_service), (dns, dns_service)]),
    }
}

/// Any valid definition, in any order.
pub(super) fn any_desired() -> impl Strategy<Value = Desired> {
    let interfaces = btree_set("[a-z][a-z0-9.@_-]{0,14}", 0..4);
    let services = btree_map(any_endpoint(), any_service(), 0..6);
    (interfaces, services)
        .prop_map(|(interfaces, services)| Desired {
            interfaces: interfaces.into_iter().collect(),
            services: services.into_iter().enumerate().map(finish).collect(),
        })
        .prop_flat_map(shuffled)
}

/// IPv6 or not, TCP or not, half of the VIP's host part, port.
type RawEndpoint = (bool, bool, u16, u16);
/// Name, tracking, idle timeout where it is not the default, and reals by half of their host part.
type RawService = (Option<String>, Tracking, Option<u32>, Vec<(u32, Real)>);

/// VIPs are even and reals odd, so that no real is a VIP.
fn any_endpoint() -> impl Strategy<Value = RawEndpoint> {
    (any::<bool>(), any::<bool>(), 0..0x7fff_u16, 1..=u16::MAX)
}

fn any_service() -> impl Strategy<Value = RawService> {
    let real = (any::<u16>(), any::<bool>()).prop_map(|(weight, drained)| Real { weight, drained });
    // Quotes, backslashes and letters of more than one byte are what escaping goes wrong with.
    let name = proptest::option::of("[ -~é漢🦀]{1,50}");
    let idle = proptest::option::of(1..=MAX_IDLE_SECS);
    (name, select(&Tracking::ALL), idle, vec((0..0x7fff_u32, real), 0..5))
}

fn finish((index, (endpoint, service)): (usize, (RawEndpoint, RawService))) -> (Endpoint, Service) {
    let (v6, tcp, vip, port) = endpoint;
    let (name, tracking, idle, reals) = service;
    let address = |host: u32| -> IpAddr {
        if v6 {
            Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(host)).into()
        } else {
            Ipv4Addr::from(0x0a00_0000 | host).into()
        }
    };
    let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
    let endpoint = Endpoint { protocol, address: address(u32::from(vip) * 2), port };
    let defaults = Service::new(endpoint);
    let service = Service {
        name: name.map(|name| format!("{name}{index}")),
        scheduler: Scheduler::Mh,
        tracking,
        idle_timeout: idle.unwrap_or(defaults.idle_timeout),
        reals: reals.into_iter().map(|(host, real)| (address(host * 2 + 1), real)).collect(),
        ..defaults
    };
    (endpoint, service)
}

fn shuffled(desired: Desired) -> impl Strategy<Value = Desired> {
    let services: Vec<_> = desired.services.into_iter().collect();
    (Just(desired.interfaces).prop_shuffle(), Just(services).prop_shuffle()).prop_map(
        |(interfaces, services)| Desired { interfaces, services: services.into_iter().collect() },
    )
}
