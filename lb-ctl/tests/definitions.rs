//! The definition file and the running state: each follows the other, by small steps and whole,
//! and neither is harmed where something fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/control.rs"]
mod control;

#[path = "definitions/faults.rs"]
mod faults;
#[path = "definitions/health.rs"]
mod health;
#[path = "definitions/services.rs"]
mod services;
#[path = "definitions/views.rs"]
mod views;
#[path = "definitions/vrrp.rs"]
mod vrrp;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::lab::{VIP4, VIP6};
use control::{Bed, LB_CTL, addresses, bed, bed_with, ctl, daemon, has, json, lab, run};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Two UDP services with one real each, that count and list every flow.
const DEFINITION: &str = r#"{
  "services": [
    { "name": "four", "protocol": "udp", "vip": "192.0.2.10", "port": 53, "tracking": "full",
      "reals": [ { "address": "192.0.2.21", "weight": 3 } ] },
    { "name": "six", "protocol": "udp", "vip": "2001:db8::10", "port": 53, "tracking": "full",
      "reals": [ { "address": "2001:db8::21" } ] }
  ]
}
"#;

/// A bed with [`DEFINITION`], its reals up, and three packets counted for each service.
fn counting() -> Bed {
    let bed = bed_with(1, DEFINITION);
    bed.wait_for_reals("up");
    bed.knock(VIP4.into(), 53, 3);
    bed.knock(VIP6.into(), 53, 3);
    bed
}

/// One connection and three packets each: nothing was made anew.
#[track_caller]
fn still_counting(bed: &Bed) {
    assert_eq!(bed.counted(VIP4.into(), 53), (1, 3));
    assert_eq!(bed.counted(VIP6.into(), 53), (1, 3));
}

/// Writes a definition beside the daemon's, and returns its path.
fn document(bed: &Bed, text: &str) -> String {
    let path = bed.lab.files().join("document.json");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn config(bed: &Bed) -> Value {
    json(&bed.director, "status")["config"].clone()
}

/// All in the daemon's folder but its log and its socket.
fn folder(bed: &Bed) -> Vec<String> {
    let folder = bed.director.definition_path();
    let entries = fs::read_dir(folder.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| !["lb-ctl.log", "lb-ctl.sock"].contains(&name.as_str())).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_change_is_written_and_equals_what_save_prints() {
    let bed = bed(0);
    assert!(!bed.director.definition_path().exists(), "a missing file is an empty definition");
    assert_eq!(config(&bed)["state"], "missing");
    let mut last = String::new();
    for (line, expected) in [
        ("add-service -t 192.0.2.10:80 --name web", json!([[80, []]])),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.21", json!([[80, [[1, null]]]])),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.22:80 -w 7", json!([[80, [[1, null], [7, null]]]])),
        ("edit-real -t 192.0.2.10:80 -r 192.0.2.21 -w 0", json!([[80, [[0, null], [7, null]]]])),
        ("drain -t 192.0.2.10:80 -r 192.0.2.22", json!([[80, [[0, null], [7, true]]]])),
        ("undrain -t 192.0.2.10:80 -r 192.0.2.22", json!([[80, [[0, null], [7, null]]]])),
        ("delete-real -t 192.0.2.10:80 -r 192.0.2.21", json!([[80, [[7, null]]]])),
        ("add-service -u [2001:db8::10]:53", json!([[80, [[7, null]]], [53, []]])),
        ("edit-service -t 192.0.2.10:80 --name site", json!([[80, [[7, null]]], [53, []]])),
        ("delete-service -t 192.0.2.10:80", json!([[53, []]])),
        ("clear", json!([])),
    ] {
        assert_eq!(ctl(&bed.director, line).ok(), "", "{line} has nothing to tell");
        let file = bed.file();
        assert_ne!(file, last, "after `{line}`");
        assert_eq!(file, ctl(&bed.director, "save").ok(), "after `{line}`");
        assert_eq!(shape(&file), expected, "after `{line}`: {file}");
        assert_eq!(folder(&bed), ["lb-ctl.json"], "after `{line}`");
        assert_eq!(config(&bed)["state"], "in-sync");
        last = file;
    }
    let mode = fs::metadata(bed.director.definition_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// Ports of the services of a file, with the weights and drains of their reals.
fn shape(file: &str) -> Value {
    let document: Value = serde_json::from_str(file).unwrap();
    let real = |real: &Value| json!([real["weight"], real.get("drain")]);
    let service = |service: &Value| {
        let reals = service["reals"].as_array().unwrap().iter().map(real);
        json!([service["port"], reals.collect::<Value>()])
    };
    document["services"].as_array().unwrap().iter().map(service).collect()
}

#[test]
fn a_change_that_changes_nothing_leaves_the_file() {
    let bed = bed_with(1, DEFINITION);
    for line in [
        "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 3",
        "undrain -u 192.0.2.10:53 -r 192.0.2.21",
        "edit-service -u 192.0.2.10:53 -s mh",
    ] {
        ctl(&bed.director, line).ok();
        assert_eq!(bed.file(), DEFINITION, "after `{line}`");
    }
    let path = document(&bed, DEFINITION);
    assert_eq!(ctl(&bed.director, &format!("apply {path}")).ok(), "nothing to change\n");
    assert_eq!(bed.file(), DEFINITION);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let lab = lab(0);
    let elsewhere = lab.files().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.join("real.json");
    fs::write(&target, "{}").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o604)).unwrap();
    // The folder of the first daemon of a bed.
    let link = lab.files().join("ctl0/lb-ctl.json");
    fs::create_dir(link.parent().unwrap()).unwrap();
    symlink("../elsewhere/real.json", &link).unwrap();
    let director = daemon(&lab).start().unwrap();
    assert_eq!(director.definition_path(), link);
    ctl(&director, "add-service -t 192.0.2.10:80").ok();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), ctl(&director, "save").ok());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o604);
}

