//! Virtual routers.

use super::*;
use crate::config::samples::vrrp::VRRP;
use crate::config::vrrp::Preempt;

fn moving() -> Desired {
    let vrrp = parse(VRRP).unwrap().vrrp;
    Desired { vrrp, ..Desired::default() }
}

#[test]
fn shows_virtual_routers_that_come_and_go() {
    let shown = lines(&Desired::default(), &moving());
    assert_eq!(
        shown[..4],
        [
            "+ VRRP script chk (command /bin/chk a, fall 3, interval 500ms, rise 2, timeout 2s, \
             user nobody, weight -30)",
            "+ VRRP script slow (command /bin/slow)",
            "+ VRRP process nginx (delay 3s, program nginx-custom, quorum 2, weight 4)",
            "+ VRRP process bird",
        ]
    );
    assert_eq!(
        shown[5..],
        [
            "+ VRRP instance VI_6 (addresses fe80::10/64 2001:db8::11/128, interface eth0, preempt \
             false, virtual mac true, vrid 51)",
            "+ VRRP instance VI_3 (addresses 192.0.2.13/32, advert interval 10ms, checksum message, \
             interface eth0, vrid 53)",
            "+ VRRP group G (instances VI_1 VI_6, notify (any /bin/g), track (files \
             /etc/lb-ctl/all))",
            "+ VRRP sync (listen 192.0.2.1:8475, peers 192.0.2.2:8475)",
        ]
    );
    let begin = "+ VRRP instance VI_1 (addresses 192.0.2.10/32 192.0.2.11/32 (address 192.0.2.12/24, \
                 interface eth1), advert interval 2s, auth pass, excluded addresses";
    assert!(shown[4].starts_with(begin), "{}", shown[4]);
    let gone = lines(&moving(), &Desired::default());
    let without_sign = |lines: &[String]| lines.iter().map(|it| it[1..].to_owned()).collect();
    let (shown, gone): (Vec<_>, Vec<_>) = (without_sign(&shown), without_sign(&gone));
    assert_eq!(shown, gone);
}

#[test]
fn shows_what_changes_of_virtual_routers_and_no_secrets() {
    let (old, mut new) = (moving(), moving());
    let instance = &mut new.vrrp.instances[1];
    instance.priority = 150;
    instance.preempt = Preempt::After(std::time::Duration::from_secs(10));
    instance.garp.repeat = 1;
    new.vrrp.instances[0].password = Some("other".to_owned());
    new.vrrp.instances[0].source = None;
    new.vrrp.instances.reverse();
    new.vrrp.sync.as_mut().unwrap().key = "fedcba9876543210".to_owned();
    new.vrrp.processes.shift_remove("bird");
    new.vrrp.scripts["slow"].timeout = std::time::Duration::from_millis(10);
    let garp = "refresh 0s, refresh repeat 1, repeat";
    assert_eq!(
        lines(&old, &new),
        [
            "- VRRP process bird",
            "~ VRRP script slow: timeout 1s -> 10ms",
            "~ VRRP instance VI_6: garp (delay 5s, REST 5) -> (delay 5s, REST 1), preempt false -> \
             true, preempt delay none -> 10s, priority 100 -> 150",
            "~ VRRP instance VI_1: source 192.0.2.1 -> none, another password",
            "~ VRRP sync: another key",
        ]
        .map(|line| line.replace("REST", garp))
    );
    let mut without = new.clone();
    without.vrrp.instances["VI_1"].password = None;
    assert_eq!(lines(&new, &without), ["~ VRRP instance VI_1: auth pass -> none"]);
    for (old, new) in [(&old, &new), (&new, &without), (&Desired::default(), &new)] {
        let text = serde_json::to_string(&diff(old, new)).unwrap() + &lines(old, new).concat();
        for secret in ["pa55word", "\"other\"", "0123456789abcdef", "fedcba9876543210"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn virtual_routers_serialize_as_they_are_written() {
    let mut new = moving();
    new.vrrp.instances["VI_3"].priority = 7;
    assert_eq!(
        serde_json::to_value(diff(&moving(), &new)).unwrap(),
        json!([{ "action": "change", "object": "vrrp_instance", "instance": "VI_3",
                 "fields": [ { "field": "setting", "key": "priority", "from": 100, "to": 7 } ] }])
    );
    let added = serde_json::to_value(diff(&Desired::default(), &new)).unwrap();
    assert_eq!(
        added[6],
        json!({ "action": "add", "object": "vrrp_instance", "instance": "VI_3",
                "settings": { "interface": "eth0", "vrid": 53, "priority": 7,
                              "advert_interval": "10ms", "checksum": "message",
                              "addresses": ["192.0.2.13/32"] } })
    );
}

proptest! {
    #[test]
    fn each_property_of_a_virtual_router_is_a_difference(
        old in any_desired(),
        new in any_desired(),
        which in 0..18_usize,
    ) {
        let mut moved = old.clone();
        for (instance, other) in moved.vrrp.instances.values_mut().zip(new.vrrp.instances.values()) {
            let other = other.clone();
            match which {
                0 => instance.interface = other.interface,
                1 => instance.vrid = other.vrid,
                2 => instance.version = other.version,
                3 => instance.priority = other.priority,
                4 => instance.advert_interval = other.advert_interval,
                5 => instance.addresses = other.addresses,
                6 => instance.excluded = other.excluded,
                7 => instance.password = other.password,
                8 => instance.preempt = other.preempt,
                9 => instance.unicast_peers = other.unicast_peers,
                10 => instance.source = other.source,
                11 => instance.virtual_mac = other.virtual_mac,
                12 => instance.checksum = other.checksum,
                13 => instance.track = other.track,
                14 => instance.hooks = other.hooks,
                15 => instance.garp = other.garp,
                _ => {}
            }
        }
        for (script, other) in moved.vrrp.scripts.values_mut().zip(new.vrrp.scripts.values()) {
            if which == 16 {
                script.clone_from(other);
            }
        }
        if which == 17 {
            moved.vrrp.sync.clone_from(&new.vrrp.sync);
        }
        prop_assert_eq!(diff(&old, &moved).is_empty(), old.vrrp == moved.vrrp);
    }
}
