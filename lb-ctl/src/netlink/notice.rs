//! What the kernel tells unasked.

use std::fmt;
use std::pin::Pin;

use futures_util::{FutureExt, Stream, StreamExt};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteFlags, RouteMessage};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use rtnetlink::MulticastGroup;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::sys::AsyncSocket;
use tokio::task::AbortHandle;

use super::types::{HeldAddress, Link, Neighbour};
use super::{NetlinkError, address, link, neighbour};

/// Room for a few ten thousand notifications, in bytes: a flush of a large neighbour table must
/// not cost a full resync.
const RECEIVE_BUFFER: usize = 8 << 20;

const GROUPS: [MulticastGroup; 6] = [
    MulticastGroup::Link,
    MulticastGroup::Neigh,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
];

const LINK_GROUPS: [MulticastGroup; 3] =
    [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];

/// A change in the kernel's tables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A link is new or different.
    Link(Link),
    /// A link is gone.
    LinkRemoved(Link),
    /// A neighbour is new or different.
    Neighbour(Neighbour),
    /// A neighbour is forgotten.
    NeighbourRemoved(Neighbour),
    /// An address is new or different.
    Address(HeldAddress),
    /// An address is gone.
    AddressRemoved(HeldAddress),
    /// Some route is different.
    Routes,
    /// Notices were lost: take a new subscription and look at everything again. Notices that come
    /// behind this one may be older than the lost ones.
    Overrun,
}

/// The kernel's notices, in its order.
pub struct Notices {
    messages: Pin<Box<dyn Stream<Item = NetlinkMessage<RouteNetlinkMessage>> + Send>>,
    reader: AbortHandle,
}

impl Drop for Notices {
    fn drop(&mut self) {
        // By itself the reader would notice only when the next message comes.
        self.reader.abort();
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

impl Notices {
    /// Subscribes to links, neighbours, addresses and routes.
    ///
    /// # Errors
    /// If the kernel gives no socket. Must be called within a tokio runtime.
    pub fn open() -> Result<Self, NetlinkError> {
        Self::of(&GROUPS)
    }

    /// Subscribes to links and addresses alone.
    ///
    /// # Errors
    /// If the kernel gives no socket. Must be called within a tokio runtime.
    pub fn of_links() -> Result<Self, NetlinkError> {
        Self::of(&LINK_GROUPS)
    }

    fn of(groups: &[MulticastGroup]) -> Result<Self, NetlinkError> {
        let (mut connection, _, messages) =
            rtnetlink::new_multicast_connection(groups).map_err(NetlinkError::Open)?;
        let socket = connection.socket_mut().socket_ref();
        if let Err(error) = setsockopt(socket, RcvBufForce, &RECEIVE_BUFFER) {
            tracing::debug!("the buffer for kernel notices stays small: {error}");
        }
        let reader = tokio::spawn(connection).abort_handle();
        let messages = Box::pin(messages.map(|(message, _)| message));
        Ok(Self { messages, reader })
    }

    /// The next notice; none once the socket is gone.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = parse(self.messages.next().await?) {
                return Some(notice);
            }
        }
    }

    /// The next notice if it is here already.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.next().now_or_never().flatten()
    }
}

fn parse(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Notice> {
    let message = match message.payload {
        NetlinkPayload::InnerMessage(message) => message,
        NetlinkPayload::Overrun(_) => return Some(Notice::Overrun),
        _ => return None,
    };
    match message {
        RouteNetlinkMessage::NewLink(message) => link::parse(&message).map(Notice::Link),
        RouteNetlinkMessage::DelLink(message) => link::parse(&message).map(Notice::LinkRemoved),
        RouteNetlinkMessage::NewNeighbour(message) => {
            neighbour::parse(&message).map(Notice::Neighbour)
        }
        RouteNetlinkMessage::DelNeighbour(message) => {
            neighbour::parse(&message).map(Notice::NeighbourRemoved)
        }
        RouteNetlinkMessage::NewAddress(message) => address::parse(&message).map(Notice::Address),
        RouteNetlinkMessage::DelAddress(message) => {
            address::parse(&message).map(Notice::AddressRemoved)
        }
        RouteNetlinkMessage::NewRoute(message) | RouteNetlinkMessage::DelRoute(message) => {
            is_configured(&message).then_some(Notice::Routes)
        }
        _ => None,
    }
}

/// Cloned routes are the kernel's notes on single destinations, not configuration.
fn is_configured(message: &RouteMessage) -> bool {
    !message.header.flags.contains(RouteFlags::Cloned)
}
