//! The daemon's life: starts that are refused, neighbours of its own kind, interfaces and
//! addresses that come and go under it.

#[path = "common/control.rs"]
mod control;

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use bench::lab::{DirectorBuilder, Lab, LabError, Namespace, VIP4, VIP6};
use control::{
    AddressWatch, Bed, Ended, LB_CTL, addresses, bed, bed_with, binary_for_all, ctl, has, json,
    lab, programs, run,
};
use serde_json::{Value, json};

const DEFINITION: &str = r#"{ "services": [
    { "name": "dns", "protocol": "udp", "vip": "192.0.2.10", "port": 53,
      "reals": [ { "address": "192.0.2.21", "weight": 3 } ] },
    { "protocol": "udp", "vip": "2001:db8::10", "port": 53,
      "reals": [ { "address": "2001:db8::21" } ] } ] }"#;

const OTHER: &str = r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.99", "port": 80 } ] }"#;

fn settled() -> Bed {
    let bed = bed_with(1, DEFINITION);
    bed.wait_for_reals("up");
    bed
}

/// A start that is to fail. It has a folder and pins of its own unless told otherwise.
struct Start {
    folder: PathBuf,
    pins: PathBuf,
    socket: PathBuf,
    definition: &'static str,
}

impl Start {
    fn new(lab: &Lab) -> Self {
        let folder = lab.files().join("attempt");
        let socket = folder.join("lb-ctl.sock");
        Self { folder, pins: lab.pins().join("attempt"), socket, definition: OTHER }
    }

    fn pins(self, pins: &Path) -> Self {
        Self { pins: pins.to_owned(), ..self }
    }

    fn socket(self, socket: &Path) -> Self {
        Self { socket: socket.to_owned(), ..self }
    }

    fn definition(self, definition: &'static str) -> Self {
        Self { definition, ..self }
    }

    /// Runs the daemon with these words until it gives up. `prefix` are words before the binary.
    fn run_as(&self, namespace: &Namespace, prefix: &[&str], words: &str) -> Ended {
        fs::create_dir_all(&self.folder).unwrap();
        let config = self.folder.join("lb-ctl.json");
        fs::write(&config, self.definition).unwrap();
        // A daemon that starts after all is ended, with code 124.
        let mut command = namespace.command("timeout");
        command.arg("20").args(prefix);
        if prefix.is_empty() {
            command.arg(LB_CTL);
        }
        command.arg("daemon").args(words.split_whitespace());
        command.arg("--config").arg(&config).arg("--pin-dir").arg(&self.pins);
        let ended = run(command.arg("--socket").arg(&self.socket));
        assert_eq!(fs::read_to_string(&config).unwrap(), self.definition, "the file is touched");
        ended
    }

    /// The same, where nothing may be left: no pins, no socket.
    #[track_caller]
    fn leaves_nothing(&self, namespace: &Namespace, words: &str) -> Ended {
        let ended = self.run_as(namespace, &[], words);
        assert!(!self.socket.exists(), "the socket is left: {ended:?}");
        assert_eq!(files(&self.pins), Vec::<PathBuf>::new(), "pins are left: {ended:?}");
        ended
    }
}

/// A folder and all that is in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return Vec::new();
    }
    let inside = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found = vec![folder.to_owned()];
    for path in inside {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort_unstable();
    found
}

#[test]
fn a_second_daemon_that_may_not_start_leaves_the_first_alone() {
    let bed = settled();
    let before = bed.picture();
    let pins = files(bed.director.pins());
    let here = &bed.lab.director.namespace;
    let start = || Start::new(&bed.lab);
    let watch = AddressWatch::start(here);

    let ended = start().leaves_nothing(here, "--interface eth0");
    ended.refused(1, &["eth0", "another XDP program", "detached"]);
    let ended = start().leaves_nothing(here, "--interface eth0 --mode generic");
    ended.refused(1, &["eth0", "another XDP program"]);
    let ended = start().pins(bed.director.pins()).run_as(here, &[], "--interface eth0");
    let name = bed.director.pins().to_str().unwrap();
    ended.refused(1, &["another lb-ctl daemon", name, "--pin-dir"]);
    let live = start().socket(&bed.director.socket());
    let ended = live.run_as(here, &[], "--interface eth0");
    let name = bed.director.socket();
    ended.refused(1, &["another lb-ctl daemon answers", name.to_str().unwrap(), "--socket"]);
    assert_eq!(files(&live.pins), Vec::<PathBuf>::new());

    assert_eq!(watch.stop(), Vec::<String>::new(), "addresses came or went");
    assert_eq!(bed.picture(), before);
    assert_eq!(files(bed.director.pins()), pins);
    bed.knock(VIP4.into(), 53, 3);
    bed.knock(VIP6.into(), 53, 3);
}

