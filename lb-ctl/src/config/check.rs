//! How the reals of a service are checked.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::hook::HookCommand;

/// How each real of a service is checked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Check {
    /// What is asked.
    pub probe: Probe,
    /// By which of the real's addresses.
    pub via: Via,
    /// The port, where it is not the service's.
    pub port: Option<u16>,
    /// The director's address that probes come from, where the kernel is not to choose it.
    pub bind: Option<IpAddr>,
    /// When, and how often it must be said.
    pub timing: Timing,
}

impl Check {
    /// A check as it is by default.
    pub fn new(probe: Probe) -> Self {
        let via = if probe.has_address() { Via::Vip } else { Via::Rip };
        Self { probe, via, port: None, bind: None, timing: Timing::default() }
    }
}

/// The address that a probe's packets have when they reach the real.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Via {
    /// The VIP, in a frame to the real: what a client's packets have.
    #[default]
    Vip,
    /// The real's own.
    Rip,
}

impl Via {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Vip, Self::Rip];

    /// The word used in definitions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vip => "vip",
            Self::Rip => "rip",
        }
    }
}

/// When probes are sent, and how many of them decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Timing {
    /// From the beginning of one probe to that of the next.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// How many successes in a row bring a real up.
    pub rise: u16,
    /// How many failures in a row take it down.
    pub fall: u16,
    /// From a failure that does not decide yet to the next probe; no longer than the interval.
    pub retry_delay: Duration,
    /// The first probe of a real is sent at a random time within this.
    pub warmup: Duration,
}

impl Timing {
    /// The usual times around an interval: no timeout and no delay is longer.
    pub fn of(interval: Duration) -> Self {
        Self {
            interval,
            timeout: interval.min(Duration::from_secs(3)),
            rise: 1,
            fall: 3,
            retry_delay: interval.min(Duration::from_secs(1)),
            warmup: Duration::ZERO,
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::of(Duration::from_secs(5))
    }
}

/// What is asked of a real, and what it must answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Probe {
    /// It takes a connection.
    Tcp,
    /// It answers a GET.
    Http(Http),
    /// It does not refuse a datagram, or answers it.
    Udp(Udp),
    /// It answers a query.
    Dns(Dns),
    /// It greets, and takes EHLO or HELO.
    Smtp(Smtp),
    /// It answers an echo request.
    Ping,
    /// It says SERVING (the gRPC health checking protocol, `grpc.health.v1`).
    Grpc(Grpc),
    /// A command of the operator's says so.
    Exec(Exec),
}

impl Probe {
    /// The word used in definitions.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http(Http { tls: None, .. }) => "http",
            Self::Http(_) => "https",
            Self::Udp(_) => "udp",
            Self::Dns(_) => "dns",
            Self::Smtp(_) => "smtp",
            Self::Ping => "ping",
            Self::Grpc(_) => "grpc",
            Self::Exec(_) => "exec",
        }
    }

    /// Whether lb-ctl itself sends its packets, and so can send them through the VIP.
    pub const fn has_address(&self) -> bool {
        !matches!(self, Self::Exec(_))
    }

    /// Whether it is sent to a port.
    pub const fn has_port(&self) -> bool {
        !matches!(self, Self::Ping)
    }
}

/// A GET, and what is expected of the answer. Redirects are not followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Http {
    /// Path and query.
    pub path: String,
    /// The `Host` header; the VIP where there is none.
    pub host: Option<String>,
    /// The statuses that are good; 200 to 299 where there are none.
    pub status: Vec<StatusRange>,
    /// What the body must be.
    pub body: Body,
    /// How it is wrapped in TLS, where it is.
    pub tls: Option<Tls>,
}

impl Default for Http {
    fn default() -> Self {
        Self { path: "/".to_owned(), host: None, status: Vec::new(), body: Body::Any, tls: None }
    }
}

/// Statuses from one to another, both included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StatusRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// What a body must be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Body {
    /// Anything.
    Any,
    /// Its SHA-256 is this.
    Sha256([u8; 32]),
    /// Its MD5 is this, as keepalived's `genhash` prints it.
    Md5([u8; 16]),
    /// It matches this regular expression somewhere.
    Regex(String),
}

/// How a probe is wrapped in TLS.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tls {
    /// The name in the client's hello; the `host`, where that is a name, if there is none.
    pub sni: Option<String>,
    /// Whether the certificate must be valid for that name.
    pub verify: bool,
    /// A PEM file of authorities; those of the system where there is none.
    pub ca: Option<PathBuf>,
}

/// A datagram, and what is expected. ICMP unreachable is a failure.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Udp {
    /// What is sent; may be empty.
    pub payload: Vec<u8>,
    /// What an answer must contain. Where there is none, none is needed: silence is a success.
    pub expect: Option<Vec<u8>>,
}

/// A query by UDP, and what is expected.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Dns {
    /// The name asked for.
    pub name: String,
    /// The type of record asked for, like `A`.
    pub record_type: String,
    /// The response code, like `NOERROR`.
    pub rcode: String,
}

impl Default for Dns {
    /// As keepalived's `DNS_CHECK`: the root's SOA.
    fn default() -> Self {
        Self { name: ".".to_owned(), record_type: "SOA".to_owned(), rcode: "NOERROR".to_owned() }
    }
}

/// A greeting.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Smtp {
    /// The name that the director gives itself; its host name where there is none.
    pub helo: Option<String>,
}

/// A question of the gRPC health checking protocol.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Grpc {
    /// The service asked for; an empty one is the server as a whole.
    pub service: String,
    /// How it is wrapped in TLS, where it is.
    pub tls: Option<Tls>,
}

/// A command that exits with 0 while the real is up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Exec {
    /// The command and its arguments.
    pub command: HookCommand,
    /// Who runs it.
    pub user: String,
}

impl Exec {
    /// Who runs a command where nobody is named.
    pub const USER: &str = "nobody";
}
