//! What checks have found of a real, as it is listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::record::Findings;
use crate::instant::rfc3339;

/// What checks have found of a real.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `up`, `down`, or `unknown` as long as nothing was found.
    pub state: String,
    /// Since when it is that (RFC 3339), where this daemon has seen it become so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// How many seconds ago that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// When it was last probed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_check: Option<String>,
    /// What the last failure was, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// When that was (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_at: Option<String>,
    /// How many probes it has passed since the daemon started.
    pub successes: u64,
    /// How many it has failed.
    pub failures: u64,
}

impl From<&Findings> for Health {
    fn from(findings: &Findings) -> Self {
        let age = findings.since.and_then(|since| since.elapsed().ok());
        Self {
            state: findings.condition.name().to_owned(),
            since: findings.since.map(rfc3339),
            age: age.map(|age| age.as_secs()),
            last_check: findings.last.map(rfc3339),
            last_failure: findings.reason(),
            last_failure_at: findings.failure.as_ref().map(|(at, _)| rfc3339(*at)),
            successes: findings.successes,
            failures: findings.failures,
        }
    }
}
