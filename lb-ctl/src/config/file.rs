//! The document of the definition file: its shape and its schema, not yet its rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{self, Desired, Ports};

mod check;
mod notify;
mod read;
pub mod vrrp;
mod words;
mod write;

pub use check::Check;
pub use notify::{Mail, Notify, Webhook};
pub(super) use read::Object;
pub use read::object;
pub use vrrp::Vrrp;
pub(super) use write::vrrp as write_vrrp;

/// What an lb-ctl director balances.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lb-ctl definition")]
pub struct Document {
    /// Interfaces to balance on, in addition to those named on the daemon's command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        extend("uniqueItems" = true),
        inner(length(min = 1, max = 15), regex(pattern = r"^[^\s/:]+$"))
    )]
    pub interfaces: Vec<String>,
    /// The services. Protocol, VIP and port together must be unique, and so must the names.
    #[serde(default, deserialize_with = "read::objects")]
    pub services: Vec<Service>,
    /// Who is told of what happens, and how commands are run.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Notify")]
    pub notify: Option<Notify>,
    /// The addresses that move between directors.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Vrrp")]
    pub vrrp: Option<Vrrp>,
}

/// A virtual service: what clients connect to, and the real servers behind it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// A name for people and metrics, unique in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// The transport protocol.
    #[schemars(extend("enum" = ["tcp", "udp"]))]
    pub protocol: String,
    /// The virtual address, IPv4 or IPv6, without a prefix length.
    #[schemars(extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub vip: String,
    /// The port, a range of ports like `8000-8100`, or 0 for any port that no other service at this
    /// VIP takes. The reals listen on the same ones: direct routing cannot rewrite ports.
    pub port: Ports,
    /// How a real is picked for a new connection, by the names of LVS: `mh` is weighted Maglev
    /// hashing.
    #[serde(default = "default_scheduler")]
    #[schemars(extend("enum" = ["mh", "rr", "wrr", "lc", "wlc", "sh", "sed", "nq"]))]
    pub scheduler: String,
    /// What `mh` hashes: `5-tuple` (where absent) spreads a client's connections, `source` gives
    /// all of them to one real. No other scheduler has it; `sh` always hashes the source.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["5-tuple", "source"]))]
    pub hash: Option<String>,
    /// Clients stay with the real that they were given, `sh` excepted. Needs `full` tracking.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Persistence")]
    pub persistence: Option<Persistence>,
    /// What is remembered of its flows: `changes` only those that a change of the reals would move,
    /// `full` every flow, `none` nothing (then a change of the reals moves flows). Where absent,
    /// `changes` for `mh` and `sh` without persistence and with `expire_nodest` true, else `full`,
    /// which those need.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["changes", "full", "none"]))]
    pub tracking: Option<String>,
    /// How long after its last packet a flow is forgotten: whole seconds (`900s`), minutes (`15m`),
    /// hours (`1h`) or days, 13 days at most. Where absent, `900s` for TCP and `60s` for UDP.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub idle_timeout: Option<String>,
    /// The same for TCP connections that are not established, and never longer than
    /// `idle_timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Timeouts")]
    pub timeouts: Option<Timeouts>,
    /// What happens to the packets of a connection whose real is dead or deleted: while true, they
    /// are scheduled anew, while false, dropped until the connection is forgotten. False needs
    /// `full` tracking.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    #[schemars(extend("default" = true))]
    pub expire_nodest: bool,
    /// What happens to packets while all reals are down: `drop` (where absent), or `pass` to the
    /// director's own stack.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["drop", "pass"]))]
    pub all_down: Option<String>,
    /// Prefixes of clients that are taken, like `198.51.100.0/24`; where there are any, all others
    /// are not. The longest prefix of both lists that a client lies in decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub allow: Vec<String>,
    /// Prefixes of clients that are not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub deny: Vec<String>,
    /// The address of a server that takes the connections while none of the reals does.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub sorry_server: Option<String>,
    /// How each real is checked; where absent, all of them are taken to be up.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Check")]
    pub check: Option<Check>,
    /// What becomes of a real that its check finds down: false (where absent) takes it out, and its
    /// connections with it; true gives it no new connections and leaves it those it has. Without a
    /// check it changes nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub inhibit_on_failure: bool,
    /// The weight that the reals which are up must have together for the service to be up; 1 where
    /// absent. Below it the sorry server takes over, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::quorum")]
    #[schemars(with = "u32", range(min = 1))]
    pub quorum: Option<u32>,
    /// A service that is down comes up at the quorum and this much more, one that is up goes down
    /// below the quorum less this much. Below the quorum; 0 where absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read::hysteresis"
    )]
    #[schemars(with = "u32")]
    pub hysteresis: Option<u32>,
    /// How long a real that its check finds up again takes to get its whole share; `0s` where
    /// absent: at once. Not for `rr` and `lc`, which give all reals the same. Without a check it
    /// changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub slow_start: Option<String>,
    /// A command that is run when a check finds a real up: a program, by its absolute path, and its
    /// arguments, with quotes as for a shell and nothing expanded. What happened is said by further
    /// arguments. It is run by whom `notify` names.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub notify_up: Option<String>,
    /// The same when a check finds a real down.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub notify_down: Option<String>,
    /// The same when the reals that are up have their quorum, whatever brought them up.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub quorum_up: Option<String>,
    /// The same when they have lost it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub quorum_down: Option<String>,
    /// The real servers. Their addresses must be unique in the service.
    #[serde(default, deserialize_with = "read::objects")]
    pub reals: Vec<Real>,
}

/// How long clients stay with the real that they were given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Persistence {
    /// How long after its last connection a client may come back to its real; `300s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub timeout: Option<String>,
    /// The length of the prefix by which clients are one; where absent 32 or, for IPv6, 128: each
    /// is one by itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::netmask")]
    #[schemars(with = "u8", range(min = 1, max = 128))]
    pub netmask: Option<u8>,
}

/// How long after its last packet a TCP connection is forgotten that is not established.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// After a SYN without more; `60s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub syn: Option<String>,
    /// After a FIN; `120s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub fin: Option<String>,
    /// After a RST; `10s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub closed: Option<String>,
}

/// A real server of one service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Real {
    /// Its own address, of the VIP's family and on a network of the director.
    #[schemars(extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub address: String,
    /// Its share of new connections relative to the other reals; 0 takes none.
    #[serde(default = "default_weight", deserialize_with = "read::weight")]
    #[schemars(range(min = 0, max = 65535))]
    pub weight: u16,
    /// Takes no new connections while true; the weight is kept for later.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub drain: bool,
    /// Taken out by hand while true: gets no packets and is not checked.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub disable: bool,
}

/// The text of the file that asks for `desired`: indented JSON that ends in a newline.
#[expect(clippy::missing_panics_doc, reason = "it cannot panic")]
pub fn render(desired: &Desired) -> String {
    let mut text = serde_json::to_string_pretty(&Document::from(desired))
        .expect("strings, numbers and lists of them always serialize");
    text.push('\n');
    text
}

/// The JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

fn default_scheduler() -> String {
    model::Scheduler::default().name().to_owned()
}

const fn default_weight() -> u16 {
    model::DEFAULT_WEIGHT
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_true(flag: &bool) -> bool {
    *flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests;