#[test]
fn an_interface_that_cannot_be_balanced_on_is_named() {
    let lab = lab(0);
    let here = &lab.director.namespace;
    let start = || Start::new(&lab);
    start().leaves_nothing(here, "--interface eth7").refused(4, &["no such interface", "eth7"]);
    let ended = start().leaves_nothing(here, "--interface eth0 --interface eth7");
    ended.refused(4, &["no such interface", "eth7"]);
    start().leaves_nothing(here, "--interface lo").refused(4, &["lo", "not Ethernet"]);
    start().leaves_nothing(here, "").refused(4, &["no interface", "--interface", "lb-ctl.json"]);
    let file = r#"{ "interfaces": ["eth8"] }"#;
    let ended = start().definition(file).leaves_nothing(here, "--interface eth0");
    ended.refused(4, &["no such interface", "eth8"]);

    // The bed has a program of its own on the switch's end of the director's cable.
    let before = programs(&lab.switch);
    assert_eq!(before.len(), 1, "{before:?}");
    let ended = start().leaves_nothing(&lab.switch, "--interface director");
    ended.refused(1, &["director", "another XDP program"]);
    assert_eq!(programs(&lab.switch), before);
    for namespace in [here, &lab.switch] {
        assert!(!addresses(namespace).iter().any(|a| a.contains("192.0.2.99")), "VIP left");
    }
    assert_eq!(programs(here), Vec::<String>::new());
}

#[test]
fn a_place_that_cannot_be_used_is_named() {
    let lab = lab(0);
    let here = &lab.director.namespace;
    let start = || Start::new(&lab);
    let plain = lab.files().join("pins");
    let ended = start().pins(&plain).leaves_nothing(here, "--interface eth0");
    ended.refused(1, &[plain.to_str().unwrap(), "not on a bpffs", "mount -t bpf"]);

    let occupied = lab.files().join("occupied");
    fs::write(&occupied, "precious").unwrap();
    let ended = start().socket(&occupied).run_as(here, &[], "--interface eth0");
    ended.refused(1, &[occupied.to_str().unwrap(), "not a socket", "--socket"]);
    assert_eq!(fs::read_to_string(&occupied).unwrap(), "precious");
    assert_eq!(files(&start().pins), Vec::<PathBuf>::new());

    let long = lab.files().join("x".repeat(120));
    let ended = start().socket(&long).leaves_nothing(here, "--interface eth0");
    ended.refused(1, &["longer than 107 bytes"]);
    let ended = start().leaves_nothing(here, "--interface eth0 --socket-group no-such-group");
    ended.refused(1, &["no-such-group", "--socket-group"]);
    assert_eq!(programs(here), Vec::<String>::new());
}

#[test]
fn a_definition_that_is_refused_keeps_the_daemon_from_starting() {
    let lab = lab(0);
    let here = &lab.director.namespace;
    let cases: &[(&'static str, &[&str])] = &[
        ("{ \"services\": [\n  { \"protocol\": \"tcp\", \"vip\"", &["line 2", "column", "EOF"]),
        ("", &["line 1, column 1", "empty"]),
        (
            "{ \"services\": [\n  { \"protocol\": \"tcp\", \"vip\": \"192.0.2.10\", \"port\": 80,\n\
             \"colour\": 1 } ] }",
            &["line 3, column 1 ", "services[0].colour", "unknown field"],
        ),
        (
            r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.10", "port": 80,
                 "reals": [ { "address": "2001:db8::21" } ] } ] }"#,
            &["line 2", "services[0].reals[0].address", "family"],
        ),
        (
            r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.10", "port": 80,
                 "reals": [ { "address": "192.0.2.21", "weight": 65536 } ] } ] }"#,
            &["line 2", "services[0].reals[0].weight", "65536"],
        ),
        (r#"{ "vrrp": { "instances": [] } }"#, &["line 1, column 3", "vrrp", "this version"]),
    ];
    for (definition, words) in cases {
        let start = Start::new(&lab).definition(definition);
        let ended = start.leaves_nothing(here, "--interface eth0");
        ended.refused(4, words);
        ended.refused(4, &["lb-ctl.json"]);
    }
    assert_eq!(programs(here), Vec::<String>::new());

    let full = r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.10", "port": 80 },
                                  { "protocol": "tcp", "vip": "192.0.2.11", "port": 80 } ] }"#;
    let start = Start::new(&lab).definition(full);
    let ended = start.leaves_nothing(here, "--interface eth0 --max-services 1");
    ended.refused(4, &["1 services", "--max-services"]);
    assert!(!addresses(here).iter().any(|a| a.contains("192.0.2.1")), "{:?}", addresses(here));
}

