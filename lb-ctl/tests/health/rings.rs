//! What becomes of connections, old and new, when a check changes its mind.

use bench::lab::{Echo, Host, Lab, VIPS, wait_until};
use lb_ctl::api::wire::RealState;
use serde_json::json;

use crate::common::flows::{assert_all_stay, shares};
use crate::common::traffic::{ECHO, SOON, Site, start_echo};
use crate::support::{answers, checked, name, only, wait_for};

/// Where a real says whether it wants to be up, while its service goes on.
const SAYS: u16 = 9000;

/// Makes a real pass its checks, for both VIPs.
fn well(real: &Host) -> [Echo; 2] {
    VIPS.map(|vip| Echo::tcp(real, (vip, SAYS).into()).unwrap())
}

#[test]
fn a_failed_real_gets_nothing_new_and_the_connections_of_others_stay() {
    let lab = Lab::builder().build().unwrap();
    let services = checked(&lab, ECHO, &json!({"type": "tcp"}), &json!({}));
    let mut echo = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    let mut flows: Vec<_> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 60)).collect();
    // The second real's servers, one for each VIP, are the third and the fourth.
    drop(echo.drain(2..4));
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        only(&site, (vip, ECHO), &["real 1", "real 3"], "with a failed real");
    }
    flows.retain(|flow| flow.real != "real 2");
    assert_all_stay(&mut flows, "with a failed real");
    let back = VIPS.map(|vip| Echo::tcp(&site.lab.reals[1], (vip, ECHO).into()).unwrap());
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Up, "");
        only(&site, (vip, ECHO), &["real 1", "real 2", "real 3"], "with all back");
    }
    assert_all_stay(&mut flows, "with all back");
    drop((echo, back));
}

#[test]
fn a_real_whose_failure_inhibits_keeps_its_connections() {
    let lab = Lab::builder().build().unwrap();
    let check = json!({"type": "tcp", "port": SAYS});
    let services = checked(&lab, ECHO, &check, &json!({"inhibit_on_failure": true}));
    let echo = start_echo(&lab, "tcp", ECHO);
    let mut says: Vec<_> = lab.reals.iter().map(well).collect();
    let site = Site::ready(lab, &services, &[]);
    let mut flows: Vec<_> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 60)).collect();
    assert!(shares(&flows).contains_key("real 2"));
    drop(says.remove(1));
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        only(&site, (vip, ECHO), &["real 1", "real 3"], "with an inhibited real");
    }
    assert_all_stay(&mut flows, "with an inhibited real");
    drop(echo);
}

#[test]
fn below_the_quorum_the_sorry_server_takes_over() {
    let lab = Lab::builder().build().unwrap();
    let check = json!({"type": "tcp", "port": SAYS});
    let mut services = checked(&lab, ECHO, &check, &json!({"quorum": 2, "tracking": "full"}));
    for service in &mut services {
        let sorry = service["reals"].as_array_mut().unwrap().pop().unwrap();
        service["sorry_server"] = sorry["address"].clone();
    }
    let echo = start_echo(&lab, "tcp", ECHO);
    let mut says: Vec<_> = lab.reals.iter().map(well).collect();
    let site = Site::ready(lab, &services, &[]);
    let mut flows = Vec::new();
    for vip in VIPS {
        only(&site, (vip, ECHO), &["real 1", "real 2"], "with its quorum");
        flows.extend(site.open((vip, ECHO).into(), 30));
    }
    drop(says.remove(1));
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        only(&site, (vip, ECHO), &["real 3"], "without its quorum");
    }
    flows.retain(|flow| flow.real == "real 1");
    assert_all_stay(&mut flows, "of the real that is up, without the quorum");
    says.push(well(&site.lab.reals[1]));
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Up, "");
        only(&site, (vip, ECHO), &["real 1", "real 2"], "with its quorum again");
    }
    drop(echo);
}

#[test]
fn one_that_comes_up_slowly_has_a_small_share_at_first() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let check = json!({"type": "tcp", "port": SAYS});
    let services = checked(&lab, ECHO, &check, &json!({}));
    let echo = start_echo(&lab, "tcp", ECHO);
    let says = well(&lab.reals[0]);
    let site = Site::start(lab, &services, &[]);
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 0, RealState::Up, "");
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
        site.ctl(&["edit-service", "-t", &name(vip, ECHO), "--slow-start", "1h"]);
    }
    let more = well(&site.lab.reals[1]);
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Up, "");
        let shares = answers(&site, (vip, ECHO), 400);
        // A twentieth of the first one's share: 19 of 400, give or take what chance does.
        assert!((1..=60).contains(&shares["real 2"]), "{shares:?}");
        site.ctl(&["edit-service", "-t", &name(vip, ECHO), "--slow-start", "0s"]);
        let shares = answers(&site, (vip, ECHO), 400);
        assert!((120..=280).contains(&shares["real 2"]), "at once: {shares:?}");
    }
    drop((echo, says, more));
}

#[test]
fn reals_that_fail_together_are_all_out() {
    let lab = Lab::builder().reals(4).build().unwrap();
    let services = checked(&lab, ECHO, &json!({"type": "tcp"}), &json!({}));
    let mut echo = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    echo.truncate(2);
    for vip in VIPS {
        for real in 1..4 {
            wait_for(&site, (vip, ECHO), real, RealState::Down, "refused");
        }
        let all = answers(&site, (vip, ECHO), 30);
        assert!(all.keys().eq(["real 1"]), "{all:?}");
    }
    echo.clear();
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 0, RealState::Down, "refused");
        let dropped = || site.service(vip, ECHO).refused.get("no-real").copied().unwrap_or(0);
        let refused = site.on_client(|| {
            let time = std::time::Duration::from_millis(300);
            std::net::TcpStream::connect_timeout(&(vip, ECHO).into(), time).is_err()
        });
        assert!(refused, "nobody is there");
        wait_until("the drop to be counted", SOON, || Ok(dropped() > 0)).unwrap();
    }
}
