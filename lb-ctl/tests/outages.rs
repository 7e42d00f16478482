//! What happens while no real can take connections, and to the connections of a real that is gone.
//! Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};

use bench::lab::{Echo, Lab, VIPS, wait_until};
use common::flows::{Flow, assert_all_stay, shares};
use common::traffic::{ECHO, SOON, Site, all_reals, given, service, start_echo};
use lb_ctl::api::wire::RealState;
use serde_json::{Value, json};

fn name(vip: IpAddr) -> String {
    SocketAddr::from((vip, ECHO)).to_string()
}

/// Types a verb about a real of the bed.
fn run(site: &Site, verb: &str, vip: IpAddr, real: usize) {
    let address = site.lab.reals[real].address_like(vip).to_string();
    site.ctl(&[verb, "-t", &name(vip), "-r", &address]);
}

/// Services on the first two reals.
fn on_two(lab: &Lab, keys: impl Fn(IpAddr) -> Value) -> Vec<Value> {
    let two = |vip| service("tcp", vip, ECHO, &all_reals(lab, vip)[..2]);
    VIPS.iter().map(|vip| given(two(*vip), keys(*vip))).collect()
}

/// Services on the first two reals, with the third one as sorry server.
fn sorry_services(lab: &Lab) -> Vec<Value> {
    on_two(lab, |vip| json!({"sorry_server": lab.reals[2].address_like(vip), "tracking": "full"}))
}

fn only(site: &Site, vip: IpAddr, labels: &[&str], when: &str) {
    let answers = shares(&site.open((vip, ECHO).into(), 40));
    assert!(answers.keys().eq(labels), "{when}, only {labels:?} should answer: {answers:?}");
}

#[test]
fn a_sorry_server_takes_over_while_all_reals_are_drained() {
    let lab = Lab::builder().build().unwrap();
    let services = sorry_services(&lab);
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let mut flows = site.open((vip, ECHO).into(), 40);
        assert!(shares(&flows).keys().eq(["real 1", "real 2"]), "the sorry server has answered");
        run(&site, "drain", vip, 0);
        only(&site, vip, &["real 2"], "with one real left");
        run(&site, "drain", vip, 1);
        only(&site, vip, &["real 3"], "with all reals drained");
        flows.extend(site.open((vip, ECHO).into(), 5));
        assert_all_stay(&mut flows, "with all reals drained");

        run(&site, "undrain", vip, 0);
        only(&site, vip, &["real 1"], "with one real back");
        run(&site, "undrain", vip, 1);
        only(&site, vip, &["real 1", "real 2"], "with both reals back");
        site.ctl(&["edit-service", "-t", &name(vip), "--sorry-server", "none"]);
        flows.retain(|flow| flow.real != "real 3");
        assert_all_stay(&mut flows, "without a sorry server");
    }
}

/// Gives the real its addresses, or takes them: then nobody answers for it.
fn set_addresses(site: &Site, real: usize, verb: &str) {
    let host = &site.lab.reals[real];
    let lines = format!(
        "address {verb} {}/24 dev eth0\naddress {verb} {}/64 dev eth0 {}\n",
        host.ipv4,
        host.ipv6,
        if verb == "add" { "nodad" } else { "" }
    );
    host.namespace.ip(&lines).unwrap();
}

fn wait_for(site: &Site, vip: IpAddr, real: usize, state: RealState) {
    let address = site.lab.reals[real].address_like(vip);
    wait_until(&format!("{address} to be {}", state.name()), SOON, || {
        Ok(site.real(vip, ECHO, address).state == state)
    })
    .unwrap_or_else(|error| panic!("{error}: {:?}", site.service(vip, ECHO)));
}

/// The kernel gives a neighbour up after three questions, which are a second apart otherwise.
fn be_impatient(lab: &Lab) {
    let keys = ["ipv4", "ipv6"].map(|family| format!("{family}/neigh/eth0/retrans_time_ms"));
    lab.director.namespace.sysctl(&keys.each_ref().map(|key| (&**key, "100"))).unwrap();
}

/// Takes a real away as a cut cable does, and lets the kernel see it.
fn lose(site: &Site, real: usize) {
    set_addresses(site, real, "delete");
    for address in site.lab.reals[real].addresses() {
        // Nobody has it, so that this only makes the kernel ask sooner than its own timers do.
        let line = format!("neigh change {address} dev eth0 nud probe\n");
        site.lab.director.namespace.ip(&line).unwrap();
    }
    for vip in VIPS {
        wait_for(site, vip, real, RealState::Unresolved);
    }
}

fn come_back(site: &Site, real: usize) {
    set_addresses(site, real, "add");
    for vip in VIPS {
        wait_for(site, vip, real, RealState::Up);
    }
}

