//! Two directors with lb-ctl: who has the addresses when one of them goes, comes back, or is told
//! something that is wrong.

use std::fs;

use bench::lab::{Director, Lab};
use serde_json::json;

use crate::control::{AddressWatch, addresses, ctl, has};
use crate::pair::{
    HIGH, INSTANCE, LOW, VIP, definition, hear, instance, lab, second, send, shown, start, times,
    wait_for_address, wait_for_release,
};

/// The address of the other virtual router.
const OTHER_VIP: &str = "192.0.2.11";
const OTHER: &str = "VI_2";

/// Both directors with one virtual router; the first is master.
struct Pair {
    first: Director,
    second: Director,
    lab: Lab,
}

impl Pair {
    fn start() -> Self {
        let lab = lab(0);
        let router = |priority| instance(&json!({ "priority": priority }));
        let first = start(&lab, &lab.director, &[router(HIGH)]);
        let second = start(&lab, second(&lab), &[router(LOW)]);
        let pair = Self { first, second, lab };
        pair.first_is_master();
        pair
    }

    #[track_caller]
    fn first_is_master(&self) {
        self.first.wait_for_role(INSTANCE, "MASTER").unwrap();
        self.second.wait_for_role(INSTANCE, "BACKUP").unwrap();
        wait_for_release(second(&self.lab), VIP);
        wait_for_address(&self.lab, &self.lab.director, VIP);
    }

    #[track_caller]
    fn second_is_master(&self) {
        self.second.wait_for_role(INSTANCE, "MASTER").unwrap();
        wait_for_address(&self.lab, second(&self.lab), VIP);
    }
}

#[test]
fn the_address_moves_when_the_master_goes_and_comes_back_with_it() {
    let mut pair = Pair::start();
    pair.lab.cut(&pair.lab.director, 0).unwrap();
    pair.second_is_master();
    pair.first.wait_for_role(INSTANCE, "FAULT").unwrap();
    wait_for_release(&pair.lab.director, VIP);
    pair.lab.mend(&pair.lab.director, 0).unwrap();
    pair.first_is_master();

    pair.first.stop().unwrap();
    wait_for_release(&pair.lab.director, VIP);
    pair.second_is_master();
    pair.first.start().unwrap();
    pair.first_is_master();

    let answer = ctl(&pair.first, &format!("vrrp handover {INSTANCE}")).ok();
    assert!(answer.contains("192.0.2.3"), "it does not say who took over: {answer}");
    pair.second_is_master();
    wait_for_release(&pair.lab.director, VIP);
    // It takes no part in the contest until it is resumed.
    hear(&pair.first, 8);
    assert_eq!(shown(&pair.first, INSTANCE)["state"], "backup");
    ctl(&pair.first, "vrrp resume").ok();
    pair.first_is_master();
}

/// What is handed over to nobody goes on.
#[test]
fn a_handover_to_nobody_keeps_the_address() {
    let lab = lab(0);
    let only = start(&lab, &lab.director, &[instance(&json!({}))]);
    only.wait_for_role(INSTANCE, "MASTER").unwrap();
    wait_for_address(&lab, &lab.director, VIP);
    let watch = AddressWatch::start(&lab.director.namespace);
    let ended = ctl(&only, "vrrp handover");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    only.wait_for_role(INSTANCE, "MASTER").unwrap();
    let changes = watch.stop();
    assert!(!changes.iter().any(|line| line.contains(VIP)), "{changes:?}");
}

/// Both directors work while both are there.
#[test]
fn each_director_is_master_of_one_address() {
    let lab = lab(0);
    let router = |name: &str, vrid: u8, vip: &str, priority: u8| {
        let addresses = [format!("{vip}/32")];
        let keys =
            json!({ "name": name, "vrid": vrid, "addresses": addresses, "priority": priority });
        instance(&keys)
    };
    let routers =
        |one, other| [router(INSTANCE, 51, VIP, one), router(OTHER, 52, OTHER_VIP, other)];
    let first = start(&lab, &lab.director, &routers(HIGH, LOW));
    let other = start(&lab, second(&lab), &routers(LOW, HIGH));
    let each_has_one = || {
        for (director, name) in [(&first, INSTANCE), (&other, OTHER)] {
            director.wait_for_role(name, "MASTER").unwrap();
        }
        for (director, name) in [(&first, OTHER), (&other, INSTANCE)] {
            director.wait_for_role(name, "BACKUP").unwrap();
        }
        wait_for_address(&lab, &lab.director, VIP);
        wait_for_address(&lab, second(&lab), OTHER_VIP);
    };
    each_has_one();
    lab.cut(&lab.director, 0).unwrap();
    for (name, vip) in [(INSTANCE, VIP), (OTHER, OTHER_VIP)] {
        other.wait_for_role(name, "MASTER").unwrap();
        wait_for_address(&lab, second(&lab), vip);
    }
    lab.mend(&lab.director, 0).unwrap();
    each_has_one();
}

/// The address that a killed daemon has left on the machine stays there all the time where nobody
/// else has taken it.
#[test]
fn an_address_left_behind_is_taken_over() {
    let lab = lab(0);
    let mut director = start(&lab, &lab.director, &[instance(&json!({}))]);
    director.wait_for_role(INSTANCE, "MASTER").unwrap();
    director.kill().unwrap();
    assert!(has(&lab.director.namespace, "eth0", "192.0.2.10/32"));
    let watch = AddressWatch::start(&lab.director.namespace);
    director.start().unwrap();
    director.wait_for_role(INSTANCE, "MASTER").unwrap();
    let changes = watch.stop();
    assert!(!changes.iter().any(|line| line.contains("Deleted")), "{changes:?}");
    director.stop().unwrap();
    wait_for_release(&lab.director, VIP);
}