/// [`DEFINITION`] with another weight, without the second service, and with a new one.
fn next() -> String {
    let mut next: Value = serde_json::from_str(DEFINITION).unwrap();
    next["services"][0]["reals"][0]["weight"] = json!(9);
    next["services"][1] = json!({ "protocol": "tcp", "vip": "192.0.2.11", "port": 80 });
    next.to_string()
}

const NEXT_LINES: [&str; 4] = [
    "~ real 192.0.2.21 of udp 192.0.2.10:53: weight 3 -> 9",
    "- service udp [2001:db8::10]:53 (mh, tracking full, name \"six\")",
    "- real 2001:db8::21 of udp [2001:db8::10]:53 (weight 1)",
    "+ service tcp 192.0.2.11:80 (mh)",
];

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn apply_does_what_diff_says_and_no_more() {
    let bed = counting();
    let before = bed.picture();
    let path = document(&bed, &next());
    let said = ctl(&bed.director, &format!("diff {path}")).ok();
    assert_eq!(sorted(&said), sorted(&NEXT_LINES.join("\n")));
    assert_eq!(ctl(&bed.director, &format!("apply {path} --dry-run")).ok(), said);
    let as_json = json(&bed.director, &format!("diff {path}"));
    assert_eq!(as_json["changes"].as_array().unwrap().len(), NEXT_LINES.len());
    assert_eq!(bed.picture(), before, "asking changes nothing");

    assert_eq!(ctl(&bed.director, &format!("apply {path}")).ok(), said);
    assert_eq!(bed.counted(VIP4.into(), 53), (1, 3), "what stays keeps its counters");
    let list = json(&bed.director, "list");
    assert_eq!(list["services"].as_array().unwrap().len(), 2);
    assert_eq!(list["services"][0]["reals"][0]["weight"], 9);
    let here = &bed.lab.director.namespace;
    assert!(has(here, "eth0", "192.0.2.11/32") && !has(here, "eth0", "2001:db8::10/128"));
    assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
    assert_eq!(ctl(&bed.director, &format!("diff {path}")).ok(), "nothing to change\n");

    let mut from_stdin = bed.director.command();
    from_stdin.args(["apply", "-"]).stdin(File::open(document(&bed, DEFINITION)).unwrap());
    assert_eq!(run(&mut from_stdin).ok().lines().count(), NEXT_LINES.len());
    assert_eq!(json(&bed.director, "list")["services"][1]["name"], "six");
}

