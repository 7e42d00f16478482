use proptest::prelude::*;

use super::*;
use crate::config::samples::{any_desired, desired, ip, tcp, udp};
use crate::config::{parse, render};

fn web() -> Endpoint {
    tcp("192.0.2.10", 80)
}

fn named(name: Option<&str>) -> ServiceChange {
    ServiceChange { name: name.map(str::to_owned), ..ServiceChange::default() }
}

fn kind(result: Result<Desired, EditError>) -> EditErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn adds_a_service_at_the_end() {
    let new = tcp("192.0.2.11", 443);
    let next = add_service(&desired(), new, &named(Some("tls"))).unwrap();
    assert_eq!(next.services.len(), 3);
    let (endpoint, service) = next.services.last().unwrap();
    assert_eq!((*endpoint, service.endpoint), (new, new));
    assert_eq!(service.name.as_deref(), Some("tls"));
    assert!(service.reals.is_empty());
}

#[test]
fn refuses_a_service_that_the_file_would_refuse() {
    let add = |endpoint, name: Option<&str>| kind(add_service(&desired(), endpoint, &named(name)));
    assert_eq!(add(web(), None), EditErrorKind::Exists);
    assert_eq!(add(tcp("224.0.0.1", 80), None), EditErrorKind::Refused);
    assert_eq!(add(tcp("192.0.2.11", 0), None), EditErrorKind::Refused);
    assert_eq!(add(tcp("192.0.2.11", 80), Some("web")), EditErrorKind::Refused);
    assert_eq!(add(tcp("192.0.2.11", 80), Some("")), EditErrorKind::Refused);
}

#[test]
fn a_real_cannot_become_a_vip_nor_a_vip_a_real() {
    let real = tcp("192.0.2.21", 8080);
    let refused = add_service(&desired(), real, &named(None)).unwrap_err();
    assert_eq!(refused.kind(), EditErrorKind::Refused);
    let words = "192.0.2.21 is a real of service tcp 192.0.2.10:80 and the VIP of service tcp \
                 192.0.2.21:8080";
    assert!(refused.to_string().starts_with(words), "{refused}");

    let other = tcp("192.0.2.11", 80);
    let two = add_service(&desired(), other, &named(None)).unwrap();
    assert_eq!(kind(add_real(&two, web(), other.address, 1)), EditErrorKind::Refused);
    let one = delete_service(&two, other).unwrap();
    assert!(add_real(&one, web(), other.address, 1).is_ok());
}

#[test]
fn edits_only_what_is_given() {
    let edit = |name| edit_service(&desired(), web(), &named(name)).unwrap();
    assert_eq!(edit(None), desired());
    assert_eq!(edit(Some("web")), desired());
    assert_eq!(edit(Some("www")).services[&web()].name.as_deref(), Some("www"));
    assert_eq!(edit(Some("")).services[&web()].name, None);
    let dns = udp("2001:db8::10", 53);
    assert_eq!(kind(edit_service(&desired(), dns, &named(Some("web")))), EditErrorKind::Refused);
    let absent = tcp("192.0.2.11", 80);
    assert_eq!(kind(edit_service(&desired(), absent, &named(None))), EditErrorKind::NotFound);
}

#[test]
fn tracking_and_idle_timeout_are_given_or_the_defaults() {
    let given = ServiceChange {
        tracking: Some(Tracking::None),
        idle_timeout: Some(5),
        ..ServiceChange::default()
    };
    let of = |result: Result<Desired, EditError>, endpoint| {
        let service = result.unwrap().services.swap_remove(&endpoint).unwrap();
        (service.tracking, service.idle_timeout)
    };
    let new = udp("192.0.2.11", 53);
    let added = |change: &ServiceChange| of(add_service(&desired(), new, change), new);
    assert_eq!(added(&ServiceChange::default()), (Tracking::Changes, 60));
    assert_eq!(added(&given), (Tracking::None, 5));
    let edited = |change: &ServiceChange| of(edit_service(&desired(), web(), change), web());
    assert_eq!(edited(&named(Some("www"))), (Tracking::Full, 300), "they stay");
    assert_eq!(edited(&given), (Tracking::None, 5));
    for idle_timeout in [Some(0), Some(rules::MAX_IDLE_SECS + 1)] {
        let bad = ServiceChange { idle_timeout, ..ServiceChange::default() };
        assert_eq!(kind(add_service(&desired(), new, &bad)), EditErrorKind::Refused);
        assert_eq!(kind(edit_service(&desired(), web(), &bad)), EditErrorKind::Refused);
    }
}

#[test]
fn deletes_a_service_and_keeps_the_order() {
    let third = tcp("192.0.2.11", 80);
    let three = add_service(&desired(), third, &named(None)).unwrap();
    let next = delete_service(&three, web()).unwrap();
    let left: Vec<_> = next.services.keys().copied().collect();
    assert_eq!(left, [udp("2001:db8::10", 53), third]);
    assert_eq!(kind(delete_service(&next, web())), EditErrorKind::NotFound);
}

#[test]
fn adds_edits_and_deletes_reals() {
    let new = ip("192.0.2.23");
    let next = add_real(&desired(), web(), new, 7).unwrap();
    assert_eq!(next.services[&web()].reals.last(), Some((&new, &Real::new(7))));
    assert_eq!(kind(add_real(&next, web(), new, 7)), EditErrorKind::Exists);
    let next = edit_real(&next, web(), new, 9).unwrap();
    assert_eq!(next.services[&web()].reals[&new], Real::new(9));
    let next = delete_real(&next, web(), ip("192.0.2.21")).unwrap();
    let left: Vec<_> = next.services[&web()].reals.keys().copied().collect();
    assert_eq!(left, [ip("192.0.2.22"), new]);
    assert_eq!(kind(delete_real(&next, web(), ip("192.0.2.21"))), EditErrorKind::NotFound);
    assert_eq!(kind(edit_real(&next, web(), ip("192.0.2.21"), 1)), EditErrorKind::NotFound);
}

