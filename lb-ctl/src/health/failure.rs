//! Why a probe failed.

use std::error::Error;
use std::io;
use std::time::Duration;

use nix::errno::Errno;

use super::record::Failed;
use super::words::{Words, time};

pub(super) const TOO_EARLY: &str = "connection closed too early";

/// Why a probe failed. The text is what operators read; what it quotes of a real's answer is
/// bounded and printable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum Failure {
    /// Nothing came of the attempt to connect.
    #[error("connect timed out after {}", time(.limit))]
    ConnectTimeout { limit: Duration },
    /// Connected, but what is awaited did not come.
    #[error("no {awaited} within {}", time(.limit))]
    Silence { awaited: &'static str, limit: Duration },
    /// A TCP RST answered the SYN.
    #[error("connection refused")]
    Refused,
    /// ICMP says that nobody listens.
    #[error("port unreachable (ICMP)")]
    PortUnreachable,
    /// The way to the real, or the connection, is broken.
    #[error("{0}")]
    Network(Words),
    /// It answers, and says another thing than it should.
    #[error("{0}")]
    Status(Words),
    /// The body is another one than it should be.
    #[error("{0}")]
    Body(Words),
    /// The certificate does not hold.
    #[error("certificate: {0}")]
    Certificate(Words),
    /// There is no TLS with it.
    #[error("TLS: {0}")]
    Tls(Words),
    /// What it answers is not of the protocol.
    #[error("{0}")]
    Protocol(Words),
    /// A command says so.
    #[error("{0}")]
    Exit(Words),
    /// The director itself could not probe.
    #[error("{0}")]
    System(Words),
}

/// What kind of failure it is, for metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Silence.
    Timeout,
    /// Nobody listens.
    Refused,
    /// Not to be reached, or the connection broke.
    Network,
    /// The wrong status, response code or state.
    Status,
    /// The wrong body or payload.
    Body,
    /// TLS or its certificate.
    Tls,
    /// Not the protocol.
    Protocol,
    /// A command's exit.
    Exit,
    /// The director's own trouble.
    System,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Refused,
        Self::Network,
        Self::Status,
        Self::Body,
        Self::Tls,
        Self::Protocol,
        Self::Exit,
        Self::System,
    ];

    /// The word used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Status => "status",
            Self::Body => "body",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Exit => "exit",
            Self::System => "system",
        }
    }
}

impl Failure {
    /// What kind of failure it is, for metrics.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ConnectTimeout { .. } | Self::Silence { .. } => Kind::Timeout,
            Self::Refused | Self::PortUnreachable => Kind::Refused,
            Self::Network(_) => Kind::Network,
            Self::Status(_) => Kind::Status,
            Self::Body(_) => Kind::Body,
            Self::Certificate(_) | Self::Tls(_) => Kind::Tls,
            Self::Protocol(_) => Kind::Protocol,
            Self::Exit(_) => Kind::Exit,
            Self::System(_) => Kind::System,
        }
    }

    /// What the kernel says of a connection, or TLS through it.
    pub(super) fn of_io(error: &io::Error) -> Self {
        if let Some(error) = find(error, |error| error.downcast_ref::<rustls::Error>()) {
            return super::tls::failure(error);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::ConnectionReset => Self::network("connection reset"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Self::network(TOO_EARLY),
            io::ErrorKind::HostUnreachable => Self::network("host unreachable"),
            io::ErrorKind::NetworkUnreachable => Self::network("network unreachable"),
            io::ErrorKind::AddrNotAvailable => Self::System(Words::new(
                "the address to probe from is not on this machine: see \"bind\" of the check",
            )),
            io::ErrorKind::AddrInUse => Self::System(Words::new(
                "no port is free to probe from: see net.ipv4.ip_local_port_range",
            )),
            io::ErrorKind::PermissionDenied => Self::System(Words::new(format_args!(
                "cannot probe: {}: a local packet filter, or no CAP_NET_RAW",
                reason(error)
            ))),
            _ => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                    Self::System(Words::new(format_args!("cannot probe: {}", reason(error))))
                }
                _ => Self::network(&reason(error)),
            },
        }
    }

    /// The same where there is no connection to be refused: ICMP has told the socket.
    pub(super) fn of_datagram(error: &io::Error) -> Self {
        match Self::of_io(error) {
            Self::Refused => Self::PortUnreachable,
            other => other,
        }
    }

    /// What went wrong with a protocol that is spoken by a library: the kernel's word, where that
    /// is the cause.
    pub(super) fn of_protocol(name: &str, error: &(dyn Error + 'static)) -> Self {
        if let Some(error) = find(error, |error| error.downcast_ref::<rustls::Error>()) {
            return super::tls::failure(error);
        }
        if let Some(error) = find(error, kernels) {
            return Self::of_io(error);
        }
        if find(error, incomplete).is_some() {
            return Self::network(TOO_EARLY);
        }
        let mut deepest = error;
        while let Some(source) = cause(deepest) {
            deepest = source;
        }
        Self::Protocol(Words::new(format_args!("{name}: {deepest}")))
    }

    fn network(words: &str) -> Self {
        Self::Network(Words::new(words))
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { kind: failure.kind(), words: failure.to_string() }
    }
}

