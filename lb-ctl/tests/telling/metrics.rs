//! Metrics, scraped by curl.

use std::collections::BTreeMap;
use std::net::{IpAddr, TcpListener};

use bench::lab::VIP4;
use serde_json::{Value, json};

use super::control::{Bed, ctl, daemon, json as ctl_json, lab};

const ADDRESS: &str = "127.0.0.1:9750";

/// Values by name and labels, as they are written.
fn scrape(bed: &Bed) -> BTreeMap<String, u64> {
    let url = format!("http://{ADDRESS}/metrics");
    let text = bed.lab.director.namespace.run(&["curl", "-fsS", &url]).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn site() -> Bed {
    let lab = lab(2);
    let reals = json!([{ "address": "192.0.2.21", "weight": 3 }, { "address": "192.0.2.28" }]);
    let service = json!({
        "name": "dns", "protocol": "udp", "vip": VIP4, "port": 53, "tracking": "full",
        "reals": reals,
    });
    let definition = json!({ "services": [service] }).to_string();
    let builder = daemon(&lab).argument("--metrics").argument(ADDRESS);
    let director = builder.start_with(&definition).unwrap();
    Bed { director, lab }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn what_is_scraped_is_what_is_listed() {
    let bed = site();
    bed.wait("the real to be up", || {
        ctl_json(&bed.director, "list")["services"][0]["reals"][0]["state"] == "up"
    });
    for round in 1..=3 {
        bed.knock(IpAddr::from(VIP4), 53, 5 * round);
        let scraped = scrape(&bed);
        let list = ctl_json(&bed.director, "list");
        let (service, real) = (&list["services"][0], &list["services"][0]["reals"][0]);
        for what in ["connections", "packets", "bytes"] {
            let name = format!(
                "lbctl_service_{what}_total{{service=\"dns\",vip=\"{VIP4}\",port=\"53\",\
                 protocol=\"udp\"}}"
            );
            let value = scraped.get(&name).unwrap_or_else(|| panic!("{name}: {scraped:#?}"));
            assert_eq!(*value, number(&service["stats"][what]), "{name}");
            let name = format!("lbctl_real_{what}_total{{service=\"dns\",real=\"192.0.2.21\"}}");
            assert_eq!(scraped[&name], number(&real["stats"][what]), "{name}");
        }
        let connections = ctl_json(&bed.director, "list --connections");
        let entries = connections["connections"].as_array().unwrap().len();
        assert_eq!(scraped["lbctl_connections_entries"], entries as u64);
        let status = ctl_json(&bed.director, "status");
        for count in status["packets"].as_array().unwrap() {
            let (verdict, reason) = (&count["verdict"], &count["reason"]);
            // What else is heard on the network is counted meanwhile.
            if reason == "forwarded" {
                let name = format!("lbctl_packets_total{{verdict={verdict},reason={reason}}}");
                assert_eq!(scraped[&name], number(&count["packets"]), "{name}");
            }
        }
    }
    let scraped = scrape(&bed);
    let of = |name: &str, real: &str| {
        scraped[&format!("{name}{{service=\"dns\",real=\"192.0.2.{real}\"}}")]
    };
    assert_eq!((of("lbctl_real_up", "21"), of("lbctl_real_weight", "21")), (1, 3));
    assert_eq!((of("lbctl_real_up", "28"), of("lbctl_real_weight", "28")), (0, 1));
    assert_eq!(scraped["lbctl_config_stale"], 0);
}

#[test]
fn what_happens_is_counted_and_a_broken_file_shows() {
    let bed = site();
    let applied = "lbctl_events_total{kind=\"config_applied\"}";
    assert_eq!(scrape(&bed)[applied], 0);
    ctl(&bed.director, "drain -u 192.0.2.10:53 -r 192.0.2.21").ok();
    bed.director.write_definition("{").unwrap();
    ctl(&bed.director, "reload").refused(4, &["line 1"]);
    let scraped = scrape(&bed);
    assert_eq!(scraped[applied], 1);
    assert_eq!(scraped["lbctl_events_total{kind=\"config_refused\"}"], 1);
    assert_eq!(scraped["lbctl_config_stale"], 1);
    assert_eq!(scraped["lbctl_real_weight{service=\"dns\",real=\"192.0.2.21\"}"], 0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(scraped[&format!("lbctl_build_info{{version=\"{version}\"}}")], 1);
}

#[test]
fn a_thousand_services_of_ten_reals_are_all_scraped() {
    let lab = lab(1);
    let reals: Vec<Value> =
        (21..=30).map(|last| json!({ "address": format!("192.0.2.{last}") })).collect();
    let services: Vec<Value> = (1..=1000)
        .map(|port| json!({ "protocol": "udp", "vip": VIP4, "port": port, "reals": reals }))
        .collect();
    let definition = json!({ "services": services }).to_string();
    let builder = daemon(&lab).argument("--metrics").argument(ADDRESS);
    let builder = builder.argument("--ring-slots").argument("1021");
    let bed = Bed { director: builder.start_with(&definition).unwrap(), lab };
    let scraped = scrape(&bed);
    let count = |name: &str| scraped.keys().filter(|key| key.starts_with(name)).count();
    assert_eq!(count("lbctl_service_packets_total{"), 1000);
    assert_eq!(count("lbctl_real_weight{"), 10_000);
}

#[test]
fn a_port_in_use_is_refused_before_anything_is_touched() {
    let lab = lab(1);
    let taken = lab.director.namespace.enter(|| TcpListener::bind(ADDRESS)).unwrap().unwrap();
    let error = daemon(&lab).argument("--metrics").argument(ADDRESS).start().unwrap_err();
    let words = error.to_string();
    assert!(words.contains("cannot offer metrics on 127.0.0.1:9750"), "{words}");
    assert!(words.contains("in use"), "{words}");
    drop(taken);
}
