//! Packets are traced while they are forwarded, and none is lost by it. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

#[path = "trace/lasting.rs"]
mod lasting;
#[path = "trace/tracer.rs"]
mod tracer;

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use bench::lab::{Lab, VIP4, VIP6, VIPS};
use common::traffic::{ECHO, HTTP, Site, service, services, start_echo};
use serde_json::{Value, json};
use tracer::Tracer;

/// A bed with web servers behind both VIPs, and these services besides.
fn site(more: impl FnOnce(&Lab) -> Vec<Value>) -> Site {
    let lab = Lab::builder().build().unwrap();
    let all = [services(&lab, "tcp", HTTP), more(&lab)].concat();
    Site::ready(lab, &all, &["--max-connections", "4096"])
}

fn endpoint(vip: impl Into<IpAddr>, port: u16) -> String {
    SocketAddr::new(vip.into(), port).to_string()
}

/// Sends one datagram, which nobody may answer.
fn datagram(site: &Site, vip: impl Into<IpAddr> + Send) {
    site.open_udp((vip.into(), ECHO).into(), 1)[0].send().unwrap();
}

#[test]
fn a_request_shows_the_way_it_takes() {
    let site = site(|_| Vec::new());
    let _web = site.lab.start_web(HTTP).unwrap();
    let before = site.status();
    for vip in VIPS {
        let name = endpoint(vip, HTTP);
        let tracer = Tracer::start(&site, &["-t", &name, "--count", "4"]);
        let during = site.status();
        assert_ne!(during.program_id, before.program_id);
        assert_eq!(during.interfaces, before.interfaces, "the links are the same");
        // The program that traces is the daemon's own: nothing is to be put in its place.
        site.ctl(&["reload"]);
        assert_eq!(site.status().program_id, during.program_id);

        let answers = site.get((vip, HTTP).into(), 1);
        let packets = tracer.finish(&site);
        assert_eq!(packets.len(), 4);
        for packet in &packets {
            assert_eq!(packet.service, Some(format!("tcp {name}")), "{packet:?}");
            assert_eq!((packet.verdict.as_str(), packet.reason.as_str()), ("tx", "forwarded"));
            assert_eq!(packet.client, Some(site.lab.client.address_like(vip)));
            assert_eq!((packet.vip, packet.port), (Some(vip), Some(HTTP)));
            assert_eq!((packet.interface.as_str(), packet.missed), ("eth0", 0));
            let label = site.label(packet.real.unwrap());
            assert_eq!(Some(&label), answers.keys().next(), "who answered: {packet:?}");
            let bytes = packet.frame_bytes().unwrap();
            assert_eq!(bytes.len(), 128.min(packet.length as usize), "{packet:?}");
        }
        assert_eq!(packets[0].tcp_flags.as_deref(), Some("S"));
        assert!(packets.is_sorted_by_key(|packet| packet.time_ns), "{packets:#?}");
        let after = site.status();
        assert_eq!((after.program_id, after.tracing), (before.program_id, false));
        assert_eq!(after.interfaces, before.interfaces, "the links are the same");
    }
}

#[test]
fn a_capture_file_is_one_that_tcpdump_reads() {
    let site = site(|_| Vec::new());
    let _web = site.lab.start_web(HTTP).unwrap();
    let name = endpoint(VIP4, HTTP);
    let file = site.lab.files().join("trace.pcap");
    let path = file.to_str().unwrap();
    let tracer = Tracer::start(&site, &["-t", &name, "--count", "4", "--write", path]);
    site.get((VIP4, HTTP).into(), 1);
    let packets = tracer.finish(&site);

    // As whom it runs, it may read what root has written.
    let words = ["-n", "-tt", "--nano", "-Z", "root", "-r", path];
    let read = Command::new("tcpdump").args(words).output().unwrap();
    let text = String::from_utf8(read.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}{:?}", read.stderr);
    for (line, packet) in lines.iter().zip(&packets) {
        let (seconds, nanos) = (packet.time_ns / 1_000_000_000, packet.time_ns % 1_000_000_000);
        assert!(line.starts_with(&format!("{seconds}.{nanos:09} IP ")), "{line}: {packet:?}");
        let client = format!("{}.{}", packet.client.unwrap(), packet.client_port.unwrap());
        assert!(line.contains(&format!("{client} > {VIP4}.{HTTP}: Flags [")), "{line}");
    }

    let again = site.director.ctl(&["trace", "--count", "1", "--write", path]).unwrap();
    let message = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(4), "{message}");
    assert!(message.contains(path) && message.contains("--force"), "{message}");
    let whole = std::fs::metadata(&file).unwrap().len();
    assert!(whole > 24 + 4 * 16, "it is as it was: {whole} bytes");
}

