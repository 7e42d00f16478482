//! What virtual routers follow, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Full, TextOr, number};
use crate::config::file::read;

/// What a state and a priority follow. A weight is added to the priority: a positive one while this
/// works, a negative one while it does not. Without a weight, the instance is at fault while it does
/// not.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// Interfaces that are to be up, besides the instance's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<TextOr<TrackedName>>,
    /// Names of scripts that are to succeed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<TextOr<TrackedName>>,
    /// Paths of files that are not to be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<TextOr<TrackedFile>>,
    /// Names of processes that are to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<TextOr<TrackedName>>,
    /// Services that are to have their quorum: each by its name, or like `tcp 192.0.2.10:80`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<TextOr<TrackedService>>,
}

/// Something that is followed by its name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackedName {
    /// Its name.
    pub name: String,
    /// What is added to the priority. Where absent, what a script or process says itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::weight")]
    #[schemars(with = "i16", range(min = -253, max = 253), extend("not" = { "const": 0 }))]
    pub weight: Option<i16>,
}

/// A file that is not to be there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackedFile {
    /// Its absolute path.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// What is added to the priority.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::weight")]
    #[schemars(with = "i16", range(min = -253, max = 253), extend("not" = { "const": 0 }))]
    pub weight: Option<i16>,
}

/// A service that is to have its quorum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackedService {
    /// Its name, or what it is: like `tcp 192.0.2.10:80`.
    pub service: String,
    /// What is added to the priority.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::weight")]
    #[schemars(with = "i16", range(min = -253, max = 253), extend("not" = { "const": 0 }))]
    pub weight: Option<i16>,
}

/// A command that says whether something works: it does while the command exits with 0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// A name, unique among the scripts.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// A program, by its absolute path, and its arguments, with quotes as for a shell and nothing
    /// expanded.
    #[schemars(length(min = 1))]
    pub command: String,
    /// From the beginning of one run to that of the next, 10 milliseconds to 13 days; `1s` where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub interval: Option<String>,
    /// How long a run may take; one that takes longer has failed. The interval where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub timeout: Option<String>,
    /// How many successes in a row say that it works; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::rise")]
    #[schemars(with = "u16", range(min = 1, max = 1000))]
    pub rise: Option<u16>,
    /// How many failures in a row say that it does not; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::fall")]
    #[schemars(with = "u16", range(min = 1, max = 1000))]
    pub fall: Option<u16>,
    /// What is added to the priority of those who follow it and say nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::weight")]
    #[schemars(with = "i16", range(min = -253, max = 253), extend("not" = { "const": 0 }))]
    pub weight: Option<i16>,
    /// Who runs it; the user of the definition's `notify` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub user: Option<String>,
}

/// Processes that are to run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// A name, unique among the processes.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The name of the program, as `pgrep -x` takes it; that of this object where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^[^/]+$"))]
    pub program: Option<String>,
    /// How many of them are to run; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::quorum")]
    #[schemars(with = "u32", range(min = 1))]
    pub quorum: Option<u32>,
    /// How long there must be too few of them until that counts; `0s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub delay: Option<String>,
    /// What is added to the priority of those who follow it and say nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::weight")]
    #[schemars(with = "i16", range(min = -253, max = 253), extend("not" = { "const": 0 }))]
    pub weight: Option<i16>,
}

/// Something that is followed, with a weight or without.
pub trait Follow: Full {
    /// This with a weight.
    fn with(text: String, weight: i16) -> Self;

    /// What is added to the priority, where that is said.
    fn weight(&self) -> Option<i16>;
}

impl Full for TrackedName {
    const KEY: &'static str = "name";

    fn text(&self) -> &str {
        &self.name
    }
}

impl Follow for TrackedName {
    fn with(name: String, weight: i16) -> Self {
        Self { name, weight: Some(weight) }
    }

    fn weight(&self) -> Option<i16> {
        self.weight
    }
}

impl Full for TrackedFile {
    const KEY: &'static str = "path";

    fn text(&self) -> &str {
        &self.path
    }
}

impl Follow for TrackedFile {
    fn with(path: String, weight: i16) -> Self {
        Self { path, weight: Some(weight) }
    }

    fn weight(&self) -> Option<i16> {
        self.weight
    }
}

impl Full for TrackedService {
    const KEY: &'static str = "service";

    fn text(&self) -> &str {
        &self.service
    }
}

impl Follow for TrackedService {
    fn with(service: String, weight: i16) -> Self {
        Self { service, weight: Some(weight) }
    }

    fn weight(&self) -> Option<i16> {
        self.weight
    }
}
