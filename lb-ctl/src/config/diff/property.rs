//! Properties that come, go or differ.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::file::Check;
use crate::config::model::Persistence;

mod words;

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
    /// How its reals are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Check>>,
    /// Whether a real that fails its check keeps its connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inhibit_on_failure: Option<bool>,
    /// The weight that the reals which are up must have together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// How much more or less than the quorum it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hysteresis: Option<u32>,
    /// How long a real that comes up takes to get its whole share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<String>,
    /// The command that is run when a real comes up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_up: Option<String>,
    /// The command that is run when a real goes down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_down: Option<String>,
    /// The command that is run when the service comes up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_up: Option<String>,
    /// The command that is run when the service goes down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_down: Option<String>,
    /// The weight of a real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// Whether a real is drained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<bool>,
    /// Whether a real is disabled; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    /// The keys of a virtual router, or of something that it follows, and what they have in the
    /// definition file; but for passwords.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
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
    /// How the reals of a service are checked.
    Check { from: Option<Box<Check>>, to: Option<Box<Check>> },
    /// Whether a real that fails its check keeps its connections.
    InhibitOnFailure { from: bool, to: bool },
    /// The weight that the reals which are up must have together.
    Quorum { from: u32, to: u32 },
    /// How much more or less than the quorum it takes.
    Hysteresis { from: u32, to: u32 },
    /// How long a real that comes up takes to get its whole share.
    SlowStart { from: String, to: String },
    /// The command that is run when a real comes up.
    NotifyUp { from: Option<String>, to: Option<String> },
    /// The command that is run when a real goes down.
    NotifyDown { from: Option<String>, to: Option<String> },
    /// The command that is run when the service comes up.
    QuorumUp { from: Option<String>, to: Option<String> },
    /// The command that is run when the service goes down.
    QuorumDown { from: Option<String>, to: Option<String> },
    /// The weight of a real.
    Weight { from: u16, to: u16 },
    /// Whether a real is drained.
    Drain { from: bool, to: bool },
    /// Whether a real is disabled.
    Disable { from: bool, to: bool },
    /// Who runs commands.
    User { from: String, to: String },
    /// How long a command may take.
    Timeout { from: String, to: String },
    /// Mail, in words.
    Mail { from: Option<String>, to: Option<String> },
    /// The password of mail, of which nothing is said.
    Password,
    /// Where events are posted to, in words.
    Webhooks { added: Vec<String>, removed: Vec<String> },
    /// A key of a virtual router, or of something that it follows, and what it has in the
    /// definition file; `null` where it has nothing.
    Setting { key: String, from: Value, to: Value },
    /// The same of one of which nothing is said.
    Secret { key: String },
}
