//! Virtual routers, written.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use crate::config::duration;
use crate::config::file::vrrp::{
    Auth, Follow, Garp, Group, Instance, PlacedAddress, Process, RoleHooks, Script, Sync, TextOr,
    Track, Vrrp,
};
use crate::config::model::{Desired, Endpoint};
use crate::config::parse::vrrp as parse;
use crate::config::vrrp::{self, Preempt, Tracked, VirtualAddress};

/// What is written of something.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) enum Writing<'a> {
    /// All but what is as it is by default in these definitions.
    Short(&'a Desired),
    /// Everything.
    Whole,
}

impl Writing<'_> {
    fn unless<T: PartialEq>(self, given: T, usual: &T) -> Option<T> {
        (matches!(self, Self::Whole) || given != *usual).then_some(given)
    }

    fn time(self, given: Duration, usual: Duration) -> Option<String> {
        self.unless(given, &usual).map(duration::written)
    }

    /// A service by its name, where that names it.
    fn service(self, endpoint: Endpoint) -> String {
        let Self::Short(Desired { services, .. }) = self else { return endpoint.to_string() };
        let name = services.get(&endpoint).and_then(|service| service.name.as_deref());
        let name = name.filter(|name| parse::service(name, services) == Ok(endpoint));
        name.map_or_else(|| endpoint.to_string(), ToOwned::to_owned)
    }

    /// The weight of a script that those who follow it need not say.
    fn script(self, name: &str) -> Option<i16> {
        let Self::Short(Desired { vrrp, .. }) = self else { return None };
        vrrp.scripts.get(name)?.weight
    }

    /// The same of a process.
    fn process(self, name: &str) -> Option<i16> {
        let Self::Short(Desired { vrrp, .. }) = self else { return None };
        vrrp.processes.get(name)?.weight
    }
}

/// All virtual routers of these definitions.
pub(super) fn vrrp(desired: &Desired) -> Vrrp {
    let (how, vrrp) = (Writing::Short(desired), &desired.vrrp);
    Vrrp {
        instances: vrrp.instances.values().map(|it| instance(it, how)).collect(),
        groups: vrrp.groups.values().map(|it| group(it, how)).collect(),
        scripts: vrrp.scripts.iter().map(|(name, it)| script(name, it, how)).collect(),
        processes: vrrp.processes.iter().map(|(name, it)| process(name, it, how)).collect(),
        sync: vrrp.sync.as_ref().map(sync),
    }
}

pub(in crate::config) fn instance(instance: &vrrp::Instance, how: Writing<'_>) -> Instance {
    let (preempt, delay) = match instance.preempt {
        Preempt::Never => (false, None),
        Preempt::After(delay) => (true, how.time(delay, Duration::ZERO)),
    };
    let version = instance.default_version().number();
    Instance {
        name: instance.name.clone(),
        interface: instance.interface.clone(),
        vrid: instance.vrid,
        version: how.unless(instance.version.number(), &version),
        priority: how.unless(instance.priority, &vrrp::Instance::PRIORITY),
        advert_interval: how.time(instance.advert_interval, vrrp::Instance::ADVERT_INTERVAL),
        addresses: instance.addresses.iter().map(address).collect(),
        excluded_addresses: instance.excluded.iter().map(address).collect(),
        auth: instance.password.as_ref().map(|password| {
            let (kind, password) = ("pass".to_owned(), password.clone());
            Auth { kind, password }
        }),
        preempt: how.unless(preempt, &true),
        preempt_delay: delay,
        unicast_peers: instance.unicast_peers.iter().map(ToString::to_string).collect(),
        source: instance.source.as_ref().map(ToString::to_string),
        virtual_mac: how.unless(instance.virtual_mac, &false),
        checksum: (instance.checksum != vrrp::Checksum::default())
            .then(|| instance.checksum.name().to_owned()),
        track: track(&instance.track, how),
        notify: hooks(&instance.hooks),
        garp: garp(&instance.garp, how),
    }
}