#[test]
fn without_the_right_the_daemon_says_what_it_needs() {
    let lab = lab(0);
    let here = &lab.director.namespace;
    let folder = tempfile::tempdir().unwrap();
    let copy = binary_for_all(folder.path());
    let binary = copy.to_str().unwrap();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary];
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(65534), Some(65534)).unwrap();

    let start = || Start { folder: own.clone(), ..Start::new(&lab) }.socket(&own.join("sock"));
    let ended = start().run_as(here, &nobody, "--interface eth0");
    let pins = start().pins;
    ended.refused(1, &[pins.to_str().unwrap(), "ermission", "root"]);

    // Where it may pin, it still may not load.
    fs::create_dir(&pins).unwrap();
    chown(&pins, Some(65534), Some(65534)).unwrap();
    let ended = start().run_as(here, &nobody, "--interface eth0");
    ended.refused(1, &["ermi", "root", "CAP_BPF"]);
    assert!(!own.join("sock").exists());
    assert_eq!(programs(here), Vec::<String>::new());
}

#[test]
fn a_failed_restart_leaves_forwarding_as_it_was() {
    let mut bed = settled();
    bed.knock(VIP4.into(), 53, 2);
    bed.knock(VIP6.into(), 53, 2);
    let before = bed.picture();
    bed.director.stop().unwrap();
    let here = bed.lab.director.namespace.clone();
    let watch = AddressWatch::start(&here);
    let pins = files(bed.director.pins());
    assert!(pins.len() > 5, "program, link and maps are pinned: {pins:?}");

    let good = bed.file();
    bed.director.write_definition("{ \"services\": [\n  {").unwrap();
    let Err(LabError::Ended { status, log, .. }) = bed.director.start() else { panic!("started") };
    assert_eq!(status.code(), Some(4), "{log}");
    assert!(log.contains("lb-ctl.json") && log.contains("line 2"), "{log}");
    let wrong = Start::new(&bed.lab).pins(bed.director.pins());
    wrong.run_as(&here, &[], "--interface eth7").refused(4, &["eth7"]);
    let tight = "--interface eth0 --max-services 1 --max-connections 1024";
    let wrong = wrong.definition(DEFINITION);
    wrong.run_as(&here, &[], tight).refused(4, &["--max-services"]);
    assert_eq!(files(bed.director.pins()), pins);
    assert_eq!(programs(&here).len(), 1);
    bed.send(VIP4.into(), 53, 3);
    bed.send(VIP6.into(), 53, 3);

    bed.director.write_definition(&good).unwrap();
    bed.director.start().unwrap();
    assert_eq!(watch.stop(), Vec::<String>::new(), "addresses came or went");
    bed.wait("the packets in between to be counted", || {
        bed.counted(VIP4.into(), 53).1 == 5 && bed.counted(VIP6.into(), 53).1 == 5
    });
    bed.wait_for_reals("up");
    assert_eq!(json(&bed.director, "status")["adopted"], true);
    assert_eq!(before.addresses(), addresses(&here));
}

#[test]
fn a_socket_that_a_killed_daemon_left_is_taken() {
    let mut bed = settled();
    bed.knock(VIP4.into(), 53, 2);
    bed.director.kill().unwrap();
    assert!(bed.director.socket().exists(), "a killed daemon cannot clear up");
    ctl(&bed.director, "list").refused(3, &["nobody listens"]);
    bed.director.start().unwrap();
    assert_eq!(bed.counted(VIP4.into(), 53).1, 2);
    bed.director.stop().unwrap();
    assert!(!bed.director.socket().exists(), "one that leaves does");
}

/// Lays the director's cable again, after its interface was deleted: the same card comes back.
fn lay_cable(lab: &Lab, mac: &str) {
    let director = &lab.director;
    let namespace = director.namespace.name();
    let cable = format!(
        "link add name director type veth \
         peer name eth0 address {mac} netns {namespace}\n\
         link set dev director master lan\nlink set dev director up\n"
    );
    lab.switch.ip(&cable).unwrap();
    let addresses = format!(
        "address add {}/24 dev eth0\naddress add {}/64 dev eth0 nodad\nlink set dev eth0 up\n",
        director.ipv4, director.ipv6
    );
    director.namespace.ip(&addresses).unwrap();
}

