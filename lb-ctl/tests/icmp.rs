//! What routers and clients say by ICMP: errors about a flow reach its real, echoes are answered,
//! and packets that have been through too many machines end at the director. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::{IpAddr, SocketAddr};

use bench::lab::{Host, Lab, VIPS, WebServer, sha256, wait_until};
use common::traffic::{ECHO, HTTP, SOON, Site, given, services, start_echo, write_file};
use serde_json::json;

/// Bytes of a file that takes many packets of full size.
const FILE: u64 = 3_000_000;

/// A client behind a router, which asks for the VIPs themselves: of its NAT nothing is used.
fn lab() -> Lab {
    Lab::builder().nat_router(HTTP).build().unwrap()
}

/// Lets only smaller packets through to the client than the reals and the client know of.
fn narrow(lab: &Lab) {
    let router = &lab.router.as_ref().unwrap().namespace;
    router.ip("link set dev eth1 mtu 1400\n").unwrap();
    router.sysctl(&[("ipv6/conf/eth1/mtu", "1280")]).unwrap();
}

/// A counter of the kernel's, as `/proc/net/snmp6` names it and as `nstat` names those of IPv4.
fn counted(host: &Host, vip: IpAddr, [v4, v6]: [&str; 2]) -> u64 {
    let name = if vip.is_ipv4() { v4 } else { v6 };
    let text = host.namespace.run(&["nstat", "-asz", name]).unwrap();
    let mut words = text.split_whitespace().skip_while(|word| *word != name);
    words.nth(1).unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Messages that a packet was too big.
const TOO_BIG: [&str; 2] = ["IcmpInDestUnreachs", "Icmp6InPktTooBigs"];
/// Messages about flows that the host knows nothing of.
const NOT_MINE: [&str; 2] = ["IcmpInErrors", "Icmp6InErrors"];

/// Downloads a file so many times, each time whole.
fn download(site: &Site, web: &[WebServer], vip: IpAddr, times: usize) {
    let file = write_file(&site.lab, FILE);
    for server in web {
        std::fs::copy(&file, server.uploaded("down")).unwrap();
    }
    let sum = sha256(&file).unwrap();
    for number in 0..times {
        let copy = site.download((vip, HTTP).into(), "/upload/down");
        assert_eq!(sha256(&copy).unwrap(), sum, "download {number} from {vip}");
    }
}

#[test]
fn a_download_through_a_narrow_router_completes() {
    let lab = lab();
    narrow(&lab);
    let services = services(&lab, "tcp", HTTP);
    let services: Vec<_> =
        services.into_iter().map(|each| given(each, json!({"scheduler": "rr"}))).collect();
    let web = lab.start_web(HTTP).unwrap();
    let site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        let told = || site.lab.reals.iter().map(|real| counted(real, vip, TOO_BIG));
        let before: Vec<_> = told().collect();
        download(&site, &web, vip, 3);
        let new: Vec<_> = told().zip(before).map(|(now, before)| now - before).collect();
        assert!(new.iter().all(|count| *count > 0), "{vip}: not each real was told: {new:?}");

        // Nothing stands in a table here: the hash must say who sent what the router complains of.
        let name = SocketAddr::from((vip, HTTP)).to_string();
        site.ctl(&["edit-service", "-t", &name, "-s", "mh", "--tracking", "changes"]);
        let before: u64 = told().sum();
        for real in &site.lab.reals {
            real.namespace.ip("route flush cache\n").unwrap();
            real.namespace.run(&["ip", "-6", "route", "flush", "cache"]).unwrap();
        }
        download(&site, &web, vip, 3);
        assert!(told().sum::<u64>() > before, "{vip}: no real was told");

        let hosts = || site.lab.reals.iter().chain([&site.lab.director]);
        let astray: u64 = hosts().map(|host| counted(host, vip, NOT_MINE)).sum();
        assert_eq!(astray, 0, "{vip}: a machine was told of what another one had sent");
        assert_eq!(counted(&site.lab.director, vip, TOO_BIG), 0, "{vip}: the director was told");
    }
}

#[test]
fn the_vips_answer_ping_from_beyond_a_router() {
    let lab = lab();
    let services = services(&lab, "tcp", HTTP);
    let site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        let words = ["ping", "-c1", "-W5", "-s1000", &vip.to_string()];
        site.lab.client.namespace.run(&words).unwrap();
        assert_eq!(site.service(vip, HTTP).stats.packets, 0, "a real got a ping of {vip}");
    }
}

#[test]
fn a_packet_that_may_go_no_further_is_dropped_and_counted() {
    let lab = lab();
    let services = services(&lab, "udp", ECHO);
    let _echo = start_echo(&lab, "udp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        let mut flow = site.open_udp((vip, ECHO).into(), 1).remove(0);
        let dropped = site.reason("hop-limit");
        // Through the router, and to the director.
        flow.limit_hops(2);
        flow.send().unwrap();
        wait_until("the director to drop it", SOON, || Ok(site.reason("hop-limit") == dropped + 1))
            .unwrap();
        assert_eq!(site.service(vip, ECHO).stats.packets, 0, "{vip}");
        // And on to the real.
        flow.limit_hops(3);
        flow.ask().unwrap();
        flow.assert_silent();
        assert_eq!(site.reason("hop-limit"), dropped + 1, "{vip}");
    }
}
