//! Other beds: behind NAT, over two interfaces, in generic mode, with a card changed, on a switch
//! that floods. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use bench::lab::{
    Counters, Host, Lab, PUBLIC4, PUBLIC6, VIPS, WebServer, XdpMode, sha256, wait_until,
};
use common::flows::{Flow, assert_all_stay, assert_fair};
use common::traffic::{ECHO, HTTP, SOON, Site, service, services, start_echo, write_file};

/// Bytes of a file that takes many packets, and many superframes.
const FILE: u64 = 8_000_000;

fn http_site(lab: Lab, arguments: &[&str]) -> (Vec<WebServer>, Site) {
    let services = services(&lab, "tcp", HTTP);
    let web = lab.start_web(HTTP).unwrap();
    (web, Site::ready(lab, &services, arguments))
}

/// Files go through whole both ways, whichever real they come from or go to.
fn assert_intact(site: &Site, web: &[WebServer], server: SocketAddr, file: &Path) {
    let sum = sha256(file).unwrap();
    for server in web {
        std::fs::copy(file, server.uploaded("down")).unwrap();
    }
    for number in 0..6 {
        let copy = site.download(server, "/upload/down");
        assert_eq!(sha256(&copy).unwrap(), sum, "download {number} from {server}");
        let name = format!("{number}-v{}", if server.is_ipv4() { 4 } else { 6 });
        let stored = site.upload(server, file, &name, web);
        assert_eq!(sha256(&stored).unwrap(), sum, "upload {number} to {server}");
    }
}

fn counters(host: &Host, interface: &str) -> Counters {
    host.namespace.counters(interface).unwrap()
}

#[test]
fn a_client_behind_a_nat_router_is_served_at_the_public_address() {
    const PUBLIC_PORT: u16 = 80;
    let lab = Lab::builder().nat_router(PUBLIC_PORT).build().unwrap();
    let (web, site) = http_site(lab, &[]);
    let file = write_file(&site.lab, FILE);
    let public: [IpAddr; 2] = [PUBLIC4.into(), PUBLIC6.into()];
    for (address, vip) in public.into_iter().zip(VIPS) {
        let server = SocketAddr::from((address, PUBLIC_PORT));
        assert_fair(&site.get(server, 200), 3);
        assert_intact(&site, &web, server, &file);
        let stats = site.service(vip, HTTP).stats;
        assert_eq!(stats.connections, 200 + 12, "not all went through the director: {stats:?}");
    }
}

#[test]
fn a_changed_mac_is_followed_within_a_second() {
    const NEW: &str = "02:00:00:00:99:01";
    let lab = Lab::builder().build().unwrap();
    let services = services(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let mut flows: Vec<Flow> =
        VIPS.iter().flat_map(|vip| site.open((*vip, ECHO).into(), 30)).collect();
    let moved = &site.lab.reals[0];
    let listed = |vip| site.real(vip, ECHO, moved.address_like(vip)).mac;
    assert!(VIPS.iter().all(|vip| listed(*vip).is_some_and(|mac| mac != NEW)));

    let start = Instant::now();
    moved.namespace.set_mac("eth0", NEW).unwrap();
    let theirs: Vec<_> = flows.iter_mut().filter(|flow| flow.real == "real 1").collect();
    assert!(theirs.len() >= 4, "{} connections of 60 are of real 1", theirs.len());
    assert_all_stay(theirs, "with another MAC");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "the change was followed after {took:?}");
    assert_eq!(VIPS.map(listed), [Some(NEW.to_owned()), Some(NEW.to_owned())]);
    assert_all_stay(&mut flows, "in the end");
}

#[test]
fn reals_behind_a_second_interface_get_their_share() {
    let lab = Lab::builder().far_reals(1).build().unwrap();
    let (web, site) = http_site(lab, &[]);
    let file = write_file(&site.lab, FILE);
    let far = &site.lab.reals[2];
    for interface in ["eth0", "eth1"] {
        let mode = site.lab.director.namespace.xdp_mode(interface).unwrap();
        assert_eq!(mode, Some(XdpMode::Native), "{interface}");
    }
    for vip in VIPS {
        let (before, redirected) =
            (counters(&site.lab.director, "eth1"), site.reason("forwarded-redirect"));
        let server = SocketAddr::from((vip, HTTP));
        let answers = site.get(server, 300);
        assert_fair(&answers, 3);
        assert_intact(&site, &web, server, &file);

        let near = site.real(vip, HTTP, site.lab.reals[0].address_like(vip));
        let far = site.real(vip, HTTP, far.address_like(vip));
        assert_eq!(near.interface.as_deref(), Some("eth0"), "{near:?}");
        assert_eq!(far.interface.as_deref(), Some("eth1"), "{far:?}");
        let redirected = site.reason("forwarded-redirect") - redirected;
        assert_eq!(redirected, far.stats.packets, "{far:?}");
        assert!(redirected >= 4 * answers["real 3"], "{redirected} packets for {answers:?}");
        let sent = (counters(&site.lab.director, "eth1") - before).tx_packets;
        assert!(sent >= redirected, "{redirected} redirected, {sent} sent");
    }
    let stored = web.iter().map(|server| server.uploaded("x").parent().unwrap().to_owned());
    let of_each: Vec<_> = stored.map(|folder| folder.read_dir().unwrap().count()).collect();
    assert!(of_each[2] > 1, "no upload has gone to the far real: {of_each:?}");
}

