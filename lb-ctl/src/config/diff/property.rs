//! Properties that come, go or differ, and how they are written.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::model::Persistence;

/// More prefixes than these are counted instead of named.
const NAMED_PREFIXES: usize = 3;

/// What an object that comes or goes is like; what does not apply to it, and what is as it is by
/// default, is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Properties {
    /// The name of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scheduler of a service, the default too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// What `mh` hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// How long clients stay with their real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// What is remembered of a service's flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// The idle timeout of a service in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u32>,
    /// The timeout after a SYN in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syn_timeout: Option<u32>,
    /// The timeout after a FIN in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fin_timeout: Option<u32>,
    /// The timeout after a RST in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_timeout: Option<u32>,
    /// Whether connections without a real are scheduled anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_nodest: Option<bool>,
    /// What happens while all reals are down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_down: Option<String>,
    /// Clients that are taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Clients that are not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Takes the connections while none of the reals does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<IpAddr>,
    /// The weight of a real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// Whether a real is drained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<bool>,
}

/// A property that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "field", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each holds the value before and after")]
pub enum Field {
    /// The name of a service.
    Name { from: Option<String>, to: Option<String> },
    /// The scheduler of a service.
    Scheduler { from: String, to: String },
    /// What `mh` hashes.
    Hash { from: String, to: String },
    /// How long clients stay with their real.
    Persistence { from: Option<Persistence>, to: Option<Persistence> },
    /// What is remembered of a service's flows.
    Tracking { from: String, to: String },
    /// The idle timeout of a service, in seconds.
    IdleTimeout { from: u32, to: u32 },
    /// The timeout after a SYN, in seconds.
    SynTimeout { from: u32, to: u32 },
    /// The timeout after a FIN, in seconds.
    FinTimeout { from: u32, to: u32 },
    /// The timeout after a RST, in seconds.
    ClosedTimeout { from: u32, to: u32 },
    /// Whether connections without a real are scheduled anew.
    ExpireNodest { from: bool, to: bool },
    /// What happens while all reals are down.
    AllDown { from: String, to: String },
    /// Clients that are taken.
    Allow { added: Vec<String>, removed: Vec<String> },
    /// Clients that are not taken.
    Deny { added: Vec<String>, removed: Vec<String> },
    /// Takes the connections while none of the reals does.
    SorryServer { from: Option<IpAddr>, to: Option<IpAddr> },
    /// The weight of a real.
    Weight { from: u16, to: u16 },
    /// Whether a real is drained.
    Drain { from: bool, to: bool },
}

impl Properties {
    fn parts(&self) -> Vec<String> {
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
            self.name.as_ref().map(|name| format!("name {name:?}")),
            self.weight.map(|weight| format!("weight {weight}")),
            (self.drain == Some(true)).then(|| "drained".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Properties {
    /// In brackets after a blank, or nothing where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Option<String>| name.as_ref().map(|name| format!("{name:?}"));
        match self {
            Self::Name { from, to } => {
                write!(f, "name {} -> {}", or_none(name(from)), or_none(name(to)))
            }
            Self::Scheduler { from, to } => write!(f, "scheduler {from} -> {to}"),
            Self::Hash { from, to } => write!(f, "hash {from} -> {to}"),
            Self::Persistence { from, to } => {
                write!(f, "persistence {} -> {}", or_none(*from), or_none(*to))
            }
            Self::Tracking { from, to } => write!(f, "tracking {from} -> {to}"),
            Self::IdleTimeout { from, to } => write!(f, "idle timeout {from}s -> {to}s"),
            Self::SynTimeout { from, to } => write!(f, "SYN timeout {from}s -> {to}s"),
            Self::FinTimeout { from, to } => write!(f, "FIN timeout {from}s -> {to}s"),
            Self::ClosedTimeout { from, to } => write!(f, "closed timeout {from}s -> {to}s"),
            Self::ExpireNodest { from, to } => write!(f, "expire nodest {from} -> {to}"),
            Self::AllDown { from, to } => write!(f, "all down {from} -> {to}"),
            Self::Allow { added, removed } => write!(f, "allow {}", moved(added, removed)),
            Self::Deny { added, removed } => write!(f, "deny {}", moved(added, removed)),
            Self::SorryServer { from, to } => {
                write!(f, "sorry server {} -> {}", or_none(*from), or_none(*to))
            }
            Self::Weight { from, to } => write!(f, "weight {from} -> {to}"),
            Self::Drain { to: true, .. } => f.write_str("drained"),
            Self::Drain { to: false, .. } => f.write_str("no longer drained"),
        }
    }
}

fn or_none(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// Prefixes with a sign each, or how many there are.
fn prefixes(sign: &str, list: &[String]) -> String {
    if list.len() > NAMED_PREFIXES {
        return format!("{sign}{} prefixes", list.len());
    }
    let signed: Vec<String> = list.iter().map(|prefix| format!("{sign}{prefix}")).collect();
    signed.join(" ")
}

fn moved(added: &[String], removed: &[String]) -> String {
    let both = [prefixes("+", added), prefixes("-", removed)];
    both.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
