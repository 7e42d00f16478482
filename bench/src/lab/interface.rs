//! What an interface counted, its MAC address, and whom it knows.

use std::net::IpAddr;
use std::ops::Sub;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{LabError, Namespace};

/// What an interface has counted. A veth counts what its native XDP program took and sent, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Frames dropped on the way in.
    pub rx_dropped: u64,
    /// Frames dropped on the way out.
    pub tx_dropped: u64,
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            rx_packets: self.rx_packets - earlier.rx_packets,
            rx_bytes: self.rx_bytes - earlier.rx_bytes,
            tx_packets: self.tx_packets - earlier.tx_packets,
            tx_bytes: self.tx_bytes - earlier.tx_bytes,
            rx_dropped: self.rx_dropped - earlier.rx_dropped,
            tx_dropped: self.tx_dropped - earlier.tx_dropped,
        }
    }
}

#[derive(Deserialize)]
struct Link {
    address: String,
    stats64: Stats,
    xdp: Option<Xdp>,
}

#[derive(Deserialize)]
struct State {
    operstate: String,
    link_type: String,
}

#[derive(Deserialize)]
struct Xdp {
    mode: u8,
}

#[derive(Deserialize)]
struct Stats {
    rx: Direction,
    tx: Direction,
}

#[derive(Deserialize)]
struct Direction {
    bytes: u64,
    packets: u64,
    dropped: u64,
}

#[derive(Deserialize)]
struct Bond {
    linkinfo: BondInfo,
}

#[derive(Deserialize)]
struct BondInfo {
    info_data: BondData,
}

#[derive(Deserialize)]
struct BondData {
    active_slave: Option<String>,
}

#[derive(Deserialize)]
struct Neighbour {
    lladdr: Option<String>,
}

/// How an XDP program is attached to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// On the built skb.
    Generic,
    /// In the hardware, or in several ways at once.
    Other,
}

impl Namespace {
    /// What `interface` has counted so far.
    ///
    /// # Errors
    ///
    /// There is no such interface.
    pub fn counters(&self, interface: &str) -> Result<Counters, LabError> {
        let Stats { rx, tx } = self.link(interface)?.stats64;
        Ok(Counters {
            rx_packets: rx.packets,
            rx_bytes: rx.bytes,
            tx_packets: tx.packets,
            tx_bytes: tx.bytes,
            rx_dropped: rx.dropped,
            tx_dropped: tx.dropped,
        })
    }

    /// The MAC address of `interface`, as `02:00:00:00:00:01`.
    ///
    /// # Errors
    ///
    /// There is no such interface.
    pub fn mac(&self, interface: &str) -> Result<String, LabError> {
        Ok(self.link(interface)?.address)
    }

    /// Whether all its cables, and what is made of them, are up and have carrier.
    pub(super) fn all_up(&self) -> Result<bool, LabError> {
        let links: Vec<State> = self.json(&["ip", "-j", "link", "show"])?;
        let mut ethernet = links.iter().filter(|link| link.link_type == "ether");
        Ok(ethernet.all(|link| link.operstate == "UP"))
    }

    /// The member of the bond `interface` that sends and receives, where the others are its backup.
    ///
    /// # Errors
    ///
    /// There is no such interface, or it is not a bond.
    pub fn active_member(&self, interface: &str) -> Result<Option<String>, LabError> {
        let words = ["ip", "-j", "-d", "link", "show", "dev", interface];
        let mut bonds: Vec<Bond> = self.json(&words)?;
        Ok(bonds.pop().and_then(|bond| bond.linkinfo.info_data.active_slave))
    }

    /// How an XDP program is attached to `interface`, if one is.
    ///
    /// # Errors
    ///
    /// There is no such interface.
    pub fn xdp_mode(&self, interface: &str) -> Result<Option<XdpMode>, LabError> {
        // The numbers are the kernel's XDP_ATTACHED_DRV and XDP_ATTACHED_SKB.
        Ok(self.link(interface)?.xdp.map(|xdp| match xdp.mode {
            1 => XdpMode::Native,
            2 => XdpMode::Generic,
            _ => XdpMode::Other,
        }))
    }

    /// Gives `interface` another MAC address. The bed's hosts tell their neighbours by gratuitous
    /// ARP and unsolicited neighbour advertisement, as a machine does whose card was changed.
    ///
    /// # Errors
    ///
    /// There is no such interface, or `mac` is not a unicast address.
    pub fn set_mac(&self, interface: &str, mac: &str) -> Result<(), LabError> {
        self.ip(&format!("link set dev {interface} address {mac}\n"))
    }

    /// The MAC address under which `address` is known on `interface`, if it is.
    ///
    /// # Errors
    ///
    /// There is no such interface.
    pub fn neighbour(&self, interface: &str, address: IpAddr) -> Result<Option<String>, LabError> {
        let address = address.to_string();
        let words = ["ip", "-j", "neighbour", "show", "to", &address, "dev", interface];
        let known: Vec<Neighbour> = self.json(&words)?;
        Ok(known.into_iter().find_map(|neighbour| neighbour.lladdr))
    }

    fn link(&self, interface: &str) -> Result<Link, LabError> {
        let words = ["ip", "-j", "-s", "link", "show", "dev", interface];
        let mut links: Vec<Link> = self.json(&words)?;
        links.pop().ok_or_else(|| LabError::Output {
            command: words.join(" "),
            reason: "no interface in it".to_owned(),
        })
    }

    /// Runs a command inside that prints JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, words: &[&str]) -> Result<T, LabError> {
        let text = self.run(words)?;
        // iproute2 prints nothing at all where it has nothing to list.
        let text = if text.trim().is_empty() { "[]" } else { &text };
        serde_json::from_str(text).map_err(|error| LabError::Output {
            command: words.join(" "),
            reason: error.to_string(),
        })
    }
}
