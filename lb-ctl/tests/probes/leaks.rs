//! Probes that fail, or that nobody waits for any more, leave nothing behind.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use lb_ctl::config::check::{Dns, Probe, Tls, Udp};
use lb_ctl::health::Prober;
use lb_ctl::health::driver::Target;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::bed::{Bed, LONG, REAL4, at, check, prober};
use super::exec::script;
use super::faults::{grpc, http, smtp};
use super::faulty::{Fault, Faulty};

/// Probes of each kind.
const PROBES: usize = 1000;
/// At a time.
const ABREAST: usize = 64;
const BRIEF: Duration = Duration::from_millis(20);

/// What a process has that it could leave behind.
#[derive(PartialEq, Eq, Debug)]
struct Held {
    descriptors: usize,
    tasks: usize,
    threads: usize,
    children: String,
}

impl Held {
    fn now() -> Self {
        let count = |path| fs::read_dir(path).unwrap().count();
        let children = fs::read_dir("/proc/self/task").unwrap().filter_map(|thread| {
            // Other threads of the test's harness come and go.
            fs::read_to_string(thread.ok()?.path().join("children")).ok()
        });
        Self {
            descriptors: count("/proc/self/fd"),
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            threads: count("/proc/self/task"),
            children: children.collect(),
        }
    }
}

/// Sends many probes. All fail, or are dropped after `patience`.
async fn send(prober: &Prober, at: SocketAddr, patience: Duration) {
    let target = &Target { real: at.ip(), mark: None };
    let one = |_| async move {
        let result = timeout(patience, prober.probe(target)).await;
        assert!(!matches!(result, Ok(Ok(()))), "it is to fail");
    };
    stream::iter(0..PROBES).map(one).buffer_unordered(ABREAST).for_each(async |()| {}).await;
}

/// Failing, and dropped in the middle: nothing is held after either that was not before.
async fn leaves_nothing(name: &str, probe: Probe, at: SocketAddr) {
    // What is made once and kept is made now.
    let failing = prober(&check(probe.clone(), BRIEF), at.port());
    let dropped = prober(&check(probe, LONG), at.port());
    send_few(&failing, at).await;
    let before = settled(&Held::now()).await;
    send(&failing, at, LONG).await;
    let after = settled(&before).await;
    assert_eq!(after, before, "{name}, failing");
    send(&dropped, at, BRIEF).await;
    let after = settled(&before).await;
    assert_eq!(after, before, "{name}, dropped");
}

async fn send_few(prober: &Prober, at: SocketAddr) {
    let target = Target { real: at.ip(), mark: None };
    for _ in 0..4 {
        let _ = prober.probe(&target).await;
    }
    // The servers' halves of these end a moment later.
    sleep(Duration::from_millis(100)).await;
}

/// What is held once it is what is expected, or has been something else for long.
async fn settled(expected: &Held) -> Held {
    for _ in 0..500 {
        if Held::now() == *expected {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    Held::now()
}

#[test]
fn nothing_is_left_of_probes_by_connections() {
    let bed = Bed::alone();
    bed.run(async || {
        leaves_nothing("tcp refused", Probe::Tcp, at(REAL4, 9)).await;
        let tls = || Some(Tls::default());
        for fault in [Fault::Silent, Fault::Reset, Fault::Garbage] {
            let server = Faulty::start(fault).await;
            for (name, probe) in [
                ("http", http(None)),
                ("https", http(tls())),
                ("smtp", smtp()),
                ("grpc", grpc(None)),
                ("grpc by TLS", grpc(tls())),
            ] {
                leaves_nothing(&format!("{name} {fault:?}"), probe, server.address).await;
            }
        }
    });
}

#[test]
fn nothing_is_left_of_probes_by_packets() {
    let bed = Bed::alone();
    let quiet = [("ipv4/icmp_echo_ignore_all", "1")];
    bed.namespace.sysctl(&quiet).unwrap();
    bed.run(async || {
        let silent = UdpSocket::bind(at(REAL4, 0)).await.unwrap();
        let silent = silent.local_addr().unwrap();
        let udp = Udp { expect: Some(b"pong".to_vec()), ..Udp::default() };
        for at in [silent, at(REAL4, 9)] {
            leaves_nothing("udp", Probe::Udp(udp.clone()), at).await;
            leaves_nothing("dns", Probe::Dns(Dns::default()), at).await;
        }
        leaves_nothing("ping", Probe::Ping, at(REAL4, 0)).await;
    });
}

#[test]
fn nothing_is_left_of_probes_by_commands() {
    let bed = Bed::alone();
    bed.run(async || {
        let real = at(REAL4, 80);
        leaves_nothing("exit 1", script("exit 1", "nobody"), real).await;
        leaves_nothing("too long", script("sleep 1000 & wait", "nobody"), real).await;
    });
}
