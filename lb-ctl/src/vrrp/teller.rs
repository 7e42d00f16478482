//! Tells a segment where addresses are, and hears who else says that they are theirs.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lb_common::value::Mac;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, spawn_blocking};

use super::conflicts::Watch;
use super::frames;
use super::link_socket::{Hears, LinkSocket, LinkSocketError};
use crate::netlink::{Netlink, NetlinkError};

/// So many frames are sent until others have their turn: with a few microseconds for each, adverts
/// that are due meanwhile are not late.
const AT_ONCE: usize = 32;
/// More than an ARP message or an advertisement with its options has, in bytes.
const LONGEST: usize = 512;

/// What is heard on an interface, each by a socket of its own.
const HEARD: [Hears; 2] = [Hears::Arp, Hears::Advertisements];

/// Somebody else claims an address that is held here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Conflict {
    /// Where that was heard.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Whose frames say so.
    pub mac: Mac,
}

/// The router that leads out of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its MAC, where that is known.
    pub mac: Option<Mac>,
}

impl Gateway {
    /// The one of the default route over an interface, if there is one.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn find(netlink: &Netlink, ifindex: u32) -> Result<Option<Self>, NetlinkError> {
        let Some(address) = netlink.default_gateway(ifindex).await? else { return Ok(None) };
        let mac = netlink.mac_of(ifindex, address.into()).await?;
        Ok(Some(Self { address, mac }))
    }
}

/// What is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Round {
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// Where they are.
    pub mac: Mac,
    /// How often that is told of each.
    pub repeat: u8,
    /// Who is told apart from all others: some routers take no note of what they did not ask for.
    pub gateway: Option<Gateway>,
}

impl Round {
    /// All frames of it, in order; with the flag of routers where the machine is one.
    fn frames(&self, router: bool) -> impl Iterator<Item = Vec<u8>> + Send {
        let Self { ref addresses, mac, repeat, gateway } = *self;
        let all = || addresses.iter().copied();
        let told = (0..repeat).flat_map(move |_| all());
        let told = told.map(move |it| frames::announcement(mac, it, router));
        let asked = all().filter_map(move |it| match (gateway, it) {
            (Some(to), IpAddr::V4(it)) => Some(frames::request(mac, it, to.address, to.mac)),
            _ => None,
        });
        let probed = all().map(move |it| frames::probe(mac, it));
        told.chain(asked).chain(probed)
    }
}

/// Tells and hears on one interface. What it hears ends with it.
#[derive(Debug)]
pub struct Teller {
    sender: Arc<LinkSocket>,
    watch: Arc<Mutex<Watch>>,
    hearing: Vec<AbortHandle>,
    /// How many of its sockets hear by now.
    opened: watch::Receiver<usize>,
}

impl Drop for Teller {
    fn drop(&mut self) {
        for task in &self.hearing {
            task.abort();
        }
    }
}

impl Teller {
    /// Opens the socket that tells. Those that hear follow: see [`Self::hears`]. Must be called within
    /// a tokio runtime. Conflicts that nobody takes in time are dropped, and told of again in a
    /// minute.
    ///
    /// # Errors
    /// If there is no such interface, or the kernel gives no socket.
    pub fn open(
        interface: &str,
        conflicts: &mpsc::Sender<Conflict>,
    ) -> Result<Self, LinkSocketError> {
        let sender = Arc::new(LinkSocket::open(interface, Hears::Nothing)?);
        let watch = Arc::<Mutex<Watch>>::default();
        let (opening, opened) = watch::channel(0);
        let mut teller = Self { sender, watch, hearing: Vec::new(), opened };
        for hears in HEARD {
            let (watch, conflicts) = (Arc::clone(&teller.watch), conflicts.clone());
            let (interface, opening) = (interface.to_owned(), opening.clone());
            let task = async move {
                let Some(socket) = open_to_hear(interface, hears).await else { return };
                opening.send_modify(|opened| *opened += 1);
                hear(socket, watch, conflicts).await;
            };
            teller.hearing.push(tokio::spawn(task).abort_handle());
        }
        Ok(teller)
    }

