//! Two machines and a cable: this director's `v0`, and the other one's `v1`.

use std::io::{BufRead as _, BufReader, Read};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use bench::lab::{Namespace, Process, wait_until};
use lb_ctl::vrrp::accept::Packet;
use lb_ctl::vrrp::socket::{AdvertSocket, Family};
use nix::net::if_::if_nametoindex;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// No cable takes that long; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Each has `192.0.2.N`, `2001:db8::N` and `fe80::N`: N is 1 here and 2 there.
pub(crate) struct Cable {
    pub(crate) here: Namespace,
    pub(crate) there: Namespace,
}

/// Tests run side by side.
static CABLES: AtomicUsize = AtomicUsize::new(0);

impl Cable {
    pub(crate) fn new() -> Self {
        let number = CABLES.fetch_add(1, Ordering::Relaxed);
        let name = |side| format!("vr-{}-{number}-{side}", std::process::id());
        let here = Namespace::create(&name("h")).unwrap();
        let there = Namespace::create(&name("t")).unwrap();
        let peer = there.name();
        here.ip(&format!("link add v0 type veth peer name v1 netns {peer}\n")).unwrap();
        for (namespace, interface, host) in [(&here, "v0", 1), (&there, "v1", 2)] {
            // No link-local address but the one that follows, which is ready at once.
            let generated = format!("ipv6/conf/{interface}/addr_gen_mode");
            namespace.sysctl(&[(generated.as_str(), "1")]).unwrap();
            let lines = format!(
                "addr add 192.0.2.{host}/24 dev {interface}\n\
                 addr add 2001:db8::{host}/64 dev {interface} nodad\n\
                 addr add fe80::{host}/64 dev {interface} nodad\n\
                 link set {interface} up\n"
            );
            namespace.ip(&lines).unwrap();
        }
        let cable = Self { here, there };
        cable.wait();
        cable
    }

    /// Waits until both ends send what they are given: a carrier that has just come is looked at
    /// by the kernel later on, and until then all is dropped without a word.
    fn wait(&self) {
        for (namespace, interface) in [(&self.here, "v0"), (&self.there, "v1")] {
            let shows = |words: &str, what: &str| {
                let command: Vec<&str> = words.split(' ').chain(["dev", interface]).collect();
                Ok(namespace.run(&command)?.contains(what))
            };
            let ready = || {
                Ok(shows("ip link show", "qdisc noqueue state UP")?
                    && shows("ip -6 route show table local", "multicast ff00::/8")?)
            };
            wait_until("the cable to be ready", PATIENCE, ready).unwrap();
        }
    }

    /// This director's socket on its end.
    pub(crate) fn here(&self, family: Family) -> AdvertSocket {
        open(&self.here, "v0", family)
    }

    /// The other one's.
    pub(crate) fn there(&self, family: Family) -> AdvertSocket {
        open(&self.there, "v1", family)
    }
}

/// A socket in a namespace.
pub(crate) fn open(namespace: &Namespace, interface: &str, family: Family) -> AdvertSocket {
    within(namespace, || AdvertSocket::open(if_nametoindex(interface)?, interface, family))
}

/// A socket that only sends.
pub(crate) fn sender(namespace: &Namespace, interface: &str, family: Family) -> AdvertSocket {
    within(namespace, || AdvertSocket::open_sender(if_nametoindex(interface)?, interface, family))
}

/// Opens a socket in a namespace, for the runtime of the caller.
fn within(
    namespace: &Namespace,
    open: impl FnOnce() -> std::io::Result<AdvertSocket> + Send,
) -> AdvertSocket {
    let runtime = Handle::current();
    let opened = namespace.enter(|| {
        let _runtime = runtime.enter();
        open()
    });
    opened.unwrap().unwrap()
}

/// The next packet.
pub(crate) async fn next(socket: &AdvertSocket) -> Packet {
    timeout(PATIENCE, socket.recv()).await.expect("a packet arrives").unwrap()
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A program at work in a namespace, and the lines that it has written.
pub(crate) struct Talker {
    lines: Receiver<String>,
    told: Vec<String>,
    _process: Process,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let process = Process::spawn(&mut command).unwrap();
        // Its ends of the pipe go with the command, so that the program's end is the lines' end.
        drop(command);
        Self { lines: lines(reader), told: Vec::new(), _process: process }
    }

    /// Waits until it has written a line with these words.
    pub(crate) fn until(&mut self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.told.iter().any(|line| line.contains(words)) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line with `{words}` in:\n{}", self.told.join("\n"));
            };
            self.told.push(line);
        }
    }

    /// Waits until it has ended, and gives all that it wrote.
    pub(crate) fn into_lines(mut self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.told.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.told,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("it goes on after:\n{}", self.told.join("\n"))
                }
            }
        }
    }
}

fn lines(reader: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
