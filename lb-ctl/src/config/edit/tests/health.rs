//! Checks, what follows from them, and reals that are taken out by hand.

use std::time::Duration;

use super::*;
use crate::config::check::{Check, Probe};
use crate::config::hook::HookCommand;
use crate::config::model::Hooks;

#[test]
fn disabling_keeps_weight_and_drain() {
    let (first, second) = (ip("192.0.2.21"), ip("192.0.2.22"));
    let disabled = disable(&desired(), web(), second).unwrap();
    let real = Real { weight: 2, drained: true, disabled: true };
    assert_eq!(disabled.services[&web()].reals[&second], real);
    assert_eq!(disable(&disabled, web(), second).unwrap(), disabled);
    assert_eq!(enable(&disabled, web(), second).unwrap(), desired());
    assert_eq!(enable(&desired(), web(), first).unwrap(), desired());
    assert_eq!(kind(disable(&desired(), web(), ip("192.0.2.29"))), EditErrorKind::NotFound);
    assert_eq!(kind(enable(&desired(), udp("192.0.2.10", 80), first)), EditErrorKind::NotFound);
}

#[test]
fn which_reals_are_checked_on_demand() {
    let (first, second) = (ip("192.0.2.21"), ip("192.0.2.22"));
    let refused = |desired: &Desired, endpoint, only| {
        let error = checked(desired, endpoint, only).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, words) = refused(&desired(), web(), None);
    assert_eq!(kind, EditErrorKind::Refused);
    assert!(words.contains("service tcp 192.0.2.10:80 has no check"), "{words}");
    let check = Some(Some(Check::new(Probe::Tcp)));
    let change = ServiceChange { check, ..ServiceChange::default() };
    let with = edit_service(&desired(), web(), &change).unwrap();
    assert_eq!(checked(&with, web(), None), Ok(vec![first, second]));
    assert_eq!(checked(&with, web(), Some(second)), Ok(vec![second]));
    let absent = refused(&with, tcp("192.0.2.11", 80), None).0;
    let no_real = refused(&with, web(), Some(ip("192.0.2.29"))).0;
    assert_eq!((absent, no_real), (EditErrorKind::NotFound, EditErrorKind::NotFound));
    let less = disable(&with, web(), second).unwrap();
    assert_eq!(checked(&less, web(), None), Ok(vec![first]));
    let (kind, words) = refused(&less, web(), Some(second));
    assert_eq!(kind, EditErrorKind::Refused);
    assert!(words.contains("is disabled and so not checked"), "{words}");
}

#[test]
fn checks_and_what_follows_are_changed_and_taken_off() {
    let command = || HookCommand::parse("/bin/up").ok();
    let given = ServiceChange {
        check: Some(Some(Check::new(Probe::Ping))),
        inhibit_on_failure: Some(true),
        quorum: Some(3),
        hysteresis: Some(2),
        slow_start: Some(Duration::from_secs(30)),
        hooks: HooksChange { up: Some(command()), ..HooksChange::default() },
        ..ServiceChange::default()
    };
    let healthy = changed(std::slice::from_ref(&given));
    let expected = Service {
        check: Some(Check::new(Probe::Ping)),
        inhibit_on_failure: true,
        quorum: 3,
        hysteresis: 2,
        slow_start: Duration::from_secs(30),
        hooks: Hooks { up: command(), ..Hooks::default() },
        ..Service::new(web())
    };
    assert_eq!(healthy, expected);
    let off = ServiceChange {
        check: Some(None),
        inhibit_on_failure: Some(false),
        quorum: Some(1),
        hysteresis: Some(0),
        slow_start: Some(Duration::ZERO),
        hooks: HooksChange { up: Some(None), ..HooksChange::default() },
        ..ServiceChange::default()
    };
    assert_eq!(changed(&[given.clone(), named(None)]), Service { name: None, ..expected });
    assert_eq!(changed(&[given, off]), Service::new(web()));
}

#[test]
fn what_follows_from_checks_must_go_together() {
    let range = Endpoint { port: Ports::range(8000, 8100).unwrap(), ..web() };
    let ranged = add_service(&desired(), range, &named(None)).unwrap();
    let tcp_check =
        ServiceChange { check: Some(Some(Check::new(Probe::Tcp))), ..ServiceChange::default() };
    let slow =
        ServiceChange { slow_start: Some(Duration::from_secs(1)), ..scheduled(Scheduler::Rr) };
    let never = ServiceChange { hysteresis: Some(1), ..ServiceChange::default() };
    for (endpoint, change, words) in [
        (range, tcp_check, "has no single port"),
        (web(), slow, "scheduler rr gives every real the same share"),
        (web(), never, "hysteresis 1 is not below the quorum 1"),
    ] {
        let error = edit_service(&ranged, endpoint, &change).unwrap_err();
        assert_eq!(error.kind(), EditErrorKind::Refused);
        assert!(error.to_string().contains(words), "{error}");
    }
}
