//! Whatever a real answers to a probe: no panic, an end within the time, and a failure in words
//! that can be shown. The first byte says which protocol is asked, the others are the answer.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::time::Duration;

use lb_common::key::Protocol;
use lb_ctl::config::check::{Body, Check, Dns, Grpc, Http, Probe, Smtp, Timing, Tls, Udp};
use lb_ctl::config::model::{Endpoint, Ports};
use lb_ctl::health::Prober;
use lb_ctl::health::driver::Target;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};

const REAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Answers come at once, or not at all.
const TIMEOUT: Duration = Duration::from_millis(20);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_all().build().expect("there is a runtime")
});

fuzz_target!(|bytes: &[u8]| {
    let Some((method, answer)) = bytes.split_first() else { return };
    RUNTIME.block_on(ask(*method, answer)).expect("the loopback interface works");
});

async fn ask(method: u8, answer: &[u8]) -> std::io::Result<()> {
    let body = Body::Regex("well".to_owned());
    let tls = Some(Tls::default());
    match method % 7 {
        0 => by_tcp(Probe::Http(Http { body, ..Http::default() }), answer).await,
        1 => by_tcp(Probe::Http(Http { tls, ..Http::default() }), answer).await,
        2 => by_tcp(Probe::Smtp(Smtp::default()), answer).await,
        3 => by_tcp(Probe::Grpc(Grpc::default()), answer).await,
        4 => by_tcp(Probe::Grpc(Grpc { tls, ..Grpc::default() }), answer).await,
        5 => by_udp(Probe::Dns(Dns::default()), answer).await,
        _ => {
            let expect = Some(b"pong".to_vec());
            by_udp(Probe::Udp(Udp { expect, ..Udp::default() }), answer).await
        }
    }
}

async fn by_tcp(probe: Probe, answer: &[u8]) -> std::io::Result<()> {
    let listener = TcpListener::bind((REAL, 0)).await?;
    let address = listener.local_addr()?;
    let serve = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        while stream.read(&mut [0; 1024]).await? > 0 {}
        std::io::Result::Ok(())
    };
    // The probe ends its connection by RST, which is an error here.
    let _ = tokio::join!(probed(probe, address), serve);
    Ok(())
}

async fn by_udp(probe: Probe, answer: &[u8]) -> std::io::Result<()> {
    let socket = UdpSocket::bind((REAL, 0)).await?;
    let serve = async {
        let mut query = [0; 512];
        let (length, from) = socket.recv_from(&mut query).await?;
        // The id of a query, as DNS has it: what answers another one is not even read.
        let id = &query[..length.min(2)];
        socket.send_to(&[id, answer].concat(), from).await.map(drop)
    };
    let address = socket.local_addr()?;
    tokio::join!(probed(probe, address), serve).1
}

async fn probed(probe: Probe, at: SocketAddr) {
    let timing = Timing { timeout: TIMEOUT, ..Timing::default() };
    let check = Check { timing, ..Check::new(probe) };
    let port = Ports::one(at.port());
    let service = Endpoint { protocol: Protocol::Tcp, address: REAL, port };
    let prober = Prober::new(&check, service).expect("the check can be used");
    if let Err(failure) = prober.probe(&Target { real: REAL, mark: None }).await {
        let words = failure.to_string();
        assert!(words.chars().count() <= 200 && !words.chars().any(char::is_control), "{words:?}");
    }
}