#[test]
fn a_document_that_is_refused_is_refused_whole() {
    let bed = counting();
    let before = bed.picture();
    let good = r#"{ "protocol": "udp", "vip": "192.0.2.12", "port": 53 }"#;
    let cases: &[(&str, &[&str])] = &[
        ("{ \"services\": [\n", &["line 2", "EOF"]),
        (
            r#"{ "services": [ GOOD, { "protocol": "icmp", "vip": "192.0.2.13", "port": 1 } ] }"#,
            &["services[1].protocol", "icmp"],
        ),
        (r#"{ "services": [ GOOD, GOOD ] }"#, &["services[1]", "services[0] already"]),
        (r#"{ "services": [ GOOD ], "colour": 1 }"#, &["colour", "unknown field"]),
        (r#"{ "services": [ GOOD ], "interfaces": [ "eth9" ] }"#, &["no such interface", "eth9"]),
        (r#"{ "services": [ GOOD ], "interfaces": [ "lo" ] }"#, &["lo", "not Ethernet"]),
        (r#"{ "services": [ GOOD ], "services": [ GOOD ] }"#, &["services", "second time"]),
    ];
    for (text, words) in cases {
        let path = document(&bed, &text.replace("GOOD", good));
        for verb in ["apply", "apply --force"] {
            let ended = ctl(&bed.director, &format!("{verb} {path}"));
            ended.refused(4, words);
            ended.refused(4, &[&path]);
        }
        assert_eq!(bed.picture(), before, "after {text}");
    }
    still_counting(&bed);
}

#[test]
fn reload_and_hangup_take_over_the_difference() {
    let mut bed = counting();
    bed.director.write_definition(&next()).unwrap();
    assert_eq!(config(&bed)["state"], "changed-by-hand");
    let said = ctl(&bed.director, "reload").ok();
    assert_eq!(sorted(&said), sorted(&NEXT_LINES.join("\n")));
    assert_eq!(bed.counted(VIP4.into(), 53), (1, 3), "what stays keeps its counters");
    assert_eq!(config(&bed)["state"], "in-sync");
    assert_eq!(bed.file(), next(), "reading does not write");
    assert_eq!(ctl(&bed.director, "reload").ok(), "nothing to change\n");

    bed.director.write_definition(DEFINITION).unwrap();
    bed.director.process().signal(Signal::SIGHUP).unwrap();
    bed.wait("the definition to be read again", || config(&bed)["state"] == "in-sync");
    let list = json(&bed.director, "list");
    assert_eq!(list["services"][1]["name"], "six");
    assert_eq!(list["services"][0]["reals"][0]["weight"], 3);
    assert_eq!(bed.counted(VIP4.into(), 53), (1, 3));

    fs::remove_file(bed.director.definition_path()).unwrap();
    ctl(&bed.director, "reload").ok();
    assert_eq!(json(&bed.director, "list")["services"], json!([]), "a missing file is empty");
}

#[test]
fn a_broken_file_keeps_the_last_good_state() {
    let mut bed = counting();
    let list = json(&bed.director, "list");
    let held = addresses(&bed.lab.director.namespace);
    let path = bed.director.definition_path().display().to_string();
    let broken = DEFINITION.replace("\"weight\": 3", "\"weight\": 3,\n \"colour\": 1");
    bed.director.write_definition(&broken).unwrap();
    let reload = ctl(&bed.director, "reload");
    reload.refused(4, &[&path, "line 5, column 2", "services[0].reals[0].colour"]);
    let stale = config(&bed);
    assert_eq!(stale["state"], "stale");
    let error = stale["error"].as_str().unwrap();
    assert!(error.contains("line 5, column 2"), "{error}");
    let table = ctl(&bed.director, "status").ok();
    assert!(table.lines().next().unwrap().contains("config STALE"), "{table}");

    // The same by SIGHUP, with another fault.
    bed.director.write_definition("{").unwrap();
    bed.director.process().signal(Signal::SIGHUP).unwrap();
    bed.wait("the status to name the new fault", || {
        config(&bed)["error"].as_str().is_some_and(|error| error.contains("line 1"))
    });
    assert_eq!(json(&bed.director, "list"), list);
    assert_eq!(addresses(&bed.lab.director.namespace), held);
    // No command writes over it unasked.
    ctl(&bed.director, "add-service -t 192.0.2.11:80").refused(4, &[&path, "reload", "--force"]);
    assert_eq!(bed.file(), "{");

    bed.director.write_definition(DEFINITION).unwrap();
    assert_eq!(config(&bed)["state"], "in-sync", "it holds again what runs");
    ctl(&bed.director, "reload").ok();
    assert_eq!(config(&bed), json!({ "path": path, "state": "in-sync" }));
    still_counting(&bed);

    // What is good but cannot be had leaves the state alone as well.
    bed.director.write_definition(r#"{ "interfaces": [ "eth9" ] }"#).unwrap();
    ctl(&bed.director, "reload").refused(4, &["no such interface", "eth9"]);
    assert_eq!(config(&bed)["state"], "stale");
    still_counting(&bed);
}

#[test]
fn an_edit_by_hand_is_never_written_over_unasked() {
    let bed = counting();
    let before = json(&bed.director, "list");
    let edited = DEFINITION.replace("\"four\"", "\"quatre\"");
    bed.director.write_definition(&edited).unwrap();
    let path = bed.director.definition_path().display().to_string();
    let document = document(&bed, "{}");
    for line in [
        "add-service -t 192.0.2.11:80",
        "edit-service -u 192.0.2.10:53 --name x",
        "delete-service -u 192.0.2.10:53",
        "add-real -u 192.0.2.10:53 -r 192.0.2.22",
        "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 5",
        "delete-real -u 192.0.2.10:53 -r 192.0.2.21",
        "drain -u 192.0.2.10:53 -r 192.0.2.21",
        "clear",
        &format!("apply {document}"),
    ] {
        ctl(&bed.director, line).refused(4, &[&path, "edited", "reload", "--force"]);
        assert_eq!(bed.file(), edited, "after `{line}`");
        assert_eq!(json(&bed.director, "list"), before, "after `{line}`");
    }
    still_counting(&bed);

    ctl(&bed.director, "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 5 --force").ok();
    assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
    assert!(bed.file().contains("\"four\""), "{}", bed.file());
    assert_eq!(config(&bed)["state"], "in-sync");

    bed.director.write_definition(&edited).unwrap();
    let said = ctl(&bed.director, "reload").ok();
    assert!(said.contains("\"four\" -> \"quatre\""), "{said}");
    ctl(&bed.director, "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 6").ok();
    assert!(bed.file().contains("\"quatre\""), "{}", bed.file());

    // What --force asks for is done even where the running state is so already.
    bed.director.write_definition("{").unwrap();
    ctl(&bed.director, "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 6 --force").ok();
    assert_eq!(bed.file(), ctl(&bed.director, "save").ok());

    // A file that was taken away is an edit too.
    fs::remove_file(bed.director.definition_path()).unwrap();
    ctl(&bed.director, "clear").refused(4, &[&path, "--force"]);
    assert!(!bed.director.definition_path().exists());
    still_counting(&bed);
}

#[test]
fn zero_and_clear_do_what_they_say() {
    let bed = counting();
    assert_eq!(ctl(&bed.director, "zero").ok(), "");
    assert_eq!(bed.counted(VIP4.into(), 53), (0, 0));
    assert_eq!(bed.counted(VIP6.into(), 53), (0, 0));
    let list = json(&bed.director, "list");
    let zero = json!({ "connections": 0, "packets": 0, "bytes": 0 });
    assert_eq!(list["services"][0]["reals"][0]["stats"], zero);
    assert_eq!(bed.file(), DEFINITION, "counters are not in the file");
    let inactive = |list: &Value| list["services"][0]["reals"][0]["inactive_connections"].clone();
    assert_eq!(inactive(&list), 1, "the connections stay");
    bed.knock(VIP4.into(), 53, 2);

    let saved = bed.lab.files().join("saved.json");
    assert_eq!(ctl(&bed.director, &format!("save {}", saved.display())).ok(), "");
    let save = ctl(&bed.director, "save").ok();
    assert_eq!(fs::read_to_string(&saved).unwrap(), save);
    ctl(&bed.director, "save /nonexistent/x.json").refused(1, &["/nonexistent/x.json"]);

    ctl(&bed.director, "clear").ok();
    assert_eq!(json(&bed.director, "list"), json!({ "services": [] }));
    let held = addresses(&bed.lab.director.namespace);
    assert!(!held.iter().any(|a| a.contains("192.0.2.10/") || a.contains("::10/")), "{held:?}");
    ctl(&bed.director, &format!("apply {}", saved.display())).ok();
    assert_eq!(ctl(&bed.director, "save").ok(), save);
}

/// The binary without a daemon.
fn offline(words: &[&str]) -> Command {
    let mut command = Command::new(LB_CTL);
    command.args(words).env("LB_CTL_SOCKET", "/nonexistent/lb-ctl.sock");
    command
}

#[test]
fn check_finds_the_first_fault_without_a_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| -> PathBuf {
        let path = folder.path().join("x.json");
        fs::write(&path, text).unwrap();
        path
    };
    let check = |path: &Path| run(&mut offline(&["check", path.to_str().unwrap()]));
    let good = file(DEFINITION);
    let said = check(&good).ok();
    assert_eq!(said, format!("{}: ok, 2 services, 2 reals\n", good.display()));

    let name = good.to_str().unwrap();
    for (text, place, word) in [
        ("{\n  \"services\": 3\n}", ":2:15: services:", "sequence"),
        ("{ \"services\": [", ":1:15:", "EOF"),
        ("", ":1:1:", "empty"),
        (&DEFINITION.replace("53,", "-1,"), ":3:71: services[0].port:", "1 to 65535"),
        (
            &DEFINITION.replace("192.0.2.21", "192.0.2.210.1"),
            ":4:31: services[0].reals[0].address:",
            "IPv4",
        ),
    ] {
        let ended = check(&file(text));
        ended.refused(4, &[&format!("{name}{place}"), word]);
    }
    check(&folder.path().join("none.json")).refused(1, &["none.json", "No such file"]);

    let stdin = |text: &str| run(offline(&["check", "-"]).stdin(File::open(file(text)).unwrap()));
    assert_eq!(stdin(DEFINITION).ok(), "<stdin>: ok, 2 services, 2 reals\n");
    stdin("{ \"colour\": 1 }").refused(4, &["<stdin>:1:3: colour:"]);
    file(DEFINITION);
    let said = run(&mut offline(&["check", name, "-o", "json"])).ok();
    let said: Value = serde_json::from_str(&said).unwrap();
    let expected = json!({ "file": name, "services": 2, "reals": 2, "vrrp_instances": 0 });
    assert_eq!(said, expected);
}

#[test]
fn check_asks_for_the_interfaces_of_virtual_routers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    let name = path.to_str().unwrap();
    let check = |interface: &str, more: &[&str]| {
        let text = format!(
            "{{ \"vrrp\": {{ \"instances\": [\n  {{ \"name\": \"VI_1\", \"interface\": \"{interface}\", \
             \"vrid\": 51, \"addresses\": [\"192.0.2.10\"] }} ] }} }}"
        );
        fs::write(&path, text).unwrap();
        run(&mut offline(&[&["check", name], more].concat()))
    };
    let good = format!("{name}: ok, 0 services, 0 reals, 1 VRRP instances\n");
    assert_eq!(check("lo", &[]).ok(), good);
    let place = format!("{name}:2:34: vrrp.instances[0].interface:");
    check("gone0", &[]).refused(4, &[&place, "no interface gone0 on this machine", "--offline"]);
    assert_eq!(check("gone0", &["--offline"]).ok(), good);
    check("a b", &["--offline"]).refused(4, &[&place, "has blanks"]);
}

#[test]
fn the_schema_has_the_shape_of_the_definition() {
    let text = run(&mut offline(&["schema"])).ok();
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let keys = |object: &Value| -> Vec<String> {
        object["properties"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&schema), ["interfaces", "notify", "services", "vrrp"]);
    let of = |array: &Value| -> Value {
        let name = array["items"]["$ref"].as_str().unwrap().trim_start_matches("#/$defs/");
        schema["$defs"][name].clone()
    };
    let service = of(&schema["properties"]["services"]);
    let all = [
        "all_down",
        "allow",
        "check",
        "deny",
        "expire_nodest",
        "hash",
        "hysteresis",
        "idle_timeout",
        "inhibit_on_failure",
        "name",
        "notify_down",
        "notify_up",
        "persistence",
        "port",
        "protocol",
        "quorum",
        "quorum_down",
        "quorum_up",
        "reals",
        "scheduler",
        "slow_start",
        "sorry_server",
        "timeouts",
        "tracking",
        "vip",
    ];
    assert_eq!(keys(&service), all);
    assert_eq!(service["required"], json!(["protocol", "vip", "port"]));
    assert_eq!(service["additionalProperties"], false);
    let real = of(&service["properties"]["reals"]);
    assert_eq!(keys(&real), ["address", "disable", "drain", "weight"]);
    assert_eq!(real["required"], json!(["address"]));
    assert_eq!(real["properties"]["weight"]["maximum"], 65535);
}
