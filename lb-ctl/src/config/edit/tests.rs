use lb_common::limits::DEFAULT_SOURCES;

use super::*;
use crate::config::model::{Hash, Persistence, Ports, Scheduler, Tracking};
use crate::config::parse;
use crate::config::samples::vrrp::VRRP;
use crate::config::samples::{desired, ip, tcp, udp};

mod health;
mod sequences;

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
}

/// The web service after these changes, one after the other.
#[track_caller]
fn changed(changes: &[ServiceChange]) -> Service {
    let plain = Service::new(web());
    let start = Desired { services: [(web(), plain)].into(), ..Desired::default() };
    let edit = |desired, change| edit_service(&desired, web(), change).unwrap();
    changes.iter().fold(start, edit).services.swap_remove(&web()).unwrap()
}

fn scheduled(scheduler: Scheduler) -> ServiceChange {
    ServiceChange { scheduler: Some(scheduler), ..ServiceChange::default() }
}

fn persistent(timeout: Option<u32>, prefix: Option<u8>) -> ServiceChange {
    let persistence = Some(PersistenceChange::On { timeout, prefix });
    ServiceChange { persistence, ..ServiceChange::default() }
}

#[test]
fn tracking_follows_its_default_unless_it_was_given() {
    let off =
        ServiceChange { persistence: Some(PersistenceChange::Off), ..ServiceChange::default() };
    let remember =
        |tracking| ServiceChange { tracking: Some(tracking), ..ServiceChange::default() };
    let wlc = || scheduled(Scheduler::Wlc);
    let on = || persistent(Some(300), None);
    let of = |changes: &[ServiceChange]| changed(changes).tracking;
    assert_eq!(of(&[wlc()]), Tracking::Full);
    assert_eq!(of(&[wlc(), scheduled(Scheduler::Sh)]), Tracking::Changes);
    assert_eq!(of(&[on()]), Tracking::Full);
    assert_eq!(of(&[on(), off.clone()]), Tracking::Changes);
    assert_eq!(of(&[remember(Tracking::Full), on()]), Tracking::Full);
    let given = ServiceChange { tracking: Some(Tracking::None), ..wlc() };
    let start = Desired { services: [(web(), Service::new(web()))].into(), ..Desired::default() };
    assert_eq!(kind(edit_service(&start, web(), &given)), EditErrorKind::Refused);
    let forgets = edit_service(&start, web(), &remember(Tracking::None)).unwrap();
    assert_eq!(kind(edit_service(&forgets, web(), &on())), EditErrorKind::Refused);
}

#[test]
fn a_hash_goes_with_mh() {
    let hash = |hash| ServiceChange { hash: Some(hash), ..ServiceChange::default() };
    assert_eq!(changed(&[hash(Hash::Source)]).hash, Hash::Source);
    assert_eq!(changed(&[hash(Hash::Source), named(Some("x"))]).hash, Hash::Source);
    assert_eq!(changed(&[hash(Hash::Source), scheduled(Scheduler::Rr)]).hash, Hash::Tuple);
    for given in Hash::ALL {
        let both = ServiceChange { hash: Some(given), ..scheduled(Scheduler::Sh) };
        let error = edit_service(&desired(), web(), &both).unwrap_err().to_string();
        assert!(error.contains("it hashes the client's address"), "{error}");
    }
}

#[test]
fn persistence_is_changed_in_part() {
    let of = |changes: &[ServiceChange]| changed(changes).persistence;
    let expected = |timeout, prefix| Some(Persistence { timeout, prefix });
    let on = || persistent(Some(300), None);
    assert_eq!(of(&[on()]), expected(300, 32));
    assert_eq!(of(&[on(), persistent(None, Some(24))]), expected(300, 24));
    assert_eq!(
        of(&[on(), persistent(None, Some(24)), persistent(Some(60), None)]),
        expected(60, 24)
    );
    let alone = edit_service(&desired(), web(), &persistent(None, Some(24))).unwrap_err();
    let words = "a netmask belongs to persistence, which service tcp 192.0.2.10:80 does not have";
    assert!(alone.to_string().starts_with(words), "{alone}");
}

#[test]
fn ports_belong_to_one_service() {
    let at = |ports: &str| Endpoint { port: ports.parse().unwrap(), ..web() };
    let add = |ports| add_service(&desired(), at(ports), &named(None));
    for ports in ["80-81", "79-80", "1-65535"] {
        let error = add(ports).unwrap_err();
        assert_eq!(error.kind(), EditErrorKind::Refused);
        assert!(error.to_string().contains("service tcp 192.0.2.10:80 share ports"), "{error}");
    }
    for ports in ["0", "81-90", "79"] {
        assert!(add(ports).is_ok(), "{ports}");
    }
    let other = Endpoint { protocol: Protocol::Udp, ..at("80-81") };
    assert!(add_service(&desired(), other, &named(None)).is_ok());
}

