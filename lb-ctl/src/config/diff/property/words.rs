//! How properties that come, go or differ are written.

use std::fmt;

use serde_json::Value;

use super::{Field, Properties};
use crate::config::printable::printable;

/// More prefixes than these are counted instead of named.
const NAMED_PREFIXES: usize = 3;

impl Properties {
    fn parts(&self) -> Vec<String> {
        let own = [
            self.name.as_ref().map(|name| format!("name {name:?}")),
            self.weight.map(|weight| format!("weight {weight}")),
            (self.drain == Some(true)).then(|| "drained".to_owned()),
            (self.disable == Some(true)).then(|| "disabled".to_owned()),
        ];
        let settings = self.settings.iter().map(|(key, value)| Some(setting(key, value)));
        self.traffic()
            .into_iter()
            .chain(self.health())
            .chain(own)
            .chain(settings)
            .flatten()
            .collect()
    }

    /// What a service does with its clients and connections.
    fn traffic(&self) -> [Option<String>; 13] {
        let time = |what, time: Option<u32>| time.map(|seconds| format!("{what} {seconds}s"));
        let list = |what, list: &[String]| {
            (!list.is_empty()).then(|| format!("{what} {}", prefixes("", list)))
        };
        [
            self.scheduler.clone(),
            self.hash.as_ref().map(|hash| format!("hash {hash}")),
            self.persistence.map(|persistence| format!("persistence {persistence}")),
            self.tracking.as_ref().map(|tracking| format!("tracking {tracking}")),
            time("idle timeout", self.idle_timeout),
            time("SYN timeout", self.syn_timeout),
            time("FIN timeout", self.fin_timeout),
            time("closed timeout", self.closed_timeout),
            self.expire_nodest.map(|expires| format!("expire nodest {expires}")),
            self.all_down.as_ref().map(|all_down| format!("all down {all_down}")),
            list("allow", &self.allow),
            list("deny", &self.deny),
            self.sorry_server.map(|address| format!("sorry server {address}")),
        ]
    }

    /// How its reals are checked, and what follows.
    fn health(&self) -> [Option<String>; 9] {
        let command = |what, command: &Option<String>| {
            command.as_ref().map(|command| format!("{what} {command:?}"))
        };
        [
            self.check.as_ref().map(|check| format!("check {check}")),
            self.inhibit_on_failure.map(|inhibit| format!("inhibit on failure {inhibit}")),
            self.quorum.map(|quorum| format!("quorum {quorum}")),
            self.hysteresis.map(|hysteresis| format!("hysteresis {hysteresis}")),
            self.slow_start.as_ref().map(|time| format!("slow start {time}")),
            command("notify up", &self.notify_up),
            command("notify down", &self.notify_down),
            command("quorum up", &self.quorum_up),
            command("quorum down", &self.quorum_down),
        ]
    }
}

