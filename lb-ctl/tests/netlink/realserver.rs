//! Preparing a real server, and taking it back.

use std::net::IpAddr;
use std::path::Path;

use lb_ctl::netlink::types::host_prefix;
use lb_ctl::realserver::{self, Options, RealServerError};
use tempfile::TempDir;

use crate::bed::{Bed, families};

const SYSCTLS: [&str; 4] = [
    "ipv4/conf/all/arp_ignore",
    "ipv4/conf/all/arp_announce",
    "ipv4/conf/r0/arp_ignore",
    "ipv4/conf/r0/arp_announce",
];

struct Machine {
    bed: Bed,
    state: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { bed: Bed::new(), state: tempfile::tempdir().unwrap() }
    }

    fn options(&self, vip: IpAddr) -> Options {
        let state_dir = self.state.path().join("lb-ctl");
        Options { vip, interfaces: Vec::new(), state_dir }
    }

    fn setup(&self, vip: IpAddr) -> Result<Vec<String>, RealServerError> {
        let options = self.options(vip);
        self.bed.real.block_on(|| async move { realserver::setup(&options).await })
    }

    fn undo(&self, vip: IpAddr) -> Vec<String> {
        let options = self.options(vip);
        self.bed.real.block_on(|| async move { realserver::undo(&options).await }).unwrap()
    }

    fn check(&self, vip: IpAddr) -> Vec<String> {
        let options = self.options(vip);
        self.bed.real.block_on(|| async move { realserver::check(&options).await }).unwrap()
    }

    fn sysctls(&self) -> [String; 4] {
        SYSCTLS.map(|path| self.bed.real.get(path))
    }

    fn on_lo(&self, vip: IpAddr) -> bool {
        !self.bed.real.ip(&format!("addr show dev lo to {vip}")).is_empty()
    }

    fn state_file(&self) -> std::path::PathBuf {
        self.state.path().join("lb-ctl").join("real-server.json")
    }
}

#[test]
fn set_up_it_takes_packets_in_silence_and_undone_it_is_as_before() {
    let [v4, _] = families();
    let machine = Machine::new();
    machine.bed.real.set("ipv4/conf/r0/arp_announce", "1");
    let before = machine.sysctls();
    let findings = machine.check(v4.vip);
    assert_eq!(findings.len(), 3, "{findings:#?}");

    let done = machine.setup(v4.vip).unwrap();
    assert_eq!(done.last().unwrap(), "192.0.2.10/32: put on lo");
    assert!(done.contains(&"net.ipv4.conf.r0.arp_announce: 1 -> 2".to_owned()), "{done:#?}");
    assert_eq!(machine.sysctls(), ["1", "2", "1", "2"]);
    assert_eq!(machine.check(v4.vip), [""; 0]);
    assert!(!machine.bed.director.reaches(v4.vip), "the real answers ARP for the VIP");
    assert!(machine.bed.director.reaches(v4.real), "the real has lost its own address");

    let again = machine.setup(v4.vip).unwrap();
    assert!(again.iter().all(|line| line.ends_with("already")), "{again:#?}");

    machine.undo(v4.vip);
    assert_eq!(machine.sysctls(), before);
    assert!(!machine.on_lo(v4.vip));
    assert!(!Path::new(&machine.state_file()).exists());
}

#[test]
fn without_silence_the_director_hears_the_real_answer() {
    let [v4, _] = families();
    let machine = Machine::new();
    machine.bed.real.ip(&format!("addr add {}/32 dev lo", v4.vip));
    assert!(machine.bed.director.reaches(v4.vip));
    let findings = machine.check(v4.vip);
    assert!(findings[0].starts_with("r0 answers ARP for 192.0.2.10"), "{findings:#?}");
    assert_eq!(findings.len(), 2, "{findings:#?}");
}

