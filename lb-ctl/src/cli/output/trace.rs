//! Traced packets, a line each. Pure.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::api::wire::TracedPacket;

/// What stands over the lines.
pub(in crate::cli) const TITLES: &str = "\
time (UTC)         interface    bytes verdict  reason             client -> VIP, service -> real
";

const NANOS: u64 = 1_000_000_000;

/// A packet's line.
pub(in crate::cli) fn line(packet: &TracedPacket) -> String {
    let TracedPacket { time_ns, interface, length, verdict, reason, .. } = packet;
    let mut line = String::new();
    if packet.missed > 0 {
        let missed = packet.missed;
        let _ = writeln!(line, "({missed} packets came too fast to be shown: try --every)");
    }
    let _ = write!(
        line,
        "{:18} {interface:12} {length:>5} {verdict:8} {reason:18} {}",
        time_of_day(*time_ns),
        way(packet)
    );
    for vlan in &packet.vlans {
        let _ = write!(line, " vlan {vlan}");
    }
    if let Some(service) = &packet.service {
        let _ = write!(line, ", {service}");
        if let Some(real) = packet.real {
            let _ = write!(line, " -> {real}");
        }
    }
    line.push('\n');
    line
}

fn way(packet: &TracedPacket) -> String {
    let mut words = packet.protocol.clone();
    if let (Some(client), Some(vip)) = (packet.client, packet.vip) {
        let from = at(client, packet.client_port);
        let _ = write!(words, " {from} -> {}", at(vip, packet.port));
    }
    if let Some(flags) = &packet.tcp_flags {
        let _ = write!(words, " [{flags}]");
    }
    words
}

fn at(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}

fn time_of_day(time_ns: u64) -> String {
    let seconds = time_ns / NANOS;
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    let micros = time_ns % NANOS / 1000;
    format!("{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn a_forwarded_packet_shows_its_way() {
        let expected = "22:13:20.123456    eth0            74 tx       forwarded          \
            tcp 198.51.100.7:40000 -> 192.0.2.10:80 [S], tcp 192.0.2.10:80 -> 192.0.2.21\n";
        assert_eq!(line(&samples::traced()), expected);
        let starts = |text: &str, words| text.split(words).next().unwrap().len();
        let (titles, line) = (TITLES, line(&samples::traced()));
        assert_eq!(starts(titles, "interface"), starts(&line, "eth0"));
        assert_eq!(starts(titles, "verdict"), starts(&line, "tx "));
        assert_eq!(starts(titles, "client"), starts(&line, "tcp"));
    }

    #[test]
    fn what_a_packet_has_not_is_not_shown() {
        let arp = TracedPacket {
            protocol: "arp".to_owned(),
            client: None,
            vip: None,
            tcp_flags: None,
            service: None,
            real: None,
            verdict: "pass".to_owned(),
            reason: "not-ip".to_owned(),
            ..samples::traced()
        };
        assert!(line(&arp).ends_with(" pass     not-ip             arp\n"), "{}", line(&arp));
        let dropped = TracedPacket { real: None, ..samples::traced() };
        assert!(line(&dropped).ends_with("[S], tcp 192.0.2.10:80\n"), "{}", line(&dropped));
    }

    #[test]
    fn tags_and_gaps_are_told_of() {
        let packet = TracedPacket { vlans: vec![100, 20], missed: 7, ..samples::traced() };
        let text = line(&packet);
        assert!(text.starts_with("(7 packets came too fast to be shown"), "{text}");
        assert!(text.contains("[S] vlan 100 vlan 20, tcp "), "{text}");
    }
}
