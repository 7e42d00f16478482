//! What checks have found that were asked for.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What probes have found that were asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// The reals, in the order of the definitions.
    pub reals: Vec<CheckedReal>,
}

/// What a probe has found of one real.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckedReal {
    /// Its address.
    pub address: IpAddr,
    /// Whether it passed.
    pub passed: bool,
    /// Why it did not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
