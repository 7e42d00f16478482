//! Connections live through changes of their service, and new ones go where they should. Needs
//! root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

#[path = "survival/drains.rs"]
mod drains;

use std::net::{IpAddr, SocketAddr};

use bench::lab::{Lab, VIPS, wait_until};
use common::flows::{Answers, Flow, assert_all_stay, assert_fair, shares};
use common::traffic::{
    ECHO, HTTP, SOON, Site, all_reals, definition, service, start_echo, tracked,
};
use lb_ctl::api::wire::RealState;

const FLOWS: usize = 90;

/// How a service and a real are named on the command line.
struct Names {
    service: String,
    real: String,
}

impl Names {
    fn new(site: &Site, vip: IpAddr, real: usize) -> Self {
        let real = site.lab.reals[real].address_like(vip).to_string();
        Self { service: SocketAddr::from((vip, ECHO)).to_string(), real }
    }

    /// Types a verb about the real.
    fn run(&self, site: &Site, verb: &str, more: &[&str]) {
        site.ctl(&[&[verb, "-t", &self.service, "-r", &self.real], more].concat());
    }
}

/// Who answers new connections now.
fn newcomers(site: &Site, vip: IpAddr, count: usize) -> Answers {
    shares(&site.open((vip, ECHO).into(), count))
}

fn only(answers: &Answers, labels: &[&str]) {
    assert!(answers.keys().eq(labels), "only {labels:?} should answer: {answers:?}");
}

#[test]
fn connections_survive_every_change_but_the_end_of_their_own_real() {
    let lab = Lab::builder().reals(4).build().unwrap();
    let services: Vec<_> =
        VIPS.iter().map(|&vip| service("tcp", vip, ECHO, &all_reals(&lab, vip)[..3])).collect();
    let site = Site::ready(lab, &tracked(services), &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let mut flows = site.open((vip, ECHO).into(), FLOWS);
        assert_fair(&shares(&flows), 3);
        change_by_command(&site, vip, &mut flows);
        change_by_file(&site, vip, &mut flows);
        delete_their_real(&site, vip, flows);
    }
}

fn change_by_command(site: &Site, vip: IpAddr, flows: &mut [Flow]) {
    let [first, second, _, fourth] = [0, 1, 2, 3].map(|real| Names::new(site, vip, real));
    fourth.run(site, "add-real", &["-w", "1000"]);
    site.wait_until_up();
    assert_all_stay(&mut *flows, "with a real added");
    // All but a few slots of the ring are another real's now: only the memory of the connections
    // can have brought them to their own.
    let new = newcomers(site, vip, 30);
    assert!(new["real 4"] >= 25, "with weight 1000 of 1003: {new:?}");

    second.run(site, "edit-real", &["-w", "50000"]);
    assert_all_stay(&mut *flows, "with another weight");
    let new = newcomers(site, vip, 30);
    assert!(new["real 2"] >= 25, "with weight 50000 of 51002: {new:?}");

    second.run(site, "edit-real", &["-w", "0"]);
    first.run(site, "drain", &[]);
    assert_all_stay(&mut *flows, "with weight 0 and a drain");
    let new = newcomers(site, vip, 30);
    assert!(!new.contains_key("real 1") && !new.contains_key("real 2"), "{new:?}");

    fourth.run(site, "delete-real", &[]);
    assert_all_stay(&mut *flows, "with another real deleted");
    only(&newcomers(site, vip, 30), &["real 3"]);
}

fn change_by_file(site: &Site, vip: IpAddr, flows: &mut [Flow]) {
    let mut reals = all_reals(&site.lab, vip);
    reals.reverse();
    let udp = service("udp", vip, ECHO, &reals);
    let turned = tracked(vec![udp, service("tcp", vip, ECHO, &reals)]);
    let other = VIPS.into_iter().find(|other| *other != vip).unwrap();
    let kept = tracked(vec![service("tcp", other, ECHO, &all_reals(&site.lab, other)[..3])]);
    let with_kept = |services: &[_]| definition(&[services, &kept].concat());

    let file = site.lab.files().join("turned.json");
    std::fs::write(&file, with_kept(&turned)).unwrap();
    site.ctl(&["apply", file.to_str().unwrap()]);
    site.wait_until_up();
    assert_all_stay(&mut *flows, "with a file applied");
    assert_fair(&newcomers(site, vip, 200), 4);
    assert_eq!(site.list().services.len(), 3, "a service more");

    let fourth = service("tcp", vip, ECHO, &with_weights(&reals, [1000, 1, 1, 1]));
    let fourth = tracked(vec![fourth]);
    site.director.write_definition(&with_kept(&fourth)).unwrap();
    site.ctl(&["reload"]);
    assert_all_stay(&mut *flows, "with the file edited and reloaded");
    let new = newcomers(site, vip, 30);
    assert!(new["real 4"] >= 25, "with weight 1000 of 1003: {new:?}");
    assert_eq!(site.list().services.len(), 2, "the extra service is gone");
}

/// The same where only those connections are recorded whose slots of the ring a change moves.
#[test]
fn connections_of_which_only_the_moved_are_tracked_survive_the_same() {
    let lab = Lab::builder().reals(4).build().unwrap();
    let services: Vec<_> =
        VIPS.iter().map(|&vip| service("tcp", vip, ECHO, &all_reals(&lab, vip)[..3])).collect();
    let mut site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let mut flows = site.open((vip, ECHO).into(), FLOWS);
        assert_fair(&shares(&flows), 3);
        change_while_the_moved_are_tracked(&mut site, vip, &mut flows);
        change_the_tracking(&site, vip, &mut flows);
        delete_their_real(&site, vip, flows);
    }
}

