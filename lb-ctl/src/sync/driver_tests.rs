use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lb_common::key::Protocol;
use lb_common::value::connection_state;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::super::packet::{self, Body, Header, Key, MAX_LENGTH, hello, telling};
use super::super::session::Rejection;
use super::*;

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(20);
const WORDS: &str = "a secret of two directors";

/// Two sockets' addresses that nobody has.
async fn free() -> [SocketAddr; 2] {
    let any = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let both = [any().await.unwrap(), any().await.unwrap()];
    both.map(|socket| socket.local_addr().unwrap())
}

fn config(listen: SocketAddr, peer: SocketAddr, key: &str) -> Sync {
    Sync { listen, peers: vec![peer], key: key.to_owned() }
}

fn entries(count: u16) -> Vec<Entry> {
    let address = |last| Ipv4Addr::new(192, 0, 2, last).into();
    let entry = |port| Entry {
        protocol: Protocol::Tcp,
        client: (address(1), port),
        vip: (address(10), 80),
        real: address(21),
        state: connection_state::ESTABLISHED,
        left: 900,
    };
    (0..count).map(entry).collect()
}

async fn next(heard: &mut mpsc::Receiver<Heard>) -> Heard {
    timeout(LONG, heard.recv()).await.expect("something is heard").expect("the driver lives")
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = timeout(LONG, async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

fn rejected(driver: &Driver, why: Rejection) -> u64 {
    driver.counts().rejected[why.index()].1
}

#[tokio::test]
async fn directors_find_each_other_and_everything_told_arrives_once() {
    let [one, two] = free().await;
    let (ours, mut heard_here) = mpsc::channel(ROOM);
    let (theirs, mut arriving) = mpsc::channel(ROOM);
    let here = Driver::start(&config(one, two, WORDS), ours);
    let there = Driver::start(&config(two, one, WORDS), theirs);
    assert!(matches!(next(&mut heard_here).await, Heard::Fresh));
    assert!(matches!(next(&mut arriving).await, Heard::Fresh));
    let told = entries(3000);
    here.tell(told.clone());
    assert!(!here.is_idle());
    let mut arrived = Vec::new();
    while arrived.len() < told.len() {
        if let Heard::Entries(entries) = next(&mut arriving).await {
            arrived.extend(entries);
        }
    }
    assert_eq!(arrived, told);
    until("idleness", || here.is_idle()).await;
    assert_eq!((here.counts().sent, there.counts().received), (3000, 3000));
    assert!(here.peers()[0].heard.is_some() && here.problem().is_none());
    assert!(there.counts().rejected.iter().all(|(_, count)| *count == 0));
}

#[tokio::test]
async fn a_director_that_starts_anew_is_known_for_that() {
    let [one, two] = free().await;
    let (ours, mut heard) = mpsc::channel(ROOM);
    let _here = Driver::start(&config(one, two, WORDS), ours);
    for _ in 0..2 {
        let (theirs, _none) = mpsc::channel(ROOM);
        let there = Driver::start(&config(two, one, WORDS), theirs);
        assert!(matches!(next(&mut heard).await, Heard::Fresh));
        there.ask();
        assert!(matches!(next(&mut heard).await, Heard::Fresh), "it asks for everything");
    }
}

#[tokio::test]
async fn what_was_lost_is_asked_for() {
    let [one, two] = free().await;
    let (ours, _heard) = mpsc::channel(ROOM);
    let _here = Driver::start(&config(one, two, WORDS), ours);
    let (peer, key) = (UdpSocket::bind(two).await.unwrap(), Key::new(WORDS));
    for sequence in [1, 3] {
        let header = Header { from: 5, to: 0, sequence };
        peer.send_to(&hello(&key, header), one).await.unwrap();
    }
    let asked = async {
        loop {
            let mut bytes = [0; MAX_LENGTH];
            let length = peer.recv(&mut bytes).await.unwrap();
            if packet::open(&key, &bytes[..length]).unwrap().body == Body::Ask {
                return;
            }
        }
    };
    timeout(LONG, asked).await.expect("it asks");
}

#[tokio::test]
async fn datagrams_of_others_change_nothing_and_are_counted() {
    let [one, two] = free().await;
    let (ours, mut heard) = mpsc::channel(ROOM);
    let here = Driver::start(&config(one, two, WORDS), ours);
    let peer = UdpSocket::bind(two).await.unwrap();
    let mut bytes = [0; 2000];
    let length = timeout(LONG, peer.recv(&mut bytes)).await.unwrap().unwrap();
    let (key, wrong) = (Key::new(WORDS), Key::new("another"));
    let start = packet::open(&key, &bytes[..length]).unwrap().header.from;

    let header = |sequence| Header { from: 5, to: start, sequence };
    let good = telling(&key, header(1), &entries(2));
    peer.send_to(&good, one).await.unwrap();
    assert!(matches!(next(&mut heard).await, Heard::Fresh));
    assert!(matches!(next(&mut heard).await, Heard::Entries(two) if two == entries(2)));

    let stale = telling(&key, Header { to: start - 1, ..header(2) }, &entries(2));
    let forged = telling(&wrong, header(3), &entries(2));
    let own = hello(&key, Header { from: start, to: 0, sequence: 4 });
    let truncated = &good[..good.len() - 1];
    let long = vec![0; 1800];
    for bytes in [&good[..], &stale, &forged, &own, truncated, &long, b"", b"hello"] {
        peer.send_to(bytes, one).await.unwrap();
    }
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    stranger.send_to(&telling(&key, header(5), &entries(2)), one).await.unwrap();
    let expected = [
        (Rejection::Replayed, 1),
        (Rejection::Stale, 1),
        (Rejection::Own, 1),
        (Rejection::Packet(packet::PacketError::Unauthentic), 2),
        (Rejection::Packet(packet::PacketError::Malformed), 3),
        (Rejection::UnknownPeer, 1),
    ];
    until("all rejections", || expected.iter().all(|(why, n)| rejected(&here, *why) == *n)).await;
    // What is told after them is the next that is heard.
    peer.send_to(&telling(&key, header(6), &entries(1)), one).await.unwrap();
    assert!(matches!(next(&mut heard).await, Heard::Entries(one) if one == entries(1)));
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_shown_as_a_problem_and_tried_again() {
    let [one, two] = free().await;
    let other = UdpSocket::bind(one).await.unwrap();
    let (ours, _heard) = mpsc::channel(ROOM);
    let here = Driver::start(&config(one, two, WORDS), ours);
    until("a problem", || here.problem().is_some()).await;
    let problem = here.problem().unwrap_or_default();
    assert!(problem.contains(&format!("cannot listen on {one}")), "{problem}");
    drop(other);
    until("its end", || here.problem().is_none()).await;
}
