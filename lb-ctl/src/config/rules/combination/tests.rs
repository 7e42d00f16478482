use super::*;
use crate::config::model::Persistence;
use crate::config::samples::{ip, tcp, whole};

fn plain() -> Service {
    Service::new(tcp("192.0.2.10", 80))
}

fn with(change: impl FnOnce(&mut Service)) -> Service {
    let mut service = plain();
    change(&mut service);
    service
}

/// By which property the service breaks which rule.
#[track_caller]
fn breaks(service: &Service, key: &str, words: &str) {
    let broken = super::service(service).unwrap_err();
    assert_eq!(broken.path.to_string(), key, "{broken:?}");
    assert!(broken.error.to_string().contains(words), "{}", broken.error);
}

fn persistent() -> Persistence {
    Persistence { timeout: 300, prefix: 32 }
}

#[test]
fn what_goes_together() {
    assert_eq!(super::service(&plain()), Ok(()));
    assert_eq!(super::service(&whole()), Ok(()));
    for scheduler in Scheduler::ALL {
        let service = with(|service| {
            service.scheduler = scheduler;
            service.tracking = service.default_tracking();
        });
        assert_eq!(super::service(&service), Ok(()), "{scheduler:?}");
    }
}

#[test]
fn only_mh_has_a_choice_of_hash() {
    for scheduler in Scheduler::ALL.into_iter().filter(|one| *one != Scheduler::Mh) {
        let service = with(|service| {
            service.scheduler = scheduler;
            service.hash = Hash::Source;
            service.tracking = Tracking::Full;
        });
        breaks(&service, "hash", "only mh does");
    }
}

#[test]
fn persistence_goes_with_all_but_sh() {
    for scheduler in Scheduler::ALL {
        let service = with(|service| {
            service.scheduler = scheduler;
            service.persistence = Some(persistent());
            service.tracking = Tracking::Full;
        });
        match scheduler {
            Scheduler::Sh => breaks(&service, "persistence", "sh has no persistence"),
            _ => assert_eq!(super::service(&service), Ok(()), "{scheduler:?}"),
        }
    }
    let long = with(|service| {
        service.persistence = Some(Persistence { timeout: 300, prefix: 33 });
        service.tracking = Tracking::Full;
    });
    breaks(&long, "persistence", "netmask 33");
}

#[test]
fn what_must_be_remembered_needs_full_tracking() {
    for tracking in [Tracking::Changes, Tracking::None] {
        let persistent = with(|service| {
            service.persistence = Some(persistent());
            service.tracking = tracking;
        });
        breaks(&persistent, "tracking", "persistence needs tracking full");
        let kept = with(|service| {
            service.expire_nodest = false;
            service.tracking = tracking;
        });
        breaks(&kept, "tracking", "expire_nodest false needs tracking full");
        for scheduler in Scheduler::ALL {
            let service = with(|service| {
                service.scheduler = scheduler;
                service.tracking = tracking;
            });
            match scheduler {
                Scheduler::Mh | Scheduler::Sh => assert_eq!(super::service(&service), Ok(())),
                _ => breaks(&service, "tracking", "needs tracking full, since the packet"),
            }
        }
    }
}

#[test]
fn prefixes_of_one_family_and_once_each() {
    let lists = |allow: &[&str], deny: &[&str]| {
        let read = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        with(|service| service.sources = Sources { allow: read(allow), deny: read(deny) })
    };
    let foreign = lists(&["198.51.100.0/24", "2001:db8::/32"], &[]);
    breaks(&foreign, "allow[1]", "2001:db8::/32 is not of the family of the VIP 192.0.2.10");
    let twice = lists(&[], &["198.51.100.0/24", "10.0.0.0/8", "198.51.100.0/24"]);
    breaks(&twice, "deny[2]", "198.51.100.0/24 stands in deny already");
    let both = lists(&["198.51.100.0/24"], &["10.0.0.0/8", "198.51.100.0/24"]);
    breaks(&both, "deny[1]", "198.51.100.0/24 is both allowed and denied");
    let longer = lists(&["198.51.100.0/24"], &["198.51.100.0/25", "0.0.0.0/0"]);
    assert_eq!(super::service(&longer), Ok(()));
}

#[test]
fn a_sorry_server_is_a_server_of_its_own() {
    let sorry = |address: &str| with(|service| service.sorry_server = Some(ip(address)));
    assert_eq!(super::service(&sorry("192.0.2.99")), Ok(()));
    for (address, words) in [
        ("2001:db8::99", "sorry server 2001:db8::99 is IPv6 and its VIP 192.0.2.10 is IPv4"),
        ("192.0.2.10", "sorry server 192.0.2.10 is the VIP of its own service"),
        ("127.0.0.1", "sorry server 127.0.0.1 is a loopback address"),
    ] {
        breaks(&sorry(address), "sorry_server", words);
    }
    let mut service = sorry("192.0.2.21");
    service.reals.insert(ip("192.0.2.21"), crate::config::model::Real::new(1));
    breaks(&service, "sorry_server", "sorry server 192.0.2.21 is a real of its own service");
}
