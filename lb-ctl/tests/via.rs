//! Probes through the VIP, by the director's own programs, without any daemon and beside one. Needs
//! root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

#[path = "via/bed.rs"]
mod bed;
#[path = "via/ends.rs"]
mod ends;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use bed::{
    ask, dial, has_tcx, hold_vips, listen, on_director, path, ping, soon, tcp_echo, udp_echo,
};
use bench::lab::{Echo, Host, Lab, VIPS};
use common::flows::assert_fair;
use common::prepare_reals;
use common::traffic::{ECHO, HTTP, Site, services, start_echo};
use lb_ctl::dataplane::aya::via::ViaPath;
use lb_ctl::health::Dial;

/// As long as an answer would take, many times over.
const SILENCE: Duration = Duration::from_millis(500);

fn lab() -> Lab {
    let lab = Lab::builder().reals(2).build().unwrap();
    hold_vips(&lab);
    lab
}

#[test]
fn the_real_sees_a_packet_to_the_vip() {
    let lab = lab();
    prepare_reals(&lab, &VIPS);
    for vip in VIPS {
        let servers: Vec<_> = lab.reals.iter().map(|real| listen(real, vip, HTTP)).collect();
        on_director(&lab, async || {
            let mut path = path();
            let mark = path.mark(vip).unwrap();
            assert_eq!(path.mark(vip).unwrap(), mark);
            // All connections stand at the same time: to both reals, at the VIP and at the RIP.
            let mut probes = Vec::new();
            for (real, server) in lab.reals.iter().zip(&servers) {
                for (mark, seen) in [(Some(mark), vip), (None, real.address_like(vip))] {
                    let stream = soon(dial(real, vip, HTTP, mark).tcp()).await.unwrap();
                    let (accepted, from) = server.accept().unwrap();
                    assert_eq!(accepted.local_addr().unwrap(), (seen, HTTP).into());
                    assert_eq!(from, stream.local_addr().unwrap());
                    assert_eq!(stream.peer_addr().unwrap(), (real.address_like(vip), HTTP).into());
                    probes.push((stream, accepted, real.label()));
                }
            }
            for (stream, accepted, label) in &mut probes {
                accepted.write_all(format!("{label}\n").as_bytes()).unwrap();
                assert_eq!(ask(stream, "?").await.unwrap(), *label);
                let mut heard = [0; 2];
                accepted.read_exact(&mut heard).unwrap();
                assert_eq!(&heard, b"?\n");
            }
        });
    }
}

