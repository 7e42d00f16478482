//! What `list` and `status` show, and large definitions.

use std::net::UdpSocket;

use bench::lab::{VIP4, VIP6};
use lb_common::limits::DEFAULT_RING_SLOTS;
use serde_json::{Value, json};

use super::control::{addresses, bed, ctl, json, programs};
use super::{counting, document};

/// The keys of a JSON object, sorted.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object}")).keys().map(String::as_str).collect()
}

const SERVICE: [&str; 17] = [
    "all_down",
    "expire_nodest",
    "hash",
    "hysteresis",
    "idle_timeout",
    "inhibit_on_failure",
    "name",
    "port",
    "protocol",
    "quorum",
    "reals",
    "scheduler",
    "slow_start",
    "stats",
    "timeouts",
    "tracking",
    "vip",
];
const REAL: [&str; 8] = [
    "active_connections",
    "address",
    "inactive_connections",
    "interface",
    "mac",
    "state",
    "stats",
    "weight",
];
const STATS: [&str; 3] = ["bytes", "connections", "packets"];

#[test]
fn the_list_in_all_its_forms() {
    let bed = counting();
    let real = &bed.lab.reals[0];
    ctl(&bed.director, "add-service -t 192.0.2.10:80").ok();
    ctl(&bed.director, "add-real -t 192.0.2.10:80 -r 192.0.2.29 -w 4").ok();

    let list = json(&bed.director, "list");
    assert_eq!(keys(&list), ["services"]);
    let four = &list["services"][0];
    assert_eq!(keys(four), SERVICE);
    // A UDP payload of one byte in IPv4: 20 + 8 + 1 bytes.
    assert_eq!(four["stats"], json!({ "connections": 1, "packets": 3, "bytes": 3 * 29 }));
    let up = &four["reals"][0];
    assert_eq!(keys(up), REAL);
    assert_eq!(keys(&up["stats"]), STATS);
    assert_eq!((&up["state"], &up["interface"]), (&json!("up"), &json!("eth0")));
    assert_eq!(up["mac"], json!(real.namespace.mac("eth0").unwrap()));
    assert_eq!((&up["active_connections"], &up["inactive_connections"]), (&json!(0), &json!(1)));
    assert_eq!(up["stats"], four["stats"]);
    let web = &list["services"][2];
    assert_eq!((&web["name"], &web["scheduler"]), (&Value::Null, &json!("mh")));
    assert_eq!((&four["tracking"], &four["idle_timeout"]), (&json!("full"), &json!(60)));
    assert_eq!((&web["tracking"], &web["idle_timeout"]), (&json!("changes"), &json!(900)));
    let silent = &web["reals"][0];
    assert_eq!((&silent["state"], &silent["mac"]), (&json!("unresolved"), &Value::Null));
    assert!(!silent["reason"].as_str().unwrap().is_empty(), "{silent}");
    assert_eq!((&up["estimated"], &silent["estimated"]), (&Value::Null, &json!(true)));

    let table = ctl(&bed.director, "list -n").ok();
    for line in [
        "UDP  192.0.2.10:53 mh name four",
        "  -> 192.0.2.21:53                Route   3      0          1          up",
        "UDP  [2001:db8::10]:53 mh name six",
        "TCP  192.0.2.10:80 mh",
    ] {
        assert!(table.lines().any(|found| found == line), "`{line}` is missing:\n{table}");
    }
    assert!(table.contains("unresolved: "), "{table}");

    let only = ctl(&bed.director, "list -t 192.0.2.10:80").ok();
    assert!(only.contains("(1 services, 1 reals)") && !only.contains("UDP"), "{only}");
    assert_eq!(json(&bed.director, "list -u 192.0.2.10:53")["services"], json!([four]));

    let stats = ctl(&bed.director, "list --stats --exact").ok();
    let row = |name: &str| {
        let line = stats.lines().find(|line| line.contains(name)).unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().rev().take(5).collect();
        words.into_iter().rev().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("UDP  192.0.2.10:53"), "1 3 0 87 0", "{stats}");
    assert_eq!(row("-> 192.0.2.21:53"), "1 3 0 87 0", "{stats}");
    assert_eq!(json(&bed.director, "list --stats"), list, "counters are always in it");
}

#[test]
fn connections_and_rates() {
    let bed = counting();
    let client = &bed.lab.client;
    let all = json(&bed.director, "list --connections");
    let connections = all["connections"].as_array().unwrap();
    assert_eq!(connections.len(), 2, "{all}");
    let four = json(&bed.director, "list --connections -u 192.0.2.10:53");
    let four = &four["connections"][0];
    for (key, value) in [
        ("protocol", json!("udp")),
        ("state", json!("UDP")),
        ("client", json!(client.ipv4)),
        ("vip", json!("192.0.2.10")),
        ("port", json!(53)),
        ("real", json!("192.0.2.21")),
    ] {
        assert_eq!(four[key], value, "{key} of {four}");
    }
    assert!(four["client_port"].as_u64().unwrap() >= 10240, "{four}");
    let table = ctl(&bed.director, "list --connections").ok();
    assert!(table.contains("(2 connections)") && !table.contains("--tracking"), "{table}");
    assert!(table.contains("[2001:db8::10]:53") && table.contains("192.0.2.21:53"), "{table}");

    // Packets on the way while the rate is measured.
    let (stop, rates) = client
        .namespace
        .enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
            std::thread::scope(|scope| {
                let rates = scope.spawn(|| json(&bed.director, "list --rate"));
                let mut sent = 0;
                while !rates.is_finished() {
                    socket.send_to(b"x", (VIP4, 53)).unwrap();
                    sent += 1;
                    // Nobody answers: the timeout paces the packets.
                    let _ = socket.recv(&mut [0]);
                }
                (sent, rates.join().unwrap())
            })
        })
        .unwrap();
    assert_eq!(keys(&rates), ["interval_seconds", "services"]);
    let rate = rates["services"][0]["per_second"]["packets"].as_u64().unwrap();
    assert!((5..=stop).contains(&rate), "{rate} of {stop}: {rates}");
    assert_eq!(rates["services"][1]["per_second"]["packets"], 0, "{rates}");
}

