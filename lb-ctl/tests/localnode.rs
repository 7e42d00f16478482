//! A director that is a real itself, and two that are each other's. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::IpAddr;

use bench::lab::{Director, DirectorBuilder, Echo, Host, Lab, VIPS, wait_until};
use common::flows::{Flow, assert_all_stay, assert_fair, shares};
use common::lb_ctl;
use common::traffic::{
    ECHO, SOON, Site, all_reals, definition, given, introduce, service, start_echo,
};
use lb_ctl::api::wire;
use serde_json::{Value, json};

/// Services on the director and the reals of the bed.
fn services(lab: &Lab, scheduler: &str) -> Vec<Value> {
    let of = |vip| {
        let mut reals = vec![(lab.director.address_like(vip), 1)];
        reals.extend(all_reals(lab, vip));
        given(service("tcp", vip, ECHO, &reals), json!({"scheduler": scheduler}))
    };
    VIPS.map(of).into()
}

/// Echo servers on the reals and on the director.
fn echo(lab: &Lab) -> Vec<Echo> {
    let own = VIPS.map(|vip| Echo::tcp(&lab.director, (vip, ECHO).into()).unwrap());
    start_echo(lab, "tcp", ECHO).into_iter().chain(own).collect()
}

#[test]
fn the_director_gets_its_own_share() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let _echo = echo(&lab);
    let services = services(&lab, "rr");
    let site = Site::ready(lab, &services, &[]);
    for vip in VIPS {
        let local = site.reason("local");
        let mut flows = site.open((vip, ECHO).into(), 90);
        assert_all_stay(&mut flows, "with the director as a real");
        let shares = shares(&flows);
        assert_eq!(shares.values().collect::<Vec<_>>(), [&30, &30, &30], "{vip}: {shares:?}");

        let own = site.real(vip, ECHO, site.lab.director.address_like(vip));
        assert_eq!((own.active_connections, own.mac.clone()), (30, None), "{own:?}");
        // The last acknowledgements may come a moment later.
        wait_until("the packets passed up to be counted for the director as a real", SOON, || {
            let own = site.real(vip, ECHO, site.lab.director.address_like(vip));
            Ok(site.reason("local") - local == own.stats.packets)
        })
        .unwrap();

        let other = site.lab.reals[0].address_like(vip).to_string();
        let name = std::net::SocketAddr::from((vip, ECHO)).to_string();
        site.ctl(&["delete-real", "-t", &name, "-r", &other]);
        flows.retain(|flow| flow.real != "real 1");
        assert_all_stay(&mut flows, "with a real deleted");
    }
}

/// Two directors with the same definitions, each a real of the other's services.
struct Pair {
    second: Director,
    first: Site,
    _echo: Vec<Echo>,
}

impl Pair {
    /// The first real is the second director.
    fn start(scheduler: &str) -> Self {
        let mut lab = Lab::builder().reals(2).build().unwrap();
        lab.admit_native_xdp(0).unwrap();
        let echo = echo(&lab);
        let services = services(&lab, scheduler);
        let first = Site::ready(lab, &services, &[]);
        let lab = &first.lab;
        introduce(&lab.reals[0], lab.reals.iter().chain([&lab.director]));
        let (folder, pins) = (lab.files().join("second"), lab.pins().join("second"));
        let builder =
            DirectorBuilder::at(&lab.reals[0].namespace, lb_ctl(), folder, pins, &["eth0"]);
        let second =
            builder.argument("--mode").argument("native").start_with(&definition(&services));
        let pair = Self { second: second.unwrap(), first, _echo: echo };
        wait_until("every real to be up", SOON, || {
            let list: wire::List = pair.second.ctl_json(&["list"])?;
            let mut reals = list.services.iter().flat_map(|service| &service.reals);
            Ok(reals.all(|real| real.state == wire::RealState::Up))
        })
        .unwrap();
        pair
    }

    fn hosts(&self) -> [&Host; 2] {
        [&self.first.lab.director, &self.first.lab.reals[0]]
    }

    /// Lets the client send to one of them, as after VRRP's decision.
    fn elect(&self, master: &Host, vip: IpAddr) {
        let mac = master.namespace.mac("eth0").unwrap();
        let line = format!("neigh replace {vip} lladdr {mac} dev eth0 nud permanent\n");
        self.first.lab.client.namespace.ip(&line).unwrap();
    }

    /// How many packets each has taken from the other.
    fn taken_from_peer(&self) -> [u64; 2] {
        [&self.first.director, &self.second].map(|director| {
            let status: wire::Status = director.ctl_json(&["status"]).unwrap();
            status.packets.iter().find(|count| count.reason == "from-peer").unwrap().packets
        })
    }

    /// Frames that have come to each.
    fn arrived(&self) -> u64 {
        let hosts = self.hosts().into_iter();
        hosts.map(|host| host.namespace.counters("eth0").unwrap().rx_packets).sum()
    }
}

/// Connections over each of the two directors in turn: all are answered, and no packet goes round.
/// `then` is told which director they go by, and gets them.
fn over_either(pair: &Pair, then: impl Fn(IpAddr, usize, &mut [Flow])) {
    const FLOWS: usize = 120;
    for vip in VIPS {
        for (own, other) in [(0, 1), (1, 0)] {
            pair.elect(pair.hosts()[own], vip);
            let (before, arrived) = (pair.taken_from_peer(), pair.arrived());
            let mut flows = pair.first.open((vip, ECHO).into(), FLOWS);
            assert_fair(&shares(&flows), 3);
            assert_all_stay(&mut flows, "with two directors");
            let after = pair.taken_from_peer();
            assert_eq!(after[own], before[own], "the other one sends nothing");
            // SYN, ACK and two words at least, for each connection of the peer's.
            let label = pair.hosts()[other].label();
            let least = 4 * shares(&flows)[&label];
            assert!(after[other] - before[other] >= least, "{before:?}, {after:?}");
            // Each packet of a client goes to one director, and to the other at most.
            let arrived = pair.arrived() - arrived;
            assert!(arrived < 20 * FLOWS as u64, "{arrived} frames for {FLOWS} connections");
            then(vip, other, &mut flows);
        }
    }
}

#[test]
fn two_directors_that_hash_keep_connections_when_the_other_one_is_elected() {
    let pair = Pair::start("mh");
    over_either(&pair, |vip, other, flows| {
        pair.elect(pair.hosts()[other], vip);
        assert_all_stay(flows, "with the other director elected");
    });
}

/// They do not agree whose a connection is: each would send it on to the other in its turn.
#[test]
fn two_directors_that_take_turns_never_send_a_packet_round() {
    let pair = Pair::start("rr");
    over_either(&pair, |_, _, _| {});
}
