//! The kernel's links, addresses, routes and neighbours: the only user of rtnetlink.
//!
//! Requests and notifications go over separate sockets. A burst of notifications may overrun the
//! second ([`Notice::Overrun`]), but never takes the reply to a request with it.

mod address;
mod link;
mod macvlan;
mod neighbour;
mod notice;
mod request;
mod route;
pub mod tc;
pub mod types;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rtnetlink::Handle;
use thiserror::Error;
use tokio::sync::Mutex;

pub use address::Put;
pub use notice::{Notice, Notices};
pub use types::{HeldAddress, Link, Mark, Neighbour, NeighbourState, Placement, Route};

/// How long the kernel may take to answer one request. It answers in microseconds, or after the
/// holder of its configuration lock is done; a reply this late was lost.
const REPLY_WITHIN: Duration = Duration::from_secs(10);

/// Why talking to the kernel failed.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// No socket.
    #[error(
        "cannot open a netlink socket: {0}: it needs an address family the sandbox may have taken \
         away (systemd: RestrictAddressFamilies=AF_NETLINK)"
    )]
    Open(#[source] io::Error),
    /// The kernel said no.
    #[error("cannot {operation}: {source}{}", remedy(source))]
    Refused {
        /// What was tried, and on what.
        operation: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The socket is gone.
    #[error("cannot {operation}: the netlink socket is closed; restart lb-ctl")]
    Closed {
        /// What was tried, and on what.
        operation: String,
    },
    /// No answer.
    #[error("cannot {operation}: the kernel gave no usable answer; try again")]
    NoAnswer {
        /// What was tried, and on what.
        operation: String,
    },
}

/// What to do about the commonest refusals.
fn remedy(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::EPERM) => ": run as root or with CAP_NET_ADMIN",
        Some(libc::EACCES) => ": is IPv6 switched off there (net.ipv6.conf.*.disable_ipv6)?",
        Some(libc::ENODEV) => ": the interface is gone",
        Some(libc::ENOBUFS) => {
            ": the neighbour table is full; raise net.ipv4.neigh.default.gc_thresh3"
        }
        _ => "",
    }
}

impl NetlinkError {
    /// The kernel's error number, where it refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { source, .. } => source.raw_os_error(),
            Self::Open(_) | Self::Closed { .. } | Self::NoAnswer { .. } => None,
        }
    }
}

/// A handle for requests to the kernel of the network namespace it was opened in. Cheap to clone;
/// the socket closes with the last clone.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: Handle,
    /// The kernel dumps one thing at a time on a socket, and refuses a second (EBUSY).
    dumping: Arc<Mutex<()>>,
}

impl Netlink {
    /// Opens both sockets: one for requests, one for notifications.
    ///
    /// # Errors
    /// If the kernel gives no socket. Must be called within a tokio runtime.
    pub fn connect() -> Result<(Self, Notices), NetlinkError> {
        // Notifications first, so that nothing falls between a dump and the first of them.
        let notices = Notices::open()?;
        Ok((Self::open()?, notices))
    }

    /// Opens the socket for requests alone.
    ///
    /// # Errors
    /// If the kernel gives no socket. Must be called within a tokio runtime.
    pub fn open() -> Result<Self, NetlinkError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetlinkError::Open)?;
        tokio::spawn(connection);
        Ok(Self { handle, dumping: Arc::default() })
    }
}
