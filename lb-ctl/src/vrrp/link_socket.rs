//! Sends and hears whole frames on one interface.

use std::io::{self, Read};
use std::os::fd::AsRawFd;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use thiserror::Error;
use tokio::net::UdpSocket;

/// Why frames cannot be sent or heard.
#[derive(Debug, Error)]
pub enum LinkSocketError {
    /// No socket.
    #[error(
        "cannot open a packet socket on {interface}: {source}: it needs CAP_NET_RAW, and AF_PACKET \
         among the address families of a sandbox (systemd: RestrictAddressFamilies=)"
    )]
    Open {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// No interface.
    #[error("cannot open a packet socket on {interface}: there is no such interface")]
    NoInterface {
        /// Its name.
        interface: String,
    },
    /// It is down, gone, or refuses.
    #[error("cannot send on {interface}: {source}")]
    Send {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// It is down or gone.
    #[error("cannot hear on {interface}: {source}")]
    Receive {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl LinkSocketError {
    /// Whether the interface is down, and may come up again.
    pub fn is_down(&self) -> bool {
        match self {
            Self::Send { source, .. } | Self::Receive { source, .. } => {
                source.raw_os_error() == Some(libc::ENETDOWN)
            }
            Self::Open { .. } | Self::NoInterface { .. } => false,
        }
    }
}

/// What a socket hears of what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hears {
    /// Nothing.
    Nothing,
    /// ARP, of requests and replies alike.
    Arp,
    /// Neighbour advertisements.
    Advertisements,
}

impl Hears {
    /// The ethertype, as a socket takes it: in network order.
    fn protocol(self) -> Protocol {
        let ethertype = match self {
            Self::Nothing => 0,
            Self::Arp => libc::ETH_P_ARP,
            Self::Advertisements => libc::ETH_P_IPV6,
        };
        Protocol::from(i32::from((ethertype.cast_unsigned() as u16).to_be()))
    }

    /// What the kernel is to leave out before it copies anything.
    fn filter(self) -> Vec<SockFilter> {
        /// In a frame: IPv6's next header, and the type of an ICMPv6 message right behind.
        const NEXT_HEADER: u32 = 14 + 6;
        const ICMP_TYPE: u32 = 14 + 40;
        const ADVERTISEMENT: u32 = 136;
        // Frames of VLANs that nobody takes here come by without their tag, as those for other
        // machines (`__netif_receive_skb_core()` in net/core/dev.c).
        let kind = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned();
        let for_us = Condition::IsAtMost { at: kind, value: libc::PACKET_MULTICAST.into() };
        let conditions = match self {
            Self::Nothing => vec![],
            Self::Arp => vec![for_us],
            Self::Advertisements => vec![
                for_us,
                Condition::Is { at: NEXT_HEADER, value: libc::IPPROTO_ICMPV6.cast_unsigned() },
                Condition::Is { at: ICMP_TYPE, value: ADVERTISEMENT },
            ],
        };
        program(&conditions)
    }
}

const LOAD: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_ABOVE: u32 = libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// What one byte of a frame, or of the kernel's notes on it, is to be.
#[derive(Clone, Copy)]
enum Condition {
    Is { at: u32, value: u32 },
    IsAtMost { at: u32, value: u32 },
}

/// Takes frames that meet all conditions, whole, and no others.
fn program(conditions: &[Condition]) -> Vec<SockFilter> {
    let instruction = |code, (if_true, if_false), operand| {
        SockFilter::new(code as u16, if_true, if_false, operand)
    };
    let mut program = Vec::new();
    for (left, condition) in (0..conditions.len() as u8).rev().zip(conditions) {
        // Over the two instructions of each condition that is left, and the acceptance.
        let out = 2 * left + 1;
        let (at, test) = match *condition {
            Condition::Is { at, value } => (at, instruction(IF_EQUAL, (0, out), value)),
            Condition::IsAtMost { at, value } => (at, instruction(IF_ABOVE, (out, 0), value)),
        };
        program.extend([instruction(LOAD, (0, 0), at), test]);
    }
    program.extend([instruction(RETURN, (0, 0), u32::MAX), instruction(RETURN, (0, 0), 0)]);
    program
}

/// A socket for whole Ethernet frames on one interface, without what the machine itself sends.
#[derive(Debug)]
pub struct LinkSocket {
    /// A packet socket. tokio has no type for one; this reads and writes whole frames, too.
    socket: UdpSocket,
    interface: String,
}

impl LinkSocket {
    /// Opens one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If there is no such interface, or the kernel gives no socket.
    pub fn open(interface: &str, hears: Hears) -> Result<Self, LinkSocketError> {
        let failed = |source| LinkSocketError::Open { interface: interface.to_owned(), source };
        let address = link_address(interface).map_err(failed)?;
        let Some(address) = address else {
            return Err(LinkSocketError::NoInterface { interface: interface.to_owned() });
        };
        let socket = open(address, hears).map_err(failed)?;
        Ok(Self { socket, interface: interface.to_owned() })
    }

    /// The interface's name when this was opened.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Sends a frame; waits while too many wait to be sent.
    ///
    /// # Errors
    /// If the interface is down or gone.
    pub async fn send(&self, frame: &[u8]) -> Result<(), LinkSocketError> {
        let failed = |source| LinkSocketError::Send { interface: self.interface.clone(), source };
        self.socket.send(frame).await.map(drop).map_err(failed)
    }

    /// The next frame, as much of it as the buffer holds. Returns how many bytes of the buffer it
    /// takes.
    ///
    /// # Errors
    /// If the interface is down or gone. Once told, this waits for it to be up again.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<usize, LinkSocketError> {
        let failed =
            |source| LinkSocketError::Receive { interface: self.interface.clone(), source };
        self.socket.recv(buffer).await.map_err(failed)
    }
}

/// The interface as a packet socket is bound to it; the kernel keeps the socket's own protocol where
/// there is none with the address (`packet_bind()` in net/packet/af_packet.c).
fn link_address(interface: &str) -> io::Result<Option<LinkAddr>> {
    let mut found = getifaddrs()?.filter(|found| found.interface_name == interface);
    Ok(found.find_map(|found| found.address?.as_link_addr().copied()))
}

fn open(address: LinkAddr, hears: Hears) -> io::Result<UdpSocket> {
    let kind = Type::RAW.nonblocking().cloexec();
    let socket = Socket::new(Domain::PACKET, kind, Some(hears.protocol()))?;
    socket.attach_filter(&hears.filter())?;
    bind(socket.as_raw_fd(), &address)?;
    drop_early(&socket)?;
    UdpSocket::from_std(socket.into())
}

/// Until it is bound and has its filter, a socket hears all interfaces.
fn drop_early(mut socket: &Socket) -> io::Result<()> {
    loop {
        match socket.read(&mut [0; 64]) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // One that is bound to an interface which is down says so once.
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => {}
            Err(error) => return Err(error),
        }
    }
}
