//! What is shown of virtual routers: how each stands, and what was counted. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use lb_common::value::Mac;

use super::routers::Status;
use super::sm::Role;
use super::strangers::Strangers;

/// How a virtual router stands, and what was counted of it since the daemon started.
#[derive(Clone, Debug)]
pub struct VrrpStatus {
    /// How it stands.
    pub router: Status,
    /// Its adverts, and those of others.
    pub adverts: AdvertCounts,
    /// How often it has come into each state.
    pub transitions: Transitions,
    /// Who else has its addresses, as far as was heard.
    pub strangers: Strangers,
}

/// Adverts of a virtual router.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdvertCounts {
    /// Those it has sent, to each peer where there are several.
    pub sent: u64,
    /// Others' that were good.
    pub received: u64,
    /// Others' that were not taken, by what was wrong with them.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Others' that were good, by what their checksum covered.
    pub covered: BTreeMap<&'static str, u64>,
    /// Others' that were good but for their addresses, which are not the defined ones.
    pub differing: u64,
}

/// How often a virtual router has come into each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transitions([u64; Role::ALL.len()]);

impl Transitions {
    /// Counts one.
    pub const fn count(&mut self, to: Role) {
        self.0[to as usize] += 1;
    }

    /// All.
    pub fn counts(&self) -> impl Iterator<Item = (Role, u64)> {
        Role::ALL.into_iter().zip(self.0)
    }
}

/// Somebody else who has an address that this director holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// The address.
    pub address: IpAddr,
    /// The other one's MAC.
    pub mac: Mac,
    /// The interface where it was heard.
    pub interface: String,
}

impl fmt::Display for Conflict {
    /// As in `192.0.2.10 is held by 02:00:00:00:00:05 as well, heard on eth0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, mac, interface } = self;
        let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
        write!(f, "{address} is held by {mac} as well, heard on {interface}")
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Virtual routers for the tests of what is shown.

    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::config::vrrp::{Instance, Version, VirtualAddress};

    /// An instance of one address, 192.0.2.10/32, with nothing but what it must have.
    pub(crate) fn instance(name: &str) -> Instance {
        let address =
            VirtualAddress { address: [192, 0, 2, 10].into(), prefix: 32, interface: None };
        Instance {
            version: Version::V3,
            priority: 150,
            advert_interval: Duration::from_millis(100),
            ..Instance::new(name, "eth0", 51, vec![address])
        }
    }

    /// Somebody else who has 192.0.2.10.
    pub(crate) fn conflict() -> Conflict {
        Conflict {
            address: [192, 0, 2, 10].into(),
            mac: [2, 0, 0, 0, 0, 5],
            interface: "eth0".to_owned(),
        }
    }

    /// A backup that hears 192.0.2.3, priority 200, since `since`.
    pub(crate) fn backup(name: &str, since: Instant) -> VrrpStatus {
        let router = Status {
            instance: Arc::new(instance(name)),
            group: None,
            role: Role::Backup,
            since,
            why: "it has begun to take part".to_owned(),
            priority: 150,
            source: Some([192, 0, 2, 2].into()),
            handed_over: false,
            holds: false,
            heard: Some(([192, 0, 2, 3].into(), 200)),
        };
        VrrpStatus {
            router,
            adverts: AdvertCounts::default(),
            transitions: Transitions::default(),
            strangers: Strangers::default(),
        }
    }

    /// A master of a group since `since` that has counted all there is to count.
    pub(crate) fn master(name: &str, since: Instant) -> VrrpStatus {
        let status = backup(name, since);
        let mut transitions = Transitions::default();
        for role in [Role::Backup, Role::Master] {
            transitions.count(role);
        }
        let mut strangers = Strangers::default();
        for _ in 0..3 {
            strangers.note(since, conflict());
        }
        VrrpStatus {
            router: Status {
                group: Some("VG".to_owned()),
                role: Role::Master,
                why: "no master was heard".to_owned(),
                holds: true,
                ..status.router
            },
            adverts: AdvertCounts {
                sent: 40,
                received: 7,
                rejected: BTreeMap::from([("checksum", 2), ("ttl", 1)]),
                covered: BTreeMap::from([("pseudo-header", 6), ("message", 1)]),
                differing: 1,
            },
            transitions,
            strangers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_counted_by_where_they_lead() {
        let mut transitions = Transitions::default();
        for role in [Role::Backup, Role::Master, Role::Backup] {
            transitions.count(role);
        }
        let counts: Vec<_> = transitions.counts().collect();
        let expected = [(Role::Init, 0), (Role::Backup, 2), (Role::Master, 1), (Role::Fault, 0)];
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_conflict_names_the_other_ones_mac() {
        let words = "192.0.2.10 is held by 02:00:00:00:00:05 as well, heard on eth0";
        assert_eq!(samples::conflict().to_string(), words);
    }
}