#[test]
fn generic_mode_serves_and_says_so() {
    let lab = Lab::builder().build().unwrap();
    // What generic XDP sends on is not cut to size any more.
    let uncut = ["ethtool", "-K", "eth0", "tso", "off", "gso", "off"];
    lab.client.namespace.run(&uncut).unwrap();
    let (web, site) = http_site(lab, &["--mode", "generic"]);
    let file = write_file(&site.lab, FILE);
    let mode = site.lab.director.namespace.xdp_mode("eth0").unwrap();
    assert_eq!(mode, Some(XdpMode::Generic));
    let interface = site.status().interfaces.remove(0);
    assert_eq!((interface.mode.as_deref(), &*interface.reason), (Some("generic"), "asked for"));
    assert!(site.ctl(&["status"]).contains("generic"), "{}", site.ctl(&["status"]));
    for vip in VIPS {
        let server = SocketAddr::from((vip, HTTP));
        assert_fair(&site.get(server, 200), 3);
        assert_intact(&site, &web, server, &file);
        assert_eq!(site.service(vip, HTTP).stats.connections, 212);
    }
}

/// A director that took for its own the frames that it has just sent to a real, and that a switch
/// floods, would send them round for ever.
#[test]
fn a_flooded_frame_for_somebody_else_is_not_forwarded() {
    const FRAMES: u64 = 20;
    const NOBODY: &str = "02:00:00:00:99:99";
    let lab = Lab::builder().reals(2).far_reals(1).build().unwrap();
    // One service whose real is behind the same interface, and one whose real is not.
    let ports = [ECHO, ECHO + 1];
    let reals = ports.iter().zip(&lab.reals);
    let services: Vec<_> = reals
        .flat_map(|(port, real)| {
            VIPS.map(|vip| service("udp", vip, *port, &[(real.address_like(vip), 1)]))
        })
        .collect();
    let site = Site::ready(lab, &services, &[]);
    let _echo = ports.map(|port| start_echo(&site.lab, "udp", port));
    let mac = site.lab.director.namespace.mac("eth0").unwrap();
    for vip in VIPS {
        let send_to = |mac: &str| {
            let line = format!("neigh replace {vip} lladdr {mac} dev eth0 nud permanent\n");
            site.lab.client.namespace.ip(&line).unwrap();
        };
        for (port, label) in ports.into_iter().zip(["real 1", "real 2"]) {
            let mut flow = site.open_udp((vip, port).into(), 1).remove(0);
            send_to(NOBODY);
            let (other, forwarded) = (site.reason("other-host"), site.service(vip, port).stats);
            for _ in 0..FRAMES {
                flow.send().unwrap();
            }
            wait_until("the director to see the frames", SOON, || {
                Ok(site.reason("other-host") >= other + FRAMES)
            })
            .unwrap();
            assert_eq!(site.reason("other-host"), other + FRAMES);
            assert_eq!(site.service(vip, port).stats, forwarded, "frames of others forwarded");

            // The same datagram in a frame to the director is answered, and by one real once.
            send_to(&mac);
            assert_eq!(flow.ask().unwrap(), label, "port {port}: who answers");
            flow.assert_silent();
        }
    }
}

#[test]
fn jumbo_frames_of_several_buffers_arrive_whole() {
    let lab = Lab::builder().mtu(9000).build().unwrap();
    let (web, site) = http_site(lab, &[]);
    let file = write_file(&site.lab, FILE);
    assert_eq!(site.lab.director.namespace.xdp_mode("eth0").unwrap(), Some(XdpMode::Native));
    for vip in VIPS {
        assert_intact(&site, &web, (vip, HTTP).into(), &file);
        let stats = site.service(vip, HTTP).stats;
        // One buffer of a veth holds 3,506 bytes: with the acknowledgements of the download
        // counted in, the frames of the upload must have been of several.
        assert!(stats.bytes / stats.packets > 3506, "{vip}: {stats:?}");
    }
}
