//! What happens, in words for people and for programs. Pure.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::model::Endpoint;

pub mod history;

/// The longest message, in characters: some quote what a real or a script said.
const MESSAGE_CHARS: usize = 500;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $phrase:literal, $severity:ident;)+) => {
        /// What kind of event it is.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
            JsonSchema,
        )]
        pub enum EventKind {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind,)+
        }

        impl EventKind {
            /// All.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The word used in the history, to scripts and in metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// The words of the log.
            const fn phrase(self) -> &'static str {
                match self { $(Self::$kind => $phrase,)+ }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)+ }
            }
        }
    };
}

kinds! {
    /// A real passed its check.
    RealUp = "real_up", "up", Notice;
    /// A real failed its check.
    RealDown = "real_down", "down", Warning;
    /// A real was taken out by hand.
    RealDisabled = "real_disabled", "disabled", Notice;
    /// A real that was taken out by hand was put back.
    RealEnabled = "real_enabled", "enabled", Notice;
    /// The way to a real was found again, or is another one.
    RealResolved = "real_resolved", "resolved", Notice;
    /// There is no way to a real.
    RealUnresolved = "real_unresolved", "unresolved", Warning;
    /// The reals that are up have their quorum.
    QuorumUp = "quorum_up", "has its quorum", Notice;
    /// The reals that are up have not their quorum.
    QuorumDown = "quorum_down", "has lost its quorum", Alert;
    /// The sorry server takes the connections.
    SorryOn = "sorry_on", "goes to its sorry server", Alert;
    /// The reals take the connections again.
    SorryOff = "sorry_off", "goes to its reals again", Notice;
    /// Nobody takes the connections.
    AllDown = "all_down", "has nobody to go to", Alert;
    /// Other definitions are in effect.
    ConfigApplied = "config_applied", "definitions", Notice;
    /// A definition file was refused, and what ran runs on.
    ConfigRefused = "config_refused", "definitions refused", Warning;
    /// A virtual router has the addresses from now on.
    VrrpMaster = "vrrp_master", "is master", Notice;
    /// A virtual router listens to another master from now on.
    VrrpBackup = "vrrp_backup", "is backup", Notice;
    /// A virtual router cannot take part.
    VrrpFault = "vrrp_fault", "is at fault", Warning;
    /// A virtual router takes part no longer.
    VrrpInit = "vrrp_init", "takes part no longer", Notice;
    /// All virtual routers of a group have the addresses from now on.
    VrrpGroupMaster = "vrrp_group_master", "is master", Notice;
    /// All virtual routers of a group listen to other masters from now on.
    VrrpGroupBackup = "vrrp_group_backup", "is backup", Notice;
    /// No virtual router of a group can take part.
    VrrpGroupFault = "vrrp_group_fault", "is at fault", Warning;
    /// No virtual router of a group takes part any longer.
    VrrpGroupInit = "vrrp_group_init", "takes part no longer", Notice;
    /// Somebody else has an address that this director holds.
    AddressConflict = "address_conflict", "address conflict", Alert;
    /// Another one's advert was not taken.
    AdvertRejected = "advert_rejected", "an advert was not taken", Warning;
}

/// How bad an event is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Good, or somebody's own doing.
    Notice,
    /// Something is out of order.
    Warning,
    /// Clients feel it.
    Alert,
}

/// A service as events name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceName {
    /// What names it.
    pub endpoint: Endpoint,
    /// Its name for people.
    pub name: Option<String>,
}

/// A virtual router or a group of them, as events name it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RouterName {
    /// A virtual router.
    Instance(String),
    /// A group.
    Group(String),
}

impl fmt::Display for RouterName {
    /// As in `instance VI_1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => write!(f, "instance {name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// What happened, and to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happening {
    /// What kind it is.
    pub kind: EventKind,
    /// The service it happened to, where it is one.
    pub service: Option<ServiceName>,
    /// The real it happened to.
    pub real: Option<IpAddr>,
    /// The virtual router or the group that it happened to.
    pub router: Option<RouterName>,
    /// Why, or what is new, in words.
    pub message: String,
}

