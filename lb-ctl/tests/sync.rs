//! Connections survive when another director takes over, though the hash does not say where they
//! are. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;
#[path = "sync/peer.rs"]
mod peer;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use bench::lab::{Director, DirectorBuilder, Echo, Host, Lab, VIPS, wait_until};
use common::flows::{Flow, assert_all_stay, assert_fair, shares};
use common::traffic::{ECHO, SOON, given, introduce, service, start_echo};
use common::{lb_ctl, prepare_reals};
use lb_common::key::Protocol;
use lb_common::value::connection_state;
use lb_ctl::api::wire;
use lb_ctl::sync::entry::Entry;
use peer::Peer;
use serde_json::{Value, json};

const PORT: u16 = 8475;
const KEY: &str = "what both of the directors know";

/// Two directors on one network with three reals. The machine of the bed's first real is the second
/// director.
struct Pair {
    directors: [Option<Director>; 2],
    _echo: Vec<Echo>,
    lab: Lab,
}

impl Pair {
    fn new() -> Self {
        let mut lab = Lab::builder().reals(4).build().unwrap();
        lab.admit_native_xdp(0).unwrap();
        prepare_reals(&lab, &VIPS);
        let echo = start_echo(&lab, "tcp", ECHO);
        let pair = Self { directors: [None, None], _echo: echo, lab };
        for host in pair.hosts() {
            introduce(host, pair.lab.reals[1..].iter());
        }
        pair
    }

    fn hosts(&self) -> [&Host; 2] {
        [&self.lab.director, &self.lab.reals[0]]
    }

    /// Both VIPs on the last `count` reals.
    fn services(&self, count: usize, keys: &Value) -> Vec<Value> {
        let reals = &self.lab.reals[4 - count..];
        let of = |vip: IpAddr| {
            let reals: Vec<_> = reals.iter().map(|real| (real.address_like(vip), 1)).collect();
            given(service("tcp", vip, ECHO, &reals), keys.clone())
        };
        VIPS.map(of).into()
    }

    fn definition(&self, which: usize, services: &[Value], key: &str) -> String {
        let [own, other] = self.hosts().map(|host| SocketAddr::from((host.ipv4, PORT)));
        let [listen, peer] = if which == 0 { [own, other] } else { [other, own] };
        let sync = json!({"listen": listen, "peers": [peer], "key": key});
        json!({"services": services, "vrrp": {"sync": sync}}).to_string()
    }

    /// Starts one of them, with tables of its own, and waits until its reals are up.
    fn start(&mut self, which: usize, services: &[Value], key: &str) {
        let name = ["first", "second"][which];
        let (folder, pins) = (self.lab.files().join(name), self.lab.pins().join(name));
        let builder =
            DirectorBuilder::at(&self.hosts()[which].namespace, lb_ctl(), folder, pins, &["eth0"]);
        let builder = builder.argument("--mode").argument("native");
        let director = builder.start_with(&self.definition(which, services, key)).unwrap();
        self.directors[which] = Some(director);
        wait_until("every real to be up", SOON, || {
            let list: wire::List = self.director(which).ctl_json(&["list"])?;
            let mut reals = list.services.iter().flat_map(|service| &service.reals);
            Ok(reals.all(|real| real.state == wire::RealState::Up))
        })
        .unwrap();
    }

    fn start_both(&mut self, services: &[Value]) {
        self.start(0, services, KEY);
        self.start(1, services, KEY);
    }

    fn director(&self, which: usize) -> &Director {
        self.directors[which].as_ref().unwrap()
    }

    /// Lets the client send to one of them, as after VRRP's decision.
    fn elect(&self, which: usize) {
        let mac = self.hosts()[which].namespace.mac("eth0").unwrap();
        for vip in VIPS {
            let line = format!("neigh replace {vip} lladdr {mac} dev eth0 nud permanent\n");
            self.lab.client.namespace.ip(&line).unwrap();
        }
    }

    fn open(&self, count: usize) -> Vec<Flow> {
        let open = |vip: IpAddr| {
            let flows = || (0..count).map(|_| Flow::open((vip, ECHO).into())).collect::<Vec<_>>();
            self.lab.client.namespace.enter(flows).unwrap()
        };
        VIPS.into_iter().flat_map(open).collect()
    }

    /// What stands in a director's table: VIP, state, client's port and real.
    fn table(&self, which: usize) -> BTreeSet<(IpAddr, String, u16, IpAddr)> {
        let director = self.director(which);
        let all: wire::Connections = director.ctl_json(&["list", "--connections"]).unwrap();
        let all = all.connections.into_iter();
        all.map(|one| (one.vip, one.state, one.client_port, one.real)).collect()
    }