fn recorded(site: &Site, vip: IpAddr) -> usize {
    site.connections().iter().filter(|connection| connection.vip == vip).count()
}

fn change_while_the_moved_are_tracked(site: &mut Site, vip: IpAddr, flows: &mut Vec<Flow>) {
    let [first, second, _, fourth] = [0, 1, 2, 3].map(|real| Names::new(site, vip, real));
    assert_eq!(recorded(site, vip), 0, "nothing is recorded while nothing changes");
    fourth.run(site, "add-real", &["-w", "1000"]);
    site.wait_until_up();
    assert_all_stay(&mut *flows, "with a real added");
    let moved = recorded(site, vip);
    assert!((1..=FLOWS).contains(&moved), "{moved} recorded of {FLOWS}");

    flows.extend(site.open((vip, ECHO).into(), 10));
    second.run(site, "edit-real", &["-w", "50000"]);
    assert_all_stay(&mut *flows, "with another weight");
    first.run(site, "drain", &[]);
    assert_all_stay(&mut *flows, "with a real drained");
    let drained = site.real(vip, ECHO, first.real.parse().unwrap());
    assert!(drained.settling && drained.estimated, "{drained:?}");
    site.director.kill().unwrap();
    site.director.start().unwrap();
    assert_all_stay(&mut *flows, "with another daemon");
    first.run(site, "undrain", &[]);
    assert_all_stay(&mut *flows, "with the real back");
}

fn change_the_tracking(site: &Site, vip: IpAddr, flows: &mut [Flow]) {
    let [second, fourth] = [1, 3].map(|real| Names::new(site, vip, real));
    let track = |mode| site.ctl(&["edit-service", "-t", &second.service, "--tracking", mode]);
    track("full");
    assert_all_stay(&mut *flows, "with every connection tracked");
    assert_eq!(recorded(site, vip), flows.len());
    fourth.run(site, "edit-real", &["-w", "1"]);
    assert_all_stay(&mut *flows, "with another weight and every connection tracked");
    track("changes");
    second.run(site, "edit-real", &["-w", "1"]);
    assert_all_stay(&mut *flows, "with the moved alone tracked again");
}

fn with_weights(reals: &[(IpAddr, u16)], weights: [u16; 4]) -> Vec<(IpAddr, u16)> {
    reals.iter().zip(weights).map(|((address, _), weight)| (*address, weight)).collect()
}

fn delete_their_real(site: &Site, vip: IpAddr, flows: Vec<Flow>) {
    Names::new(site, vip, 2).run(site, "delete-real", &[]);
    let (theirs, mut others): (Vec<_>, Vec<_>) =
        flows.into_iter().partition(|flow| flow.real == "real 3");
    for mut flow in theirs {
        let answer = flow.ask();
        assert!(answer.is_err(), "{vip}: answered by {answer:?}, whose real was deleted");
    }
    assert_all_stay(&mut others, "with the real of others deleted");
    let real = site.lab.reals[2].address_like(vip);
    let left = site.connections().into_iter().filter(|connection| connection.real == real).count();
    assert_eq!(left, 0, "connections of a real that was deleted are listed");
}

/// The address of a real that is not there yet.
fn absent(vip: IpAddr) -> IpAddr {
    let address = if vip.is_ipv4() { "192.0.2.99" } else { "2001:db8::99" };
    address.parse().unwrap()
}

#[test]
fn a_real_that_nobody_is_gets_nothing_until_somebody_is() {
    let lab = Lab::builder().build().unwrap();
    let _web = lab.start_web(HTTP).unwrap();
    let services = VIPS.map(|vip| {
        let mut reals = all_reals(&lab, vip);
        reals[2].0 = absent(vip);
        service("tcp", vip, HTTP, &reals)
    });
    let site = Site::start(lab, &tracked(services.into()), &[]);
    for vip in VIPS {
        let real = || site.real(vip, HTTP, absent(vip));
        let protocol = if vip.is_ipv4() { "ARP" } else { "ND" };
        wait_until("nobody to answer", SOON, || {
            let reason = real().reason.unwrap_or_default();
            Ok(reason.contains(&format!("nobody answers {protocol} for {}", absent(vip))))
        })
        .unwrap_or_else(|error| panic!("{error}: {:?}", real()));
        assert_eq!((real().state, real().mac), (RealState::Unresolved, None));
        let table = site.ctl(&["list"]);
        let row = table.lines().find(|line| line.contains(&absent(vip).to_string()));
        assert!(row.is_some_and(|row| row.contains("unresolved: ")), "{table}");

        let answers = site.get((vip, HTTP).into(), 100);
        assert_fair(&answers, 2);
        assert_eq!(site.reason("no-real"), 0, "slots of the ring lead nowhere");
        assert_eq!(real().stats.packets, 0);

        let (length, nodad) = if vip.is_ipv4() { (24, "") } else { (64, "nodad") };
        let line = format!("address add {}/{length} dev eth0 {nodad}\n", absent(vip));
        site.lab.reals[2].namespace.ip(&line).unwrap();
        wait_until("the real to be up", SOON, || Ok(real().state == RealState::Up))
            .unwrap_or_else(|error| panic!("{error}: {:?}", real()));
        let mac = site.lab.reals[2].namespace.mac("eth0").unwrap();
        assert_eq!(real().mac, Some(mac));
        assert_fair(&site.get((vip, HTTP).into(), 150), 3);
    }
}