#[test]
fn ipv6_is_silent_of_itself() {
    let [_, v6] = families();
    let machine = Machine::new();
    machine.bed.real.set("ipv6/conf/lo/accept_dad", "1");
    let before = machine.sysctls();
    machine.setup(v6.vip).unwrap();
    assert_eq!(machine.sysctls(), before);
    assert_eq!(machine.check(v6.vip), [""; 0]);
    let shown = machine.bed.real.ip(&format!("-6 addr show dev lo to {}", v6.vip));
    assert!(shown.contains("nodad") && shown.contains("deprecated"), "{shown}");
    assert!(!machine.bed.director.reaches(v6.vip), "the real answers for the VIP");
    machine.undo(v6.vip);
    assert!(!machine.on_lo(v6.vip));
    assert!(!machine.state_file().exists());
}

#[test]
fn the_last_vip_takes_the_silence_along() {
    let [v4, v6] = families();
    let machine = Machine::new();
    let before = machine.sysctls();
    for vip in [v4.vip, v4.nobody, v6.vip] {
        machine.setup(vip).unwrap();
    }
    machine.undo(v4.vip);
    assert!(!machine.on_lo(v4.vip) && machine.on_lo(v4.nobody));
    assert_eq!(machine.check(v4.nobody), [""; 0]);
    machine.undo(v4.nobody);
    assert_eq!(machine.sysctls(), before);
    machine.undo(v6.vip);
    assert!(!machine.state_file().exists());
}

#[test]
fn what_others_did_is_left() {
    for family in families() {
        let machine = Machine::new();
        let vip = family.vip;
        machine.bed.real.ip(&format!("addr add {vip}/{} dev lo", host_prefix(vip)));
        let done = machine.setup(vip).unwrap();
        assert!(done.last().unwrap().contains("somebody else"), "{done:#?}");
        let undone = machine.undo(vip);
        assert!(undone[0].contains("not put there by setup"), "{undone:#?}");
        assert!(machine.on_lo(vip));
    }
    let machine = Machine::new();
    machine.setup(families()[0].vip).unwrap();
    machine.bed.real.set(SYSCTLS[0], "2");
    let undone = machine.undo(families()[0].vip);
    assert_eq!(machine.sysctls(), ["2", "0", "0", "0"]);
    assert!(undone.iter().any(|line| line.contains("left at 2")), "{undone:#?}");
}

#[test]
fn without_the_state_file_the_vip_goes_and_the_rest_is_told() {
    let [v4, _] = families();
    let machine = Machine::new();
    machine.setup(v4.vip).unwrap();
    std::fs::remove_file(machine.state_file()).unwrap();
    let undone = machine.undo(v4.vip);
    assert!(!machine.on_lo(v4.vip));
    assert_eq!(machine.sysctls(), ["1", "2", "1", "2"]);
    assert!(undone[1].contains("net.ipv4.conf.r0.arp_ignore=0"), "{undone:#?}");
}

#[test]
fn a_misplaced_vip_is_refused_and_named() {
    let [v4, v6] = families();
    let machine = Machine::new();
    for (vip, prefix, interface) in [(v4.vip, 24, "lo"), (v4.nobody, 32, "r0"), (v6.vip, 128, "r0")]
    {
        machine.bed.real.ip(&format!("addr add {vip}/{prefix} dev {interface}"));
        let refusal = machine.setup(vip).unwrap_err().to_string();
        let mend = format!("ip addr del {vip}/{prefix} dev {interface}");
        assert!(refusal.contains(&mend), "{refusal}");
        assert!(machine.check(vip).contains(&refusal));
    }
    assert_eq!(machine.sysctls(), ["0"; 4]);
    assert!(!machine.state_file().exists());
}

#[test]
fn what_cannot_work_is_refused() {
    let [v4, _] = families();
    let machine = Machine::new();
    let mut options = machine.options(v4.vip);
    options.interfaces = vec!["eth7".to_owned()];
    let refused = machine.bed.real.block_on(|| async { realserver::setup(&options).await });
    assert!(matches!(refused, Err(RealServerError::NoInterface { .. })), "{refused:?}");
    machine.bed.real.ip("link set lo down");
    let refused = machine.setup(v4.vip);
    assert!(matches!(refused, Err(RealServerError::LoopbackDown { .. })), "{refused:?}");
    assert_eq!(machine.sysctls(), ["0"; 4]);
}
