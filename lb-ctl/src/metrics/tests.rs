use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use lb_common::key::Protocol;

use super::*;
use crate::api::wire::SyncPeer;
use crate::vrrp::status::{Conflict, samples};

/// Labels and value of each sample, by the sample's name.
type Read = BTreeMap<String, Vec<(BTreeMap<String, String>, u64)>>;

/// Reads OpenMetrics text, and takes nothing that the specification does not.
fn read(text: &str) -> Read {
    let body = text.strip_suffix("# EOF\n").expect("the end mark is missing");
    let mut families = BTreeSet::new();
    let mut family = (String::new(), String::new());
    let mut helped = None;
    let mut read = Read::new();
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty(), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped.as_deref(), Some(name), "{line}");
            assert!(families.insert(name.to_owned()), "{name} comes twice");
            family = (name.to_owned(), kind.to_owned());
        } else {
            let (name, labels, value) = sample(line);
            let suffix = name.strip_prefix(family.0.as_str());
            let expected = match family.1.as_str() {
                "counter" => "_total",
                "gauge" => "",
                "info" => "_info",
                kind => panic!("{kind} is no kind"),
            };
            assert_eq!(suffix, Some(expected), "{line} among {family:?}");
            assert!(seen.insert((name.clone(), labels.clone())), "{line} comes twice");
            read.entry(name).or_default().push((labels, value));
        }
    }
    read
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, u64) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = line.find(|c| !is_name(c)).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (key, after) = rest.split_once("=\"").unwrap();
            assert!(!key.is_empty() && key.chars().all(is_name), "{line}");
            let (value, after) = quoted(after);
            assert!(labels.insert(key.to_owned(), value).is_none(), "{line}");
            match after.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    assert!(!value.contains(' '), "{line}");
    (name.to_owned(), labels, value.parse().unwrap())
}

fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().unwrap().1 {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                c => panic!("\\{c} in {text}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end: {text}")
}

fn endpoint(protocol: Protocol, port: u16) -> Endpoint {
    Endpoint { protocol, address: "192.0.2.10".parse().unwrap(), port: port.into() }
}

fn stats(of: u64) -> Stats {
    Stats { connections: of, packets: 10 * of, bytes: 1000 * of }
}

fn real(last: u8, checks: Option<(u64, u64)>) -> RealSample {
    let address = [192, 0, 2, last].into();
    RealSample { address, weight: 2, is_up: last != 22, stats: stats(last.into()), checks }
}