/// It is taken off where another director has it by now, or where it is defined no longer.
#[test]
fn an_address_left_behind_is_taken_off() {
    let mut pair = Pair::start();
    pair.first.kill().unwrap();
    pair.second_is_master_of_what_was_killed();
    let modest = instance(&json!({ "priority": HIGH, "preempt": false }));
    pair.first.write_definition(&definition(&[modest])).unwrap();
    pair.first.start().unwrap();
    wait_for_release(&pair.lab.director, VIP);
    pair.first.wait_for_role(INSTANCE, "BACKUP").unwrap();
    assert_eq!(times(&pair.first, "master"), 0, "{}", shown(&pair.first, INSTANCE));
    pair.second_is_master();

    pair.second.kill().unwrap();
    pair.first.wait_for_role(INSTANCE, "MASTER").unwrap();
    assert!(has(&second(&pair.lab).namespace, "eth0", "192.0.2.10/32"));
    let other = instance(&json!({ "name": OTHER, "vrid": 52, "addresses": ["192.0.2.11/32"] }));
    pair.second.write_definition(&definition(&[other])).unwrap();
    pair.second.start().unwrap();
    wait_for_release(second(&pair.lab), VIP);
}

impl Pair {
    /// Its address stays with the dead one, and nobody can say who answers until it is off there.
    #[track_caller]
    fn second_is_master_of_what_was_killed(&self) {
        self.second.wait_for_role(INSTANCE, "MASTER").unwrap();
        assert!(has(&self.lab.director.namespace, "eth0", "192.0.2.10/32"));
    }
}

/// A definition that cannot be taken changes nothing, whatever is wrong with it.
#[test]
fn a_reload_that_fails_keeps_everything() {
    let pair = Pair::start();
    let before = (addresses(&pair.lab.director.namespace), shown(&pair.first, INSTANCE));
    let watch = AddressWatch::start(&pair.lab.director.namespace);
    let twice = instance(&json!({ "name": "VI_9", "addresses": ["192.0.2.19/32"] }));
    let absent = instance(&json!({ "name": "VI_9", "vrid": 9, "interface": "eth7",
        "addresses": ["192.0.2.19/32"] }));
    let good = instance(&json!({ "priority": 10 }));
    let wrong = [
        "{ \"vrrp\": { \"instances\": [".to_owned(),
        definition(&[good.clone(), twice]),
        definition(&[good.clone(), absent]),
        definition(&[good]).replace("priority", "priorty"),
    ];
    for text in wrong {
        pair.first.write_definition(&text).unwrap();
        let ended = ctl(&pair.first, "reload");
        assert_eq!(ended.code, Some(4), "{text}: {ended:?}");
    }
    send(&pair.first, 3);
    let mut after = (addresses(&pair.lab.director.namespace), shown(&pair.first, INSTANCE));
    for key in ["adverts", "age"] {
        after.1[key] = before.1[key].clone();
    }
    assert_eq!(after, before);
    assert_eq!(times(&pair.second, "master"), 0);
    let changes = watch.stop();
    assert!(changes.is_empty(), "{changes:?}");
}

/// A reload that adds an address to the virtual router does not disturb the one that it has.
#[test]
fn a_reload_changes_only_the_difference() {
    let pair = Pair::start();
    let watch = AddressWatch::start(&pair.lab.director.namespace);
    let keys = json!({ "priority": HIGH - 1, "addresses": ["192.0.2.10/32", "192.0.2.11/32"] });
    pair.first.write_definition(&definition(&[instance(&keys)])).unwrap();
    ctl(&pair.first, "reload").ok();
    wait_for_address(&pair.lab, &pair.lab.director, OTHER_VIP);
    let changes = watch.stop();
    assert!(!changes.iter().any(|line| line.contains(VIP)), "{changes:?}");
    assert_eq!((times(&pair.first, "master"), times(&pair.second, "master")), (1, 0));
    assert_eq!(shown(&pair.first, INSTANCE)["priority"], HIGH - 1);
}

/// What the rest of the daemon, or the machine, does holds up no advert.
#[test]
fn the_thread_of_adverts_goes_before_others() {
    let lab = lab(0);
    let mut director = start(&lab, &lab.director, &[instance(&json!({}))]);
    let tasks = format!("/proc/{}/task", director.process().id());
    let stats = fs::read_dir(tasks).unwrap().map(|task| task.unwrap().path().join("stat"));
    let stats: Vec<String> = stats.map(|stat| fs::read_to_string(stat).unwrap()).collect();
    let stat = stats.iter().find_map(|stat| stat.split_once(" (vrrp) ")).unwrap().1;
    // proc_pid_stat(5): what follows the name begins with field 3; 19 is nice, 41 the policy.
    let field = |number: usize| stat.split_whitespace().nth(number - 3).unwrap();
    let real_time = libc::SCHED_FIFO.to_string();
    // Where the machine gives no real time, it is the first of those that take turns.
    assert!(field(41) == real_time || field(19) == "-20", "{stat}");
}
