//! Somebody who speaks as another director does.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};

use bench::lab::Host;
use lb_ctl::sync::entry::{Entry, Name};
use lb_ctl::sync::packet::{self, Body, Header, Key, MAX_LENGTH};

use crate::common::traffic::SOON;

pub(crate) struct Peer {
    socket: UdpSocket,
    director: SocketAddr,
    key: Key,
    header: Header,
}

impl Peer {
    /// On this machine and port; begins when the director has said that it is there.
    pub(crate) fn start(host: &Host, port: u16, director: SocketAddr, key: &str) -> Self {
        let bind = || UdpSocket::bind((host.ipv4, port)).unwrap();
        let socket = host.namespace.enter(bind).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let header = Header { from: 1, to: 0, sequence: 0 };
        let mut peer = Self { socket, director, key: Key::new(key), header };
        peer.header.to = peer.hear().0.from;
        peer
    }

    /// Goes on as one that has lost everything.
    pub(crate) fn start_anew(&mut self) {
        self.header.from += 1;
        let header = self.next();
        self.send(&packet::hello(&self.key, header));
    }

    fn next(&mut self) -> Header {
        self.header.sequence += 1;
        self.header
    }

    /// Sends any bytes.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.director).unwrap();
    }

    /// Tells of these, and gives the datagrams.
    pub(crate) fn tell(&mut self, entries: &[Entry]) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        let mut left = entries;
        while !left.is_empty() {
            let (now, later) = left.split_at(packet::fitting(left));
            let header = self.next();
            sent.push(packet::telling(&self.key, header, now));
            left = later;
        }
        for datagram in &sent {
            self.send(datagram);
        }
        sent
    }

    fn hear(&self) -> (Header, Body) {
        let mut bytes = [0; MAX_LENGTH];
        let length = self.socket.recv(&mut bytes).unwrap();
        let datagram = packet::open(&self.key, &bytes[..length]).unwrap();
        (datagram.header, datagram.body)
    }

    /// Hears until it has been told of so many entries.
    pub(crate) fn hear_of(&self, count: usize) -> HashMap<Name, Entry> {
        let mut heard = HashMap::new();
        while heard.len() < count {
            if let (header, Body::Entries(entries)) = self.hear()
                && header.to == self.header.from
            {
                heard.extend(entries.into_iter().map(|entry| (entry.name(), entry)));
            }
        }
        heard
    }
}
