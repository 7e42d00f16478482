//! Addresses, and the VIPs among them.

use std::net::IpAddr;

use futures_util::future::join_all;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
    AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::types::{HeldAddress, Mark, Placement, host_prefix};
use super::{Netlink, NetlinkError};

/// So many requests are given to the kernel at a time. It works on them within the call that gives
/// them to it, for up to a third of a millisecond each (IPv6); what else is to be done in this thread
/// has its turn in between.
const AT_A_TIME: usize = 8;

/// What became of an address to be put on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// It is there now.
    Added,
    /// It was there, put by the same hand: nothing to do.
    AlreadyOurs,
    /// It was there, put by somebody else: left alone.
    AlreadyThere,
}

impl Netlink {
    /// All addresses of the namespace.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn addresses(&self) -> Result<Vec<HeldAddress>, NetlinkError> {
        let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let answers = self.dump("list the addresses", request).await?;
        let addresses = answers.into_iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewAddress(message) => parse(&message),
            _ => None,
        });
        Ok(addresses.collect())
    }

    /// Puts a VIP on a director's interface as /32 or /128, marked as the daemon's own.
    ///
    /// # Errors
    /// If the kernel refuses: no such interface, no permission, IPv6 switched off.
    pub async fn add_vip(&self, ifindex: u32, vip: IpAddr) -> Result<Put, NetlinkError> {
        self.put_address(ifindex, vip, Mark::Director).await
    }

    /// Takes a VIP off an interface, if the daemon put it there. Returns whether it was.
    ///
    /// # Errors
    /// If the kernel refuses: no permission.
    pub async fn delete_vip(&self, ifindex: u32, vip: IpAddr) -> Result<bool, NetlinkError> {
        let held = self.addresses().await?;
        let here = |a: &&HeldAddress| a.ifindex == ifindex && a.address == vip && a.ours;
        let Some(ours) = held.iter().find(here) else {
            return Ok(false);
        };
        match self.delete_address(ours).await {
            // Gone between the look and the deed.
            Err(error) if error.errno() == Some(libc::EADDRNOTAVAIL) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Puts an address on an interface as /32 or /128 with a mark.
    ///
    /// # Errors
    /// If the kernel refuses: no such interface, no permission, IPv6 switched off.
    pub async fn put_address(
        &self,
        ifindex: u32,
        address: IpAddr,
        mark: Mark,
    ) -> Result<Put, NetlinkError> {
        let placement = Placement { ifindex, address, prefix_len: host_prefix(address) };
        let (operation, request) = putting(placement, mark);
        match self.change(&operation, request, NLM_F_CREATE | NLM_F_EXCL).await {
            Ok(()) => Ok(Put::Added),
            Err(error) if error.errno() == Some(libc::EEXIST) => {
                let marked = self.addresses().await?.iter().any(|held| {
                    held.ifindex == ifindex && held.address == address && held.has(mark)
                });
                Ok(if marked { Put::AlreadyOurs } else { Put::AlreadyThere })
            }
            Err(error) => Err(error),
        }
    }

    /// Takes an address off its interface, whoever put it there.
    ///
    /// # Errors
    /// If the kernel refuses: it is gone already, no permission.
    pub async fn delete_address(&self, held: &HeldAddress) -> Result<(), NetlinkError> {
        let (operation, request) = taking(held.placement());
        self.change(&operation, request, 0).await
    }

    /// Puts many addresses on their interfaces with a mark, in order, and returns what became of
    /// each. The kernel has many requests at a time, and answers in between.
    pub async fn put_all(
        &self,
        placements: &[Placement],
        mark: Mark,
    ) -> Vec<Result<(), NetlinkError>> {
        let mut done = Vec::with_capacity(placements.len());
        for some in placements.chunks(AT_A_TIME) {
            let requests = some.iter().map(async |it| {
                let (operation, request) = putting(*it, mark);
                self.change(&operation, request, NLM_F_CREATE | NLM_F_EXCL).await
            });
            done.extend(join_all(requests).await);
        }
        done
    }

    /// Takes many addresses off their interfaces, whoever put them there, and returns what became
    /// of each.
    pub async fn take_all(&self, placements: &[Placement]) -> Vec<Result<(), NetlinkError>> {
        let mut done = Vec::with_capacity(placements.len());
        for some in placements.chunks(AT_A_TIME) {
            let requests = some.iter().map(async |it| {
                let (operation, request) = taking(*it);
                self.change(&operation, request, 0).await
            });
            done.extend(join_all(requests).await);
        }
        done
    }
}

fn putting(placement: Placement, mark: Mark) -> (String, RouteNetlinkMessage) {
    let request = RouteNetlinkMessage::NewAddress(new_message(placement, mark));
    (format!("put {placement}"), request)
}

fn taking(placement: Placement) -> (String, RouteNetlinkMessage) {
    let Placement { ifindex, address, prefix_len } = placement;
    let operation = format!("take {address}/{prefix_len} off interface {ifindex}");
    (operation, RouteNetlinkMessage::DelAddress(message(placement)))
}

/// What an address message says.
pub(super) fn parse(message: &AddressMessage) -> Option<HeldAddress> {
    let mut address = None;
    let mut local = None;
    let mut protocol = 0;
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Address(value) => address = Some(*value),
            // On a point-to-point interface ADDRESS is the peer's and LOCAL is ours.
            AddressAttribute::Local(value) => local = Some(*value),
            AddressAttribute::Protocol(value) => protocol = u8::from(*value),
            AddressAttribute::Flags(value) => flags = *value,
            _ => {}
        }
    }
    Some(HeldAddress {
        ifindex: message.header.index,
        address: local.or(address)?,
        prefix_len: message.header.prefix_len,
        ours: protocol == Mark::Director.number(),
        protocol,
        tentative: flags.contains(AddressFlags::Tentative),
        dad_failed: flags.contains(AddressFlags::Dadfailed),
    })
}

fn message(placement: Placement) -> AddressMessage {
    let Placement { ifindex, address, prefix_len } = placement;
    let mut message = AddressMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = prefix_len;
    message.header.index = ifindex;
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

fn new_message(placement: Placement, mark: Mark) -> AddressMessage {
    let mut message = message(placement);
    // Scope host keeps the kernel from picking a real's VIP as the source of its own connections.
    message.header.scope = match mark {
        Mark::Director | Mark::Vrrp => AddressScope::Universe,
        Mark::RealServer => AddressScope::Host,
    };
    let protocol = AddressProtocol::Other(mark.number());
    message.attributes.push(AddressAttribute::Protocol(protocol));
    if placement.address.is_ipv6() {
        // Several machines hold the VIP by design, so duplicate address detection must not stop
        // it; and a deprecated address is never picked as a source (RFC 6724 section 5, rule 3).
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        let mut lifetime = CacheInfo::default();
        lifetime.ifa_preferred = 0;
        lifetime.ifa_valid = u32::MAX;
        message.attributes.push(AddressAttribute::CacheInfo(lifetime));
    }
    message
}
