//! Other beds: behind NAT, over two interfaces, in generic mode, with a card changed, on a switch
//! that floods. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use bench::lab::{
    Counters, DirectorBuilder, Host, Lab, PUBLIC4, PUBLIC6, SIDE_VIPS, VIPS, WebServer, XdpMode,
    sha256, wait_until,
};
use common::flows::{Flow, assert_all_stay, assert_fair};
use common::prepare_reals;
use common::traffic::{
    ECHO, HTTP, SOON, Site, all_reals, definition, service, services, start_echo, write_file,
};

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
fn clients_on_two_interfaces_reach_the_reals_behind_a_third() {
    let lab = Lab::builder().reals(2).far_reals(2).second_client().build().unwrap();
    prepare_reals(&lab, &SIDE_VIPS);
    let vips = VIPS.into_iter().chain(SIDE_VIPS);
    let services: Vec<_> =
        vips.map(|vip| service("tcp", vip, HTTP, &all_reals(&lab, vip))).collect();
    let web = lab.start_web(HTTP).unwrap();
    let site = Site::ready(lab, &services, &[]);
    let file = write_file(&site.lab, FILE);
    let second = site.lab.second_client.as_ref().unwrap();
    let sides = [(&site.lab.client, "eth0", VIPS), (second, "eth2", SIDE_VIPS)];
    for (client, interface, vips) in sides {
        let interfaces = site.status().interfaces;
        let held = interfaces.iter().find(|it| it.name == interface).unwrap();
        assert_eq!(held.vips.iter().collect::<BTreeSet<_>>(), vips.iter().collect(), "{held:?}");
        for vip in vips {
            let (server, redirected) =
                (SocketAddr::from((vip, HTTP)), site.reason("forwarded-redirect"));
            assert_fair(&Site::get_from(client, server, 100), 2);
            let name = format!("{interface}-v{}", if vip.is_ipv4() { 4 } else { 6 });
            let stored = Site::upload_from(client, server, &file, &name, &web);
            assert_eq!(sha256(&stored).unwrap(), sha256(&file).unwrap(), "upload to {vip}");

            // None has gone by the router, or come in by the other interface.
            let stats = site.service(vip, HTTP).stats;
            assert_eq!(stats.connections, 101, "{stats:?}");
            assert_eq!(site.reason("forwarded-redirect") - redirected, stats.packets);
            let answered = client.namespace.neighbour("eth0", vip).unwrap();
            let mac = site.lab.director.namespace.mac(interface).unwrap();
            assert_eq!(answered, Some(mac), "who answers for {vip}");
        }
    }
}

#[test]
fn a_director_that_is_a_real_server_serves_its_share_itself() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let services = VIPS.map(|vip| {
        let own = (lab.director.address_like(vip), 1);
        service("tcp", vip, HTTP, &[all_reals(&lab, vip), vec![own]].concat())
    });
    let mut web = lab.start_web(HTTP).unwrap();
    web.push(WebServer::start(&lab, &lab.director, HTTP).unwrap());
    let site = Site::ready(lab, &services, &[]);
    let file = write_file(&site.lab, FILE);
    for vip in VIPS {
        let own = site.real(vip, HTTP, site.lab.director.address_like(vip));
        assert_eq!((own.interface.as_deref(), own.mac), (Some("lo"), None));
        let server = SocketAddr::from((vip, HTTP));
        let answers = site.get(server, 300);
        assert_fair(&answers, 3);
        assert!(answers.contains_key("director"), "{answers:?}");
        assert_intact(&site, &web, server, &file);
    }
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

/// Puts the director's card into a bridge, which takes over its addresses.
fn bridge_the_director(lab: &Lab) {
    let [v4, v6] = lab.director.addresses();
    let lines = format!(
        "link add name br0 type bridge mcast_snooping 0
         link set dev eth0 master br0
         address delete {v4}/24 dev eth0
         address delete {v6}/64 dev eth0
         address add {v4}/24 dev br0
         address add {v6}/64 dev br0 nodad
         link set dev br0 up\n"
    );
    lab.director.namespace.ip(&lines).unwrap();
}

#[test]
fn a_bridge_serves_and_so_does_a_port_of_it_in_generic_mode() {
    let mut lab = Lab::builder().reals(2).build().unwrap();
    bridge_the_director(&lab);
    let uncut = ["ethtool", "-K", "eth0", "tso", "off", "gso", "off"];
    lab.client.namespace.run(&uncut).unwrap();
    let web = lab.start_web(HTTP).unwrap();
    prepare_reals(&lab, &VIPS);
    let file = write_file(&lab, FILE);
    for (name, mode) in [("br0", "auto"), ("eth0", "generic"), ("eth0", "native")] {
        let builder = DirectorBuilder::on(&lab, common::lb_ctl(), &[name]);
        let text = definition(&services(&lab, "tcp", HTTP));
        let director = builder.argument("--mode").argument(mode).start_with(&text).unwrap();
        let site = Site { director, lab };
        site.wait_until_up();
        let shown = site.status().interfaces.remove(0);
        assert_eq!(shown.vips.len(), 2, "{shown:?}");
        // It is told, where packets will not arrive.
        let lost = shown.reason.contains("native XDP cannot send to reals behind br0");
        assert_eq!(lost, mode == "native", "{shown:?}");
        for vip in VIPS.into_iter().filter(|_| !lost) {
            assert_eq!(
                site.real(vip, HTTP, site.lab.reals[0].address_like(vip)).interface.as_deref(),
                Some("br0")
            );
            let server = SocketAddr::from((vip, HTTP));
            assert_fair(&site.get(server, 100), 2);
            let upload = format!("{name}-v{}", if vip.is_ipv4() { 4 } else { 6 });
            let stored = site.upload(server, &file, &upload, &web);
            assert_eq!(sha256(&stored).unwrap(), sha256(&file).unwrap(), "{upload}");
            assert_eq!(site.service(vip, HTTP).stats.connections, 101);
        }
        let Site { director, lab: standing } = site;
        drop(director);
        lab = standing;
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
