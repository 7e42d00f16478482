//! The daemon goes and comes back, and clients notice nothing. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bench::lab::{Director, DirectorBuilder, Lab, VIPS, XdpMode, wait_until};
use bench::load::HttpLoad;
use common::flows::{UdpFlow, assert_all_stay, assert_fair};
use common::lb_ctl;
use common::traffic::{ECHO, HTTP, SOON, Site, services, start_echo, tracked};
use lb_ctl::api::wire;

const PAUSE: Duration = Duration::from_millis(1);
/// A lost SYN costs its client a second (RFC 6298), so that no slower request has lost one.
const SYN_RETRY: Duration = Duration::from_secs(1);

fn site(arguments: &[&str]) -> Site {
    let lab = Lab::builder().build().unwrap();
    let untracked = [("tcp", HTTP), ("udp", ECHO + 1)];
    let untracked = untracked.map(|(protocol, port)| services(&lab, protocol, port)).concat();
    let all = [tracked(services(&lab, "tcp", ECHO)), untracked].concat();
    Site::ready(lab, &all, arguments)
}

/// Numbered datagrams, each sent when the one before is answered. The first that is not ends them.
struct Datagrams {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    worker: JoinHandle<Result<(), String>>,
}

impl Datagrams {
    fn start(mut flow: UdpFlow) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&answered));
        let worker = thread::spawn(move || {
            let real = flow.ask().map_err(|error| error.to_string())?;
            while !stopped.load(Ordering::Relaxed) {
                match flow.ask() {
                    Ok(answer) if answer == real => count.fetch_add(1, Ordering::Relaxed),
                    other => {
                        let number = count.load(Ordering::Relaxed) + 1;
                        return Err(format!("datagram {number} to {real}: {other:?}"));
                    }
                };
                thread::sleep(PAUSE);
            }
            Ok(())
        });
        Self { stop, answered, worker }
    }

    fn finish(self) -> Result<(), String> {
        self.stop.store(true, Ordering::Relaxed);
        self.worker.join().unwrap()
    }
}

/// Requests and datagrams to both VIPs.
struct Load {
    http: Vec<HttpLoad>,
    udp: Vec<Datagrams>,
}

impl Load {
    fn start(site: &Site) -> Self {
        let http = |vip| HttpLoad::start(&site.lab.client, (vip, HTTP).into(), 1, PAUSE);
        let udp = |vip: IpAddr| {
            let server = SocketAddr::from((vip, ECHO + 1));
            Datagrams::start(site.open_udp(server, 1).remove(0))
        };
        Self { http: VIPS.map(http).into(), udp: VIPS.map(udp).into() }
    }

    fn counts(&self) -> Vec<u64> {
        let http = self.http.iter().map(|load| load.report().total());
        http.chain(self.udp.iter().map(|load| load.answered.load(Ordering::Relaxed))).collect()
    }

    /// Waits until each part of the load has got through so many more.
    fn go_on(&self, when: &str, more: u64) {
        let before = self.counts();
        let waited = wait_until(&format!("the load {when}"), SOON, || {
            Ok(self.counts().iter().zip(&before).all(|(now, before)| *now >= before + more))
        });
        waited.unwrap_or_else(|error| panic!("{error}: from {before:?} to {:?}", self.counts()));
    }

    fn assert_nothing_lost(self) {
        for load in self.http {
            let report = load.finish().unwrap();
            assert_eq!(report.failed, 0, "{report:?}");
            assert!(report.slowest < SYN_RETRY, "a packet was lost and sent again: {report:?}");
            assert_fair(&report.answers, 3);
        }
        for load in self.udp {
            load.finish().unwrap();
        }
    }
}

/// What must be the same after a daemon has taken over: all but the counters.
fn definitions(site: &Site) -> Vec<wire::Service> {
    let mut services = site.list().services;
    for service in &mut services {
        service.stats = wire::Stats::default();
        for real in &mut service.reals {
            real.stats = wire::Stats::default();
            (real.active_connections, real.inactive_connections) = (0, 0);
        }
    }
    services
}

