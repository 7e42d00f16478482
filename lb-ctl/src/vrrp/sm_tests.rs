use std::net::IpAddr;

use super::*;

const INTERVAL: Duration = Duration::from_millis(100);

fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn settings(priority: u8) -> Settings {
    Settings {
        version: Version::V3,
        priority,
        interval: INTERVAL,
        preempt: Preempt::default(),
        source: ip(1),
        grouped: false,
    }
}

fn heard(priority: u8, last: u8) -> Heard {
    Heard { priority, interval: INTERVAL, source: ip(last) }
}

fn outputs(machine: &mut Machine) -> Vec<Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

/// One that has just become master, and when.
fn master(priority: u8) -> (Machine, Instant) {
    let (mut machine, begin) = (Machine::new(settings(priority)), Instant::now());
    machine.start(begin, false);
    let now = begin + down_interval(Version::V3, priority, INTERVAL);
    machine.handle_timeout(now);
    assert_eq!(machine.role(), Role::Master);
    outputs(&mut machine);
    (machine, now)
}

#[test]
fn a_backup_takes_over_after_three_intervals_and_its_skew() {
    let (mut machine, begin) = (Machine::new(settings(100)), Instant::now());
    machine.start(begin, false);
    let due = begin + INTERVAL * 3 + INTERVAL * 156 / 256;
    assert_eq!(machine.next_deadline(), Some(due));
    machine.handle_timeout(due.checked_sub(Duration::from_nanos(1)).unwrap());
    assert_eq!(machine.role(), Role::Backup);
    outputs(&mut machine);
    machine.handle_timeout(due);
    let changed = Output::Changed { from: Role::Backup, to: Role::Master, why: Why::Silence };
    let expected = [Output::Advertise { priority: 100 }, Output::Hold, changed];
    assert_eq!(outputs(&mut machine), expected);
    assert_eq!(machine.next_deadline(), Some(due + INTERVAL));
}

#[test]
fn in_version_2_the_skew_is_of_a_second() {
    let interval = Duration::from_secs(5);
    let expected = Duration::from_secs(15) + Duration::from_secs(1) * 156 / 256;
    assert_eq!(down_interval(Version::V2, 100, interval), expected);
}

#[test]
fn the_owner_is_master_at_once() {
    let mut machine = Machine::new(settings(OWNER));
    machine.start(Instant::now(), false);
    assert_eq!(machine.role(), Role::Master);
}

#[test]
fn a_master_that_leaves_is_waited_for_no_longer_than_the_skew() {
    let (mut machine, begin) = (Machine::new(settings(200)), Instant::now());
    machine.start(begin, false);
    machine.handle_advert(begin, heard(0, 2));
    assert_eq!(machine.next_deadline(), Some(begin + INTERVAL * 56 / 256));
}

#[test]
fn the_masters_interval_counts_and_not_ones_own() {
    let (mut machine, begin) = (Machine::new(settings(100)), Instant::now());
    machine.start(begin, false);
    machine.handle_advert(begin, Heard { interval: INTERVAL * 10, ..heard(150, 2) });
    let wait = down_interval(Version::V3, 100, INTERVAL * 10);
    assert_eq!(machine.next_deadline(), Some(begin + wait));
}

#[test]
fn a_lower_master_is_preempted_unless_that_is_forbidden_or_too_soon() {
    let delay = INTERVAL * 20;
    for (preempt, after) in
        [(Preempt::default(), Some(4)), (Preempt::Never, None), (Preempt::After(delay), Some(23))]
    {
        let begin = Instant::now();
        let mut machine = Machine::new(Settings { preempt, ..settings(200) });
        machine.start(begin, false);
        let taken = (0..100).find(|tick| {
            let now = begin + INTERVAL * *tick;
            machine.handle_timeout(now);
            machine.handle_advert(now, heard(100, 2));
            machine.role() == Role::Master
        });
        assert_eq!(taken, after, "{preempt:?}");
    }
}

#[test]
fn why_it_takes_over_is_told_apart() {
    let preempt = Preempt::After(INTERVAL * 20);
    for (heard, why) in [
        (vec![], Why::Silence),
        (vec![heard(250, 2)], Why::Silence),
        // It is silent before it may be preempted.
        (vec![heard(100, 2)], Why::Silence),
        (vec![heard(100, 2); 30], Why::Preempted),
        (vec![heard(250, 2), heard(0, 2)], Why::MasterLeft),
    ] {
        let begin = Instant::now();
        let mut machine = Machine::new(Settings { preempt, ..settings(200) });
        machine.start(begin, false);
        for (tick, heard) in (0..).zip(heard) {
            machine.handle_timeout(begin + INTERVAL * tick);
            machine.handle_advert(begin + INTERVAL * tick, heard);
        }
        machine.handle_timeout(begin + INTERVAL * 100);
        let told = outputs(&mut machine).into_iter().rev().find_map(|output| match output {
            Output::Changed { to: Role::Master, why, .. } => Some(why),
            _ => None,
        });
        assert_eq!(told, Some(why));
    }
}

