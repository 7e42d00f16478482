//! Any virtual routers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::tracked;
use crate::config::model::{Endpoint, Vrrp};
use crate::config::samples::health::{any_command, any_time};
use crate::config::vrrp::{
    Checksum, Garp, Group, Instance, OWNER, Preempt, Process, RoleHooks, Script, Sync, Track,
    Tracked, Version, VirtualAddress,
};

fn any_weight() -> impl Strategy<Value = Option<i16>> {
    option::of((1..=253_i16, any::<bool>()).prop_map(|(w, less)| if less { -w } else { w }))
}

fn any_scripts() -> BoxedStrategy<IndexMap<String, Script>> {
    let times = (any_time(10), option::of(any_time(1)));
    let rest = (1..=1000_u16, 1..=1000_u16, any_weight(), option::of("[a-z]{1,9}"));
    let script = (any_command(), times, rest).prop_map(
        |(command, (interval, timeout), (rise, fall, weight, user))| {
            let timeout = timeout.unwrap_or(interval);
            Script { command, interval, timeout, rise, fall, weight, user }
        },
    );
    // Quotes, backslashes and letters of more than one byte are what escaping goes wrong with.
    btree_map("[ -~é]{1,20}", script, 0..3).prop_map(|all| all.into_iter().collect()).boxed()
}

fn any_processes() -> BoxedStrategy<IndexMap<String, Process>> {
    let process = (option::of("[a-z:é -]{1,15}"), 1..=u32::MAX, any_time(0), any_weight());
    let all = btree_map("[a-zé]{1,15}", process, 0..3);
    let named = |(name, (program, quorum, delay, weight)): (String, (Option<String>, _, _, _))| {
        let program = program.unwrap_or_else(|| name.clone());
        (name, Process { program, quorum, delay, weight })
    };
    all.prop_map(move |all| all.into_iter().map(named).collect()).boxed()
}

/// Some of these, each with its own weight where none is given.
fn some_of<T: Clone + std::fmt::Debug + 'static>(
    all: Vec<(T, Option<i16>)>,
) -> BoxedStrategy<Vec<Tracked<T>>> {
    let most = all.len();
    (subsequence(all, 0..=most), vec(any_weight(), most))
        .prop_map(|(some, weights)| {
            let one = |((what, usual), weight): ((T, Option<i16>), Option<i16>)| {
                tracked(what, weight.or(usual))
            };
            some.into_iter().zip(weights).map(one).collect()
        })
        .boxed()
}

/// What can be followed.
#[derive(Clone, Debug)]
struct Subjects {
    scripts: Vec<(String, Option<i16>)>,
    processes: Vec<(String, Option<i16>)>,
    services: Vec<(Endpoint, Option<i16>)>,
}

fn any_track(subjects: Subjects) -> BoxedStrategy<Track> {
    let plain = |text: &str| (text.to_owned(), None);
    let files = ["/a b", "/é/down"].map(|path| (PathBuf::from(path), None));
    let Subjects { scripts, processes, services } = subjects;
    let names = (some_of(vec![plain("wg0"), plain("bond0.7")]), some_of(scripts));
    (names, some_of(files.to_vec()), some_of(processes), some_of(services))
        .prop_map(|((interfaces, scripts), files, processes, services)| Track {
            interfaces,
            scripts,
            files,
            processes,
            services,
        })
        .boxed()
}

/// The same for one whose priority never changes.
fn without_weights(mut track: Track) -> Track {
    track.interfaces.retain(|it| it.weight.is_none());
    track.scripts.retain(|it| it.weight.is_none());
    track.files.retain(|it| it.weight.is_none());
    track.processes.retain(|it| it.weight.is_none());
    track.services.retain(|it| it.weight.is_none());
    track
}

fn any_role_hooks() -> BoxedStrategy<RoleHooks> {
    let command = || option::weighted(0.2, any_command());
    (command(), command(), command(), command(), command())
        .prop_map(|(master, backup, fault, stop, any)| RoleHooks {
            master,
            backup,
            fault,
            stop,
            any,
        })
        .boxed()
}

fn any_garp() -> BoxedStrategy<Garp> {
    let interfaces = btree_set("[a-z]{1,9}", 0..3);
    let refresh = prop_oneof![Just(Duration::ZERO), any_time(100)];
    let given = (1..=u8::MAX, any_time(0), refresh, 1..=u8::MAX, interfaces).prop_map(
        |(repeat, delay, refresh, refresh_repeat, interfaces)| Garp {
            repeat,
            delay,
            refresh,
            refresh_repeat,
            interfaces: interfaces.into_iter().collect(),
        },
    );
    prop_oneof![Just(Garp::default()), given].boxed()
}

/// An address beyond those of all services.
fn beyond(v6: bool, host: u32) -> IpAddr {
    if v6 {
        Ipv6Addr::from((0x2001_0db8_ffff << 80) | u128::from(host)).into()
    } else {
        Ipv4Addr::from(0xc612_0000 | host).into()
    }
}

fn any_way() -> BoxedStrategy<(Version, Duration, bool)> {
    let second = (1..=255_u64).prop_map(Duration::from_secs);
    let v3 = (1..=4095_u64).prop_map(|hundredths| Duration::from_millis(10 * hundredths));
    prop_oneof![
        second.prop_map(|interval| (Version::V2, interval, false)),
        (v3, any::<bool>()).prop_map(|(interval, v6)| (Version::V3, interval, v6)),
    ]
    .boxed()
}

fn any_addresses(least: usize) -> BoxedStrategy<Vec<(bool, u8, Option<String>)>> {
    vec((any::<bool>(), 1..=128_u8, option::of("[a-z]{1,9}")), least..4).boxed()
}