fn address(moving: &VirtualAddress) -> TextOr<PlacedAddress> {
    let VirtualAddress { address, prefix, interface } = moving;
    let address = format!("{address}/{prefix}");
    match interface {
        None => TextOr::Text(address),
        Some(_) => TextOr::Object(PlacedAddress { address, interface: interface.clone() }),
    }
}

fn track(track: &vrrp::Track, how: Writing<'_>) -> Option<Track> {
    let vrrp::Track { interfaces, scripts, files, processes, services } = track;
    let name = |name: &String| name.clone();
    (*track != vrrp::Track::default()).then(|| Track {
        interfaces: followed(interfaces, name, |_| None),
        scripts: followed(scripts, name, |script| how.script(script)),
        files: followed(files, |file| path(file), |_| None),
        processes: followed(processes, name, |process| how.process(process)),
        services: followed(services, |endpoint| how.service(*endpoint), |_| None),
    })
}

/// Each by its text, and by its weight where that is not the `usual` one.
fn followed<T, F: Follow>(
    all: &[Tracked<T>],
    text: impl Fn(&T) -> String,
    usual: impl Fn(&T) -> Option<i16>,
) -> Vec<TextOr<F>> {
    let one = |Tracked { what, weight }: &Tracked<T>| match *weight {
        Some(weight) if usual(what) != Some(weight) => TextOr::Object(F::with(text(what), weight)),
        _ => TextOr::Text(text(what)),
    };
    all.iter().map(one).collect()
}

fn path(path: &Path) -> String {
    path.to_str().expect("it was read from text").to_owned()
}

fn hooks(hooks: &vrrp::RoleHooks) -> Option<RoleHooks> {
    let command = |command: &Option<_>| command.as_ref().map(text);
    let vrrp::RoleHooks { master, backup, fault, stop, any } = hooks;
    (*hooks != vrrp::RoleHooks::default()).then(|| RoleHooks {
        master: command(master),
        backup: command(backup),
        fault: command(fault),
        stop: command(stop),
        any: command(any),
    })
}

fn text(written: &impl Display) -> String {
    written.to_string()
}

fn garp(garp: &vrrp::Garp, how: Writing<'_>) -> Option<Garp> {
    let usual = vrrp::Garp::default();
    (matches!(how, Writing::Whole) || *garp != usual).then(|| Garp {
        repeat: how.unless(garp.repeat, &usual.repeat),
        delay: how.time(garp.delay, usual.delay),
        refresh: how.time(garp.refresh, usual.refresh),
        refresh_repeat: how.unless(garp.refresh_repeat, &usual.refresh_repeat),
        interfaces: garp.interfaces.clone(),
    })
}

pub(in crate::config) fn group(group: &vrrp::Group, how: Writing<'_>) -> Group {
    Group {
        name: group.name.clone(),
        instances: group.instances.clone(),
        track: track(&group.track, how),
        notify: hooks(&group.hooks),
    }
}

pub(in crate::config) fn script(name: &str, script: &vrrp::Script, how: Writing<'_>) -> Script {
    Script {
        name: name.to_owned(),
        command: script.command.to_string(),
        interval: how.time(script.interval, vrrp::Script::INTERVAL),
        timeout: how.time(script.timeout, script.interval),
        rise: how.unless(script.rise, &1),
        fall: how.unless(script.fall, &1),
        weight: script.weight,
        user: script.user.clone(),
    }
}

pub(in crate::config) fn process(name: &str, process: &vrrp::Process, how: Writing<'_>) -> Process {
    Process {
        name: name.to_owned(),
        program: how.unless(process.program.clone(), &name.to_owned()),
        quorum: how.unless(process.quorum, &1),
        delay: how.time(process.delay, Duration::ZERO),
        weight: process.weight,
    }
}

pub(in crate::config) fn sync(sync: &vrrp::Sync) -> Sync {
    Sync {
        listen: sync.listen.to_string(),
        peers: sync.peers.iter().map(ToString::to_string).collect(),
        key: sync.key.clone(),
    }
}