/// Client, port and real of each connection that lives.
fn living(site: &Site) -> BTreeSet<(IpAddr, u16, IpAddr)> {
    let all = site.connections().into_iter();
    let echo = all.filter(|one| one.port == ECHO && one.state == "ESTABLISHED");
    echo.map(|one| (one.client, one.client_port, one.real)).collect()
}

#[test]
fn a_daemon_killed_under_load_loses_nothing_and_its_successor_takes_over() {
    let mut site = site(&[]);
    let _web = site.lab.start_web(HTTP).unwrap();
    let _echo = [start_echo(&site.lab, "tcp", ECHO), start_echo(&site.lab, "udp", ECHO + 1)];
    let mut flows =
        VIPS.map(|vip| site.open((vip, ECHO).into(), 20)).into_iter().flatten().collect::<Vec<_>>();
    let before = (definitions(&site), living(&site), site.status());
    assert!(!before.2.adopted, "there was nothing to take over");
    assert_eq!(before.1.len(), 40);

    let load = Load::start(&site);
    load.go_on("at first", 50);
    let served = site.service(VIPS[0], HTTP).stats;
    site.director.kill().unwrap();
    load.go_on("without a daemon", 200);
    assert_all_stay(&mut flows, "without a daemon");
    site.director.start().unwrap();
    load.go_on("with a new daemon", 200);
    load.assert_nothing_lost();

    assert_eq!(definitions(&site), before.0);
    assert_eq!(living(&site), before.1);
    let status = site.status();
    assert!(status.adopted, "{status:?}");
    assert_ne!(status.pid, before.2.pid);
    let link = |status: &wire::Status| status.interfaces[0].link_id;
    assert_eq!(link(&status), link(&before.2), "it was detached and attached again");
    let now = site.service(VIPS[0], HTTP).stats;
    assert!(now.connections >= served.connections + 400, "from {served:?} to {now:?}");
    assert_all_stay(&mut flows, "with a new daemon");
}

#[test]
fn a_daemon_told_to_leave_leaves_forwarding_on() {
    let mut site = site(&[]);
    let _web = site.lab.start_web(HTTP).unwrap();
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let mut flows =
        VIPS.map(|vip| site.open((vip, ECHO).into(), 10)).into_iter().flatten().collect::<Vec<_>>();
    let before = (definitions(&site), living(&site));
    let status = site.director.stop().unwrap();
    assert!(status.is_some_and(|status| status.success()), "{status:?}");

    let mode = site.lab.director.namespace.xdp_mode("eth0").unwrap();
    assert_eq!(mode, Some(XdpMode::Native));
    for vip in VIPS {
        assert_fair(&site.get((vip, HTTP).into(), 150), 3);
    }
    assert_all_stay(&mut flows, "without a daemon");

    site.director.start().unwrap();
    assert!(site.status().adopted);
    assert_eq!((definitions(&site), living(&site)), before);
    assert_all_stay(&mut flows, "with a new daemon");
}

#[test]
fn a_daemon_started_in_another_mode_changes_over() {
    let mut site = site(&[]);
    let _web = site.lab.start_web(HTTP).unwrap();
    let attached = |site: &Site| site.lab.director.namespace.xdp_mode("eth0").unwrap();
    assert_eq!(attached(&site), Some(XdpMode::Native));
    // Each removes the common pins when it is dropped.
    let mut later: Vec<Director> = Vec::new();
    for (mode, expected) in [("generic", XdpMode::Generic), ("native", XdpMode::Native)] {
        later.last_mut().unwrap_or(&mut site.director).stop().unwrap();
        let builder = DirectorBuilder::new(&site.lab, lb_ctl()).like(&site.director);
        later.push(builder.argument("--mode").argument(mode).start().unwrap());
        assert_eq!(attached(&site), Some(expected));
        assert_eq!(site.status().interfaces[0].mode.as_deref(), Some(mode));
        for vip in VIPS {
            assert_fair(&site.get((vip, HTTP).into(), 60), 3);
        }
    }
}

