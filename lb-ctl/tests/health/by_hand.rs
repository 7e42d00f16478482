//! What an operator does to a real that is checked.

use bench::lab::{Lab, VIPS};
use lb_ctl::api::wire::RealState;
use serde_json::json;

use crate::common::flows::assert_all_stay;
use crate::common::traffic::{ECHO, Site, start_echo};
use crate::support::{checked, name, only, wait_for};

#[test]
fn a_disabled_real_is_out_until_it_is_enabled() {
    let lab = Lab::builder().build().unwrap();
    let services = checked(&lab, ECHO, &json!({"type": "tcp"}), &json!({}));
    let echo = start_echo(&lab, "tcp", ECHO);
    let mut site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        let real = site.lab.reals[1].address_like(vip).to_string();
        let mut flows = site.open((vip, ECHO).into(), 60);
        site.ctl(&["disable-real", "-t", &name(vip, ECHO), "-r", &real]);
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "disabled by hand");
        only(&site, (vip, ECHO), &["real 1", "real 3"], "with a disabled real");
        flows.retain(|flow| flow.real != "real 2");
        assert_all_stay(&mut flows, "with a disabled real");
        // It stays so for a new daemon.
        site.director.stop().unwrap();
        site.director.start().unwrap();
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "disabled by hand");
        site.ctl(&["enable-real", "-t", &name(vip, ECHO), "-r", &real]);
        wait_for(&site, (vip, ECHO), 1, RealState::Up, "");
        only(&site, (vip, ECHO), &["real 1", "real 2", "real 3"], "with all enabled");
        assert_all_stay(&mut flows, "with all enabled");
    }
    drop(echo);
}

#[test]
fn a_check_is_made_when_it_is_asked_for() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let rare = json!({"type": "tcp", "interval": "1h", "timeout": "1s", "fall": 1});
    let services = checked(&lab, ECHO, &rare, &json!({}));
    let mut echo = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    drop(echo.drain(2..));
    for vip in VIPS {
        let real = site.lab.reals[1].address_like(vip).to_string();
        let said = site.ctl(&["check-now", "-t", &name(vip, ECHO), "-r", &real]);
        assert!(said.contains(&real) && said.contains("connection refused"), "{said}");
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        let said = site.ctl(&["check-now", "-t", &name(vip, ECHO)]);
        assert_eq!(said.lines().count(), 2, "one line for each real: {said}");
    }
    drop(echo);
}
