//! The daemon's life: starts that are refused, neighbours of its own kind, interfaces and
//! addresses that come and go under it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/control.rs"]
mod control;

#[path = "lifecycle/starts.rs"]
mod starts;

use std::fs;
use std::path::{Path, PathBuf};

use bench::lab::{DirectorBuilder, Lab, VIP4, VIP6};
use control::{AddressWatch, Bed, LB_CTL, addresses, bed, bed_with, ctl, has, json, lab, programs};
use serde_json::{Value, json};

const DEFINITION: &str = r#"{ "services": [
    { "name": "dns", "protocol": "udp", "vip": "192.0.2.10", "port": 53, "tracking": "full",
      "reals": [ { "address": "192.0.2.21", "weight": 3 } ] },
    { "protocol": "udp", "vip": "2001:db8::10", "port": 53, "tracking": "full",
      "reals": [ { "address": "2001:db8::21" } ] } ] }"#;

fn settled() -> Bed {
    let bed = bed_with(1, DEFINITION);
    bed.wait_for_reals("up");
    bed
}

/// A folder and all that is in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return Vec::new();
    }
    let inside = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found = vec![folder.to_owned()];
    for path in inside {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort_unstable();
    found
}

/// Lays the director's cable again, after its interface was deleted: the same card comes back.
fn lay_cable(lab: &Lab, mac: &str) {
    let director = &lab.director;
    let namespace = director.namespace.name();
    let cable = format!(
        "link add name director type veth \
         peer name eth0 address {mac} netns {namespace}\n\
         link set dev director master lan\nlink set dev director up\n"
    );
    lab.switch.ip(&cable).unwrap();
    let addresses = format!(
        "address add {}/24 dev eth0\naddress add {}/64 dev eth0 nodad\nlink set dev eth0 up\n",
        director.ipv4, director.ipv6
    );
    director.namespace.ip(&addresses).unwrap();
}

fn interface(bed: &Bed) -> Value {
    json(&bed.director, "status")["interfaces"][0].clone()
}

#[test]
fn an_interface_that_goes_and_comes_back_is_taken_up_again() {
    let bed = settled();
    let here = &bed.lab.director.namespace;
    bed.knock(VIP4.into(), 53, 2);
    let index = interface(&bed)["ifindex"].clone();

    let mac = here.mac("eth0").unwrap();
    here.ip("link delete dev eth0\n").unwrap();
    bed.wait("the status to tell", || interface(&bed)["mode"].is_null());
    let gone = interface(&bed);
    assert_eq!((&gone["name"], &gone["ifindex"]), (&json!("eth0"), &Value::Null), "{gone}");
    assert!(gone["reason"].as_str().unwrap().contains("not there"), "{gone}");
    bed.wait_for_reals("unresolved");
    let status = ctl(&bed.director, "status").ok();
    assert!(status.starts_with("NOT FORWARDING"), "{status}");
    // What is asked for meanwhile holds when the interface is back.
    ctl(&bed.director, "add-service -t 192.0.2.11:80").ok();
    ctl(&bed.director, "add-service -t [2001:db8::11]:80").ok();

    lay_cable(&bed.lab, &mac);
    bed.wait("the program to be back", || interface(&bed)["mode"] == "native");
    assert_ne!(interface(&bed)["ifindex"], index, "it is another interface");
    for vip in ["192.0.2.10/32", "192.0.2.11/32", "2001:db8::10/128", "2001:db8::11/128"] {
        bed.wait(&format!("{vip} to be back"), || has(here, "eth0", vip));
    }
    assert_eq!(programs(here).len(), 1);
    bed.wait("the reals to be up", || {
        let list = json(&bed.director, "list");
        (0..2).all(|n| list["services"][n]["reals"][0]["state"] == "up")
    });
    bed.knock(VIP4.into(), 53, 2);
    bed.knock(VIP6.into(), 53, 2);
    assert_eq!(bed.counted(VIP4.into(), 53).1, 4, "the counters go on");
}

#[test]
fn a_renamed_interface_keeps_no_vip() {
    let bed = settled();
    let here = &bed.lab.director.namespace;
    // Otherwise it would go on to answer ARP for a VIP that it no longer balances.
    here.ip("link set dev eth0 down\nlink set dev eth0 name lan9\nlink set dev lan9 up\n").unwrap();
    bed.wait("the status to tell", || interface(&bed)["mode"].is_null());
    bed.wait("the VIP to be off", || !has(here, "lan9", "192.0.2.10/32"));
    assert!(has(here, "lan9", &format!("{}/24", bed.lab.director.ipv4)));
    assert!(programs(here).is_empty(), "{:?}", programs(here));

    here.ip("link set dev lan9 down\nlink set dev lan9 name eth0\nlink set dev eth0 up\n").unwrap();
    bed.wait("the program to be back", || interface(&bed)["mode"] == "native");
    bed.wait("the VIP to be back", || has(here, "eth0", "192.0.2.10/32"));
}

