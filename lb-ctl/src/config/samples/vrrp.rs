//! Virtual routers: every key once, and any values.

use std::time::Duration;

use super::ip;
use crate::config::hook::HookCommand;
use crate::config::model::{Endpoint, Vrrp};
use crate::config::vrrp::{
    Checksum, Garp, Group, Instance, Preempt, Process, RoleHooks, Script, Sync, Track, Tracked,
    Version, VirtualAddress,
};

mod any;

pub(super) use any::any_vrrp;

/// A definition with every key of virtual routers.
pub(in crate::config) const VRRP: &str = r#"{
  "services": [ { "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80 },
                { "protocol": "udp", "vip": "192.0.2.10", "port": 53 } ],
  "vrrp": {
    "instances": [
      { "name": "VI_1", "interface": "eth0", "vrid": 51, "version": 2, "priority": 150, "advert_interval": "2s",
        "addresses": [ "192.0.2.10/32", "192.0.2.11", { "address": "192.0.2.12/24", "interface": "eth1" } ],
        "excluded_addresses": [ "2001:db8::10" ],
        "auth": { "type": "pass", "password": "pa55word" }, "preempt": true, "preempt_delay": "10s",
        "unicast_peers": [ "192.0.2.2" ], "source": "192.0.2.1", "virtual_mac": false,
        "track": { "interfaces": [ "eth1", { "name": "eth2", "weight": -20 } ],
                   "scripts": [ "chk", { "name": "slow", "weight": 7 } ],
                   "files": [ "/etc/lb-ctl/down", { "path": "/run/low", "weight": -5 } ],
                   "processes": [ "nginx", { "name": "bird", "weight": -9 } ],
                   "services": [ "web", { "service": "udp 192.0.2.10:53", "weight": -50 } ] },
        "notify": { "master": "/bin/n master", "backup": "/bin/n backup", "fault": "/bin/n fault",
                    "stop": "/bin/n stop", "any": "/bin/n any" },
        "garp": { "repeat": 3, "delay": "1s", "refresh": "60s", "refresh_repeat": 2, "interfaces": [ "eth3" ] } },
      { "name": "VI_6", "interface": "eth0", "vrid": 51, "addresses": [ "fe80::10/64", "2001:db8::11" ],
        "preempt": false, "virtual_mac": true },
      { "name": "VI_3", "interface": "eth0", "vrid": 53, "version": 3, "advert_interval": "10ms", "checksum": "message",
        "addresses": [ "192.0.2.13" ] }
    ],
    "groups": [ { "name": "G", "instances": [ "VI_1", "VI_6" ], "track": { "files": [ "/etc/lb-ctl/all" ] },
                  "notify": { "any": "/bin/g" } } ],
    "scripts": [ { "name": "chk", "command": "/bin/chk a", "interval": "500ms", "timeout": "2s", "rise": 2, "fall": 3,
                   "weight": -30, "user": "nobody" },
                 { "name": "slow", "command": "/bin/slow" } ],
    "processes": [ { "name": "nginx", "program": "nginx-custom", "quorum": 2, "delay": "3s", "weight": 4 }, { "name": "bird" } ],
    "sync": { "listen": "192.0.2.1:8475", "peers": [ "192.0.2.2:8475" ], "key": "0123456789abcdef" }
  }
}
"#;

fn command(text: &str) -> HookCommand {
    HookCommand::parse(text).expect("a path and words")
}

pub(in crate::config) fn moving(address: &str, prefix: u8) -> VirtualAddress {
    VirtualAddress { address: ip(address), prefix, interface: None }
}

fn tracked<T>(what: T, weight: Option<i16>) -> Tracked<T> {
    Tracked { what, weight }
}

/// A virtual router of which nothing else is said.
pub(in crate::config) fn plain(name: &str, vrid: u8, addresses: &[(&str, u8)]) -> Instance {
    let addresses = addresses.iter().map(|(address, prefix)| moving(address, *prefix)).collect();
    Instance::new(name, "eth0", vrid, addresses)
}

