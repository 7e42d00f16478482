//! A director that probes, without any daemon.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use aya::programs::{SchedClassifier, TcAttachType};
use bench::lab::{Host, Lab, VIPS};
use lb_ctl::dataplane::aya::via::ViaPath;
use lb_ctl::health::Dial;
use lb_ctl::netlink::tc;
use nix::net::if_::if_nametoindex;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::common::traffic::SOON;

/// Bytes of a line that takes many packets, and superframes.
const LONG: usize = 300_000;

/// Works in the director's namespace.
pub(crate) fn on_director<T: Send, F: Future<Output = T>>(
    lab: &Lab,
    work: impl FnOnce() -> F + Send,
) -> T {
    let done = lab.director.namespace.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work())
    });
    done.unwrap()
}

/// Gives the director the VIPs, as the daemon does: that of IPv6 is no address to send from.
pub(crate) fn hold_vips(lab: &Lab) {
    let [v4, v6] = VIPS;
    let lines = format!(
        "address add {v4}/32 dev eth0\naddress add {v6}/128 dev eth0 nodad preferred_lft 0\n"
    );
    lab.director.namespace.ip(&lines).unwrap();
}

pub(crate) fn index(interface: &str) -> u32 {
    if_nametoindex(interface).unwrap()
}

/// A path on the director's interface; to be called there.
pub(crate) fn path() -> ViaPath {
    let mut path = ViaPath::load().unwrap();
    path.attach(&BTreeSet::from([index("eth0")])).unwrap();
    path
}

/// A server on all addresses that a real has in the family of `like`.
pub(crate) fn listen(real: &Host, like: IpAddr, port: u16) -> TcpListener {
    let any: IpAddr =
        if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let address = SocketAddr::from((any, port));
    let listening = real.namespace.enter(|| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(16)?;
        Ok::<_, io::Error>(socket.into())
    });
    listening.unwrap().unwrap()
}

/// A probe of this real.
pub(crate) fn dial(real: &Host, vip: IpAddr, port: u16, mark: Option<u32>) -> Dial {
    Dial { rip: real.address_like(vip), port, mark, bind: None }
}

/// Anything that ends, with an answer or without.
pub(crate) async fn soon<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(SOON, work).await.expect("an answer, or an error")
}

/// Sends a line on a connection, and gives the one that comes back.
pub(crate) async fn ask(stream: &mut TcpStream, line: &str) -> io::Result<String> {
    let (read, mut write) = stream.split();
    let mut answer = String::new();
    let mut read = BufReader::new(read);
    let line = format!("{line}\n");
    let both =
        async { tokio::try_join!(write.write_all(line.as_bytes()), read.read_line(&mut answer)) };
    soon(both).await?;
    Ok(answer.trim_end().to_owned())
}

/// What an echo server answers to a long line.
pub(crate) async fn tcp_echo(dial: Dial) -> io::Result<String> {
    let mut stream = soon(dial.tcp()).await?;
    let long = "x".repeat(LONG);
    let answer = ask(&mut stream, &long).await?;
    Ok(answer.strip_suffix(&long).expect("the whole line").to_owned())
}

/// What an echo server answers to a datagram.
pub(crate) async fn udp_echo(dial: Dial) -> io::Result<String> {
    let socket = dial.udp().await?;
    socket.send(b"?").await?;
    let mut answer = [0; 64];
    let length = soon(socket.recv(&mut answer)).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// Whether a machine answers an echo request.
pub(crate) async fn ping(dial: Dial) -> io::Result<()> {
    let socket = dial.icmp()?;
    socket.send(1, b"ping").await?;
    let (sequence, payload) = soon(socket.receive()).await?;
    assert_eq!((sequence, &*payload), (1, &b"ping"[..]));
    Ok(())
}

/// Whether the kernel has TCX.
pub(crate) fn has_tcx() -> bool {
    SchedClassifier::query_tcx("lo", TcAttachType::Ingress).is_ok()
}

/// The names of all programs on an interface.
pub(crate) fn programs(interface: &str) -> Vec<String> {
    let mut names = Vec::new();
    if has_tcx() {
        for at in [TcAttachType::Ingress, TcAttachType::Egress] {
            let (_, programs) = SchedClassifier::query_tcx(interface, at).unwrap();
            names.extend(programs.iter().map(|it| it.name_as_str().unwrap().to_owned()));
        }
    }
    let filters = tc::filters(index(interface)).unwrap();
    names.extend(filters.into_iter().filter_map(|filter| filter.name));
    names
}

/// Whether an interface has the qdisc.
pub(crate) fn has_clsact(host: &Host) -> bool {
    let qdiscs = host.namespace.run(&["tc", "qdisc", "show", "dev", "eth0"]).unwrap();
    qdiscs.contains("clsact")
}
