//! Any edits, one after the other.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::config::samples::any_desired;
use crate::config::samples::health::{any_check, any_hooks};
use crate::config::{parse, render};

#[derive(Clone, Debug)]
enum Edit {
    NewService(Endpoint, Option<String>),
    Rename(Endpoint, String),
    Change(Endpoint, Box<ServiceChange>),
    NoService(Endpoint),
    NewReal(Endpoint, IpAddr, u16),
    Weight(Endpoint, IpAddr, u16),
    NoReal(Endpoint, IpAddr),
    Drain(Endpoint, IpAddr),
    Undrain(Endpoint, IpAddr),
    Disable(Endpoint, IpAddr),
    Enable(Endpoint, IpAddr),
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    let texts = [
        "192.0.2.10",
        "192.0.2.21",
        "2001:db8::10",
        "2001:db8::21",
        "fe80::1",
        "224.0.0.1",
        "::ffff:192.0.2.10",
        "0.0.0.0",
    ];
    select(texts.map(ip).to_vec())
}

/// Ports of which some overlap.
fn any_port() -> impl Strategy<Value = Ports> {
    select(vec![Ports::ANY, 1.into(), 2.into(), Ports::range(1, 2).expect("a range")])
}

fn any_change() -> impl Strategy<Value = ServiceChange> {
    let persistence = prop_oneof![
        Just(PersistenceChange::Off),
        (option::of(1..9_u32), option::of(1..=128_u8))
            .prop_map(|(timeout, prefix)| PersistenceChange::On { timeout, prefix }),
    ];
    let prefixes = || {
        let all = ["0.0.0.0/0", "198.51.100.0/24", "2001:db8::/32"];
        let all = all.map(|text| text.parse().expect("a prefix"));
        option::of(vec(select(all.to_vec()), 0..3))
    };
    let sorry = option::of(option::of(any_address()));
    let scheduling = (
        option::of(select(&Scheduler::ALL)),
        option::of(select(&Hash::ALL)),
        option::of(persistence),
        option::of(select(&Tracking::ALL)),
        option::of(any::<bool>()),
    );
    let times = (option::of(1..99_u32), option::of(1..99_u32));
    (scheduling, times, prefixes(), prefixes(), sorry).prop_map(
        |((scheduler, hash, persistence, tracking, expire_nodest), times, allow, deny, sorry)| {
            ServiceChange {
                scheduler,
                hash,
                persistence,
                tracking,
                idle_timeout: times.0,
                timeouts: TimeoutsChange { fin: times.1, ..TimeoutsChange::default() },
                expire_nodest,
                allow,
                deny,
                sorry_server: sorry,
                ..ServiceChange::default()
            }
        },
    )
}

/// Of what does not go together too: checks that need a port or come from the other family.
fn any_health() -> impl Strategy<Value = ServiceChange> {
    let numbers = (option::of(1..4_u32), option::of(0..4_u32));
    let slow_start = option::of((0..3_u64).prop_map(Duration::from_secs));
    let check = option::of(option::of(any_check()));
    (check, option::of(any::<bool>()), numbers, slow_start, option::of(any_hooks())).prop_map(
        |(check, inhibit_on_failure, (quorum, hysteresis), slow_start, hooks)| {
            let hooks = hooks.map_or_else(HooksChange::default, |hooks| HooksChange {
                up: Some(hooks.up),
                down: Some(hooks.down),
                quorum_up: Some(hooks.quorum_up),
                quorum_down: Some(hooks.quorum_down),
            });
            ServiceChange {
                check,
                inhibit_on_failure,
                quorum,
                hysteresis,
                slow_start,
                hooks,
                ..ServiceChange::default()
            }
        },
    )
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let address = any_address;
    let endpoint = move || {
        (any::<bool>(), address(), any_port()).prop_map(|(is_tcp, address, port)| {
            let protocol = if is_tcp { Protocol::Tcp } else { Protocol::Udp };
            Endpoint { protocol, address, port }
        })
    };
    let name = || "[ab\n]{0,1}";
    prop_oneof![
        3 => (endpoint(), option::of(name())).prop_map(|(e, n)| Edit::NewService(e, n)),
        1 => (endpoint(), name()).prop_map(|(e, n)| Edit::Rename(e, n)),
        3 => (endpoint(), any_change()).prop_map(|(e, change)| Edit::Change(e, change.into())),
        3 => (endpoint(), any_health()).prop_map(|(e, change)| Edit::Change(e, change.into())),
        1 => endpoint().prop_map(Edit::NoService),
        3 => (endpoint(), address(), any::<u16>()).prop_map(|(e, a, w)| Edit::NewReal(e, a, w)),
        1 => (endpoint(), address(), any::<u16>()).prop_map(|(e, a, w)| Edit::Weight(e, a, w)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::NoReal(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Drain(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Undrain(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Disable(e, a)),
        1 => (endpoint(), address()).prop_map(|(e, a)| Edit::Enable(e, a)),
    ]
}

fn run(desired: &Desired, edit: Edit) -> Result<Desired, EditError> {
    match edit {
        Edit::NewService(endpoint, name) => add_service(desired, endpoint, &named(name.as_deref())),
        Edit::Rename(endpoint, name) => edit_service(desired, endpoint, &named(Some(&name))),
        Edit::Change(endpoint, change) => edit_service(desired, endpoint, &change),
        Edit::NoService(endpoint) => delete_service(desired, endpoint),
        Edit::NewReal(endpoint, real, weight) => add_real(desired, endpoint, real, weight),
        Edit::Weight(endpoint, real, weight) => edit_real(desired, endpoint, real, weight),
        Edit::NoReal(endpoint, real) => delete_real(desired, endpoint, real),
        Edit::Drain(endpoint, real) => drain(desired, endpoint, real),
        Edit::Undrain(endpoint, real) => undrain(desired, endpoint, real),
        Edit::Disable(endpoint, real) => disable(desired, endpoint, real),
        Edit::Enable(endpoint, real) => enable(desired, endpoint, real),
    }
}

proptest! {
    /// Whatever edits let through, the file takes as well: there is one copy of the rules.
    #[test]
    fn edits_lead_to_what_the_file_can_hold(
        start in any_desired(),
        edits in vec(any_edit(), 1..60),
    ) {
        let end = edits.into_iter().fold(start, |desired, edit| {
            run(&desired, edit).unwrap_or(desired)
        });
        prop_assert_eq!(parse(&render(&end)), Ok(end));
    }
}
