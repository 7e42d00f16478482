//! Clients, or networks of them, stay with the real that they were given. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::net::{IpAddr, SocketAddr};

use bench::lab::{Echo, Lab, VIPS, wait_until};
use common::clients::{admit_strangers, stranger, strangers};
use common::traffic::{HTTP, SOON, Site, start_echo};
use lb_ctl::api::wire;

/// Another port on which the reals serve.
const OTHER: u16 = 8080;

/// A bed without services, whose reals echo on two ports.
fn site() -> (Vec<Echo>, Site) {
    let lab = Lab::builder().build().unwrap();
    admit_strangers(&lab);
    let echo = [HTTP, OTHER].into_iter().flat_map(|port| start_echo(&lab, "tcp", port)).collect();
    (echo, Site::start(lab, &[], &[]))
}

/// Adds a service on all reals, the way an ipvsadm user types it.
fn add(site: &Site, vip: IpAddr, port: u16, flags: &[&str]) {
    let name = SocketAddr::from((vip, port)).to_string();
    site.ctl(&[&["add-service", "-t", &name, "-s", "rr"], flags].concat());
    for real in &site.lab.reals {
        site.ctl(&["add-real", "-t", &name, "-r", &real.address_like(vip).to_string()]);
    }
    site.wait_until_up();
}

/// Opens a connection, closes it, and says who it was with.
fn visit(site: &Site, client: IpAddr, server: SocketAddr) -> String {
    site.open_from(client, server).real
}

/// The templates of a VIP.
fn templates(site: &Site, vip: IpAddr) -> Vec<wire::Connection> {
    let all = site.connections().into_iter();
    all.filter(|connection| connection.vip == vip && connection.state == "NONE").collect()
}

#[test]
fn a_client_stays_with_its_real_until_the_timeout_and_others_take_their_turns() {
    let (_echo, site) = site();
    for vip in VIPS {
        let server = (vip, HTTP).into();
        // As in IPVS, a connection that was closed counts until it is forgotten.
        add(&site, vip, HTTP, &["-p", "2", "--fin-timeout", "1s"]);
        let [first, second] = [1, 2].map(|host| stranger(vip, 0, host));
        let real = visit(&site, first, server);
        // Turn by turn this would be three reals: each of the client's connections has its own port.
        assert!((0..10).all(|_| visit(&site, first, server) == real), "{first} was sent elsewhere");
        assert_ne!(visit(&site, second, server), real, "the next client has the next turn");
        assert_eq!(visit(&site, first, server), real, "and the first one its real all the same");

        let shown = templates(&site, vip);
        let own = shown.iter().find(|template| template.client == first).unwrap();
        assert_eq!((own.client_port, own.port), (0, HTTP), "as ipvsadm -Lnc shows it: {own:?}");
        assert_eq!((site.label(own.real), own.expires <= 2), (real.clone(), true), "{own:?}");
        assert_eq!(shown.len(), 2, "{shown:?}");
        let table = site.ctl(&["list", "--connections"]);
        let source = SocketAddr::from((first, 0)).to_string();
        let row = table.lines().find(|row| row.contains(&source)).unwrap_or_default();
        assert!(row.contains(" NONE "), "{table}");

        wait_until("the templates to expire", SOON, || Ok(templates(&site, vip).is_empty()))
            .unwrap_or_else(|error| panic!("{error}: {:?}", site.connections()));
        assert_ne!(visit(&site, first, server), real, "whose turn it was is over");
    }
}

#[test]
fn a_client_with_an_open_connection_keeps_its_real_beyond_the_timeout() {
    let (_echo, site) = site();
    for vip in VIPS {
        let server = (vip, HTTP).into();
        add(&site, vip, HTTP, &["-p", "2", "--fin-timeout", "1s"]);
        let [staying, leaving] = [1, 2].map(|host| stranger(vip, 0, host));
        let mut open = site.open_from(staying, server);
        visit(&site, leaving, server);
        // When the other one's is gone, this one's would be, too.
        wait_until("a template to expire", SOON, || {
            Ok(templates(&site, vip).iter().all(|template| template.client != leaving))
        })
        .unwrap();
        assert!((0..6).all(|_| visit(&site, staying, server) == open.real), "sent elsewhere");
        assert_eq!(open.ask().unwrap(), open.real);
    }
}

#[test]
fn a_network_stays_together() {
    let (_echo, site) = site();
    for vip in VIPS {
        let (server, mask) = ((vip, HTTP).into(), if vip.is_ipv4() { "24" } else { "64" });
        add(&site, vip, HTTP, &["-p", "300", "-M", mask]);
        let networks = [0, 1].map(|network| {
            let real = visit(&site, stranger(vip, network, 1), server);
            let other = strangers(vip, network).find(|host| visit(&site, *host, server) != real);
            assert_eq!(other, None, "it is not with {real} as its network is");
            real
        });
        assert_ne!(networks[0], networks[1], "each network has its turn");
        let shown = templates(&site, vip);
        let host = |template: &wire::Connection| template.client.to_string();
        let mut shown: Vec<_> = shown.iter().map(host).collect();
        shown.sort();
        // ipvsadm -Lnc shows networks like this, too.
        let v4 = ["198.51.100.0", "203.0.113.0"];
        let v6 = ["2001:db8:100::", "2001:db8:101::"];
        assert_eq!(shown, if vip.is_ipv4() { v4 } else { v6 });
    }
}

#[test]
fn an_any_port_service_keeps_a_client_across_its_ports() {
    let (_echo, site) = site();
    for vip in VIPS {
        // The mask as ipvsadm wants it; for IPv6 the length, and 300 seconds for both.
        let flags =
            if vip.is_ipv4() { ["-p", "-M", "255.255.255.255"] } else { ["-p", "-M", "128"] };
        add(&site, vip, 0, &flags);
        let reals: Vec<_> = strangers(vip, 0)
            .take(6)
            .map(|client| {
                let real = visit(&site, client, (vip, HTTP).into());
                let ports = [OTHER, HTTP, OTHER, OTHER];
                let other =
                    ports.iter().find(|port| visit(&site, client, (vip, **port).into()) != real);
                assert_eq!(other, None, "{client} is with {real} at port {HTTP} only");
                real
            })
            .collect();
        assert_eq!(reals[..3], reals[3..], "six clients have two rounds of turns: {reals:?}");
        let shown = templates(&site, vip);
        assert!(shown.iter().all(|template| template.port == 0), "{shown:?}");
        assert_eq!(shown.len(), 6, "{shown:?}");
    }
}
