//! What virtual routers must be among each other, and what they follow.

use super::*;

#[test]
fn no_two_are_taken_for_one() {
    let second = r#""name": "B", "vrid": 52, "addresses": ["192.0.2.20"]"#;
    assert!(instances(&["", second]).is_ok());
    for (keys, path, words) in [
        (
            r#""vrid": 52, "addresses": ["192.0.2.20"]"#,
            "name",
            "instance \"VI\" stands at instances[0] already: give each its own name",
        ),
        (
            r#""name": "B", "addresses": ["192.0.2.20"]"#,
            "vrid",
            "vrid 51 is instance \"VI\" already, on eth0 and IPv4: give another one",
        ),
        (
            r#""name": "B", "vrid": 52"#,
            "addresses[0]",
            "192.0.2.10 is an address of instance \"VI\" already",
        ),
        (
            r#""name": "B", "vrid": 52, "addresses": ["192.0.2.20", "192.0.2.20/24"]"#,
            "addresses[1]",
            "192.0.2.20 is an address of instance \"B\" already",
        ),
        (
            r#""name": "B", "vrid": 52, "addresses": ["192.0.2.20"], "excluded_addresses": ["192.0.2.10"]"#,
            "excluded_addresses[0]",
            "192.0.2.10 is an address of instance \"VI\" already",
        ),
    ] {
        refused(instances(&["", keys]), &format!("vrrp.instances[1].{path}"), words);
    }
    for other in [
        r#""name": "B", "interface": "eth1", "addresses": ["192.0.2.20"]"#,
        r#""name": "B", "addresses": ["2001:db8::10"]"#,
    ] {
        assert!(instances(&["", other]).is_ok(), "{other}");
    }
    let local = |name: &str, interface: &str| {
        format!(r#""name": "{name}", "interface": "{interface}", "addresses": ["fe80::1"]"#)
    };
    assert!(instances(&[&local("A", "eth0"), &local("B", "eth1")]).is_ok());
    let placed = r#""name": "B", "interface": "eth1",
                    "addresses": [{"address": "fe80::1", "interface": "eth0"}]"#;
    let placed = instances(&[&local("A", "eth0"), &placed.replace('\n', "")]);
    refused(placed, "vrrp.instances[1].addresses[0]", "fe80::1 is an address of instance \"A\"");
}

#[test]
fn what_is_followed_is_there() {
    let scripts = r#""scripts": [{"name": "chk", "command": "/bin/chk", "weight": -30},
                                 {"name": "plain", "command": "/bin/a"}]"#
        .replace('\n', "");
    let processes = r#""processes": [{"name": "nginx", "weight": 4}]"#;
    let with = |track: &str| {
        let instance = written(&format!("\"track\": {{ {track} }}"));
        vrrp(&format!("{scripts}, {processes}, \"instances\": [{instance}]"))
            .map(|mut vrrp| vrrp.instances.swap_remove_index(0).expect("one").1.track)
    };
    let weights = |track: &str| -> Vec<Option<i16>> {
        let read = with(track).unwrap();
        read.scripts.iter().chain(&read.processes).map(|it| it.weight).collect()
    };
    assert_eq!(
        weights(r#""scripts": ["chk", "plain"], "processes": ["nginx"]"#),
        [Some(-30), None, Some(4)]
    );
    assert_eq!(
        weights(r#""scripts": [{"name": "chk", "weight": 5}, {"name": "plain"}]"#),
        [Some(5), None]
    );
    for (track, path, words) in [
        (
            r#""scripts": ["chek"]"#,
            "scripts[0]",
            "there is no script \"chek\": define it in `scripts`",
        ),
        (r#""processes": ["chk"]"#, "processes[0]", "there is no process \"chk\""),
        (r#""scripts": [{"name": "x"}]"#, "scripts[0].name", "there is no script \"x\""),
        (r#""scripts": ["chk", "chk"]"#, "scripts[1]", "script chk stands at scripts[0] already"),
        (r#""services": ["web"]"#, "services[0]", "there is no service \"web\""),
        (r#""services": ["tcp 192.0.2.10:80"]"#, "services[0]", "there is no service \"tcp 192"),
        (r#""files": ["down"]"#, "files[0]", "file \"down\" is not an absolute path"),
        (r#""files": [{"path": "down"}]"#, "files[0].path", "not an absolute path"),
        (r#""files": [{"name": "/down"}]"#, "files[0].name", "unknown field `name`"),
        (
            r#""files": [{"path": "/a", "weight": 0}]"#,
            "files[0].weight",
            "weight 0 would do nothing",
        ),
        (r#""files": [{"path": "/a", "weight": 254}]"#, "files[0].weight", "outside -253 to 253"),
        (r#""files": [{"path": "/a", "weight": "1"}]"#, "files[0].weight", "expected a weight"),
        (r#""interfaces": ["a b"]"#, "interfaces[0]", "interface name \"a b\" has blanks"),
        (r#""interfaces": ["a", "a"]"#, "interfaces[1]", "interface a stands at interfaces[0]"),
        (r#""routes": []"#, "routes", "unknown field `routes`"),
    ] {
        refused(with(track), &format!("vrrp.instances[0].track.{path}"), words);
    }
    let owner = written(r#""priority": 255, "track": { "scripts": ["plain", "chk"] }"#);
    let owner = vrrp(&format!("{scripts}, \"instances\": [{owner}]"));
    refused(owner, "vrrp.instances[0].track.scripts[1]", "no weight changes that");
}

#[test]
fn services_by_name_and_by_what_they_are() {
    let web = r#"{"name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80}"#;
    let sly =
        r#"{"name": "tcp 192.0.2.10:80", "protocol": "tcp", "vip": "192.0.2.11", "port": 81}"#;
    let with = |text: &str| {
        let instance = written(&format!("\"track\": {{ \"services\": [\"{text}\"] }}"));
        let text =
            format!("{{\"services\": [{web}, {sly}], \"vrrp\": {{\"instances\": [{instance}]}}}}");
        parse(&text).unwrap().vrrp.instances[0].track.services[0].what
    };
    assert_eq!(with("web"), tcp("192.0.2.10", 80));
    assert_eq!(with("tcp 192.0.2.10:80"), tcp("192.0.2.10", 80), "what it is, before names");
    assert_eq!(with("tcp 192.0.2.11:81"), tcp("192.0.2.11", 81));
}

#[test]
fn groups() {
    let b = written(r#""name": "B", "vrid": 52, "addresses": ["192.0.2.20"]"#);
    let owner = written(r#""name": "O", "vrid": 53, "priority": 255, "addresses": ["192.0.2.30"]"#);
    let with = |groups: &str| {
        let all = [written(""), b.clone(), owner.clone()].join(", ");
        vrrp(&format!("\"instances\": [{all}], \"groups\": [{groups}]"))
    };
    let good =
        with(r#"{"name": "G", "instances": ["VI", "B"]}, {"name": "H", "instances": ["O"]}"#);
    assert_eq!(good.unwrap().groups["G"].instances, ["VI", "B"]);
    for (groups, path, words) in [
        (r#"{"name": "", "instances": ["VI"]}"#, "[0].name", "group name \"\" is empty"),
        (r#"{"name": "G"}"#, "[0]", "missing field `instances`"),
        (r#"{"name": "G", "instances": []}"#, "[0].instances", "a group has no instances"),
        (
            r#"{"name": "G", "instances": ["VI", "C"]}"#,
            "[0].instances[1]",
            "there is no instance \"C\": define it in `instances`",
        ),
        (
            r#"{"name": "G", "instances": ["VI", "VI"]}"#,
            "[0].instances[1]",
            "instance \"VI\" stands at instances[0] already",
        ),
        (
            r#"{"name": "G", "instances": ["VI"]}, {"name": "G", "instances": ["B"]}"#,
            "[1].name",
            "group \"G\" stands at groups[0] already",
        ),
        (
            r#"{"name": "G", "instances": ["VI"]}, {"name": "H", "instances": ["B", "VI"]}"#,
            "[1].instances[1]",
            "instance \"VI\" is in group \"G\" already",
        ),
        (
            r#"{"name": "G", "instances": ["VI"], "track": {"scripts": ["x"]}}"#,
            "[0].track.scripts[0]",
            "there is no script \"x\"",
        ),
        (
            r#"{"name": "G", "instances": ["O"], "track": {"files": [{"path": "/a", "weight": 1}]}}"#,
            "[0].track.files[0]",
            "or give a priority below to instance \"O\"",
        ),
        (
            r#"{"name": "G", "instances": ["VI"], "notify": {"stop": "a"}}"#,
            "[0].notify.stop",
            "\"a\" is not an absolute path",
        ),
    ] {
        refused(with(groups), &format!("vrrp.groups{path}"), words);
    }
}

#[test]
fn scripts_and_processes() {
    let script = |keys: &str| {
        vrrp(&format!(r#""scripts": [{{"name": "chk", "command": "/bin/chk"{keys}}}]"#))
            .map(|vrrp| vrrp.scripts["chk"].clone())
    };
    let seconds = |read: Script| (read.interval.as_millis(), read.timeout.as_millis());
    assert_eq!(seconds(script("").unwrap()), (1000, 1000));
    assert_eq!(seconds(script(r#", "interval": "5s""#).unwrap()), (5000, 5000));
    assert_eq!(seconds(script(r#", "timeout": "10ms""#).unwrap()), (1000, 10));
    for (keys, path, words) in [
        (r#", "interval": "9ms""#, ".interval", "interval 9ms is outside 10ms to 13d"),
        (r#", "timeout": "0s""#, ".timeout", "timeout 0s is outside 1ms to 13d"),
        (r#", "rise": 0"#, ".rise", "rise 0 is outside 1 to 1000"),
        (r#", "fall": 1001"#, ".fall", "fall 1001 is outside 1 to 1000"),
        (r#", "weight": 0"#, ".weight", "weight 0 would do nothing"),
        (r#", "user": "a b""#, ".user", "user \"a b\" is not the name of a user"),
    ] {
        refused(script(keys), &format!("vrrp.scripts[0]{path}"), words);
    }
    for (keys, path, words) in [
        (r#""scripts": [{"name": "a"}]"#, "scripts[0]", "missing field `command`"),
        (r#""scripts": [{"name": "a", "command": "a"}]"#, "scripts[0].command", "absolute path"),
        (r#""scripts": [{"name": "", "command": "/a"}]"#, "scripts[0].name", "is empty"),
        (
            r#""scripts": [{"name": "a", "command": "/a"}, {"name": "a", "command": "/a"}]"#,
            "scripts[1].name",
            "script \"a\" stands at scripts[0] already",
        ),
        (r#""processes": [{"name": "a", "quorum": 0}]"#, "processes[0].quorum", "quorum 0 is"),
        (r#""processes": [{"name": "a", "delay": "1"}]"#, "processes[0].delay", "has no unit"),
        (r#""processes": [{"name": "a/b"}]"#, "processes[0].name", "`pgrep -x`"),
        (r#""processes": [{"name": "a", "program": ""}]"#, "processes[0].program", "`pgrep -x`"),
        (
            r#""processes": [{"name": "a"}, {"name": "a"}]"#,
            "processes[1].name",
            "process \"a\" stands at processes[0] already",
        ),
    ] {
        refused(vrrp(keys), &format!("vrrp.{path}"), words);
    }
}

#[test]
fn whom_connections_are_told_to() {
    let key = r#""key": "0123456789abcdef""#;
    for (keys, path, words) in [
        (r#""listen": "a", "peers": []"#, "listen", "\"a\" is not an address and a UDP port"),
        (r#""listen": "192.0.2.1:0", "peers": []"#, "listen", "not an address and a UDP port"),
        (r#""listen": "192.0.2.1:1", "peers": []"#, "peers", "sync has no peers"),
        (r#""listen": "192.0.2.1:1", "peers": ["b"]"#, "peers[0]", "\"b\" is not an address"),
        (
            r#""listen": "192.0.2.1:1", "peers": ["[2001:db8::2]:1"]"#,
            "peers[0]",
            "sync peer [2001:db8::2]:1 is IPv6 and listen 192.0.2.1:1 is IPv4",
        ),
        (
            r#""listen": "192.0.2.1:1", "peers": ["192.0.2.1:1"]"#,
            "peers[0]",
            "sync peer 192.0.2.1:1 is this director's own",
        ),
        (
            r#""listen": "192.0.2.1:1", "peers": ["192.0.2.2:1", "192.0.2.2:1"]"#,
            "peers[1]",
            "sync peer 192.0.2.2:1 stands at peers[0] already",
        ),
    ] {
        refused(
            vrrp(&format!("\"sync\": {{ {keys}, {key} }}")),
            &format!("vrrp.sync.{path}"),
            words,
        );
    }
    let short =
        r#""sync": {"listen": "192.0.2.1:1", "peers": ["192.0.2.2:1"], "key": "0123456789é"}"#;
    refused(vrrp(short), "vrrp.sync.key", "the key of sync has 11 characters: give at least 16");
    let error = vrrp(short).unwrap_err();
    assert!(!error.message.contains("0123456789"), "{error}");
}

#[test]
fn what_the_director_holds_is_no_real() {
    let service = |keys: &str| {
        parse(&format!(
            "{{ \"services\": [\n{{ \"protocol\": \"tcp\", \"vip\": \"192.0.2.99\", \"port\": 80, {keys} }}\n], \
             \"vrrp\": {{ \"instances\": [{}] }} }}",
            written(r#""excluded_addresses": ["192.0.2.11"]"#)
        ))
    };
    for (keys, path, words) in [
        (
            r#""reals": [{"address": "192.0.2.21"}, {"address": "192.0.2.10"}]"#,
            "reals[1].address",
            "192.0.2.10 is a real of service tcp 192.0.2.99:80 and an address of instance \"VI\"",
        ),
        (r#""reals": [{"address": "192.0.2.11"}]"#, "reals[0].address", "192.0.2.11 is a real of"),
        (r#""sorry_server": "192.0.2.10""#, "sorry_server", "192.0.2.10 is the sorry server of"),
    ] {
        refused(service(keys), &format!("services[0].{path}"), words);
    }
    assert!(service(r#""reals": [{"address": "192.0.2.21"}]"#).is_ok());
}