/// What the first instance of [`VRRP`] follows, among these services.
fn track(web: Endpoint, dns: Endpoint) -> Track {
    let own = |text: &str, weight| tracked(text.to_owned(), weight);
    Track {
        interfaces: vec![own("eth1", None), own("eth2", Some(-20))],
        scripts: vec![own("chk", Some(-30)), own("slow", Some(7))],
        files: vec![tracked("/etc/lb-ctl/down".into(), None), tracked("/run/low".into(), Some(-5))],
        processes: vec![own("nginx", Some(4)), own("bird", Some(-9))],
        services: vec![tracked(web, None), tracked(dns, Some(-50))],
    }
}

/// The instances of [`VRRP`].
fn instances() -> [Instance; 3] {
    let hook = |text| Some(command(text));
    let placed = VirtualAddress { interface: Some("eth1".to_owned()), ..moving("192.0.2.12", 24) };
    let mut first = Instance {
        priority: 150,
        advert_interval: Duration::from_secs(2),
        excluded: vec![moving("2001:db8::10", 128)],
        password: Some("pa55word".to_owned()),
        preempt: Preempt::After(Duration::from_secs(10)),
        unicast_peers: vec![ip("192.0.2.2")],
        source: Some(ip("192.0.2.1")),
        track: track(super::tcp("192.0.2.10", 80), super::udp("192.0.2.10", 53)),
        hooks: RoleHooks {
            master: hook("/bin/n master"),
            backup: hook("/bin/n backup"),
            fault: hook("/bin/n fault"),
            stop: hook("/bin/n stop"),
            any: hook("/bin/n any"),
        },
        garp: Garp {
            repeat: 3,
            delay: Duration::from_secs(1),
            refresh: Duration::from_mins(1),
            refresh_repeat: 2,
            interfaces: vec!["eth3".to_owned()],
        },
        ..plain("VI_1", 51, &[("192.0.2.10", 32), ("192.0.2.11", 32)])
    };
    first.addresses.push(placed);
    let six = Instance {
        preempt: Preempt::Never,
        virtual_mac: true,
        ..plain("VI_6", 51, &[("fe80::10", 64), ("2001:db8::11", 128)])
    };
    let third = Instance {
        version: Version::V3,
        advert_interval: Duration::from_millis(10),
        checksum: Checksum::Message,
        ..plain("VI_3", 53, &[("192.0.2.13", 32)])
    };
    [first, six, third]
}

/// What [`VRRP`] asks for.
pub(in crate::config) fn vrrp() -> Vrrp {
    let chk = Script {
        command: command("/bin/chk a"),
        interval: Duration::from_millis(500),
        timeout: Duration::from_secs(2),
        rise: 2,
        fall: 3,
        weight: Some(-30),
        user: Some("nobody".to_owned()),
    };
    let slow = Script {
        command: command("/bin/slow"),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        rise: 1,
        fall: 1,
        weight: None,
        user: None,
    };
    let process = |program: &str, quorum, secs, weight| {
        let delay = Duration::from_secs(secs);
        Process { program: program.to_owned(), quorum, delay, weight }
    };
    let group = Group {
        name: "G".to_owned(),
        instances: vec!["VI_1".to_owned(), "VI_6".to_owned()],
        track: Track { files: vec![tracked("/etc/lb-ctl/all".into(), None)], ..Track::default() },
        hooks: RoleHooks { any: Some(command("/bin/g")), ..RoleHooks::default() },
    };
    Vrrp {
        instances: instances().map(|it| (it.name.clone(), it)).into_iter().collect(),
        groups: [("G".to_owned(), group)].into(),
        scripts: [("chk".to_owned(), chk), ("slow".to_owned(), slow)].into(),
        processes: [
            ("nginx".to_owned(), process("nginx-custom", 2, 3, Some(4))),
            ("bird".to_owned(), process("bird", 1, 0, None)),
        ]
        .into(),
        sync: Some(Sync {
            listen: "192.0.2.1:8475".parse().expect("an address and a port"),
            peers: vec!["192.0.2.2:8475".parse().expect("an address and a port")],
            key: "0123456789abcdef".to_owned(),
        }),
    }
}