#[test]
fn every_protocol_gets_its_answer_from_the_real_that_was_asked() {
    let lab = lab();
    prepare_reals(&lab, &VIPS);
    let _servers = (start_echo(&lab, "tcp", ECHO), start_echo(&lab, "udp", ECHO));
    on_director(&lab, async || {
        let mut path = path();
        for (real, vip) in lab.reals.iter().flat_map(|real| VIPS.map(|vip| (real, vip))) {
            let through = dial(real, vip, ECHO, Some(path.mark(vip).unwrap()));
            let label = real.label();
            assert_eq!(tcp_echo(through).await.unwrap(), format!("{label}: "));
            assert_eq!(udp_echo(through).await.unwrap(), format!("{label}: ?"));
            ping(through).await.unwrap();
            // The servers are bound to the VIP, the address alone is not.
            let own = dial(real, vip, ECHO, None);
            assert_eq!(tcp_echo(own).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
            ping(own).await.unwrap();
            // One of the director's addresses, by choice.
            let bind = Some(lab.director.address_like(vip));
            assert_eq!(udp_echo(Dial { bind, ..through }).await.unwrap(), format!("{label}: ?"));
        }
    });
}

#[test]
fn a_real_without_the_vip_does_not_answer() {
    let lab = lab();
    let [real, _] = &lab.reals[..] else { panic!("two reals") };
    let _servers = VIPS.map(|vip| listen(real, vip, HTTP));
    on_director(&lab, async || {
        let mut path = path();
        for vip in VIPS {
            let (own, mark) = (dial(real, vip, HTTP, None), path.mark(vip).unwrap());
            soon(own.tcp()).await.unwrap();
            ping(own).await.unwrap();
            let through = Dial { mark: Some(mark), ..own };
            assert!(tokio::time::timeout(SILENCE, through.tcp()).await.is_err(), "{vip} answers");
            let echo = through.icmp().unwrap();
            echo.send(1, b"?").await.unwrap();
            assert!(tokio::time::timeout(SILENCE, echo.receive()).await.is_err(), "{vip} answers");
        }
    });
}

/// Servers on the real's own addresses.
fn on_the_rip(real: &Host) -> Vec<Echo> {
    let start = |address: IpAddr| {
        let server = (address, ECHO).into();
        [Echo::tcp(real, server).unwrap(), Echo::udp(real, server).unwrap()]
    };
    real.addresses().into_iter().flat_map(start).collect()
}

#[test]
fn a_server_on_the_rip_alone_refuses() {
    let lab = lab();
    prepare_reals(&lab, &VIPS);
    let [real, _] = &lab.reals[..] else { panic!("two reals") };
    let _servers = on_the_rip(real);
    on_director(&lab, async || {
        let mut path = path();
        for vip in VIPS {
            let own = dial(real, vip, ECHO, None);
            assert_eq!(tcp_echo(own).await.unwrap(), "real 1: ");
            assert_eq!(udp_echo(own).await.unwrap(), "real 1: ?");
            let through = Dial { mark: Some(path.mark(vip).unwrap()), ..own };
            // By RST, and by an ICMP error from the VIP about a packet to the VIP.
            let refused = [tcp_echo(through).await, udp_echo(through).await];
            let kinds = refused.map(|outcome| outcome.unwrap_err().kind());
            assert_eq!(kinds, [ErrorKind::ConnectionRefused; 2], "{vip}");
        }
    });
}

#[test]
fn other_programs_on_the_interface_run() {
    let lab = lab();
    prepare_reals(&lab, &VIPS);
    let [real, _] = &lab.reals[..] else { panic!("two reals") };
    let _servers = start_echo(&lab, "tcp", ECHO);
    if !has_tcx() {
        ends::other_filters_run(&lab);
        return;
    }
    on_director(&lab, async || {
        // Each knows a VIP by the first mark, which is none of the other's: so one of the two has
        // to run behind the other, whichever is first.
        let (mut one, mut other) = (path(), path());
        let [v4, v6] = VIPS;
        let marks = [one.mark(v4).unwrap(), other.mark(v6).unwrap()];
        assert_eq!(marks[0], marks[1]);
        for (vip, mark) in VIPS.into_iter().zip(marks) {
            let through = dial(real, vip, ECHO, Some(mark));
            assert_eq!(tcp_echo(through).await.unwrap(), "real 1: ");
        }
        drop(other);
        assert_eq!(tcp_echo(dial(real, v4, ECHO, Some(marks[0]))).await.unwrap(), "real 1: ");
        let led_nowhere = tcp_echo(dial(real, v6, ECHO, Some(marks[1]))).await;
        assert_eq!(led_nowhere.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

/// The daemon has the VIP, and its program on the interface takes all packets to the VIP; answers
/// to probes come to another address.
#[test]
fn a_director_that_forwards_probes_all_the_same() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let services = services(&lab, "tcp", ECHO);
    let web_services = common::traffic::services(&lab, "tcp", HTTP);
    let web = lab.start_web(HTTP).unwrap();
    let _servers = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &[services, web_services].concat(), &[]);
    let (lab, vips) = (&site.lab, VIPS);
    on_director(lab, async || {
        let mut path: ViaPath = path();
        for (real, vip) in lab.reals.iter().flat_map(|real| vips.map(|vip| (real, vip))) {
            let through = dial(real, vip, ECHO, Some(path.mark(vip).unwrap()));
            assert_eq!(tcp_echo(through).await.unwrap(), format!("{}: ", real.label()));
            assert_fair(&site.get((vip, HTTP).into(), 100), 2);
        }
    });
    drop(web);
}
