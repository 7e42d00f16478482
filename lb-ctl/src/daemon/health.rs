//! What follows from what the checks of the reals say.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use indexmap::IndexSet;

use super::core::{Core, failed};
use crate::command::CommandError;
use crate::config::model::Endpoint;
use crate::dataplane::Dataplane;
use crate::event::EventKind;
use crate::health::driver::{Key, Report, ReportKind};
use crate::health::sm::Condition;
use crate::reconcile::plan;

impl<D: Dataplane> Core<D> {
    /// Brings what checks have found into the maps, and tells of it.
    pub(super) fn take_in_health(&mut self) {
        let mut services = IndexSet::new();
        let now = Instant::now();
        let heard = self.checks.take_heard();
        for Report { key, kind, .. } in &heard {
            if let ReportKind::Changed { condition, .. } = kind {
                self.state.set_condition(key, *condition, now);
                services.insert(key.0);
            }
        }
        self.follow_services(&services.into_iter().collect::<Vec<_>>());
        for Report { key, kind, .. } in heard {
            self.tell_finding(key, kind);
        }
    }

    /// Gives reals that came up lately more of their share.
    pub(super) fn raise_shares(&mut self) {
        let services = self.state.health.handle_rises(&self.state.desired, Instant::now());
        self.follow_services(&services);
    }

    /// Brings the maps in line with what is known of the reals of these services. What cannot be
    /// brought in is left to the next convergence.
    pub(super) fn follow_services(&mut self, services: &[Endpoint]) {
        if services.is_empty() {
            return;
        }
        let quorums = self.count_quorums(services);
        if let Err(error) = self.put_services(services) {
            tracing::error!("a change of reals is not in effect yet: {error}");
            self.unsettled = true;
        }
        for (endpoint, quorate) in quorums {
            self.tell_quorum(endpoint, quorate);
        }
        self.tell_of_serving(services);
        self.tell_vrrp_of_services();
    }

    fn put_services(&mut self, services: &[Endpoint]) -> Result<(), CommandError> {
        let now = self.dataplane.now().map_err(failed)?;
        let targets = self.state.targets(services);
        let ops = match plan::plan_hops(targets, &self.actual, self.dataplane.capacity(), now) {
            Some(ops) => ops,
            None => self.plan()?,
        };
        self.run(&ops)
    }

    /// The services whose quorum is another from now on.
    pub(super) fn count_quorums(&mut self, services: &[Endpoint]) -> Vec<(Endpoint, bool)> {
        let mut changed = Vec::new();
        for endpoint in services {
            if let Some(quorate) = self.state.count_quorum(endpoint) {
                changed.push((*endpoint, quorate));
            }
        }
        changed
    }

    /// Probes the reals of these services that a way was found to and that are not known to be up.
    pub(super) fn probe_reached(&self, rips: &BTreeSet<IpAddr>, services: &[Endpoint]) {
        let keys = services.iter().flat_map(|service| rips.iter().map(|rip| (*service, *rip)));
        let ill = |key: &Key| {
            let condition = self.state.health.condition(key);
            condition.is_some_and(|condition| condition != Condition::Up)
        };
        self.checks.nudge(keys.filter(|key| self.state.is_reached(key.1) && ill(key)));
    }

    fn tell_finding(&mut self, (endpoint, address): Key, kind: ReportKind) {
        let (service, real) = (Some(endpoint), Some(address));
        match kind {
            ReportKind::Changed { condition: Condition::Down, why } => {
                self.tell(EventKind::RealDown, service, real, why.unwrap_or_default());
            }
            ReportKind::Changed { condition: Condition::Up, .. } => {
                self.tell(EventKind::RealUp, service, real, "passes its check");
            }
            ReportKind::Changed { condition: Condition::Unknown, .. } => {
                tracing::info!("real {address} of {endpoint}: {}", Condition::Unknown.name());
            }
            ReportKind::Hint { text } => {
                tracing::warn!("real {address} of {endpoint}: fails {text}");
            }
        }
    }

    pub(super) fn tell_quorum(&mut self, endpoint: Endpoint, quorate: bool) {
        let kind = if quorate { EventKind::QuorumUp } else { EventKind::QuorumDown };
        let service = self.state.desired.services.get(&endpoint);
        let words = service.map(|service| match service.hysteresis {
            0 => format!("quorum {}", service.quorum),
            hysteresis => format!("quorum {}, hysteresis {hysteresis}", service.quorum),
        });
        self.tell(kind, Some(endpoint), None, words.unwrap_or_default());
    }
}
