//! lb-ctl on one director and Debian's keepalived on the other.

use std::thread;

use bench::lab::{Director, Host, Keepalived, Lab};
use serde_json::{Value, json};

use crate::pair::{
    HIGH, INSTANCE, LOW, VIP, definition, hear, instance, lab, second, send, shown, start, times,
    wait_for_address, wait_for_release,
};

/// A way to write adverts, said to both.
struct Way {
    name: &'static str,
    ours: Value,
    theirs: String,
    address: &'static str,
}

/// An IPv6 address that moves.
const VIP6: &str = "2001:db8::10";

fn ways(lab: &Lab) -> [Way; 4] {
    let (first, second) = (&lab.director, second(lab));
    let unicast = format!(
        "advert_int 0.1\nunicast_src_ip {}\nunicast_peer {{\n{}\n}}",
        second.ipv4, first.ipv4
    );
    [
        Way {
            name: "version 2, multicast, password",
            ours: json!({ "version": 2, "advert_interval": "1s",
                "auth": { "type": "pass", "password": "s3cret" } }),
            theirs: "version 2\nadvert_int 1\nauthentication {\nauth_type PASS\n\
                     auth_pass s3cret\n}"
                .to_owned(),
            address: VIP,
        },
        Way {
            name: "version 3, multicast",
            ours: json!({}),
            theirs: "version 3\nadvert_int 0.1".to_owned(),
            address: VIP,
        },
        Way {
            name: "version 3, unicast",
            ours: json!({ "source": first.ipv4, "unicast_peers": [second.ipv4] }),
            theirs: format!("version 3\n{unicast}"),
            address: VIP,
        },
        Way {
            name: "IPv6",
            ours: json!({ "addresses": ["fe80::10/128", format!("{VIP6}/128")] }),
            theirs: "version 3\nadvert_int 0.1".to_owned(),
            address: VIP6,
        },
    ]
}

/// keepalived's `vrrp_instance` with these lines and this priority.
fn configuration(way: &str, priority: u8, addresses: &[&str]) -> String {
    let addresses = addresses.join("\n");
    format!(
        "vrrp_instance {INSTANCE} {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\n\
         {way}\nvirtual_ipaddress {{\n{addresses}\n}}\n}}\n"
    )
}

impl Way {
    fn ours(&self, priority: u8, keys: &Value) -> Value {
        let mut instance = instance(&self.ours);
        instance["priority"] = json!(priority);
        for (key, value) in keys.as_object().unwrap() {
            instance[key] = value.clone();
        }
        instance
    }

    fn theirs(&self, priority: u8, line: &str) -> String {
        let addresses: &[_] = match self.address {
            VIP6 => &["fe80::10/128", "2001:db8::10/128"],
            _ => &["192.0.2.10/32"],
        };
        configuration(&format!("{}\n{line}", self.theirs), priority, addresses)
    }
}

/// lb-ctl on the first director, keepalived on the second.
struct Both {
    ours: Director,
    theirs: Keepalived,
    way: Way,
    lab: Lab,
}

impl Both {
    fn us(&self) -> &Host {
        &self.lab.director
    }

    fn them(&self) -> &Host {
        second(&self.lab)
    }

    /// We have the addresses, and it listens.
    #[track_caller]
    fn we_are_master(&mut self) {
        self.ours.wait_for_role(INSTANCE, "MASTER").unwrap();
        self.theirs.wait_for(INSTANCE, "BACKUP").unwrap();
        wait_for_release(self.them(), self.way.address);
        wait_for_address(&self.lab, self.us(), self.way.address);
    }

    /// It has the addresses, and we listen.
    #[track_caller]
    fn it_is_master(&mut self) {
        self.theirs.wait_for(INSTANCE, "MASTER").unwrap();
        self.ours.wait_for_role(INSTANCE, "BACKUP").unwrap();
        wait_for_release(self.us(), self.way.address);
        wait_for_address(&self.lab, self.them(), self.way.address);
    }

