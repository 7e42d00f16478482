use super::*;
use crate::config::model::Desired;
use crate::config::parse::{DefinitionError, parse};
use crate::config::samples::vrrp::{VRRP, plain, vrrp as sample};
use crate::config::samples::{ip, tcp};
use crate::config::vrrp::{Preempt, Version};

mod among;

const TWO: &str = r#""addresses": ["192.0.2.10"]"#;

/// `vrrp`, on the second line, with these keys.
fn vrrp(keys: &str) -> Result<Vrrp, DefinitionError> {
    parse(&format!("{{ \"vrrp\":\n{{ {keys} }}\n}}")).map(|desired| desired.vrrp)
}

/// An instance with these keys instead of, or beside, those that it needs.
fn written(keys: &str) -> String {
    let needed = [
        ("\"name\":", r#""name": "VI""#),
        ("\"interface\": \"eth", r#""interface": "eth0""#),
        ("\"vrid\"", r#""vrid": 51"#),
        ("\"addresses\"", TWO),
    ];
    // What stands within another object is not the instance's own.
    let own = keys.split("\"track\"").next().unwrap_or_default();
    let needed = needed.into_iter().filter(|(key, _)| !own.contains(key)).map(|(_, text)| text);
    let given = Some(keys).filter(|keys| !keys.is_empty());
    format!("{{ {} }}", needed.chain(given).collect::<Vec<_>>().join(", "))
}

fn instances(all: &[&str]) -> Result<Vec<Instance>, DefinitionError> {
    let all: Vec<String> = all.iter().map(|keys| written(keys)).collect();
    vrrp(&format!("\"instances\": [{}]", all.join(", ")))
        .map(|vrrp| vrrp.instances.into_values().collect())
}

fn one(keys: &str) -> Result<Instance, DefinitionError> {
    instances(&[keys]).map(|mut all| all.remove(0))
}

/// Refused at `path` behind the beginning of the second line.
#[track_caller]
fn refused<T: std::fmt::Debug>(read: Result<T, DefinitionError>, path: &str, words: &str) {
    let error = read.expect_err(path);
    assert_eq!((error.line, error.path.as_str()), (2, path), "{error}");
    assert!(error.message.contains(words), "{error}\nis not\n{words}");
    assert!(error.column > 1, "{error}");
}

#[test]
fn reads_every_key() {
    assert_eq!(parse(VRRP).map(|desired| desired.vrrp), Ok(sample()));
    assert_eq!(parse(r#"{ "vrrp": {} }"#), Ok(Desired::default()));
    assert_eq!(vrrp(r#""instances": [], "groups": [], "scripts": []"#), Ok(Vrrp::default()));
}

#[test]
fn the_example_of_the_contract_is_taken() {
    let text = r#"{ "name": "VI_1", "interface": "eth0", "vrid": 51, "priority": 100, "advert_interval": "1s",
                    "addresses": ["192.0.2.10/32"] }"#;
    let vrrp = vrrp(&format!(r#""instances": [ {text} ], "groups": [], "scripts": []"#)).unwrap();
    assert_eq!(vrrp.instances.len(), 1);
    assert_eq!(vrrp.instances["VI_1"], plain("VI_1", 51, &[("192.0.2.10", 32)]));
}

#[test]
fn where_nothing_is_said_all_is_usual() {
    let usual = one("").unwrap();
    assert_eq!(usual, plain("VI", 51, &[("192.0.2.10", 32)]));
    assert_eq!(usual.version, Version::V2);
    let said = r#""priority": 100, "advert_interval": "1s", "version": 2, "preempt": true, "preempt_delay":
                  "0s", "virtual_mac": false, "track": {}, "notify": {}, "garp": {}"#;
    assert_eq!(one(&said.replace('\n', "")).unwrap(), usual);
    let version = |keys| one(keys).unwrap().version;
    assert_eq!(version(r#""advert_interval": "500ms""#), Version::V3);
    assert_eq!(version(r#""advert_interval": "60s""#), Version::V2);
    assert_eq!(version(r#""addresses": ["2001:db8::10"]"#), Version::V3);
    assert_eq!(version(r#""version": 3"#), Version::V3);
    assert_eq!(one(r#""preempt": false"#).unwrap().preempt, Preempt::Never);
}

#[test]
fn values_by_themselves() {
    for (keys, path, words) in [
        (r#""name": """#, "name", "instance name \"\" is empty"),
        (r#""interface": "eth 0""#, "interface", "interface name \"eth 0\" has blanks"),
        (r#""vrid": 0"#, "vrid", "vrid 0 is outside 1 to 255"),
        (r#""vrid": 256"#, "vrid", "vrid 256 is outside 1 to 255"),
        (r#""vrid": "51""#, "vrid", "expected a vrid, a whole number"),
        (r#""version": 4"#, "version", "version 4 is unknown: use 2 or 3"),
        (r#""priority": 0"#, "priority", "priority 0 is outside 1 to 255"),
        (r#""priority": 256"#, "priority", "priority 256 is outside 1 to 255"),
        (r#""advert_interval": 1"#, "advert_interval", "expected a duration"),
        (r#""advert_interval": "1""#, "advert_interval", "advert_interval \"1\" has no unit"),
        (r#""addresses": []"#, "addresses", "name at least one in `addresses`"),
        (r#""addresses": "192.0.2.10""#, "addresses", "expected a sequence"),
        (r#""addresses": [1]"#, "addresses[0]", "expected a text, or an object with `address`"),
        (r#""addresses": ["192.0.2.10/33"]"#, "addresses[0]", "is none from 1 to 32"),
        (r#""addresses": ["127.0.0.1"]"#, "addresses[0]", "a loopback address"),
        (r#""addresses": [{"address": "x"}]"#, "addresses[0].address", "virtual address \"x\""),
        (r#""addresses": [{}]"#, "addresses[0]", "missing field `address`"),
        (
            r#""addresses": [{"address": "192.0.2.1", "interface": "a/b"}]"#,
            "addresses[0].interface",
            "interface name \"a/b\"",
        ),
        (
            r#""addresses": [{"address": "192.0.2.1", "label": "a"}]"#,
            "addresses[0].label",
            "unknown field `label`",
        ),
        (r#""excluded_addresses": ["ff02::1"]"#, "excluded_addresses[0]", "a multicast address"),
        (r#""auth": {"type": "ah", "password": "a"}"#, "auth.type", "use \"pass\""),
        (r#""auth": {"type": "pass", "password": ""}"#, "auth.password", "is empty"),
        (
            r#""auth": {"type": "pass", "password": "123456789"}"#,
            "auth.password",
            "is longer than 8 characters",
        ),
        (r#""auth": {"type": "pass", "password": "é"}"#, "auth.password", "not printable ASCII"),
        (r#""preempt": 1"#, "preempt", "expected a boolean"),
        (r#""preempt_delay": "14d""#, "preempt_delay", "is outside 0s to 13d"),
        (r#""unicast_peers": ["224.0.0.18"]"#, "unicast_peers[0]", "a multicast address"),
        (r#""source": "192.0.2.1/24""#, "source", "leave the prefix length out"),
        (r#""checksum": "none", "version": 3"#, "checksum", "checksum \"none\" is unknown"),
        (r#""notify": {"master": "n.sh"}"#, "notify.master", "\"n.sh\" is not an absolute path"),
        (r#""notify": {"any": ""}"#, "notify.any", "a command is empty"),
        (r#""notify": []"#, "notify", "expected an object"),
        (r#""garp": {"repeat": 0}"#, "garp.repeat", "repeat 0 is outside 1 to 255"),
        (r#""garp": {"refresh_repeat": 0}"#, "garp.refresh_repeat", "refresh_repeat 0 is outside"),
        (r#""garp": {"delay": "14d"}"#, "garp.delay", "delay 1209600s is outside"),
        (r#""garp": {"refresh": "1ms"}"#, "garp.refresh", "refresh 1ms is outside 100ms to 13d"),
        (r#""garp": {"interfaces": [""]}"#, "garp.interfaces[0]", "interface name \"\" is empty"),
        (
            r#""garp": {"interfaces": ["eth1", "eth1"]}"#,
            "garp.interfaces[1]",
            "interface eth1 stands at interfaces[0] already",
        ),
        (r#""colour": 1"#, "colour", "unknown field `colour`"),
    ] {
        refused(one(keys), &format!("vrrp.instances[0].{path}"), words);
    }
}

#[test]
fn versions_and_what_they_can_say() {
    let six = r#""addresses": ["2001:db8::10"]"#;
    let auth = r#""auth": {"type": "pass", "password": "a"}"#;
    for (keys, path, words) in [
        (format!(r#"{six}, "version": 2"#), "version", "version 2 has no IPv6"),
        (
            r#""version": 2, "advert_interval": "500ms""#.into(),
            "advert_interval",
            "none of version 2",
        ),
        (r#""version": 2, "advert_interval": "256s""#.into(), "advert_interval", "from 1s to 255s"),
        (r#""advert_interval": "256s""#.into(), "advert_interval", "from 1s to 255s"),
        (r#""advert_interval": "5ms""#.into(), "advert_interval", "from 10ms to 40950ms"),
        (r#""advert_interval": "15ms""#.into(), "advert_interval", "whole hundredths"),
        (r#""version": 3, "advert_interval": "41s""#.into(), "advert_interval", "to 40950ms"),
        (r#""checksum": "message""#.into(), "checksum", "say \"version\": 3"),
        (r#""checksum": "pseudo-header""#.into(), "checksum", "say \"version\": 3"),
        (format!(r#"{six}, "checksum": "message""#), "checksum", "pseudo-header in any case"),
        (format!(r#"{auth}, "version": 3"#), "auth", "leave `auth` out, or say \"version\": 2"),
        (format!("{auth}, {six}"), "auth", "version 3 has no passwords"),
    ] {
        refused(one(&keys), &format!("vrrp.instances[0].{path}"), words);
    }
    for good in [
        r#""version": 2, "advert_interval": "255s""#.to_owned(),
        r#""advert_interval": "40950ms""#.to_owned(),
        r#""version": 3, "checksum": "pseudo-header""#.to_owned(),
        format!(r#"{six}, "checksum": "pseudo-header""#),
        format!(r#"{auth}, "version": 2"#),
    ] {
        assert!(one(&good).is_ok(), "{good}: {:?}", one(&good));
    }
    let error = one(&format!("{auth}, {six}")).unwrap_err();
    assert!(!error.message.contains("\"version\": 2"), "no remedy for IPv6: {error}");
}

#[test]
fn properties_that_do_not_go_together() {
    let peers = r#""unicast_peers": ["192.0.2.2"]"#;
    for (keys, path, words) in [
        (
            r#""addresses": ["192.0.2.10", "2001:db8::10"]"#.to_owned(),
            "addresses[1]",
            "move it to `excluded_addresses`, or to an instance of its own",
        ),
        (
            r#""preempt": false, "preempt_delay": "1s""#.into(),
            "preempt_delay",
            "leave one of the two",
        ),
        (r#""priority": 255, "preempt": false"#.into(), "preempt", "their owner always takes over"),
        (r#""priority": 255, "preempt_delay": "1s""#.into(), "preempt_delay", "always takes over"),
        (
            r#""priority": 255, "track": {"files": [{"path": "/a", "weight": 1}]}"#.into(),
            "track.files[0]",
            "no weight changes that",
        ),
        (r#""source": "2001:db8::1""#.into(), "source", "source 2001:db8::1 is IPv6 and the first"),
        (
            r#""unicast_peers": ["2001:db8::2"]"#.into(),
            "unicast_peers[0]",
            "unicast peer 2001:db8::2 is IPv6",
        ),
        (
            format!(r#"{peers}, "source": "192.0.2.2""#),
            "unicast_peers[0]",
            "192.0.2.2 is the source of the adverts",
        ),
        (
            r#""unicast_peers": ["192.0.2.2", "192.0.2.2"]"#.into(),
            "unicast_peers[1]",
            "stands at unicast_peers[0] already",
        ),
        (format!(r#"{peers}, "virtual_mac": true"#), "virtual_mac", "needs adverts by multicast"),
        (
            r#""track": {"interfaces": ["eth1", "eth0"]}"#.into(),
            "track.interfaces[1]",
            "own interface eth0 is followed in any case",
        ),
    ] {
        refused(one(&keys), &format!("vrrp.instances[0].{path}"), words);
    }
    let many = |count: u32| {
        let all: Vec<String> = (0..count)
            .map(|host| format!("\"{}\"", std::net::Ipv4Addr::from(0xc612_0000 | host)))
            .collect();
        one(&format!("\"addresses\": [{}]", all.join(", ")))
    };
    assert!(many(255).is_ok());
    refused(many(256), "vrrp.instances[0].addresses", "256 addresses are more than the 255");
    let placed = one(r#""excluded_addresses": ["2001:db8::10", "192.0.2.11"]"#);
    assert_eq!(placed.unwrap().excluded.len(), 2, "of any family");
}

#[test]
fn the_example_of_the_manual_is_taken() {
    let manual = include_str!("../../../../../README.md");
    let begin = manual.find("\"vrrp\": {\n").expect("the example");
    let example = manual[begin..].split("```").next().expect("an end");
    let web = r#"{ "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80 }"#;
    let read = parse(&format!("{{ \"services\": [{web}],\n{example} }}")).unwrap();
    assert_eq!(read.vrrp.instances.len(), 2);
}

/// Where each stands, to the letter.
#[test]
fn lines_and_columns() {
    for (from, to, place) in [
        (
            "\"vrid\": 51, \"version\"",
            "\"vrid\": 0, \"version\"",
            "line 6, column 54 (vrrp.instances[0].vrid): ",
        ),
        (
            "\"192.0.2.11\"",
            "\"192.0.2.10\"",
            "line 7, column 41 (vrrp.instances[0].addresses[1]): ",
        ),
        (
            "\"address\": \"192.0.2.12/24\"",
            "\"address\": \"192.0.2.12/99\"",
            "line 7, column 68 (vrrp.instances[0].addresses[2].address): ",
        ),
        (
            "\"weight\": -20",
            "\"weight\": 999",
            "line 11, column 72 (vrrp.instances[0].track.interfaces[1].weight): ",
        ),
        (
            "\"VI_1\", \"VI_6\"",
            "\"VI_1\", \"VI_7\"",
            "line 24, column 55 (vrrp.groups[0].instances[1]): ",
        ),
        ("\"nginx-custom\"", "\"a/b\"", "line 29, column 50 (vrrp.processes[0].program): "),
    ] {
        assert!(VRRP.contains(from), "{from}");
        let error = parse(&VRRP.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.starts_with(place), "{error}\nis not at\n{place}");
    }
    assert_eq!(ip("192.0.2.10"), sample().instances[0].addresses[0].address);
}
