//! Services that take some clients and not others. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bench::lab::{Echo, Lab, VIPS, wait_until};
use common::clients::{admit_strangers, stranger};
use common::flows::UdpFlow;
use common::traffic::{ECHO, SOON, Site, all_reals, given, service, start_echo};
use serde_json::{Value, json};

/// Prefixes of nobody who is there, in each list.
const PREFIXES: u16 = 5000;

/// A prefix of somebody else's, by its number.
fn elsewhere(like: IpAddr, number: u16) -> String {
    if like.is_ipv4() {
        let [high, low] = number.to_be_bytes();
        // Of several lengths, none within another.
        format!("{}/{}", Ipv4Addr::new(10, high, low, 0), 24 + number % 3)
    } else {
        format!("{}/{}", Ipv6Addr::new(0x2001, 0xdb8, 0xf000, number, 0, 0, 0, 0), 64 + number % 3)
    }
}

/// The network 0 of strangers, and one of its hosts.
fn network(vip: IpAddr) -> String {
    if vip.is_ipv4() { "198.51.100.0/24".to_owned() } else { "2001:db8:100::/64".to_owned() }
}

fn host(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

fn many(vip: IpAddr, more: &[String]) -> Vec<String> {
    (0..PREFIXES).map(|number| elsewhere(vip, number)).chain(more.iter().cloned()).collect()
}

/// Services of both protocols, all with these keys.
fn site(keys: impl Fn(IpAddr) -> Value) -> (Vec<Echo>, Site) {
    let lab = Lab::builder().reals(2).build().unwrap();
    admit_strangers(&lab);
    let all = VIPS.iter().flat_map(|vip| ["tcp", "udp"].map(|protocol| (protocol, *vip)));
    let services: Vec<_> = all
        .map(|(protocol, vip)| {
            given(service(protocol, vip, ECHO, &all_reals(&lab, vip)), keys(vip))
        })
        .collect();
    let echo = ["tcp", "udp"].map(|protocol| start_echo(&lab, protocol, ECHO));
    (echo.into_iter().flatten().collect(), Site::ready(lab, &services, &[]))
}

fn assert_taken(site: &Site, vip: IpAddr, client: IpAddr) {
    let mut flow = site.on_client(|| UdpFlow::open_from(client, (vip, ECHO).into()));
    let answer = flow.ask();
    assert!(answer.is_ok(), "{client} is not taken: {answer:?}");
    // Panics where there is no connection.
    site.open_from(client, (vip, ECHO).into());
}

fn assert_refused(site: &Site, vip: IpAddr, client: IpAddr) {
    let mut flow = site.on_client(|| UdpFlow::open_from(client, (vip, ECHO).into()));
    let (refused, forwarded) = (site.reason("source-denied"), site.reason("forwarded"));
    flow.send().unwrap();
    wait_until(&format!("a packet of {client} to be dropped"), SOON, || {
        Ok(site.reason("source-denied") > refused)
    })
    .unwrap();
    assert_eq!(site.reason("source-denied"), refused + 1);
    assert_eq!(site.reason("forwarded"), forwarded, "it went to a real");
}

#[test]
fn of_thousands_denied_the_longest_prefix_decides() {
    let inside = |vip| stranger(vip, 0, 7);
    let (_echo, site) = site(
        |vip| json!({"deny": many(vip, &[network(vip)]), "allow": [host(inside(vip)), every(vip)]}),
    );
    for vip in VIPS {
        assert_taken(&site, vip, site.lab.client.address_like(vip));
        assert_taken(&site, vip, stranger(vip, 1, 1));
        assert_refused(&site, vip, stranger(vip, 0, 8));
        assert_taken(&site, vip, inside(vip));
    }
    let listed = site.service(VIPS[0], ECHO);
    assert_eq!(listed.deny.len(), usize::from(PREFIXES) + 1, "all are listed");
}

/// Everybody.
fn every(vip: IpAddr) -> String {
    if vip.is_ipv4() { "0.0.0.0/0".to_owned() } else { "::/0".to_owned() }
}

#[test]
fn of_thousands_allowed_nobody_else_is_taken() {
    let (_echo, site) = site(
        |vip| json!({"allow": many(vip, &[network(vip)]), "deny": [host(stranger(vip, 0, 7))]}),
    );
    for vip in VIPS {
        assert_taken(&site, vip, stranger(vip, 0, 8));
        assert_refused(&site, vip, stranger(vip, 0, 7));
        assert_refused(&site, vip, stranger(vip, 1, 1));
        assert_refused(&site, vip, site.lab.client.address_like(vip));
    }
}

#[test]
fn lists_are_changed_under_running_connections() {
    let (_echo, site) = site(|_| json!({}));
    for vip in VIPS {
        let name = SocketAddr::from((vip, ECHO)).to_string();
        let edit = |flags: &[&str]| site.ctl(&[&["edit-service", "-t", &name], flags].concat());
        let [inside, outside] = [0, 1].map(|network| stranger(vip, network, 1));
        let mut denied = site.open_from(inside, (vip, ECHO).into());
        let mut other = site.open_from(outside, (vip, ECHO).into());

        edit(&["--deny", &network(vip)]);
        let refused = site.reason("source-denied");
        denied.send().unwrap();
        wait_until(
            "its packets to be dropped",
            SOON,
            || Ok(site.reason("source-denied") > refused),
        )
        .unwrap();
        denied.assert_silent();
        assert_eq!(other.ask().unwrap(), other.real, "{vip}: with somebody else denied");

        // The longer prefix takes it out of its network: TCP sends again, and it is the same
        // connection.
        edit(&["--allow", &format!("{},{}", host(inside), every(vip))]);
        assert_eq!(denied.answer().unwrap(), denied.real, "{vip}: with this one allowed");
        edit(&["--deny", "none", "--allow", &host(inside)]);
        assert_eq!(denied.ask().unwrap(), denied.real, "{vip}: with this one alone allowed");
        let refused = site.reason("source-denied");
        other.send().unwrap();
        wait_until("the other's packets to be dropped", SOON, || {
            Ok(site.reason("source-denied") > refused)
        })
        .unwrap();
        edit(&["--allow", "none"]);
        assert_eq!(other.answer().unwrap(), other.real, "{vip}: with everybody taken");
    }
}