#[test]
fn a_sorry_server_takes_over_while_all_reals_are_gone() {
    let lab = Lab::builder().build().unwrap();
    be_impatient(&lab);
    let services = sorry_services(&lab);
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        only(&site, vip, &["real 1", "real 2"], "at first");
    }
    lose(&site, 0);
    for vip in VIPS {
        only(&site, vip, &["real 2"], "with one real left");
    }
    lose(&site, 1);
    for vip in VIPS {
        only(&site, vip, &["real 3"], "with both reals gone");
    }
    come_back(&site, 0);
    for vip in VIPS {
        only(&site, vip, &["real 1"], "with one real back");
    }
}

#[test]
fn with_all_reals_drained_new_connections_are_dropped_or_passed_as_told() {
    let lab = Lab::builder().build().unwrap();
    let services = on_two(&lab, |_| json!({"tracking": "full"}));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let mut flows = site.open((vip, ECHO).into(), 10);
        for real in [0, 1] {
            run(&site, "drain", vip, real);
        }
        let dropped = site.reason("no-real");
        site.on_client(|| {
            let attempt = std::thread::spawn({
                let server = SocketAddr::from((vip, ECHO));
                move || TcpStream::connect_timeout(&server, SOON)
            });
            wait_until("a SYN to be dropped", SOON, || Ok(site.reason("no-real") > dropped))
                .unwrap();
            // Its SYN comes again, and the director's own stack has nobody at that port.
            site.ctl(&["edit-service", "-t", &name(vip), "--all-down", "pass"]);
            let refused = attempt.join().unwrap();
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        });
        assert!(site.reason("no-real-passed") > 0, "{vip}");
        assert_all_stay(&mut flows, "with all reals drained");
        for real in [0, 1] {
            run(&site, "undrain", vip, real);
        }
        only(&site, vip, &["real 1", "real 2"], "with the reals back");
    }
}

/// A site one of whose two reals is deleted for each VIP, and the connections that it had.
fn with_a_real_deleted(expire_nodest: bool) -> (Vec<Echo>, Site, [Vec<Flow>; 2]) {
    let lab = Lab::builder().reals(2).build().unwrap();
    let keys = json!({"tracking": "full", "expire_nodest": expire_nodest, "idle_timeout": "3s"});
    let services = on_two(&lab, |_| keys.clone());
    let site = Site::ready(lab, &services, &[]);
    let echo = start_echo(&site.lab, "tcp", ECHO);
    let orphans = VIPS.map(|vip| {
        let flows = site.open((vip, ECHO).into(), 30);
        run(&site, "delete-real", vip, 1);
        let (orphans, mut others): (Vec<_>, Vec<_>) =
            flows.into_iter().partition(|flow| flow.real == "real 2");
        assert!(!orphans.is_empty(), "no connection is of real 2");
        assert_all_stay(&mut others, "with the real of others deleted");
        only(&site, vip, &["real 1"], "with the other real deleted");
        orphans
    });
    (echo, site, orphans)
}

fn assert_reset(answer: &std::io::Result<String>) {
    let kind = answer.as_ref().map_err(std::io::Error::kind);
    assert_eq!(kind, Err(ErrorKind::ConnectionReset), "{answer:?}");
}

#[test]
fn connections_of_a_deleted_real_are_scheduled_anew() {
    let (_echo, site, orphans) = with_a_real_deleted(true);
    for flows in orphans {
        // The real that gets them now knows nothing of them.
        for mut flow in flows {
            assert_reset(&flow.ask());
        }
    }
    assert_eq!(site.reason("dead-real"), 0);
}

#[test]
fn connections_of_a_deleted_real_are_dropped_until_they_are_forgotten() {
    let (_echo, site, mut orphans) = with_a_real_deleted(false);
    let dropped = site.reason("dead-real");
    let mut flows: Vec<_> = orphans.iter_mut().map(|flows| &mut flows[0]).collect();
    for flow in &mut flows {
        flow.send().unwrap();
    }
    wait_until("the words to be dropped", SOON, || Ok(site.reason("dead-real") >= dropped + 2))
        .unwrap();
    for flow in &flows {
        flow.assert_silent();
    }
    // What TCP sends again after the idle timeout is of no connection that anybody remembers.
    for flow in flows {
        assert_reset(&flow.answer());
    }
}

#[test]
fn connections_of_a_real_that_comes_back_go_on_if_they_were_dropped_meanwhile() {
    let lab = Lab::builder().reals(2).build().unwrap();
    be_impatient(&lab);
    let services = on_two(&lab, |_| json!({"expire_nodest": false}));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let flows = VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 20));
    let (mut theirs, mut others): (Vec<_>, Vec<_>) = flows.partition(|flow| flow.real == "real 2");
    lose(&site, 1);
    let dropped = site.reason("dead-real");
    for flow in &mut theirs {
        flow.send().unwrap();
    }
    let all = theirs.len() as u64;
    wait_until("the words to be dropped", SOON, || Ok(site.reason("dead-real") >= dropped + all))
        .unwrap();
    assert_all_stay(&mut others, "with the real of others gone");
    come_back(&site, 1);
    for flow in &mut theirs {
        assert_eq!(flow.answer().unwrap(), "real 2");
    }
}
