//! Datagrams in fragments arrive whole, at one real each. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use bench::lab::{Echo, Lab, VIPS, wait_until};
use common::flows::UdpFlow;
use common::raw::{RawSender, fragments};
use common::traffic::{ECHO, SOON, Site, services, start_echo};

/// Bytes of a datagram: six fragments at 1500 bytes, in either family.
const LARGE: usize = 8000;
const FRAGMENTS: u64 = 6;

fn site() -> (Vec<Echo>, Site) {
    let lab = Lab::builder().build().unwrap();
    let services = services(&lab, "udp", ECHO);
    let echo = start_echo(&lab, "udp", ECHO);
    (echo, Site::ready(lab, &services, &[]))
}

#[test]
fn large_datagrams_arrive_whole_both_ways() {
    const FLOWS: usize = 20;
    const EACH: usize = 5;
    let (_echo, site) = site();
    for vip in VIPS {
        let mut reals = BTreeSet::new();
        for flow in &mut site.open_udp((vip, ECHO).into(), FLOWS) {
            // One that is lost is an error, for want of an answer.
            let answers = [(); EACH].map(|()| flow.ask_padded(LARGE).unwrap());
            let [first, others @ ..] = &answers;
            assert!(others.iter().all(|real| real == first), "{vip}: {answers:?} for one flow");
            reals.insert(first.clone());
        }
        assert_eq!(reals.len(), 3, "{vip}: only {reals:?} have answered");
        let stats = site.service(vip, ECHO).stats;
        let expected = FRAGMENTS * (FLOWS * EACH) as u64;
        assert_eq!(stats.packets, expected, "{vip}: not all were fragments: {stats:?}");
        assert!(stats.bytes > (FLOWS * EACH * LARGE) as u64, "{vip}: {stats:?}");
    }
    assert_eq!(site.reason("fragment-alone"), 0);
}

/// Sends a datagram of several fragments on a flow, in the order that `arrange` makes of theirs.
fn send(
    site: &Site,
    flow: &UdpFlow,
    vip: IpAddr,
    (number, text): (u16, &str),
    arrange: fn(&mut [Vec<u8>]),
) -> usize {
    let client = SocketAddr::new(site.lab.client.address_like(vip), flow.port());
    let mut packets = fragments((client, (vip, ECHO).into()), number, text.as_bytes());
    arrange(&mut packets);
    site.on_client(|| {
        let sender = RawSender::open(vip);
        for packet in &packets {
            sender.send(packet);
        }
    });
    packets.len()
}

#[test]
fn later_fragments_follow_the_first_in_any_order() {
    let (_echo, site) = site();
    for vip in VIPS {
        let mut reals = BTreeSet::new();
        for (flow, number) in site.open_udp((vip, ECHO).into(), 20).iter().zip(1000..) {
            let text = format!("{number:x<4000}");
            let backwards = |packets: &mut [Vec<u8>]| packets[1..].reverse();
            let sent = send(&site, flow, vip, (number, &text), backwards);
            assert_eq!(sent, 4);
            reals.insert(flow.answer(&text).unwrap());
        }
        assert_eq!(reals.len(), 3, "{vip}: only {reals:?} have answered");
    }
    assert_eq!(site.reason("fragment-alone"), 0);
}

#[test]
fn fragments_before_the_first_are_dropped_and_counted() {
    let (_echo, site) = site();
    for vip in VIPS {
        let mut flow = site.open_udp((vip, ECHO).into(), 1).remove(0);
        let real = flow.ask().unwrap();
        let (alone, before) = (site.reason("fragment-alone"), site.service(vip, ECHO).stats);
        let first_last = |packets: &mut [Vec<u8>]| packets.rotate_left(1);
        let sent = send(&site, &flow, vip, (2000, &"x".repeat(4000)), first_last) as u64;
        wait_until("the first fragment to pass the director", SOON, || {
            Ok(site.service(vip, ECHO).stats.packets > before.packets)
        })
        .unwrap();
        assert_eq!(site.reason("fragment-alone"), alone + sent - 1, "{vip}");
        assert_eq!(site.service(vip, ECHO).stats.packets, before.packets + 1, "{vip}");
        // Had the datagram been put together somewhere, its echo would come before this one.
        assert_eq!(flow.ask().unwrap(), real);
        flow.assert_silent();
    }
}
