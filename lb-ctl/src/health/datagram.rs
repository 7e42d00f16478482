//! Datagrams of probes.

use std::io;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::deadline::Deadline;
use super::failure::Failure;
use super::socket::Dial;

/// A datagram, or an IP packet, is not longer, in bytes.
const LONGEST: usize = 65_535;

/// Opens a socket and sends one datagram.
///
/// # Errors
/// What the kernel says.
pub(super) async fn send(dial: &Dial, payload: &[u8]) -> Result<UdpSocket, Failure> {
    let sent = async {
        let socket = dial.udp().await?;
        socket.send(payload).await?;
        Ok(socket)
    };
    sent.await.map_err(|error: io::Error| Failure::of_datagram(&error))
}

/// Waits for the next datagram within the time of a probe.
///
/// # Errors
/// The time is over, or ICMP says that none will come.
pub(super) async fn receive(socket: &UdpSocket, deadline: &Deadline) -> Result<Vec<u8>, Failure> {
    let next = deadline.within("answer", next(socket)).await?;
    next.map_err(|error| Failure::of_datagram(&error))
}

/// Waits for the next datagram.
///
/// There is a buffer only once there is a datagram: many probes wait at a time.
///
/// # Errors
/// What the kernel says.
pub(super) async fn next(socket: &UdpSocket) -> io::Result<Vec<u8>> {
    // What ICMP says makes a socket erroneous, not readable.
    let either = Interest::READABLE | Interest::ERROR;
    let receive = || {
        let mut datagram = vec![0; LONGEST];
        let length = recv(socket.as_raw_fd(), &mut datagram, MsgFlags::empty())?;
        datagram.truncate(length);
        Ok(datagram)
    };
    socket.async_io(either, receive).await
}