    /// Neither has found anything wrong with the other's adverts.
    #[track_caller]
    fn nobody_complains(&self) {
        let adverts = &shown(&self.ours, INSTANCE)["adverts"];
        assert_eq!(adverts["rejected"], json!({}), "{}: {adverts}", self.way.name);
        assert_eq!(adverts["differing"], 0, "{}: {adverts}", self.way.name);
        let complaints = ["invalid", "mismatch", "bogus", "incorrect", "expected", "discard"];
        let log = self.theirs.log().to_lowercase();
        // Until it has preempted us it is right not to care for our adverts.
        let lines = log.lines().filter(|line| !line.contains("received lower priority"));
        let found: Vec<_> =
            lines.filter(|line| complaints.iter().any(|word| line.contains(word))).collect();
        assert!(found.is_empty(), "{}: {found:#?}", self.way.name);
    }
}

/// Plays a scenario with each way of adverts in a bed of its own, all at once: they mostly wait.
fn with_each_way(play: impl Fn(Lab, Way) + Sync) {
    let count = ways(&lab_of_no_reals()).len();
    thread::scope(|scope| {
        for number in 0..count {
            let play = &play;
            scope.spawn(move || {
                let lab = lab_of_no_reals();
                let way = ways(&lab).into_iter().nth(number).unwrap();
                play(lab, way);
            });
        }
    });
}

fn lab_of_no_reals() -> Lab {
    lab(0)
}

/// keepalived takes over where we leave, are killed, and come back.
#[test]
fn keepalived_is_our_backup() {
    with_each_way(|lab, way| {
        let ours = start(&lab, &lab.director, &[way.ours(HIGH, &json!({}))]);
        ours.wait_for_role(INSTANCE, "MASTER").unwrap();
        let theirs = Keepalived::start(&lab, second(&lab), &way.theirs(LOW, "")).unwrap();
        let mut both = Both { ours, theirs, way, lab };
        both.we_are_master();
        both.nobody_complains();

        both.ours.stop().unwrap();
        both.theirs.wait_for(INSTANCE, "MASTER").unwrap();
        wait_for_release(both.us(), both.way.address);
        wait_for_address(&both.lab, both.them(), both.way.address);
        // It is preempted by us.
        both.ours.start().unwrap();
        both.we_are_master();

        // What is killed leaves its address behind: only without its cable is it away.
        both.ours.kill().unwrap();
        both.lab.cut(both.us(), 0).unwrap();
        both.theirs.wait_for(INSTANCE, "MASTER").unwrap();
        wait_for_address(&both.lab, both.them(), both.way.address);
        both.lab.mend(both.us(), 0).unwrap();
        both.ours.start().unwrap();
        both.we_are_master();
        both.nobody_complains();
    });
}

/// We take over where keepalived leaves, is killed, and comes back.
#[test]
fn we_are_keepaliveds_backup() {
    with_each_way(|lab, way| {
        let theirs = Keepalived::start(&lab, second(&lab), &way.theirs(HIGH, "")).unwrap();
        let ours = start(&lab, &lab.director, &[way.ours(LOW, &json!({}))]);
        let mut both = Both { ours, theirs, way, lab };
        both.it_is_master();
        both.nobody_complains();

        both.theirs.stop().unwrap();
        both.ours.wait_for_role(INSTANCE, "MASTER").unwrap();
        wait_for_address(&both.lab, both.us(), both.way.address);
        // We are preempted by it.
        both.theirs.restart().unwrap();
        both.it_is_master();

        both.theirs.kill().unwrap();
        both.lab.cut(both.them(), 0).unwrap();
        both.ours.wait_for_role(INSTANCE, "MASTER").unwrap();
        wait_for_address(&both.lab, both.us(), both.way.address);
        both.lab.mend(both.them(), 0).unwrap();
        both.theirs.restart().unwrap();
        both.it_is_master();
        both.nobody_complains();
    });
}

/// More adverts than a backup waits for: four times the interval at most.
const LONG: u64 = 8;