#[test]
fn refuses_a_real_that_the_file_would_refuse() {
    for bad in ["2001:db8::21", "192.0.2.10", "127.0.0.1"] {
        assert_eq!(kind(add_real(&desired(), web(), ip(bad), 1)), EditErrorKind::Refused, "{bad}");
    }
}

#[test]
fn draining_keeps_the_weight() {
    let (first, second) = (ip("192.0.2.21"), ip("192.0.2.22"));
    let drained = drain(&desired(), web(), first).unwrap();
    assert_eq!(drained.services[&web()].reals[&first], Real { weight: 1, drained: true });
    assert_eq!(drain(&drained, web(), first).unwrap(), drained);
    assert_eq!(undrain(&drained, web(), first).unwrap(), desired());
    assert_eq!(undrain(&desired(), web(), first).unwrap(), desired());
    let edited = edit_real(&desired(), web(), second, 5).unwrap();
    assert_eq!(edited.services[&web()].reals[&second], Real { weight: 5, drained: true });
    assert_eq!(kind(drain(&desired(), web(), ip("192.0.2.29"))), EditErrorKind::NotFound);
    assert_eq!(kind(undrain(&desired(), web(), ip("192.0.2.29"))), EditErrorKind::NotFound);
}

#[test]
fn clearing_keeps_the_interfaces() {
    let cleared = clear(&desired()).unwrap();
    assert_eq!(cleared.interfaces, desired().interfaces);
    assert!(cleared.services.is_empty());
}

#[test]
fn an_unknown_service_may_be_there_for_the_other_protocol() {
    let error = drain(&desired(), udp("192.0.2.10", 80), ip("192.0.2.21")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no service udp 192.0.2.10:80: there is tcp 192.0.2.10:80 at the same address \
         and port, which -t names"
    );
    let error = delete_service(&desired(), tcp("192.0.2.99", 80)).unwrap_err().to_string();
    assert!(error.contains("`lb-ctl list`"), "{error}");
}

#[derive(Clone, Debug)]
enum Edit {
    NewService(Endpoint, Option<String>),
    Rename(Endpoint, String),
    Remember(Endpoint, Tracking, u32),
    NoService(Endpoint),
    NewReal(Endpoint, IpAddr, u16),
    Weight(Endpoint, IpAddr, u16),
    NoReal(Endpoint, IpAddr),
    Drain(Endpoint, IpAddr),
    Undrain(Endpoint, IpAddr),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let address = || {
        prop::sample::select(vec![
            "192.0.2.10",
            "192.0.2.21",
            "2001:db8::10",
            "2001:db8::21",
            "fe80::1",
            "224.0.0.1",
            "::ffff:192.0.2.10",
            "0.0.0.0",
        ])
        .prop_map(ip)
    };
    let endpoint = move || {
        (any::<bool>(), address(), 0..2_u16).prop_map(|(is_tcp, address, port)| {
            let protocol = if is_tcp { Protocol::Tcp } else { Protocol::Udp };
            Endpoint { protocol, address, port }
        })
    };
    let name = || "[ab\n]{0,1}";
    prop_oneof![
        3 => (endpoint(), prop::option::of(name())).prop_map(|(e, n)| Edit::NewService(e, n)),
        1 => (endpoint(), name()).prop_map(|(e, n)| Edit::Rename(e, n)),
        1 => (endpoint(), prop::sample::select(&Tracking::ALL), any::<u32>())
            .prop_map(|(e, t, idle)| Edit::Remember(e, t, idle >> (idle % 32))),
        1 => endpoint().prop_map(Edit::NoService),
        3 => (endpoint(), address(), any::<u16>()).prop_map(|(e, a, w)| Edit::NewReal(e, a, w)),
        1 => (endpoint(), address(), any::<u16>()).prop_map(|(e, a, w)| Edit::Weight(e, a, w)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::NoReal(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Drain(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Undrain(e, a)),
    ]
}

fn run(desired: &Desired, edit: Edit) -> Result<Desired, EditError> {
    match edit {
        Edit::NewService(endpoint, name) => add_service(desired, endpoint, &named(name.as_deref())),
        Edit::Rename(endpoint, name) => edit_service(desired, endpoint, &named(Some(&name))),
        Edit::Remember(endpoint, tracking, seconds) => {
            let change = ServiceChange {
                tracking: Some(tracking),
                idle_timeout: Some(seconds),
                ..ServiceChange::default()
            };
            edit_service(desired, endpoint, &change)
        }
        Edit::NoService(endpoint) => delete_service(desired, endpoint),
        Edit::NewReal(endpoint, real, weight) => add_real(desired, endpoint, real, weight),
        Edit::Weight(endpoint, real, weight) => edit_real(desired, endpoint, real, weight),
        Edit::NoReal(endpoint, real) => delete_real(desired, endpoint, real),
        Edit::Drain(endpoint, real) => drain(desired, endpoint, real),
        Edit::Undrain(endpoint, real) => undrain(desired, endpoint, real),
    }
}

proptest! {
    /// Whatever edits let through, the file takes as well: there is one copy of the rules.
    #[test]
    fn edits_lead_to_what_the_file_can_hold(
        start in any_desired(),
        edits in proptest::collection::vec(any_edit(), 1..60),
    ) {
        let end = edits.into_iter().fold(start, |desired, edit| {
            run(&desired, edit).unwrap_or(desired)
        });
        prop_assert_eq!(parse(&render(&end)), Ok(end));
    }
}
