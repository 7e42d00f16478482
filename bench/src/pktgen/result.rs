//! What pktgen says of a device when it has sent. Pure.

use std::time::Duration;

/// What one device has sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Packets.
    pub packets: u64,
    /// From the first to the last.
    pub took: Duration,
    /// Packets that the card refused.
    pub errors: u64,
}

/// Reads the file of a device; `None` where there is no result in it that is in order.
///
/// The lines are those of the kernel's `net/core/pktgen.c`, `show_results`:
/// `Result: OK: 4875905(c3401530+d1474375) usec, 100000 (60byte,0frags)`, and below it
/// `  20509pps 9Mb/sec (9844320bps) errors: 0`.
pub fn parse(text: &str) -> Option<Sent> {
    let (_, result) = text.split_once("Result: OK: ")?;
    let (microseconds, rest) = result.split_once('(')?;
    let (_, rest) = rest.split_once(") usec, ")?;
    let (packets, rest) = rest.split_once(' ')?;
    let (_, errors) = rest.split_once("errors: ")?;
    let errors = errors.split_whitespace().next()?;
    Some(Sent {
        packets: packets.parse().ok()?,
        took: Duration::from_micros(microseconds.parse().ok()?),
        errors: errors.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.1 shows it.
    const FILE: &str = "\
Params: count 100000  min_pkt_size: 60  max_pkt_size: 60
     frags: 0  delay: 0  clone_skb: 64  ifname: eth0
     flows: 0 flowlen: 0
     queue_map_min: 0  queue_map_max: 0
     dst_min: 192.0.2.10  dst_max: 192.0.2.10
     Flags: 
Current:
     pkts-sofar: 100000  errors: 3
     started: 8452147us  stopped: 13328052us idle: 1474375us
     seq_num: 100001  cur_dst_mac_offset: 0  cur_src_mac_offset: 0
     cur_saddr: 192.0.2.200  cur_daddr: 192.0.2.10
Result: OK: 4875905(c3401530+d1474375) usec, 100000 (60byte,0frags)
  20509pps 9Mb/sec (9844320bps) errors: 3
";

    #[test]
    fn packets_time_and_errors_are_read() {
        let took = Duration::from_micros(4_875_905);
        assert_eq!(parse(FILE), Some(Sent { packets: 100_000, took, errors: 3 }));
    }

    #[test]
    fn a_device_that_has_not_sent_has_no_result() {
        for text in
            ["", "Result: Idle\n", "Result: OK: flag=UDPSRC_RND\n", "Result: OK: x(c1) usec, "]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