#[test]
fn a_sorry_server_is_no_vip_and_no_real() {
    let sorry = |address: &str| ServiceChange {
        sorry_server: Some(Some(ip(address))),
        ..ServiceChange::default()
    };
    let with = edit_service(&desired(), web(), &sorry("192.0.2.99")).unwrap();
    assert_eq!(with.services[&web()].sorry_server, Some(ip("192.0.2.99")));
    assert_eq!(kind(add_real(&with, web(), ip("192.0.2.99"), 1)), EditErrorKind::Refused);
    let new = tcp("192.0.2.99", 80);
    assert_eq!(kind(add_service(&with, new, &named(None))), EditErrorKind::Refused);
    let two = add_service(&desired(), tcp("192.0.2.98", 80), &named(None)).unwrap();
    let error = edit_service(&two, web(), &sorry("192.0.2.98")).unwrap_err();
    assert!(error.to_string().contains("VIP of service tcp 192.0.2.98:80"), "{error}");
    let off = ServiceChange { sorry_server: Some(None), ..ServiceChange::default() };
    assert_eq!(edit_service(&with, web(), &off), Ok(desired()));
}

#[test]
fn prefixes_of_all_services_fit_the_tables() {
    let many = |count: u32| ServiceChange {
        deny: Some((0..count).map(|n| IpAddr::from(n.to_be_bytes()).into()).collect()),
        ..ServiceChange::default()
    };
    let half = DEFAULT_SOURCES / 2;
    let first = edit_service(&desired(), web(), &many(half)).unwrap();
    let other = tcp("192.0.2.11", 80);
    assert!(add_service(&first, other, &many(half)).is_ok());
    let error = add_service(&first, other, &many(half + 1)).unwrap_err().to_string();
    assert!(error.contains("65537 prefixes of sources"), "{error}");
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
    assert_eq!(drained.services[&web()].reals[&first], Real { drained: true, ..Real::new(1) });
    assert_eq!(drain(&drained, web(), first).unwrap(), drained);
    assert_eq!(undrain(&drained, web(), first).unwrap(), desired());
    assert_eq!(undrain(&desired(), web(), first).unwrap(), desired());
    let edited = edit_real(&desired(), web(), second, 5).unwrap();
    assert_eq!(edited.services[&web()].reals[&second], Real { drained: true, ..Real::new(5) });
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
fn a_service_that_is_followed_stays() {
    let desired = parse(VRRP).unwrap();
    let (web, dns) = (tcp("192.0.2.10", 80), udp("192.0.2.10", 53));
    for refused in [delete_service(&desired, web), delete_service(&desired, dns), clear(&desired)] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), EditErrorKind::Refused);
        let message = error.to_string();
        assert!(message.contains("is followed by instance \"VI_1\": take it out"), "{message}");
    }
    let mut free = desired.clone();
    free.vrrp.instances["VI_1"].track.services.clear();
    assert_eq!(clear(&free).unwrap().vrrp, free.vrrp, "virtual routers stay");
    free.vrrp.groups["G"].track.services = desired.vrrp.instances["VI_1"].track.services.clone();
    let message = delete_service(&free, dns).unwrap_err().to_string();
    assert!(message.contains("is followed by group \"G\""), "{message}");
}

#[test]
fn what_moves_is_no_target() {
    let desired = parse(VRRP).unwrap();
    let web = tcp("192.0.2.10", 80);
    let message = add_real(&desired, web, ip("192.0.2.12"), 1).unwrap_err().to_string();
    let words =
        "192.0.2.12 is a real of service tcp 192.0.2.10:80 and an address of instance \"VI_1\"";
    assert!(message.starts_with(words), "{message}");
    let sorry =
        ServiceChange { sorry_server: Some(Some(ip("192.0.2.13"))), ..ServiceChange::default() };
    let message = edit_service(&desired, web, &sorry).unwrap_err().to_string();
    assert!(message.contains("the sorry server of service tcp 192.0.2.10:80"), "{message}");
    let elsewhere = tcp("192.0.2.11", 80);
    assert!(add_service(&desired, elsewhere, &ServiceChange::default()).is_ok(), "a VIP may move");
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

#[test]
fn a_port_within_a_range_does_not_name_it() {
    let range = Endpoint { port: Ports::range(8000, 8100).unwrap(), ..web() };
    let ranged = add_service(&desired(), range, &named(None)).unwrap();
    let error = delete_service(&ranged, tcp("192.0.2.10", 8000)).unwrap_err();
    assert_eq!(error.kind(), EditErrorKind::NotFound);
    let words = "its ports are among those of tcp 192.0.2.10:8000-8100";
    assert!(error.to_string().contains(words), "{error}");
}
