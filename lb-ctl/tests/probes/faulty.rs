//! Servers that do wrong.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::bed::{REAL4, at};

const LONG_BODY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n";

/// What it does with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Takes it, and says nothing.
    Silent,
    /// Answers a header that comes a byte now and then.
    Slow,
    /// Closes it at once.
    Close,
    /// Resets it at once.
    Reset,
    /// Answers bytes of no protocol.
    Garbage,
    /// Answers a line that never ends.
    EndlessLine,
    /// Answers a status line and headers that never end.
    EndlessHead,
    /// Answers a body that never ends.
    EndlessBody,
    /// Answers a body that comes a byte now and then.
    SlowBody,
    /// Answers half of what it says that it will.
    HalfBody,
    /// Answers by HTTP.
    Http,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::Silent,
        Self::Slow,
        Self::Close,
        Self::Reset,
        Self::Garbage,
        Self::EndlessLine,
        Self::EndlessHead,
        Self::EndlessBody,
        Self::SlowBody,
        Self::HalfBody,
        Self::Http,
    ];

    async fn serve(self, mut stream: TcpStream) -> std::io::Result<()> {
        match self {
            Self::Silent => {}
            Self::Slow => {
                answer(&mut stream, b"HTTP/1.1 200 OK\r\nX-Header: ").await?;
                drip(&mut stream).await?;
            }
            Self::Close => stream.shutdown().await?,
            Self::Reset => return stream.set_zero_linger(),
            Self::Garbage => stream.write_all(&[0xa5; 300]).await?,
            Self::EndlessLine => endless(&mut stream, &[b'2'; 1024]).await?,
            Self::EndlessHead => {
                answer(&mut stream, b"HTTP/1.1 200 OK\r\n").await?;
                endless(&mut stream, b"X-Header: more\r\n").await?;
            }
            Self::EndlessBody => {
                answer(&mut stream, LONG_BODY).await?;
                endless(&mut stream, &[b'x'; 1024]).await?;
            }
            Self::SlowBody => {
                answer(&mut stream, LONG_BODY).await?;
                drip(&mut stream).await?;
            }
            Self::HalfBody => {
                let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
                answer(&mut stream, half).await?;
                return Ok(());
            }
            Self::Http => {
                answer(&mut stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    .await?;
            }
        }
        // Until the probe has enough of it.
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    }
}

async fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        stream.write_all(b"H").await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn endless(stream: &mut TcpStream, more: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(more).await?;
    }
}

/// Answers what has been asked, so that closing is no reset.
async fn answer(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await?;
    stream.write_all(bytes).await
}

/// A server with a fault. Dropping it closes the port; its connections end with the probes.
pub(crate) struct Faulty {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Faulty {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind(at(REAL4, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // The probe ends connections by RST: an error here is as good as an end.
                tokio::spawn(async move { drop(fault.serve(stream).await) });
            }
        });
        Self { address, task }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}