    /// Waits until it hears everything that it is to hear; for ever where the kernel gives no socket
    /// for that, which is logged.
    pub async fn hears(&self) {
        let mut opened = self.opened.clone();
        if opened.wait_for(|opened| *opened == HEARD.len()).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes claims of these addresses by others for conflicts from a time on.
    pub fn hold(&self, from: Instant, addresses: impl IntoIterator<Item = IpAddr>) {
        lock(&self.watch).hold(from, addresses);
    }

    /// Leaves these to whoever claims them.
    pub fn release(&self, addresses: impl IntoIterator<Item = IpAddr>) {
        lock(&self.watch).release(addresses);
    }

    /// Takes claims with these MACs for one's own: those of all interfaces of this machine, and those
    /// of its virtual routers.
    pub fn set_own(&self, macs: HashSet<Mac>) {
        lock(&self.watch).set_own(macs);
    }

    /// Tells where the addresses are, each as often as the round says, round by round; then tells the
    /// gateway, and asks once whether anybody else has them. It gives way to others now and then.
    ///
    /// The future holds the socket, and nothing of this.
    ///
    /// # Errors
    /// The future fails if the interface is down or gone.
    pub fn tell(
        &self,
        round: Round,
    ) -> impl Future<Output = Result<(), LinkSocketError>> + Send + use<> {
        let sender = Arc::clone(&self.sender);
        async move {
            let ipv6 = round.addresses.iter().any(IpAddr::is_ipv6);
            let router = ipv6 && forwards(sender.interface());
            send_all(&sender, round.frames(router)).await
        }
    }

    /// Asks whether anybody has these addresses; who answers is a conflict where they are held.
    ///
    /// # Errors
    /// The future fails if the interface is down or gone.
    pub fn probe(
        &self,
        addresses: Vec<IpAddr>,
        mac: Mac,
    ) -> impl Future<Output = Result<(), LinkSocketError>> + Send + use<> {
        self.tell(Round { addresses, mac, repeat: 0, gateway: None })
    }
}

async fn send_all(
    socket: &LinkSocket,
    frames: impl Iterator<Item = Vec<u8>>,
) -> Result<(), LinkSocketError> {
    for (number, frame) in frames.enumerate() {
        if number % AT_ONCE == AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        socket.send(&frame).await?;
    }
    Ok(())
}

/// Whether the machine is a router for what comes in by an interface (RFC 4861, section 6.2.2).
fn forwards(interface: &str) -> bool {
    let path = ["/proc/sys/net/ipv6/conf", interface, "forwarding"];
    let value = std::fs::read_to_string(path.iter().collect::<std::path::PathBuf>());
    value.is_ok_and(|value| value.trim() != "0")
}

/// Opens a socket that hears, in a thread of its own. The kernel lets who binds one wait until no CPU
/// is within a packet that it might still get by its old binding (`packet_do_bind()` and
/// `synchronize_net()`), which takes 10 ms and more: neither adverts nor those who are to be told of
/// addresses are to wait for that.
async fn open_to_hear(interface: String, hears: Hears) -> Option<LinkSocket> {
    let opened = spawn_blocking(move || LinkSocket::open(&interface, hears)).await;
    match opened {
        Ok(Ok(socket)) => Some(socket),
        Ok(Err(error)) => {
            tracing::error!("{error}; who else claims addresses there is not heard");
            None
        }
        // The runtime ends.
        Err(_) => None,
    }
}

async fn hear(socket: LinkSocket, watch: Arc<Mutex<Watch>>, conflicts: mpsc::Sender<Conflict>) {
    let mut frame = [0; LONGEST];
    loop {
        let length = match socket.receive(&mut frame).await {
            Ok(length) => length,
            Err(error) if error.is_down() => continue,
            Err(error) => {
                tracing::warn!("{error}; who else claims addresses there is not heard any more");
                return;
            }
        };
        let Some(claim) = frame.get(..length).and_then(frames::claim) else { continue };
        if lock(&watch).is_news(Instant::now(), claim) {
            let interface = socket.interface().to_owned();
            let conflict = Conflict { interface, address: claim.address, mac: claim.mac };
            // Full: the reader has more of them than it can take.
            let _ = conflicts.try_send(conflict);
        }
    }
}

/// Nothing can panic while it is locked.
fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}
