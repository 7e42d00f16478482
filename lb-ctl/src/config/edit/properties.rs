//! Properties of a service that are given, and what they make of it.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::hook::HookCommand;
use crate::config::model::{
    AllDown, Check, Hash, Hooks, Persistence, Scheduler, Service, Timeouts, Tracking,
};
use crate::config::rules::policy::{PolicyError, full_prefix};
use crate::config::rules::{self, RuleError};

/// Properties of a service, to change or to begin with; what is `None` stays as it is, or is as it
/// is by default. Each is valid by itself; whether they go together is asked when they are applied.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceChange {
    /// The name; an empty one takes a name off.
    pub name: Option<String>,
    /// How reals are picked.
    pub scheduler: Option<Scheduler>,
    /// What `mh` hashes.
    pub hash: Option<Hash>,
    /// Whether and how long clients stay with their real.
    pub persistence: Option<PersistenceChange>,
    /// What is remembered of its flows. Where this is not given and was at its default, it goes on
    /// to be.
    pub tracking: Option<Tracking>,
    /// Seconds after its last packet until a flow is forgotten.
    pub idle_timeout: Option<u32>,
    /// The same for connections that are not established.
    pub timeouts: TimeoutsChange,
    /// Whether the packets of a connection whose real is dead or deleted are scheduled anew.
    pub expire_nodest: Option<bool>,
    /// What happens while all reals are down.
    pub all_down: Option<AllDown>,
    /// Clients that are taken, in place of those before.
    pub allow: Option<Vec<IpNet>>,
    /// Clients that are not taken, in place of those before.
    pub deny: Option<Vec<IpNet>>,
    /// Takes the connections while none of the reals does; `Some(None)` takes it off.
    pub sorry_server: Option<Option<IpAddr>>,
    /// How its reals are checked; `Some(None)` takes the check off.
    pub check: Option<Option<Check>>,
    /// Whether a real that fails its check keeps its connections.
    pub inhibit_on_failure: Option<bool>,
    /// The weight that the reals which are up must have together.
    pub quorum: Option<u32>,
    /// How much more or less than the quorum it takes.
    pub hysteresis: Option<u32>,
    /// How long a real that comes up takes to get its whole share; zero takes that off.
    pub slow_start: Option<Duration>,
    /// Commands that are run when reals come and go.
    pub hooks: HooksChange,
}

/// Persistence, to change or to begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PersistenceChange {
    /// None.
    Off,
    /// Some.
    On {
        /// Seconds; what is `None` must be known from before.
        timeout: Option<u32>,
        /// Length of the prefix by which clients are one.
        prefix: Option<u8>,
    },
}

/// See [`Timeouts`]; what is `None` stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeoutsChange {
    /// After a SYN without more, in seconds.
    pub syn: Option<u32>,
    /// After a FIN, in seconds.
    pub fin: Option<u32>,
    /// After a RST, in seconds.
    pub closed: Option<u32>,
}

/// See [`Hooks`]; what is `None` stays, `Some(None)` takes a command off.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HooksChange {
    /// When a real comes up.
    pub up: Option<Option<HookCommand>>,
    /// When a real goes down.
    pub down: Option<Option<HookCommand>>,
    /// When the service comes up.
    pub quorum_up: Option<Option<HookCommand>>,
    /// When the service goes down.
    pub quorum_down: Option<Option<HookCommand>>,
}

impl ServiceChange {
    /// Takes over what is given but for the name, whose rule needs the other services.
    pub(super) fn apply(&self, service: &mut Service) -> Result<(), RuleError> {
        let was_usual = service.tracking == service.default_tracking();
        set(&mut service.scheduler, self.scheduler.as_ref());
        service.hash = self.hash(service)?;
        service.persistence = self.persistence(service)?;
        set(&mut service.expire_nodest, self.expire_nodest.as_ref());
        match self.tracking {
            Some(tracking) => service.tracking = tracking,
            None if was_usual => service.tracking = service.default_tracking(),
            None => {}
        }
        set(&mut service.idle_timeout, self.idle_timeout.as_ref());
        self.timeouts.apply(&mut service.timeouts);
        set(&mut service.all_down, self.all_down.as_ref());
        set(&mut service.sources.allow, self.allow.as_ref());
        set(&mut service.sources.deny, self.deny.as_ref());
        set(&mut service.sorry_server, self.sorry_server.as_ref());
        set(&mut service.check, self.check.as_ref());
        set(&mut service.inhibit_on_failure, self.inhibit_on_failure.as_ref());
        set(&mut service.quorum, self.quorum.as_ref());
        set(&mut service.hysteresis, self.hysteresis.as_ref());
        set(&mut service.slow_start, self.slow_start.as_ref());
        self.hooks.apply(&mut service.hooks);
        rules::service(service).map_err(|broken| broken.error)
    }

    /// A hash that was chosen for `mh` goes with it.
    fn hash(&self, service: &Service) -> Result<Hash, PolicyError> {
        match (service.scheduler, self.hash) {
            (Scheduler::Mh, hash) => Ok(hash.unwrap_or(service.hash)),
            (_, None) => Ok(Hash::default()),
            (scheduler, Some(_)) => Err(PolicyError::HashScheduler { scheduler }),
        }
    }

    fn persistence(&self, service: &Service) -> Result<Option<Persistence>, PolicyError> {
        let before = service.persistence;
        match self.persistence {
            None => Ok(before),
            Some(PersistenceChange::Off) => Ok(None),
            Some(PersistenceChange::On { timeout, prefix }) => {
                let timeout = timeout.or(before.map(|before| before.timeout));
                let timeout =
                    timeout.ok_or(PolicyError::NetmaskAlone { service: service.endpoint })?;
                let prefix = prefix.or(before.map(|before| before.prefix));
                let prefix = prefix.unwrap_or_else(|| full_prefix(service.endpoint.address));
                Ok(Some(Persistence { timeout, prefix }))
            }
        }
    }
}

impl TimeoutsChange {
    fn apply(self, timeouts: &mut Timeouts) {
        set(&mut timeouts.syn, self.syn.as_ref());
        set(&mut timeouts.fin, self.fin.as_ref());
        set(&mut timeouts.closed, self.closed.as_ref());
    }
}

impl HooksChange {
    fn apply(&self, hooks: &mut Hooks) {
        set(&mut hooks.up, self.up.as_ref());
        set(&mut hooks.down, self.down.as_ref());
        set(&mut hooks.quorum_up, self.quorum_up.as_ref());
        set(&mut hooks.quorum_down, self.quorum_down.as_ref());
    }
}

fn set<T: Clone>(property: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        property.clone_from(given);
    }
}
