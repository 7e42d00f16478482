//! What a service can be given, from the flag to the file and the list, and back.

use serde_json::{Value, json};

use super::control::{bed, ctl, json};
use super::shape;

#[test]
fn every_property_is_written_shown_and_taken_off_again() {
    let bed = bed(0);
    ctl(&bed.director, "add-service -t 192.0.2.10:8000-8100").ok();
    let plain = bed.file();
    for (flags, key, value) in [
        ("-s wlc", "scheduler", json!("wlc")),
        ("-s mh", "scheduler", json!("mh")),
        ("--hash source", "hash", json!("source")),
        ("-p", "persistence", json!({})),
        ("-p 60 -M 255.255.255.0", "persistence", json!({ "timeout": "60s", "netmask": 24 })),
        ("--syn-timeout 30s", "timeouts", json!({ "syn": "30s" })),
        ("--fin-timeout 1m", "timeouts", json!({ "syn": "30s", "fin": "60s" })),
        ("--closed-timeout 5s", "timeouts", json!({ "syn": "30s", "fin": "60s", "closed": "5s" })),
        ("--expire-nodest false", "expire_nodest", json!(false)),
        ("--all-down pass", "all_down", json!("pass")),
        ("--allow 10.0.0.0/8,10.1.0.0/16", "allow", json!(["10.0.0.0/8", "10.1.0.0/16"])),
        ("--deny 10.2.0.0/16 --deny 10.3.0.0/16", "deny", json!(["10.2.0.0/16", "10.3.0.0/16"])),
        ("--sorry-server 192.0.2.99", "sorry_server", json!("192.0.2.99")),
    ] {
        let line = format!("edit-service -t 192.0.2.10:8000-8100 {flags}");
        assert_eq!(ctl(&bed.director, &line).ok(), "");
        let file: Value = serde_json::from_str(&bed.file()).unwrap();
        assert_eq!(file["services"][0][key], value, "after `{flags}`: {file}");
        assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
    }
    let service = &json(&bed.director, "list -t 192.0.2.10:8000-8100")["services"][0];
    assert_eq!(service["port"], "8000-8100");
    assert_eq!(service["persistence"], json!({ "timeout": 60, "netmask": 24 }));
    assert_eq!(service["tracking"], "full", "which these need");
    assert_eq!(service["timeouts"], json!({ "syn": 30, "fin": 60, "closed": 5 }));
    assert_eq!(service["deny"], json!(["10.2.0.0/16", "10.3.0.0/16"]));
    let table = ctl(&bed.director, "list").ok();
    let row = "TCP  192.0.2.10:8000-8100 mh persistent 60 mask 255.255.255.0 hash source \
               keep-nodest all-down pass allow 2 deny 2 sorry 192.0.2.99";
    assert!(table.lines().any(|line| line == row), "{table}");

    let off = "--hash 5-tuple -p 0 --syn-timeout 60s --fin-timeout 120s --closed-timeout 10s \
               --expire-nodest true --all-down drop --allow none --deny none --sorry-server none";
    ctl(&bed.director, &format!("edit-service -t 192.0.2.10:8000-8100 {off}")).ok();
    assert_eq!(bed.file(), plain);
}

#[test]
fn services_are_named_by_their_ports() {
    let bed = bed(0);
    for name in ["-t 192.0.2.10:80", "-t 192.0.2.10:8000-8100", "-u [2001:db8::10]:0"] {
        let rip = if name.contains('[') { "2001:db8::21" } else { "192.0.2.21" };
        ctl(&bed.director, &format!("add-service {name}")).ok();
        ctl(&bed.director, &format!("add-real {name} -r {rip}")).ok();
        ctl(&bed.director, &format!("drain {name} -r {rip}")).ok();
        let list = json(&bed.director, &format!("list {name}"));
        assert_eq!(list["services"][0]["reals"][0]["address"], rip, "{list}");
        ctl(&bed.director, &format!("delete-real {name} -r {rip}")).ok();
    }
    let ports = json!([[80, []], ["8000-8100", []], [0, []]]);
    assert_eq!(shape(&bed.file()), ports);
    ctl(&bed.director, "delete-service -t 192.0.2.10:8000")
        .refused(5, &["8000-8100, which is named"]);
    ctl(&bed.director, "list -t 192.0.2.10:8100").refused(5, &["8000-8100, which is named"]);
    ctl(&bed.director, "delete-service -t 192.0.2.10:8000-8100").ok();
    assert_eq!(shape(&bed.file()), json!([[80, []], [0, []]]));
}