type RawInstance = (
    (Version, Duration, bool),
    (u8, Option<String>, Option<Duration>, Checksum),
    (Vec<(bool, u8, Option<String>)>, Vec<(bool, u8, Option<String>)>),
    (u8, bool, bool),
    (Track, RoleHooks, Garp),
);

/// The virtual router at this place; no two have an address or a number in common.
fn finish(index: usize, raw: RawInstance) -> Instance {
    let ((version, advert_interval, v6), own, addresses, way, (track, hooks, garp)) = raw;
    let ((priority, password, delay, checksum), (addresses, excluded)) = (own, addresses);
    let base = index as u32 * 100;
    let place = |v6: bool, host: usize, prefix: u8, interface: Option<String>| {
        let prefix = if v6 { prefix } else { 1 + prefix % 32 };
        VirtualAddress { address: beyond(v6, base + host as u32), prefix, interface }
    };
    let (peers, has_source, virtual_mac) = way;
    let is_owner = priority == OWNER;
    Instance {
        name: format!("VI_{index}"),
        interface: if index.is_multiple_of(2) { "eth0" } else { "eth1" }.to_owned(),
        vrid: index as u8 + 1,
        version,
        priority,
        advert_interval,
        addresses: (addresses.into_iter().enumerate())
            .map(|(host, (_, prefix, interface))| place(v6, host, prefix, interface))
            .collect(),
        excluded: (excluded.into_iter().enumerate())
            .map(|(host, (v6, prefix, interface))| place(v6, 10 + host, prefix, interface))
            .collect(),
        password: password.filter(|_| version == Version::V2),
        preempt: match delay {
            _ if is_owner => Preempt::default(),
            Some(delay) => Preempt::After(delay),
            None => Preempt::Never,
        },
        unicast_peers: (0..peers).map(|host| beyond(v6, base + 20 + u32::from(host))).collect(),
        source: has_source.then(|| beyond(v6, base + 30)),
        virtual_mac: virtual_mac && peers == 0,
        checksum: if version == Version::V3 && !v6 { checksum } else { Checksum::default() },
        track: if is_owner { without_weights(track) } else { track },
        hooks,
        garp,
    }
}

fn any_instances(subjects: Subjects) -> BoxedStrategy<Vec<Instance>> {
    let priority = prop_oneof![Just(100), Just(OWNER), 1..=254_u8];
    let delay = prop_oneof![Just(Some(Duration::ZERO)), option::of(any_time(0))];
    let own = (priority, option::of("[ -~]{1,8}"), delay, select(&Checksum::ALL));
    let raw = (
        any_way(),
        own,
        (any_addresses(1), any_addresses(0)),
        (0..3_u8, any::<bool>(), any::<bool>()),
        (any_track(subjects), any_role_hooks(), any_garp()),
    );
    vec(raw, 0..4)
        .prop_map(|all| all.into_iter().enumerate().map(|(at, raw)| finish(at, raw)).collect())
        .boxed()
}

/// The first instances are in one group, those after them in another.
fn grouped(instances: &[Instance], split: usize, extras: Vec<(Track, RoleHooks)>) -> Vec<Group> {
    let (first, second) = instances.split_at(split.min(instances.len()));
    let one = |(index, (members, (track, hooks))): (usize, (&[Instance], (Track, RoleHooks)))| {
        let owner = members.iter().any(|member| member.priority == OWNER);
        Group {
            name: format!("G \"{index}\""),
            instances: members.iter().map(|member| member.name.clone()).collect(),
            track: if owner { without_weights(track) } else { track },
            hooks,
        }
    };
    let members = [first, second].into_iter().filter(|members| !members.is_empty());
    members.zip(extras).enumerate().map(one).collect()
}

fn any_sync() -> BoxedStrategy<Sync> {
    let port = || 1..=u16::MAX;
    (any::<bool>(), port(), btree_set((1..9_u32, port()), 1..3), "[ -~é]{16,40}")
        .prop_map(|(v6, port, peers, key)| Sync {
            listen: SocketAddr::new(beyond(v6, 0), port),
            peers: peers.into_iter().map(|(at, port)| (beyond(v6, at), port).into()).collect(),
            key,
        })
        .boxed()
}

/// Any virtual routers, which may follow these services.
pub(in crate::config) fn any_vrrp(services: Vec<Endpoint>) -> BoxedStrategy<Vrrp> {
    let known = (any_scripts(), any_processes(), option::weighted(0.3, any_sync()));
    let given = known.prop_flat_map(move |(scripts, processes, sync)| {
        let subjects = Subjects {
            scripts: scripts.iter().map(|(name, it)| (name.clone(), it.weight)).collect(),
            processes: processes.iter().map(|(name, it)| (name.clone(), it.weight)).collect(),
            services: services.iter().map(|endpoint| (*endpoint, None)).collect(),
        };
        let extras = vec((any_track(subjects.clone()), any_role_hooks()), 0..3);
        let groups = (0..3_usize, extras);
        (any_instances(subjects).prop_shuffle(), groups).prop_map(
            move |(instances, (split, extras))| Vrrp {
                groups: grouped(&instances, split, extras)
                    .into_iter()
                    .map(|group| (group.name.clone(), group))
                    .collect(),
                instances: instances.into_iter().map(|it| (it.name.clone(), it)).collect(),
                scripts: scripts.clone(),
                processes: processes.clone(),
                sync: sync.clone(),
            },
        )
    });
    prop_oneof![1 => Just(Vrrp::default()), 2 => given].boxed()
}
