//! What is asked for: objects to add, and properties to change.

use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service to add.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub vip: IpAddr,
    /// The port.
    pub port: u16,
    /// A name for people and metrics.
    #[serde(default)]
    pub name: Option<String>,
    /// The scheduler's LVS name; `mh` where absent.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// What is remembered of its flows: `changes`, `full` or `none`; `changes` where absent.
    #[serde(default)]
    pub tracking: Option<String>,
    /// Seconds after its last packet until a flow is forgotten; 900 (TCP) or 60 (UDP) where absent.
    #[serde(default)]
    pub idle_timeout: Option<u32>,
}

/// Properties of a service to change; what is absent stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceEdit {
    /// The new name.
    #[serde(default)]
    pub name: Option<String>,
    /// The new scheduler.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// What is remembered of its flows from now on: `changes`, `full` or `none`.
    #[serde(default)]
    pub tracking: Option<String>,
    /// The new idle timeout, in seconds.
    #[serde(default)]
    pub idle_timeout: Option<u32>,
}

/// A real to add.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReal {
    /// Its address.
    pub address: IpAddr,
    /// Its weight; 1 where absent.
    #[serde(default)]
    pub weight: Option<u16>,
}

/// Properties of a real to change; what is absent stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealEdit {
    /// The new weight.
    #[serde(default)]
    pub weight: Option<u16>,
    /// Out of scheduling, or back.
    #[serde(default)]
    pub drained: Option<bool>,
}
