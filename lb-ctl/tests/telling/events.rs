//! `lb-ctl events`, and what the daemon notes by itself.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use bench::lab::{Process, VIP4, wait_until};
use serde_json::{Value, json};

use super::control::{Bed, SOON, bed, bed_with, ctl, json as ctl_json};

/// A definition of web servers at the VIP, of all reals of the bed.
fn web(bed_reals: &[&str]) -> String {
    let reals: Vec<Value> = bed_reals.iter().map(|real| json!({ "address": real })).collect();
    let service =
        json!({ "name": "web", "protocol": "tcp", "vip": VIP4, "port": 80, "reals": reals });
    json!({ "services": [service] }).to_string()
}

/// The events there are, each as its kind, service and real.
fn told(bed: &Bed, line: &str) -> Vec<(String, Value, Value)> {
    let events = ctl_json(&bed.director, line);
    let events = events["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            let kind = event["kind"].as_str().unwrap().to_owned();
            (kind, event["service"].clone(), event["real"].clone())
        })
        .collect()
}

fn kinds(bed: &Bed) -> Vec<String> {
    told(bed, "events").into_iter().map(|(kind, _, _)| kind).collect()
}

/// `lb-ctl events --follow`, running.
struct Follower {
    process: Process,
    shown: PathBuf,
}

impl Follower {
    fn start(bed: &Bed, arguments: &[&str]) -> Self {
        let shown = bed.lab.files().join("events.jsonl");
        let mut command = bed.director.command();
        command.args(["events", "--follow", "-o", "json"]).args(arguments);
        command.stdin(Stdio::null()).stdout(File::create(&shown).unwrap());
        Self { process: Process::spawn(&mut command).unwrap(), shown }
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.shown).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let outcome = wait_until(what, SOON, || Ok(self.events().iter().any(&wanted)));
        outcome.unwrap_or_else(|error| panic!("{error}: {:#?}", self.events()));
        self.events().into_iter().find(wanted).unwrap()
    }
}

#[test]
fn definitions_that_come_and_that_are_refused_are_told_of() {
    let bed = bed(1);
    assert_eq!(kinds(&bed), Vec::<String>::new());
    ctl(&bed.director, "add-service -t 192.0.2.10:80 --name web").ok();
    ctl(&bed.director, "add-service -t 192.0.2.10:80").refused(5, &["192.0.2.10:80"]);
    bed.director.write_definition("{").unwrap();
    ctl(&bed.director, "reload").refused(4, &["line 1"]);
    bed.director.write_definition("{}").unwrap();
    ctl(&bed.director, "reload").ok();
    ctl(&bed.director, "reload").ok();
    assert_eq!(kinds(&bed), ["config_applied", "config_refused", "config_applied"]);

    let events = ctl_json(&bed.director, "events");
    let messages: Vec<&str> =
        (0..3).map(|index| events["events"][index]["message"].as_str().unwrap()).collect();
    assert!(messages[0].starts_with('+') && messages[0].contains("192.0.2.10:80"), "{messages:?}");
    assert!(messages[1].contains("line 1"), "{messages:?}");
    assert!(messages[2].starts_with('-'), "{messages:?}");
    let numbers: Vec<u64> =
        (0..3).map(|index| events["events"][index]["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn the_last_ones_of_a_service_as_a_table() {
    let lab = super::control::lab(1);
    let director = super::control::daemon(&lab).start_with(&web(&["192.0.2.28"])).unwrap();
    let bed = Bed { director, lab };
    bed.wait("a silent real to be told of", || kinds(&bed).contains(&"real_unresolved".to_owned()));
    ctl(&bed.director, "add-service -t 192.0.2.10:443").ok();
    ctl(&bed.director, "events -t 192.0.2.10:81").refused(5, &["192.0.2.10:81"]);
    let of_web = told(&bed, "events -t 192.0.2.10:80");
    assert!(of_web.iter().any(|(kind, _, real)| kind == "real_unresolved" && real == "192.0.2.28"));
    assert!(of_web.iter().all(|(kind, _, _)| kind != "config_applied"), "{of_web:?}");
    assert!(told(&bed, "events -t 192.0.2.10:443").is_empty());

    let all = kinds(&bed);
    let last = told(&bed, "events --count 1");
    assert_eq!(last.len(), 1);
    assert_eq!(Some(&last[0].0), all.last());
    let table = ctl(&bed.director, "events -t 192.0.2.10:80 --count 100").ok();
    let row = table.lines().find(|line| line.contains("  real_unresolved  ")).unwrap();
    assert!(row.contains("  192.0.2.28  ") && row.contains("Z  "), "{table}");
}

#[test]
fn one_who_follows_sees_the_way_to_a_real_change() {
    let bed = bed_with(2, &web(&["192.0.2.21", "192.0.2.22"]));
    bed.wait_for_reals("up");
    ctl(&bed.director, "add-service -t 192.0.2.10:443").ok();
    let mut follower = Follower::start(&bed, &["--count", "1"]);
    follower.wait_for("the past", |event| event["kind"] == "config_applied");

    bed.lab.reals[0].namespace.set_mac("eth0", "02:00:00:00:be:ef").unwrap();
    bed.lab.reals[0].namespace.run(&["ping", "-c", "1", "-W", "1", "192.0.2.2"]).unwrap();
    let moved = follower.wait_for("the new way", |event| event["kind"] == "real_resolved");
    assert_eq!(moved["real"], "192.0.2.21");
    let words = moved["message"].as_str().unwrap();
    assert!(words.contains("02:00:00:00:be:ef"), "{moved}");

    ctl(&bed.director, "disable-real -t 192.0.2.10:80 -r 192.0.2.22").ok();
    let disabled = follower.wait_for("a real disabled", |event| event["kind"] == "real_disabled");
    assert_eq!((&disabled["real"], &disabled["name"]), (&json!("192.0.2.22"), &json!("web")));
    ctl(&bed.director, "disable-real -t 192.0.2.10:80 -r 192.0.2.21").ok();
    let nobody = follower.wait_for("nobody left", |event| event["kind"] == "all_down");
    assert_eq!(nobody["message"], "packets are dropped");
    ctl(&bed.director, "enable-real -t 192.0.2.10:80 -r 192.0.2.21").ok();
    follower.wait_for("a real enabled", |event| event["kind"] == "real_enabled");

    let numbers: Vec<u64> =
        follower.events().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let mut bed = bed;
    let left = bed.director.stop().unwrap().unwrap();
    assert!(left.success(), "{left}");
    let mut status = None;
    let ended = wait_until("the follower to end with the daemon", SOON, || {
        status = follower.process.ended()?;
        Ok(status.is_some())
    });
    ended.unwrap();
    assert_eq!(status.unwrap().code(), Some(0));
}
