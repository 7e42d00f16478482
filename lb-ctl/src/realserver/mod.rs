//! Preparing the machine it runs on to be a real server: it takes packets for the VIP, and keeps
//! silent about having it.
//!
//! IPv4: the VIP on `lo`, with `arp_ignore` and `arp_announce` set so that no interface answers or
//! asks ARP in its name. IPv6: the VIP on `lo` is enough, since the kernel answers neighbour
//! solicitations only for addresses of the interface they arrive on.

mod check;
mod setup;
mod state;
mod sysctl;
mod undo;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use thiserror::Error;

pub use check::check;
pub use setup::setup;
pub use sysctl::{Setting, Sysctl};
pub use undo::undo;

use crate::config::rules::RuleError;
use crate::netlink::types::Link;
use crate::netlink::{HeldAddress, Netlink, NetlinkError};

/// Where setup remembers what to put back.
pub const STATE_DIR: &str = "/run/lb-ctl";

/// What to work on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The virtual address.
    pub vip: IpAddr,
    /// The interfaces that must keep silent about it. Empty means all that are up and have a MAC.
    pub interfaces: Vec<String>,
    /// The directory of the state file, by default [`STATE_DIR`].
    pub state_dir: PathBuf,
}

/// Why a real server could not be set up, undone or checked.
#[derive(Debug, Error)]
pub enum RealServerError {
    /// The kernel could not be asked, or refused.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// Not an address a service can have.
    #[error(transparent)]
    UnusableVip(#[from] RuleError),
    /// No interface of this name.
    #[error("there is no interface {name} to keep silent: see `ip link` for those there are")]
    NoInterface {
        /// The name.
        name: String,
    },
    /// The loopback interface is off.
    #[error("lo is down, and takes no packets for {vip}: `ip link set lo up`")]
    LoopbackDown {
        /// The VIP.
        vip: IpAddr,
    },
    /// The VIP is somewhere it must not be.
    #[error("{0}")]
    Misplaced(String),
    /// A sysctl could not be read or set.
    #[error("cannot {deed} {sysctl}: {source}: run as root, outside a container")]
    Sysctl {
        /// Read or set.
        deed: &'static str,
        /// Which.
        sysctl: Sysctl,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The state file could not be read or written.
    #[error("cannot {deed} {path}: {source}: run as root, or choose another --state-dir")]
    State {
        /// Read or write.
        deed: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state file says nothing sensible.
    #[error("{path} is damaged: {source}: delete it; the former sysctl values in it are then lost")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

/// What the kernel holds.
struct Machine {
    netlink: Netlink,
    links: Vec<Link>,
    addresses: Vec<HeldAddress>,
}

impl Machine {
    async fn look() -> Result<Self, RealServerError> {
        let netlink = Netlink::open()?;
        let links = netlink.links().await?;
        let addresses = netlink.addresses().await?;
        Ok(Self { netlink, links, addresses })
    }

    fn loopback(&self, vip: IpAddr) -> Result<&Link, RealServerError> {
        let loopback = self.links.iter().find(|link| link.loopback);
        loopback.ok_or(RealServerError::LoopbackDown { vip })
    }

    fn is_loopback(&self, ifindex: u32) -> bool {
        self.links.iter().any(|link| link.index == ifindex && link.loopback)
    }

    fn name(&self, ifindex: u32) -> &str {
        let link = self.links.iter().find(|link| link.index == ifindex);
        link.map_or("an interface that is gone", |link| &link.name)
    }

    /// The interfaces that must keep silent.
    fn interfaces(&self, options: &Options) -> Result<Vec<String>, RealServerError> {
        for name in &options.interfaces {
            if !self.links.iter().any(|link| link.name == *name) {
                return Err(RealServerError::NoInterface { name: name.clone() });
            }
        }
        if !options.interfaces.is_empty() {
            return Ok(options.interfaces.clone());
        }
        let speaking = self.links.iter().filter(|l| !l.loopback && l.up && l.mac.is_some());
        Ok(speaking.map(|link| link.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_no_service_can_have_is_refused() {
        for vip in ["127.0.0.1", "224.0.0.18", "fe80::1", "::ffff:192.0.2.10"] {
            let vip = vip.parse().unwrap();
            let options = Options { vip, interfaces: Vec::new(), state_dir: STATE_DIR.into() };
            let outcome = check(&options).await;
            assert!(matches!(outcome, Err(RealServerError::UnusableVip(_))), "{vip}: {outcome:?}");
        }
    }
}
