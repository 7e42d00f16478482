//! Virtual routers, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read;

mod number;
mod text_or;
mod track;

pub use text_or::{Full, TextOr};
pub use track::{Follow, Process, Script, Track, TrackedFile, TrackedName, TrackedService};

/// Addresses that move between directors, by VRRP (RFC 3768, RFC 9568).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vrrp {
    /// The virtual routers. Their names must be unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::objects")]
    pub instances: Vec<Instance>,
    /// Virtual routers that are master together or not at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::objects")]
    pub groups: Vec<Group>,
    /// Commands that say whether something works; `track` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::objects")]
    pub scripts: Vec<Script>,
    /// Processes that are to run; `track` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::objects")]
    pub processes: Vec<Process>,
    /// How other directors are told of connections that the rings do not tell them of.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Sync")]
    pub sync: Option<Sync>,
}

/// A virtual router.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// A name, unique among the instances.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The interface that adverts are sent and heard on. It is followed: the instance is at fault
    /// while it is down.
    #[schemars(length(min = 1, max = 15), regex(pattern = r"^[^\s/:]+$"))]
    pub interface: String,
    /// The number of the virtual router, the same on all directors and unique on its interface
    /// among those of its family.
    #[serde(deserialize_with = "number::vrid")]
    #[schemars(range(min = 1, max = 255))]
    pub vrid: u8,
    /// How adverts are written: 2 (RFC 3768: IPv4, whole seconds) or 3 (RFC 9568). Where absent, 3
    /// for IPv6 and for intervals that are not in whole seconds, else 2.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::version"
    )]
    #[schemars(with = "u8", extend("enum" = [2, 3]))]
    pub version: Option<u8>,
    /// The director with the highest priority is master; 255 is for one whose own addresses these
    /// are. 100 where absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::priority"
    )]
    #[schemars(with = "u8", range(min = 1, max = 255))]
    pub priority: Option<u8>,
    /// From one advert to the next, the same on all directors: whole seconds up to `255s` in
    /// version 2, `10ms` to `40950ms` in version 3. `1s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub advert_interval: Option<String>,
    /// The addresses that move and stand in the adverts, all of one family, at most 255. Each is
    /// like `192.0.2.10/24`; without a prefix length it is by itself (/32, for IPv6 /128).
    #[schemars(length(min = 1, max = 255))]
    pub addresses: Vec<TextOr<PlacedAddress>>,
    /// Addresses of either family that move as well and stand in no advert.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_addresses: Vec<TextOr<PlacedAddress>>,
    /// A password in the adverts of version 2, which everybody on the network can read.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Auth")]
    pub auth: Option<Auth>,
    /// Whether it takes over from a master of lower priority; true where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "bool")]
    pub preempt: Option<bool>,
    /// How long it hears such a master before it does; `0s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub preempt_delay: Option<String>,
    /// The other directors' addresses, which adverts are sent to; by multicast where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub unicast_peers: Vec<String>,
    /// The director's address that adverts come from; where absent, the first of the interface, for
    /// IPv6 the link-local one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub source: Option<String>,
    /// Whether the addresses have the virtual router's own MAC, on an interface made for it; where
    /// absent, they have that of the interface.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "bool")]
    pub virtual_mac: Option<bool>,
    /// What the checksum of version 3 covers over IPv4: the `pseudo-header` too (where absent), as
    /// keepalived has it, or the `message` alone, as RFC 9568 has it. Both are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["pseudo-header", "message"]))]
    pub checksum: Option<String>,
    /// What its state and its priority follow.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Track")]
    pub track: Option<Track>,
    /// Commands that are run when its state changes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "RoleHooks")]
    pub notify: Option<RoleHooks>,
    /// How others are told where the addresses are.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Garp")]
    pub garp: Option<Garp>,
}

/// An address that moves, and where to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacedAddress {
    /// The address, and the length of its prefix.
    pub address: String,
    /// The interface that it is put on; the instance's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1, max = 15), regex(pattern = r"^[^\s/:]+$"))]
    pub interface: Option<String>,
}

impl Full for PlacedAddress {
    const KEY: &'static str = "address";

    fn text(&self) -> &str {
        &self.address
    }
}

/// What stands in the adverts of version 2 besides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Of what kind it is: a password in plain text.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["pass"]))]
    pub kind: String,
    /// The password: printable ASCII, eight characters at most.
    #[schemars(regex(pattern = r"^[ -~]{1,8}$"))]
    pub password: String,
}

/// Commands that are run when a state changes: each a program, by its absolute path, and its
/// arguments, with quotes as for a shell and nothing expanded. What happened is said by further
/// arguments, as keepalived has them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleHooks {
    /// It is master now.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub master: Option<String>,
    /// It is backup now.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub backup: Option<String>,
    /// It is at fault now.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub fault: Option<String>,
    /// The daemon leaves, or it is defined no longer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub stop: Option<String>,
    /// Any of these, after the command of its own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub any: Option<String>,
}

/// How others are told where the addresses are: by gratuitous ARP and unsolicited neighbour
/// advertisements.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Garp {
    /// How often each address is told of in one round; 5 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::repeat")]
    #[schemars(with = "u8", range(min = 1, max = 255))]
    pub repeat: Option<u8>,
    /// From the first round to the second; `5s` where absent, `0s` for no second.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub delay: Option<String>,
    /// From round to round for as long as it is master; where absent, or `0s`, there are no more
    /// than two.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub refresh: Option<String>,
    /// How often each address is told of in those; 1 where absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::refresh_repeat"
    )]
    #[schemars(with = "u8", range(min = 1, max = 255))]
    pub refresh_repeat: Option<u8>,
    /// Interfaces where this is told besides those that the addresses are on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        extend("uniqueItems" = true),
        inner(length(min = 1, max = 15), regex(pattern = r"^[^\s/:]+$"))
    )]
    pub interfaces: Vec<String>,
}

/// Virtual routers that are master together or not at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A name, unique among the groups.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The names of its instances. No instance is in two groups.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub instances: Vec<String>,
    /// What the states and priorities of all of them follow.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Track")]
    pub track: Option<Track>,
    /// Commands that are run when the state of all of them has changed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "RoleHooks")]
    pub notify: Option<RoleHooks>,
}

/// How other directors are told of connections that the rings do not tell them of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// This director's address, and the UDP port, like `192.0.2.1:8475`.
    pub listen: String,
    /// The other directors' addresses and ports, of the same family.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub peers: Vec<String>,
    /// What the directors know and nobody else does: what they tell is authenticated by it.
    #[schemars(length(min = 16))]
    pub key: String,
}
