//! A real server in a network namespace, and probes of it from within.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bench::lab::{Namespace, Process, wait_until};
use lb_common::key::Protocol;
use lb_ctl::config::check::{Check, Probe, Timing, Via};
use lb_ctl::config::model::{Endpoint, Ports};
use lb_ctl::health::driver::Target;
use lb_ctl::health::{Failure, Prober};

pub(crate) const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
pub(crate) const REAL4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 21));
pub(crate) const REAL6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x21));
pub(crate) const REALS: [IpAddr; 2] = [REAL4, REAL6];

/// For probes that are to fail by it.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// For probes that are not, and servers that start: nothing here takes as long.
pub(crate) const LONG: Duration = Duration::from_secs(30);

static BEDS: AtomicU32 = AtomicU32::new(0);
/// What counts the descriptors of this process wants them for itself.
static PROCESS: RwLock<()> = RwLock::new(());

/// A namespace with the real's addresses. The test's runtime lives in it.
pub(crate) struct Bed {
    pub(crate) namespace: Namespace,
    _process: Share,
}

#[expect(dead_code, reason = "they are there to be dropped")]
enum Share {
    Some(RwLockReadGuard<'static, ()>),
    All(RwLockWriteGuard<'static, ()>),
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::sharing(Share::Some(PROCESS.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// No other bed stands beside this one.
    pub(crate) fn alone() -> Self {
        Self::sharing(Share::All(PROCESS.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn sharing(process: Share) -> Self {
        let number = BEDS.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace::create(&format!("pr-{}-{number}", std::process::id())).unwrap();
        let addresses = format!("addr add {REAL4}/32 dev lo\naddr add {REAL6}/128 dev lo nodad\n");
        namespace.ip(&addresses).unwrap();
        // The kernel takes an IPv6 address into use later, detection or not: on a machine that makes
        // and deletes many namespaces, much later.
        wait_until("the addresses", LONG, || namespace.enter(|| refuses(REAL6))).unwrap();
        Self { namespace, _process: process }
    }

    /// Runs a test within the namespace.
    pub(crate) fn run<F: Future<Output = ()>>(&self, test: impl FnOnce() -> F + Send) {
        let run = || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(test());
        };
        self.namespace.enter(run).unwrap();
    }

    /// Starts a server within, and waits until it listens on the ports.
    pub(crate) fn serve(&self, command: &mut Command, listens: &[SocketAddr]) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Process::spawn(command).unwrap();
        let name = server.command().to_owned();
        wait_until(&name, LONG, || {
            assert_eq!(server.ended()?, None, "{name}");
            let listens = || listens.iter().all(|at| TcpStream::connect(at).is_ok());
            self.namespace.enter(listens)
        })
        .unwrap();
        server
    }
}

/// Whether datagrams arrive at an address, and errors come back.
fn refuses(real: IpAddr) -> bool {
    let ask = || {
        let socket = UdpSocket::bind(at(Ipv6Addr::UNSPECIFIED.into(), 0))?;
        socket.set_read_timeout(Some(SHORT))?;
        socket.connect(at(real, 9))?;
        socket.send(&[])?;
        socket.recv(&mut [])
    };
    ask().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// A check of the real's own address, as `SHORT` or `LONG` as that.
pub(crate) fn check(probe: Probe, timeout: Duration) -> Check {
    let timing = Timing { timeout, ..Timing::default() };
    Check { via: Via::Rip, timing, ..Check::new(probe) }
}

/// The prober of a check of a service on the port.
pub(crate) fn prober(check: &Check, port: u16) -> Prober {
    let port = Ports::one(port);
    Prober::new(check, Endpoint { protocol: Protocol::Tcp, address: VIP, port }).unwrap()
}

/// Sends one probe.
pub(crate) async fn ask(probe: Probe, timeout: Duration, at: SocketAddr) -> Result<(), Failure> {
    let prober = prober(&check(probe, timeout), at.port());
    prober.probe(&Target { real: at.ip(), mark: None }).await
}

/// Sends one probe that is to succeed.
pub(crate) async fn passes(probe: Probe, at: SocketAddr) {
    assert_eq!(ask(probe, LONG, at).await, Ok(()), "at {at}");
}

/// Sends one probe that is to fail without waiting, and gives the words.
pub(crate) async fn words(probe: Probe, at: SocketAddr) -> String {
    ask(probe, LONG, at).await.expect_err("it is to fail").to_string()
}

/// Sends one probe that is to fail by time, and gives the words.
pub(crate) async fn late(probe: Probe, at: SocketAddr) -> String {
    ask(probe, SHORT, at).await.expect_err("it is to fail").to_string()
}

/// Where a real listens.
pub(crate) fn at(real: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(real, port)
}
