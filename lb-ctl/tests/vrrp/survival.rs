//! Connections through the service go on while their director changes.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use bench::lab::{Director, DirectorBuilder, Echo, Host, Lab, VIP4, wait_until};
use bench::report::raise_file_limit;
use serde_json::{Value, json};

use crate::common::traffic::{ECHO, SOON, all_reals, given, introduce, service};
use crate::common::{lb_ctl, prepare_reals};
use crate::pair::{HIGH, INSTANCE, LOW, instance, second, wait, wait_for_address};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(VIP4), ECHO);
const REALS: u8 = 3;
/// The port by which the directors tell each other of connections.
const SYNC: u16 = 8475;
const CONNECTIONS: usize = 1_000;

/// What each connection sends at once, in bytes: several segments.
const LINE: usize = 4_000;

/// So many times every connection has sent something and got it back between two events.
const ROUNDS: usize = 3;

/// A connection that has more to say until its end.
struct Transfer {
    stream: BufReader<TcpStream>,
    real: String,
    lines: usize,
}

impl Transfer {
    fn open() -> Self {
        let stream = TcpStream::connect_timeout(&SERVER, SOON).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let stream = BufReader::new(stream);
        let mut transfer = Self { stream, real: String::new(), lines: 0 };
        transfer.send().unwrap();
        transfer.real = transfer.receive().unwrap();
        transfer
    }

    fn line(&self) -> String {
        format!("{:.<LINE$}\n", self.lines)
    }

    fn send(&mut self) -> io::Result<()> {
        self.lines += 1;
        let line = self.line();
        self.stream.get_mut().write_all(line.as_bytes())
    }

    /// Who has sent the last line back.
    fn receive(&mut self) -> io::Result<String> {
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        let label = answer.strip_suffix(&self.line()).and_then(|label| label.strip_suffix(": "));
        let other = || io::Error::other(format!("{} bytes that were not sent", answer.len()));
        label.map(str::to_owned).ok_or_else(other)
    }

    fn go_on(&mut self) -> Result<(), String> {
        match self.receive() {
            Ok(real) if real == self.real => Ok(()),
            other => Err(format!("line {} to {}: {other:?}", self.lines, self.real)),
        }
    }
}

/// All connections, each sending line after line, until they are stopped.
struct Transfers {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<String>>,
}

impl Transfers {
    fn start(client: &Host) -> Self {
        let open = || (0..CONNECTIONS).map(|_| Transfer::open()).collect::<Vec<_>>();
        let mut all = client.namespace.enter(open).unwrap();
        let mut reals: Vec<_> = all.iter().map(|transfer| transfer.real.clone()).collect();
        reals.sort_unstable();
        reals.dedup();
        assert_eq!(reals.len(), usize::from(REALS), "{reals:?}");
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let thread = thread::spawn({
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            move || {
                let mut broken = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    round(&mut all, &mut broken);
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                broken
            }
        });
        Self { stop, rounds, thread }
    }

    /// Waits until all have sent and got something that was not on its way yet.
    #[track_caller]
    fn go_on(&self) {
        let wanted = self.rounds.load(Ordering::Relaxed) + ROUNDS;
        wait("all transfers to go on", || self.rounds.load(Ordering::Relaxed) >= wanted);
    }

    /// Stops them, and says which were broken, and how.
    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Every connection sends a line, then gets it back. Those that are broken take no further part.
fn round(all: &mut Vec<Transfer>, broken: &mut Vec<String>) {
    let mut failed = |result: Result<(), String>| result.map_err(|why| broken.push(why)).is_ok();
    all.retain_mut(|transfer| failed(transfer.send().map_err(|error| error.to_string())));
    all.retain_mut(|transfer| failed(transfer.go_on()));
}

/// Both directors with the same service, and the first is master.
struct Site {
    // Dropped before the machines that they are on.
    _echoes: Vec<Echo>,
    first: Director,
    second: Director,
    lab: Lab,
}

impl Site {
    fn start() -> Self {
        Self::with("mh")
    }

