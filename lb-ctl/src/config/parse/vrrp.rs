//! From `vrrp` as it is written to the virtual routers, or to the first key at fault.

use std::time::Duration;

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::config::file::vrrp::{self as file, Full, TextOr};
use crate::config::locate::Path;
use crate::config::model::{Endpoint, Service};
use crate::config::parse::notify::hook;
use crate::config::rules::check::MIN_INTERVAL;
use crate::config::rules::vrrp::{self as rule, Named, VrrpError};
use crate::config::rules::{Broken, RuleError, notify as notify_rule};
use crate::config::vrrp::{Group, Instance, Process, RoleHooks, Script, Sync, Vrrp};

mod instance;
mod track;

use instance::instance;
pub(in crate::config) use track::service;
use track::{Known, track};

/// Reads the virtual routers of a director with these services.
///
/// # Errors
/// The first rule that is broken, with the path within the object.
pub fn vrrp(document: &file::Vrrp, services: &IndexMap<Endpoint, Service>) -> Result<Vrrp, Broken> {
    let name = |script: &file::Script| script.name.clone();
    let scripts = named(Named::Script, &document.scripts, name, script)?;
    let name = |process: &file::Process| process.name.clone();
    let processes = named(Named::Process, &document.processes, name, process)?;
    let known = Known { services, scripts: &scripts, processes: &processes };
    let name = |instance: &file::Instance| instance.name.clone();
    let read = |document: &file::Instance| instance(document, &known);
    let instances = named(Named::Instance, &document.instances, name, read)?;
    rule::unique(instances.values())?;
    let name = |group: &file::Group| group.name.clone();
    let read = |document: &file::Group| group(document, &instances, &known);
    let groups = named(Named::Group, &document.groups, name, read)?;
    in_one_group(&groups)?;
    let sync = document.sync.as_ref().map(sync).transpose();
    let sync = sync.map_err(|broken| broken.under(&Path::default().key("sync")))?;
    Ok(Vrrp { instances, groups, scripts, processes, sync })
}

/// Reads a list of what has names.
fn named<D, T>(
    what: Named,
    documents: &[D],
    name: impl Fn(&D) -> String,
    read: impl Fn(&D) -> Result<T, Broken>,
) -> Result<IndexMap<String, T>, Broken> {
    let mut all = IndexMap::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        let path = Path::default().key(what.key()).index(index);
        let name = name(document);
        rule::name(what, &name).map_err(|error| Broken::at("name")(error).under(&path))?;
        match all.entry(name.clone()) {
            Entry::Occupied(entry) => {
                let error = VrrpError::DuplicateName { what, name, first: entry.index() };
                return Err(Broken::at("name")(error).under(&path));
            }
            Entry::Vacant(entry) => {
                entry.insert(read(document).map_err(|broken| broken.under(&path))?);
            }
        }
    }
    Ok(all)
}

/// Reads the elements of a list.
fn each<D, T>(
    list: &str,
    documents: &[D],
    read: impl Fn(&D) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    let one = |(index, document): (usize, &D)| {
        let path = Path::default().key(list).index(index);
        read(document).map_err(|broken| broken.under(&path))
    };
    documents.iter().enumerate().map(one).collect()
}

/// A rule that is broken by the value as a whole.
fn here<E: Into<RuleError>>(error: E) -> Broken {
    Broken { path: Path::default(), error: error.into() }
}

/// A rule that is broken by the text of a value that may be an object.
fn by_text<F: Full, E: Into<RuleError>>(document: &TextOr<F>) -> impl FnOnce(E) -> Broken {
    let path = document.object().map_or_else(Path::default, |_| Path::default().key(F::KEY));
    |error| Broken { path, error: error.into() }
}