fn interface(bed: &Bed) -> Value {
    json(&bed.director, "status")["interfaces"][0].clone()
}

#[test]
fn an_interface_that_goes_and_comes_back_is_taken_up_again() {
    let bed = settled();
    let here = &bed.lab.director.namespace;
    bed.knock(VIP4.into(), 53, 2);
    let index = interface(&bed)["ifindex"].clone();

    let mac = here.mac("eth0").unwrap();
    here.ip("link delete dev eth0\n").unwrap();
    bed.wait("the status to tell", || interface(&bed)["mode"].is_null());
    let gone = interface(&bed);
    assert_eq!((&gone["name"], &gone["ifindex"]), (&json!("eth0"), &Value::Null), "{gone}");
    assert!(gone["reason"].as_str().unwrap().contains("not there"), "{gone}");
    bed.wait_for_reals("unresolved");
    let status = ctl(&bed.director, "status").ok();
    assert!(status.starts_with("NOT FORWARDING"), "{status}");
    // What is asked for meanwhile holds when the interface is back.
    ctl(&bed.director, "add-service -t 192.0.2.11:80").ok();
    ctl(&bed.director, "add-service -t [2001:db8::11]:80").ok();

    lay_cable(&bed.lab, &mac);
    bed.wait("the program to be back", || interface(&bed)["mode"] == "native");
    assert_ne!(interface(&bed)["ifindex"], index, "it is another interface");
    for vip in ["192.0.2.10/32", "192.0.2.11/32", "2001:db8::10/128", "2001:db8::11/128"] {
        bed.wait(&format!("{vip} to be back"), || has(here, "eth0", vip));
    }
    assert_eq!(programs(here).len(), 1);
    bed.wait("the reals to be up", || {
        let list = json(&bed.director, "list");
        (0..2).all(|n| list["services"][n]["reals"][0]["state"] == "up")
    });
    bed.knock(VIP4.into(), 53, 2);
    bed.knock(VIP6.into(), 53, 2);
    assert_eq!(bed.counted(VIP4.into(), 53).1, 4, "the counters go on");
}

#[test]
fn a_vip_that_somebody_takes_away_comes_back() {
    let bed = settled();
    let here = &bed.lab.director.namespace;
    for vip in ["192.0.2.10/32", "2001:db8::10/128"] {
        let watch = AddressWatch::start(here);
        here.ip(&format!("address delete {vip} dev eth0\n")).unwrap();
        bed.wait(&format!("{vip} to be back"), || has(here, "eth0", vip));
        let seen = watch.stop();
        assert!(seen[0].contains("Deleted") && seen.len() == 2, "{seen:?}");
    }
    // IPv6 addresses go when the interface goes down.
    here.ip("link set dev eth0 down\n").unwrap();
    here.ip("link set dev eth0 up\n").unwrap();
    bed.wait("both VIPs", || {
        has(here, "eth0", "192.0.2.10/32") && has(here, "eth0", "2001:db8::10/128")
    });
    bed.wait("the program", || interface(&bed)["mode"] == "native" && programs(here).len() == 1);
}

#[test]
fn an_address_that_the_daemon_did_not_add_is_never_removed() {
    let bed = bed(0);
    let here = &bed.lab.director.namespace;
    let own = ["192.0.2.12/32", "2001:db8::12/128", "192.0.2.13/24"];
    for address in own {
        here.ip(&format!("address add {address} dev eth0\n")).unwrap();
    }
    let before = addresses(here);
    // The last is the director's own address.
    let services =
        ["-t 192.0.2.12:80", "-t [2001:db8::12]:80", "-u 192.0.2.13:80", "-t 192.0.2.2:8080"];
    for service in services {
        ctl(&bed.director, &format!("add-service {service}")).ok();
    }
    assert_eq!(addresses(here), before);
    for service in services {
        ctl(&bed.director, &format!("delete-service {service}")).ok();
    }
    assert_eq!(addresses(here), before);
    for service in services {
        ctl(&bed.director, &format!("add-service {service}")).ok();
    }
    ctl(&bed.director, "clear").ok();
    assert_eq!(addresses(here), before);

    // One that its owner takes away while it is needed becomes the daemon's.
    ctl(&bed.director, "add-service -t 192.0.2.12:80").ok();
    here.ip("address delete 192.0.2.12/32 dev eth0\n").unwrap();
    bed.wait("the VIP", || has(here, "eth0", "192.0.2.12/32"));
    ctl(&bed.director, "delete-service -t 192.0.2.12:80").ok();
    assert!(!has(here, "eth0", "192.0.2.12/32"));
}

