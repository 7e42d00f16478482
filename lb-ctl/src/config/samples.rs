//! Definitions for the tests of this module.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use indexmap::IndexMap;
use ipnet::IpNet;
use lb_common::key::Protocol;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::model::{
    AllDown, Check, Desired, Endpoint, Hash, Hooks, Persistence, Ports, Real, Scheduler, Service,
    Sources, Timeouts, Tracking,
};
use super::rules::policy::MAX_SECS;

pub(super) mod health;
pub(super) mod vrrp;

/// A definition with the usual keys, indented as people do.
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

/// A definition with every key of a service.
pub(super) const WHOLE: &str = r#"{
  "services": [
    { "protocol": "tcp", "vip": "192.0.2.10", "port": "8000-8100", "scheduler": "mh", "hash": "source",
      "persistence": { "timeout": "60s", "netmask": 24 }, "tracking": "full", "idle_timeout": "1h",
      "timeouts": { "syn": "30s", "fin": "1m", "closed": "5s" }, "expire_nodest": false, "all_down": "pass",
      "allow": ["198.51.100.0/24", "203.0.113.7"], "deny": ["198.51.100.128/25"],
      "sorry_server": "192.0.2.99", "reals": [ { "address": "192.0.2.21" } ] }
  ]
}
"#;

/// What [`WHOLE`] asks for.
pub(super) fn whole() -> Service {
    let endpoint =
        Endpoint { port: Ports::range(8000, 8100).expect("a range"), ..tcp("192.0.2.10", 1) };
    let net = |text: &str| text.parse().expect("a prefix");
    Service {
        hash: Hash::Source,
        persistence: Some(Persistence { timeout: 60, prefix: 24 }),
        tracking: Tracking::Full,
        idle_timeout: 3600,
        timeouts: Timeouts { syn: 30, fin: 60, closed: 5 },
        expire_nodest: false,
        all_down: AllDown::Pass,
        sources: Sources {
            allow: vec![net("198.51.100.0/24"), net("203.0.113.7/32")],
            deny: vec![net("198.51.100.128/25")],
        },
        sorry_server: Some(ip("192.0.2.99")),
        reals: IndexMap::from([(ip("192.0.2.21"), Real::new(1))]),
        ..Service::new(endpoint)
    }
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(super) fn tcp(address: &str, port: u16) -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: ip(address), port: port.into() }
}

pub(super) fn udp(address: &str, port: u16) -> Endpoint {
    Endpoint { protocol: Protocol::Udp, ..tcp(address, port) }
}

/// What [`TEXT`] asks for.
pub(super) fn desired() -> Desired {
    let web = tcp("192.0.2.10", 80);
    let dns = udp("2001:db8::10", 53);
    let web_reals = [
        (ip("192.0.2.21"), Real::new(1)),
        (ip("192.0.2.22"), Real { drained: true, ..Real::new(2) }),
    ];
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
        ..Desired::default()
    }
}

/// Any valid definition, in any order.
pub(super) fn any_desired() -> impl Strategy<Value = Desired> {
    let interfaces = btree_set("[a-z][a-z0-9.@_-]{0,14}", 0..4);
    let services = btree_map(any_endpoint(), any_service(), 0..6);
    (interfaces, services, health::any_notify())
        .prop_map(|(interfaces, services, notify)| Desired {
            interfaces: interfaces.into_iter().collect(),
            services: apart(services.into_iter().enumerate().map(finish)),
            notify,
            ..Desired::default()
        })
        .prop_flat_map(|desired| {
            let services = desired.services.keys().copied().collect();
            let vrrp = vrrp::any_vrrp(services);
            vrrp.prop_map(move |vrrp| Desired { vrrp, ..desired.clone() })
        })
        .prop_flat_map(shuffled)
}

/// IPv6 or not, TCP or not, half of the VIP's host part, ports.
type RawEndpoint = (bool, bool, u16, Ports);
/// Name, scheduling, memory, clients, health, and reals by half of their host part.
type RawService =
    (Option<String>, RawScheduling, RawMemory, RawClients, RawHealth, Vec<(u32, Real)>);
/// Scheduler, hash, persistence by timeout and a number that gives the prefix length.
type RawScheduling = (Scheduler, Hash, Option<(u32, u8)>);
/// Tracking, and all timeouts where they are not the default.
type RawMemory = (Tracking, Option<u32>, Option<(u32, u32, u32)>, bool);
/// What happens while all reals are down, prefixes, and half of the sorry server's host part.
type RawClients = (AllDown, Vec<(u32, u8)>, Vec<(u32, u8)>, Option<u16>);
/// Check, what becomes of connections, quorum and hysteresis, slow start, commands.
type RawHealth = (Option<Check>, bool, (u32, u32), Duration, Hooks);

/// VIPs are even and reals odd, so that no real is a VIP.
fn any_endpoint() -> impl Strategy<Value = RawEndpoint> {
    (any::<bool>(), any::<bool>(), 0..0x7fff_u16, any_ports())
}

pub(super) fn any_ports() -> impl Strategy<Value = Ports> {
    prop_oneof![
        4 => any::<u16>().prop_map(Ports::one),
        1 => Just(Ports::ANY),
        2 => (1..=u16::MAX, any::<u8>()).prop_map(|(first, more)| {
            Ports::range(first, first.saturating_add(more.into())).expect("not reversed")
        }),
    ]
}

