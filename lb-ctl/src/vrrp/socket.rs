//! The sockets of adverts: one for each interface and family.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd as _;

use etherparse::Ipv4HeaderSlice;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, recv, recvmsg, sendmsg,
    setsockopt, sockopt,
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockFilter, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::accept::Packet;
use super::packet::{GROUP_V4, GROUP_V6, HOPS, PROTOCOL};
use crate::config::vrrp::Instance;

/// Type of service, or traffic class: internetwork control, as keepalived has it.
const CONTROL_CLASS: u32 = 0xc0;
/// `TC_PRIO_CONTROL`: the queueing discipline of the interface sends these first.
const CONTROL_PRIORITY: u32 = 6;
/// Room for what is not read yet, in bytes: some hundred adverts.
const RECEIVE_BUFFER: usize = 128 << 10;
/// An IP packet with an advert is not longer, in bytes: 255 addresses of IPv6.
const LONGEST: usize = 8192;

/// A filter that lets nothing in. Without it a raw socket of IPv6 hears all multicast that comes to
/// its interface, joined or not.
const NOTHING: SockFilter = SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);

/// A family of addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of a virtual router's adverts.
    pub fn of(instance: &Instance) -> Self {
        if instance.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// A raw socket that sends adverts on one interface, and hears those that arrive there.
#[derive(Debug)]
pub struct AdvertSocket {
    /// A raw socket. tokio has no type for one; this only waits for it.
    socket: UdpSocket,
    family: Family,
    interface: u32,
}

impl AdvertSocket {
    /// Opens a socket on an interface. Needs a tokio runtime, and `CAP_NET_RAW`.
    ///
    /// # Errors
    ///
    /// What the kernel says: `ENODEV` where there is no such interface.
    pub fn open(index: u32, interface: &str, family: Family) -> io::Result<Self> {
        let socket = raw_socket(index, interface, family)?;
        match family {
            Family::V4 => {
                let interface = InterfaceIndexOrAddress::Index(index);
                socket.join_multicast_v4_n(&GROUP_V4, &interface)?;
            }
            Family::V6 => socket.join_multicast_v6(&GROUP_V6, index)?,
        }
        Self::new(socket, index, family)
    }

    /// Opens a socket that only sends: for the interface of a virtual MAC, to which the adverts
    /// come as well that are heard on the one below it.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_sender(index: u32, interface: &str, family: Family) -> io::Result<Self> {
        let socket = raw_socket(index, interface, family)?;
        socket.attach_filter(&[NOTHING])?;
        Self::new(socket, index, family)
    }

    fn new(socket: Socket, interface: u32, family: Family) -> io::Result<Self> {
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, family, interface })
    }

    /// Waits for the next packet.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub async fn recv(&self) -> io::Result<Packet> {
        self.socket.async_io(Interest::READABLE, || self.read()).await
    }

    /// The next packet, where there is one already. It asks the kernel, whatever the runtime knows.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn try_recv(&self) -> io::Result<Option<Packet>> {
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            read => read.map(Some),
        }
    }

    /// Sends an advert. It does not wait: what the kernel has no room for now is too late later.
    ///
    /// # Errors
    ///
    /// What the kernel says, and `EINVAL` for addresses of another family than the socket's.
    pub fn send(&self, from: IpAddr, to: IpAddr, message: &[u8]) -> io::Result<()> {
        let (socket, message) = (self.socket.as_raw_fd(), [IoSlice::new(message)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let sent = match (self.family, from, to) {
            (Family::V4, IpAddr::V4(from), IpAddr::V4(to)) => {
                let info = self.source_v4(from);
                let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
                let control = [ControlMessage::Ipv4PacketInfo(&info)];
                sendmsg(socket, &message, &control, flags, Some(&to))
            }
            (Family::V6, IpAddr::V6(from), IpAddr::V6(to)) => {
                let info = self.source_v6(from);
                let scope = if to.is_unicast_link_local() { self.interface } else { 0 };
                let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, scope));
                let control = [ControlMessage::Ipv6PacketInfo(&info)];
                sendmsg(socket, &message, &control, flags, Some(&to))
            }
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        sent.map(drop).map_err(io::Error::from)
    }

    fn source_v4(&self, from: Ipv4Addr) -> libc::in_pktinfo {
        libc::in_pktinfo {
            ipi_ifindex: self.interface.cast_signed(),
            ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
            ipi_addr: libc::in_addr { s_addr: 0 },
        }
    }

    fn source_v6(&self, from: Ipv6Addr) -> libc::in6_pktinfo {
        libc::in6_pktinfo {
            ipi6_addr: libc::in6_addr { s6_addr: from.octets() },
            ipi6_ifindex: self.interface,
        }
    }

    fn read(&self) -> io::Result<Packet> {
        loop {
            let read = match self.family {
                Family::V4 => self.read_v4()?,
                Family::V6 => self.read_v6()?,
            };
            if let Some(packet) = read {
                return Ok(packet);
            }
        }
    }

    /// What is read has its IP header: raw(7).
    fn read_v4(&self) -> io::Result<Option<Packet>> {
        let mut buffer = [0; LONGEST];
        let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)?;
        let packet = &buffer[..length];
        let Ok(header) = Ipv4HeaderSlice::from_slice(packet) else { return Ok(None) };
        Ok(Some(Packet {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            ttl: Some(header.ttl()),
            payload: packet[header.slice().len()..].to_vec(),
        }))
    }

    /// What is read has no IP header (RFC 3542, section 3): it is told of beside it.
    fn read_v6(&self) -> io::Result<Option<Packet>> {
        let mut buffer = [0; LONGEST];
        let mut control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int);
        let (length, source, destination, ttl) = {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let read = recvmsg::<SockaddrIn6>(
                self.socket.as_raw_fd(),
                &mut parts,
                Some(&mut control),
                flags,
            )?;
            let (mut destination, mut ttl) = (None, None);
            for message in read.cmsgs()? {
                match message {
                    ControlMessageOwned::Ipv6PacketInfo(info) => {
                        destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                    }
                    ControlMessageOwned::Ipv6HopLimit(hops) => ttl = u8::try_from(hops).ok(),
                    _ => {}
                }
            }
            (read.bytes, read.address.map(|address| address.ip()), destination, ttl)
        };
        let (Some(source), Some(destination)) = (source, destination) else { return Ok(None) };
        let payload = buffer[..length].to_vec();
        Ok(Some(Packet { source: source.into(), destination: destination.into(), ttl, payload }))
    }
}

fn raw_socket(index: u32, interface: &str, family: Family) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let protocol = Protocol::from(i32::from(PROTOCOL));
    let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    match family {
        Family::V4 => set_up_v4(&socket)?,
        Family::V6 => set_up_v6(&socket, index)?,
    }
    // After the type of service, which sets another one: ip(7).
    socket.set_priority(CONTROL_PRIORITY)?;
    Ok(socket)
}

fn set_up_v4(socket: &Socket) -> io::Result<()> {
    // What other sockets have joined is nothing for this one.
    socket.set_multicast_all_v4(false)?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_multicast_ttl_v4(HOPS.into())?;
    socket.set_ttl_v4(HOPS.into())?;
    socket.set_tos_v4(CONTROL_CLASS)
}

fn set_up_v6(socket: &Socket, index: u32) -> io::Result<()> {
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_if_v6(index)?;
    socket.set_multicast_hops_v6(HOPS.into())?;
    socket.set_unicast_hops_v6(HOPS.into())?;
    socket.set_tclass_v6(CONTROL_CLASS)?;
    // A link-local address is of the interface below the virtual MAC's, and adverts come from it.
    socket.set_freebind_v6(true)?;
    socket.set_recv_hoplimit_v6(true)?;
    setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    Ok(())
}
