//! What passes between directors.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connections that directors tell each other of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sync {
    /// The address and port that this director listens on.
    pub listen: SocketAddr,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The others.
    pub peers: Vec<SyncPeer>,
    /// Entries that were sent, once for each director.
    pub sent: u64,
    /// Entries that came from others.
    pub received: u64,
    /// Entries of others that were written into the table here.
    pub taken: u64,
    /// Entries that were not, by reason; those that are not 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
    /// Datagrams that were not read, by reason; those that are not 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<String, u64>,
}

/// Another director.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SyncPeer {
    /// Its address and port.
    pub address: SocketAddr,
    /// How many seconds ago it was last heard; absent where it has not been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<u64>,
}
