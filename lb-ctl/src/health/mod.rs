//! Health checks: whether each real answers as a client would need it to.
//!
//! [`sm`] says when a real is probed and what its results make of it, [`driver`] runs the checks.
//! A [`Prober`] sends the probes of one check, by the protocols of the files `probe_*.rs` and the
//! sockets of [`socket`], and says in a [`Failure`] what is wrong with a real.

mod datagram;
mod deadline;
pub mod driver;
pub mod echo;
pub mod failure;
pub mod probe;
mod probe_dns;
mod probe_exec;
mod probe_grpc;
mod probe_http;
mod probe_http_body;
mod probe_ping;
mod probe_smtp;
mod probe_tcp;
mod probe_udp;
pub mod record;
pub mod sm;
pub mod socket;
mod task;
pub mod tls;
pub mod words;

pub use echo::EchoSocket;
pub use failure::Failure;
pub use probe::{Prober, ProberError};
pub use socket::Dial;
