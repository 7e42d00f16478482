//! The probes of one check: what can be prepared is, once, and shared by all reals.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::deadline::Deadline;
use super::driver::{Probe, Target};
use super::failure::Failure;
use super::probe_dns::DnsProbe;
use super::probe_exec::ExecProbe;
use super::probe_grpc::GrpcProbe;
use super::probe_http::HttpProbe;
use super::probe_smtp::SmtpProbe;
use super::record::Answer;
use super::socket::Dial;
use super::tls::TlsError;
use super::{probe_ping, probe_tcp, probe_udp};
use crate::config::check::{self, Check};
use crate::config::model::Endpoint;
use crate::hook::HookRunError;

/// Sends the probes of one check.
pub struct Prober {
    /// Where there is one: see [`check::Probe::has_port`].
    port: Option<u16>,
    bind: Option<IpAddr>,
    timeout: Duration,
    method: Method,
}

enum Method {
    Tcp,
    Http(Box<HttpProbe>),
    Udp(check::Udp),
    Dns(Box<DnsProbe>),
    Smtp(SmtpProbe),
    Ping,
    Grpc(Box<GrpcProbe>),
    Exec(Box<ExecProbe>),
}

/// Why a check cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum ProberError {
    /// The service has many ports.
    #[error("{service} has not one port: say which is checked as \"port\" of the check")]
    Port { service: Endpoint },
    /// No path for a GET.
    #[error("{path:?} is no path for a GET: write \"path\" like \"/healthz?full=1\"")]
    Path { path: String },
    /// No host.
    #[error("{host:?} cannot be a Host header: write \"host\" or \"sni\" like \"www.example\"")]
    Host { host: String },
    /// No regular expression.
    #[error("{text:?} is no regular expression that can be used: {source}")]
    Regex { text: String, source: regex::Error },
    /// No name of DNS.
    #[error("{name:?} is no name of DNS: write \"name\" like \"www.example.\"")]
    Name { name: String },
    /// No record type of DNS.
    #[error("{text:?} is no record type of DNS: write \"type\" like \"A\"")]
    RecordType { text: String },
    /// No response code of DNS.
    #[error("{text:?} is no response code of DNS: write \"rcode\" like \"NOERROR\"")]
    ResponseCode { text: String },
    /// No word for HELO.
    #[error("{name:?} is no name for HELO: write \"helo\" like \"lb.example\"")]
    Helo { name: String },
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No user.
    #[error(transparent)]
    User(#[from] HookRunError),
}

impl Prober {
    /// Prepares the probes of a check of a service. Reads files and the system's users, which may
    /// block.
    ///
    /// # Errors
    /// What of the check cannot be used on this machine, and what to do about it.
    pub fn new(check: &Check, service: Endpoint) -> Result<Self, ProberError> {
        let given = check.port.or(service.port.single());
        let vip = service.address;
        let port = || given.ok_or(ProberError::Port { service });
        let method = match &check.probe {
            check::Probe::Tcp => port().map(|_| Method::Tcp)?,
            check::Probe::Http(http) => Method::Http(HttpProbe::new(http, vip, port()?)?.into()),
            check::Probe::Udp(udp) => port().map(|_| Method::Udp(udp.clone()))?,
            check::Probe::Dns(dns) => {
                port()?;
                Method::Dns(DnsProbe::new(dns)?.into())
            }
            check::Probe::Smtp(smtp) => {
                port()?;
                Method::Smtp(SmtpProbe::new(smtp)?)
            }
            check::Probe::Ping => Method::Ping,
            check::Probe::Grpc(grpc) => Method::Grpc(GrpcProbe::new(grpc, vip, port()?)?.into()),
            check::Probe::Exec(exec) => Method::Exec(ExecProbe::new(exec, service, given)?.into()),
        };
        Ok(Self { port: given, bind: check.bind, timeout: check.timing.timeout, method })
    }

    /// Sends one probe, and waits for what comes of it: no longer than the check's timeout.
    ///
    /// # Errors
    /// What is wrong with the real, or with the way to it.
    pub async fn probe(&self, target: &Target) -> Result<(), Failure> {
        let deadline = &Deadline::after(self.timeout);
        let dial = &Dial {
            rip: target.real,
            port: self.port.unwrap_or(0),
            mark: target.mark,
            bind: self.bind,
        };
        // In boxes: most checks are by TCP, and need not have room for a handshake of TLS.
        match &self.method {
            Method::Tcp => probe_tcp::probe(dial, deadline).await,
            Method::Http(http) => http.probe(dial, deadline).boxed().await,
            Method::Udp(udp) => probe_udp::probe(udp, dial, deadline).boxed().await,
            Method::Dns(dns) => dns.probe(dial, deadline).boxed().await,
            Method::Smtp(smtp) => smtp.probe(dial, deadline).boxed().await,
            Method::Ping => probe_ping::probe(dial, deadline).boxed().await,
            Method::Grpc(grpc) => grpc.probe(dial, deadline).boxed().await,
            Method::Exec(exec) => exec.probe(target, deadline).boxed().await,
        }
    }
}

impl Probe for Prober {
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Answer> {
        self.probe(target).map(|result| result.map_err(Into::into)).boxed()
    }
}

/// An address and port as the name of a host; without the port that is usual.
pub(super) fn host_of(address: IpAddr, port: u16, usual: u16) -> String {
    let address = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if port == usual { address } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use lb_common::key::Protocol;

    use super::*;
    use crate::config::model::Ports;

    fn service(port: Ports) -> Endpoint {
        Endpoint { protocol: Protocol::Tcp, address: Ipv4Addr::LOCALHOST.into(), port }
    }

    #[test]
    fn a_check_of_many_ports_says_which() {
        let mut check = Check::new(check::Probe::Tcp);
        let error = Prober::new(&check, service(Ports::ANY)).err().unwrap().to_string();
        assert!(error.contains("\"port\" of the check"), "{error}");
        check.port = Some(80);
        assert!(Prober::new(&check, service(Ports::ANY)).is_ok());
        let ping = Check::new(check::Probe::Ping);
        assert!(Prober::new(&ping, service(Ports::ANY)).is_ok());
    }
}
