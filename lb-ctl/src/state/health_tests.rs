use lb_common::key::Protocol;
use proptest::prelude::*;

use super::*;
use crate::config::check::{Check, Probe};
use crate::config::model::Real;

const SECOND: Duration = Duration::from_secs(1);

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn endpoint() -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: address(10), port: 80.into() }
}

fn checked(reals: &[(u8, u16)]) -> Service {
    let mut service = Service::new(endpoint());
    service.check = Some(Check::new(Probe::Tcp));
    service.reals =
        reals.iter().map(|(last, weight)| (address(*last), Real::new(*weight))).collect();
    service
}

fn desired(service: &Service) -> Desired {
    Desired { services: [(service.endpoint, service.clone())].into(), ..Desired::default() }
}

fn following(service: &Service, known: Condition) -> Health {
    let mut health = Health::default();
    health.follow(&desired(service), |_| known);
    health
}

#[test]
fn a_real_that_failed_is_out_or_keeps_what_it_has() {
    let mut service = checked(&[(21, 1)]);
    for (condition, inhibits, standing) in [
        (Condition::Up, false, Standing::In),
        (Condition::Down, false, Standing::Out),
        (Condition::Unknown, false, Standing::Out),
        (Condition::Down, true, Standing::Inhibited),
        (Condition::Up, true, Standing::In),
    ] {
        service.inhibit_on_failure = inhibits;
        let health = following(&service, condition);
        assert_eq!(health.standing(&service, address(21)), standing, "{condition:?}");
    }
}

#[test]
fn a_disabled_real_is_out_and_not_checked() {
    let mut service = checked(&[(21, 1)]);
    service.reals[0].disabled = true;
    let health = following(&service, Condition::Up);
    assert_eq!(health.standing(&service, address(21)), Standing::Out);
    assert_eq!(health.condition(&(endpoint(), address(21))), None);
    service.check = None;
    assert_eq!(Health::default().standing(&service, address(21)), Standing::Out);
}

#[test]
fn what_is_known_stays_known_while_a_real_is_checked() {
    let mut service = checked(&[(21, 1)]);
    let mut health = following(&service, Condition::Unknown);
    health.set(&service, address(21), Condition::Up, Instant::now());
    service.reals.insert(address(22), Real::new(1));
    health.follow(&desired(&service), |_| Condition::Unknown);
    let condition = |health: &Health, last| health.condition(&(endpoint(), address(last)));
    assert_eq!(condition(&health, 21), Some(Condition::Up));
    assert_eq!(condition(&health, 22), Some(Condition::Unknown));
    service.check = None;
    health.follow(&desired(&service), |_| Condition::Unknown);
    assert_eq!(condition(&health, 21), None);
}

#[test]
fn a_share_grows_with_time() {
    let mut service = checked(&[(21, 2), (22, 4)]);
    service.slow_start = 40 * SECOND;
    let mut health = following(&service, Condition::Down);
    let begin = Instant::now();
    health.set(&service, address(21), Condition::Up, begin);
    let shares = |health: &Health| {
        let mut weights = [(address(21), 2), (address(22), 4)];
        health.shares(&service, &mut weights);
        weights.map(|(_, weight)| weight)
    };
    assert_eq!(shares(&health), [2, 80], "a twentieth");
    assert_eq!(health.next_rise(), Some(begin + 2 * SECOND));
    assert_eq!(health.handle_rises(&desired(&service), begin + SECOND), []);
    assert_eq!(health.handle_rises(&desired(&service), begin + 20 * SECOND), [endpoint()]);
    assert_eq!(shares(&health), [20, 80], "half");
    assert_eq!(health.next_rise(), Some(begin + 22 * SECOND));
    assert_eq!(health.handle_rises(&desired(&service), begin + 50 * SECOND), [endpoint()]);
    assert_eq!(shares(&health), [2, 4], "all");
    assert_eq!(health.next_rise(), None);
}

#[test]
fn a_short_start_has_steps_of_a_second() {
    let mut service = checked(&[(21, 1)]);
    service.slow_start = 4 * SECOND;
    let mut health = following(&service, Condition::Down);
    let begin = Instant::now();
    health.set(&service, address(21), Condition::Up, begin);
    let mut steps = 0;
    while let Some(due) = health.next_rise() {
        health.handle_rises(&desired(&service), due);
        steps += 1;
    }
    assert_eq!(steps, 4);
}

#[test]
fn one_that_fails_while_it_rises_begins_again() {
    let mut service = checked(&[(21, 1)]);
    service.slow_start = 40 * SECOND;
    let mut health = following(&service, Condition::Down);
    let begin = Instant::now();
    health.set(&service, address(21), Condition::Up, begin);
    health.set(&service, address(21), Condition::Down, begin + SECOND);
    assert_eq!(health.next_rise(), None);
    health.set(&service, address(21), Condition::Up, begin + 9 * SECOND);
    assert_eq!(health.next_rise(), Some(begin + 11 * SECOND));
}

#[test]
fn the_quorum_has_hysteresis() {
    let mut service = checked(&[]);
    (service.quorum, service.hysteresis) = (3, 1);
    let mut health = Health::default();
    let mut count = |weight| health.count(&service, weight, false);
    assert_eq!(count(3), Some(true), "the first time the quorum itself counts");
    assert_eq!(count(2), None);
    assert_eq!(count(1), Some(false));
    assert_eq!(count(3), None);
    assert_eq!(count(4), Some(true));
}

#[test]
fn a_quorum_is_not_lost_before_anything_is_known() {
    let service = checked(&[(21, 1)]);
    let mut health = Health::default();
    assert_eq!(health.count(&service, 0, true), None);
    assert!(health.is_quorate(&endpoint()));
    assert_eq!(health.count(&service, 0, false), Some(false));
    assert!(!health.is_quorate(&endpoint()));
}

proptest! {
    /// However weights and shares are, who has a weight keeps one, and whoever rises has no more
    /// than his weight gives him.
    #[test]
    fn shares_stay_weights(
        weights in prop::collection::vec(any::<u16>(), 1..10),
        passed in 0..60_u64,
    ) {
        let reals: Vec<(u8, u16)> = (21..).zip(weights.iter().copied()).collect();
        let mut service = checked(&reals);
        service.slow_start = 40 * SECOND;
        let mut health = following(&service, Condition::Down);
        let begin = Instant::now();
        health.set(&service, address(21), Condition::Up, begin);
        health.handle_rises(&desired(&service), begin + SECOND * u32::try_from(passed).unwrap());
        let mut shares: Vec<(IpAddr, u16)> =
            reals.iter().map(|(last, weight)| (address(*last), *weight)).collect();
        health.shares(&service, &mut shares);
        for ((_, share), weight) in shares.iter().zip(&weights) {
            prop_assert_eq!(*share == 0, *weight == 0);
        }
        let of = |index: usize| f64::from(shares[index].1) / f64::from(weights[index].max(1));
        for other in 1..weights.len() {
            if weights[other] > 1000 && weights[0] > 1000 {
                prop_assert!(of(0) <= of(other) * 1.05 + 0.01);
            }
        }
    }
}