    /// Waits until the second table has all that the first has, where so much is there at least.
    fn wait_until_told(&self, [from, to]: [usize; 2], least: usize) {
        let waited = wait_until("one director to know what the other does", SOON, || {
            let there = self.table(from);
            Ok(there.len() >= least && there.is_subset(&self.table(to)))
        });
        waited.unwrap_or_else(|error| {
            let lacking: Vec<_> = self.table(from).difference(&self.table(to)).cloned().collect();
            panic!("{error}: of {} entries it lacks {lacking:?}", self.table(from).len())
        });
    }

    /// Entries of clients that nobody has seen, to the reals in turn.
    fn entries(&self, count: u16) -> Vec<Entry> {
        let entry = |number: u16| {
            let vip = VIPS[usize::from(number % 2)];
            let real = &self.lab.reals[1 + usize::from(number / 2 % 3)];
            Entry {
                protocol: Protocol::Tcp,
                client: (self.lab.client.address_like(vip), number),
                vip: (vip, ECHO),
                real: real.address_like(vip),
                state: connection_state::ESTABLISHED,
                left: 600_000,
            }
        };
        (1..=count).map(entry).collect()
    }

    /// Somebody in the place of the second director.
    fn peer(&self) -> Peer {
        let [first, second] = self.hosts();
        Peer::start(second, PORT, (first.ipv4, PORT).into(), KEY)
    }

    fn status(&self, which: usize) -> wire::Sync {
        let status: wire::Status = self.director(which).ctl_json(&["status"]).unwrap();
        status.sync.expect("the definitions name another director")
    }

    fn ctl(&self, which: usize, words: &[&str]) {
        self.director(which).ctl_ok(words).unwrap();
    }
}

#[test]
fn connections_that_took_turns_stay_with_their_reals_at_a_director_that_starts_later() {
    let mut pair = Pair::new();
    let services = pair.services(3, &json!({"scheduler": "rr"}));
    pair.start(0, &services, KEY);
    pair.elect(0);
    let mut flows = pair.open(30);
    assert_fair(&shares(&flows), 3);
    // It has seen no packet of any of them.
    pair.start(1, &services, KEY);
    pair.wait_until_told([0, 1], 60);
    pair.elect(1);
    assert_all_stay(&mut flows, "at a director that has just started");

    flows.extend(pair.open(30));
    pair.wait_until_told([1, 0], 120);
    pair.elect(0);
    assert_all_stay(&mut flows, "back at the first director");

    // The first one loses all it knows, and is told what it had told.
    pair.directors[0] = None;
    pair.start(0, &services, KEY);
    pair.wait_until_told([1, 0], 120);
    assert_all_stay(&mut flows, "at a first director that had lost everything");
    let status = pair.status(0);
    assert!(status.received >= 120 && status.taken >= 120, "{status:?}");
    assert!(status.rejected.is_empty() && status.problem.is_none(), "{status:?}");
    assert!(status.peers[0].heard.is_some_and(|heard| heard < 5), "{status:?}");
}

#[test]
fn connections_from_before_and_after_a_change_stay_with_their_reals() {
    let mut pair = Pair::new();
    let services = pair.services(2, &json!({"scheduler": "mh"}));
    pair.start_both(&services);
    // One that takes over tables may have flows that it has not seen, as one that has run for a
    // while beside another one.
    pair.directors[1].as_mut().unwrap().stop().unwrap();
    pair.directors[1].as_mut().unwrap().start().unwrap();
    pair.elect(0);
    let mut flows = pair.open(40);
    assert!(pair.table(0).is_empty(), "the rings of both say where they are");
    for which in 0..2 {
        for vip in VIPS {
            let name = SocketAddr::from((vip, ECHO)).to_string();
            let real = pair.lab.reals[1].address_like(vip).to_string();
            pair.ctl(which, &["add-real", "-t", &name, "-r", &real]);
        }
    }
    // What was begun before and its new owner has now is recorded with its next packet.
    assert_all_stay(&mut flows, "after a change");
    flows.extend(pair.open(40));
    assert_eq!(shares(&flows).len(), 3, "the new real has its share");
    pair.wait_until_told([0, 1], 1);
    pair.elect(1);
    assert_all_stay(&mut flows, "at the other director");
    flows.extend(pair.open(20));
    pair.wait_until_told([1, 0], 1);
    pair.elect(0);
    assert_all_stay(&mut flows, "back at the first director");
}

