//! What a probe of the real's own address cannot see.

use std::net::IpAddr;

use bench::lab::{Echo, Lab, VIPS};
use lb_ctl::api::wire::RealState;
use serde_json::json;

use crate::common::traffic::{ECHO, HTTP, Site};
use crate::support::{checked, only, wait_for};

/// Checked at the real's own address.
const OWN: u16 = 81;

/// Services whose reals are checked through the VIP and, on [`OWN`], at their own address.
fn both_ways(lab: &Lab, port: u16, kind: &str) -> Vec<serde_json::Value> {
    let mut services = checked(lab, port, &json!({"type": kind}), &json!({}));
    services.extend(checked(lab, OWN, &json!({"type": kind, "via": "rip"}), &json!({})));
    services
}

fn set_vip(site: &Site, real: usize, vip: IpAddr, verb: &str) {
    let length = if vip.is_ipv4() { "32" } else { "128" };
    let dad = if verb == "add" && vip.is_ipv6() { "nodad" } else { "" };
    let line = format!("address {verb} {vip}/{length} dev lo {dad}\n");
    site.lab.reals[real].namespace.ip(&line).unwrap();
}

#[test]
fn a_real_without_the_vip_is_down_and_says_why() {
    let lab = Lab::builder().build().unwrap();
    let services = both_ways(&lab, HTTP, "http");
    let web = [HTTP, OWN].map(|port| lab.start_web(port).unwrap());
    let site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        set_vip(&site, 1, vip, "delete");
        wait_for(&site, (vip, HTTP), 1, RealState::Down, "missing on its lo");
        wait_for(&site, (vip, HTTP), 1, RealState::Down, "timed out");
        wait_for(&site, (vip, OWN), 1, RealState::Up, "");
        for other in [0, 2] {
            wait_for(&site, (vip, HTTP), other, RealState::Up, "");
        }
        let answers = site.get((vip, HTTP).into(), 40);
        assert!(answers.keys().eq(["real 1", "real 3"]), "{answers:?}");
        set_vip(&site, 1, vip, "add");
        wait_for(&site, (vip, HTTP), 1, RealState::Up, "");
    }
    drop((web, site));
}

#[test]
fn a_server_that_listens_on_its_own_address_only_is_down() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let services = both_ways(&lab, ECHO, "tcp");
    let mut echo = Vec::new();
    for (real, vip) in lab.reals.iter().flat_map(|real| VIPS.map(|vip| (real, vip))) {
        let own = real.address_like(vip);
        let at = if real.name == "real1" { vip } else { own };
        echo.push(Echo::tcp(real, (at, ECHO).into()).unwrap());
        echo.push(Echo::tcp(real, (own, OWN).into()).unwrap());
    }
    let site = Site::start(lab, &services, &[]);
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 0, RealState::Up, "");
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "does the server listen on");
        for real in [0, 1] {
            wait_for(&site, (vip, OWN), real, RealState::Up, "");
        }
        only(&site, (vip, ECHO), &["real 1"], "while the other listens elsewhere");
    }
    drop((echo, site));
}

#[test]
fn a_real_that_is_the_director_is_checked_too() {
    let lab = Lab::builder().reals(1).build().unwrap();
    let mut services = checked(&lab, ECHO, &json!({"type": "tcp"}), &json!({}));
    for (service, own) in services.iter_mut().zip(lab.director.addresses()) {
        service["reals"].as_array_mut().unwrap().push(json!({"address": own}));
    }
    let own = lab.director.addresses();
    let site = Site::start(lab, &services, &[]);
    for (vip, own) in VIPS.into_iter().zip(own) {
        let state = || site.real(vip, ECHO, own).state;
        wait(&site, "nothing to listen", || state() == RealState::Down);
        let echo = Echo::tcp(&site.lab.director, (vip, ECHO).into()).unwrap();
        wait(&site, "its server to be seen", || state() == RealState::Up);
        drop(echo);
    }
}

#[track_caller]
fn wait(site: &Site, what: &str, mut ready: impl FnMut() -> bool) {
    bench::lab::wait_until(what, crate::common::traffic::SOON, || Ok(ready()))
        .unwrap_or_else(|error| panic!("{error}\n{:?}\n{}", site.list(), site.director.log()));
}