/// The outermost error that is one of these, among an error and its causes.
fn find<'a, T>(
    error: &'a (dyn Error + 'static),
    is: impl Fn(&'a (dyn Error + 'static)) -> Option<&'a T>,
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = is(error) {
            return Some(found);
        }
        next = cause(error);
    }
    None
}

/// What an `io::Error` wraps is not its source, but takes its place, and h2 hides its own.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(wrapped);
    }
    if let Some(hidden) = error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io) {
        return Some(hidden);
    }
    error.source()
}

/// An error about the connection itself, not about what came over it.
fn kernels<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    error.downcast_ref::<io::Error>().filter(|error| {
        let early = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
        error.raw_os_error().is_some() || early.contains(&error.kind())
    })
}

/// The end of a connection in the middle of a message.
fn incomplete<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a hyper::Error> {
    error.downcast_ref::<hyper::Error>().filter(|error| error.is_incomplete_message())
}

/// The kernel's words without the number.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: Errno) -> String {
        Failure::of_io(&io::Error::from(number)).to_string()
    }

    #[test]
    fn the_kernels_errors_are_words() {
        assert_eq!(of(Errno::ECONNREFUSED), "connection refused");
        assert_eq!(of(Errno::ECONNRESET), "connection reset");
        assert_eq!(of(Errno::EHOSTUNREACH), "host unreachable");
        assert_eq!(of(Errno::ENETUNREACH), "network unreachable");
        assert_eq!(of(Errno::EPROTO), "Protocol error");
        assert!(of(Errno::EADDRNOTAVAIL).contains("bind"));
        let own = Failure::of_io(&io::Error::from(Errno::EMFILE));
        assert_eq!(own.kind(), Kind::System);
        assert_eq!(
            Failure::of_datagram(&io::Error::from(Errno::ECONNREFUSED)),
            Failure::PortUnreachable
        );
    }

    #[test]
    fn what_was_waited_for_is_named() {
        let limit = Duration::from_secs(3);
        let failure = Failure::ConnectTimeout { limit };
        assert_eq!(failure.to_string(), "connect timed out after 3 s");
        assert_eq!(failure.kind(), Kind::Timeout);
        let failure = Failure::Silence { awaited: "greeting", limit };
        assert_eq!(failure.to_string(), "no greeting within 3 s");
    }

    #[test]
    fn only_a_machine_that_answers_refuses() {
        let silent = Failed::from(Failure::ConnectTimeout { limit: Duration::ZERO });
        assert_eq!(silent.kind, Kind::Timeout);
        assert_eq!(Failed::from(Failure::Refused).kind, Kind::Refused);
    }

    #[test]
    fn kinds_have_words_of_their_own() {
        let mut names = Kind::ALL.map(Kind::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_wrapped_cause_is_found() {
        let tls = rustls::Error::HandshakeNotComplete;
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert_eq!(Failure::of_io(&wrapped).kind(), Kind::Tls);
        let twice = io::Error::other(wrapped);
        assert_eq!(Failure::of_protocol("HTTP", &twice).kind(), Kind::Tls);
        let reset = io::Error::other(io::Error::from(Errno::ECONNRESET));
        assert_eq!(Failure::of_protocol("HTTP", &reset).to_string(), "connection reset");
    }
}
