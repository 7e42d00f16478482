//! The sockets of probes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::echo::EchoSocket;

/// Whom a probe talks to, and how.
///
/// Every error is the kernel's own (`ECONNREFUSED`, `EHOSTUNREACH`, …). A future that is dropped
/// closes its socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dial {
    /// The real's own address: what the kernel finds route and MAC by.
    pub rip: IpAddr,
    /// The port; ICMP has none.
    pub port: u16,
    /// The mark that leads the packets to the VIP; `None` for a probe of the RIP itself. Needs
    /// `CAP_NET_ADMIN`.
    pub mark: Option<u32>,
    /// The director's address to probe from; `None` leaves it to the kernel. It is no VIP: a real
    /// that has it would answer itself.
    pub bind: Option<IpAddr>,
}

impl Dial {
    /// Connects by TCP.
    ///
    /// # Errors
    ///
    /// What the kernel says; without an answer, after minutes: the caller has the timeout.
    pub async fn tcp(&self) -> io::Result<TcpStream> {
        let socket = self.open(Type::STREAM, Protocol::TCP)?;
        // A close sends RST: the director would else keep each port in TIME_WAIT for a minute
        // (RFC 9293, section 3.6.1), and ten thousand probes in five seconds need them all.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_tcp_nodelay(true)?;
        TcpSocket::from_std_stream(socket.into()).connect(self.remote()).await
    }

    /// Opens a UDP socket that sends to the real, and receives from it alone.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    #[expect(clippy::unused_async, reason = "one shape with `tcp`, and it needs a runtime as that")]
    pub async fn udp(&self) -> io::Result<UdpSocket> {
        let socket = self.open(Type::DGRAM, Protocol::UDP)?;
        socket.connect(&SockAddr::from(self.remote()))?;
        UdpSocket::from_std(socket.into())
    }

    /// Opens a socket for ICMP echo with the real. Needs a tokio runtime, and `CAP_NET_RAW`.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn icmp(&self) -> io::Result<EchoSocket> {
        let protocol = if self.rip.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
        let socket = self.open(Type::RAW, protocol)?;
        // A raw socket has no port; the kernel takes one for a protocol number.
        socket.connect(&SockAddr::from(SocketAddr::new(self.rip, 0)))?;
        EchoSocket::new(socket, self.rip.is_ipv4())
    }

    fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.rip, self.port)
    }

    /// A socket that does not block, marked and bound. It is bound before it is connected: so the
    /// kernel gives it a port that no other socket has, whoever that talks to, and the port alone
    /// says which probe an answer from a VIP is for, although many reals have that VIP.
    fn open(&self, kind: Type, protocol: Protocol) -> io::Result<Socket> {
        let unspecified = if self.rip.is_ipv4() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        };
        let local = SocketAddr::new(self.bind.unwrap_or(unspecified), 0);
        let socket =
            Socket::new(Domain::for_address(self.remote()), kind.nonblocking(), Some(protocol))?;
        // A raw socket of ICMPv6 is of IPv6 alone anyway, and does not take the option.
        if self.rip.is_ipv6() && kind != Type::RAW {
            socket.set_only_v6(true)?;
        }
        if let Some(mark) = self.mark {
            socket.set_mark(mark)?;
        }
        socket.bind(&SockAddr::from(local))?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket as StdUdpSocket};

    use super::*;

    fn dial(rip: IpAddr, port: u16) -> Dial {
        Dial { rip, port, mark: None, bind: None }
    }

    const LOOPBACKS: [IpAddr; 2] =
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

    #[tokio::test]
    async fn tcp_connects_and_leaves_no_time_wait() {
        for address in LOOPBACKS {
            let server = TcpListener::bind((address, 0)).unwrap();
            let stream = dial(address, server.local_addr().unwrap().port()).tcp().await.unwrap();
            let (mut peer, from) = server.accept().unwrap();
            assert_eq!(stream.local_addr().unwrap(), from);
            assert!(stream.nodelay().unwrap());
            drop(stream);
            let read = io::Read::read(&mut peer, &mut [0]);
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        }
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        for address in LOOPBACKS {
            let closed = TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port();
            let error = dial(address, closed).tcp().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            let socket = dial(address, closed).udp().await.unwrap();
            socket.send(b"?").await.unwrap();
            let error = socket.recv(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[tokio::test]
    async fn udp_hears_the_real_alone() {
        let [address, _] = LOOPBACKS;
        let real = StdUdpSocket::bind((address, 0)).unwrap();
        let other = StdUdpSocket::bind((address, 0)).unwrap();
        let socket = dial(address, real.local_addr().unwrap().port()).udp().await.unwrap();
        other.send_to(b"other", socket.local_addr().unwrap()).unwrap();
        real.send_to(b"real", socket.local_addr().unwrap()).unwrap();
        let mut answer = [0; 8];
        let length = socket.recv(&mut answer).await.unwrap();
        assert_eq!(&answer[..length], b"real");
    }

    #[tokio::test]
    async fn probes_of_one_server_have_ports_of_their_own() {
        let [address, _] = LOOPBACKS;
        let servers = [0; 2].map(|_| TcpListener::bind((address, 0)).unwrap());
        let mut streams = Vec::new();
        for server in servers.iter().cycle().take(64) {
            streams.push(dial(address, server.local_addr().unwrap().port()).tcp().await.unwrap());
        }
        let mut ports: Vec<u16> =
            streams.iter().map(|stream| stream.local_addr().unwrap().port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), streams.len());
    }

    #[tokio::test]
    async fn the_socket_is_bound_and_marked() {
        let [address, _] = LOOPBACKS;
        let server = TcpListener::bind((address, 0)).unwrap();
        let bind = IpAddr::V4(Ipv4Addr::new(127, 9, 9, 9));
        let port = server.local_addr().unwrap().port();
        let dial = Dial { rip: address, port, mark: Some(0x4c42_0007), bind: Some(bind) };
        let stream = dial.tcp().await.unwrap();
        assert_eq!(server.accept().unwrap().1.ip(), bind);
        assert_eq!(socket2::SockRef::from(&stream).mark().unwrap(), 0x4c42_0007);
    }

    #[tokio::test]
    async fn an_error_leaves_no_descriptor_open() {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let [address, _] = LOOPBACKS;
        let foreign = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        // The runtime opens its own with the first use.
        drop(dial(address, 9).udp().await.unwrap());
        let before = open();
        for _ in 0..64 {
            let dial = Dial { bind: foreign, ..dial(address, 9) };
            assert!(dial.tcp().await.is_err());
            assert!(dial.udp().await.is_err());
            assert!(dial.icmp().is_err());
        }
        // Other tests of this process have a few sockets meanwhile.
        assert!(open() < before + 64, "{} after {before}", open());
    }
}
