//! A director whose one interface is a bond of two, or a member of it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use bench::lab::{
    Director, DirectorBuilder, Lab, LabError, VIPS, WebServer, XdpMode, sha256, wait_until,
};

use crate::common::flows::{Flow, assert_all_stay};
use crate::common::lb_ctl;
use crate::common::traffic::{
    ECHO, HTTP, SOON, Site, definition, services, start_echo, write_file,
};
use crate::{FILE, SMALL};

#[test]
#[ignore = "needs the driver bonding: `cargo xtask test` runs it where there is one"]
fn a_bond_serves_and_so_does_a_member_by_itself() {
    let lab = Lab::builder().reals(2).bonded_director().build().unwrap();
    // The backup comes when the director serves already.
    lab.director.namespace.ip("link set dev eth1 nomaster\n").unwrap();
    let all = [services(&lab, "tcp", HTTP), services(&lab, "tcp", ECHO)].concat();
    let web = lab.start_web(HTTP).unwrap();
    let site = Site::ready(lab, &all, &SMALL);
    let director = &site.lab.director.namespace;
    assert_eq!(director.xdp_mode("bond0").unwrap(), Some(XdpMode::Native));
    director.ip("link set dev eth1 down\nlink set dev eth1 master bond0\n").unwrap();
    let file = write_file(&site.lab, FILE);
    assert_serves_by_whichever_is_active(&site, &web, &file);
    assert_member_is_refused(&site.lab);

    let Site { director, lab } = site;
    drop(director);
    let text = definition(&services(&lab, "tcp", HTTP));
    let director = start_on(&lab, &["eth1"], &text).unwrap();
    let site = Site { director, lab };
    site.wait_until_up();
    assert_eq!(site.lab.director.namespace.xdp_mode("eth1").unwrap(), Some(XdpMode::Native));
    for vip in VIPS {
        assert_upload_is_forwarded(&site, &web, &file, vip, "alone");
    }
}

fn assert_serves_by_whichever_is_active(site: &Site, web: &[WebServer], file: &Path) {
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let mut flows: Vec<Flow> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 4)).collect();
    let active = || site.lab.director.namespace.active_member("bond0").unwrap();
    for member in ["eth0", "eth1"] {
        assert_eq!(active().as_deref(), Some(member));
        for vip in VIPS {
            assert_upload_is_forwarded(site, web, file, vip, member);
        }
        assert_all_stay(&mut flows, member);
        if member == "eth0" {
            site.lab.cut(&site.lab.director, 0).unwrap();
            wait_until("the backup to take over", SOON, || Ok(active().as_deref() != Some("eth0")))
                .unwrap();
        }
    }
}

/// On a bed whose bond has the program.
fn assert_member_is_refused(lab: &Lab) {
    let log = refusal(lab, &["bond0", "eth1"]);
    let named = "interface eth1 is a member of the bond bond0, which is named as well";
    assert!(log.contains(named), "{log}");
    let log = refusal(lab, &["eth0"]);
    assert!(log.contains("it is a member of the bond bond0: name that one instead"), "{log}");
}

/// A file goes to a VIP through the director, and arrives whole. `way` names the upload.
fn assert_upload_is_forwarded(site: &Site, web: &[WebServer], file: &Path, vip: IpAddr, way: &str) {
    let before = site.service(vip, HTTP).stats.packets;
    let name = format!("{way}-v{}", if vip.is_ipv4() { 4 } else { 6 });
    let stored = site.upload(SocketAddr::from((vip, HTTP)), file, &name, web);
    assert_eq!(sha256(&stored).unwrap(), sha256(file).unwrap(), "upload {way} to {vip}");
    let packets = site.service(vip, HTTP).stats.packets - before;
    assert!(packets > FILE / 1500, "upload {way} to {vip}: {packets} packets through the director");
}

/// Starts a daemon on these interfaces, with this definition.
fn start_on(lab: &Lab, interfaces: &[&str], text: &str) -> Result<Director, LabError> {
    let builder = DirectorBuilder::on(lab, lb_ctl(), interfaces);
    SMALL.into_iter().fold(builder, DirectorBuilder::argument).start_with(text)
}

/// What a daemon logs that does not start on these interfaces.
fn refusal(lab: &Lab, interfaces: &[&str]) -> String {
    match start_on(lab, interfaces, "{}") {
        Err(LabError::Ended { log, .. }) => log,
        other => panic!("{interfaces:?}: {other:?}"),
    }
}
