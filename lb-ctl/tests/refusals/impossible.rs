//! Services that cannot be, by flags and by file.

use std::fs;

use super::control::ctl;
use super::settled;

/// What a service cannot be, by the flags of `add-service` and `edit-service`.
const IMPOSSIBLE: [(&str, &[&str]); 27] = [
    ("--hash ports", &["hash \"ports\" is unknown", "5-tuple"]),
    ("-s rr --hash source", &["scheduler rr", "only mh does"]),
    ("-s sh --hash source", &["it hashes the client's address"]),
    ("-s sh -p 300", &["scheduler sh has no persistence", "-p 0"]),
    ("-p --tracking changes", &["persistence needs tracking full", "leave the tracking out"]),
    ("-p --tracking none", &["persistence needs tracking full"]),
    ("--expire-nodest false --tracking none", &["expire_nodest false needs tracking full"]),
    ("--expire-nodest no", &["expire-nodest \"no\" is unknown"]),
    ("-s rr --tracking changes", &["scheduler rr needs tracking full"]),
    ("-s nq --tracking none", &["scheduler nq needs tracking full", "use mh or sh"]),
    ("-p 1123201", &["persistence timeout 1123201s", "13 days"]),
    ("-p soon", &["persistence timeout \"soon\""]),
    ("-p -M 33", &["netmask 33", "1 to 32"]),
    ("-p -M 255.0.255.0", &["255.0.255.0 is not of ones and then zeros"]),
    ("-M 24", &["a netmask belongs to persistence", "-p 300"]),
    ("--syn-timeout 0s", &["SYN timeout 0s", "13 days"]),
    ("--fin-timeout 60", &["FIN timeout", "write \"60s\""]),
    ("--closed-timeout 14d", &["closed timeout 1209600s"]),
    ("--all-down reject", &["all-down \"reject\" is unknown", "drop"]),
    ("--allow 2001:db8::/32", &["2001:db8::/32 is not of the family of the VIP"]),
    ("--deny 198.51.100.7/24", &["write 198.51.100.0/24"]),
    ("--deny 10.0.0.0/8,10.0.0.0/8", &["10.0.0.0/8 stands in deny already"]),
    ("--allow 10.0.0.0/8 --deny 10.0.0.0/8", &["both allowed and denied"]),
    ("--allow clients", &["\"clients\" is not a prefix"]),
    ("--sorry-server 2001:db8::99", &["sorry server 2001:db8::99 is IPv6"]),
    ("--sorry-server 192.0.2.10", &["192.0.2.10", "VIP"]),
    ("--sorry-server sorry", &["names are not looked up"]),
];

#[test]
fn what_a_service_cannot_be_is_refused_with_the_reason() {
    let bed = settled();
    let before = bed.picture();
    for (flags, words) in IMPOSSIBLE {
        for verb in ["add-service -t 192.0.2.11:80", "edit-service -t 192.0.2.10:80"] {
            ctl(&bed.director, &format!("{verb} {flags}")).refused(4, words);
            assert_eq!(bed.picture(), before, "after `{verb} {flags}`");
        }
    }
    for (line, words) in [
        ("add-service -t 192.0.2.10:80-90", ["tcp 192.0.2.10:80 share ports", "ranges apart"]),
        ("add-service -t 192.0.2.11:80 -p 0", ["persistence timeout 0s", "13 days"]),
        ("add-service -t 192.0.2.11:80 --sorry-server 192.0.2.11", ["192.0.2.11", "own service"]),
        (
            "edit-service -t 192.0.2.10:80 --sorry-server 192.0.2.21",
            ["192.0.2.21", "take the real"],
        ),
        ("edit-service -t [2001:db8::10]:80 -p -M 255.255.255.0", ["IPv4", "like 64"]),
    ] {
        ctl(&bed.director, line).refused(4, &words);
        assert_eq!(bed.picture(), before, "after `{line}`");
    }
}

#[test]
fn a_file_with_what_cannot_be_is_refused_at_its_place() {
    let bed = settled();
    let before = bed.picture();
    let path = bed.lab.files().join("impossible.json");
    let web = |keys: &str| {
        format!(
            "{{ \"services\": [ {{ \"protocol\": \"tcp\", \"vip\": \"192.0.2.10\", \"port\": 80,\n{keys} }} ] }}"
        )
    };
    for (keys, (column, property), words) in [
        (r#""scheduler": "best""#, (14, "services[0].scheduler"), "unknown"),
        (r#""scheduler": "sh", "persistence": {}"#, (35, "services[0].persistence"), "sh has no"),
        (r#""persistence": {}, "tracking": "none""#, (32, "services[0].tracking"), "needs"),
        (r#""allow": ["10.0.0.0/8", "10.1.0.0/8"]"#, (25, "services[0].allow[1]"), "10.0.0.0/8"),
        (r#""timeouts": { "syn": "0s" }"#, (22, "services[0].timeouts.syn"), "13 days"),
    ] {
        fs::write(&path, web(keys)).unwrap();
        let name = path.to_str().unwrap();
        let at = format!("{name}:2:{column}: {property}: ");
        ctl(&bed.director, &format!("check {name}")).refused(4, &[&at, words]);
        let at = format!("{name}: line 2, column {column} ({property}): ");
        ctl(&bed.director, &format!("diff {name}")).refused(4, &[&at, words]);
        ctl(&bed.director, &format!("apply {name}")).refused(4, &[&at, words]);
        assert_eq!(bed.picture(), before, "after {keys}");
    }
}
