//! The clients: flows that remember where their packets went.

use lb_common::key::Protocol;
use lb_common::value::Ticks;
use xdp_prog::fixtures::frame::{Family, Packet};
use xdp_prog::headers::tcp_flags::{ACK, FIN, SYN};

use crate::director::{Director, idle};

/// A flow, and the real that its first packet went to.
#[derive(Debug)]
struct Client {
    packet: Packet,
    real: usize,
    seen: Ticks,
}

/// All flows that are alive.
pub(crate) struct Clients {
    family: Family,
    flows: Vec<Client>,
    begun: u16,
    strangers: u16,
}

const FIRST_STRANGER: u16 = 40_000;

impl Clients {
    pub(crate) fn new(family: Family) -> Self {
        Self { family, flows: Vec::new(), begun: 0, strangers: 0 }
    }

    /// A flow begins: TCP with its handshake, UDP with a packet.
    pub(crate) fn begin(&mut self, director: &mut Director, protocol: Protocol) {
        self.begun += 1;
        let packet = Packet { source_port: self.begun, protocol, ..Packet::new(self.family) };
        let first = Packet { flags: SYN, ..packet.clone() };
        let Some(real) = director.send(&first) else { return };
        let mut client = Client { packet, real, seen: director.now() };
        client.talk(director, ACK);
        self.flows.push(client);
    }

    /// SYNs of clients that never come again.
    pub(crate) fn flood(&mut self, director: &Director, count: usize) {
        for _ in 0..count {
            self.strangers = (self.strangers + 1) % (u16::MAX - FIRST_STRANGER);
            let source_port = FIRST_STRANGER + self.strangers;
            director.send(&Packet { source_port, flags: SYN, ..Packet::new(self.family) });
        }
    }

    /// Those flows send a packet whose bit of `share` is set.
    pub(crate) fn talk(&mut self, director: &mut Director, share: u64) {
        for (number, client) in self.flows.iter_mut().enumerate() {
            if share >> (number % 64) & 1 != 0 {
                client.talk(director, ACK);
            }
        }
    }

    /// Those flows end whose bit of `share` is set.
    pub(crate) fn end(&mut self, director: &mut Director, share: u64) {
        let mut number = 0;
        self.flows.retain_mut(|client| {
            let ends = share >> (number % 64) & 1 != 0;
            if ends && client.packet.protocol == Protocol::Tcp {
                client.talk(director, FIN | ACK);
            }
            number += 1;
            !ends
        });
    }

    /// Time passes. Each flow that would be idle for longer than its timeout sends a packet just
    /// before.
    pub(crate) fn wait(&mut self, director: &mut Director, ticks: Ticks) {
        let end = director.now() + ticks;
        loop {
            let due = |client: &Client| client.seen + idle(client.packet.protocol) - 1;
            let next = self.flows.iter_mut().min_by_key(|client| due(client));
            let Some(client) = next.filter(|client| due(client) <= end) else { break };
            director.pass(due(client).saturating_sub(director.now()));
            client.talk(director, ACK);
        }
        director.pass(end - director.now());
    }

    /// The flows of a real that is gone are lost.
    pub(crate) fn lose(&mut self, real: usize) {
        self.flows.retain(|client| client.real != real);
    }
}

impl Client {
    fn talk(&mut self, director: &Director, flags: u8) {
        let packet = Packet { flags, ..self.packet.clone() };
        let went = director.send(&packet);
        assert_eq!(went, Some(self.real), "{self:?} changed its real");
        self.seen = director.now();
    }
}