#[test]
fn a_vip_that_somebody_takes_away_comes_back() {
    let bed = settled();
    let here = &bed.lab.director.namespace;
    // Several times, since the daemon looks at everything once more soon after its start.
    for vip in ["192.0.2.10/32", "2001:db8::10/128"].repeat(3) {
        let watch = AddressWatch::start(here);
        here.ip(&format!("address delete {vip} dev eth0\n")).unwrap();
        bed.wait(&format!("{vip} to be back"), || has(here, "eth0", vip));
        let seen = watch.stop();
        assert!(seen[0].contains("Deleted"), "{seen:?}");
    }
    // IPv6 addresses go when the interface goes down.
    here.ip("link set dev eth0 down\n").unwrap();
    here.ip("link set dev eth0 up\n").unwrap();
    bed.wait("both VIPs", || {
        has(here, "eth0", "192.0.2.10/32") && has(here, "eth0", "2001:db8::10/128")
    });
    bed.wait("the program", || interface(&bed)["mode"] == "native" && programs(here).len() == 1);
}

#[test]
fn an_address_that_the_daemon_did_not_add_is_never_removed() {
    let bed = bed(0);
    let here = &bed.lab.director.namespace;
    let own = ["192.0.2.12/32", "2001:db8::12/128", "192.0.2.13/24"];
    for address in own {
        here.ip(&format!("address add {address} dev eth0\n")).unwrap();
    }
    let before = addresses(here);
    // The last is the director's own address.
    let services =
        ["-t 192.0.2.12:80", "-t [2001:db8::12]:80", "-u 192.0.2.13:80", "-t 192.0.2.2:8080"];
    for service in services {
        ctl(&bed.director, &format!("add-service {service}")).ok();
    }
    assert_eq!(addresses(here), before);
    for service in services {
        ctl(&bed.director, &format!("delete-service {service}")).ok();
    }
    assert_eq!(addresses(here), before);
    for service in services {
        ctl(&bed.director, &format!("add-service {service}")).ok();
    }
    ctl(&bed.director, "clear").ok();
    assert_eq!(addresses(here), before);

    // One that its owner takes away while it is needed becomes the daemon's.
    ctl(&bed.director, "add-service -t 192.0.2.12:80").ok();
    here.ip("address delete 192.0.2.12/32 dev eth0\n").unwrap();
    bed.wait("the VIP", || has(here, "eth0", "192.0.2.12/32"));
    ctl(&bed.director, "delete-service -t 192.0.2.12:80").ok();
    assert!(!has(here, "eth0", "192.0.2.12/32"));
}

/// Gives the director a second interface, with a network of its own. Its name is like that of a
/// VLAN: a pin's name cannot have the dot.
fn second_interface(lab: &Lab) {
    let lines = "link add name eth1.7 type veth peer name far1\nlink set dev far1 up\n\
                 address add 198.51.100.2/24 dev eth1.7\nlink set dev eth1.7 up\n";
    lab.director.namespace.ip(lines).unwrap();
}

fn two_services(interfaces: &[&str]) -> String {
    let service = |vip: &str| json!({ "protocol": "tcp", "vip": vip, "port": 80 });
    let services = [service("192.0.2.10"), service("198.51.100.10")];
    json!({ "interfaces": interfaces, "services": services }).to_string()
}