/// Gives the director a second interface, with a network of its own.
fn second_interface(lab: &Lab) {
    let lines = "link add name eth1 type veth peer name far1\nlink set dev far1 up\n\
                 address add 198.51.100.2/24 dev eth1\nlink set dev eth1 up\n";
    lab.director.namespace.ip(lines).unwrap();
}

fn two_services(interfaces: &[&str]) -> String {
    let service = |vip: &str| json!({ "protocol": "tcp", "vip": vip, "port": 80 });
    let services = [service("192.0.2.10"), service("198.51.100.10")];
    json!({ "interfaces": interfaces, "services": services }).to_string()
}

#[test]
fn interfaces_of_the_definition_are_attached_and_detached() {
    let lab = lab(0);
    second_interface(&lab);
    let builder = DirectorBuilder::on(&lab, Path::new(LB_CTL), &[]);
    let builder = builder.argument("--max-connections").argument("1024");
    let director = builder.start_with(&two_services(&["eth0"])).unwrap();
    let bed = Bed { director, lab };
    let here = &bed.lab.director.namespace;
    let document = bed.lab.files().join("next.json");
    let apply = |interfaces: &[&str]| {
        fs::write(&document, two_services(interfaces)).unwrap();
        ctl(&bed.director, &format!("apply {}", document.display()))
    };
    let on = |interface: &str| programs(here).iter().any(|p| p.starts_with(interface));
    assert!(on("eth0") && !on("eth1"), "{:?}", programs(here));
    assert!(has(here, "eth0", "192.0.2.10/32") && has(here, "eth0", "198.51.100.10/32"));

    let said = apply(&["eth0", "eth1"]).ok();
    assert_eq!(said, "+ interface eth1\n");
    assert!(on("eth0") && on("eth1"), "{:?}", programs(here));
    ctl(&bed.director, "delete-service -t 198.51.100.10:80").ok();
    ctl(&bed.director, "add-service -t 198.51.100.10:80").ok();
    assert!(has(here, "eth1", "198.51.100.10/32"), "a VIP goes where its network is");

    let said = apply(&["eth1"]).ok();
    assert_eq!(said, "- interface eth0\n");
    assert!(!on("eth0") && on("eth1"), "{:?}", programs(here));
    assert!(!bed.director.pins().join("links/eth0").exists());
    let held = addresses(here);
    assert!(
        !held.contains(&"eth0 192.0.2.10/32".to_owned()),
        "a VIP where no program is: {held:?}"
    );
    assert!(held.contains(&"eth1 192.0.2.10/32".to_owned()), "{held:?}");

    let before = bed.picture();
    apply(&[]).refused(4, &["no interface would be left"]);
    apply(&["eth1", "eth9"]).refused(4, &["no such interface", "eth9"]);
    apply(&["eth1", "lo"]).refused(4, &["lo", "not Ethernet"]);
    assert_eq!(bed.picture(), before);
}

#[test]
fn two_daemons_on_two_interfaces_leave_each_other_alone() {
    let bed = settled();
    second_interface(&bed.lab);
    let here = &bed.lab.director.namespace;
    let before = bed.picture();
    let watch = AddressWatch::start(here);
    let builder = DirectorBuilder::on(&bed.lab, Path::new(LB_CTL), &["eth1"]);
    let builder = builder.argument("--max-connections").argument("1024");
    let mut second = builder.argument("--detach-on-exit").start().unwrap();
    ctl(&second, "add-service -t 198.51.100.10:80").ok();
    assert!(has(here, "eth1", "198.51.100.10/32"));
    ctl(&bed.director, "add-service -t 192.0.2.11:80").ok();
    ctl(&bed.director, "delete-service -t 192.0.2.11:80").ok();
    assert_eq!(programs(here).len(), 2);

    let left = second.stop().unwrap().unwrap();
    assert!(left.success(), "{left}: {}", second.log());
    assert!(!second.pins().exists(), "{:?}", files(second.pins()));
    let seen: Vec<_> = watch.stop().into_iter().filter(|line| line.contains("192.0.2.1")).collect();
    assert!(seen.iter().all(|line| line.contains("192.0.2.11")) && seen.len() == 2, "{seen:?}");
    let mut after = bed.picture();
    after.same_file_as(&before);
    assert_eq!(after, before);
}