#[test]
fn a_daemon_told_to_detach_on_exit_leaves_nothing() {
    let mut site = site(&["--detach-on-exit"]);
    let _web = site.lab.start_web(HTTP).unwrap();
    let director = &site.lab.director.namespace;
    let before = director.run(&["ip", "-br", "address", "show", "dev", "eth0"]).unwrap();
    for vip in VIPS {
        assert!(before.contains(&format!("{vip}/")), "{before}");
        assert_fair(&site.get((vip, HTTP).into(), 60), 3);
    }
    let pins = site.director.pins().to_owned();
    assert!(pins.join("links/eth0").exists());

    let status = site.director.stop().unwrap();
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    assert_eq!(director.xdp_mode("eth0").unwrap(), None);
    let after = director.run(&["ip", "-br", "address", "show", "dev", "eth0"]).unwrap();
    assert!(VIPS.iter().all(|vip| !after.contains(&format!("{vip}/"))), "{after}");
    let own = site.lab.director.addresses();
    assert!(own.iter().all(|own| after.contains(&format!("{own}/"))), "{after}");
    assert!(!pins.exists(), "{} is still there", pins.display());
}

#[test]
fn a_mode_that_the_driver_refuses_leaves_the_old_one_forwarding() {
    let lab = Lab::builder().reals(1).build().unwrap();
    let director = &lab.director.namespace;
    // A bridge has no native XDP.
    director.ip("link add br0 type bridge\nlink set br0 up\n").unwrap();
    let mut first = DirectorBuilder::on(&lab, lb_ctl(), &["br0"]).start().unwrap();
    assert_eq!(director.xdp_mode("br0").unwrap(), Some(XdpMode::Generic));
    let status: wire::Status = first.ctl_json(&["status"]).unwrap();
    let reason = &status.interfaces[0].reason;
    assert!(reason.contains("the driver has no native XDP"), "{reason}");
    first.stop().unwrap();

    let mut second = director.command(lb_ctl());
    second.args(["daemon", "--interface", "br0", "--mode", "native", "--socket"]);
    second.arg(first.socket()).arg("--pin-dir").arg(first.pins());
    let ended = second.arg("--config").arg(first.definition_path()).output().unwrap();
    let refused = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{refused}");
    assert!(refused.contains("cannot attach to br0: native mode"), "{refused}");
    assert_eq!(director.xdp_mode("br0").unwrap(), Some(XdpMode::Generic), "as before");
    first.start().unwrap();
    let status: wire::Status = first.ctl_json(&["status"]).unwrap();
    assert!(status.adopted, "{status:?}");
}

#[test]
fn tables_of_another_size_are_filled_before_they_are_used() {
    let mut site = site(&[]);
    let _web = site.lab.start_web(HTTP).unwrap();
    let _echo = [start_echo(&site.lab, "tcp", ECHO), start_echo(&site.lab, "udp", ECHO + 1)];
    let mut flows =
        VIPS.map(|vip| site.open((vip, ECHO).into(), 20)).into_iter().flatten().collect::<Vec<_>>();
    let load = Load::start(&site);
    load.go_on("at first", 50);
    site.director.stop().unwrap();

    let builder = DirectorBuilder::new(&site.lab, lb_ctl()).like(&site.director);
    let _later = builder.argument("--max-connections").argument("2048").start().unwrap();
    load.go_on("with other tables", 50);
    load.assert_nothing_lost();
    // The new tables remember nobody, and the rings are as before.
    assert_all_stay(&mut flows, "with other tables");
    let status = site.status();
    assert!(!status.adopted, "{status:?}");
    let room: Vec<_> = status.maps.iter().filter(|map| map.name.starts_with("CONNS")).collect();
    assert!(room.iter().all(|map| map.capacity == 2048) && room.len() == 2, "{room:?}");
    let pins = std::fs::read_dir(site.director.pins()).unwrap();
    let names = pins.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let tables: Vec<_> = names.filter(|name| name.starts_with("maps-")).collect();
    assert_eq!(tables.len(), 1, "the old tables are gone: {tables:?}");
}
