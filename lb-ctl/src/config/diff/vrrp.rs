//! How virtual routers, and what they follow, differ: each key as it is written in the file.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Action, Change, Field, Object, Properties, add, remove};
use crate::config::file::write_vrrp::{self as write, Writing};
use crate::config::model::{Desired, Vrrp};

/// What has a name of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Script,
    Process,
    Instance,
    Group,
    Sync,
}

impl Kind {
    fn object(self, name: &str) -> Object {
        let name = name.to_owned();
        match self {
            Self::Script => Object::VrrpScript { script: name },
            Self::Process => Object::VrrpProcess { process: name },
            Self::Instance => Object::VrrpInstance { instance: name },
            Self::Group => Object::VrrpGroup { group: name },
            Self::Sync => Object::VrrpSync,
        }
    }
}

type Settings = Map<String, Value>;

/// What is there no longer.
pub(super) fn removed(old: &Desired, new: &Desired) -> Vec<Change> {
    let kept = written(&new.vrrp, Writing::Whole);
    let mut gone = written(&old.vrrp, Writing::Short(old));
    gone.retain(|key, _| !kept.contains_key(key));
    gone.iter().map(|((kind, name), settings)| remove(kind.object(name), shown(settings))).collect()
}

/// What comes, and what is otherwise than it was.
pub(super) fn added_and_changed(old: &Desired, new: &Desired) -> Vec<Change> {
    let before = written(&old.vrrp, Writing::Whole);
    let short = written(&new.vrrp, Writing::Short(new));
    let mut changes = Vec::new();
    for (key, whole) in &written(&new.vrrp, Writing::Whole) {
        let object = key.0.object(key.1);
        let Some(earlier) = before.get(key) else {
            changes.push(add(object, shown(&short[key])));
            continue;
        };
        let fields = fields(earlier, whole);
        if !fields.is_empty() {
            changes.push(Change { action: Action::Change { fields }, object });
        }
    }
    changes
}

/// All, by what names them.
fn written<'a>(vrrp: &'a Vrrp, how: Writing<'_>) -> IndexMap<(Kind, &'a str), Settings> {
    let Vrrp { instances, groups, scripts, processes, sync } = vrrp;
    let scripts = scripts.iter().map(|(name, script)| {
        ((Kind::Script, name.as_str()), settings(&write::script(name, script, how)))
    });
    let processes = processes.iter().map(|(name, process)| {
        ((Kind::Process, name.as_str()), settings(&write::process(name, process, how)))
    });
    let instances = instances.iter().map(|(name, instance)| {
        ((Kind::Instance, name.as_str()), settings(&write::instance(instance, how)))
    });
    let groups = groups
        .iter()
        .map(|(name, group)| ((Kind::Group, name.as_str()), settings(&write::group(group, how))));
    let sync = sync.iter().map(|sync| ((Kind::Sync, ""), settings(&write::sync(sync))));
    scripts.chain(processes).chain(instances).chain(groups).chain(sync).collect()
}

/// The keys of a document, but for the name.
fn settings(document: &impl Serialize) -> Settings {
    let written = serde_json::to_value(document).expect("strings, numbers and lists serialize");
    let Value::Object(mut settings) = written else { return Settings::new() };
    settings.remove("name");
    settings
}

fn shown(settings: &Settings) -> Properties {
    let open = settings.iter().filter_map(|(key, value)| Some((key.clone(), open(key, value)?)));
    Properties { settings: open.collect(), ..Properties::default() }
}

/// A value without what is secret in it; nothing where all of it is.
fn open(key: &str, value: &Value) -> Option<Value> {
    match key {
        "key" => None,
        "auth" => value.get("type").cloned(),
        _ => Some(value.clone()),
    }
}

fn fields(old: &Settings, new: &Settings) -> Vec<Field> {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let differs = |key: &&String| old.get(*key) != new.get(*key);
    let field = |key: &String| {
        let value = |settings: &Settings| {
            settings.get(key).and_then(|value| open(key, value)).unwrap_or_default()
        };
        let (from, to) = (value(old), value(new));
        if from == to {
            Field::Secret { key: secret(key).to_owned() }
        } else {
            Field::Setting { key: key.clone(), from, to }
        }
    };
    gone.chain(new.keys()).filter(differs).map(field).collect()
}

/// What is secret in the value of this key.
fn secret(key: &str) -> &str {
    if key == "auth" { "password" } else { key }
}
