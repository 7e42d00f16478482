//! Who is told when a check changes its mind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bench::lab::{Lab, VIPS, wait_until};
use lb_ctl::api::wire::RealState;
use serde_json::{Value, json};

use crate::common::traffic::{ECHO, SOON, Site, start_echo};
use crate::support::{checked, wait_for};

/// A script that writes its arguments to a file beside it.
fn script(lab: &Lab, name: &str) -> PathBuf {
    let path = lab.files().join(name);
    let text = format!("#!/bin/sh\necho \"$@\" >> {}.log\n", path.display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[track_caller]
fn wait_for_line(path: &Path, line: &str) {
    let log = path.with_extension("log");
    let read = || fs::read_to_string(&log).unwrap_or_default();
    let waited = wait_until(&format!("`{line}`"), SOON, || Ok(read().lines().any(|l| l == line)));
    waited.unwrap_or_else(|error| panic!("{error} in {:?}", read()));
}

#[test]
fn scripts_and_history_tell_of_reals_and_quorums() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let [up, down, quorum_up, quorum_down] =
        ["up", "down", "quorum_up", "quorum_down"].map(|name| script(&lab, name));
    let keys = json!({
        "quorum": 2, "notify_up": up, "notify_down": format!("{} web", down.display()),
        "quorum_up": quorum_up, "quorum_down": quorum_down
    });
    let services = checked(&lab, ECHO, &json!({"type": "tcp"}), &keys);
    let mut echo = start_echo(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    let four = |real: &str| format!("RS [{real}]:tcp:7 [192.0.2.10]:tcp:7");
    wait_for_line(&up, &format!("{} UP", four("192.0.2.22")));
    wait_for_line(&quorum_up, "VS [192.0.2.10]:tcp:7 UP");
    drop(echo.drain(2..));
    for vip in VIPS {
        wait_for(&site, (vip, ECHO), 1, RealState::Down, "refused");
    }
    wait_for_line(&down, &format!("web {} DOWN", four("192.0.2.22")));
    wait_for_line(&down, "web RS [2001:db8::22]:tcp:7 [2001:db8::10]:tcp:7 DOWN");
    wait_for_line(&quorum_down, "VS [192.0.2.10]:tcp:7 DOWN");

    let history: Value = site.director.ctl_json(&["events", "-t", "192.0.2.10:7"]).unwrap();
    let events = history["events"].as_array().unwrap();
    let found = events.iter().find(|event| event["kind"] == "real_down").unwrap();
    assert_eq!(found["real"], "192.0.2.22");
    assert!(found["message"].as_str().unwrap().contains("refused"), "{found}");
    assert!(events.iter().any(|event| event["kind"] == "quorum_down"), "{history}");
    let table = site.ctl(&["events", "--count", "50"]);
    assert!(table.lines().any(|line| line.contains("real_down")), "{table}");
    let list = site.ctl(&["list"]);
    assert!(list.contains("down for") && list.contains("refused"), "{list}");
    drop(echo);
}
