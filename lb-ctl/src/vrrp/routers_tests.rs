use std::time::Duration;

use indexmap::IndexMap;

use super::*;
use crate::config::vrrp::{Tracked, Version, VirtualAddress};

const INTERVAL: Duration = Duration::from_millis(100);

fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn instance(name: &str, vrid: u8) -> Instance {
    Instance {
        version: Version::V3,
        advert_interval: INTERVAL,
        ..Instance::new(
            name,
            "eth0",
            vrid,
            vec![VirtualAddress { address: ip(vrid), prefix: 32, interface: None }],
        )
    }
}

fn definitions(instances: &[Instance], group: &[&str]) -> Vrrp {
    let named = |instance: &Instance| (instance.name.clone(), instance.clone());
    let group = Group {
        name: "G".to_owned(),
        instances: group.iter().map(|name| (*name).to_owned()).collect(),
        ..Group::default()
    };
    let groups = if group.instances.is_empty() {
        IndexMap::new()
    } else {
        IndexMap::from([("G".to_owned(), group)])
    };
    Vrrp { instances: instances.iter().map(named).collect(), groups, ..Vrrp::default() }
}

fn started(vrrp: &Vrrp) -> (Routers, Instant) {
    let (mut routers, now) = (Routers::default(), Instant::now());
    routers.set(now, vrrp, |_| false);
    let up = InterfaceState { up: true, ipv4: Some([192, 0, 2, 1].into()), link_local: None };
    routers.learn_interface(now, "eth0", Some(up));
    (routers, now)
}

fn outputs(routers: &mut Routers) -> Vec<Output> {
    std::iter::from_fn(|| routers.poll_output()).collect()
}

fn roles(routers: &Routers) -> Vec<Role> {
    routers.status().iter().map(|status| status.role).collect()
}

/// What a virtual router was told to do, without words.
fn acts(routers: &mut Routers, name: &str) -> Vec<Act> {
    let of_name = |output| match output {
        Output::Router(instance, act) if instance.name == name => Some(act),
        _ => None,
    };
    outputs(routers).into_iter().filter_map(of_name).collect()
}

fn run_until(routers: &mut Routers, end: Instant) {
    while let Some(due) = routers.next_deadline().filter(|due| *due <= end) {
        routers.handle_timeout(due);
    }
}

#[test]
fn one_alone_becomes_master_and_tells_of_its_addresses_twice() {
    let (mut routers, now) = started(&definitions(&[instance("A", 1)], &[]));
    run_until(&mut routers, now + INTERVAL * 4);
    let acts = acts(&mut routers, "A");
    let told = [Act::Advertise { priority: 100 }, Act::Hold, Act::Announce { repeat: 5 }];
    assert!(acts.windows(3).any(|window| window == told), "{acts:?}");
    assert_eq!(roles(&routers), [Role::Master]);
    run_until(&mut routers, now + Duration::from_secs(6));
    let again = self::acts(&mut routers, "A");
    let rounds = again.iter().filter(|act| matches!(act, Act::Announce { .. })).count();
    assert_eq!(rounds, 1);
}

#[test]
fn without_a_link_or_an_address_it_is_at_fault_and_comes_back() {
    let (mut routers, now) = started(&definitions(&[instance("A", 1)], &[]));
    run_until(&mut routers, now + INTERVAL * 4);
    outputs(&mut routers);
    routers.learn_interface(now, "eth0", Some(InterfaceState::default()));
    assert_eq!(roles(&routers), [Role::Fault]);
    assert_eq!(routers.status()[0].why, "interface eth0 is down");
    let acts = acts(&mut routers, "A");
    assert_eq!(acts[..2], [Act::Advertise { priority: 0 }, Act::Release]);
    routers.learn_interface(now, "eth0", Some(InterfaceState { up: true, ..Default::default() }));
    assert_eq!(routers.status()[0].why, "interface eth0 has no IPv4 address");
    let up = InterfaceState { up: true, ipv4: Some([192, 0, 2, 1].into()), link_local: None };
    routers.learn_interface(now, "eth0", Some(up));
    assert_eq!(roles(&routers), [Role::Backup]);
}

#[test]
fn a_weight_changes_the_priority_of_the_next_advert() {
    let mut followed = instance("A", 1);
    followed.track.scripts = vec![Tracked { what: "check".to_owned(), weight: Some(-40) }];
    let (mut routers, now) = started(&definitions(&[followed], &[]));
    run_until(&mut routers, now + INTERVAL * 4);
    outputs(&mut routers);
    let fails = Fact::Fails { why: "fails".to_owned() };
    routers.learn(now, Subject::Script("check".to_owned()), fails);
    run_until(&mut routers, now + INTERVAL * 5);
    assert_eq!(acts(&mut routers, "A"), [Act::Advertise { priority: 60 }]);
}

