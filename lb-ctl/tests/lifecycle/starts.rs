//! Starts that are refused: each says why, leaves nothing behind, and harms nothing that runs. And
//! starts after a daemon that was killed.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use bench::lab::{Lab, LabError, Namespace, VIP4, VIP6};

use super::control::{
    AddressWatch, Ended, LB_CTL, addresses, binary_for_all, ctl, has, json, lab, programs, run,
};
use super::{DEFINITION, files, settled};

const OTHER: &str = r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.99", "port": 80 } ] }"#;

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
    let odd = start().leaves_nothing(here, "--interface eth0/1");
    odd.refused(4, &["interface name \"eth0/1\"", "cannot be one"]);
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
        (
            r#"{ "vrrp": { "instances": [ { "name": "VI_1", "interface": "eth0", "vrid": 0,
                 "addresses": [ "192.0.2.10" ] } ] } }"#,
            &["line 1, column 75", "vrrp.instances[0].vrid", "outside 1 to 255"],
        ),
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
fn a_start_that_fails_halfway_takes_off_what_it_added() {
    let lab = lab(0);
    let here = &lab.director.namespace;
    // The IPv4 VIP can be added, and the IPv6 one cannot.
    here.sysctl(&[("ipv6/conf/eth0/disable_ipv6", "1")]).unwrap();
    let before = addresses(here);
    let ended = Start::new(&lab).definition(DEFINITION).leaves_nothing(here, "--interface eth0");
    ended.refused(1, &["2001:db8::10", "disable_ipv6"]);
    assert!(ended.stderr.contains("192.0.2.10: added"), "it got that far: {ended:?}");
    assert_eq!(addresses(here), before);
    assert_eq!(programs(here), Vec::<String>::new());
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

#[test]
fn a_missing_file_empties_a_running_director_and_says_so() {
    let mut bed = settled();
    bed.director.kill().unwrap();
    fs::remove_file(bed.director.definition_path()).unwrap();
    bed.director.start().unwrap();
    assert_eq!(json(&bed.director, "list")["services"].as_array().unwrap().len(), 0);
    assert!(!has(&bed.lab.director.namespace, "eth0", "192.0.2.10/32"));
    let log = bed.director.log();
    assert!(log.contains("WARN") && log.contains("there is no definition file"), "{log}");
}