#[test]
fn others_are_left_out() {
    let site = site(|lab| services(lab, "udp", ECHO));
    let _web = site.lab.start_web(HTTP).unwrap();
    let _echo = start_echo(&site.lab, "udp", ECHO);
    let name = endpoint(VIP6, ECHO);
    let tracer = Tracer::start(&site, &["-u", &name, "--count", "3"]);
    site.get((VIP6, HTTP).into(), 5);
    for vip in VIPS {
        let mut flow = site.open_udp((vip, ECHO).into(), 1).remove(0);
        for _ in 0..3 {
            flow.ask().unwrap();
        }
    }
    let expected = format!("udp {name}");
    for packet in tracer.finish(&site) {
        assert_eq!(packet.service.as_ref(), Some(&expected), "{packet:?}");
    }

    let (client, real) = (&site.lab.client, &site.lab.reals[0]);
    let director = site.lab.director.ipv4.to_string();
    let ping = |from: &bench::lab::Host| {
        from.namespace.run(&["ping", "-c1", "-W5", &director]).unwrap();
    };
    let tracer = Tracer::start(&site, &["--source", &real.ipv4.to_string(), "--count", "1"]);
    ping(client);
    site.get((VIP4, HTTP).into(), 5);
    ping(real);
    let packets = tracer.finish(&site);
    assert_eq!(packets[0].client, Some(real.ipv4.into()), "{packets:?}");
    assert_eq!((packets[0].service.as_ref(), packets[0].real), (None, None), "{packets:?}");
    let seen = (packets[0].protocol.as_str(), packets[0].verdict.as_str());
    assert_eq!((seen, packets[0].reason.as_str()), (("icmp", "pass"), "other-protocol"));
}

#[test]
fn one_of_so_many_is_told_of() {
    let site = site(|lab| services(lab, "udp", ECHO));
    let _echo = start_echo(&site.lab, "udp", ECHO);
    let name = endpoint(VIP4, ECHO);
    let tracer = Tracer::start(&site, &["-u", &name, "--every", "10"]);
    let mut flow = site.open_udp((VIP4, ECHO).into(), 1).remove(0);
    for _ in 0..200 {
        flow.ask().unwrap();
    }
    // Each CPU counts for itself, from its first packet on.
    let cpus = std::thread::available_parallelism().unwrap().get();
    tracer.wait_for(20);
    let told = tracer.interrupt(&site).len();
    assert!((20..20 + cpus).contains(&told), "{told} of 200");
}

#[test]
fn a_packet_that_is_dropped_shows_the_reason() {
    let site = site(|lab| {
        let mut closed = service("udp", VIP4.into(), ECHO, &[(lab.reals[0].ipv4.into(), 1)]);
        closed["deny"] = json!([lab.client.ipv4]);
        vec![closed, service("udp", VIP6.into(), ECHO, &[])]
    });
    for (vip, reason) in [(VIPS[0], "source-denied"), (VIPS[1], "no-real")] {
        let tracer = Tracer::start(&site, &["-u", &endpoint(vip, ECHO), "--count", "1"]);
        datagram(&site, vip);
        let packet = tracer.finish(&site).remove(0);
        assert_eq!((packet.verdict.as_str(), packet.reason.as_str()), ("drop", reason));
        assert_eq!((packet.real, packet.protocol.as_str()), (None, "udp"), "{packet:?}");
        let refused = site.service(vip, ECHO).refused;
        assert_eq!(refused, [(reason.to_owned(), 1)].into(), "{refused:?}");
    }
    datagram(&site, VIPS[1]);
    let table = site.ctl(&["list", "--reasons"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    let (closed, empty) = (endpoint(VIP4, ECHO), endpoint(VIP6, ECHO));
    let expected = [
        vec!["Prot", "LocalAddress:Port", "Reason", "Packets"],
        vec!["UDP", &closed, "source-denied", "1"],
        vec!["UDP", &empty, "no-real", "2"],
    ];
    assert_eq!(rows, expected, "{table}");
    site.ctl(&["zero"]);
    assert!(site.service(VIP6.into(), ECHO).refused.is_empty());
}

#[test]
fn there_is_one_trace_at_a_time_and_it_can_be_ended() {
    let site = site(|_| Vec::new());
    let first = Tracer::start(&site, &[]);
    let second = site.director.ctl(&["trace", "--count", "1"]).unwrap();
    let message = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{message}");
    assert!(message.contains("one trace at a time"), "{message}");
    first.interrupt(&site);
    let unknown = site.director.ctl(&["trace", "-t", "192.0.2.99:80"]).unwrap();
    let message = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(unknown.status.code(), Some(5), "{message}");
    assert!(message.contains("tcp 192.0.2.99:80"), "{message}");
    assert!(!site.status().tracing);
    Tracer::start(&site, &["-t", &endpoint(VIP4, HTTP)]).interrupt(&site);
}
