//! Entries of connection tables, as directors tell each other of them. Pure.

use std::net::IpAddr;

use lb_common::key::Protocol;
use lb_common::value::connection_state as state;

use crate::dataplane::flow::Flow;

/// What names an entry of a connection table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The client's address and port; of a template the network's and 0.
    pub client: (IpAddr, u16),
    /// The VIP and port; of a template the lowest port of its service.
    pub vip: (IpAddr, u16),
    /// It is no connection, but says where a client's next ones go.
    pub template: bool,
}

/// An entry of a connection table. Its addresses are of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The client's address and port.
    pub client: (IpAddr, u16),
    /// The VIP and port.
    pub vip: (IpAddr, u16),
    /// The address of the real that owns it: numbers of reals are a director's own.
    pub real: IpAddr,
    /// One of [`lb_common::value::connection_state`].
    pub state: u32,
    /// Milliseconds until it is forgotten if no packet comes.
    pub left: u32,
}

impl Entry {
    /// What names it.
    pub fn name(&self) -> Name {
        let Self { protocol, client, vip, .. } = *self;
        Name { protocol, client, vip, template: self.state == state::TEMPLATE }
    }

    /// The key it has in a table. `None` where its addresses are of two families.
    pub fn flow(&self) -> Option<Flow> {
        if self.state == state::TEMPLATE {
            return Flow::template(self.protocol, self.client.0, self.vip);
        }
        Flow::connection(self.protocol, self.client, self.vip)
    }
}
