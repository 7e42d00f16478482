//! One difference, and how it is written.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::property::{Field, Properties};
use crate::config::model::{Endpoint, Ports};

/// One difference. Its `Display` is one line, like `+ service tcp 192.0.2.10:80 (mh)`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What happens to the object.
    #[serde(flatten)]
    pub action: Action,
    /// The object.
    #[serde(flatten)]
    pub object: Object,
}

/// What happens to an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// It comes, with these properties.
    Add(Properties),
    /// It goes, with these properties.
    Remove(Properties),
    /// It stays, with other properties.
    Change {
        /// What differs, never empty.
        fields: Vec<Field>,
    },
}

/// What changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "object", rename_all = "lowercase")]
pub enum Object {
    /// An interface to balance on.
    Interface {
        /// Its name.
        interface: String,
    },
    /// A service.
    Service(ServiceId),
    /// A real of a service.
    Real {
        /// Its address.
        address: IpAddr,
        /// The service it belongs to.
        service: ServiceId,
    },
    /// Whom to notify.
    Notify,
    /// A virtual router.
    #[serde(rename = "vrrp_instance")]
    VrrpInstance {
        /// Its name.
        instance: String,
    },
    /// A group of virtual routers.
    #[serde(rename = "vrrp_group")]
    VrrpGroup {
        /// Its name.
        group: String,
    },
    /// A script that virtual routers follow.
    #[serde(rename = "vrrp_script")]
    VrrpScript {
        /// Its name.
        script: String,
    },
    /// Processes that virtual routers follow.
    #[serde(rename = "vrrp_process")]
    VrrpProcess {
        /// Their name.
        process: String,
    },
    /// How other directors are told of connections.
    #[serde(rename = "vrrp_sync")]
    VrrpSync,
}

/// What names a service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServiceId {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The virtual address.
    pub vip: IpAddr,
    /// The ports.
    pub port: Ports,
}

impl From<Endpoint> for ServiceId {
    fn from(Endpoint { protocol, address, port }: Endpoint) -> Self {
        Self { protocol: protocol.name().to_owned(), vip: address, port }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        match &self.action {
            Action::Add(properties) => write!(f, "+ {object}{properties}"),
            Action::Remove(properties) => write!(f, "- {object}{properties}"),
            Action::Change { fields } => {
                let fields: Vec<String> = fields.iter().map(Field::to_string).collect();
                write!(f, "~ {object}: {}", fields.join(", "))
            }
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { interface } => write!(f, "interface {interface}"),
            Self::Service(service) => write!(f, "service {service}"),
            Self::Real { address, service } => write!(f, "real {address} of {service}"),
            Self::Notify => f.write_str("notify"),
            Self::VrrpInstance { instance } => write!(f, "VRRP instance {instance}"),
            Self::VrrpGroup { group } => write!(f, "VRRP group {group}"),
            Self::VrrpScript { script } => write!(f, "VRRP script {script}"),
            Self::VrrpProcess { process } => write!(f, "VRRP process {process}"),
            Self::VrrpSync => f.write_str("VRRP sync"),
        }
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.port.at(self.vip))
    }
}
