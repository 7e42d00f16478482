use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::edit::{self, ServiceChange};
use crate::config::model::{Scheduler, Tracking};
use crate::config::samples::{any_desired, desired, ip, tcp, udp, whole};

fn lines(old: &Desired, new: &Desired) -> Vec<String> {
    diff(old, new).iter().map(Change::to_string).collect()
}

#[test]
fn shows_what_comes_and_what_goes() {
    let all = [
        " interface eth0",
        " interface eth1",
        " service tcp 192.0.2.10:80 (mh, tracking full, idle timeout 300s, name \"web\")",
        " real 192.0.2.21 of tcp 192.0.2.10:80 (weight 1)",
        " real 192.0.2.22 of tcp 192.0.2.10:80 (weight 2, drained)",
        " service udp [2001:db8::10]:53 (mh)",
        " real 2001:db8::21 of udp [2001:db8::10]:53 (weight 1)",
    ];
    let signed = |sign| all.map(|line| format!("{sign}{line}"));
    assert_eq!(lines(&Desired::default(), &desired()), signed('+'));
    assert_eq!(lines(&desired(), &Desired::default()), signed('-'));
}

#[test]
fn shows_what_changes() {
    let web = tcp("192.0.2.10", 80);
    let (first, second) = (ip("192.0.2.21"), ip("192.0.2.22"));
    let old = desired();
    let change = ServiceChange {
        name: Some(String::new()),
        scheduler: Some(Scheduler::Mh),
        tracking: Some(Tracking::None),
        idle_timeout: Some(900),
        ..ServiceChange::default()
    };
    let new = edit::edit_service(&old, web, &change).unwrap();
    let new = edit::edit_real(&new, web, first, 3).unwrap();
    let new = edit::drain(&new, web, first).unwrap();
    let new = edit::delete_real(&new, web, second).unwrap();
    let new = edit::add_real(&new, web, ip("192.0.2.23"), 4).unwrap();
    let new = edit::delete_service(&new, udp("2001:db8::10", 53)).unwrap();
    assert_eq!(
        lines(&old, &new),
        [
            "- real 192.0.2.22 of tcp 192.0.2.10:80 (weight 2, drained)",
            "- service udp [2001:db8::10]:53 (mh)",
            "- real 2001:db8::21 of udp [2001:db8::10]:53 (weight 1)",
            "~ service tcp 192.0.2.10:80: name \"web\" -> none, tracking full -> \
             none, idle timeout 300s -> 900s",
            "~ real 192.0.2.21 of tcp 192.0.2.10:80: weight 1 -> 3, drained",
            "+ real 192.0.2.23 of tcp 192.0.2.10:80 (weight 4)",
        ]
    );
    let undrained = edit::undrain(&old, web, second).unwrap();
    let expected = ["~ real 192.0.2.22 of tcp 192.0.2.10:80: no longer drained"];
    assert_eq!(lines(&old, &undrained), expected);
}

#[test]
fn shows_what_a_service_does_with_its_clients() {
    let whole = whole();
    let (endpoint, plain) = (whole.endpoint, Service::new(whole.endpoint));
    let just = |service| Desired { services: [(endpoint, service)].into(), ..Desired::default() };
    let plain = just(Service { reals: whole.reals.clone(), ..plain });
    let whole = just(whole);
    assert_eq!(
        lines(&Desired::default(), &whole)[0],
        "+ service tcp 192.0.2.10:8000-8100 (mh, hash source, persistence 60s /24, idle timeout \
         3600s, SYN timeout 30s, FIN timeout 60s, closed timeout 5s, expire nodest false, all down \
         pass, allow 198.51.100.0/24 203.0.113.7/32, deny 198.51.100.128/25, sorry server \
         192.0.2.99)"
    );
    let there = "~ service tcp 192.0.2.10:8000-8100:";
    assert_eq!(
        lines(&plain, &whole),
        [format!(
            "{there} hash 5-tuple -> source, persistence none -> 60s /24, tracking changes -> full, idle \
             timeout 900s -> 3600s, SYN timeout 60s -> 30s, FIN timeout 120s -> 60s, closed timeout \
             10s -> 5s, expire nodest true -> false, all down drop -> pass, sorry server none -> \
             192.0.2.99, allow +198.51.100.0/24 +203.0.113.7/32, deny +198.51.100.128/25"
        )]
    );
    let mut fewer = whole.clone();
    fewer.services[0].sources.allow.reverse();
    assert_eq!(diff(&whole, &fewer), [], "the order of prefixes");
    fewer.services[0].sources.allow.pop();
    fewer.services[0].sources.deny =
        (0..4_u8).map(|n| IpAddr::from([198, 51, 100, n]).into()).collect();
    assert_eq!(
        lines(&whole, &fewer),
        ["~ service tcp 192.0.2.10:8000-8100: allow -198.51.100.0/24, deny +4 prefixes \
          -198.51.100.128/25"]
    );
}

#[test]
fn order_is_no_difference() {
    let mut other = desired();
    other.interfaces.reverse();
    other.services.reverse();
    assert_eq!(diff(&desired(), &other), []);
}

#[test]
fn serializes_flat() {
    let web = tcp("192.0.2.10", 80);
    let new = edit::edit_real(&desired(), web, ip("192.0.2.21"), 3).unwrap();
    let new = edit::delete_real(&new, web, ip("192.0.2.22")).unwrap();
    let new = Desired { interfaces: vec!["eth0".to_owned()], ..new };
    let service = json!({ "protocol": "tcp", "vip": "192.0.2.10", "port": 80 });
    assert_eq!(
        serde_json::to_value(diff(&desired(), &new)).unwrap(),
        json!([
            { "action": "remove", "object": "interface", "interface": "eth1" },
            { "action": "remove", "object": "real", "address": "192.0.2.22", "service": service,
              "weight": 2, "drain": true },
            { "action": "change", "object": "real", "address": "192.0.2.21", "service": service,
              "fields": [ { "field": "weight", "from": 1, "to": 3 } ] },
        ])
    );
    let added = diff(&Desired::default(), &desired());
    assert_eq!(
        serde_json::to_value(&added[2]).unwrap(),
        json!({ "action": "add", "object": "service", "protocol": "tcp", "vip": "192.0.2.10",
                "port": 80, "scheduler": "mh", "tracking": "full", "idle_timeout": 300,
                "name": "web" })
    );
}

proptest! {
    #[test]
    fn is_empty_exactly_where_nothing_differs(old in any_desired(), new in any_desired()) {
        prop_assert_eq!(diff(&old, &old), []);
        let same = old.services == new.services && {
            let sorted = |desired: &Desired| {
                let mut names = desired.interfaces.clone();
                names.sort();
                names
            };
            sorted(&old) == sorted(&new)
        };
        prop_assert_eq!(diff(&old, &new).is_empty(), same);
    }

    #[test]
    fn survives_the_wire(old in any_desired(), new in any_desired()) {
        let changes = diff(&old, &new);
        let text = serde_json::to_string(&changes).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Change>>(&text).unwrap(), changes);
    }
}