fn service(protocol: Protocol, port: u16, name: Option<&str>) -> ServiceSample {
    ServiceSample {
        endpoint: endpoint(protocol, port),
        name: name.map(str::to_owned),
        stats: stats(7),
        reals: vec![real(21, Some((5, 1))), real(22, None)],
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[test]
fn every_metric_of_the_contract_is_there() {
    let packets =
        vec![ReasonCount { verdict: "tx".to_owned(), reason: "forwarded".to_owned(), packets: 9 }];
    let sample = Sample {
        services: vec![service(Protocol::Tcp, 80, Some("web"))],
        packets,
        connections: 3,
        is_stale: true,
        events: vec![(EventKind::RealUp, 4)],
        dropped: vec![(Medium::Mail, 2)],
        vrrp: Vec::new(),
        sync: None,
    };
    let read = read(&sample.text());
    let of = |name: &str| read.get(name).unwrap_or_else(|| panic!("{name}: {read:?}")).clone();
    let web =
        labels([("service", "web"), ("vip", "192.0.2.10"), ("port", "80"), ("protocol", "tcp")]);
    let one = labels([("service", "web"), ("real", "192.0.2.21")]);
    let two = labels([("service", "web"), ("real", "192.0.2.22")]);
    let of_both = |first, second| vec![(one.clone(), first), (two.clone(), second)];
    assert_eq!(of("lbctl_service_connections_total"), [(web.clone(), 7)]);
    assert_eq!(of("lbctl_service_packets_total"), [(web.clone(), 70)]);
    assert_eq!(of("lbctl_service_bytes_total"), [(web, 7000)]);
    assert_eq!(of("lbctl_real_connections_total"), of_both(21, 22));
    assert_eq!(of("lbctl_real_packets_total"), of_both(210, 220));
    assert_eq!(of("lbctl_real_bytes_total"), of_both(21000, 22000));
    assert_eq!(of("lbctl_real_up"), of_both(1, 0));
    assert_eq!(of("lbctl_real_weight"), of_both(2, 2));
    let result = |result| labels([("service", "web"), ("real", "192.0.2.21"), ("result", result)]);
    let checks = [(result("success"), 5), (result("failure"), 1)];
    assert_eq!(of("lbctl_health_checks_total"), checks, "the other is not checked");
    let forwarded = labels([("verdict", "tx"), ("reason", "forwarded")]);
    assert_eq!(of("lbctl_packets_total"), [(forwarded, 9)]);
    assert_eq!(of("lbctl_connections_entries"), [(labels([]), 3)]);
    assert_eq!(of("lbctl_config_stale"), [(labels([]), 1)]);
    assert_eq!(of("lbctl_events_total"), [(labels([("kind", "real_up")]), 4)]);
    assert_eq!(of("lbctl_notify_dropped_total"), [(labels([("medium", "mail")]), 2)]);
    let version = labels([("version", env!("CARGO_PKG_VERSION"))]);
    assert_eq!(of("lbctl_build_info"), [(version, 1)]);
    assert_eq!(read.len(), 15, "and no other: {read:?}");
}

#[test]
fn virtual_routers_are_counted_by_their_names() {
    let now = Instant::now();
    let mut master = samples::master("VI \"1\"", now);
    master.strangers.note(now, Conflict { mac: [2, 0, 0, 0, 0, 6], ..samples::conflict() });
    let vrrp = vec![master, samples::backup("VI_2", now)];
    let read = read(&Sample { vrrp, ..Sample::default() }.text());
    let of = |name: &str| read.get(name).unwrap_or_else(|| panic!("{name}: {read:?}")).clone();
    let one = |key: &'static str, value: &str| labels([("instance", "VI \"1\""), (key, value)]);
    let two = |key: &'static str, value: &str| labels([("instance", "VI_2"), (key, value)]);
    let vrid = || (one("vrid", "51"), two("vrid", "51"));
    assert_eq!(of("lbctl_vrrp_state"), [(vrid().0, 2), (vrid().1, 1)]);
    assert_eq!(of("lbctl_vrrp_priority"), [(vrid().0, 150), (vrid().1, 150)]);
    assert_eq!(of("lbctl_vrrp_handed_over"), [(vrid().0, 0), (vrid().1, 0)]);
    let adverts = of("lbctl_vrrp_adverts_total");
    assert_eq!(adverts[..2], [(one("direction", "sent"), 40), (one("direction", "received"), 7)]);
    assert_eq!(of("lbctl_vrrp_transitions_total")[2], (one("to", "master"), 1));
    assert_eq!(of("lbctl_vrrp_transitions_total").len(), 8, "all states of both");
    let rejected = [(one("reason", "checksum"), 2), (one("reason", "ttl"), 1)];
    assert_eq!(of("lbctl_vrrp_rejected_total"), rejected);
    let covered = [(one("covered", "message"), 1), (one("covered", "pseudo-header"), 6)];
    assert_eq!(of("lbctl_vrrp_checksum_total"), covered);
    assert_eq!(of("lbctl_vrrp_differing_total")[0], (labels([("instance", "VI \"1\"")]), 1));
    assert_eq!(of("lbctl_vrrp_address_conflicts_total"), [(one("address", "192.0.2.10"), 4)]);
}

#[test]
fn a_name_that_is_not_one_services_alone_gives_way_to_what_is() {
    let services = vec![
        service(Protocol::Tcp, 53, Some("dns")),
        service(Protocol::Udp, 53, Some("dns")),
        service(Protocol::Tcp, 80, Some("a \"b\"\\")),
        service(Protocol::Tcp, 443, None),
    ];
    let read = read(&Sample { services, ..Sample::default() }.text());
    let found: Vec<&str> = read["lbctl_service_packets_total"]
        .iter()
        .map(|(labels, _)| labels["service"].as_str())
        .collect();
    assert_eq!(
        found,
        ["tcp 192.0.2.10:53", "udp 192.0.2.10:53", "a \"b\"\\", "tcp 192.0.2.10:443"]
    );
}

#[test]
fn directors_that_tell_each_other_of_connections_are_measured() {
    let address = "192.0.2.3:9751".parse().unwrap();
    let peer = |heard| SyncPeer { address, heard };
    let sync = Sync {
        listen: "192.0.2.2:9751".parse().unwrap(),
        problem: None,
        peers: vec![peer(Some(3)), peer(None)],
        sent: 40,
        received: 30,
        taken: 20,
        refused: [("older".to_owned(), 10)].into(),
        rejected: [("replayed".to_owned(), 5)].into(),
    };
    let read = read(&Sample { sync: Some(sync), ..Sample::default() }.text());
    let entries = [("sent", 40), ("received", 30), ("taken", 20)];
    let entries = entries.map(|(direction, count)| (labels([("direction", direction)]), count));
    assert_eq!(read["lbctl_sync_entries_total"], entries);
    assert_eq!(read["lbctl_sync_refused_total"], [(labels([("reason", "older")]), 10)]);
    assert_eq!(read["lbctl_sync_rejected_total"], [(labels([("reason", "replayed")]), 5)]);
    let silent = [(labels([("peer", "192.0.2.3:9751")]), 3)];
    assert_eq!(read["lbctl_sync_peer_silent_seconds"], silent);
}

#[test]
fn nothing_defined_is_read_as_well() {
    let read = read(&Sample::default().text());
    assert_eq!(read["lbctl_config_stale"], [(labels([]), 0)]);
    assert!(!read.contains_key("lbctl_real_up"));
}

#[test]
fn a_thousand_services_of_ten_reals_are_all_there() {
    let services = (0..1000).map(|port| ServiceSample {
        reals: (0..10).map(|last| real(last, Some((1, 0)))).collect(),
        ..service(Protocol::Tcp, port + 1, None)
    });
    let read = read(&Sample { services: services.collect(), ..Sample::default() }.text());
    assert_eq!(read["lbctl_service_bytes_total"].len(), 1000);
    assert_eq!(read["lbctl_real_up"].len(), 10_000);
    assert_eq!(read["lbctl_health_checks_total"].len(), 20_000);
}
