//! A director that is commanded as a person does it, and all that a refused command must leave as
//! it was.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bench::lab::command::describe;
use bench::lab::{Director, DirectorBuilder, Lab, LabError, Namespace, Process, wait_until};
use serde_json::Value;

/// The binary under test.
pub(crate) const LB_CTL: &str = env!("CARGO_BIN_EXE_lb-ctl");

/// How long what comes by itself may take.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A bed, and the daemon on its director.
pub(crate) struct Bed {
    // Dropped first.
    pub(crate) director: Director,
    pub(crate) lab: Lab,
}

/// A client, a director and so many reals.
pub(crate) fn lab(reals: u8) -> Lab {
    Lab::builder().reals(reals).build().unwrap()
}

/// A daemon with small tables, which are made quickly.
pub(crate) fn daemon(lab: &Lab) -> DirectorBuilder {
    DirectorBuilder::new(lab, Path::new(LB_CTL)).argument("--max-connections").argument("1024")
}

/// A bed whose daemon has an empty definition.
pub(crate) fn bed(reals: u8) -> Bed {
    let lab = lab(reals);
    let director = daemon(&lab).start().unwrap();
    Bed { director, lab }
}

/// A bed whose daemon starts with this definition.
pub(crate) fn bed_with(reals: u8, definition: &str) -> Bed {
    let lab = lab(reals);
    let director = daemon(&lab).start_with(definition).unwrap();
    Bed { director, lab }
}

/// How a command line ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    let line = describe(command);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        line,
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

impl Ended {
    /// It succeeded, and had nothing to complain of. Returns its standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// It ended with this code, printed no result, and its message has all these words.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        // A daemon logs before it gives up.
        let begin = format!("\n{}", self.stderr);
        let Some((_, message)) = begin.split_once("\nlb-ctl: ") else { panic!("{self:?}") };
        for word in words {
            assert!(message.contains(word), "`{word}` is missing: {self:?}");
        }
    }
}

/// Runs a command line of the CLI, its words parted by blanks.
pub(crate) fn ctl(director: &Director, line: &str) -> Ended {
    run(director.command().args(line.split_whitespace()))
}

/// A copy of the binary that every user may run: the place it was built in may be closed. The
/// folder is opened to all.
#[track_caller]
pub(crate) fn binary_for_all(folder: &Path) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.join("lb-ctl");
    // Not by this process: another thread's child could hold the copy open for writing, and a
    // file open for writing cannot be run.
    run(Command::new("cp").arg(LB_CTL).arg(&copy)).ok();
    copy
}

/// What a command line of the CLI prints with `-o json`.
#[track_caller]
pub(crate) fn json(director: &Director, line: &str) -> Value {
    let text = ctl(director, &format!("{line} -o json")).ok();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error} in {text}"))
}

/// All that stays as it is where a command is refused.
#[derive(PartialEq, Debug)]
pub(crate) struct Picture {
    list: Value,
    interfaces: Value,
    maps: Vec<Value>,
    file: Option<String>,
    addresses: Vec<String>,
    programs: Vec<String>,
}

impl Picture {
    /// The addresses in it.
    pub(crate) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// For a comparison in which the definition file does not count.
    pub(crate) fn same_file_as(&mut self, other: &Self) {
        self.file.clone_from(&other.file);
    }
}

impl Bed {
    /// Takes a picture. Meant for a bed whose reals have settled, and without traffic.
    #[track_caller]
    pub(crate) fn picture(&self) -> Picture {
        let status = json(&self.director, "status");
        let maps = status["maps"].as_array().unwrap().iter();
        let connections = |map: &Value| map["name"].as_str().unwrap().starts_with("CONNS");
        Picture {
            list: json(&self.director, "list"),
            interfaces: status["interfaces"].clone(),
            maps: maps.filter(|map| !connections(map)).cloned().collect(),
            file: fs::read_to_string(self.director.definition_path()).ok(),
            addresses: addresses(&self.lab.director.namespace),
            programs: programs(&self.lab.director.namespace),
        }
    }

    /// Waits until every real of every service is in this state.
    #[track_caller]
    pub(crate) fn wait_for_reals(&self, state: &str) {
        self.wait(&format!("all reals to be {state}"), || {
            let list = json(&self.director, "list");
            let services = list["services"].as_array().unwrap().iter();
            let mut reals = services.flat_map(|service| service["reals"].as_array().unwrap());
            reals.all(|real| real["state"] == state)
        });
    }

