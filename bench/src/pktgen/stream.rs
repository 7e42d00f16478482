//! What is to be sent, and the commands that tell pktgen. Pure.

use std::fmt::{self, Display};
use std::net::Ipv4Addr;

use serde::Serialize;

/// A stream of UDP packets over IPv4.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Stream {
    /// The card that sends.
    pub interface: String,
    /// The MAC to which: the director's, or that of the router before it.
    pub dst_mac: String,
    /// The VIP.
    pub vip: Ipv4Addr,
    /// The service's port.
    pub port: u16,
    /// The address from which.
    pub source: Ipv4Addr,
    /// From how many source ports, in turn: so many flows.
    pub flows: u16,
    /// Packets of each thread.
    pub packets: u64,
    /// Bytes of a frame, without the check sequence.
    pub size: u16,
    /// How often one packet is sent before another is made: the next flow comes after so many.
    pub clone: u32,
    /// Packets that are given to the card at once.
    pub burst: u32,
    /// Threads, on the CPUs from 0 on, each with a queue of the card.
    pub threads: u32,
}

/// The first source port; below are those of services.
const FIRST_PORT: u16 = 1024;

/// The file of the thread on this CPU.
pub(super) fn thread(cpu: u32) -> String {
    format!("kpktgend_{cpu}")
}

impl Stream {
    /// The names of its devices: one a thread. pktgen cuts off what stands behind the `@`.
    pub(super) fn devices(&self) -> Vec<String> {
        (0..self.threads).map(|cpu| format!("{}@{cpu}", self.interface)).collect()
    }

    /// The commands, each with the file to write it to.
    pub(super) fn commands(&self) -> Vec<(String, String)> {
        let mut commands = Vec::new();
        for (cpu, device) in (0..).zip(self.devices()) {
            commands.push((thread(cpu), "rem_device_all".to_owned()));
            commands.push((thread(cpu), format!("add_device {device}")));
            let words = self.parameters(cpu);
            commands.extend(words.into_iter().map(|command| (device.clone(), command)));
        }
        commands
    }

    fn parameters(&self, queue: u32) -> Vec<String> {
        let set = |name: &str, value: &dyn Display| format!("{name} {value}");
        let last_port = FIRST_PORT.saturating_add(self.flows.max(1) - 1);
        vec![
            set("count", &self.packets),
            set("pkt_size", &self.size),
            set("clone_skb", &self.clone),
            set("burst", &self.burst),
            set("delay", &0),
            set("dst_mac", &self.dst_mac),
            set("dst_min", &self.vip),
            set("dst_max", &self.vip),
            set("udp_dst_min", &self.port),
            set("udp_dst_max", &self.port),
            set("src_min", &self.source),
            set("src_max", &self.source),
            set("udp_src_min", &FIRST_PORT),
            // The last one is never taken (`mod_cur_headers`), but for a range of one.
            set(
                "udp_src_max",
                &if self.flows > 1 { last_port.saturating_add(1) } else { last_port },
            ),
            set("queue_map_min", &queue),
            set("queue_map_max", &queue),
        ]
    }
}

impl Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, dst_mac, vip, port, source, flows, .. } = self;
        let Self { packets, size, clone, burst, threads, .. } = self;
        write!(
            f,
            "pktgen on {interface} to {dst_mac}: UDP {source} → {vip}:{port}, {flows} source ports, \
             {packets} packets of {size} bytes from each of {threads} threads, clone_skb {clone}, \
             burst {burst}"
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn stream() -> Stream {
        Stream {
            interface: "eth0".to_owned(),
            dst_mac: "02:00:00:00:01:01".to_owned(),
            vip: Ipv4Addr::new(192, 0, 2, 10),
            port: 80,
            source: Ipv4Addr::new(192, 0, 2, 200),
            flows: 1,
            packets: 50_000,
            size: 60,
            clone: 1_000,
            burst: 32,
            threads: 1,
        }
    }

    fn written(stream: &Stream) -> Vec<String> {
        let commands = stream.commands().into_iter();
        commands.map(|(file, command)| format!("{file}: {command}")).collect()
    }

    #[test]
    fn each_thread_has_a_device_and_a_queue_of_its_own() {
        let lines = written(&Stream { threads: 2, ..stream() });
        for line in [
            "kpktgend_0: add_device eth0@0",
            "kpktgend_1: add_device eth0@1",
            "eth0@1: queue_map_min 1",
            "eth0@1: count 50000",
            "eth0@0: dst_mac 02:00:00:00:01:01",
            "eth0@0: udp_dst_min 80",
        ] {
            assert!(lines.iter().any(|each| each == line), "{line} in {lines:#?}");
        }
    }

    #[test]
    fn so_many_flows_have_so_many_source_ports() {
        let last = |flows| {
            let lines = written(&Stream { flows, ..stream() });
            lines.into_iter().find(|line| line.contains("udp_src_max")).unwrap()
        };
        assert_eq!(last(1), "eth0@0: udp_src_max 1024");
        assert_eq!(last(100), "eth0@0: udp_src_max 1124");
        assert_eq!(last(u16::MAX), "eth0@0: udp_src_max 65535");
    }

    #[test]
    fn all_parameters_are_shown() {
        let shown = stream().to_string();
        for word in [
            "eth0",
            "02:00:00:00:01:01",
            "192.0.2.10:80",
            "50000 packets of 60 bytes",
            "clone_skb 1000",
            "burst 32",
            "1 threads",
        ] {
            assert!(shown.contains(word), "{word} in {shown}");
        }
    }
}