/// An event of the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its number; each has a greater one than those before, since the daemon started.
    pub seq: u64,
    /// When it was noted.
    pub at: SystemTime,
    /// What happened.
    pub what: Happening,
}

impl Happening {
    /// What happened to nobody in particular.
    pub fn new(kind: EventKind, message: impl Into<String>) -> Self {
        Self { kind, service: None, real: None, router: None, message: message.into() }
    }

    /// The same with a message that is one line and not overlong.
    fn bounded(self) -> Self {
        let words = self.message.split(|c: char| c.is_whitespace() || c.is_control());
        let mut message = String::new();
        for word in words.filter(|word| !word.is_empty()) {
            let blank = if message.is_empty() { "" } else { " " };
            message.extend([blank, word]);
        }
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS) {
            message.truncate(end);
            message.push('…');
        }
        Self { message, ..self }
    }
}

impl fmt::Display for Happening {
    /// As in the log: `real 192.0.2.21 of tcp 192.0.2.10:80: down: connect timed out after 3 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(router) = &self.router {
            write!(f, "{router}: ")?;
        }
        match (&self.service, self.real) {
            (Some(service), Some(real)) => write!(f, "real {real} of {}: ", service.endpoint)?,
            (Some(service), None) => write!(f, "service {}: ", service.endpoint)?,
            (None, Some(real)) => write!(f, "real {real}: ")?,
            (None, None) => {}
        }
        f.write_str(self.kind.phrase())?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lb_common::key::Protocol;

    use super::*;

    fn service() -> ServiceName {
        let address = "192.0.2.10".parse().unwrap();
        let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: 80.into() };
        ServiceName { endpoint, name: Some("web".to_owned()) }
    }

    fn happening(kind: EventKind, message: &str) -> Happening {
        Happening::new(kind, message)
    }

    #[test]
    fn the_words_say_what_happened_to_whom_and_why() {
        let real = Some("192.0.2.21".parse().unwrap());
        let down = happening(EventKind::RealDown, "connect timed out after 3 s");
        let of_service = Happening { real, service: Some(service()), ..down.clone() };
        let lost = Happening { real, ..happening(EventKind::RealUnresolved, "nobody answers ARP") };
        let quorum = Happening { service: Some(service()), ..happening(EventKind::QuorumDown, "") };
        let router = |router, kind| Happening {
            router: Some(router),
            ..happening(kind, "no master was heard")
        };
        let instance = router(RouterName::Instance("VI_1".to_owned()), EventKind::VrrpMaster);
        let group = router(RouterName::Group("VG".to_owned()), EventKind::VrrpGroupBackup);
        for (happening, expected) in [
            (instance, "instance VI_1: is master: no master was heard"),
            (group, "group VG: is backup: no master was heard"),
            (of_service, "real 192.0.2.21 of tcp 192.0.2.10:80: down: connect timed out after 3 s"),
            (lost, "real 192.0.2.21: unresolved: nobody answers ARP"),
            (quorum, "service tcp 192.0.2.10:80: has lost its quorum"),
            (happening(EventKind::ConfigApplied, "+ service x"), "definitions: + service x"),
        ] {
            assert_eq!(happening.to_string(), expected);
        }
    }

    #[test]
    fn a_message_is_one_line_and_not_overlong() {
        let bounded = |message: &str| happening(EventKind::RealDown, message).bounded().message;
        assert_eq!(bounded(" a\r\n\tb\u{1b}[31m  c \0"), "a b [31m c");
        assert_eq!(bounded(&"ä".repeat(500)), "ä".repeat(500));
        assert_eq!(bounded(&"ä".repeat(501)), format!("{}…", "ä".repeat(500)));
    }

    #[test]
    fn kinds_have_their_own_snake_case_words_and_json_has_the_same() {
        let names: BTreeSet<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            let name = kind.name();
            assert!(name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()), "{name}");
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }
}
