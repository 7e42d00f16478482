//! What a service asks for beside addresses, ports and weights: read, and refused at its place.

use super::*;
use crate::config::model::{Endpoint, Hash, Persistence, Ports, Scheduler, Service, Tracking};
use crate::config::samples::{WHOLE, tcp, whole};

/// A service at 192.0.2.10 with these keys and, where they name none, port 80.
fn text(keys: &str) -> String {
    let port = if keys.contains("\"port\"") { "" } else { ", \"port\": 80" };
    let comma = if keys.is_empty() { "" } else { ", " };
    format!("{{ \"protocol\": \"tcp\", \"vip\": \"192.0.2.10\"{port}{comma}{keys} }}")
}

fn definition(services: &[String]) -> String {
    format!("{{ \"services\": [\n{}\n] }}", services.join(",\n"))
}

#[track_caller]
fn read(keys: &str) -> Service {
    parse(&definition(&[text(keys)])).unwrap().services.swap_remove_index(0).unwrap().1
}

/// The second of two services is refused at `path`, within its own line, with these words.
#[track_caller]
fn refused_beside(first: &str, keys: &str, path: &str, words: &str) {
    let error = parse(&definition(&[first.to_owned(), text(keys)])).expect_err(keys);
    let place = (error.line, error.path.as_str());
    assert_eq!(place, (3, format!("services[1]{path}").as_str()), "{error}");
    assert!(error.column > 1 || path.is_empty(), "{error}");
    assert!(error.message.contains(words), "{error}\nis not\n{words}");
}

#[track_caller]
fn refused(keys: &str, path: &str, words: &str) {
    let other = r#"{ "protocol": "tcp", "vip": "192.0.2.11", "port": 80 }"#;
    refused_beside(other, keys, path, words);
}

#[test]
fn reads_every_key() {
    let read = parse(WHOLE).unwrap();
    assert_eq!(read.services[0], whole());
    assert_eq!(parse(&crate::config::render(&read)), Ok(read));
}

