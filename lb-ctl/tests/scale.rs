//! Ten thousand services of ten reals each: loaded from a file, listed, changed. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::IpAddr;
use std::path::PathBuf;

use bench::lab::{Lab, VIPS, wait_until};
use common::flows::shares;
use common::traffic::{SOON, Site, all_reals, definition, service, start_echo};
use lb_ctl::api::wire::{self, RealState};
use serde_json::Value;

const REALS: u8 = 10;
/// Services of each VIP: one for each port from 1 on.
const PORTS: u16 = 5000;
/// Ports at which the reals serve.
const SERVED: [u16; 3] = [1, 2500, PORTS];
/// Room for all of it, and short rings.
const ROOM: [&str; 6] =
    ["--max-services", "10000", "--max-reals", "100001", "--ring-slots", "1021"];

fn services(lab: &Lab) -> Vec<Value> {
    let reals = VIPS.map(|vip| (vip, all_reals(lab, vip)));
    let of = |port| reals.each_ref().map(|(vip, reals)| service("tcp", *vip, port, reals));
    (1..=PORTS).flat_map(of).collect()
}

fn apply(site: &Site, services: &[Value]) -> Vec<String> {
    let file: PathBuf = site.lab.files().join("all.json");
    std::fs::write(&file, definition(services)).unwrap();
    let changes: wire::Changes =
        site.director.ctl_json(&["apply", file.to_str().unwrap()]).unwrap();
    changes.changes
}

/// Every service is there with every real but those taken out, in order, and all are up.
fn assert_listed(site: &Site, expected: &[Value]) {
    let list = site.list();
    assert_eq!(list.services.len(), expected.len());
    for (listed, expected) in list.services.iter().zip(expected) {
        let vip: IpAddr = expected["vip"].as_str().unwrap().parse().unwrap();
        let port = u16::try_from(expected["port"].as_u64().unwrap()).unwrap();
        assert_eq!((listed.vip, listed.port), (vip, port.into()));
        let reals = listed.reals.iter().map(|real| real.address.to_string());
        let wanted = expected["reals"].as_array().unwrap().iter();
        assert!(reals.eq(wanted.map(|real| real["address"].as_str().unwrap())), "{listed:?}");
        assert!(listed.reals.iter().all(|real| real.state == RealState::Up), "{listed:?}");
    }
}

fn answering(site: &Site, vip: IpAddr, port: u16) -> usize {
    // With this many, one of ten reals is left out once in ten million times.
    shares(&site.open((vip, port).into(), 200)).len()
}

#[test]
fn ten_thousand_services_of_ten_reals_are_loaded_listed_and_changed() {
    let lab = Lab::builder().reals(REALS).build().unwrap();
    let _echo: Vec<_> = SERVED.map(|port| start_echo(&lab, "tcp", port)).into();
    let mut services = services(&lab);
    let site = Site::start(lab, &[], &ROOM);
    let lines = apply(&site, &services).len();
    assert_eq!(lines, 11 * services.len(), "a line for each service and each real");
    // A list of all of it takes too long to be asked for again and again.
    wait_until("every real to be up", SOON, || {
        let status = site.status();
        Ok(status.reals_up == 10 * services.len() as u64)
    })
    .unwrap();
    assert_listed(&site, &services);
    let places = || SERVED.iter().flat_map(|port| VIPS.map(|vip| (vip, *port)));
    for (vip, port) in places() {
        assert_eq!(answering(&site, vip, port), 10, "{vip} port {port}");
    }
    // One service of each family loses nine of its reals.
    for vip in VIPS {
        let changed = services
            .iter_mut()
            .find(|service| service["port"] == 2500 && service["vip"] == vip.to_string());
        changed.unwrap()["reals"].as_array_mut().unwrap().truncate(1);
    }
    let changes = apply(&site, &services);
    assert_eq!(changes.len(), 18, "{changes:?}");
    for vip in VIPS {
        assert_eq!(site.only(vip, 2500).reals.len(), 1);
        assert_eq!(site.only(vip, 2501).reals.len(), 10);
    }
    for (vip, port) in places() {
        let reals = if port == 2500 { 1 } else { 10 };
        assert_eq!(answering(&site, vip, port), reals, "{vip} port {port}");
    }
    // The upper half of the ports goes at once.
    services.retain(|service| service["port"].as_u64().unwrap() <= 2500);
    let lines = apply(&site, &services);
    assert_eq!(lines.len(), 11 * usize::from(PORTS), "{:?}", lines.first());
    assert_listed(&site, &services);
    for vip in VIPS {
        assert_eq!(answering(&site, vip, 1), 10, "{vip}");
    }
}