#[test]
fn a_client_stays_with_its_real_at_the_other_director() {
    let mut pair = Pair::new();
    let keys = json!({"scheduler": "rr", "persistence": {"timeout": "300s"}});
    let services = pair.services(3, &keys);
    pair.start_both(&services);
    pair.elect(0);
    let before = shares(&pair.open(4));
    assert!(before.values().all(|count| count % 4 == 0), "one real for each VIP: {before:?}");
    // Two templates beside what is left of the connections.
    wait_until("the templates to be told of", SOON, || {
        Ok(pair.table(1).iter().filter(|(_, state, ..)| state == "NONE").count() == 2)
    })
    .unwrap();
    pair.elect(1);
    assert_eq!(shares(&pair.open(4)), before);
}

#[test]
fn directors_with_different_keys_tell_each_other_nothing_until_they_agree() {
    let mut pair = Pair::new();
    let services = pair.services(3, &json!({"scheduler": "rr"}));
    pair.start(0, &services, KEY);
    pair.start(1, &services, "something else altogether");
    pair.elect(0);
    let mut flows = pair.open(5);
    wait_until("both to refuse what the other one says", SOON, || {
        let refused = |which| pair.status(which).rejected.contains_key("unauthentic");
        Ok(refused(0) && refused(1))
    })
    .unwrap();
    let status = pair.status(1);
    assert_eq!((status.received, status.taken, pair.table(1).len()), (0, 0, 0), "{status:?}");
    assert_eq!(status.peers[0].heard, None);
    let log = pair.director(1).log();
    let lines = log.lines().filter(|line| line.contains("has another key")).count();
    assert_eq!(lines, 1, "{log}");
    let text = pair.director(1).ctl_ok(&["status"]).unwrap();
    assert!(text.contains(": NOT heard\n") && text.contains(" unauthentic\n"), "{text}");

    let agreed = pair.definition(1, &services, KEY);
    pair.director(1).write_definition(&agreed).unwrap();
    pair.ctl(1, &["reload"]);
    pair.wait_until_told([0, 1], 10);
    pair.elect(1);
    assert_all_stay(&mut flows, "at the other director");
}

#[test]
fn many_connections_are_taken_and_told_to_one_who_has_lost_them() {
    const COUNT: u16 = 20_000;
    let mut pair = Pair::new();
    pair.start(0, &pair.services(3, &json!({"scheduler": "rr"})), KEY);
    let mut peer = pair.peer();
    let told = pair.entries(COUNT);
    let mut sent = 0;
    for some in told.chunks(1000) {
        peer.tell(some);
        sent += some.len() as u64;
        wait_until("entries to arrive", SOON, || Ok(pair.status(0).received == sent)).unwrap();
    }
    wait_until("them to be taken", SOON, || Ok(pair.status(0).taken == sent)).unwrap();
    assert_eq!(pair.table(0).len(), told.len());
    assert_eq!(pair.status(0).sent, 0, "nobody is told what he has told");
    peer.start_anew();
    let heard = peer.hear_of(told.len());
    for entry in told {
        let back = heard[&entry.name()];
        assert!(back.left > 500_000 && back.left <= entry.left, "{back:?}");
        assert_eq!(Entry { left: entry.left, ..back }, entry);
    }
}

#[test]
fn what_is_repeated_cut_or_forged_changes_nothing() {
    let mut pair = Pair::new();
    pair.start(0, &pair.services(3, &json!({"scheduler": "rr"})), KEY);
    let mut peer = pair.peer();
    let told = peer.tell(&pair.entries(10));
    wait_until("entries to be taken", SOON, || Ok(pair.status(0).taken == 10)).unwrap();
    let before = pair.table(0);
    let mut forged = told[0].clone();
    forged[40] ^= 1;
    for bytes in [&told[0][..], &told[0][..60], &forged, b"hello"] {
        peer.send(bytes);
    }
    let expected = [("malformed", 1), ("replayed", 1), ("unauthentic", 2)];
    wait_until("all to be counted", SOON, || {
        let rejected = pair.status(0).rejected;
        Ok(rejected == expected.map(|(reason, count)| (reason.to_owned(), count)).into())
    })
    .unwrap();
    assert_eq!(pair.status(0).taken, 10);
    // Nobody else has come, and nobody has another real.
    assert_eq!(pair.table(0), before);
}
