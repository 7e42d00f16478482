//! How reals are checked, as it is written: one flat object, of which each type takes some keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read;

/// How each real of a service is checked. Which keys there are besides those of all types depends
/// on `type`; any other is refused.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is asked: `tcp` a connection, `http` and `https` a page, `udp` a datagram, `dns` a
    /// query, `smtp` a greeting, `ping` an echo, `grpc` the gRPC health protocol, `exec` a command.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["tcp", "http", "https", "udp", "dns", "smtp", "ping", "grpc", "exec"]))]
    pub kind: String,
    /// The address that probes are sent to, always in frames to the real: the VIP (where absent),
    /// so that a real is asked what clients ask it, or the real's own. `exec` has `rip` only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["vip", "rip"]))]
    pub via: Option<String>,
    /// The port that is asked. Where absent, the service's, which must be a single one. `ping` has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::port")]
    #[schemars(with = "u16", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The director's own address that probes come from; where absent, the kernel chooses. Not for
    /// `exec`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub bind: Option<String>,
    /// From the beginning of one probe to that of the next, 10 milliseconds to 13 days; `5s` where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub interval: Option<String>,
    /// How long a probe may take. One that takes longer has failed; where it is above the interval,
    /// the next one waits for it. Where absent, `3s` and no longer than the interval.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub timeout: Option<String>,
    /// How many successes in a row bring a real up that is down; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::rise")]
    #[schemars(with = "u16", range(min = 1, max = 1000))]
    pub rise: Option<u16>,
    /// How many failures in a row take a real down that is up; 3 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::fall")]
    #[schemars(with = "u16", range(min = 1, max = 1000))]
    pub fall: Option<u16>,
    /// From a failure that does not decide yet to the next probe, 10 milliseconds to the interval.
    /// Where absent, `1s` and no longer than the interval.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub retry_delay: Option<String>,
    /// The first probe of each real is sent at a random time within this; `0s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub warmup: Option<String>,

    /// `http`, `https`: the path that is asked for, and a query; `/` where absent. Redirects are
    /// not followed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^/[^\s#]*$"))]
    pub path: Option<String>,
    /// `http`, `https`: the `Host` header; the VIP where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^[^\s@/]+$"))]
    pub host: Option<String>,
    /// `http`, `https`: the statuses that are good, each like `200` or `300-399`; `200-299` where
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::statuses")]
    #[schemars(schema_with = "statuses")]
    pub status: Vec<String>,
    /// `http`, `https`: the SHA-256 of a good body, in hexadecimal digits. No more than one of this,
    /// `md5` and `body_regex`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// `http`, `https`: the MD5 of a good body, as keepalived's `genhash` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    pub md5: Option<String>,
    /// `http`, `https`: a regular expression, in the syntax of Rust's `regex`, that a good body
    /// matches somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String")]
    pub body_regex: Option<String>,

    /// `grpc`: whether it is asked by TLS; false where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "bool")]
    pub tls: Option<bool>,
    /// `https`, `grpc` by TLS: the name that the server is asked for and that its certificate must
    /// have. Where absent, that of `host`, if it is a name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub sni: Option<String>,
    /// `https`, `grpc` by TLS: whether the server's certificate must be valid; true where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "bool")]
    pub verify: Option<bool>,
    /// `https`, `grpc` by TLS: a PEM file of the authorities that are trusted; those of the system
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^/"))]
    pub ca: Option<String>,

    /// `udp`: what is sent, as text; nothing where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String")]
    pub payload: Option<String>,
    /// `udp`: the same in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^([0-9a-fA-F]{2})*$"))]
    pub payload_hex: Option<String>,
    /// `udp`: what an answer must contain, as text; any answer will do where it is empty. Where
    /// absent, no answer is needed: only an ICMP message that says unreachable is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String")]
    pub expect: Option<String>,
    /// `udp`: the same in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^([0-9a-fA-F]{2})*$"))]
    pub expect_hex: Option<String>,

    /// `dns`: the name asked for; `.` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub name: Option<String>,
    /// `dns`: the type of record asked for, like `A`; `SOA` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub record_type: Option<String>,
    /// `dns`: the response code of a good answer, like `NXDOMAIN`; `NOERROR` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub rcode: Option<String>,

    /// `smtp`: the name that the director gives itself; its host name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^[!-~]+$"))]
    pub helo: Option<String>,

    /// `grpc`: the service asked for; where absent, the server as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String")]
    pub service: Option<String>,

    /// `exec`: a program, by its absolute path, and its arguments, with quotes as for a shell and
    /// nothing expanded. It exits with 0 while the real is up.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub command: Option<String>,
    /// `exec`: who runs it; `nobody` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub user: Option<String>,
}

impl Check {
    /// A check of this type of which nothing else is said.
    pub fn of_type(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }
}

/// A list of strings and numbers: who writes a status as a number means the same.
fn statuses(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "items": {
            "anyOf": [
                { "type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$" },
                { "type": "integer", "minimum": 100, "maximum": 599 },
            ],
        },
    })
}
