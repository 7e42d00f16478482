//! The sockets that adverts go through: one for each interface and family.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::accept::Packet;
use super::links::Links;
use super::packet::{self, Advert, GROUP_V4, GROUP_V6};
use super::socket::{AdvertSocket, Family};
use crate::config::vrrp::Instance;

/// Packets that wait between a socket and the virtual routers.
const ROOM: usize = 256;

/// How long a socket is left alone that could not be read.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// An interface's name, and a family.
pub type Place = (String, Family);

/// A packet, and where it came in.
pub type HeardAt = (Place, Packet);

#[derive(Debug)]
struct Port {
    ifindex: u32,
    socket: Arc<AdvertSocket>,
    /// None where it only sends.
    reader: Option<AbortHandle>,
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// The sockets that adverts go through.
#[derive(Debug)]
pub struct Ports {
    open: HashMap<Place, Port>,
    heard: mpsc::Sender<HeardAt>,
}

impl Ports {
    /// None yet. The other half is what comes in.
    pub fn new() -> (Self, mpsc::Receiver<HeardAt>) {
        let (heard, receiver) = mpsc::channel(ROOM);
        (Self { open: HashMap::new(), heard }, receiver)
    }

    /// Opens those that these virtual routers need and closes the others. What cannot be opened is
    /// returned with the reason.
    pub fn set<'a>(
        &mut self,
        instances: impl Iterator<Item = &'a Instance>,
        links: &Links,
    ) -> Vec<(Place, io::Error)> {
        let wanted: HashMap<Place, (u32, Use)> = instances
            .flat_map(places)
            .filter_map(|(place, what)| Some((place.clone(), (links.named(&place.0)?.index, what))))
            .collect();
        let is_wanted = |place: &Place, port: &Port| {
            wanted.get(place).is_some_and(|(ifindex, _)| *ifindex == port.ifindex)
        };
        self.open.retain(|place, port| is_wanted(place, port));
        let mut failed = Vec::new();
        for (place, (ifindex, what)) in wanted {
            if self.open.contains_key(&place) {
                continue;
            }
            let opened = match what {
                Use::Both => self.port(&place, ifindex),
                Use::Sending => sending_port(&place, ifindex),
            };
            match opened {
                Ok(port) => drop(self.open.insert(place, port)),
                Err(error) => failed.push((place, error)),
            }
        }
        failed
    }

    fn port(&self, place: &Place, ifindex: u32) -> io::Result<Port> {
        let socket = Arc::new(AdvertSocket::open(ifindex, &place.0, place.1)?);
        let (heard, place, hearing) = (self.heard.clone(), place.clone(), Arc::clone(&socket));
        let reader = tokio::spawn(async move {
            loop {
                match hearing.recv().await {
                    Ok(packet) => {
                        if heard.send((place.clone(), packet)).await.is_err() {
                            return;
                        }
                    }
                    // The interface may be down; the socket lives on.
                    Err(error) => {
                        tracing::debug!("{}: adverts: {error}", place.0);
                        tokio::time::sleep(AFTER_ERROR).await;
                    }
                }
            }
        });
        Ok(Port { ifindex, socket, reader: Some(reader.abort_handle()) })
    }

    /// Packets that have come in and that nobody has read yet.
    pub fn unread(&self) -> Vec<HeardAt> {
        let mut unread = Vec::new();
        for (place, port) in self.open.iter().filter(|(_, port)| port.reader.is_some()) {
            // What is wrong with a socket is found where it is waited for.
            while let Ok(Some(packet)) = port.socket.try_recv() {
                unread.push((place.clone(), packet));
                if unread.len() == ROOM {
                    return unread;
                }
            }
        }
        unread
    }

    /// Sends an advert to all that it is for. Returns to how many.
    ///
    /// # Errors
    ///
    /// What the kernel says of the first that it refuses; the others are sent all the same.
    pub fn send(&self, instance: &Instance, source: IpAddr, advert: &Advert) -> io::Result<u64> {
        let place = sending_place(instance);
        let port = self.open.get(&place).ok_or(io::ErrorKind::NotConnected)?;
        let (mut sent, mut outcome) = (0, Ok(()));
        for to in destinations(instance) {
            let message = packet::encode(advert, instance.checksum, source, to);
            match port.socket.send(source, to, &message) {
                Ok(()) => sent += 1,
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome.map(|()| sent)
    }
}

/// What a port is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// Hearing and sending.
    Both,
    /// Sending: what others send is heard on the interface below.
    Sending,
}

fn sending_port(place: &Place, ifindex: u32) -> io::Result<Port> {
    let socket = Arc::new(AdvertSocket::open_sender(ifindex, &place.0, place.1)?);
    Ok(Port { ifindex, socket, reader: None })
}

/// Where a virtual router hears, and where it sends.
fn places(instance: &Instance) -> impl Iterator<Item = (Place, Use)> {
    let hearing = (instance.interface.clone(), Family::of(instance));
    let sending = sending_place(instance);
    let apart = (sending != hearing).then_some((sending, Use::Sending));
    std::iter::once((hearing, Use::Both)).chain(apart)
}

/// Adverts of a virtual router with a MAC of its own come from there (RFC 9568, section 7.3).
fn sending_place(instance: &Instance) -> Place {
    (super::home(instance), Family::of(instance))
}

fn destinations(instance: &Instance) -> Vec<IpAddr> {
    if !instance.unicast_peers.is_empty() {
        return instance.unicast_peers.clone();
    }
    vec![if instance.is_ipv4() { GROUP_V4.into() } else { GROUP_V6.into() }]
}
