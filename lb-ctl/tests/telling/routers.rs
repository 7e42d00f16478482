//! What is seen of virtual routers: the list, the status, events, metrics and scripts.

use std::fs;
use std::path::{Path, PathBuf};

use bench::lab::{Director, DirectorBuilder, Lab, LabError, VIP4, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::control::{LB_CTL, SOON, ctl, json as ctl_json, lab};

/// A command that writes its words to a file, behind a word of its own.
fn writes(word: &str, file: &Path) -> String {
    format!("/bin/sh -c 'echo \"$0 $*\" >> {}' {word}:", file.display())
}

/// A virtual router of the bed's VIP, in no group.
fn router(priority: u8) -> Value {
    json!({
        "name": "VI_1", "interface": "eth0", "vrid": 51, "version": 3, "priority": priority,
        "advert_interval": "50ms", "addresses": [VIP4],
    })
}

/// A daemon that has virtual routers and forwards nothing.
fn director(builder: DirectorBuilder, instance: &Value, group: Option<Value>) -> Director {
    let groups: Vec<Value> = group.into_iter().collect();
    let definition = json!({ "vrrp": { "instances": [instance], "groups": groups } });
    let builder = builder.argument("--max-connections").argument("1024");
    builder.start_with(&definition.to_string()).unwrap()
}

fn first(lab: &Lab, instance: &Value, group: Option<Value>) -> Director {
    director(DirectorBuilder::on(lab, Path::new(LB_CTL), &[]), instance, group)
}

/// A director on the first real's machine.
fn second(lab: &Lab, instance: &Value) -> Director {
    let (folder, pins) = (lab.files().join("second"), lab.pins().join("second"));
    let namespace = &lab.reals[0].namespace;
    let builder = DirectorBuilder::at(namespace, Path::new(LB_CTL), folder, pins, &[]);
    director(builder, instance, None)
}

fn shown(director: &Director) -> Value {
    ctl_json(director, "vrrp list")["instances"][0].take()
}

#[track_caller]
fn wait(director: &Director, what: &str, mut ready: impl FnMut() -> bool) {
    if let Err(error) = wait_until(what, SOON, || Ok::<_, LabError>(ready())) {
        let list = ctl(director, "vrrp list").stdout;
        panic!("{error}; there is: {list}\n{}", ctl(director, "events").stdout);
    }
}

#[track_caller]
fn wait_for_state(director: &Director, state: &str) {
    wait(director, state, || shown(director)["state"] == state);
}

/// The kinds and messages of a virtual router's events.
fn told(director: &Director) -> Vec<(String, String)> {
    let events = ctl_json(director, "events --instance VI_1");
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let events = events["events"].as_array().unwrap().iter();
    events.map(|event| (text(event, "kind"), text(event, "message"))).collect()
}

fn kinds(director: &Director) -> Vec<String> {
    told(director).into_iter().map(|(kind, _)| kind).collect()
}

/// A metric's value, as it stands on the socket.
fn metric(director: &Director, lab: &Lab, name: &str) -> Option<u64> {
    let socket = director.socket();
    let words = ["curl", "-fsS", "--unix-socket", socket.to_str().unwrap()];
    let words = words.into_iter().chain(["http://localhost/v1/metrics"]).collect::<Vec<_>>();
    let text = lab.director.namespace.run(&words).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

fn has_vip(lab: &Lab) -> bool {
    let addresses = lab.director.namespace.run(&["ip", "-4", "addr", "show", "dev", "eth0"]);
    addresses.unwrap().contains(&format!(" {VIP4}/32 "))
}

fn lines(path: &PathBuf) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn one_alone_is_master_and_all_are_told() {
    let lab = lab(1);
    let (own, groups) = (lab.files().join("own"), lab.files().join("group"));
    let mut instance = router(150);
    instance["notify"] = json!({
        "master": writes("master", &own), "backup": writes("backup", &own),
        "stop": writes("stop", &own), "any": writes("any", &own),
    });
    let notify = json!({ "any": writes("any", &groups) });
    let group = json!({ "name": "VG", "instances": ["VI_1"], "notify": notify });
    let mut director = first(&lab, &instance, Some(group));
    wait_for_state(&director, "master");
    wait(&director, "the VIP", || has_vip(&lab));
    let list = shown(&director);
    assert_eq!(
        (&list["group"], &list["priority"], &list["vrid"]),
        (&json!("VG"), &json!(150), &json!(51))
    );
    let table = ctl(&director, "vrrp list").ok();
    assert!(table.contains("VI_1      eth0       51    MASTER  150       50ms    "), "{table}");
    let status = ctl(&director, "status").ok();
    assert!(status.lines().next().unwrap().contains(", VRRP 1 master, "), "{status}");
    assert!(status.contains("\nvrrp       VI_1 (vrid 51 on eth0): MASTER for "), "{status}");

    // Nobody else is there to take over.
    let words = ["VI_1: nobody has taken over", "goes on as master with priority 1:"];
    ctl(&director, "vrrp handover VI_1").refused(1, &words);
    let list = shown(&director);
    assert_eq!(
        (&list["state"], &list["handed_over"], &list["priority"]),
        (&json!("master"), &json!(true), &json!(1))
    );
    let resumed = ctl(&director, "vrrp resume").ok();
    assert_eq!(resumed, "VI_1: takes part with priority 150 again\n");
    ctl(&director, "vrrp handover VI_2").refused(5, &["\"VI_2\"", "VI_1"]);
    ctl(&director, "events --instance VI_2").refused(5, &["\"VI_2\""]);

    let once = ["vrrp_backup", "vrrp_group_backup", "vrrp_master", "vrrp_group_master"];
    assert_eq!(kinds(&director), [once, once].concat());
    let of = |name: &str| metric(&director, &lab, name);
    assert_eq!(of("lbctl_vrrp_state{instance=\"VI_1\",vrid=\"51\"}"), Some(2));
    assert_eq!(of("lbctl_vrrp_priority{instance=\"VI_1\",vrid=\"51\"}"), Some(150));
    assert_eq!(of("lbctl_vrrp_transitions_total{instance=\"VI_1\",to=\"master\"}"), Some(2));
    let sent = of("lbctl_vrrp_adverts_total{instance=\"VI_1\",direction=\"sent\"}");
    assert!(sent.unwrap() > 2, "{sent:?}");

    director.stop().unwrap();
    assert!(!has_vip(&lab));
    let each = |priority: u8, state: &str| {
        let word = state.to_lowercase();
        [word.as_str(), "any"].map(|word| format!("{word}: INSTANCE VI_1 {state} {priority}"))
    };
    let expected = [
        each(150, "BACKUP"),
        each(150, "MASTER"),
        each(1, "BACKUP"),
        each(1, "MASTER"),
        each(150, "STOP"),
    ];
    assert_eq!(lines(&own), expected.concat());
    let roles = ["BACKUP", "MASTER", "BACKUP", "MASTER", "STOP"];
    assert_eq!(lines(&groups), roles.map(|role| format!("any: GROUP VG {role} 0")));
}

#[test]
fn a_handover_names_the_other_director_and_what_is_wrong_is_told_of() {
    let lab = lab(1);
    let one = first(&lab, &router(150), None);
    wait_for_state(&one, "master");
    let other = second(&lab, &router(100));
    wait(&other, "the first master to be heard", || shown(&other)["master"] == "192.0.2.2");
    let taken = ctl(&one, "vrrp handover VI_1").ok();
    assert_eq!(taken, "VI_1: 192.0.2.21 is master, with priority 100\n");
    wait_for_state(&other, "master");
    assert!(!has_vip(&lab));
    let again = ctl(&one, "vrrp handover").ok();
    assert_eq!(again, "VI_1: BACKUP with priority 1, 192.0.2.21 is master\n");
    ctl(&one, "vrrp resume VI_1").ok();
    wait_for_state(&one, "master");
    wait_for_state(&other, "backup");

    // Each has its own idea of what VRRP is, so that both are master.
    let mut instance = router(100);
    instance["version"] = json!(2);
    instance["advert_interval"] = json!("1s");
    let definition = json!({ "vrrp": { "instances": [instance] } });
    other.write_definition(&definition.to_string()).unwrap();
    ctl(&other, "reload").ok();
    wait_for_state(&other, "master");
    let has = |kind: &str| kinds(&one).iter().any(|known| known == kind);
    wait(&one, "a rejected advert", || has("advert_rejected"));
    wait(&one, "an address conflict", || has("address_conflict"));
    let conflict = told(&one).into_iter().find(|(kind, _)| kind == "address_conflict").unwrap().1;
    assert!(conflict.starts_with(&format!("{VIP4} is held by ")), "{conflict}");
    assert!(conflict.ends_with(" as well, heard on eth0"), "{conflict}");
    let rejected =
        metric(&one, &lab, "lbctl_vrrp_rejected_total{instance=\"VI_1\",reason=\"version\"}");
    assert!(rejected.unwrap() > 0, "{rejected:?}");
    let name =
        format!("lbctl_vrrp_address_conflicts_total{{instance=\"VI_1\",address=\"{VIP4}\"}}");
    assert!(metric(&one, &lab, &name).unwrap() > 0);
    let status = ctl(&one, "status").ok();
    assert!(status.lines().next().unwrap().contains(", 1 ADDRESS CONFLICT, "), "{status}");
}

#[test]
fn a_daemon_that_leaves_waits_for_the_scripts_of_its_virtual_routers() {
    let lab = lab(1);
    let (begun, ended) = (lab.files().join("begun"), lab.files().join("ended"));
    let mut instance = router(150);
    // Longer than others are waited for that are told of something.
    let stop = format!("touch {}; sleep 3; echo $1 >> {}", begun.display(), ended.display());
    instance["notify"] = json!({
        "stop": format!("/bin/sh -c '{stop}'"), "any": writes("any", &ended),
    });
    let mut director = first(&lab, &instance, None);
    wait_for_state(&director, "master");
    // Not by the guard, which loses its patience before that.
    director.process().signal(Signal::SIGTERM).unwrap();
    let status = director.process().wait().unwrap();
    assert!(status.success() && begun.exists(), "{status}");
    let expected = ["any: INSTANCE VI_1 BACKUP 150", "any: INSTANCE VI_1 MASTER 150", "VI_1"];
    let expected = expected.into_iter().chain(["any: INSTANCE VI_1 STOP 150"]);
    assert_eq!(lines(&ended), expected.collect::<Vec<_>>());
}