fn any_service() -> BoxedStrategy<RawService> {
    let real = (any::<u16>(), any::<bool>(), any::<bool>())
        .prop_map(|(weight, drained, disabled)| Real { weight, drained, disabled });
    // Quotes, backslashes and letters of more than one byte are what escaping goes wrong with.
    let name = option::of("[ -~é漢🦀]{1,50}");
    let time = || 1..=MAX_SECS;
    let scheduling = (
        select(&Scheduler::ALL),
        select(&Hash::ALL),
        option::of((prop_oneof![Just(300), time()], any::<u8>())),
    );
    let memory = (
        select(&Tracking::ALL),
        option::of(time()),
        option::of((time(), time(), time())),
        any::<bool>(),
    );
    let prefixes = || vec((any::<u32>(), any::<u8>()), 0..4);
    let clients = (select(&AllDown::ALL), prefixes(), prefixes(), option::of(any::<u16>()));
    let health = (
        option::of(health::any_check()),
        any::<bool>(),
        health::any_thresholds(),
        health::any_slow_start(),
        health::any_hooks(),
    );
    (name, scheduling, memory, clients, health, vec((0..0x7fff_u32, real), 0..5)).boxed()
}

fn host(v6: bool, host: u32) -> IpAddr {
    if v6 {
        Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(host)).into()
    } else {
        Ipv4Addr::from(0x0a00_0000 | host).into()
    }
}

fn finish((index, (endpoint, service)): (usize, (RawEndpoint, RawService))) -> (Endpoint, Service) {
    let (v6, tcp, vip, port) = endpoint;
    let (name, (scheduler, hash, persistence), memory, clients, health, reals) = service;
    let (check, inhibit_on_failure, (quorum, hysteresis), slow_start, hooks) = health;
    let (tracking, idle, timeouts, expire_nodest) = memory;
    let (all_down, allow, deny, sorry) = clients;
    let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
    let endpoint = Endpoint { protocol, address: host(v6, u32::from(vip) * 2), port };
    let defaults = Service::new(endpoint);
    let full = if v6 { 128 } else { 32 };
    let persistence = persistence.filter(|_| scheduler != Scheduler::Sh);
    let mut service = Service {
        name: name.map(|name| format!("{name}{index}")),
        scheduler,
        hash: if scheduler == Scheduler::Mh { hash } else { Hash::default() },
        persistence: persistence
            .map(|(timeout, bits)| Persistence { timeout, prefix: 1 + bits % full }),
        idle_timeout: idle.unwrap_or(defaults.idle_timeout),
        timeouts: timeouts.map_or_else(Timeouts::default, |(syn, fin, closed)| Timeouts {
            syn,
            fin,
            closed,
        }),
        expire_nodest,
        all_down,
        sources: sources(v6, &allow, &deny),
        // Beyond all VIPs and reals.
        sorry_server: sorry.map(|half| host(v6, 0x2_0001 + u32::from(half) * 2)),
        check: check.map(|check| health::fitting(check, v6, port.single().is_some())),
        inhibit_on_failure,
        quorum,
        hysteresis,
        slow_start: if scheduler.is_weighted() { slow_start } else { Duration::ZERO },
        hooks,
        reals: reals.into_iter().map(|(half, real)| (host(v6, half * 2 + 1), real)).collect(),
        ..defaults
    };
    service.tracking = match service.default_tracking() {
        Tracking::Changes => tracking,
        needed => needed,
    };
    (endpoint, service)
}

/// Each prefix once, and the lists sorted.
fn sources(v6: bool, allow: &[(u32, u8)], deny: &[(u32, u8)]) -> Sources {
    let prefix = |&(number, bits): &(u32, u8)| {
        let length = bits % if v6 { 129 } else { 33 };
        IpNet::new(host(v6, number), length).expect("not too long").trunc()
    };
    let allow: BTreeSet<IpNet> = allow.iter().map(prefix).collect();
    let deny: BTreeSet<IpNet> = deny.iter().map(prefix).collect();
    let deny = deny.difference(&allow).copied().collect();
    Sources { allow: allow.into_iter().collect(), deny }
}

/// Those that do not share ports with one before.
fn apart(services: impl Iterator<Item = (Endpoint, Service)>) -> IndexMap<Endpoint, Service> {
    let mut kept = IndexMap::new();
    for (endpoint, service) in services {
        if !kept.keys().any(|other: &Endpoint| other.overlaps(&endpoint)) {
            kept.insert(endpoint, service);
        }
    }
    kept
}

fn shuffled(desired: Desired) -> impl Strategy<Value = Desired> {
    let services: Vec<_> = desired.services.into_iter().collect();
    let shuffled = (Just(desired.interfaces).prop_shuffle(), Just(services).prop_shuffle());
    let rest = (Just(desired.notify), Just(desired.vrrp));
    (shuffled, rest).prop_map(|((interfaces, services), (notify, vrrp))| Desired {
        interfaces,
        services: services.into_iter().collect(),
        notify,
        vrrp,
    })
}
