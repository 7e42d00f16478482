//! Checks by TCP connections, datagrams and echoes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lb_ctl::config::check::{Probe, Udp};
use tokio::net::{TcpListener, UdpSocket};

use super::bed::{Bed, REAL4, REALS, SHORT, ask, at, late, passes, words};

fn udp(payload: &[u8], expect: Option<&[u8]>) -> Probe {
    Probe::Udp(Udp { payload: payload.to_vec(), expect: expect.map(<[u8]>::to_vec) })
}

#[test]
fn a_connection_passes_and_its_lack_has_a_reason() {
    let bed = Bed::new();
    // Nobody answers there: packets to it are dropped without a word.
    bed.namespace.ip("route add blackhole 198.51.100.0/24\n").unwrap();
    bed.run(async || {
        for real in REALS {
            let listener = TcpListener::bind(at(real, 0)).await.unwrap();
            passes(Probe::Tcp, listener.local_addr().unwrap()).await;
            assert_eq!(words(Probe::Tcp, at(real, 9)).await, "connection refused");
        }
        let nowhere: IpAddr = "203.0.113.1".parse().unwrap();
        assert_eq!(words(Probe::Tcp, at(nowhere, 80)).await, "network unreachable");
    });
}

#[test]
fn a_connection_that_nobody_takes_is_late() {
    let bed = Bed::new();
    bed.run(async || {
        // A backlog that is full takes no SYN.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(at(REAL4, 0)).unwrap();
        let listener = socket.listen(0).unwrap();
        let full = listener.local_addr().unwrap();
        let _waiting = tokio::net::TcpStream::connect(full).await.unwrap();
        assert_eq!(late(Probe::Tcp, full).await, "connect timed out after 300 ms");
    });
}

async fn echo(real: IpAddr) -> SocketAddr {
    let socket = UdpSocket::bind(at(real, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut datagram = [0; 2048];
        loop {
            let (length, from) = socket.recv_from(&mut datagram).await.unwrap();
            socket.send_to(&datagram[..length], from).await.unwrap();
        }
    });
    address
}

#[test]
fn an_answer_has_what_is_expected() {
    let bed = Bed::new();
    bed.run(async || {
        for real in REALS {
            let echo = echo(real).await;
            passes(udp(b"ping\0pong", Some(b"\0po")), echo).await;
            passes(udp(b"", Some(b"")), echo).await;
            passes(udp(b"ping", None), echo).await;
            let said = words(udp(b"ping\x1b", Some(b"pong")), echo).await;
            assert_eq!(said, r#"answer "ping\x1b" does not contain "pong""#);
        }
    });
}

#[test]
fn silence_passes_where_no_answer_is_expected() {
    let bed = Bed::new();
    bed.run(async || {
        let silent = UdpSocket::bind(at(REAL4, 0)).await.unwrap();
        let address = silent.local_addr().unwrap();
        assert_eq!(ask(udp(b"ping", None), SHORT, address).await, Ok(()));
        // It does not take the whole timeout, or this test would take a day.
        let day = Duration::from_hours(24);
        assert_eq!(ask(udp(b"ping", None), day, address).await, Ok(()));
        let said = late(udp(b"ping", Some(b"pong")), address).await;
        assert_eq!(said, "no answer within 300 ms");
    });
}

#[test]
fn a_closed_port_is_told_by_icmp() {
    let bed = Bed::new();
    bed.run(async || {
        for real in REALS {
            for probe in [udp(b"ping", None), udp(b"ping", Some(b"pong"))] {
                assert_eq!(words(probe, at(real, 9)).await, "port unreachable (ICMP)");
            }
        }
    });
}

#[test]
fn a_machine_echoes_or_does_not() {
    let bed = Bed::new();
    bed.run(async || {
        for real in REALS {
            passes(Probe::Ping, at(real, 0)).await;
        }
        let nowhere: IpAddr = "203.0.113.1".parse().unwrap();
        assert_eq!(words(Probe::Ping, at(nowhere, 0)).await, "network unreachable");
    });
    let quiet = [("ipv4/icmp_echo_ignore_all", "1"), ("ipv6/icmp/echo_ignore_all", "1")];
    bed.namespace.sysctl(&quiet).unwrap();
    bed.run(async || {
        for real in REALS {
            let said = late(Probe::Ping, at(real, 0)).await;
            assert_eq!(said, "no echo reply within 300 ms");
        }
    });
}
