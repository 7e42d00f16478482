use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::edit::{self, ServiceChange};
use crate::config::model::{self, Scheduler, Tracking};
use crate::config::notify::Webhook;
use crate::config::parse;
use crate::config::samples::health::HEALTH;
use crate::config::samples::{any_desired, desired, ip, tcp, udp, whole};

mod vrrp;

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

fn healthy() -> Desired {
    parse(HEALTH).unwrap()
}

#[test]
fn shows_checks_and_what_follows() {
    let healthy = healthy();
    let endpoint = tcp("192.0.2.10", 443);
    let plain =
        Service { reals: [(ip("192.0.2.21"), Real::new(1))].into(), ..Service::new(endpoint) };
    let plain = Desired { services: [(endpoint, plain)].into(), ..Desired::default() };
    let words = "https /healthz?deep=1 every 500ms via rip, ";
    let shown = lines(&Desired::default(), &healthy);
    let begin = format!("+ service tcp 192.0.2.10:443 (mh, check {words}");
    assert!(shown[0].starts_with(&begin), "{}", shown[0]);
    let end = "inhibit on failure true, quorum 3, hysteresis 2, slow start 30s, notify up \"/bin/up \
               'a b'\", notify down \"/bin/down\", quorum up \"/bin/qup\", quorum down \
               \"/bin/qdown\")";
    assert!(shown[0].ends_with(end), "{}", shown[0]);
    assert_eq!(shown[1], "+ real 192.0.2.21 of tcp 192.0.2.10:443 (weight 1, disabled)");
    let gone = lines(&healthy, &plain);
    assert!(gone[0].contains(&format!("443: check {words}")), "{}", gone[0]);
    let end = " -> none, inhibit on failure true -> false, quorum 3 -> 1, hysteresis 2 -> 0, slow \
               start 30s -> 0s, notify up \"/bin/up 'a b'\" -> none, notify down \"/bin/down\" -> \
               none, quorum up \"/bin/qup\" -> none, quorum down \"/bin/qdown\" -> none";
    assert!(gone[0].ends_with(end), "{}", gone[0]);
    assert_eq!(gone[1], "~ real 192.0.2.21 of tcp 192.0.2.10:443: enabled");
    let disabled = lines(&plain, &healthy);
    assert_eq!(disabled[1], "~ real 192.0.2.21 of tcp 192.0.2.10:443: disabled");
}

fn hook(host: &str) -> Webhook {
    Webhook { url: format!("http://{host}"), timeout: Webhook::TIMEOUT, ca: None }
}

#[test]
fn shows_whom_to_notify_and_no_secrets() {
    let all = Desired { notify: healthy().notify, ..Desired::default() };
    let mail = "mail.example.org:2525 (tls, login \"lb\", ca /etc/ssl/mail.pem, batch 60s) from \
                lb@example.org to a@example.org b@example.org";
    let hooks = "https://hooks.example.org/... (timeout 1s, ca /etc/ssl/hook.pem)";
    assert_eq!(
        lines(&Desired::default(), &all),
        [format!(
            "~ notify: user root -> lb-notify, timeout 30s -> 5s, mail none -> {mail}, webhooks \
             +{hooks} +http://192.0.2.30:8080"
        )]
    );
    let mut other = all.clone();
    other.notify.mail.as_mut().unwrap().login.as_mut().unwrap().password = "other".to_owned();
    other.notify.webhooks.reverse();
    assert_eq!(lines(&all, &other), ["~ notify: another mail password"]);
    let many = |host| model::Notify { webhooks: vec![hook(host); 4], ..all.notify.clone() };
    let more = Desired { notify: many("a"), ..all.clone() };
    let shown = lines(&all, &more).concat();
    assert_eq!(shown.matches("+http://a").count(), 4, "{shown}");
    other.notify.webhooks.remove(0);
    other.notify.mail = None;
    let gone = format!("~ notify: mail {mail} -> none, webhooks -http://192.0.2.30:8080");
    assert_eq!(lines(&all, &other), [gone]);
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
        let others = old.notify == new.notify && old.vrrp == new.vrrp;
        let same = old.services == new.services && others && {
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
    fn each_property_of_health_is_a_difference(old in any_desired(), new in any_desired()) {
        // Two that are drawn apart hardly ever have a service in common.
        let mut moved = old.clone();
        moved.notify.clone_from(&new.notify);
        for (service, other) in moved.services.values_mut().zip(new.services.values()) {
            service.quorum = other.quorum;
            service.hysteresis = other.hysteresis;
            service.inhibit_on_failure = other.inhibit_on_failure;
            service.slow_start = other.slow_start;
            service.hooks.clone_from(&other.hooks);
            service.check.clone_from(&other.check);
        }
        let sorted = |desired: &Desired| {
            let mut webhooks = desired.notify.webhooks.clone();
            webhooks.sort_by(|a, b| a.url.cmp(&b.url));
            model::Notify { webhooks, ..desired.notify.clone() }
        };
        let same = old.services == moved.services && sorted(&old) == sorted(&moved);
        prop_assert_eq!(diff(&old, &moved).is_empty(), same);
    }

    #[test]
    fn survives_the_wire(old in any_desired(), new in any_desired()) {
        let changes = diff(&old, &new);
        let text = serde_json::to_string(&changes).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Change>>(&text).unwrap(), changes);
    }
}
