//! ICMP echo with one real (RFC 792; RFC 4443, section 4).

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use etherparse::{
    IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, Icmpv6Header, Icmpv6Slice, Icmpv6Type,
    Ipv4HeaderSlice,
};
use socket2::Socket;
use tokio::net::UdpSocket;

use super::datagram;

/// The identifier of the next socket: 65,536 may be open at a time.
static NEXT_ID: AtomicU16 = AtomicU16::new(1);

/// A raw socket that sends echo requests to one real, with an identifier that no other one of this
/// process has.
#[derive(Debug)]
pub struct EchoSocket {
    /// A raw socket. tokio has no type for one; this reads and writes whole messages, too.
    socket: UdpSocket,
    v4: bool,
    id: u16,
}

impl EchoSocket {
    /// Of a raw ICMP socket that does not block and is connected.
    pub(super) fn new(socket: Socket, v4: bool) -> io::Result<Self> {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, v4, id })
    }

    /// The identifier of this socket's requests.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Sends one echo request.
    ///
    /// # Errors
    ///
    /// What the kernel says, which may be about an earlier request.
    pub async fn send(&self, sequence: u16, payload: &[u8]) -> io::Result<()> {
        let message = self.request(sequence, payload);
        self.socket.send(&message).await.map(drop)
    }

    /// Waits for the next echo reply to this socket, and gives its sequence number and payload.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub async fn receive(&self) -> io::Result<(u16, Vec<u8>)> {
        loop {
            let message = datagram::next(&self.socket).await?;
            // The socket hears all ICMP messages of the real.
            if let Some((echo, payload)) = reply(&message, self.v4)
                && echo.id == self.id
            {
                return Ok((echo.seq, payload.to_vec()));
            }
        }
    }

    fn request(&self, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let echo = IcmpEchoHeader { id: self.id, seq: sequence };
        let mut message = if self.v4 {
            Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), payload).to_bytes().to_vec()
        } else {
            // The kernel writes the checksum (RFC 3542, section 3.1): it knows the addresses.
            Icmpv6Header::new(Icmpv6Type::EchoRequest(echo)).to_bytes().to_vec()
        };
        message.extend_from_slice(payload);
        message
    }
}

/// The echo reply that a raw socket has read: of IPv4 with its IP header, of IPv6 without.
fn reply(read: &[u8], v4: bool) -> Option<(IcmpEchoHeader, &[u8])> {
    if !v4 {
        let message = Icmpv6Slice::from_slice(read).ok()?;
        let Icmpv6Type::EchoReply(echo) = message.icmp_type() else { return None };
        return Some((echo, message.payload()));
    }
    let header = Ipv4HeaderSlice::from_slice(read).ok()?;
    let message = Icmpv4Slice::from_slice(&read[header.slice().len()..]).ok()?;
    let Icmpv4Type::EchoReply(echo) = message.icmp_type() else { return None };
    Some((echo, message.payload()))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use crate::health::Dial;

    #[tokio::test]
    async fn a_machine_answers_each_request() {
        let loopbacks = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        for rip in loopbacks {
            let dial = Dial { rip, port: 0, mark: None, bind: None };
            let (one, other) = (dial.icmp().unwrap(), dial.icmp().unwrap());
            assert_ne!(one.id(), other.id());
            other.send(7, b"other").await.unwrap();
            one.send(8, b"one").await.unwrap();
            // Both sockets hear both replies.
            assert_eq!(one.receive().await.unwrap(), (8, b"one".to_vec()));
            assert_eq!(other.receive().await.unwrap(), (7, b"other".to_vec()));
        }
    }
}
