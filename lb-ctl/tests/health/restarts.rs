//! What a new daemon makes of what the one before knew.

use std::net::IpAddr;

use bench::lab::{Lab, VIPS};
use lb_ctl::api::wire::RealState;
use serde_json::json;

use crate::common::flows::assert_all_stay;
use crate::common::traffic::{ECHO, Site, start_echo};
use crate::support::{checked, only, wait_for};

/// Lets the reals drop what they would answer the director, and takes it back.
fn silence(site: &Site, verb: &str) {
    for address in site.lab.director.addresses() {
        let length = if address.is_ipv4() { 32 } else { 128 };
        let line = format!("route {verb} blackhole {address}/{length}\n");
        site.lab.reals.iter().for_each(|real| real.namespace.ip(&line).unwrap());
    }
}

fn conditions(site: &Site, vip: IpAddr) -> Vec<RealState> {
    site.service(vip, ECHO).reals.iter().map(|real| real.state).collect()
}

#[test]
fn a_killed_daemon_s_successor_keeps_what_was_known_until_it_knows_better() {
    let lab = Lab::builder().build().unwrap();
    let check = json!({"type": "tcp", "timeout": "3s", "interval": "3s", "fall": 3});
    let services = checked(&lab, ECHO, &check, &json!({}));
    let mut echo = start_echo(&lab, "tcp", ECHO);
    drop(echo.drain(2..4));
    let mut site = Site::start(lab, &services, &[]);
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 0, RealState::Up, "");
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        wait_for(&site, (vip, ECHO), 2, RealState::Up, "");
    }
    let mut flows: Vec<_> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 40)).collect();
    site.director.kill().unwrap();
    assert_all_stay(&mut flows, "without a daemon");
    silence(&site, "add");
    site.director.start().unwrap();
    // No probe is answered for three seconds yet, and what the first one finds decides nothing.
    for vip in VIPS {
        let known = [RealState::Up, RealState::Down, RealState::Up];
        assert_eq!(conditions(&site, vip), known, "{:?}", site.list());
        only(&site, (vip, ECHO), &["real 1", "real 3"], "after the restart");
    }
    assert_all_stay(&mut flows, "after the restart");
    silence(&site, "delete");
    let back = VIPS.map(|vip| bench::lab::Echo::tcp(&site.lab.reals[1], (vip, ECHO).into()));
    let back = back.map(Result::unwrap);
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Up, "");
    }
    assert_all_stay(&mut flows, "at last");
    drop(back);
}

#[test]
fn a_check_that_is_new_or_changed_takes_nobody_out_before_it_knows() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let slow = json!({"type": "tcp", "timeout": "3s", "interval": "1h", "retry_delay": "1s"});
    let mut services = checked(&lab, ECHO, &slow, &json!({}));
    let checks: Vec<_> = services.iter_mut().map(|service| service["check"].take()).collect();
    for service in &mut services {
        service.as_object_mut().unwrap().remove("check");
    }
    let echo = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    let mut flows: Vec<_> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 20)).collect();
    silence(&site, "add");
    for (service, check) in services.iter_mut().zip(checks) {
        service["check"] = check;
    }
    site.director.write_definition(&json!({ "services": services }).to_string()).unwrap();
    site.ctl(&["reload"]);
    for vip in VIPS {
        assert_eq!(conditions(&site, vip), [RealState::Up; 2]);
        only(&site, (vip, ECHO), &["real 1", "real 2"], "with a new check");
    }
    assert_all_stay(&mut flows, "with a new check");
    drop(echo);
}
