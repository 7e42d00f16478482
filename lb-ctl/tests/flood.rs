//! A flood of SYNs breaks no connection that is established. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::{IpAddr, SocketAddr};
use std::thread;

use bench::lab::{Echo, Lab};
use bench::stream::{Generator, Sink, SinkProgram, Stream};
use common::flows::{Flow, assert_all_stay, shares};
use common::prepare_reals;
use common::traffic::{Site, all_reals, given, service};
use lb_common::traffic::{DIRECTOR, ENDLESS, SERVICE_PORT, Traffic, vip_v4, vip_v6};
use nix::net::if_::if_nametoindex;
use serde_json::{Value, json};
use xdp_prog::fixtures::frame::Family;
use xdp_prog::headers::tcp_flags;

const REALS: u8 = 10;
/// Connections to each VIP, of which there are two in each family.
const FLOWS: usize = 500;
/// Room in each connection table.
const ROOM: u32 = 16_384;
/// As fast as they can be made: some fall off the cable, as they do from a card.
const SYNS: u32 = 100 * ROOM;

/// The VIPs that the generator sends to, in turn.
fn vips(family: Family) -> [IpAddr; 2] {
    [0, 1].map(|number| match family {
        Family::V4 => vip_v4(number).into(),
        Family::V6 => vip_v6(number).into(),
    })
}

/// All VIPs, each with the keys of its service.
fn all() -> [(IpAddr, Value); 4] {
    let keys = [json!({"tracking": "full"}), json!({"scheduler": "rr"})];
    let of = |family| vips(family).into_iter().zip(keys.clone());
    let mut all = of(Family::V4).chain(of(Family::V6));
    [(); 4].map(|()| all.next().unwrap())
}

fn site() -> (Vec<Echo>, Sink, Site) {
    let mut lab = Lab::builder().reals(REALS).build().unwrap();
    // The reals need not see the flood: they would be slower than the director.
    let sink = Sink::attach(&mut lab, SinkProgram::Generated).unwrap();
    let mac = DIRECTOR.map(|byte| format!("{byte:02x}")).join(":");
    lab.director.namespace.set_mac("eth0", &mac).unwrap();
    prepare_reals(&lab, &all().map(|(vip, _)| vip));
    let routes = all().map(|(vip, _)| format!("route add {vip} dev eth0\n")).concat();
    lab.client.namespace.ip(&routes).unwrap();
    let services = all()
        .map(|(vip, keys)| given(service("tcp", vip, SERVICE_PORT, &all_reals(&lab, vip)), keys));
    let places = lab.reals.iter().flat_map(|real| all().map(|(vip, _)| (real, vip)));
    let echo = places.map(|(real, vip)| Echo::tcp(real, (vip, SERVICE_PORT).into()).unwrap());
    let echo = echo.collect();
    (echo, sink, Site::ready(lab, &services, &["--max-connections", &ROOM.to_string()]))
}

/// SYNs to both VIPs of the family, each from an address and port of its own.
fn flood(lab: &Lab, family: Family) {
    let port = lab.switch.enter(|| if_nametoindex(&*lab.director.name)).unwrap().unwrap();
    let mut generator = Generator::new(0, port).unwrap();
    let traffic = Traffic { flow: 0, flows: ENDLESS, service: 0, services: 2 };
    let stream = Stream { family, flags: tcp_flags::SYN, traffic };
    generator.set_traffic(traffic).unwrap();
    generator.send(&lab.switch, &stream, SYNS).unwrap();
}

#[test]
fn a_flood_of_syns_breaks_nothing_and_a_real_takes_only_its_own_along() {
    let (_echo, sink, site) = site();
    let open = |(vip, _)| site.open((vip, SERVICE_PORT).into(), FLOWS);
    let mut flows = all().map(open);
    for family in Family::BOTH {
        let before = sink.arrived().unwrap();
        thread::scope(|scope| {
            let flood = scope.spawn(|| flood(&site.lab, family));
            while !flood.is_finished() {
                assert_all_stay(flows.iter_mut().flatten().step_by(10), "under a flood");
            }
        });
        let arrived = sink.arrived().unwrap().since(&before).total();
        assert!(arrived > u64::from(SYNS / 5), "only {arrived} of {SYNS} were forwarded");
        assert_all_stay(flows.iter_mut().flatten(), "after a flood");
    }
    let maps = site.status().maps;
    let fill: Vec<_> = maps.iter().filter(|map| map.name.starts_with("CONNS")).collect();
    assert!(fill.iter().all(|map| map.entries > 1000 && map.entries <= ROOM.into()), "{fill:?}");
    for ((vip, _), flows) in all().into_iter().zip(flows) {
        delete_one(&site, vip, flows);
    }
}

/// Deletes the last real of a service, which breaks its own connections and no others.
fn delete_one(site: &Site, vip: IpAddr, flows: Vec<Flow>) {
    assert_eq!(shares(&flows).len(), usize::from(REALS), "{vip}: {:?}", shares(&flows));
    let last = site.lab.reals.last().unwrap();
    let name = SocketAddr::from((vip, SERVICE_PORT)).to_string();
    let address = last.address_like(vip).to_string();
    site.ctl(&["delete-real", "-t", &name, "-r", &address]);
    let (broken, mut others): (Vec<_>, Vec<_>) =
        flows.into_iter().partition(|flow| flow.real == last.label());
    assert_all_stay(&mut others, "with the real of others deleted");
    for mut flow in broken {
        let answer = flow.ask();
        assert!(answer.is_err(), "{vip}: answered by {answer:?}, whose real was deleted");
    }
}