#[test]
fn where_nothing_is_said_all_is_usual() {
    assert_eq!(read(""), Service::new(tcp("192.0.2.10", 80)));
    let persistent = |timeout, prefix| Some(Persistence { timeout, prefix });
    assert_eq!(read(r#""persistence": {}"#).persistence, persistent(300, 32));
    assert_eq!(read(r#""persistence": {"timeout": "1m"}"#).persistence, persistent(60, 32));
    assert_eq!(read(r#""persistence": {"netmask": 8}"#).persistence, persistent(300, 8));
    let partly = read(r#""timeouts": {"fin": "30s"}"#).timeouts;
    assert_eq!((partly.syn, partly.fin, partly.closed), (60, 30, 10));
    let six = r#"{"protocol": "tcp", "vip": "2001:db8::10", "port": 80, "persistence": {}}"#;
    let six = parse(&definition(&[six.to_owned()])).unwrap();
    assert_eq!(six.services[0].persistence, persistent(300, 128));
}

#[test]
fn tracking_is_what_the_rest_needs() {
    for scheduler in Scheduler::ALL {
        let keys = format!(r#""scheduler": "{}""#, scheduler.name());
        let expected = if scheduler.is_hashing() { Tracking::Changes } else { Tracking::Full };
        assert_eq!(read(&keys).tracking, expected, "{keys}");
    }
    for keys in [r#""persistence": {}"#, r#""expire_nodest": false"#] {
        assert_eq!(read(keys).tracking, Tracking::Full, "{keys}");
    }
    assert_eq!(read(r#""hash": "source""#).tracking, Tracking::Changes);
    assert_eq!(read(r#""scheduler": "sh", "tracking": "none""#).tracking, Tracking::None);
}

#[test]
fn ports_of_every_kind() {
    for (port, expected) in [
        ("0", Ports::ANY),
        ("80", Ports::one(80)),
        ("\"80-80\"", Ports::one(80)),
        ("\"8000-8100\"", Ports::range(8000, 8100).unwrap()),
    ] {
        assert_eq!(read(&format!("\"port\": {port}")).endpoint.port, expected);
    }
    for (port, words) in [
        ("\"8100-8000\"", "write \"8000-8100\""),
        ("\"0-80\"", "contains port 0: begin it at 1"),
        ("\"80\"", "write 80 without quotes"),
        ("\"\"", "neither a port nor a range"),
        ("\"http\"", "neither a port nor a range"),
        ("65536", "port 65536 is outside 1 to 65535"),
    ] {
        refused(&format!("\"port\": {port}"), ".port", words);
    }
}

#[test]
fn services_do_not_share_ports() {
    let at = |port: &str| text(&format!("\"port\": {port}"));
    let words = "service tcp 192.0.2.10:80-90 and service tcp 192.0.2.10:";
    for first in ["80", "90", "\"70-80\"", "\"85-86\"", "\"1-65535\""] {
        refused_beside(&at(first), "\"port\": \"80-90\"", ".port", words);
    }
    let apart = ["0", "79", "91", "\"100-200\"", "\"80-90\""].map(at);
    assert_eq!(parse(&definition(&apart)).unwrap().services.len(), 5);
    let udp = at("85").replace("tcp", "udp");
    let elsewhere = at("85").replace(".10", ".11");
    assert!(parse(&definition(&[at("\"80-90\""), udp, elsewhere])).is_ok());
    // A range of one port is that port.
    let words = "service tcp 192.0.2.10:80 stands at services[0] already";
    refused_beside(&at("80"), "\"port\": \"80-80\"", "", words);
}

#[test]
fn words_and_combinations() {
    refused(r#""scheduler": "best""#, ".scheduler", "use mh, rr, wrr, lc, wlc, sh, sed or nq");
    refused(r#""hash": "ports""#, ".hash", "hash \"ports\" is unknown");
    refused(r#""hash": null"#, ".hash", "invalid type: null");
    for hash in Hash::ALL.map(Hash::name) {
        let keys = |scheduler| format!(r#""scheduler": "{scheduler}", "hash": "{hash}""#);
        refused(&keys("rr"), ".hash", "only mh does");
        refused(&keys("sh"), ".hash", "it hashes the client's address");
    }
    let sh = r#""scheduler": "sh", "persistence": {}"#;
    refused(sh, ".persistence", "scheduler sh has no persistence");
    for tracking in ["changes", "none"] {
        let keys = |more: &str| format!(r#""tracking": "{tracking}", {more}"#);
        let tracking = ".tracking";
        refused(&keys(r#""persistence": {}"#), tracking, "persistence needs tracking full");
        refused(&keys(r#""expire_nodest": false"#), tracking, "expire_nodest false needs");
        for scheduler in ["rr", "wrr", "lc", "wlc", "sed", "nq"] {
            let words = format!("scheduler {scheduler} needs tracking full");
            refused(&keys(&format!(r#""scheduler": "{scheduler}""#)), tracking, &words);
        }
    }
    refused(r#""all_down": "reject""#, ".all_down", "use \"drop\" or \"pass\"");
    refused(r#""expire_nodest": "yes""#, ".expire_nodest", "expected a boolean");
}

#[test]
fn times_and_netmasks() {
    for (keys, path, words) in [
        (r#""persistence": null"#, "", "invalid type: null, expected an object"),
        (r#""persistence": ["60s", 24]"#, "", "expected an object"),
        (r#""persistence": {"netmask": 0}"#, ".netmask", "netmask 0 is outside"),
        (r#""persistence": {"netmask": 33}"#, ".netmask", "netmask 33 is outside 1 to 32, which"),
        (r#""persistence": {"netmask": 129}"#, ".netmask", "netmask 129 is outside"),
        (r#""persistence": {"netmask": "24"}"#, ".netmask", "expected a netmask"),
        (r#""persistence": {"timeout": 300}"#, ".timeout", "expected a duration like"),
        (r#""persistence": {"timeout": "0s"}"#, ".timeout", "persistence timeout 0s is outside"),
        (r#""persistence": {"timeout": "14d"}"#, ".timeout", "(13 days)"),
        (r#""persistence": {"mask": 24}"#, ".mask", "unknown field `mask`"),
    ] {
        refused(keys, &format!(".persistence{path}"), words);
    }
    for (keys, path, words) in [
        (r#""timeouts": {"syn": "0s"}"#, ".syn", "SYN timeout 0s is outside 1s"),
        (r#""timeouts": {"fin": "60"}"#, ".fin", "FIN timeout \"60\" has no unit"),
        (r#""timeouts": {"closed": "14d"}"#, ".closed", "closed timeout 1209600s is outside"),
        (r#""timeouts": {"rst": "1s"}"#, ".rst", "unknown field `rst`"),
        (r#""timeouts": {"syn": null}"#, ".syn", "invalid type: null"),
    ] {
        refused(keys, &format!(".timeouts{path}"), words);
    }
}

#[test]
fn prefixes() {
    for (keys, path, words) in [
        (r#""allow": ["x"]"#, ".allow[0]", "\"x\" is not a prefix"),
        (r#""allow": "198.51.100.0/24""#, ".allow", "expected a sequence"),
        (r#""deny": ["198.51.100.7/24"]"#, ".deny[0]", "write 198.51.100.0/24"),
        (r#""deny": ["10.0.0.0/8", "2001:db8::/32"]"#, ".deny[1]", "not of the family"),
        (r#""allow": ["10.0.0.0/8", "10.0.0.0/8"]"#, ".allow[1]", "stands in allow already"),
        (r#""allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/8"]"#, ".deny[0]", "both allowed and"),
    ] {
        refused(keys, path, words);
    }
}

#[test]
fn prefixes_of_all_services_fit_the_tables() {
    let many = |begin: u32, count: u32| {
        let prefixes =
            (begin..begin + count).map(|n| format!("\"{}\"", std::net::Ipv4Addr::from(n)));
        format!("\"deny\": [{}]", prefixes.collect::<Vec<_>>().join(","))
    };
    let half = lb_common::limits::DEFAULT_SOURCES / 2;
    let first = text(&many(0, half)).replacen(".10", ".11", 1);
    assert!(parse(&definition(&[first.clone(), text(&many(0, half))])).is_ok());
    refused_beside(&first, &many(0, half + 1), "", "65537 prefixes of sources, those of all");
}

#[test]
fn sorry_servers() {
    for (address, words) in [
        ("sorry.example.org", "names are not looked up"),
        ("2001:db8::99", "sorry server 2001:db8::99 is IPv6 and its VIP"),
        ("192.0.2.10", "sorry server 192.0.2.10 is the VIP of its own service"),
        ("192.0.2.11", "is the VIP of service tcp 192.0.2.11:80"),
        ("192.0.2.21", "sorry server 192.0.2.21 is a real of its own service"),
        ("0.0.0.0", "sorry server 0.0.0.0 is the unspecified address"),
    ] {
        let reals = r#""reals": [{"address": "192.0.2.21"}]"#;
        let keys = format!(r#""sorry_server": "{address}", {reals}"#);
        refused(&keys, ".sorry_server", words);
    }
    assert!(read(r#""sorry_server": "192.0.2.99""#).sorry_server.is_some());
}

#[test]
fn endpoints_are_named_with_their_ports() {
    let Endpoint { port, .. } = read(r#""port": "8000-8100""#).endpoint;
    assert_eq!(port.to_string(), "8000-8100");
}
