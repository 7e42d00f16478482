//! A bed with a running director, and clients that notice who answers them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bench::lab::{Director, DirectorBuilder, Echo, Lab, VIPS, WebServer, wait_until};
use bench::load::{self, Report};
use lb_ctl::api::wire;
use serde_json::{Value, json};

use super::{lb_ctl, prepare_reals};

/// The port of the web servers.
pub(crate) const HTTP: u16 = 80;
/// The port of the echo servers.
pub(crate) const ECHO: u16 = 7;
/// Longer than anything takes that works.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Answers by real: `real 1` and how many.
pub(crate) type Answers = BTreeMap<String, u64>;

/// A service of a definition file.
pub(crate) fn service(protocol: &str, vip: IpAddr, port: u16, reals: &[(IpAddr, u16)]) -> Value {
    let real = |(address, weight): &(IpAddr, u16)| json!({"address": address, "weight": weight});
    let reals: Vec<_> = reals.iter().map(real).collect();
    json!({"protocol": protocol, "vip": vip, "port": port, "reals": reals})
}

/// A definition file.
pub(crate) fn definition(services: &[Value]) -> String {
    json!({ "services": services }).to_string()
}

/// All reals of the bed in the family of the VIP, with weight 1.
pub(crate) fn all_reals(lab: &Lab, vip: IpAddr) -> Vec<(IpAddr, u16)> {
    lab.reals.iter().map(|real| (real.address_like(vip), 1)).collect()
}

/// One service for each VIP on all reals of the bed.
pub(crate) fn services(lab: &Lab, protocol: &str, port: u16) -> Vec<Value> {
    VIPS.iter().map(|&vip| service(protocol, vip, port, &all_reals(lab, vip))).collect()
}

/// Echo servers on every real, for both VIPs.
pub(crate) fn start_echo(lab: &Lab, protocol: &str, port: u16) -> Vec<Echo> {
    let start = if protocol == "tcp" { Echo::tcp } else { Echo::udp };
    let addresses = lab.reals.iter().flat_map(|real| VIPS.map(|vip| (real, vip)));
    addresses.map(|(real, vip)| start(real, (vip, port).into()).unwrap()).collect()
}

/// A bed whose director serves. Servers on its reals are to be dropped before it.
pub(crate) struct Site {
    pub(crate) director: Director,
    pub(crate) lab: Lab,
}

impl Site {
    /// Prepares the reals, and starts the director with these services.
    pub(crate) fn start(lab: Lab, services: &[Value], arguments: &[&str]) -> Self {
        prepare_reals(&lab, &VIPS);
        let builder = arguments.iter().fold(DirectorBuilder::new(&lab, lb_ctl()), |b, word| {
            // Each word goes on the daemon's command line.
            b.argument(*word)
        });
        let director = builder.start_with(&definition(services)).unwrap();
        Self { director, lab }
    }

    /// The same, and waits until every real is up.
    pub(crate) fn ready(lab: Lab, services: &[Value], arguments: &[&str]) -> Self {
        let site = Self::start(lab, services, arguments);
        site.wait_until_up();
        site
    }

