//! Clients of echo servers that notice who answers them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::traffic::SOON;

/// Answers by real: `real 1` and how many.
pub(crate) type Answers = BTreeMap<String, u64>;

/// A TCP connection to an echo server, and who was at its other end at first.
pub(crate) struct Flow {
    stream: BufReader<TcpStream>,
    words: u64,
    /// `real 1`, for example.
    pub(crate) real: String,
}

impl Flow {
    pub(crate) fn open(server: SocketAddr) -> Self {
        Self::of(TcpStream::connect_timeout(&server, SOON).unwrap())
    }

    /// The same from one of the client's other addresses.
    pub(crate) fn open_from(source: IpAddr, server: SocketAddr) -> Self {
        Self::of(connect_from(source, server).unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut flow = Self { stream: BufReader::new(stream), words: 0, real: String::new() };
        flow.real = flow.ask().unwrap();
        flow
    }

    /// Sends a word never sent before and returns who echoes it.
    pub(crate) fn ask(&mut self) -> io::Result<String> {
        self.send()?;
        self.answer()
    }

    /// Sends a word never sent before, without waiting for the answer.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.words += 1;
        let word = format!("word {}\n", self.words);
        self.stream.get_mut().write_all(word.as_bytes())
    }

    /// Waits for the echo of the last word, and returns who it comes from.
    pub(crate) fn answer(&mut self) -> io::Result<String> {
        let word = format!("word {}", self.words);
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        let label = answer.strip_suffix(&format!(": {word}\n"));
        label.map(str::to_owned).ok_or_else(|| io::Error::other(format!("answer {answer:?}")))
    }

    /// Neither an answer nor the end of the connection has come.
    pub(crate) fn assert_silent(&self) {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let heard = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        let kind = heard.as_ref().map_err(io::Error::kind);
        assert_eq!(kind, Err(io::ErrorKind::WouldBlock), "something was heard: {heard:?}");
    }

    pub(crate) fn port(&self) -> u16 {
        self.stream.get_ref().local_addr().unwrap().port()
    }
}

/// A connection from an address of one's own choice, which the standard library has no way to say.
fn connect_from(source: IpAddr, server: SocketAddr) -> nix::Result<TcpStream> {
    let family = if server.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // What limits sending limits connecting, too (socket(7), SO_SNDTIMEO).
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::new(SOON.as_secs().cast_signed(), 0))?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(source, 0)))?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(server))?;
    Ok(socket.into())
}

/// Every one of these connections must still be answered by the real it began with.
pub(crate) fn assert_all_stay<'a>(flows: impl IntoIterator<Item = &'a mut Flow>, when: &str) {
    // Each silent one takes a while; a few show what is wrong.
    const ENOUGH: usize = 3;
    let mut asked = 0;
    let mut wrong = Vec::new();
    for flow in flows {
        asked += 1;
        match flow.ask() {
            Ok(real) if real == flow.real => {}
            other => wrong.push(format!("number {asked}, of {}: {other:?}", flow.real)),
        }
        assert!(wrong.len() < ENOUGH, "{when}, connections are lost: {wrong:#?}");
    }
    assert!(wrong.is_empty(), "{when}, of {asked} connections some are lost: {wrong:#?}");
    assert!(asked > 0, "{when}, there are no connections to ask");
}

/// How many of the connections began with each real.
pub(crate) fn shares(flows: &[Flow]) -> Answers {
    let mut shares = Answers::new();
    for flow in flows {
        *shares.entry(flow.real.clone()).or_default() += 1;
    }
    shares
}

/// A UDP socket that talks to an echo server.
pub(crate) struct UdpFlow {
    socket: UdpSocket,
    server: SocketAddr,
    words: u64,
}

impl UdpFlow {
    pub(crate) fn open(server: SocketAddr) -> Self {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self::open_from(any, server)
    }

    /// The same from one of the client's other addresses.
    pub(crate) fn open_from(source: IpAddr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((source, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        Self { socket, server, words: 0 }
    }

    /// Its own port.
    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Lets its datagrams through so many machines, the last one included.
    pub(crate) fn limit_hops(&self, hops: u8) {
        if self.server.is_ipv4() {
            self.socket.set_ttl(hops.into()).unwrap();
        } else {
            setsockopt(&self.socket, sockopt::Ipv6Ttl, &hops.into()).unwrap();
        }
    }

    /// Sends a word never sent before, without waiting for the answer.
    pub(crate) fn send(&mut self) -> io::Result<String> {
        self.send_padded(0)
    }

    fn send_padded(&mut self, bytes: usize) -> io::Result<String> {
        self.words += 1;
        let word = format!("{:.<bytes$}", format!("word {}", self.words));
        self.socket.send_to(word.as_bytes(), self.server)?;
        Ok(word)
    }

    /// Sends a word never sent before and returns who echoes it, from the VIP.
    pub(crate) fn ask(&mut self) -> io::Result<String> {
        self.ask_padded(0)
    }

    /// The same with a word of so many bytes at least.
    pub(crate) fn ask_padded(&mut self, bytes: usize) -> io::Result<String> {
        let word = self.send_padded(bytes)?;
        self.answer(&word)
    }

    /// Waits for the echo of a word, which comes from the VIP, and returns who sent it.
    pub(crate) fn answer(&self, word: &str) -> io::Result<String> {
        let (answer, from) = self.receive()?;
        assert_eq!(from, self.server, "the answer {answer:?} comes from somewhere else");
        let label = answer.strip_suffix(&format!(": {word}"));
        label.map(str::to_owned).ok_or_else(|| io::Error::other(format!("answer {answer:?}")))
    }

    fn receive(&self) -> io::Result<(String, SocketAddr)> {
        let mut buffer = vec![0; 65_536];
        let (length, from) = self.socket.recv_from(&mut buffer)?;
        Ok((String::from_utf8_lossy(&buffer[..length]).into_owned(), from))
    }

    /// Nothing has come that was not asked for.
    pub(crate) fn assert_silent(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let answer = self.receive();
        self.socket.set_nonblocking(false).unwrap();
        assert!(answer.is_err(), "an answer that should not be: {answer:?}");
    }
}

/// Every one of so many reals has its share, by five standard deviations of a fair choice: less
/// than one run in a million fails by chance.
#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
pub(crate) fn assert_fair(answers: &Answers, reals: usize) {
    assert_eq!(answers.len(), reals, "not every real has answered: {answers:?}");
    let (total, share) = (answers.values().sum::<u64>() as f64, 1.0 / reals as f64);
    let deviation = (total * share * (1.0 - share)).sqrt();
    let fair = |count: &u64| (*count as f64 - total * share).abs() < 5.0 * deviation;
    assert!(answers.values().all(fair), "unfair shares: {answers:?}");
}
