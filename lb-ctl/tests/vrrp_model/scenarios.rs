//! Runs that are told step by step, and what the properties rest on: that the watch sees faults.

use std::time::Duration;

use lb_ctl::config::vrrp::{Preempt, Version};
use lb_ctl::vrrp::sm::{Role, down_interval};

use crate::director::First;
use crate::setup::Setup;
use crate::world::{Event, World};

const INTERVAL: Duration = Duration::from_millis(100);
/// The way of two adverts.
const ROUND: Duration = Duration::from_millis(2);

/// Two directors, of which the first is master.
fn two(preempt: Preempt) -> World {
    let mut setup = Setup::new(Version::V3, INTERVAL, &[150, 100]);
    for part in &mut setup.parts {
        part.preempt = preempt;
    }
    let mut world = World::new(&setup);
    world.wait(INTERVAL * 10);
    assert_eq!(world.masters(), [0]);
    world
}

#[test]
fn a_killed_master_is_missed_when_the_down_interval_is_over() {
    let mut world = two(Preempt::default());
    world.happen(&Event::Kill(0));
    // Its last advert was at most an interval ago.
    let down = down_interval(Version::V3, 100, INTERVAL);
    world.wait(down.saturating_sub(INTERVAL));
    assert!(world.masters().is_empty());
    world.wait(INTERVAL + ROUND);
    assert_eq!(world.masters(), [1]);
}

#[test]
fn addresses_that_a_killed_one_left_are_dropped_when_it_hears_the_new_master() {
    let mut world = two(Preempt::Never);
    world.happen(&Event::Kill(0));
    world.wait(INTERVAL * 10);
    world.happen(&Event::Begin(0));
    assert!(world.directors[0].held.contains(&0));
    world.wait(INTERVAL + ROUND);
    assert!(world.directors[0].held.is_empty());
    world.wait(INTERVAL * 100);
    assert_eq!(world.masters(), [1], "nobody is to be preempted");
}

#[test]
fn a_parted_network_heals_to_the_higher_one() {
    for cuts in [&[(0, 1), (1, 0)][..], &[(0, 1)]] {
        let mut world = two(Preempt::Never);
        for (from, to) in cuts {
            world.happen(&Event::Cut(*from, *to, 0));
        }
        world.wait(INTERVAL * 10);
        assert_eq!(world.masters(), [0, 1]);
        world.happen(&Event::Heal);
        world.wait(INTERVAL + ROUND);
        assert_eq!(world.masters(), [0]);
    }
}

#[test]
fn a_suspended_master_answers_all_that_it_missed_at_once() {
    for first in [First::Packets, First::Timers] {
        let mut world = two(Preempt::default());
        world.happen(&Event::Suspend(0));
        world.wait(INTERVAL * 50);
        assert_eq!(world.masters(), [0, 1]);
        let sent = world.adverts;
        world.happen(&Event::Wake(0, first));
        assert_eq!(world.adverts - sent, 1);
        world.wait(ROUND);
        assert_eq!(world.masters(), [0]);
    }
}

#[test]
fn a_suspended_backup_hears_what_it_missed_before_it_wonders_at_silence() {
    for first in [First::Packets, First::Timers] {
        let mut world = two(Preempt::default());
        world.happen(&Event::Suspend(1));
        world.wait(INTERVAL * 50);
        let changes = world.directors[1].changes;
        world.happen(&Event::Wake(1, first));
        world.wait(ROUND);
        assert_eq!(world.masters(), [0]);
        let is_calm = world.directors[1].changes == changes;
        assert_eq!(is_calm, first == First::Packets, "{first:?}");
    }
}

/// The network of one member is parted: its director must not stay master of it alone.
#[test]
fn a_group_is_nowhere_master_of_a_part() {
    let setup = Setup { routers: vec![1, 1], ..Setup::new(Version::V3, INTERVAL, &[100, 150]) };
    let mut world = World::new(&setup);
    world.happen(&Event::Stop(1));
    world.wait(INTERVAL * 10);
    assert_eq!(world.masters(), [0]);
    for (from, to) in [(0, 1), (1, 0)] {
        world.happen(&Event::Cut(from, to, 1));
    }
    world.happen(&Event::Begin(1));
    world.wait(INTERVAL * 10);
    let roles = [0, 1].map(|at| [0, 1].map(|router| world.directors[at].role(router)));
    assert_eq!(roles, [[Role::Backup; 2], [Role::Master; 2]]);
}

#[test]
#[should_panic(expected = "have the same addresses for")]
fn the_watch_sees_two_that_have_the_addresses() {
    let mut world = two(Preempt::default());
    world.directors[1].held.insert(0);
    world.wait(INTERVAL * 3);
}

#[test]
#[should_panic(expected = "nobody has the addresses")]
fn the_watch_sees_a_gap_in_a_handover() {
    let mut world = two(Preempt::default());
    world.happen(&Event::HandOver(0));
    world.directors[0].held.clear();
    world.wait(INTERVAL * 3);
}