    pub(crate) fn wait_until_up(&self) {
        let up = |real: &wire::Real| real.state == wire::RealState::Up;
        let waited = wait_until("every real to be up", SOON, || {
            Ok(self.list().services.iter().all(|service| service.reals.iter().all(up)))
        });
        waited.unwrap_or_else(|error| panic!("{error}: {:#?}", self.list()));
    }

    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        self.director.ctl_ok(arguments).unwrap()
    }

    pub(crate) fn list(&self) -> wire::List {
        self.director.ctl_json(&["list"]).unwrap()
    }

    pub(crate) fn service(&self, vip: IpAddr, port: u16) -> wire::Service {
        let list = self.list();
        let found = list.services.iter().find(|s| (s.vip, s.port) == (vip, port));
        found.unwrap_or_else(|| panic!("no service {vip} port {port} in {list:?}")).clone()
    }

    /// A real of a service, by its address.
    pub(crate) fn real(&self, vip: IpAddr, port: u16, address: IpAddr) -> wire::Real {
        let service = self.service(vip, port);
        let found = service.reals.iter().find(|real| real.address == address);
        found.unwrap_or_else(|| panic!("no real {address} in {service:?}")).clone()
    }

    pub(crate) fn connections(&self) -> Vec<wire::Connection> {
        let all: wire::Connections = self.director.ctl_json(&["list", "--connections"]).unwrap();
        all.connections
    }

    pub(crate) fn status(&self) -> wire::Status {
        self.director.ctl_json(&["status"]).unwrap()
    }

    /// How many packets left the program for this reason.
    pub(crate) fn reason(&self, name: &str) -> u64 {
        let status = self.status();
        let found = status.packets.iter().find(|count| count.reason == name);
        found.unwrap_or_else(|| panic!("no reason {name} in {:?}", status.packets)).packets
    }

    /// The label by which the real with this address answers.
    pub(crate) fn label(&self, address: IpAddr) -> String {
        let owner = self.lab.reals.iter().find(|real| real.addresses().contains(&address));
        owner.unwrap_or_else(|| panic!("no real has {address}")).label()
    }

    pub(crate) fn on_client<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.lab.client.namespace.enter(work).unwrap()
    }

    /// Asks for `/` so many times, each on a connection of its own; none may fail.
    pub(crate) fn get(&self, server: SocketAddr, requests: u64) -> Answers {
        let report = self.on_client(|| {
            let mut report = Report::default();
            for _ in 0..requests {
                let start = Instant::now();
                let answer = load::get(server, "/");
                report.add(start.elapsed(), answer);
            }
            report
        });
        assert_eq!(report.failed, 0, "requests to {server} failed: {report:?}");
        report.answers
    }

    /// Opens so many connections to an echo server.
    pub(crate) fn open(&self, server: SocketAddr, count: usize) -> Vec<Flow> {
        self.on_client(|| (0..count).map(|_| Flow::open(server)).collect())
    }

    /// Opens so many UDP sockets for an echo server.
    pub(crate) fn open_udp(&self, server: SocketAddr, count: usize) -> Vec<UdpFlow> {
        self.on_client(|| (0..count).map(|_| UdpFlow::open(server)).collect())
    }

    /// Fetches a file from the client.
    pub(crate) fn download(&self, server: SocketAddr, path: &str) -> PathBuf {
        let copy = self.lab.files().join("copy");
        let url = format!("http://{server}{path}");
        let copy_name = copy.to_str().unwrap();
        self.lab.client.namespace.run(&["curl", "-sSf", "-m60", "-o", copy_name, &url]).unwrap();
        copy
    }

    /// Sends a file from the client, and returns where the one real that got it has stored it.
    pub(crate) fn upload(
        &self,
        server: SocketAddr,
        file: &Path,
        name: &str,
        web: &[WebServer],
    ) -> PathBuf {
        let url = format!("http://{server}/upload/{name}");
        let words = ["curl", "-sSf", "-m60", "-T", file.to_str().unwrap(), &url];
        self.lab.client.namespace.run(&words).unwrap();
        let mut stored: Vec<_> = web.iter().map(|server| server.uploaded(name)).collect();
        stored.retain(|path| path.exists());
        assert_eq!(stored.len(), 1, "one upload, stored as {stored:?}");
        stored.remove(0)
    }
}

/// A TCP connection to an echo server, and who was at its other end at first.
pub(crate) struct Flow {
    stream: BufReader<TcpStream>,
    words: u64,
    /// `real 1`, for example.
    pub(crate) real: String,
}