#[test]
fn what_is_defined_as_before_goes_on_and_what_is_gone_leaves() {
    let both = definitions(&[instance("A", 1), instance("B", 2)], &[]);
    let (mut routers, now) = started(&both);
    let now = now + INTERVAL * 4;
    run_until(&mut routers, now);
    outputs(&mut routers);
    routers.set(now, &definitions(&[instance("A", 1)], &[]), |_| false);
    let left = outputs(&mut routers);
    assert!(left.iter().all(|output| matches!(output, Output::Router(of, _) if of.name == "B")));
    assert_eq!(roles(&routers), [Role::Master]);
    assert!(!routers.is_gone());
    run_until(&mut routers, now + INTERVAL * 3);
    let acts = acts(&mut routers, "B");
    assert!(acts.contains(&Act::Release), "{acts:?}");
}

#[test]
fn what_leaves_has_no_round_left_that_it_would_wake_for() {
    let mut soon = instance("A", 1);
    soon.garp.delay = INTERVAL;
    let (mut routers, now) = started(&definitions(&[soon], &[]));
    let now = now + INTERVAL * 4;
    run_until(&mut routers, now);
    routers.set(now, &Vrrp::default(), |_| false);
    let later = now + INTERVAL;
    routers.handle_timeout(later);
    assert!(routers.next_deadline().is_some_and(|due| due > later));
}

#[test]
fn addresses_that_come_and_go_are_put_right_at_once() {
    let (mut routers, now) = started(&definitions(&[instance("A", 1)], &[]));
    run_until(&mut routers, now + INTERVAL * 4);
    outputs(&mut routers);
    let mut more = instance("A", 1);
    more.addresses.push(VirtualAddress { address: ip(77), prefix: 32, interface: None });
    routers.set(now, &definitions(&[more], &[]), |_| false);
    assert_eq!(acts(&mut routers, "A"), [Act::Hold, Act::Announce { repeat: 5 }]);
}

#[test]
fn a_group_is_master_together_or_not_at_all() {
    let vrrp = definitions(&[instance("A", 1), instance("B", 2)], &["A", "B"]);
    let (mut routers, now) = started(&vrrp);
    let other = Heard { priority: 150, interval: INTERVAL, source: ip(2) };
    // B hears a master, so that A must not become one.
    for tick in 0..10 {
        run_until(&mut routers, now + INTERVAL * tick);
        routers.hear(now + INTERVAL * tick, "B", other);
    }
    assert_eq!(roles(&routers), [Role::Backup, Role::Backup]);
    run_until(&mut routers, now + INTERVAL * 14);
    assert_eq!(roles(&routers), [Role::Master, Role::Master]);
    let told = outputs(&mut routers);
    let groups = told.iter().filter_map(|output| match output {
        Output::Group { role, .. } => Some(*role),
        Output::Router(..) => None,
    });
    assert_eq!(groups.collect::<Vec<_>>(), [Role::Backup, Role::Master]);
    routers.hear(now + INTERVAL * 14, "A", other);
    assert_eq!(roles(&routers), [Role::Backup, Role::Backup]);
    let acts = acts(&mut routers, "B");
    assert_eq!(acts[..2], [Act::Advertise { priority: 0 }, Act::Release]);
}

#[test]
fn one_member_at_fault_takes_its_group_with_it() {
    let mut follows = instance("A", 1);
    follows.track.scripts = vec![Tracked { what: "check".to_owned(), weight: None }];
    let vrrp = definitions(&[follows, instance("B", 2)], &["A", "B"]);
    let (mut routers, now) = started(&vrrp);
    assert_eq!(roles(&routers), [Role::Init, Role::Backup], "the script has not run yet");
    routers.learn(now, Subject::Script("check".to_owned()), Fact::Works);
    run_until(&mut routers, now + INTERVAL * 5);
    assert_eq!(roles(&routers), [Role::Master, Role::Master]);
    let fails = Fact::Fails { why: "fails".to_owned() };
    routers.learn(now, Subject::Script("check".to_owned()), fails);
    assert_eq!(roles(&routers), [Role::Fault, Role::Fault]);
    assert_eq!(routers.status()[1].why, "A of its group: script check fails");
}

#[test]
fn an_operator_hands_a_group_over_and_takes_it_back() {
    let vrrp = definitions(&[instance("A", 1), instance("B", 2)], &["A", "B"]);
    let (mut routers, now) = started(&vrrp);
    run_until(&mut routers, now + INTERVAL * 4);
    assert!(routers.hand_over(now + INTERVAL * 4, Some("A")));
    assert!(!routers.hand_over(now, Some("C")));
    assert!(routers.status().iter().all(|status| status.handed_over && status.holds));
    assert_eq!(roles(&routers), [Role::Backup, Role::Backup]);
    assert!(routers.resume(None));
    assert!(routers.status().iter().all(|status| !status.handed_over));
}

#[test]
fn addresses_left_behind_by_one_at_fault_are_taken_off() {
    let (mut routers, now) = (Routers::default(), Instant::now());
    routers.set(now, &definitions(&[instance("A", 1)], &[]), |_| true);
    routers.learn_interface(now, "eth0", None);
    assert_eq!(acts(&mut routers, "A")[0], Act::Release);
}