#[test]
fn the_status_tells_what_is_there() {
    let bed = counting();
    let status = json(&bed.director, "status");
    let of_map = |name: &str| {
        let maps = status["maps"].as_array().unwrap();
        let map = maps.iter().find(|map| map["name"] == name);
        map.unwrap_or_else(|| panic!("{name} in {maps:?}")).clone()
    };
    assert_eq!(of_map("REALS")["entries"], 2);
    let connections = of_map("CONNS_V4");
    assert_eq!((&connections["entries"], &connections["capacity"]), (&json!(1), &json!(1024)));
    // Each entry has the key, the value, and what the kernel needs to find it.
    let bytes = connections["bytes"].as_u64().unwrap();
    assert!((1024 * (16 + 16)..1024 * 1024).contains(&bytes), "{connections}");
    let rings = of_map("RINGS");
    assert_eq!(rings["entries"], 2);
    let slots = u64::from(DEFAULT_RING_SLOTS);
    assert!((16 * slots..32 * slots).contains(&rings["bytes"].as_u64().unwrap()), "{rings}");
    let interface = &status["interfaces"][0];
    assert_eq!(interface["mode"], "native");
    assert_eq!(interface["vips"], json!([VIP4, VIP6]));
    assert_eq!(status["pin_dir"], json!(bed.director.pins()));
    let counts = ["services", "reals", "reals_up"].map(|key| status[key].as_u64());
    assert_eq!(counts, [Some(2); 3], "{status}");
    let attached = programs(&bed.lab.director.namespace);
    assert_eq!(attached, [format!("eth0 {}", status["program_id"])]);
    let forwarded = status["packets"].as_array().unwrap().iter();
    let forwarded = forwarded.filter(|count| count["verdict"] == "tx").map(|c| &c["packets"]);
    assert_eq!(forwarded.filter_map(Value::as_u64).sum::<u64>(), 6);
    let table = ctl(&bed.director, "status").ok();
    let first = "forwarding on eth0 (native), 2 services, 2 of 2 reals up, config in sync";
    assert_eq!(table.lines().next(), Some(first));
}

/// So many services of ten reals each, on ten VIPs.
fn large(services: u16) -> String {
    let service = |n: u16| {
        let reals: Vec<Value> = (0..10u16)
            .map(|real| json!({ "address": format!("192.0.2.{}", 30 + (n + real) % 100) }))
            .collect();
        let vip = format!("192.0.2.{}", 150 + n % 10);
        json!({ "protocol": "tcp", "vip": vip, "port": 1000 + n, "reals": reals })
    };
    json!({ "services": (0..services).map(service).collect::<Vec<_>>() }).to_string()
}

#[test]
fn three_hundred_services_of_ten_reals() {
    const SERVICES: u16 = 300;
    let bed = bed(0);
    let path = document(&bed, &large(SERVICES));
    let said = ctl(&bed.director, &format!("apply {path}")).ok();
    assert_eq!(said.lines().count(), usize::from(SERVICES) * 11);
    let list = json(&bed.director, "list");
    let services = list["services"].as_array().unwrap();
    assert_eq!(services.len(), usize::from(SERVICES));
    assert!(services.iter().all(|service| service["reals"].as_array().unwrap().len() == 10));
    let filled = || {
        let status = json(&bed.director, "status");
        let maps = status["maps"].as_array().unwrap();
        let reals = maps.iter().find(|map| map["name"] == "REALS").unwrap();
        (status["services"].as_u64().unwrap(), reals["entries"].as_u64().unwrap())
    };
    assert_eq!(filled(), (300, 3000));
    let vips = || {
        let held = addresses(&bed.lab.director.namespace);
        held.iter().filter(|address| address.ends_with("/32")).count()
    };
    assert_eq!(vips(), 10);

    let line = "edit-real -t 192.0.2.157:1237 -r 192.0.2.71 -w 8";
    ctl(&bed.director, line).ok();
    let after = json(&bed.director, "list");
    let changed: Vec<usize> = (0..usize::from(SERVICES))
        .filter(|n| list["services"][n]["reals"] != after["services"][n]["reals"])
        .collect();
    // Reasons of unresolved reals may change by themselves; weights do not.
    let weights = |list: &Value, n: usize| -> Vec<Value> {
        let reals = list["services"][n]["reals"].as_array().unwrap();
        reals.iter().map(|real| real["weight"].clone()).collect()
    };
    let reweighted: Vec<usize> =
        changed.into_iter().filter(|n| weights(&list, *n) != weights(&after, *n)).collect();
    assert_eq!(reweighted, [237]);

    let fewer = document(&bed, &large(SERVICES - 10));
    assert_eq!(ctl(&bed.director, &format!("apply {fewer}")).ok().lines().count(), 111);
    assert_eq!(filled(), (290, 2900));
    ctl(&bed.director, "clear").ok();
    assert_eq!((filled(), vips()), ((0, 0), 0));
    assert_eq!(json(&bed.director, "list"), json!({ "services": [] }));
}
