//! The checks that there are, and the way that their probes take.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lb_common::value::real_flags;
use tokio::sync::oneshot;

use super::core::{Core, failed};
use crate::command::CommandError;
use crate::config::check::{Check, Via};
use crate::config::model::{Desired, Endpoint, Service};
use crate::dataplane::Dataplane;
use crate::dataplane::aya::via::ViaPath;
use crate::health::driver::{Assignment, Driver, Key, Probe, Report, ReportKind, Target};
use crate::health::probe::{Prober, ProberError};
use crate::health::record::{Answer, Findings};
use crate::health::sm::Condition;
use crate::neigh::table::{Resolution, Why};
use crate::netlink::types::Link;
use crate::reconcile::actual::Actual;

/// Reals that come up are gathered for so long: each change of a ring has to come to rest. One that
/// failed does not wait; those that fail while it is taken out are taken out together.
const GATHER: Duration = Duration::from_millis(5);

/// The checks, and what has been heard of them.
pub(super) struct Checks {
    driver: Driver,
    probers: HashMap<Endpoint, (Check, Arc<Prober>)>,
    /// There while a check asks for it.
    path: Option<ViaPath>,
    /// The interfaces that the way through VIPs was put on.
    ways: BTreeSet<String>,
    heard: Vec<Report>,
    due: Option<Instant>,
}

impl Checks {
    pub(super) fn new(driver: Driver) -> Self {
        Self {
            driver,
            probers: HashMap::new(),
            path: None,
            ways: BTreeSet::new(),
            heard: Vec::new(),
            due: None,
        }
    }

    /// When [`Core::take_in_health`] is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes note of results, which are not in effect yet.
    pub(super) fn hear(&mut self, reports: Vec<Report>) {
        let failed = |report: &Report| {
            matches!(report.kind, ReportKind::Changed { condition: Condition::Down, .. })
        };
        let wait = if reports.iter().any(failed) { Duration::ZERO } else { GATHER };
        let due = Instant::now() + wait;
        self.due = Some(self.due.map_or(due, |sooner| sooner.min(due)));
        self.heard.extend(reports);
    }

    /// What was heard and is not in effect yet, of the checks that still run.
    pub(super) fn take_heard(&mut self) -> Vec<Report> {
        self.due = None;
        let heard = std::mem::take(&mut self.heard);
        heard.into_iter().filter(|report| self.driver.is_current(report)).collect()
    }

    /// What was found of a real; `None` where it is not checked.
    pub(super) fn findings(&self, key: &Key) -> Option<Findings> {
        self.driver.findings(key)
    }

    /// Probes a real now; `None` where it is not checked.
    pub(super) fn ask(&self, key: &Key) -> Option<oneshot::Receiver<Answer>> {
        self.driver.ask(key)
    }

    /// The longest that a probe has begun after its time.
    pub(super) fn worst_lateness(&self) -> Duration {
        self.driver.lateness().worst()
    }

    /// Probes these reals now, those that are not well.
    pub(super) fn nudge(&self, keys: impl Iterator<Item = Key>) {
        for key in keys {
            self.driver.nudge(&key);
        }
    }

    /// What a service's probes are sent by: what there is, where its check is the same.
    fn prober(&self, endpoint: Endpoint, check: &Check) -> Result<Arc<Prober>, ProberError> {
        match self.probers.get(&endpoint) {
            Some((standing, prober)) if standing == check => Ok(Arc::clone(prober)),
            _ => Prober::new(check, endpoint).map(Arc::new),
        }
    }

    /// Whether probes cannot go by what is known now of the way to a real.
    pub(super) fn is_astray(&self, resolution: &Resolution) -> bool {
        let new = |interface: &str| !self.ways.contains(interface);
        self.path.is_some()
            && (*resolution == Resolution::Local || interface(resolution).is_some_and(new))
    }

    /// The way through VIPs, on these interfaces.
    fn path(&mut self, ifindexes: &BTreeSet<u32>) -> Result<&mut ViaPath, CommandError> {
        let path = match self.path.take() {
            Some(path) => path,
            None => ViaPath::load().map_err(failed)?,
        };
        let path = self.path.insert(path);
        path.attach(ifindexes).map_err(failed)?;
        Ok(path)
    }
}

/// What the maps say of a real whose check is new: what an earlier daemon or an earlier definition
/// knew of it.
fn known(actual: &Actual, (endpoint, address): &Key) -> Condition {
    let service = actual.services().get(endpoint);
    match service.and_then(|service| actual.real(service.id, *address)) {
        None => Condition::Unknown,
        Some((_, real)) if real.flags & real_flags::DOWN != 0 => Condition::Down,
        Some(_) => Condition::Up,
    }
}