    /// Waits for what comes by itself.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, mut ready: impl FnMut() -> bool) {
        if let Err(error) = wait_until(what, SOON, || Ok::<_, LabError>(ready())) {
            panic!(
                "{error}; there is: {}\n{}\n{:?}",
                ctl(&self.director, "list").stdout,
                ctl(&self.director, "status").stdout,
                addresses(&self.lab.director.namespace)
            );
        }
    }

    /// Sends datagrams to a VIP from one socket of the client, and returns when the daemon has
    /// counted them.
    #[track_caller]
    pub(crate) fn knock(&self, vip: IpAddr, port: u16, datagrams: u64) {
        let before = self.counted(vip, port).1;
        self.send(vip, port, datagrams);
        self.wait(&format!("{datagrams} packets more than {before} to {vip}"), || {
            self.counted(vip, port).1 == before + datagrams
        });
    }

    /// Sends datagrams to a VIP from one socket of the client.
    #[track_caller]
    pub(crate) fn send(&self, vip: IpAddr, port: u16, datagrams: u64) {
        let sent = self.lab.client.namespace.enter(|| {
            let any = if vip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any)?;
            (0..datagrams).try_for_each(|_| socket.send_to(b"x", (vip, port)).map(drop))
        });
        sent.unwrap().unwrap();
    }

    /// The connections and packets counted for a UDP service.
    #[track_caller]
    pub(crate) fn counted(&self, vip: IpAddr, port: u16) -> (u64, u64) {
        let list = json(&self.director, &format!("list -u {}", SocketAddr::new(vip, port)));
        let stats = &list["services"][0]["stats"];
        (stats["connections"].as_u64().unwrap(), stats["packets"].as_u64().unwrap())
    }

    /// The definition file.
    #[track_caller]
    pub(crate) fn file(&self) -> String {
        fs::read_to_string(self.director.definition_path()).unwrap()
    }
}

/// The addresses of a namespace, with their interfaces, sorted.
pub(crate) fn addresses(namespace: &Namespace) -> Vec<String> {
    let links: Value =
        serde_json::from_str(&namespace.run(&["ip", "-j", "address"]).unwrap()).unwrap();
    let mut found = Vec::new();
    for link in links.as_array().unwrap() {
        for address in link["addr_info"].as_array().unwrap() {
            let (name, local) = (link["ifname"].as_str().unwrap(), address["local"].as_str());
            found.push(format!("{name} {}/{}", local.unwrap(), address["prefixlen"]));
        }
    }
    found.sort_unstable();
    found
}

/// The interfaces of a namespace that have an XDP program, with its id, sorted.
pub(crate) fn programs(namespace: &Namespace) -> Vec<String> {
    let links: Value =
        serde_json::from_str(&namespace.run(&["ip", "-j", "link"]).unwrap()).unwrap();
    let programs = links.as_array().unwrap().iter().filter_map(|link| {
        Some(format!("{} {}", link["ifname"].as_str()?, link["xdp"]["prog"]["id"].as_u64()?))
    });
    let mut programs: Vec<String> = programs.collect();
    programs.sort_unstable();
    programs
}

/// Whether an interface of a namespace has an address such as `192.0.2.10/32`.
pub(crate) fn has(namespace: &Namespace, interface: &str, address: &str) -> bool {
    addresses(namespace).contains(&format!("{interface} {address}"))
}

/// Everything that happens to the addresses of a namespace from now on.
pub(crate) struct AddressWatch<'a> {
    namespace: &'a Namespace,
    log: tempfile::NamedTempFile,
    process: Process,
}

impl<'a> AddressWatch<'a> {
    /// Begins to watch. What happened before is not told.
    #[track_caller]
    pub(crate) fn start(namespace: &'a Namespace) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = namespace.command("ip");
        command.args(["-oneline", "monitor", "address"]).stdout(log.reopen().unwrap());
        command.stderr(Stdio::null());
        let watch = Self { namespace, log, process: Process::spawn(&mut command).unwrap() };
        // It listens once it tells of an address that comes and goes until it does.
        let listens = wait_until("the watch to begin", SOON, || {
            watch.mark("127.0.0.2")?;
            Ok(watch.lines().iter().any(|line| line.contains("127.0.0.2")))
        });
        listens.unwrap();
        watch
    }

    fn mark(&self, address: &str) -> Result<(), LabError> {
        self.namespace
            .ip(&format!("address add {address}/32 dev lo\naddress delete {address}/32 dev lo\n"))
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What happened until now, one line each.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.mark("127.0.0.3").unwrap();
        let all = |lines: &[String]| lines.iter().any(|line| line.contains("127.0.0.3"));
        wait_until("the last mark", SOON, || Ok(all(&self.lines()))).unwrap();
        self.process.stop().unwrap();
        self.lines().into_iter().filter(|line| !line.contains("127.0.0.")).collect()
    }
}
