//! Machines on one cable whose networks are VLANs: a client in VLAN 10, a real there and one in 20.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use bench::lab::{DirectorBuilder, Lab, LabBuilder, VIPS, WebServer, XdpMode, sha256};
use lb_common::vlan::{C_TAG, S_TAG, Tags};

use crate::common::flows::assert_fair;
use crate::common::traffic::{HTTP, Site, definition, services, write_file};
use crate::common::{lb_ctl, prepare_reals};
use crate::{FILE, SMALL, ways};

/// A trunk, and what its VLANs' interfaces are called.
struct Trunk {
    lab: Lab,
    web: Vec<WebServer>,
    near: &'static str,
    far: &'static str,
}

impl Trunk {
    fn build(bed: LabBuilder, near: &'static str, far: &'static str) -> Self {
        let lab = bed.reals(2).far_reals(1).build().unwrap();
        // What generic XDP sends on is not cut to size any more.
        let uncut = ["ethtool", "-K", "eth0", "tso", "off", "gso", "off"];
        lab.client.namespace.run(&uncut).unwrap();
        prepare_reals(&lab, &VIPS);
        let web = lab.start_web(HTTP).unwrap();
        Self { lab, web, near, far }
    }

    /// Both reals serve a director with the program on these interfaces.
    fn serves(self, interfaces: &[&str], mode: XdpMode) -> Self {
        let Self { lab, web, near, far } = self;
        let site = serve(lab, interfaces, mode);
        assert_both_serve(&site, &web, interfaces[0], [near, far]);
        let Site { lab, director } = site;
        drop(director);
        Self { lab, web, near, far }
    }

    /// The kernel's tables lead over the trunk, `tags` being those of a VLAN there.
    fn leads(self, tags: impl Fn(u16) -> Tags) {
        ways::assert_lead_over_the_trunk(&self.lab, [self.near, self.far], tags);
    }
}

fn serve(lab: Lab, interfaces: &[&str], mode: XdpMode) -> Site {
    let builder = DirectorBuilder::on(&lab, lb_ctl(), interfaces);
    let builder = SMALL.into_iter().fold(builder, DirectorBuilder::argument);
    let text = definition(&services(&lab, "tcp", HTTP));
    let site = Site { director: builder.start_with(&text).unwrap(), lab };
    site.wait_until_up();
    for interface in interfaces {
        let namespace = &site.lab.director.namespace;
        assert_eq!(namespace.xdp_mode(interface).unwrap(), Some(mode), "{interface}");
    }
    site
}

/// Requests and uploads go to both reals, through the director.
fn assert_both_serve(site: &Site, web: &[WebServer], name: &str, shown_on: [&str; 2]) {
    let file = write_file(&site.lab, FILE);
    for vip in VIPS {
        assert_fair(&site.get((vip, HTTP).into(), 30), 2);
        let uploads = upload_to_both(site, web, &file, (vip, name));
        let service = site.service(vip, HTTP);
        assert_eq!(service.stats.connections, 30 + uploads, "{service:?}");
        for (host, interface) in site.lab.reals.iter().zip(shown_on) {
            let shown = service.reals.iter().find(|real| real.address == host.address_like(vip));
            let shown = shown.unwrap();
            assert_eq!(shown.interface.as_deref(), Some(interface), "{shown:?}");
            assert!(shown.stats.packets > FILE / 1500, "not all through the director: {shown:?}");
        }
    }
}

/// Uploads until both reals have a file, and returns how many it took. All arrive whole.
fn upload_to_both(site: &Site, web: &[WebServer], file: &Path, (vip, name): (IpAddr, &str)) -> u64 {
    let sum = sha256(file).unwrap();
    let mut served = BTreeSet::new();
    for number in 1..=20 {
        let name = format!("{name}-{number}-v{}", if vip.is_ipv4() { 4 } else { 6 });
        let stored = site.upload((vip, HTTP).into(), file, &name, web);
        assert_eq!(sha256(&stored).unwrap(), sum, "upload {number} to {vip}");
        served.insert(stored.parent().unwrap().to_owned());
        if served.len() == web.len() {
            return number;
        }
    }
    panic!("all uploads to {vip} have gone to one real: {served:?}");
}

#[test]
#[ignore = "needs the driver 8021q: `cargo xtask test` runs it where there is one"]
fn a_trunk_serves() {
    let trunk = Trunk::build(Lab::builder().trunk(), "eth0.10", "eth0.20");
    let trunk = trunk.serves(&["eth0"], XdpMode::Native);
    let trunk = trunk.serves(&["eth0.10", "eth0.20"], XdpMode::Generic);
    trunk.leads(|vlan| Tags::one(C_TAG, vlan));
}

#[test]
#[ignore = "needs the driver 8021q: `cargo xtask test` runs it where there is one"]
fn a_trunk_within_a_providers_vlan_serves() {
    let trunk = Trunk::build(Lab::builder().trunk_within(100), "eth0.100.10", "eth0.100.20");
    let trunk = trunk.serves(&["eth0"], XdpMode::Native);
    trunk.leads(|vlan| Tags::two((S_TAG, 100), (C_TAG, vlan)));
}
