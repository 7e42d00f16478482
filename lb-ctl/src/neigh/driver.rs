//! Watches the kernel's tables for the way to each real, and asks where the kernel does not know.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use lb_common::value::Mac;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::table::Resolution;
use super::watcher::Watcher;
use crate::netlink::types::Link;
use crate::netlink::{Netlink, NetlinkError, Notices};

/// What changed on the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NetEvent {
    /// These reals are reached differently now.
    Resolutions(Vec<(IpAddr, Resolution)>),
    /// A link is new, different or gone.
    Link(LinkChange),
    /// An address is there now.
    AddressAdded {
        /// The interface that has it.
        ifindex: u32,
        /// The address.
        address: IpAddr,
    },
    /// An address is there no longer.
    AddressRemoved {
        /// The interface that had it.
        ifindex: u32,
        /// The address.
        address: IpAddr,
    },
}

/// The new state of a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkChange {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// It is in this network namespace.
    pub present: bool,
    /// It is switched on, and with a carrier.
    pub up: bool,
    /// Its hardware address; none unless it is Ethernet.
    pub mac: Option<Mac>,
    /// The interface that it is a member of, if any.
    pub master: Option<u32>,
    /// The interface that it is on with the MAC of a virtual router, if any.
    pub below: Option<u32>,
}

impl LinkChange {
    pub(super) fn new(link: &Link, present: bool) -> Self {
        let Link { index, mac, up, master, .. } = *link;
        let below = link.kind.virtual_mac_on();
        Self { index, name: link.name.clone(), present, up: up && present, mac, master, below }
    }
}

/// Why reals could not be watched.
#[derive(Debug, Error)]
pub enum NeighbourError {
    /// The driver's task is gone.
    #[error("the neighbour driver has stopped; restart lb-ctl daemon")]
    Stopped,
    /// The kernel's tables could not be read. The watched set stays as it was.
    #[error("cannot look up the reals: {0}")]
    Netlink(#[from] NetlinkError),
}

/// Starts the driver.
#[derive(Debug)]
pub struct NeighbourDriver;

impl NeighbourDriver {
    /// Starts the task, which begins by telling of every link and address present. It ends when
    /// the handle or the receiver of events is dropped. The kernel then goes on keeping the
    /// watched neighbours fresh, for the next daemon to find.
    pub fn start(
        netlink: Netlink,
        notices: Notices,
        events: mpsc::Sender<NetEvent>,
    ) -> NeighbourHandle {
        let (commands, receiver) = mpsc::channel(1);
        tokio::spawn(Watcher::new(netlink, notices, events).run(receiver));
        NeighbourHandle { commands }
    }
}

/// The way to the driver's task.
#[derive(Debug)]
pub struct NeighbourHandle {
    commands: mpsc::Sender<Watch>,
}

impl NeighbourHandle {
    /// Sets which reals are watched, in place of those watched before, and returns the resolution
    /// of each by the kernel's tables as they are now. Those that are unresolved are being
    /// resolved from here on; what becomes of them arrives as [`NetEvent::Resolutions`].
    ///
    /// `attached` are the interfaces that the program is on, or is meant to be on.
    ///
    /// # Errors
    /// If the kernel's tables could not be read (the watched set stays as it was), or the task is
    /// gone.
    pub async fn watch(
        &self,
        rips: BTreeSet<IpAddr>,
        attached: BTreeSet<u32>,
    ) -> Result<HashMap<IpAddr, Resolution>, NeighbourError> {
        let (reply, answer) = oneshot::channel();
        let command = Watch { rips, attached, reply };
        self.commands.send(command).await.map_err(|_| NeighbourError::Stopped)?;
        Ok(answer.await.map_err(|_| NeighbourError::Stopped)??)
    }
}

/// The one command of the task.
pub(super) struct Watch {
    pub(super) rips: BTreeSet<IpAddr>,
    pub(super) attached: BTreeSet<u32>,
    pub(super) reply: oneshot::Sender<Result<HashMap<IpAddr, Resolution>, NetlinkError>>,
}