/// Reads the value of a key, where there is one.
fn given<T, E: Into<RuleError>>(
    key: &str,
    text: Option<&String>,
    rule: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Broken> {
    text.map(|text| rule(text)).transpose().map_err(Broken::at(key))
}

/// Refuses what stands twice in a list.
fn once<T: PartialEq>(
    list: &'static str,
    all: &[T],
    words: impl Fn(&T) -> String,
) -> Result<(), Broken> {
    let again = |(index, one): (usize, &T)| {
        all[..index].iter().position(|earlier| earlier == one).map(|first| (index, first))
    };
    match all.iter().enumerate().find_map(again) {
        None => Ok(()),
        Some((index, first)) => {
            let error = VrrpError::Duplicate { text: words(&all[index]), list, first };
            Err(Broken { path: Path::default().key(list).index(index), error: error.into() })
        }
    }
}

fn script(document: &file::Script) -> Result<Script, Broken> {
    let interval = given("interval", document.interval.as_ref(), |text| {
        rule::time("interval", MIN_INTERVAL, text)
    })?;
    let interval = interval.unwrap_or(Script::INTERVAL);
    let timeout = given("timeout", document.timeout.as_ref(), |text| {
        rule::time("timeout", Duration::from_millis(1), text)
    })?;
    Ok(Script {
        command: hook(&document.command).map_err(Broken::at("command"))?,
        interval,
        timeout: timeout.unwrap_or(interval),
        rise: document.rise.unwrap_or(1),
        fall: document.fall.unwrap_or(1),
        weight: document.weight,
        user: given("user", document.user.as_ref(), notify_rule::user)?,
    })
}

fn process(document: &file::Process) -> Result<Process, Broken> {
    let program = given("program", document.program.as_ref(), rule::program)?;
    let program = match program {
        Some(program) => program,
        None => rule::program(&document.name).map_err(Broken::at("name"))?,
    };
    let delay =
        given("delay", document.delay.as_ref(), |text| rule::time("delay", Duration::ZERO, text))?;
    Ok(Process {
        program,
        quorum: document.quorum.unwrap_or(1),
        delay: delay.unwrap_or_default(),
        weight: document.weight,
    })
}

fn group(
    document: &file::Group,
    instances: &IndexMap<String, Instance>,
    known: &Known<'_>,
) -> Result<Group, Broken> {
    if document.instances.is_empty() {
        return Err(Broken::at("instances")(VrrpError::NoMembers));
    }
    let members = each("instances", &document.instances, |name| {
        let unknown = || here(VrrpError::Unknown { what: Named::Instance, name: name.clone() });
        instances.get(name).ok_or_else(unknown)
    })?;
    once("instances", &document.instances, |name| format!("instance {name:?}"))?;
    let group = Group {
        name: document.name.clone(),
        instances: document.instances.clone(),
        track: track(document.track.as_ref(), known)?,
        hooks: hooks(document.notify.as_ref())?,
    };
    rule::owners(&group, members)?;
    Ok(group)
}

fn in_one_group(groups: &IndexMap<String, Group>) -> Result<(), Broken> {
    let mut seen: IndexMap<&str, &str> = IndexMap::new();
    for (index, group) in groups.values().enumerate() {
        for (member, instance) in group.instances.iter().enumerate() {
            if let Some(other) = seen.insert(instance, &group.name) {
                let (instance, group) = (instance.clone(), other.to_owned());
                let path = Path::default().key("groups").index(index);
                let path = path.key("instances").index(member);
                let error = VrrpError::TwoGroups { instance, group };
                return Err(Broken { path, error: error.into() });
            }
        }
    }
    Ok(())
}

/// Reads the commands that are run when a state changes.
fn hooks(document: Option<&file::RoleHooks>) -> Result<RoleHooks, Broken> {
    let Some(document) = document else { return Ok(RoleHooks::default()) };
    let command = |key: &str, text: &Option<String>| {
        let command = given(key, text.as_ref(), hook);
        command.map_err(|broken| broken.under(&Path::default().key("notify")))
    };
    Ok(RoleHooks {
        master: command("master", &document.master)?,
        backup: command("backup", &document.backup)?,
        fault: command("fault", &document.fault)?,
        stop: command("stop", &document.stop)?,
        any: command("any", &document.any)?,
    })
}

fn sync(document: &file::Sync) -> Result<Sync, Broken> {
    let listen = rule::socket(&document.listen).map_err(Broken::at("listen"))?;
    if document.peers.is_empty() {
        return Err(Broken::at("peers")(VrrpError::NoPeers));
    }
    let peers = each("peers", &document.peers, |text| {
        let peer = rule::socket(text).map_err(here)?;
        if peer.is_ipv4() != listen.is_ipv4() {
            return Err(here(VrrpError::SyncFamily { peer, listen }));
        }
        if peer == listen { Err(here(VrrpError::PeerIsListen { peer })) } else { Ok(peer) }
    })?;
    once("peers", &peers, |peer| format!("sync peer {peer}"))?;
    let key = rule::key(&document.key).map_err(Broken::at("key"))?;
    Ok(Sync { listen, peers, key })
}

#[cfg(test)]
mod tests;
