//! What the tests of the output print.

use std::collections::BTreeMap;

use lb_common::key::Protocol;

use crate::api::wire::{
    Adverts, Checks, ConfigState, ConfigStatus, Connection, Connections, Interface, List, Map,
    Real, RealState, ReasonCount, Service, Settling, Stats, Status, TracedPacket, VrrpInstance,
    VrrpState,
};
use crate::config::model::{self, Endpoint};

fn real(address: &str, weight: u16, state: RealState) -> Real {
    Real {
        address: address.parse().unwrap(),
        weight,
        state,
        reason: None,
        mac: None,
        interface: None,
        active_connections: 0,
        inactive_connections: 0,
        estimated: false,
        settling: false,
        disabled: false,
        health: None,
        stats: Stats::default(),
    }
}

fn service(name: Option<&str>, protocol: Protocol, vip: &str, port: u16) -> Service {
    let endpoint = Endpoint { protocol, address: vip.parse().unwrap(), port: port.into() };
    let name = name.map(ToOwned::to_owned);
    Service::from(&model::Service { name, ..model::Service::new(endpoint) })
}

/// A service of each IP version, with reals in several states.
pub(super) fn list() -> List {
    let mut web = service(Some("web"), Protocol::Tcp, "192.0.2.10", 80);
    web.stats = Stats { connections: 15, packets: 12_345_678, bytes: 1_234_567_890 };
    web.refused = [("source-denied", 123_456), ("no-real", 3)]
        .map(|(reason, packets)| (reason.to_owned(), packets))
        .into();
    let busy = Real {
        active_connections: 3,
        inactive_connections: 12,
        stats: web.stats,
        ..real("192.0.2.21", 1, RealState::Up)
    };
    let lost = Real {
        reason: Some("nobody answers ARP".to_owned()),
        ..real("192.0.2.23", 1, RealState::Unresolved)
    };
    web.reals = vec![busy, real("192.0.2.22", 65535, RealState::Drain), lost];
    let mut dns = service(None, Protocol::Udp, "2001:db8::10", 53);
    dns.stats = Stats { connections: 7, packets: 7, bytes: 420 };
    dns.reals = vec![Real {
        inactive_connections: 7,
        stats: dns.stats,
        ..real("2001:db8::21", 2, RealState::Up)
    }];
    List { services: vec![web, dns] }
}

/// A connection of each IP version, not in order.
pub(super) fn connections() -> Connections {
    let udp = Connection {
        protocol: Protocol::Udp,
        state: "UDP".to_owned(),
        expires: 5,
        client: "2001:db8::99".parse().unwrap(),
        client_port: 5353,
        vip: "2001:db8::10".parse().unwrap(),
        port: 53,
        real: "2001:db8::21".parse().unwrap(),
    };
    let tcp = Connection {
        protocol: Protocol::Tcp,
        state: "ESTABLISHED".to_owned(),
        expires: 899,
        client: "198.51.100.7".parse().unwrap(),
        client_port: 40000,
        vip: "192.0.2.10".parse().unwrap(),
        port: 80,
        real: "192.0.2.21".parse().unwrap(),
    };
    Connections { connections: vec![udp, tcp] }
}

/// A client's SYN on its way to a real.
pub(super) fn traced() -> TracedPacket {
    TracedPacket {
        time_ns: 1_700_000_000_123_456_789,
        interface: "eth0".to_owned(),
        length: 74,
        vlans: Vec::new(),
        protocol: "tcp".to_owned(),
        client: Some("198.51.100.7".parse().unwrap()),
        client_port: Some(40000),
        vip: Some("192.0.2.10".parse().unwrap()),
        port: Some(80),
        tcp_flags: Some("S".to_owned()),
        service: Some("tcp 192.0.2.10:80".to_owned()),
        real: Some("192.0.2.21".parse().unwrap()),
        verdict: "tx".to_owned(),
        reason: "forwarded".to_owned(),
        missed: 0,
        frame: "0200".to_owned(),
    }
}

/// A virtual router that is master.
pub(super) fn router(name: &str) -> VrrpInstance {
    VrrpInstance {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        vrid: 51,
        version: 3,
        group: None,
        state: VrrpState::Master,
        reason: "no master was heard".to_owned(),
        since: "2026-11-21T14:03:17.000000Z".to_owned(),
        age: 182,
        priority: 150,
        defined_priority: 150,
        advert_interval: 1000,
        preempt: true,
        addresses: vec!["192.0.2.10/32".to_owned()],
        holds: true,
        handed_over: false,
        source: Some("192.0.2.2".parse().unwrap()),
        master: Some("192.0.2.2".parse().unwrap()),
        master_priority: Some(150),
        adverts: Adverts::default(),
        transitions: BTreeMap::new(),
        conflicts: Vec::new(),
    }
}

/// A daemon that does what it should.
pub(super) fn status() -> Status {
    let map = |name: &str, entries, capacity, bytes| Map {
        name: name.to_owned(),
        entries,
        capacity,
        bytes,
    };
    let count = |verdict: &str, reason: &str, packets| ReasonCount {
        verdict: verdict.to_owned(),
        reason: reason.to_owned(),
        packets,
    };
    Status {
        version: "0.1.0".to_owned(),
        pid: 4711,
        uptime: 10_920,
        adopted: true,
        pin_dir: "/sys/fs/bpf/lb-ctl".to_owned(),
        program_id: 45,
        tracing: false,
        config: ConfigStatus {
            path: "/etc/lb-ctl/lb-ctl.json".to_owned(),
            state: ConfigState::InSync,
            error: None,
        },
        services: 2,
        reals: 4,
        reals_up: 3,
        interfaces: vec![Interface {
            name: "eth0".to_owned(),
            ifindex: Some(2),
            up: true,
            mode: Some("native".to_owned()),
            reason: "the driver has XDP".to_owned(),
            link_id: Some(12),
            vips: vec!["192.0.2.10".parse().unwrap(), "2001:db8::10".parse().unwrap()],
        }],
        maps: vec![
            map("SERVICES_V4", 1, 4096, 88 << 10),
            map("CONNS_V4", 262_144, 524_288, 44 << 20),
        ],
        checks: Checks::default(),
        settling: vec![Settling {
            protocol: Protocol::Tcp,
            vip: "192.0.2.10".parse().unwrap(),
            port: 80.into(),
            slots: 65_537,
            unsettled: 6553,
            marked: 12,
            deferred: 0,
        }],
        vrrp: Vec::new(),
        sync: None,
        packets: vec![
            count("tx", "forwarded", 123_456),
            count("pass", "not-ip", 0),
            count("drop", "no-real", 3),
        ],
    }
}