fn checked(desired: &Desired) -> impl Iterator<Item = (&Service, &Check)> {
    desired.services.values().filter_map(|service| Some((service, service.check.as_ref()?)))
}

impl<D: Dataplane> Core<D> {
    /// Refuses checks that cannot be carried out here, before anything is touched.
    pub(super) fn check_checks(&self, next: &Desired) -> Result<(), CommandError> {
        for (service, check) in checked(next) {
            self.checks.prober(service.endpoint, check).map_err(|error| {
                CommandError::Refused(format!("service {}: check: {error}", service.endpoint))
            })?;
        }
        Ok(())
    }

    /// Goes over to what is known of the reals that are checked now.
    pub(super) fn follow_health(&mut self) {
        let Self { state, actual, .. } = self;
        state.health.follow(&state.desired, |key| known(actual, key));
    }

    /// Goes over to the checks that are asked for now.
    pub(super) fn assign_checks(&mut self, links: &[Link]) -> Result<(), CommandError> {
        let through: BTreeSet<IpAddr> = checked(&self.state.desired)
            .filter(|(_, check)| check.via == Via::Vip)
            .map(|(service, _)| service.endpoint.address)
            .collect();
        let marks = self.marks(&through, links)?;
        let mut wanted = HashMap::new();
        let mut probers = HashMap::new();
        for (service, check) in checked(&self.state.desired) {
            let endpoint = service.endpoint;
            let prober = self.checks.prober(endpoint, check).map_err(failed)?;
            let mark = marks.get(&endpoint.address).copied().filter(|_| check.via == Via::Vip);
            for (address, _) in service.reals.iter().filter(|(_, real)| !real.disabled) {
                let assignment = self.assignment((endpoint, *address), check, &prober, mark);
                let key = (endpoint, *address);
                let condition = self.state.health.condition(&key).unwrap_or(Condition::Unknown);
                wanted.insert(key, (assignment, condition));
            }
            probers.insert(endpoint, (check.clone(), prober));
        }
        self.checks.probers = probers;
        self.checks.driver.set(wanted);
        Ok(())
    }

    fn marks(
        &mut self,
        vips: &BTreeSet<IpAddr>,
        links: &[Link],
    ) -> Result<HashMap<IpAddr, u32>, CommandError> {
        if vips.is_empty() {
            // Without checks that need it nothing of it stays on the machine.
            self.checks.path = None;
            return Ok(HashMap::new());
        }
        let ways = self.ways(links);
        let path = self.checks.path(&ways.keys().copied().collect())?;
        path.retain(vips).map_err(failed)?;
        let marks = vips.iter().map(|vip| Ok((*vip, path.mark(*vip).map_err(failed)?)));
        let marks = marks.collect::<Result<_, CommandError>>()?;
        self.checks.ways = ways.into_values().collect();
        Ok(marks)
    }

    /// The interfaces that probes can leave by.
    fn ways(&self, links: &[Link]) -> BTreeMap<u32, String> {
        let attached = self.interfaces.attached().into_iter();
        let named = self.state.resolutions().filter_map(interface);
        let named: BTreeSet<&str> = named.collect();
        let towards = links.iter().filter(|link| named.contains(link.name.as_str()));
        attached.chain(towards.map(|link| (link.index, link.name.clone()))).collect()
    }

    fn assignment(
        &self,
        (endpoint, address): Key,
        check: &Check,
        prober: &Arc<Prober>,
        mark: Option<u32>,
    ) -> Assignment {
        let own = Target { real: address, mark: None };
        let (target, own) = match mark {
            // The VIP of a real that is this machine is one of its own addresses.
            Some(_) if self.state.is_local(address) => {
                (Target { real: endpoint.address, mark: None }, Some(own))
            }
            Some(_) => (Target { mark, ..own }, Some(own)),
            None => (own, None),
        };
        let prober = Arc::clone(prober) as Arc<dyn Probe>;
        Assignment { prober, timing: check.timing, target, own }
    }
}

/// The interface towards a real, as far as it is known.
fn interface(resolution: &Resolution) -> Option<&str> {
    match resolution {
        Resolution::Resolved(hop) => Some(&hop.interface),
        Resolution::Unresolved(Why::Resolving { interface } | Why::NoAnswer { interface, .. }) => {
            Some(interface)
        }
        _ => None,
    }
}
