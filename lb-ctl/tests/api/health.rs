//! The verbs of checks and of reals that are taken out by hand.

use serde_json::{Value, json};

use crate::support::{Fixture, Ran};

const WEB: &str = "-t 192.0.2.10:80";
const REAL: &str = "-t 192.0.2.10:80 -r 192.0.2.21";

#[track_caller]
fn ended(ran: &Ran, code: i32) {
    assert_eq!(ran.code, code, "{ran:?}");
}

async fn listed(daemon: &Fixture) -> Value {
    let list = daemon.cli("list -o json").await;
    ended(&list, 0);
    serde_json::from_str::<Value>(&list.stdout).unwrap()["services"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn reals_are_disabled_and_enabled() {
    let daemon = Fixture::start();
    ended(&daemon.cli(&format!("add-service {WEB}")).await, 0);
    ended(&daemon.cli(&format!("add-real {REAL}")).await, 0);
    for (verb, disabled) in [("disable-real", json!(true)), ("enable-real", Value::Null)] {
        let said = daemon.cli(&format!("{verb} {REAL}:80")).await;
        ended(&said, 0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "{verb}");
        assert_eq!(listed(&daemon).await["reals"][0]["disabled"], disabled, "{verb}");
        let absent = daemon.cli(&format!("{verb} {WEB} -r 192.0.2.29")).await;
        ended(&absent, 5);
        ended(&daemon.cli(&format!("{verb} {WEB} -r 192.0.2.21:81")).await, 4);
        let help = daemon.cli(&format!("{verb} --help")).await;
        assert!(help.stdout.contains(&format!("lb-ctl {verb} -t 192.0.2.10:80 -r")), "{help:?}");
    }
    ended(&daemon.cli(&format!("disable-real {REAL}")).await, 0);
    let waited = daemon.cli(&format!("undrain {REAL} --wait")).await;
    ended(&waited, 1);
    assert!(waited.stderr.contains("lb-ctl enable-real"), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_on_demand_say_what_they_found() {
    let daemon = Fixture::start();
    ended(&daemon.cli(&format!("add-service {WEB} --check tcp")).await, 0);
    ended(&daemon.cli(&format!("add-real {REAL}")).await, 0);
    ended(&daemon.cli(&format!("add-real {WEB} -r 192.0.2.122")).await, 0);
    ended(&daemon.cli(&format!("drain {WEB} -r 192.0.2.122")).await, 0);
    let all = daemon.cli(&format!("check-now {WEB}")).await;
    ended(&all, 0);
    let expected = "192.0.2.21  passed\n192.0.2.122 failed: connection refused\n";
    assert_eq!(all.stdout, expected);
    let one = daemon.cli(&format!("check-now {REAL} -o json")).await;
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(one, json!({"reals": [{"address": "192.0.2.21", "passed": true}]}));
    ended(&daemon.cli("check-now -t 192.0.2.11:80").await, 5);
    ended(&daemon.cli(&format!("check-now {WEB} -r 192.0.2.29")).await, 5);
    ended(&daemon.cli(&format!("check-now {WEB} -r x")).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_listed_as_it_would_be_written() {
    let daemon = Fixture::start();
    let check = r#"{"type":"http","path":"/healthz","status":[200,"300-399"],"interval":"1000ms"}"#;
    let line = format!(
        "add-service {WEB} --check {check} --inhibit-on-failure true --quorum 3 --hysteresis 2 \
         --slow-start 1m --notify-up /bin/up --quorum-down /bin/down"
    );
    ended(&daemon.cli(&line).await, 0);
    let service = listed(&daemon).await;
    let written =
        json!({"type": "http", "path": "/healthz", "status": ["200", "300-399"], "interval": "1s"});
    assert_eq!(service["check"], written);
    let rest = [
        "inhibit_on_failure",
        "quorum",
        "hysteresis",
        "slow_start",
        "notify_up",
        "notify_down",
        "quorum_up",
        "quorum_down",
    ];
    let rest: Vec<_> = rest.into_iter().map(|key| service[key].clone()).collect();
    let expected = [
        json!(true),
        json!(3),
        json!(2),
        json!("60s"),
        json!("/bin/up"),
        Value::Null,
        Value::Null,
        json!("/bin/down"),
    ];
    assert_eq!(rest, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_check_is_refused_before_the_daemon_is_asked() {
    let mut daemon = Fixture::start();
    daemon.stop().await;
    for (flags, words) in [
        ("--check telnet", "check type \"telnet\" is unknown"),
        (r#"--check {"type":"tcp","path":"/"}"#, "`path` does not belong to a check of type tcp"),
        (r#"--check {"type":"tcp","pth":"/"}"#, "--check: line 1, column 15 (pth): unknown field"),
        ("--quorum 0", "quorum 0 is outside"),
        ("--slow-start 30", "slow start \"30\" has no unit"),
        ("--notify-up up.sh", "\"up.sh\" is not an absolute path"),
    ] {
        let refused = daemon.cli(&format!("edit-service {WEB} {flags}")).await;
        ended(&refused, 4);
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    ended(&daemon.cli(&format!("edit-service {WEB} --check none")).await, 3);
}
