//! What the directors of a run are told to be.

use std::net::IpAddr;
use std::time::Duration;

use indexmap::IndexMap;
use lb_ctl::config::vrrp::{
    Group, Instance, Preempt, Track, Tracked, Version, VirtualAddress, Vrrp,
};

/// The scripts that all follow: one that is needed, and one that is worth something.
pub(crate) const SCRIPTS: [&str; 2] = ["needed", "worth"];
/// What the second one is worth.
const WORTH: i16 = -60;

/// One director.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    pub(crate) preempt: Preempt,
}

/// All directors.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) version: Version,
    pub(crate) parts: Vec<Part>,
    /// The interval of each virtual router is that of its director so many times; where there are
    /// two virtual routers, they are a group.
    pub(crate) routers: Vec<u32>,
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) seed: u64,
}

impl Setup {
    /// The usual: equal intervals, a network that takes a millisecond.
    pub(crate) fn new(version: Version, interval: Duration, priorities: &[u8]) -> Self {
        let preempt = Preempt::default();
        let part = |priority: &u8| Part { priority: *priority, interval, preempt };
        Self {
            version,
            parts: priorities.iter().map(part).collect(),
            routers: vec![1],
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            seed: 1,
        }
    }

    /// The longest interval of all.
    pub(crate) fn longest(&self) -> Duration {
        let factor = self.routers.iter().max().expect("there is one");
        self.parts.iter().map(|part| part.interval).max().expect("there is one") * *factor
    }

    pub(crate) fn shortest(&self) -> Duration {
        self.parts.iter().map(|part| part.interval).min().expect("there is one")
    }

    /// The longest that any waits for a master (RFC 9568, section 6.1; RFC 3768, section 6.1).
    pub(crate) fn longest_down(&self) -> Duration {
        let skew = match self.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => self.longest(),
        };
        self.longest() * 3 + skew
    }

    pub(crate) fn longest_preempt_delay(&self) -> Duration {
        let delay = |part: &Part| match part.preempt {
            Preempt::Never => Duration::ZERO,
            Preempt::After(delay) => delay,
        };
        self.parts.iter().map(delay).max().expect("there is one")
    }

    /// The definitions of one director.
    pub(crate) fn definitions(&self, director: usize) -> Vrrp {
        let instances: Vec<Instance> =
            (0..self.routers.len()).map(|router| self.instance(director, router)).collect();
        let group = Group {
            name: "G".to_owned(),
            instances: instances.iter().map(|instance| instance.name.clone()).collect(),
            ..Group::default()
        };
        let groups = (instances.len() > 1).then(|| (group.name.clone(), group));
        Vrrp {
            instances: instances.into_iter().map(|it| (it.name.clone(), it)).collect(),
            groups: IndexMap::from_iter(groups),
            ..Vrrp::default()
        }
    }

    fn instance(&self, director: usize, router: usize) -> Instance {
        let Part { priority, interval, preempt } = self.parts[director];
        let address = IpAddr::from([192, 0, 2, 100 + router as u8]);
        let followed =
            |(script, weight): (&str, Option<i16>)| Tracked { what: script.to_owned(), weight };
        let scripts = [(SCRIPTS[0], None), (SCRIPTS[1], Some(WORTH))].map(followed).to_vec();
        let address = VirtualAddress { address, prefix: 32, interface: None };
        let vrid = 1 + router as u8;
        Instance {
            version: self.version,
            priority,
            advert_interval: interval * self.routers[router],
            preempt,
            track: Track { scripts, ..Track::default() },
            ..Instance::new(&name(router), "eth0", vrid, vec![address])
        }
    }
}

/// What a virtual router is called.
pub(crate) fn name(router: usize) -> String {
    format!("R{router}")
}
