//! Checks, what follows from them, and reals that are out by hand: from the flag to the file and the
//! list, and back.

use serde_json::{Value, json};

use super::control::{bed, ctl, json};

#[test]
fn every_property_of_health_is_written_shown_and_taken_off_again() {
    let bed = bed(0);
    ctl(&bed.director, "add-service -t 192.0.2.10:80").ok();
    let plain = bed.file();
    let http = json!({"type": "http", "path": "/healthz", "interval": "500ms", "via": "rip"});
    for (flags, key, value) in [
        ("--check tcp", "check", json!({ "type": "tcp" })),
        (&*format!("--check {http}"), "check", http.clone()),
        ("--inhibit-on-failure true", "inhibit_on_failure", json!(true)),
        ("--quorum 3", "quorum", json!(3)),
        ("--hysteresis 2", "hysteresis", json!(2)),
        ("--slow-start 1500ms", "slow_start", json!("1500ms")),
        ("--notify-up /bin/up", "notify_up", json!("/bin/up")),
        ("--notify-down /bin/down", "notify_down", json!("/bin/down")),
        ("--quorum-up /bin/qup", "quorum_up", json!("/bin/qup")),
        ("--quorum-down /bin/qdown", "quorum_down", json!("/bin/qdown")),
    ] {
        let line = format!("edit-service -t 192.0.2.10:80 {flags}");
        assert_eq!(ctl(&bed.director, &line).ok(), "");
        let file: Value = serde_json::from_str(&bed.file()).unwrap();
        assert_eq!(file["services"][0][key], value, "after `{flags}`: {file}");
        assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
        let list = json(&bed.director, "list");
        assert_eq!(list["services"][0][key], value, "after `{flags}`: {list}");
    }
    let off = "--check none --inhibit-on-failure false --hysteresis 0 --quorum 1 --slow-start 0s \
               --notify-up= --notify-down= --quorum-up= --quorum-down=";
    ctl(&bed.director, &format!("edit-service -t 192.0.2.10:80 {off}")).ok();
    assert_eq!(bed.file(), plain);
}

#[test]
fn a_real_is_disabled_in_the_file_until_it_is_enabled() {
    let bed = bed(0);
    let real = "-t 192.0.2.10:80 -r 192.0.2.29";
    ctl(&bed.director, "add-service -t 192.0.2.10:80").ok();
    ctl(&bed.director, &format!("add-real {real} -w 7")).ok();
    let plain = bed.file();
    for _twice in 0..2 {
        ctl(&bed.director, &format!("disable-real {real}")).ok();
        let file: Value = serde_json::from_str(&bed.file()).unwrap();
        let expected = json!({ "address": "192.0.2.29", "weight": 7, "disable": true });
        assert_eq!(file["services"][0]["reals"][0], expected);
        let shown = &json(&bed.director, "list")["services"][0]["reals"][0];
        assert_eq!((&shown["state"], &shown["disabled"]), (&json!("down"), &json!(true)));
        assert_eq!(shown["reason"], "disabled by hand");
    }
    ctl(&bed.director, &format!("check-now {real}")).refused(4, &["is disabled"]);
    for _twice in 0..2 {
        ctl(&bed.director, &format!("enable-real {real}")).ok();
        assert_eq!(bed.file(), plain);
    }
    ctl(&bed.director, "disable-real -t 192.0.2.10:80 -r 192.0.2.28").refused(5, &["192.0.2.28"]);
    ctl(&bed.director, "enable-real -u 192.0.2.10:80 -r 192.0.2.29").refused(5, &["-t names"]);
    ctl(&bed.director, &format!("check-now {real}")).refused(4, &["has no check"]);
    ctl(&bed.director, "check-now -t 192.0.2.12:80").refused(5, &["no service"]);
}
