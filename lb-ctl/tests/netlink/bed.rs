//! A director and a real on one cable, each in its own network namespace.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::future::Future;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use lb_common::value::Mac;
use nix::sched::{CloneFlags, setns};

/// Longer than anything may take that is not itself measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const DIRECTOR_MAC: Mac = [2, 0, 0, 0, 0, 1];
pub(crate) const REAL_MAC: Mac = [2, 0, 0, 0, 0, 0x21];
pub(crate) const OTHER_MAC: Mac = [2, 0, 0, 0, 0, 0x22];

static BEDS: AtomicU32 = AtomicU32::new(0);

/// The addresses of one family.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    pub(crate) real: IpAddr,
    pub(crate) vip: IpAddr,
    pub(crate) director: IpAddr,
    /// In the connected network, and nobody's.
    pub(crate) nobody: IpAddr,
    /// Behind the real as a router.
    pub(crate) beyond: IpAddr,
}

pub(crate) fn families() -> [Family; 2] {
    let family = |prefix: &str, beyond: &str| {
        let ip = |host: &str| format!("{prefix}{host}").parse().unwrap();
        Family {
            director: ip("1"),
            real: ip("21"),
            vip: ip("10"),
            nobody: ip("99"),
            beyond: beyond.parse().unwrap(),
        }
    };
    [family("192.0.2.", "198.51.100.7"), family("2001:db8::", "2001:db8:1::7")]
}

/// `d0` in the director's namespace is the other end of `r0` in the real's. Both namespaces go
/// when the bed does.
pub(crate) struct Bed {
    pub(crate) director: Namespace,
    pub(crate) real: Namespace,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let number = BEDS.fetch_add(1, Ordering::Relaxed);
        let director = Namespace::new(&format!("nt-{}-{number}-d", std::process::id()));
        let real = Namespace::new(&format!("nt-{}-{number}-r", std::process::id()));
        let mut cable = Command::new("ip");
        cable.args(["link", "add", "d0", "address", &text(DIRECTOR_MAC), "netns", &director.name]);
        cable.args(["type", "veth", "peer", "name", "r0", "address", &text(REAL_MAC)]);
        run(cable.args(["netns", &real.name]));
        for (namespace, interface, host) in [(&director, "d0", 1), (&real, "r0", 21)] {
            namespace.set(&format!("ipv6/conf/{interface}/keep_addr_on_down"), "1");
            namespace.set(&format!("ipv6/conf/{interface}/accept_dad"), "0");
            namespace.ip(&format!("addr add 192.0.2.{host}/24 dev {interface}"));
            namespace.ip(&format!("addr add 2001:db8::{host}/64 dev {interface} nodad"));
            namespace.ip("link set lo up");
            namespace.ip(&format!("link set {interface} up"));
        }
        Self { director, real }
    }
}

pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    fn new(name: &str) -> Self {
        run(Command::new("ip").args(["netns", "add", name]));
        Self { name: name.to_owned() }
    }

    /// Runs `ip` there.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        let mut command = Command::new("ip");
        run(command.args(["-n", &self.name]).args(arguments.split_whitespace()))
    }

    /// Runs many `ip` commands there in one process.
    pub(crate) fn ip_batch(&self, lines: impl Iterator<Item = String>) {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name, "-batch", "-"]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for line in lines {
            writeln!(input, "{line}").unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }

    /// Sets a value under `/proc/sys/net` there.
    pub(crate) fn set(&self, path: &str, value: &str) {
        self.enter(|| fs::write(format!("/proc/sys/net/{path}"), value)).unwrap();
    }

    /// A value under `/proc/sys/net` there.
    pub(crate) fn get(&self, path: &str) -> String {
        let text = self.enter(|| fs::read_to_string(format!("/proc/sys/net/{path}"))).unwrap();
        text.trim().to_owned()
    }

    /// Runs a function on a thread of this namespace.
    pub(crate) fn enter<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let namespace = File::open(format!("/run/netns/{}", self.name)).unwrap();
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                function()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a future on a thread of this namespace.
    pub(crate) fn block_on<F: Future>(&self, future: impl FnOnce() -> F + Send) -> F::Output
    where
        F::Output: Send,
    {
        self.enter(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(future())
        })
    }

    /// Whether somebody on the cable takes packets for the address: a closed port refuses.
    ///
    /// A new cable may lose what is sent before the kernel has seen its carrier, which can be a
    /// second late; the answer is no only after the kernel has asked for the address three times,
    /// a second apart.
    pub(crate) fn reaches(&self, address: IpAddr) -> bool {
        const THREE_QUESTIONS: Duration = Duration::from_secs(5);
        let port = SocketAddr::new(address, 9);
        let attempt = self.enter(|| TcpStream::connect_timeout(&port, THREE_QUESTIONS));
        attempt.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }

    /// The number of an interface.
    pub(crate) fn index(&self, interface: &str) -> u32 {
        let line = self.ip(&format!("-o link show dev {interface}"));
        line.split(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = Command::new("ip").args(["netns", "del", &self.name]).status();
        if !deleted.is_ok_and(|status| status.success()) {
            eprintln!("network namespace {} is left over", self.name);
        }
    }
}

/// A MAC as `ip` writes it.
pub(crate) fn text(mac: Mac) -> String {
    let mut text = String::new();
    for byte in mac {
        let colon = if text.is_empty() { "" } else { ":" };
        write!(text, "{colon}{byte:02x}").unwrap();
    }
    text
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
