//! Clients reach the reals through the director: HTTP, bulk, UDP, a thousand at once. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use bench::lab::{BIG_FILE_SIZE, Lab, VIP4, VIP6, VIPS, XdpMode, sha256, wait_until};
use common::flows::{Answers, assert_all_stay, assert_fair, shares};
use common::traffic::{ECHO, HTTP, SOON, Site, services, start_echo, tracked};
use lb_ctl::api::wire;

const REQUESTS: u64 = 600;

fn http_site() -> Site {
    let lab = Lab::builder().build().unwrap();
    let services = services(&lab, "tcp", HTTP);
    Site::ready(lab, &services, &[])
}

/// What the list says each real was given, under the names by which the reals answer.
fn listed(site: &Site, service: &wire::Service) -> Answers {
    let reals = service.reals.iter();
    reals.map(|real| (site.label(real.address), real.stats.connections)).collect()
}

#[test]
fn requests_are_shared_and_counted_and_replies_do_not_pass_the_director() {
    let site = http_site();
    let _web = site.lab.start_web(HTTP).unwrap();
    let director = &site.lab.director.namespace;
    assert_eq!(director.xdp_mode("eth0").unwrap(), Some(XdpMode::Native));
    for vip in VIPS {
        let (before, forwarded) = (director.counters("eth0").unwrap(), site.reason("forwarded"));
        let answers = site.get((vip, HTTP).into(), REQUESTS);
        assert_fair(&answers, 3);

        // A client says goodbye at the end of each request, and that it may do a moment later.
        wait_until("the last connection to be closed", SOON, || {
            let service = site.service(vip, HTTP);
            Ok(service.reals.iter().all(|real| real.active_connections == 0))
        })
        .unwrap();
        let service = site.service(vip, HTTP);
        let passed = director.counters("eth0").unwrap() - before;
        assert_eq!(service.stats.connections, REQUESTS, "{service:?}");
        assert_eq!(listed(&site, &service), answers, "the list says otherwise than the reals");
        let of_reals: u64 = service.reals.iter().map(|real| real.stats.packets).sum();
        assert_eq!(service.stats.packets, of_reals, "{service:?}");
        assert_eq!(site.reason("forwarded") - forwarded, of_reals, "{service:?}");
        // SYN, ACK, request and goodbye at least, and a header on each.
        assert!(of_reals >= 4 * REQUESTS, "{service:?}");
        assert!(service.stats.bytes >= 40 * of_reals, "{service:?}");

        // What the director met beside the clients' packets is ARP and ND.
        let beside = passed.rx_packets.abs_diff(of_reals).max(passed.tx_packets.abs_diff(of_reals));
        assert!(beside < REQUESTS / 10, "the service met {of_reals} packets, eth0 {passed:?}");

        let table = site.ctl(&["list", "--stats", "--exact"]);
        let name = SocketAddr::from((vip, HTTP)).to_string();
        let row = table.lines().find(|line| line.starts_with("TCP") && line.contains(&name));
        let words: Vec<_> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(words[2..4], [REQUESTS.to_string(), of_reals.to_string()], "{table}");
    }
}

#[test]
fn the_vips_answer_ping() {
    let site = http_site();
    for vip in VIPS {
        site.lab.client.namespace.run(&["ping", "-c1", "-W5", &vip.to_string()]).unwrap();
    }
    let status = site.status();
    assert_eq!(BTreeSet::from_iter(status.interfaces[0].vips.clone()), BTreeSet::from(VIPS));
}

#[test]
fn a_hundred_megabytes_arrive_whole_both_ways() {
    let site = http_site();
    let web = site.lab.start_web(HTTP).unwrap();
    let big = site.lab.big_file().unwrap();
    let sum = sha256(&big).unwrap();
    let counters = |host: &bench::lab::Host| host.namespace.counters("eth0").unwrap();
    for vip in VIPS {
        let server = SocketAddr::from((vip, HTTP));
        let (client, director) = (counters(&site.lab.client), counters(&site.lab.director));
        let copy = site.download(server, "/big");
        assert_eq!(sha256(&copy).unwrap(), sum, "download from {vip}");
        let client = counters(&site.lab.client) - client;
        let passed = counters(&site.lab.director) - director;
        assert!(client.rx_bytes > BIG_FILE_SIZE, "{vip}: {client:?}");
        let most = passed.rx_bytes.max(passed.tx_bytes);
        assert!(most < BIG_FILE_SIZE / 10, "{vip}: the reply passed the director: {passed:?}");

        let name = if vip.is_ipv4() { "v4" } else { "v6" };
        let stored = site.upload(server, &big, name, &web);
        assert_eq!(sha256(&stored).unwrap(), sum, "upload to {vip}");
        let bytes = site.service(vip, HTTP).stats.bytes;
        assert!(bytes > BIG_FILE_SIZE, "{vip}: the upload is not counted: {bytes}");
    }
}

#[test]
fn datagrams_of_one_flow_stay_on_one_real_and_flows_spread() {
    let lab = Lab::builder().build().unwrap();
    let services = tracked(services(&lab, "udp", ECHO));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "udp", ECHO);
    for vip in VIPS {
        let mut answers = Answers::new();
        let mut flows = site.open_udp((vip, ECHO).into(), 300);
        for flow in &mut flows {
            let seen: BTreeSet<_> = (0..3).map(|_| flow.ask().unwrap()).collect();
            assert_eq!(seen.len(), 1, "{vip}: one flow answered by {seen:?}");
            *answers.entry(seen.into_iter().next().unwrap()).or_default() += 1;
        }
        assert_fair(&answers, 3);
        let service = site.service(vip, ECHO);
        assert_eq!(listed(&site, &service), answers, "the list says otherwise than the reals");
        assert_eq!(service.stats.packets, 900, "{service:?}");
        let idle: u64 = service.reals.iter().map(|real| real.inactive_connections).sum();
        assert_eq!(idle, 300, "{service:?}");
    }
}

fn a_thousand_connections(vip: IpAddr) {
    const COUNT: usize = 1000;
    let lab = Lab::builder().build().unwrap();
    let services = tracked(services(&lab, "tcp", ECHO));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let mut flows = site.open((vip, ECHO).into(), COUNT);
    assert_all_stay(&mut flows, "with all of them open");

    let answers = shares(&flows);
    assert_fair(&answers, 3);
    let service = site.service(vip, ECHO);
    let active = service.reals.iter().map(|real| (site.label(real.address), real));
    let active: Answers = active.map(|(label, real)| (label, real.active_connections)).collect();
    assert_eq!(active, answers, "the list says otherwise than the reals");
    assert_eq!(active.values().sum::<u64>(), COUNT as u64);
    let table = site.ctl(&["list", "--connections"]);
    let established = table.lines().filter(|line| line.contains(" ESTABLISHED ")).count();
    assert_eq!(established, COUNT, "{table}");
    let owners = site.connections().into_iter().map(|c| (c.client_port, site.label(c.real)));
    let seen = flows.iter().map(|flow| (flow.port(), flow.real.clone()));
    assert_eq!(owners.collect::<BTreeSet<_>>(), seen.collect(), "who owns which connection");

    assert_all_stay(&mut flows, "in the end");
}

#[test]
fn a_thousand_connections_at_once_over_ipv4() {
    a_thousand_connections(VIP4.into());
}

#[test]
fn a_thousand_connections_at_once_over_ipv6() {
    a_thousand_connections(VIP6.into());
}
