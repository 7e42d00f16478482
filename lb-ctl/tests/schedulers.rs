//! Each scheduler gives the shares that IPVS documents for it, and the list shows them. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use bench::lab::{Echo, Lab, VIPS, wait_until};
use common::clients::{admit_strangers, strangers};
use common::flows::{Answers, Flow, assert_fair, shares};
use common::traffic::{SOON, Site, all_reals, given, service, start_echo};
use serde_json::{Value, json};

/// A service of each family on three reals of these weights, whose port names the scheduler.
struct Scheduled {
    port: u16,
    scheduler: &'static str,
    weights: [u16; 3],
}

/// Connections of each real.
type Shares = [u64; 3];

const fn scheduled(port: u16, scheduler: &'static str, weights: [u16; 3]) -> Scheduled {
    Scheduled { port, scheduler, weights }
}

impl Scheduled {
    fn service(&self, lab: &Lab, vip: IpAddr) -> Value {
        let reals = all_reals(lab, vip).into_iter().zip(self.weights);
        let reals: Vec<_> = reals.map(|((address, _), weight)| (address, weight)).collect();
        let keys = json!({"scheduler": self.scheduler, "tracking": "full"});
        given(service("tcp", vip, self.port, &reals), keys)
    }
}

fn site(services: &[Scheduled]) -> (Vec<Echo>, Site) {
    let lab = Lab::builder().build().unwrap();
    admit_strangers(&lab);
    let both = |each: &Scheduled| VIPS.map(|vip| each.service(&lab, vip));
    let definitions: Vec<_> = services.iter().flat_map(both).collect();
    let echo = services.iter().flat_map(|each| start_echo(&lab, "tcp", each.port)).collect();
    let site = Site::start(lab, &definitions, &[]);
    wait_until("every real to be resolved", SOON, || {
        let services = site.list().services;
        Ok(services.iter().flat_map(|service| &service.reals).all(|real| real.mac.is_some()))
    })
    .unwrap();
    (echo, site)
}

fn by_real(answers: &Answers) -> Shares {
    [1, 2, 3].map(|real| answers.get(&format!("real {real}")).copied().unwrap_or_default())
}

/// Opens so many connections one after the other, which stay open, and says who has got them.
fn open(site: &Site, vip: IpAddr, port: u16, count: usize) -> (Vec<Flow>, Shares) {
    let flows = site.open((vip, port).into(), count);
    let shares = by_real(&shares(&flows));
    (flows, shares)
}

fn weigh(site: &Site, vip: IpAddr, port: u16, weights: [u16; 3]) {
    let name = SocketAddr::from((vip, port)).to_string();
    for (real, weight) in site.lab.reals.iter().zip(weights) {
        let address = real.address_like(vip).to_string();
        site.ctl(&["edit-real", "-t", &name, "-r", &address, "-w", &weight.to_string()]);
    }
}

/// Active and inactive connections of each real, as listed.
fn listed(site: &Site, vip: IpAddr, port: u16) -> (Shares, Shares) {
    let reals = site.service(vip, port).reals;
    let count = |of: fn(&lb_ctl::api::wire::Real) -> u64| [0, 1, 2].map(|index| of(&reals[index]));
    (count(|real| real.active_connections), count(|real| real.inactive_connections))
}

fn wait_listed(site: &Site, vip: IpAddr, port: u16, active: Shares, inactive: Shares) {
    wait_until("the list to show the closed connections", SOON, || {
        Ok(listed(site, vip, port) == (active, inactive))
    })
    .unwrap_or_else(|error| panic!("{error}: {:?}", listed(site, vip, port)));
}

fn assert_within_one(shares: Shares, expected: Shares, what: &str) {
    let near = shares.iter().zip(expected).all(|(share, expected)| share.abs_diff(expected) <= 1);
    assert!(near, "{what}: {shares:?}, not {expected:?}");
}

#[test]
fn turns_are_taken_exactly_and_the_list_counts_open_and_closed_connections() {
    // rr knows no weights but 0, as in IPVS.
    let cases = [
        (scheduled(1001, "rr", [1, 1, 1]), [40, 40, 40]),
        (scheduled(1002, "rr", [5, 1, 0]), [60, 60, 0]),
        (scheduled(1003, "wrr", [3, 1, 0]), [90, 30, 0]),
        (scheduled(1004, "wrr", [3, 1, 2]), [60, 20, 40]),
    ];
    let (services, expected): (Vec<_>, Vec<Shares>) = cases.into_iter().unzip();
    let (_echo, site) = site(&services);
    for vip in VIPS {
        for (Scheduled { port, scheduler, weights }, expected) in services.iter().zip(&expected) {
            let (mut flows, reached) = open(&site, vip, *port, 120);
            assert_within_one(reached, *expected, &format!("{scheduler} {weights:?} at {vip}"));
            assert_eq!(listed(&site, vip, *port), (reached, [0; 3]), "{scheduler} at {vip}");

            let closed = flows.split_off(70);
            let still_open = by_real(&shares(&flows));
            let inactive = by_real(&shares(&closed));
            drop(closed);
            wait_listed(&site, vip, *port, still_open, inactive);
        }
    }
}

