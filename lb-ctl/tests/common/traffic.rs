//! A bed with a running director, and what its client asks of it.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bench::lab::{Director, DirectorBuilder, Echo, Host, Lab, VIPS, WebServer, wait_until};
use bench::load::{self, Report};
use lb_ctl::api::wire;
use serde_json::{Value, json};

use super::flows::{Answers, Flow, UdpFlow};
use super::{lb_ctl, prepare_reals};

/// The port of the web servers.
pub(crate) const HTTP: u16 = 80;
/// The port of the echo servers.
pub(crate) const ECHO: u16 = 7;
/// Longer than anything takes that works.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A service of a definition file.
pub(crate) fn service(protocol: &str, vip: IpAddr, port: u16, reals: &[(IpAddr, u16)]) -> Value {
    let real = |(address, weight): &(IpAddr, u16)| json!({"address": address, "weight": weight});
    let reals: Vec<_> = reals.iter().map(real).collect();
    json!({"protocol": protocol, "vip": vip, "port": port, "reals": reals})
}

/// These services with every flow tracked: what their lists say of connections is exact.
pub(crate) fn tracked(mut services: Vec<Value>) -> Vec<Value> {
    for service in &mut services {
        service["tracking"] = json!("full");
    }
    services
}

/// The same service with more keys.
pub(crate) fn given(mut service: Value, keys: Value) -> Value {
    let Value::Object(keys) = keys else { panic!("{keys} are no keys") };
    for (key, value) in keys {
        service[key] = value;
    }
    service
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

/// Lets a director learn where its reals are, as one does that has served them before: then they
/// share the ring from the first packet on. Else it is the first one's that answers, until the
/// daemon has seen that there are no flows from before.
pub(crate) fn introduce<'a>(director: &Host, reals: impl Iterator<Item = &'a Host>) {
    for address in reals.flat_map(Host::addresses) {
        let words = ["ping", "-c", "1", "-W", "5", &address.to_string()];
        director.namespace.run(&words).unwrap();
    }
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
        introduce(&lab.director, lab.reals.iter());
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
        let found = list.services.iter().find(|s| (s.vip, s.port) == (vip, port.into()));
        found.unwrap_or_else(|| panic!("no service {vip} port {port} in {list:?}")).clone()
    }

    /// A TCP service, asked for alone.
    pub(crate) fn only(&self, vip: IpAddr, port: u16) -> wire::Service {
        let name = SocketAddr::from((vip, port)).to_string();
        let mut list: wire::List = self.director.ctl_json(&["list", "-t", &name]).unwrap();
        assert_eq!(list.services.len(), 1, "{list:?}");
        list.services.remove(0)
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
        Self::get_from(&self.lab.client, server, requests)
    }

    /// The same from another machine.
    pub(crate) fn get_from(client: &Host, server: SocketAddr, requests: u64) -> Answers {
        let asked = client.namespace.enter(|| {
            let mut report = Report::default();
            for _ in 0..requests {
                let start = Instant::now();
                let answer = load::get(server, "/");
                report.add(start.elapsed(), answer);
            }
            report
        });
        let report = asked.unwrap();
        assert_eq!(report.failed, 0, "requests to {server} failed: {report:?}");
        report.answers
    }

    /// Opens so many connections to an echo server.
    pub(crate) fn open(&self, server: SocketAddr, count: usize) -> Vec<Flow> {
        self.on_client(|| (0..count).map(|_| Flow::open(server)).collect())
    }

    /// Opens a connection to an echo server from one of the client's other addresses.
    pub(crate) fn open_from(&self, source: IpAddr, server: SocketAddr) -> Flow {
        self.on_client(|| Flow::open_from(source, server))
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
        Self::upload_from(&self.lab.client, server, file, name, web)
    }

    /// The same from another machine.
    pub(crate) fn upload_from(
        client: &Host,
        server: SocketAddr,
        file: &Path,
        name: &str,
        web: &[WebServer],
    ) -> PathBuf {
        let url = format!("http://{server}/upload/{name}");
        let words = ["curl", "-sSf", "-m60", "-T", file.to_str().unwrap(), &url];
        client.namespace.run(&words).unwrap();
        let mut stored: Vec<_> = web.iter().map(|server| server.uploaded(name)).collect();
        stored.retain(|path| path.exists());
        assert_eq!(stored.len(), 1, "one upload, stored as {stored:?}");
        stored.remove(0)
    }
}

/// Writes a file of so many bytes that cannot be guessed.
pub(crate) fn write_file(lab: &Lab, bytes: u64) -> PathBuf {
    let path = lab.files().join("random");
    let mut random = File::open("/dev/urandom").unwrap().take(bytes);
    io::copy(&mut random, &mut File::create(&path).unwrap()).unwrap();
    path
}
