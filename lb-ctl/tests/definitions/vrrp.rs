//! Virtual routers in the definition file: applied, saved, compared, and kept where one is refused.

use serde_json::Value;

use super::control::{bed, ctl};
use super::document;

const DEFINITION: &str = r#"{
  "services": [ { "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80, "scheduler": "mh", "reals": [] } ],
  "vrrp": {
    "instances": [
      { "name": "VI_1", "interface": "eth0", "vrid": 51, "priority": 150, "addresses": [ "192.0.2.77/32" ],
        "auth": { "type": "pass", "password": "pa55word" }, "track": { "services": [ "web" ] } }
    ]
  }
}
"#;

#[test]
fn virtual_routers_are_applied_saved_and_compared_without_their_passwords() {
    let bed = bed(0);
    let applied = ctl(&bed.director, &format!("apply {}", document(&bed, DEFINITION))).ok();
    let line = "+ VRRP instance VI_1 (addresses 192.0.2.77/32, auth pass, interface eth0, priority \
                150, track (services web), vrid 51)";
    assert!(applied.contains(line), "{applied}");
    assert!(!applied.contains("pa55word"), "{applied}");
    let expected: Value = serde_json::from_str(DEFINITION).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&bed.file()).unwrap(), expected);
    let saved = ctl(&bed.director, "save").ok();
    assert_eq!(serde_json::from_str::<Value>(&saved).unwrap(), expected);

    let other = DEFINITION.replace("pa55word", "0ther").replace("150", "90");
    let path = document(&bed, &other);
    for flags in ["", " -o json"] {
        let shown = ctl(&bed.director, &format!("diff {path}{flags}")).ok();
        assert!(shown.contains("priority") && shown.contains("password"), "{shown}");
        assert!(!shown.contains("pa55word") && !shown.contains("0ther"), "{shown}");
    }
    assert_eq!(serde_json::from_str::<Value>(&bed.file()).unwrap(), expected);
}

#[test]
fn what_breaks_a_rule_of_virtual_routers_changes_nothing() {
    let bed = bed(0);
    ctl(&bed.director, &format!("apply {}", document(&bed, DEFINITION))).ok();
    let file = bed.file();
    for (from, to, place, words) in [
        ("51", "256", ":5:54: vrrp.instances[0].vrid:", "outside 1 to 255"),
        ("pa55word", "password1", ":6:47: vrrp.instances[0].auth.password:", "8 characters"),
        ("\"web\" ]", "\"web2\" ]", ":6:86: vrrp.instances[0].track.services[0]:", "no service"),
    ] {
        let path = document(&bed, &DEFINITION.replace(from, to));
        let ended = ctl(&bed.director, &format!("apply {path}"));
        ended.refused(4, &["vrrp.instances[0]", words]);
        ctl(&bed.director, &format!("check --offline {path}")).refused(4, &[place, words]);
        assert_eq!(bed.file(), file);
    }
    for line in ["delete-service -t 192.0.2.10:80", "clear"] {
        ctl(&bed.director, line).refused(4, &["is followed by instance \"VI_1\""]);
    }
    let line = "add-real -t 192.0.2.10:80 -r 192.0.2.77";
    ctl(&bed.director, line).refused(4, &["192.0.2.77", "an address of instance \"VI_1\""]);
    assert_eq!(bed.file(), file);
}
