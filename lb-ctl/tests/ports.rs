//! Services of any port, of a range and of one port at the same VIP. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};

use bench::lab::{Echo, Lab, VIPS};
use common::traffic::{SOON, Site, given, service, start_echo};
use serde_json::{Value, json};

/// The service of one port.
const ONE: u16 = 8200;
/// Outside the range.
const OUTSIDE: [u16; 2] = [7999, 8101];
/// The ends of the range.
const ENDS: [u16; 2] = [8000, 8100];

/// Any port is the first real's, a range the second one's, and one port the third one's.
fn services(lab: &Lab, protocol: &str, vip: IpAddr) -> [Value; 3] {
    let ports = [json!(0), json!("8000-8100"), json!(ONE)];
    [0, 1, 2].map(|index| {
        let real = lab.reals[index].address_like(vip);
        given(service(protocol, vip, 0, &[(real, 1)]), json!({"port": ports[index]}))
    })
}

fn site(protocol: &str) -> (Vec<Echo>, Site) {
    let lab = Lab::builder().build().unwrap();
    let ports = [ONE].into_iter().chain(OUTSIDE).chain(ENDS);
    let echo = ports.flat_map(|port| start_echo(&lab, protocol, port)).collect();
    let services: Vec<_> = VIPS.iter().flat_map(|vip| services(&lab, protocol, *vip)).collect();
    (echo, Site::ready(lab, &services, &[]))
}

/// Who answers at a port.
fn who(site: &Site, protocol: &str, vip: IpAddr, port: u16) -> String {
    let server = (vip, port).into();
    if protocol == "tcp" {
        return site.open(server, 1).remove(0).real;
    }
    site.open_udp(server, 1)[0].ask().unwrap()
}

fn delete(site: &Site, protocol: &str, vip: IpAddr, ports: &str) {
    let flag = if protocol == "tcp" { "-t" } else { "-u" };
    let address = if vip.is_ipv4() { vip.to_string() } else { format!("[{vip}]") };
    site.ctl(&["delete-service", flag, &format!("{address}:{ports}")]);
}

fn the_most_specific_wins(protocol: &str) {
    let (_echo, site) = site(protocol);
    for vip in VIPS {
        let assert_who = |port, real: &str, when: &str| {
            assert_eq!(who(&site, protocol, vip, port), real, "port {port} {when}");
        };
        assert_who(ONE, "real 3", "is a service of its own");
        for port in ENDS {
            assert_who(port, "real 2", "is in the range");
        }
        for port in OUTSIDE {
            assert_who(port, "real 1", "is in no other service");
        }

        delete(&site, protocol, vip, &ONE.to_string());
        assert_who(ONE, "real 1", "is in the service of any port again");
        delete(&site, protocol, vip, "8000-8100");
        for port in ENDS {
            assert_who(port, "real 1", "is so, too");
        }
    }
}

#[test]
fn the_most_specific_tcp_service_wins() {
    the_most_specific_wins("tcp");
}

#[test]
fn the_most_specific_udp_service_wins() {
    the_most_specific_wins("udp");
}

#[test]
fn outside_the_range_there_is_nothing() {
    let (_echo, site) = site("tcp");
    for vip in VIPS {
        delete(&site, "tcp", vip, "0");
        for port in OUTSIDE {
            let (before, forwarded) = (site.reason("no-service"), site.reason("forwarded"));
            let server = SocketAddr::from((vip, port));
            let refused = site.on_client(|| TcpStream::connect_timeout(&server, SOON));
            // The director's own stack has nobody at that port.
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused, "port {port}");
            assert!(site.reason("no-service") > before, "port {port} is not counted");
            assert_eq!(site.reason("forwarded"), forwarded, "port {port} went to a real");
        }
        for port in ENDS {
            assert_eq!(who(&site, "tcp", vip, port), "real 2", "port {port}");
        }
    }
}