    /// The same with another scheduler.
    fn with(scheduler: &str) -> Self {
        raise_file_limit().unwrap();
        let lab = crate::pair::lab(REALS);
        prepare_reals(&lab, &[SERVER.ip()]);
        let echoes = lab.reals.iter().map(|real| Echo::tcp(real, SERVER).unwrap()).collect();
        let hosts = [&lab.director, second(&lab)];
        let first = director(&lab, hosts, HIGH, scheduler);
        let second = director(&lab, [hosts[1], hosts[0]], LOW, scheduler);
        let site = Self { _echoes: echoes, first, second, lab };
        site.first.wait_for_role(INSTANCE, "MASTER").unwrap();
        wait_for_address(&site.lab, &site.lab.director, &VIP4.to_string());
        site
    }

    #[track_caller]
    fn second_is_master(&self, transfers: &Transfers) {
        self.second.wait_for_role(INSTANCE, "MASTER").unwrap();
        let before = forwarded(&self.second);
        transfers.go_on();
        let after = forwarded(&self.second);
        assert!(after > before, "the second director forwards nothing: {before}, {after}");
    }

    #[track_caller]
    fn first_is_back(&self, transfers: &Transfers) {
        self.first.wait_for_role(INSTANCE, "MASTER").unwrap();
        self.second.wait_for_role(INSTANCE, "BACKUP").unwrap();
        let before = forwarded(&self.first);
        transfers.go_on();
        let after = forwarded(&self.first);
        assert!(after > before, "the first director forwards nothing: {before}, {after}");
    }

    /// The first director loses its cable and gets it back.
    #[track_caller]
    fn survives_a_cut(&self, transfers: Transfers) {
        self.lab.cut(&self.lab.director, 0).unwrap();
        self.second_is_master(&transfers);
        self.lab.mend(&self.lab.director, 0).unwrap();
        self.first_is_back(&transfers);
        assert_eq!(transfers.stop(), Vec::<String>::new(), "of {CONNECTIONS} some are broken");
    }
}

/// A daemon that has resolved all reals, beside one on another host.
fn director(lab: &Lab, [host, other]: [&Host; 2], priority: u8, scheduler: &str) -> Director {
    introduce(host, lab.reals.iter());
    let service = service("tcp", SERVER.ip(), ECHO, &all_reals(lab, SERVER.ip()));
    let service = given(service, json!({ "scheduler": scheduler }));
    let router = instance(&json!({ "priority": priority }));
    let [listen, peer] = [host, other].map(|host| SocketAddr::from((host.ipv4, SYNC)));
    let sync = json!({ "listen": listen, "peers": [peer], "key": "what both directors know" });
    let vrrp = json!({ "instances": [router], "sync": sync });
    let definition = json!({ "services": [service], "vrrp": vrrp });
    let builder = DirectorBuilder::on_host(lab, host, lb_ctl(), lab.interfaces());
    let director = builder.start_with(&definition.to_string()).unwrap();
    wait("every real to be up", || {
        let reals = listed(&director)["services"][0]["reals"].clone();
        reals.as_array().unwrap().iter().all(|real| real["state"] == "up")
    });
    director
}

fn listed(director: &Director) -> Value {
    director.ctl_json(&["list"]).unwrap()
}

/// Packets that the director has forwarded.
fn forwarded(director: &Director) -> u64 {
    listed(director)["services"][0]["stats"]["packets"].as_u64().unwrap()
}

#[test]
fn a_cut_cable_breaks_no_connection() {
    let site = Site::start();
    let transfers = Transfers::start(&site.lab.client);
    transfers.go_on();
    site.survives_a_cut(transfers);
}

/// No hash tells the second director where they are.
#[test]
fn a_cut_cable_breaks_no_connection_that_took_its_turn() {
    let site = Site::with("rr");
    let transfers = Transfers::start(&site.lab.client);
    transfers.go_on();
    wait_until("the second director to know of all connections", SOON, || {
        let known = site.second.ctl_json::<Value>(&["list", "--connections"])?;
        let known = known["connections"].as_array().map_or(0, Vec::len);
        Ok(known == CONNECTIONS)
    })
    .unwrap();
    site.survives_a_cut(transfers);
}

/// Adverts stop; the dead one's address and its packet program stay in the kernel.
#[test]
fn a_killed_daemon_breaks_no_connection() {
    let mut site = Site::start();
    let transfers = Transfers::start(&site.lab.client);
    transfers.go_on();
    site.first.kill().unwrap();
    site.second_is_master(&transfers);
    site.first.start().unwrap();
    site.first_is_back(&transfers);
    assert_eq!(transfers.stop(), Vec::<String>::new(), "of {CONNECTIONS} some are broken");
}
