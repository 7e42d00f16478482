//! A packet that was traced.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::config::hex;

/// A packet's way through the program. One JSON object a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TracedPacket {
    /// When it came, in nanoseconds since 1970 (UTC).
    pub time_ns: u64,
    /// The interface it came in by.
    pub interface: String,
    /// The frame's length in bytes as it left.
    pub length: u32,
    /// VLAN identifiers, the outermost first, as it left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vlans: Vec<u16>,
    /// `tcp`, `udp`, `icmp`, `icmp6`, `arp`, another protocol over IP as in `ip-47`, or the
    /// ethertype as in `0x88cc`.
    pub protocol: String,
    /// Where it comes from; null where it is no IP packet.
    pub client: Option<IpAddr>,
    /// The source port, where it has one.
    pub client_port: Option<u16>,
    /// Where it goes.
    pub vip: Option<IpAddr>,
    /// The destination port, where it has one.
    pub port: Option<u16>,
    /// TCP's control bits, as tcpdump writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_flags: Option<String>,
    /// The service it was found to be for, as in `tcp 192.0.2.10:80`.
    pub service: Option<String>,
    /// The real that was picked for it.
    pub real: Option<IpAddr>,
    /// `tx`, `redirect`, `pass` or `drop`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// How many packets that were asked for before this one are not told of, because they came
    /// faster than they could be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
    /// The first 128 bytes of the frame as it left, in hexadecimal digits.
    pub frame: String,
}

impl TracedPacket {
    /// The beginning of the frame; `None` where the digits are none.
    pub fn frame_bytes(&self) -> Option<Vec<u8>> {
        hex::bytes(&self.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"time_ns":1700000000123456789,"interface":"eth0","length":74,
        "protocol":"tcp","client":"198.51.100.7","client_port":40000,"vip":"192.0.2.10","port":80,
        "service":"tcp 192.0.2.10:80","real":null,"verdict":"drop","reason":"no-real","frame":""}"#;

    fn packet() -> TracedPacket {
        serde_json::from_str(LINE).unwrap()
    }

    #[test]
    fn a_frame_is_what_its_digits_say() {
        let bytes: Vec<u8> = (0..=255).collect();
        let of = |frame: String| TracedPacket { frame, ..packet() }.frame_bytes();
        assert_eq!(of(hex::text(&bytes)), Some(bytes));
        for wrong in ["0", "zz", "001", "+1"] {
            assert_eq!(of(wrong.to_owned()), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_packet_has_not_is_left_out_or_null() {
        let json = serde_json::to_value(packet()).unwrap();
        assert!(json.get("vlans").is_none() && json.get("missed").is_none(), "{json}");
        assert!(json["real"].is_null(), "{json}");
        assert_eq!(json["time_ns"], 1_700_000_000_123_456_789_u64);
    }
}