#[test]
fn who_is_not_to_preempt_waits_until_the_master_leaves() {
    let lab = lab(0);
    let way = ways(&lab).into_iter().nth(1).unwrap();
    let theirs = Keepalived::start(&lab, second(&lab), &way.theirs(LOW, "")).unwrap();
    let never = json!({ "preempt": false });
    let mut both =
        Both { ours: start(&lab, &lab.director, &[way.ours(HIGH, &never)]), theirs, way, lab };
    both.it_is_master();
    hear(&both.ours, LONG);
    assert_eq!(times(&both.ours, "master"), 0, "{}", shown(&both.ours, INSTANCE));
    both.theirs.stop().unwrap();
    both.ours.wait_for_role(INSTANCE, "MASTER").unwrap();

    // Now the other way round: it comes back with a higher priority, and may not use it.
    both.theirs = {
        let configuration = both.way.theirs(200, "nopreempt");
        Keepalived::start(&both.lab, both.them(), &configuration).unwrap()
    };
    both.we_are_master();
    send(&both.ours, LONG);
    assert_eq!(both.theirs.state(INSTANCE).as_deref(), Some("BACKUP"), "{}", both.theirs.log());
    both.ours.stop().unwrap();
    both.theirs.wait_for(INSTANCE, "MASTER").unwrap();
    wait_for_address(&both.lab, both.them(), VIP);
}

/// The lists of addresses differ while one side is changed before the other: nobody becomes master
/// besides the master.
#[test]
fn another_list_of_addresses_deposes_nobody() {
    let lab = lab(0);
    let way = ways(&lab).into_iter().nth(1).unwrap();
    let theirs = Keepalived::start(&lab, second(&lab), &way.theirs(HIGH, "")).unwrap();
    let more = json!({ "addresses": ["192.0.2.10/32", "192.0.2.11/32"] });
    let ours = start(&lab, &lab.director, &[way.ours(LOW, &more)]);
    let mut both = Both { ours, theirs, way, lab };
    both.it_is_master();
    hear(&both.ours, LONG);
    let shown = shown(&both.ours, INSTANCE);
    assert_eq!(shown["transitions"]["master"].as_u64().unwrap_or_default(), 0, "{shown}");
    assert!(shown["adverts"]["differing"].as_u64().unwrap() >= LONG, "{shown}");
}

/// Two virtual routers of a group go together, on both sides.
#[test]
fn groups_move_as_one() {
    let lab = lab(0);
    let down = lab.files().join("down");
    let way = ways(&lab).into_iter().nth(1).unwrap();
    let other = json!({ "name": "VI_2", "vrid": 52, "addresses": ["192.0.2.11/32"],
        "priority": HIGH, "track": { "files": [&down] } });
    let instances = [way.ours(HIGH, &json!({})), instance(&other)];
    let mut definition: Value = serde_json::from_str(&definition(&instances)).unwrap();
    definition["vrrp"]["groups"] = json!([{ "name": "VG", "instances": [INSTANCE, "VI_2"] }]);
    let builder = crate::pair::builder(&lab, &lab.director);
    let ours = builder.start_with(&definition.to_string()).unwrap();

    let second_instance = way.theirs(LOW, "").replace(INSTANCE, "VI_2").replace(" 51", " 52");
    let second_instance = second_instance.replace(VIP, "192.0.2.11");
    let group = format!("vrrp_sync_group VG {{\ngroup {{\n{INSTANCE}\nVI_2\n}}\n}}\n");
    let configuration = [way.theirs(LOW, ""), second_instance, group].concat();
    let mut theirs = Keepalived::start(&lab, second(&lab), &configuration).unwrap();

    let mut all_are = |state: &str, other: &str| {
        for name in [INSTANCE, "VI_2"] {
            ours.wait_for_role(name, state).unwrap();
            theirs.wait_for(name, other).unwrap();
        }
    };
    all_are("MASTER", "BACKUP");
    // What one of them follows concerns both.
    std::fs::write(&down, "").unwrap();
    all_are("FAULT", "MASTER");
    for address in [VIP, "192.0.2.11"] {
        wait_for_release(&lab.director, address);
        wait_for_address(&lab, second(&lab), address);
    }
    std::fs::remove_file(&down).unwrap();
    all_are("MASTER", "BACKUP");
}