impl Flow {
    fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&server, SOON).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut flow = Self { stream: BufReader::new(stream), words: 0, real: String::new() };
        flow.real = flow.ask().unwrap();
        flow
    }

    /// Sends a word never sent before and returns who echoes it.
    pub(crate) fn ask(&mut self) -> io::Result<String> {
        self.words += 1;
        let word = format!("word {}", self.words);
        self.stream.get_mut().write_all(format!("{word}\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        let label = answer.strip_suffix(&format!(": {word}\n"));
        label.map(str::to_owned).ok_or_else(|| io::Error::other(format!("answer {answer:?}")))
    }

    pub(crate) fn port(&self) -> u16 {
        self.stream.get_ref().local_addr().unwrap().port()
    }
}

/// Every one of these connections must still be answered by the real it began with.
pub(crate) fn assert_all_stay<'a>(flows: impl IntoIterator<Item = &'a mut Flow>, when: &str) {
    // Each silent one takes a while; a few show what is wrong.
    const ENOUGH: usize = 3;
    let mut asked = 0;
    let mut wrong = Vec::new();
    for flow in flows {
        asked += 1;
        match flow.ask() {
            Ok(real) if real == flow.real => {}
            other => wrong.push(format!("number {asked}, of {}: {other:?}", flow.real)),
        }
        assert!(wrong.len() < ENOUGH, "{when}, connections are lost: {wrong:#?}");
    }
    assert!(wrong.is_empty(), "{when}, of {asked} connections some are lost: {wrong:#?}");
    assert!(asked > 0, "{when}, there are no connections to ask");
}

/// How many of the connections began with each real.
pub(crate) fn shares(flows: &[Flow]) -> Answers {
    let mut shares = Answers::new();
    for flow in flows {
        *shares.entry(flow.real.clone()).or_default() += 1;
    }
    shares
}

/// A UDP socket that talks to an echo server.
pub(crate) struct UdpFlow {
    socket: UdpSocket,
    server: SocketAddr,
    words: u64,
}

impl UdpFlow {
    fn open(server: SocketAddr) -> Self {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        Self { socket, server, words: 0 }
    }

    /// Sends a word never sent before, without waiting for the answer.
    pub(crate) fn send(&mut self) -> io::Result<String> {
        self.words += 1;
        let word = format!("word {}", self.words);
        self.socket.send_to(word.as_bytes(), self.server)?;
        Ok(word)
    }

    /// Sends a word never sent before and returns who echoes it, from the VIP.
    pub(crate) fn ask(&mut self) -> io::Result<String> {
        let word = self.send()?;
        let (answer, from) = self.receive()?;
        assert_eq!(from, self.server, "the answer {answer:?} comes from somewhere else");
        let label = answer.strip_suffix(&format!(": {word}"));
        label.map(str::to_owned).ok_or_else(|| io::Error::other(format!("answer {answer:?}")))
    }

    fn receive(&self) -> io::Result<(String, SocketAddr)> {
        let mut buffer = [0; 128];
        let (length, from) = self.socket.recv_from(&mut buffer)?;
        Ok((String::from_utf8_lossy(&buffer[..length]).into_owned(), from))
    }

    /// Nothing has come that was not asked for.
    pub(crate) fn assert_silent(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let answer = self.receive();
        self.socket.set_nonblocking(false).unwrap();
        assert!(answer.is_err(), "an answer that should not be: {answer:?}");
    }
}

/// Every one of so many reals has its share, by five standard deviations of a fair choice: less
/// than one run in a million fails by chance.
#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
pub(crate) fn assert_fair(answers: &Answers, reals: usize) {
    assert_eq!(answers.len(), reals, "not every real has answered: {answers:?}");
    let (total, share) = (answers.values().sum::<u64>() as f64, 1.0 / reals as f64);
    let deviation = (total * share * (1.0 - share)).sqrt();
    let fair = |count: &u64| (*count as f64 - total * share).abs() < 5.0 * deviation;
    assert!(answers.values().all(fair), "unfair shares: {answers:?}");
}

/// Writes a file of so many bytes that cannot be guessed.
pub(crate) fn write_file(lab: &Lab, bytes: u64) -> PathBuf {
    let path = lab.files().join("random");
    let mut random = File::open("/dev/urandom").unwrap().take(bytes);
    io::copy(&mut random, &mut File::create(&path).unwrap()).unwrap();
    path
}
