//! Checks by the gRPC health checking protocol: of tonic's server, and through nginx by TLS.

use lb_ctl::config::check::{Grpc, Probe, Tls};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;

use super::bed::{Bed, REAL4, at, passes, words};
use super::nginx::{GRPC, GRPC_TLS, HTTPS, NAME, Nginx};

fn health(service: &str, tls: Option<Tls>) -> Probe {
    Probe::Grpc(Grpc { service: service.to_owned(), tls })
}

async fn server() {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("up.Service", ServingStatus::Serving).await;
    reporter.set_service_status("down.Service", ServingStatus::NotServing).await;
    let listener = TcpListener::bind(at(REAL4, GRPC)).await.unwrap();
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
}

#[test]
fn the_serving_status_decides() {
    let bed = Bed::new();
    bed.run(async || {
        server().await;
        let real = at(REAL4, GRPC);
        passes(health("", None), real).await;
        passes(health("up.Service", None), real).await;
        let said = words(health("down.Service", None), real).await;
        assert_eq!(said, "service down.Service is NOT_SERVING, expected SERVING");
        let said = words(health("a.B", None), real).await;
        assert_eq!(said, "the server knows no health of service a.B (NOT_FOUND)");
    });
}

#[test]
fn by_tls_too() {
    let bed = Bed::new();
    let nginx = Nginx::start(&bed);
    bed.run(async || {
        server().await;
        let tls = |name: &str| {
            let (sni, ca) = (Some(name.to_owned()), Some(nginx.authority.file()));
            Some(Tls { sni, verify: true, ca })
        };
        let real = at(REAL4, GRPC_TLS);
        passes(health("", tls(NAME)), real).await;
        passes(health("up.Service", Some(Tls::default())), real).await;
        let said = words(health("", tls("else.example")), real).await;
        assert!(said.starts_with("certificate: not for else.example"), "{said}");
        // A web server by TLS that is no gRPC server, and does not speak HTTP/2 either.
        let said = words(health("", tls(NAME)), at(REAL4, HTTPS)).await;
        assert!(said.starts_with("TLS: "), "{said}");
    });
}

#[test]
fn a_server_without_the_health_service_says_so() {
    let bed = Bed::new();
    bed.run(async || {
        let listener = TcpListener::bind(at(REAL4, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = tonic::service::Routes::default();
        let server = Server::builder().add_routes(routes);
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        let said = words(health("", None), address).await;
        assert!(said.contains("does not have grpc.health.v1.Health"), "{said}");
    });
}