impl fmt::Display for Properties {
    /// In brackets after a blank, or nothing where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

impl Field {
    /// The name of what differs, and the values before and after; nothing for what is written in
    /// another way.
    fn values(&self) -> Option<(&'static str, String, String)> {
        Some(match self {
            Self::Name { from, to } => ("name", quoted(from.as_ref()), quoted(to.as_ref())),
            Self::Scheduler { from, to } => ("scheduler", from.clone(), to.clone()),
            Self::Hash { from, to } => ("hash", from.clone(), to.clone()),
            Self::Persistence { from, to } => ("persistence", or_none(*from), or_none(*to)),
            Self::Tracking { from, to } => ("tracking", from.clone(), to.clone()),
            Self::IdleTimeout { from, to } => ("idle timeout", secs(*from), secs(*to)),
            Self::SynTimeout { from, to } => ("SYN timeout", secs(*from), secs(*to)),
            Self::FinTimeout { from, to } => ("FIN timeout", secs(*from), secs(*to)),
            Self::ClosedTimeout { from, to } => ("closed timeout", secs(*from), secs(*to)),
            Self::ExpireNodest { from, to } => ("expire nodest", from.to_string(), to.to_string()),
            Self::AllDown { from, to } => ("all down", from.clone(), to.clone()),
            Self::SorryServer { from, to } => ("sorry server", or_none(*from), or_none(*to)),
            Self::Check { from, to } => ("check", or_none(from.as_ref()), or_none(to.as_ref())),
            Self::InhibitOnFailure { from, to } => {
                ("inhibit on failure", from.to_string(), to.to_string())
            }
            Self::Quorum { from, to } => ("quorum", from.to_string(), to.to_string()),
            Self::Hysteresis { from, to } => ("hysteresis", from.to_string(), to.to_string()),
            Self::SlowStart { from, to } => ("slow start", from.clone(), to.clone()),
            Self::NotifyUp { from, to } => {
                ("notify up", quoted(from.as_ref()), quoted(to.as_ref()))
            }
            Self::NotifyDown { from, to } => {
                ("notify down", quoted(from.as_ref()), quoted(to.as_ref()))
            }
            Self::QuorumUp { from, to } => {
                ("quorum up", quoted(from.as_ref()), quoted(to.as_ref()))
            }
            Self::QuorumDown { from, to } => {
                ("quorum down", quoted(from.as_ref()), quoted(to.as_ref()))
            }
            Self::Weight { from, to } => ("weight", from.to_string(), to.to_string()),
            Self::User { from, to } => ("user", from.clone(), to.clone()),
            Self::Timeout { from, to } => ("timeout", from.clone(), to.clone()),
            Self::Mail { from, to } => ("mail", or_none(from.as_ref()), or_none(to.as_ref())),
            Self::Allow { .. }
            | Self::Deny { .. }
            | Self::Webhooks { .. }
            | Self::Drain { .. }
            | Self::Disable { .. }
            | Self::Setting { .. }
            | Self::Secret { .. }
            | Self::Password => return None,
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((what, from, to)) = self.values() {
            return write!(f, "{what} {from} -> {to}");
        }
        match self {
            Self::Allow { added, removed } => {
                write!(f, "allow {}", both(prefixes("+", added), prefixes("-", removed)))
            }
            Self::Deny { added, removed } => {
                write!(f, "deny {}", both(prefixes("+", added), prefixes("-", removed)))
            }
            Self::Webhooks { added, removed } => {
                write!(f, "webhooks {}", both(signed("+", added), signed("-", removed)))
            }
            Self::Drain { to: true, .. } => f.write_str("drained"),
            Self::Drain { to: false, .. } => f.write_str("no longer drained"),
            Self::Disable { to: true, .. } => f.write_str("disabled"),
            Self::Disable { to: false, .. } => f.write_str("enabled"),
            Self::Setting { key, from, to } => {
                write!(f, "{} {} -> {}", key.replace('_', " "), plain(from), plain(to))
            }
            Self::Secret { key } => write!(f, "another {key}"),
            Self::Password => f.write_str("another mail password"),
            // Those have values.
            _ => Ok(()),
        }
    }
}

/// A key and its value, as in `priority 100`.
fn setting(key: &str, value: &Value) -> String {
    format!("{} {}", key.replace('_', " "), plain(value))
}

/// A value in words, as in `scripts (name chk, weight -20)`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Object(keys) => {
            let all: Vec<String> = keys.iter().map(|(key, value)| setting(key, value)).collect();
            format!("({})", all.join(", "))
        }
        other => other.to_string(),
    }
}

fn or_none(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn quoted(text: Option<&String>) -> String {
    or_none(text.map(|text| format!("{text:?}")))
}

fn secs(seconds: u32) -> String {
    format!("{seconds}s")
}

/// Prefixes with a sign each, or how many there are.
fn prefixes(sign: &str, list: &[String]) -> String {
    if list.len() > NAMED_PREFIXES {
        return format!("{sign}{} prefixes", list.len());
    }
    signed(sign, list)
}

fn signed(sign: &str, list: &[String]) -> String {
    let signed: Vec<String> = list.iter().map(|item| format!("{sign}{item}")).collect();
    signed.join(" ")
}

fn both(added: String, removed: String) -> String {
    let both = [added, removed];
    both.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
