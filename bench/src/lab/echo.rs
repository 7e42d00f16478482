//! TCP and UDP servers on a real that answer with its label before what they were told.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;

use super::{Host, LabError};

/// The largest UDP payload that is echoed, in bytes.
const DATAGRAM: usize = 65_507;

/// An echo server on a thread of this process whose sockets are in a real's namespace. Dropping it
/// closes the listening socket and all connections.
///
/// The address need not be there yet, so that it may be the VIP: answers must come from it.
/// To the line, or the datagram, `hello` the answer is `real 1: hello`.
#[derive(Debug)]
pub struct Echo {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    /// Echoes lines on each connection to `address`.
    ///
    /// # Errors
    ///
    /// The address is in use.
    pub fn tcp(real: &Host, address: SocketAddr) -> Result<Self, LabError> {
        Self::start(real, address, SockType::Stream)
    }

    /// Echoes datagrams to `address`.
    ///
    /// # Errors
    ///
    /// The address is in use.
    pub fn udp(real: &Host, address: SocketAddr) -> Result<Self, LabError> {
        Self::start(real, address, SockType::Datagram)
    }

    fn start(real: &Host, address: SocketAddr, kind: SockType) -> Result<Self, LabError> {
        let label: Arc<str> = format!("{}: ", real.label()).into();
        // A socket belongs to the namespace of the thread that makes it, wherever it is used.
        let socket = real
            .namespace
            .enter(|| open(address, kind))?
            .map_err(LabError::io(format!("listen on {address} on {}", real.name)))?;
        let (stop, stopped) = oneshot::channel();
        let (tell, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let result = serve(socket, kind, label, stopped, &tell);
            // The first message counts: a failure after the start has nobody to hear it.
            let _ = tell.send(result);
        });
        let echo = Self { stop: Some(stop), thread: Some(thread) };
        started
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
            .map_err(LabError::io(format!("serve on {address} on {}", real.name)))?;
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("test bed: an echo server panicked");
        }
    }
}

fn open(address: SocketAddr, kind: SockType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, kind, flags, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    setsockopt(&socket, sockopt::IpFreebind, &true)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    if kind == SockType::Stream {
        listen(&socket, Backlog::new(2048)?)?;
    }
    Ok(socket)
}

fn serve(
    socket: OwnedFd,
    kind: SockType,
    label: Arc<str>,
    stopped: oneshot::Receiver<()>,
    started: &mpsc::Sender<io::Result<()>>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let serving = async {
            if kind == SockType::Stream {
                let listener = TcpListener::from_std(socket.into())?;
                let _ = started.send(Ok(()));
                serve_tcp(listener, label).await
            } else {
                let socket = UdpSocket::from_std(socket.into())?;
                let _ = started.send(Ok(()));
                serve_udp(socket, label).await
            }
        };
        tokio::select! {
            result = serving => result,
            _ = stopped => Ok(()),
        }
    })
}

async fn serve_tcp(listener: TcpListener, label: Arc<str>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let label = Arc::clone(&label);
        tokio::spawn(async move {
            // A client that goes away in the middle of a line is no concern of the server's.
            let _ = echo_lines(stream, &label).await;
        });
    }
}

async fn echo_lines(stream: TcpStream, label: &str) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut answer = label.as_bytes().to_vec();
    while read.read_until(b'\n', &mut answer).await? > 0 {
        write.write_all(&answer).await?;
        answer.truncate(label.len());
    }
    Ok(())
}

async fn serve_udp(socket: UdpSocket, label: Arc<str>) -> io::Result<()> {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // Errors here are the ICMP replies to earlier answers.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let answer = [label.as_bytes(), &buffer[..length]].concat();
        let _ = socket.send_to(&answer, from).await;
    }
}
