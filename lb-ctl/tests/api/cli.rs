//! The binary: exit codes, standard output and standard error.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{self, Core, Fixture};

const WEB: &str = "-t 192.0.2.10:80";
const REAL: &str = "-t 192.0.2.10:80 -r 192.0.2.21";

impl Fixture {
    /// Runs a line that must end with `code`, and gives what it wrote to standard output.
    async fn ends(&self, line: &str, code: i32) -> String {
        let ran = self.cli(line).await;
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        match code {
            0 => assert_eq!(ran.stderr, "", "{line}"),
            2 => assert!(ran.stderr.contains("Usage"), "{line}: {ran:?}"),
            _ => assert!(ran.stderr.starts_with("lb-ctl: "), "{line}: {ran:?}"),
        }
        if code != 0 {
            assert_eq!(ran.stdout, "", "{line}");
            return ran.stderr;
        }
        ran.stdout
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_and_reals() {
    let daemon = Fixture::start();
    assert_eq!(daemon.ends(&format!("add-service {WEB} --name web"), 0).await, "");
    assert_eq!(daemon.ends(&format!("add-real {REAL} -w 2"), 0).await, "");
    assert_eq!(daemon.ends(&format!("edit-real {REAL}:80 -w 3"), 0).await, "");
    let list = daemon.ends("list -n", 0).await;
    let rows: Vec<_> = list.lines().skip(3).collect();
    assert_eq!(
        rows,
        [
            "TCP  192.0.2.10:80 mh name web",
            "  -> 192.0.2.21:80                Route   3      ~0         0          up"
        ]
    );
    let json = daemon.ends(&format!("list -o json {WEB}"), 0).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["services"][0]["reals"][0]["state"], "up");
    assert_eq!(json["services"][0]["reals"][0]["weight"], 3);
    let drained = daemon.ends(&format!("drain {REAL} -o json"), 0).await;
    assert_eq!(drained, "{\n  \"changes\": [\n    \"~ real 192.0.2.21 drained true\"\n  ]\n}\n");
    assert!(daemon.ends("list", 0).await.ends_with(" drain\n"));
    assert_eq!(daemon.ends(&format!("undrain {REAL} --wait"), 0).await, "");
    assert_eq!(daemon.ends(&format!("delete-real {REAL}"), 0).await, "");
    assert_eq!(daemon.ends(&format!("delete-service {WEB}"), 0).await, "");
    assert_eq!(daemon.ends("clear", 0).await, "");
    assert_eq!(daemon.ends("zero", 0).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_lists() {
    let daemon = Fixture::start();
    daemon.ends(&format!("add-service {WEB}"), 0).await;
    let stats = daemon.ends("list --stats", 0).await;
    assert!(stats.contains("InPkts  OutPkts"), "{stats}");
    let rate = daemon.ends("list --rate -o json", 0).await;
    let rate: serde_json::Value = serde_json::from_str(&rate).unwrap();
    assert!(rate["interval_seconds"].as_f64().unwrap() >= 1.0, "{rate}");
    assert_eq!(rate["services"][0]["per_second"]["packets"], 0);
    let connections = daemon.ends("list --connections", 0).await;
    assert!(connections.contains("(0 connections)\npro expire state"), "{connections}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_waits_for_the_last_connection() {
    let daemon = Fixture::with(Core { active: 3, ..Core::default() });
    daemon.ends(&format!("add-service {WEB} --tracking full"), 0).await;
    daemon.ends(&format!("add-real {REAL}"), 0).await;
    let early = daemon.ends(&format!("drain {REAL} --wait --timeout 0"), 1).await;
    assert!(early.contains("after 0 s, real 192.0.2.21"), "{early}");
    assert!(early.contains("still has 2 connections (one that is idle for 900 s"), "{early}");
    daemon.ends(&format!("drain {REAL} --wait --timeout 60"), 0).await;
    daemon.ends(&format!("edit-real {REAL} -w 0"), 0).await;
    let never = daemon.ends(&format!("undrain {REAL} --wait"), 1).await;
    assert!(never.contains("has weight 0"), "{never}");
}

/// The count of the list is an estimate then: what is waited for is the end of the time in which
/// connections that nothing records may come.
#[tokio::test(flavor = "multi_thread")]
async fn drain_waits_until_a_real_has_settled() {
    let daemon = Fixture::with(Core { active: 99, settling: 2, ..Core::default() });
    daemon.ends(&format!("add-service {WEB} --idle-timeout 20s"), 0).await;
    daemon.ends(&format!("add-real {REAL}"), 0).await;
    let early = daemon.ends(&format!("drain {REAL} --wait --timeout 0"), 1).await;
    assert!(
        early.contains("may still get packets of connections from before its drain"),
        "{early}"
    );
    assert!(early.contains("for a little more than 20 s after it"), "{early}");
    let waited = daemon.cli(&format!("drain {REAL} --wait --timeout 60")).await;
    assert_eq!((waited.code, waited.stdout.as_str()), (0, ""), "{waited:?}");
    let told = "lb-ctl: waiting: real 192.0.2.21 of service tcp 192.0.2.10:80 may still get";
    assert!(waited.stderr.starts_with(told), "{waited:?}");
    assert_eq!(waited.stderr.lines().count(), 1, "{waited:?}");
    daemon.ends(&format!("drain {REAL} --wait"), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_say_what_is_not_tracked() {
    let daemon = Fixture::with(Core { active: 8, ..Core::default() });
    daemon.ends(&format!("add-service {WEB}"), 0).await;
    daemon.ends(&format!("add-real {REAL}"), 0).await;
    let list = daemon.ends("list", 0).await;
    assert!(list.contains("Route   1      ~7         0          up\n"), "{list}");
    let connections = daemon.ends("list --connections", 0).await;
    assert!(connections.contains("\n1 of 1 services keep a part of their"), "{connections}");
    daemon.ends("add-service -u 192.0.2.10:53 --tracking full", 0).await;
    let connections = daemon.ends("list --connections", 0).await;
    assert!(connections.contains("\n1 of 2 services keep a part of their"), "{connections}");
    let full = daemon.ends("list --connections -u 192.0.2.10:53", 0).await;
    assert!(!full.contains("services"), "{full}");
    let json = daemon.ends("list --connections -o json", 0).await;
    assert_eq!(json, "{\n  \"connections\": []\n}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_2_is_usage() {
    let daemon = Fixture::start();
    for line in ["add-service", "list --colour", "frobnicate", "add-real -t x", "apply"] {
        daemon.ends(line, 2).await;
    }
    let both = daemon.cli("delete-service -t 192.0.2.10:80 -u 192.0.2.10:80").await;
    assert_eq!(both.code, 2, "{both:?}");
    let version = daemon.ends("-v", 0).await;
    assert_eq!(version, concat!("lb-ctl ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(daemon.ends("drain --help", 0).await.contains("lb-ctl drain -t 192.0.2.10:80"));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_3_is_no_daemon() {
    let mut daemon = Fixture::start();
    daemon.stop().await;
    for line in ["list", "status", "zero", "clear", "reload", "save"] {
        let message = daemon.ends(line, 3).await;
        assert!(message.contains("there is no socket"), "{line}: {message}");
        assert!(message.contains("lb-ctl daemon --interface"), "{line}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_4_is_refused() {
    let daemon = Fixture::start();
    daemon.ends(&format!("add-service {WEB}"), 0).await;
    for (line, words) in [
        ("add-service -t 192.0.2.300:80", "192.0.2.300:80"),
        ("add-service -u 192.0.2.10", "has no port"),
        ("add-service -t 192.0.2.11:80 -s best", "best"),
        ("add-service -t 192.0.2.11:80 -p 0", "persistence timeout 0s is outside"),
        ("add-service -t 192.0.2.11:80 -p -M 33", "netmask 33 is outside 1 to 32"),
        ("add-service -t 192.0.2.11:81-80", "write \"80-81\""),
        ("add-service -t 192.0.2.11:80 --allow 10.0.0.1/8", "write 10.0.0.0/8"),
        ("add-service -t 192.0.2.11:80 --tracking most", "tracking \"most\" is unknown"),
        ("add-service -t 192.0.2.11:80 --idle-timeout 300", "write \"300s\""),
        ("edit-service -t 192.0.2.10:80 --idle-timeout 500ms", "whole seconds"),
        ("edit-service -t 192.0.2.10:80 --idle-timeout 14d", "outside 1s to 1123200s"),
        ("edit-service -t 192.0.2.10:80 -M 255.0.255.0", "not of ones and then zeros"),
        ("edit-service -t 192.0.2.10:80 --syn-timeout 0s", "SYN timeout 0s is outside"),
        ("edit-service -t 192.0.2.10:80 --sorry-server sorry", "names are not looked up"),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.21 -w 70000", "65535"),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.21 -w -1", "65535"),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.21:8080", "direct routing cannot rewrite ports"),
        ("add-real -t 192.0.2.10:80 -r real1", "real1"),
    ] {
        let message = daemon.ends(line, 4).await;
        assert!(message.contains(words), "{line}: {message}");
    }
    assert_eq!(daemon.client.list(None).await.unwrap().services.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_5_is_not_found_or_there_already() {
    let daemon = Fixture::start();
    let message = daemon.ends(&format!("delete-service {WEB}"), 5).await;
    assert_eq!(message, "lb-ctl: there is no service tcp 192.0.2.10:80\n");
    daemon.ends(&format!("list {WEB}"), 5).await;
    daemon.ends(&format!("add-service {WEB}"), 0).await;
    daemon.ends(&format!("add-service {WEB}"), 5).await;
    daemon.ends(&format!("drain {REAL}"), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definition_files() {
    let daemon = Fixture::start();
    let path = |name: &str| daemon.directory.path().join(name);
    fs::write(path("good"), "12345").unwrap();
    fs::write(path("bad"), support::FAULTY).unwrap();
    fs::write(path("binary"), [0xFF]).unwrap();
    assert_eq!(daemon.ends("diff good", 0).await, "~ 5 bytes\n");
    assert_eq!(daemon.ends("apply good --dry-run", 0).await, "~ 5 bytes\n");
    assert_eq!(daemon.ends("apply good", 0).await, "~ 5 bytes\n");
    assert_eq!(daemon.ends("apply -", 0).await, "~ 0 bytes\n");
    let fault = format!("lb-ctl: bad: {}\n", support::FAULT);
    assert_eq!(daemon.ends("apply bad", 4).await, fault);
    assert_eq!(daemon.ends("diff bad", 4).await, fault);
    assert!(daemon.ends("apply binary", 4).await.contains("binary:1:1: this is not UTF-8"));
    assert!(daemon.ends("apply missing", 1).await.contains("cannot read missing"));
    assert_eq!(daemon.ends("reload", 0).await, "nothing to change\n");
    assert_eq!(daemon.ends("reload -o json", 0).await, "{\n  \"changes\": []\n}\n");
    for save in ["save", "save -"] {
        assert_eq!(daemon.ends(save, 0).await, "{\"services\": []}\n");
    }
    assert_eq!(daemon.ends("save copy", 0).await, "");
    assert_eq!(fs::read_to_string(path("copy")).unwrap(), "{\"services\": []}\n");
    assert!(daemon.ends("save no/where", 1).await.contains("cannot write no/where"));
}

#[tokio::test(flavor = "multi_thread")]
async fn force_goes_over_an_edit_by_hand() {
    let daemon = Fixture::with(Core { edited: true, ..Core::default() });
    assert!(daemon.ends(&format!("add-service {WEB}"), 4).await.contains("--force"));
    daemon.ends(&format!("add-service {WEB} --force"), 0).await;
    daemon.ends(&format!("add-real {REAL} --force"), 0).await;
    daemon.ends("clear --force", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_gone_is_no_error() {
    let daemon = Fixture::start();
    let socket = daemon.socket.clone();
    let ran = tokio::task::spawn_blocking(move || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_lb-ctl"));
        command.arg("list").env("LB_CTL_SOCKET", socket).stdin(Stdio::null()).stdout(writer);
        support::Ran::from(command.stderr(Stdio::piped()).output().unwrap())
    });
    let ran = ran.await.unwrap();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_lb-ctl"))
        .arg("list")
        .env("LB_CTL_SOCKET", &daemon.socket)
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output();
    let ran = support::Ran::from(output.await.unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("standard output"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_daemon() {
    let mut daemon = Fixture::start();
    daemon.stop().await;
    let path = |name: &str| daemon.directory.path().join(name);
    let real = r#"{"address": "192.0.2.21", "weight": 70000}"#;
    let service = |reals: &str| {
        format!(
            "{{\"services\": [\n  {{\"protocol\": \"tcp\", \"vip\": \"192.0.2.10\", \"port\": 80, \
             \"reals\": [{reals}]}}]}}"
        )
    };
    fs::write(path("bad"), service(real)).unwrap();
    fs::write(path("good"), service(&real.replace("70000", "7"))).unwrap();
    assert_eq!(daemon.ends("check good", 0).await, "good: ok, 1 services, 1 reals\n");
    let json = daemon.ends("check good -o json", 0).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected =
        serde_json::json!({"file": "good", "services": 1, "reals": 1, "vrrp_instances": 0});
    assert_eq!(json, expected);
    let fault = daemon.ends("check bad", 4).await;
    assert!(fault.starts_with("lb-ctl: bad:2:102: services[0].reals[0].weight: "), "{fault}");
    assert!(fault.contains("70000"), "{fault}");
    let schema = daemon.ends("schema", 0).await;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["services"].is_object(), "{schema}");
}