#[test]
fn interfaces_of_the_definition_are_attached_and_detached() {
    let lab = lab(0);
    second_interface(&lab);
    let builder = DirectorBuilder::on(&lab, Path::new(LB_CTL), &[]);
    let builder = builder.argument("--max-connections").argument("1024");
    let director = builder.start_with(&two_services(&["eth0"])).unwrap();
    let bed = Bed { director, lab };
    let here = &bed.lab.director.namespace;
    let document = bed.lab.files().join("next.json");
    let apply = |interfaces: &[&str]| {
        fs::write(&document, two_services(interfaces)).unwrap();
        ctl(&bed.director, &format!("apply {}", document.display()))
    };
    let on = |interface: &str| programs(here).iter().any(|p| p.starts_with(interface));
    assert!(on("eth0") && !on("eth1.7"), "{:?}", programs(here));
    assert!(has(here, "eth0", "192.0.2.10/32") && has(here, "eth0", "198.51.100.10/32"));

    let said = apply(&["eth0", "eth1.7"]).ok();
    assert_eq!(said, "+ interface eth1.7\n");
    assert!(on("eth0") && on("eth1.7"), "{:?}", programs(here));
    ctl(&bed.director, "delete-service -t 198.51.100.10:80").ok();
    ctl(&bed.director, "add-service -t 198.51.100.10:80").ok();
    assert!(has(here, "eth1.7", "198.51.100.10/32"), "a VIP goes where its network is");

    let said = apply(&["eth1.7"]).ok();
    assert_eq!(said, "- interface eth0\n");
    assert!(!on("eth0") && on("eth1.7"), "{:?}", programs(here));
    assert!(!bed.director.pins().join("links/eth0").exists());
    let held = addresses(here);
    assert!(
        !held.contains(&"eth0 192.0.2.10/32".to_owned()),
        "a VIP where no program is: {held:?}"
    );
    assert!(held.contains(&"eth1.7 192.0.2.10/32".to_owned()), "{held:?}");

    let before = bed.picture();
    apply(&[]).refused(4, &["no interface would be left"]);
    apply(&["eth1.7", "eth9"]).refused(4, &["no such interface", "eth9"]);
    apply(&["eth1.7", "lo"]).refused(4, &["lo", "not Ethernet"]);
    assert_eq!(bed.picture(), before);
}

#[test]
fn a_restart_in_another_mode_changes_the_mode() {
    let lab = lab(1);
    let first = control::daemon(&lab).start_with(DEFINITION).unwrap();
    // Their pins are the next daemon's: they are dropped after it.
    let mut earlier = Vec::new();
    let mut bed = Bed { director: first, lab };
    bed.wait_for_reals("up");
    bed.knock(VIP4.into(), 53, 2);
    for mode in ["generic", "native", "auto"] {
        bed.director.stop().unwrap();
        let builder = control::daemon(&bed.lab).like(&bed.director);
        let next = builder.argument("--mode").argument(mode).start().unwrap();
        earlier.push(std::mem::replace(&mut bed.director, next));
        let expected = if mode == "auto" { "native" } else { mode };
        assert_eq!(interface(&bed)["mode"], expected, "{mode}");
        assert_eq!(programs(&bed.lab.director.namespace).len(), 1);
        assert_eq!(bed.counted(VIP4.into(), 53), (1, 2), "{mode}");
    }
}

#[test]
fn two_daemons_on_two_interfaces_leave_each_other_alone() {
    let bed = settled();
    second_interface(&bed.lab);
    let here = &bed.lab.director.namespace;
    let before = bed.picture();
    let watch = AddressWatch::start(here);
    let builder = DirectorBuilder::on(&bed.lab, Path::new(LB_CTL), &["eth1.7"]);
    let builder = builder.argument("--max-connections").argument("1024");
    let mut second = builder.argument("--detach-on-exit").start().unwrap();
    ctl(&second, "add-service -t 198.51.100.10:80").ok();
    assert!(has(here, "eth1.7", "198.51.100.10/32"));
    ctl(&bed.director, "add-service -t 192.0.2.11:80").ok();
    ctl(&bed.director, "delete-service -t 192.0.2.11:80").ok();
    assert_eq!(programs(here).len(), 2);

    // An interface that is taken is refused, and the change with it.
    let before_apply = bed.picture();
    let document = bed.lab.files().join("taken.json");
    let mut taken: Value = serde_json::from_str(&bed.file()).unwrap();
    taken["interfaces"] = json!(["eth1.7"]);
    taken["services"][0]["reals"][0]["weight"] = json!(9);
    // A service that the refused document leaves out keeps its counters, too.
    let left_out = taken["services"].as_array_mut().unwrap().pop().unwrap();
    assert!(left_out["reals"].as_array().is_some_and(|reals| !reals.is_empty()), "{left_out}");
    fs::write(&document, taken.to_string()).unwrap();
    let apply = ctl(&bed.director, &format!("apply {}", document.display()));
    apply.refused(1, &["eth1.7", "another XDP program"]);
    assert_eq!(bed.picture(), before_apply);

    let left = second.stop().unwrap().unwrap();
    assert!(left.success(), "{left}: {}", second.log());
    assert!(!second.pins().exists(), "{:?}", files(second.pins()));
    let seen: Vec<_> = watch.stop().into_iter().filter(|line| line.contains("192.0.2.1")).collect();
    assert!(seen.iter().all(|line| line.contains("192.0.2.11")) && seen.len() == 2, "{seen:?}");
    let mut after = bed.picture();
    after.same_file_as(&before);
    assert_eq!(after, before);
}