#[test]
fn least_connections_level_what_is_uneven() {
    const LC: u16 = 1001;
    const WLC: u16 = 1002;
    let services = [scheduled(LC, "lc", [4, 1, 1]), scheduled(WLC, "wlc", [2, 1, 1])];
    let (_echo, site) = site(&services);
    for vip in VIPS {
        for Scheduled { port, weights, .. } in &services {
            weigh(&site, vip, *port, [1, 0, 0]);
            let (mut loaded, reached) = open(&site, vip, *port, 30);
            assert_eq!(reached, [30, 0, 0], "the others have weight 0");
            weigh(&site, vip, *port, *weights);

            let (mut rest, reached) = open(&site, vip, *port, 90);
            // lc knows no weights; with wlc the first real may have two for each of another's.
            let levelled = if *port == LC { [10, 40, 40] } else { [30, 30, 30] };
            assert_within_one(reached, levelled, &format!("{port} at {vip}"));
            let [first, second, third] = reached;
            assert_eq!(listed(&site, vip, *port), ([30 + first, second, third], [0; 3]));

            // 256 closed connections weigh as much as an open one (ip_vs_dest_conn_overhead).
            loaded.truncate(10);
            wait_listed(&site, vip, *port, [10 + first, second, third], [20, 0, 0]);
            let (new, reached) = open(&site, vip, *port, 15);
            assert_eq!(reached, [15, 0, 0], "port {port} at {vip}: the first real has most room");
            rest.extend(new);
        }
    }
}

#[test]
fn the_shortest_delay_and_the_idle_come_first() {
    const HEAVY: [u16; 3] = [100, 1, 1];
    let cases = [
        (scheduled(1001, "sed", [3, 1, 1]), 50, [30, 10, 10]),
        // To wait in the first one's queue is quicker than to be alone at another.
        (scheduled(1002, "sed", HEAVY), 23, [23, 0, 0]),
        (scheduled(1003, "nq", HEAVY), 23, [21, 1, 1]),
    ];
    let (_echo, site) = site(&cases.each_ref().map(|(service, ..)| Scheduled { ..*service }));
    for vip in VIPS {
        for (Scheduled { port, scheduler, weights }, count, expected) in &cases {
            let (_flows, reached) = open(&site, vip, *port, *count);
            let what = format!("{scheduler} {weights:?} at {vip}");
            if *weights == HEAVY {
                assert_eq!(reached, *expected, "{what}");
            } else {
                assert_within_one(reached, *expected, &what);
            }
            assert_eq!(listed(&site, vip, *port), (reached, [0; 3]), "{what}");
        }
    }
}

#[test]
fn what_hashes_the_source_gives_each_client_one_real_and_5_tuples_spread() {
    const SPREAD: u16 = 1003;
    let services = [
        scheduled(1001, "sh", [1, 1, 1]),
        scheduled(1002, "mh", [1, 1, 1]),
        scheduled(SPREAD, "mh", [1, 1, 1]),
    ];
    let (_echo, site) = site(&services);
    for vip in VIPS {
        let name = SocketAddr::from((vip, 1002)).to_string();
        site.ctl(&["edit-service", "-t", &name, "--hash", "source"]);
        for port in [1001, 1002] {
            let mut clients = Answers::new();
            let mut flows = Vec::new();
            for client in strangers(vip, 0).chain(strangers(vip, 1)) {
                let of_client = [(); 3].map(|()| site.open_from(client, (vip, port).into()));
                let reals: BTreeSet<_> = of_client.iter().map(|flow| flow.real.clone()).collect();
                assert_eq!(reals.len(), 1, "{client} has several reals at port {port}");
                *clients.entry(of_client[0].real.clone()).or_default() += 1;
                flows.extend(of_client);
            }
            assert_fair(&clients, 3);
            assert_eq!(listed(&site, vip, port), (by_real(&shares(&flows)), [0; 3]));
        }
        let (flows, reached) = open(&site, vip, SPREAD, 120);
        assert_fair(&shares(&flows), 3);
        assert_eq!(listed(&site, vip, SPREAD), (reached, [0; 3]));
    }
}