#[test]
fn a_master_answers_lower_ones_and_yields_to_higher_ones() {
    let (mut machine, mut now) = master(100);
    let answered = [Output::Advertise { priority: 100 }, Output::Announce];
    for lower in [heard(99, 9), heard(100, 0)] {
        now += INTERVAL / 10;
        machine.handle_advert(now, lower);
        assert_eq!(outputs(&mut machine), answered);
        machine.handle_advert(now, lower);
        assert_eq!(outputs(&mut machine), [], "one answer is enough at a time");
    }
    now += INTERVAL / 10;
    machine.handle_advert(now, heard(0, 9));
    assert_eq!(outputs(&mut machine), [Output::Advertise { priority: 100 }]);
    for higher in [heard(101, 0), heard(100, 2)] {
        let (mut machine, now) = master(100);
        machine.handle_advert(now, higher);
        let changed =
            Output::Changed { from: Role::Master, to: Role::Backup, why: Why::Higher(higher) };
        assert_eq!(outputs(&mut machine), [Output::Release, changed]);
        let wait = down_interval(Version::V3, 100, INTERVAL);
        assert_eq!(machine.next_deadline(), Some(now + wait));
    }
}

#[test]
fn what_is_handed_over_keeps_the_addresses_until_another_has_them() {
    let (mut machine, now) = master(200);
    machine.hand_over(now);
    let changed = Output::Changed { from: Role::Master, to: Role::Backup, why: Why::HandedOver };
    assert_eq!(outputs(&mut machine), [Output::Advertise { priority: 0 }, changed]);
    assert!(machine.holds());
    machine.handle_advert(now, heard(50, 2));
    assert_eq!(outputs(&mut machine), [Output::Release]);
    assert!(!machine.holds());
    // It has the lowest priority now, so that it takes over from nobody.
    machine.handle_advert(now + INTERVAL, heard(50, 2));
    let wait = INTERVAL * 3 + INTERVAL * 255 / 256;
    assert_eq!(machine.next_deadline(), Some(now + INTERVAL + wait));
    machine.resume();
    machine.handle_advert(now + INTERVAL * 2, heard(50, 2));
    let wait = INTERVAL * 3 + INTERVAL * 56 / 256;
    assert_eq!(machine.next_deadline(), Some(now + INTERVAL + wait));
}

#[test]
fn what_is_handed_over_to_nobody_goes_on() {
    let (mut machine, now) = master(200);
    machine.hand_over(now);
    outputs(&mut machine);
    machine.handle_timeout(now + INTERVAL * 4);
    assert_eq!(machine.role(), Role::Master);
    assert_eq!(outputs(&mut machine)[0], Output::Advertise { priority: 1 });
}

#[test]
fn one_that_leaves_waits_for_another_master_and_not_for_ever() {
    for by_advert in [true, false] {
        let (mut machine, now) = master(100);
        machine.stop(now, INTERVAL);
        let parting = outputs(&mut machine);
        assert_eq!(parting[0], Output::Advertise { priority: 0 });
        assert!(machine.holds());
        machine.handle_advert(now, heard(0, 2));
        assert!(machine.holds());
        if by_advert {
            machine.handle_advert(now, heard(100, 2));
        } else {
            let lowest = INTERVAL * 255 / 256 + ANSWER;
            assert_eq!(machine.next_deadline(), Some(now + lowest));
            machine.handle_timeout(now + lowest);
        }
        assert_eq!(outputs(&mut machine), [Output::Release, Output::Left]);
        assert_eq!(machine.next_deadline(), None);
    }
}

#[test]
fn a_fault_ends_all_at_once() {
    let (mut machine, now) = master(100);
    machine.fail();
    let changed = Output::Changed { from: Role::Master, to: Role::Fault, why: Why::Fault };
    let expected = [Output::Advertise { priority: 0 }, Output::Release, changed];
    assert_eq!(outputs(&mut machine), expected);
    machine.handle_advert(now, heard(50, 2));
    assert_eq!((machine.role(), machine.next_deadline()), (Role::Fault, None));
    machine.start(now, false);
    assert_eq!(machine.role(), Role::Backup);
}

#[test]
fn addresses_that_were_left_behind_stay_until_another_master_is_heard() {
    let (mut machine, begin) = (Machine::new(settings(100)), Instant::now());
    machine.start(begin, true);
    assert!(machine.holds());
    outputs(&mut machine);
    machine.handle_advert(begin, heard(50, 2));
    assert_eq!(outputs(&mut machine), [Output::Release]);
}

#[test]
fn adverts_keep_time_and_what_was_missed_is_not_made_up_for() {
    let (mut machine, now) = master(100);
    machine.handle_timeout(now + INTERVAL + INTERVAL / 10);
    assert_eq!(machine.next_deadline(), Some(now + INTERVAL * 2));
    let late = now + INTERVAL * 50;
    machine.handle_timeout(late);
    assert_eq!(outputs(&mut machine).len(), 2);
    assert_eq!(machine.next_deadline(), Some(late + INTERVAL));
}
