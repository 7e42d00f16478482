//! What health checks say of the reals, and what follows for their shares. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use indexmap::IndexSet;

use crate::config::model::{Desired, Endpoint, Service};
use crate::health::driver::Key;
use crate::health::sm::Condition;

/// The whole share of a real that comes up slowly: what is less is counted in these.
const WHOLE: u16 = 20;
/// How long it keeps one share at least: each is a change of the ring.
const SHORTEST: Duration = Duration::from_secs(1);

/// What is known of checked reals and of services.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Of reals that are checked.
    conditions: HashMap<Key, Condition>,
    /// When those came up that have not got their whole share yet.
    rising: HashMap<Key, Rise>,
    /// Whether services have their quorum, as far as that is decided.
    quorums: HashMap<Endpoint, bool>,
}

#[derive(Clone, Copy, Debug)]
struct Rise {
    began: Instant,
    /// Its share, of [`WHOLE`].
    share: u16,
    /// When it gets more.
    due: Instant,
}

/// Whether a real may take what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It may.
    In,
    /// It keeps the connections it has.
    Inhibited,
    /// It may not.
    Out,
}

impl Health {
    /// Goes over to other definitions. What is `known` of reals whose check is new is asked.
    pub fn follow(&mut self, desired: &Desired, mut known: impl FnMut(&Key) -> Condition) {
        let mut before = std::mem::take(&mut self.conditions);
        for service in desired.services.values().filter(|service| service.check.is_some()) {
            for (address, _) in service.reals.iter().filter(|(_, real)| !real.disabled) {
                let key = (service.endpoint, *address);
                let condition = before.remove(&key).unwrap_or_else(|| known(&key));
                self.conditions.insert(key, condition);
            }
        }
        self.rising.retain(|key, _| {
            let service = desired.services.get(&key.0);
            let is_slow = service.is_some_and(|service| !service.slow_start.is_zero());
            is_slow && self.conditions.contains_key(key)
        });
        self.quorums.retain(|endpoint, _| desired.services.contains_key(endpoint));
    }

    /// What is known of a real; `None` where it is not checked.
    pub fn condition(&self, key: &Key) -> Option<Condition> {
        self.conditions.get(key).copied()
    }

    /// What is known of all reals that are checked.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> {
        self.conditions.values().copied()
    }

    /// Takes in what a real is from now on.
    pub(super) fn set(&mut self, service: &Service, address: IpAddr, to: Condition, now: Instant) {
        let key = (service.endpoint, address);
        let Some(condition) = self.conditions.get_mut(&key) else { return };
        let before = std::mem::replace(condition, to);
        self.rising.remove(&key);
        if to == Condition::Up && before != to && !service.slow_start.is_zero() {
            self.rising.insert(key, Rise::new(service.slow_start, now));
        }
    }

    /// Whether a real may take what it is given.
    pub fn standing(&self, service: &Service, address: IpAddr) -> Standing {
        if service.reals.get(&address).is_some_and(|real| real.disabled) {
            return Standing::Out;
        }
        match self.condition(&(service.endpoint, address)) {
            None | Some(Condition::Up) => Standing::In,
            _ if service.inhibit_on_failure => Standing::Inhibited,
            _ => Standing::Out,
        }
    }

    /// Gives the reals that came up lately what share they have by now. Returns the services where
    /// that is another than before.
    pub fn handle_rises(&mut self, desired: &Desired, now: Instant) -> Vec<Endpoint> {
        let mut changed = IndexSet::new();
        self.rising.retain(|(endpoint, _), rise| {
            let Some(service) = desired.services.get(endpoint) else { return false };
            if rise.due <= now {
                rise.advance(service.slow_start, now);
                changed.insert(*endpoint);
            }
            rise.share < WHOLE
        });
        changed.into_iter().collect()
    }

    /// When [`Self::handle_rises`] is to be called.
    pub fn next_rise(&self) -> Option<Instant> {
        self.rising.values().map(|rise| rise.due).min()
    }

    /// The weights that the reals of a service have by now, in the order of `weights`: while one
    /// has not got its whole share, all are counted in finer units.
    pub(super) fn shares(&self, service: &Service, weights: &mut [(IpAddr, u16)]) {
        let rise = |address: IpAddr| self.rising.get(&(service.endpoint, address));
        if self.rising.is_empty() || weights.iter().all(|(address, _)| rise(*address).is_none()) {
            return;
        }
        let share = |address| rise(address).map_or(WHOLE, |rise| rise.share);
        let fine =
            |(address, weight): &(IpAddr, u16)| u32::from(*weight) * u32::from(share(*address));
        let heaviest = weights.iter().map(fine).max().unwrap_or_default();
        let unit = heaviest.div_ceil(u16::MAX.into()).max(1);
        for each in weights.iter_mut().filter(|(_, weight)| *weight > 0) {
            each.1 = (fine(each) / unit).max(1) as u16;
        }
    }

    /// Whether a service has its quorum; true as long as that is not decided.
    pub fn is_quorate(&self, endpoint: &Endpoint) -> bool {
        self.quorum(endpoint).unwrap_or(true)
    }

    /// Whether a service has its quorum, where that is decided.
    pub fn quorum(&self, endpoint: &Endpoint) -> Option<bool> {
        self.quorums.get(endpoint).copied()
    }

    /// Takes in the weight that the reals of a service which are up have together, and whether
    /// nothing is known yet of others. Returns whether the service has its quorum from now on, where
    /// that is new.
    pub(super) fn count(&mut self, service: &Service, weight: u32, open: bool) -> Option<bool> {
        let Service { endpoint, quorum, hysteresis, .. } = service;
        let before = self.quorums.get(endpoint).copied();
        let now = match before {
            Some(true) => weight >= quorum.saturating_sub(*hysteresis).max(1),
            Some(false) => weight >= quorum.saturating_add(*hysteresis),
            None if weight >= *quorum => true,
            None if open => return None,
            None => false,
        };
        self.quorums.insert(*endpoint, now);
        (before != Some(now)).then_some(now)
    }
}

impl Rise {
    fn new(whole: Duration, now: Instant) -> Self {
        Self { began: now, share: 1, due: now + pause(whole) }
    }

    /// Takes the share that is earned by now.
    fn advance(&mut self, whole: Duration, now: Instant) {
        let passed = now.saturating_duration_since(self.began);
        let earned = passed.as_micros() * u128::from(WHOLE) / whole.as_micros().max(1);
        self.share = earned.clamp(1, WHOLE.into()) as u16;
        self.due = now + pause(whole);
    }
}

/// How long a real keeps one share before it gets more.
fn pause(whole: Duration) -> Duration {
    (whole / u32::from(WHOLE)).max(SHORTEST).min(whole)
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
