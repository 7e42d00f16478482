//! What checks say of servers that do wrong: each within its time, and in words.

use lb_ctl::config::check::{Body, Grpc, Http, Probe, Smtp, Tls};
use lb_ctl::health::failure::Kind;

use super::bed::{Bed, LONG, SHORT, ask};
use super::faulty::{Fault, Faulty};

pub(crate) fn http(tls: Option<Tls>) -> Probe {
    Probe::Http(Http { body: Body::Regex("well".to_owned()), tls, ..Http::default() })
}

pub(crate) fn smtp() -> Probe {
    Probe::Smtp(Smtp::default())
}

pub(crate) fn grpc(tls: Option<Tls>) -> Probe {
    Probe::Grpc(Grpc { tls, ..Grpc::default() })
}

/// Asks each faulty server, and compares kind and words, where these are ours.
fn expect(probe: &Probe, expected: &[(Fault, Kind, &str)]) {
    assert_eq!(expected.len(), Fault::ALL.len(), "each fault is expected");
    let bed = Bed::new();
    bed.run(async || {
        for &(fault, kind, words) in expected {
            let server = Faulty::start(fault).await;
            // What is not to fail by time has enough of it.
            let timeout = if kind == Kind::Timeout { SHORT } else { LONG };
            let failure = ask(probe.clone(), timeout, server.address).await.unwrap_err();
            let said = failure.to_string();
            assert_eq!(failure.kind(), kind, "{fault:?}: {said}");
            assert!(said.starts_with(words), "{fault:?}: {said}");
            assert!(said.chars().count() <= 200, "{fault:?}: {said}");
            assert!(!said.chars().any(char::is_control), "{fault:?}: {said:?}");
        }
    });
}

#[test]
fn by_http() {
    expect(
        &http(None),
        &[
            (Fault::Silent, Kind::Timeout, "no response head within 300 ms"),
            (Fault::Slow, Kind::Timeout, "no response head within 300 ms"),
            (Fault::Close, Kind::Network, "connection closed too early"),
            (Fault::Reset, Kind::Network, "connection "),
            (Fault::Garbage, Kind::Protocol, "HTTP: "),
            (Fault::EndlessLine, Kind::Protocol, "HTTP: "),
            (Fault::EndlessHead, Kind::Protocol, "HTTP: the response head is too large"),
            (Fault::EndlessBody, Kind::Body, "body is longer than 1048576 bytes"),
            (Fault::SlowBody, Kind::Timeout, "no whole body within 300 ms"),
            (Fault::HalfBody, Kind::Network, "connection closed too early"),
            (Fault::Http, Kind::Status, "status 400, expected 200-299"),
        ],
    );
}

#[test]
fn by_https() {
    expect(
        &http(Some(Tls::default())),
        &[
            (Fault::Silent, Kind::Timeout, "no TLS handshake within 300 ms"),
            (Fault::Slow, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::Close, Kind::Tls, "TLS: connection closed during the handshake"),
            (Fault::Reset, Kind::Network, "connection reset"),
            (Fault::Garbage, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::EndlessLine, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::EndlessHead, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::EndlessBody, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::SlowBody, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::HalfBody, Kind::Tls, "TLS: what it answers is no TLS"),
            (Fault::Http, Kind::Tls, "TLS: what it answers is no TLS"),
        ],
    );
}

#[test]
fn by_smtp() {
    expect(
        &smtp(),
        &[
            (Fault::Silent, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::Slow, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::Close, Kind::Network, "connection closed too early"),
            (Fault::Reset, Kind::Network, "connection reset"),
            (Fault::Garbage, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::EndlessLine, Kind::Protocol, "SMTP: the reply is longer than 65536 bytes"),
            // These wait for a request.
            (Fault::EndlessHead, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::EndlessBody, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::SlowBody, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::HalfBody, Kind::Timeout, "no greeting within 300 ms"),
            (Fault::Http, Kind::Timeout, "no greeting within 300 ms"),
        ],
    );
}

#[test]
fn by_grpc() {
    expect(
        &grpc(None),
        &[
            (Fault::Silent, Kind::Timeout, "no answer within 300 ms"),
            (Fault::Slow, Kind::Protocol, "gRPC: "),
            (Fault::Close, Kind::Network, "connection closed too early"),
            (Fault::Reset, Kind::Network, "connection "),
            (Fault::Garbage, Kind::Protocol, "gRPC: "),
            (Fault::EndlessLine, Kind::Protocol, "gRPC: "),
            (Fault::EndlessHead, Kind::Protocol, "gRPC: "),
            (Fault::EndlessBody, Kind::Protocol, "gRPC: "),
            (Fault::SlowBody, Kind::Protocol, "gRPC: "),
            (Fault::HalfBody, Kind::Network, "connection closed too early"),
            (Fault::Http, Kind::Protocol, "gRPC: "),
        ],
    );
}
