//! What must go on while traces come and go, and while the daemon does.

use std::path::Path;
use std::time::Duration;

use aya::programs::links::{FdLink, PinnedLink};
use bench::lab::{Lab, VIPS, sha256, wait_until};
use bench::load::HttpLoad;

use crate::common::traffic::{HTTP, SOON, Site, services, write_file};
use crate::site;
use crate::tracer::Tracer;

const PAUSE: Duration = Duration::from_millis(1);
/// A lost SYN costs its client a second (RFC 6298), so that no slower request has lost one.
const SYN_RETRY: Duration = Duration::from_secs(1);

/// Requests to both VIPs.
struct Load(Vec<HttpLoad>);

impl Load {
    fn start(site: &Site) -> Self {
        let start = |vip| HttpLoad::start(&site.lab.client, (vip, HTTP).into(), 1, PAUSE);
        Self(VIPS.map(start).into())
    }

    fn counts(&self) -> Vec<u64> {
        self.0.iter().map(|load| load.report().total()).collect()
    }

    /// Waits until so many more requests to each have ended.
    fn go_on(&self, when: &str, more: u64) {
        let before = self.counts();
        let waited = wait_until(&format!("the load {when}"), SOON, || {
            Ok(self.counts().iter().zip(&before).all(|(now, before)| *now >= before + more))
        });
        waited.unwrap_or_else(|error| panic!("{error}: from {before:?} to {:?}", self.counts()));
    }

    fn assert_nothing_lost(self) {
        for load in self.0 {
            let report = load.finish().unwrap();
            assert_eq!(report.failed, 0, "{report:?}");
            assert!(report.slowest < SYN_RETRY, "a packet was lost and sent again: {report:?}");
        }
    }
}

/// The program of the link that the daemon has pinned for an interface.
fn program_on(pins: &Path, interface: &str) -> u32 {
    let link = PinnedLink::from_pin(pins.join("links").join(interface)).unwrap();
    FdLink::from(link).info().unwrap().program_id()
}

#[test]
fn nothing_is_lost_while_traces_begin_and_end() {
    let site = site(|_| Vec::new());
    let _web = site.lab.start_web(HTTP).unwrap();
    let load = Load::start(&site);
    load.go_on("at first", 50);
    for round in 0..3 {
        let tracer = Tracer::start(&site, &["--every", "7"]);
        load.go_on("while it is traced", 100);
        tracer.wait_for(1);
        tracer.interrupt(&site);
        load.go_on(&format!("after trace {round}"), 50);
    }
    load.assert_nothing_lost();
}

#[test]
fn frames_of_several_buffers_are_traced_and_arrive_whole() {
    let lab = Lab::builder().mtu(9000).build().unwrap();
    let services = services(&lab, "tcp", HTTP);
    let site = Site::ready(lab, &services, &["--max-connections", "4096"]);
    let web = site.lab.start_web(HTTP).unwrap();
    let file = write_file(&site.lab, 100 << 20);
    let sum = sha256(&file).unwrap();
    for (vip, name) in VIPS.into_iter().zip(["v4", "v6"]) {
        let tracer = Tracer::start(&site, &["--every", "100"]);
        let stored = site.upload((vip, HTTP).into(), &file, name, &web);
        assert_eq!(sha256(&stored).unwrap(), sum, "upload to {vip}");
        tracer.wait_for(10);
        let packets = tracer.interrupt(&site);
        let large = packets.iter().filter(|packet| packet.length > 8000);
        for packet in large.clone() {
            assert_eq!(packet.frame_bytes().unwrap().len(), 128, "{packet:?}");
        }
        assert!(large.count() > 0, "no large frame among {}", packets.len());
    }
}

#[test]
fn a_daemon_killed_while_it_traces_leaves_forwarding_on() {
    let mut site = site(|_| Vec::new());
    let _web = site.lab.start_web(HTTP).unwrap();
    let before = site.status();
    let load = Load::start(&site);
    // More than the ring buffer holds.
    let mut tracer = Tracer::start(&site, &[]);
    tracer.wait_for(10);
    let tracing = site.status().program_id;
    site.director.kill().unwrap();
    assert_eq!(tracer.ended(), Some(1), "{}", tracer.complaint());
    assert!(tracer.complaint().contains("broke off"), "{}", tracer.complaint());
    assert_eq!(program_on(site.director.pins(), "eth0"), tracing, "it stays");
    load.go_on("with nobody to tell", 1000);

    site.director.start().unwrap();
    load.go_on("with a new daemon", 100);
    let status = site.status();
    assert!(status.adopted && !status.tracing, "{status:?}");
    assert_eq!(program_on(site.director.pins(), "eth0"), status.program_id);
    assert_eq!(status.interfaces[0].mode, before.interfaces[0].mode);
    assert_eq!(status.interfaces[0].link_id, before.interfaces[0].link_id, "it was detached");
    let tracer = Tracer::start(&site, &["--count", "10"]);
    tracer.finish(&site);
    load.assert_nothing_lost();
}

#[test]
fn a_daemon_told_to_leave_puts_the_other_program_back() {
    let mut site = site(|_| Vec::new());
    let _web = site.lab.start_web(HTTP).unwrap();
    let before = site.status();
    let load = Load::start(&site);
    let mut tracer = Tracer::start(&site, &[]);
    tracer.wait_for(10);
    let ended = site.director.stop().unwrap();
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    assert_eq!(tracer.ended(), Some(0), "{}", tracer.complaint());
    assert_eq!(program_on(site.director.pins(), "eth0"), before.program_id);
    load.go_on("without a daemon", 100);
    load.assert_nothing_lost();
}
