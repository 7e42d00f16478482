//! The daemon's virtual routers: what they are told, and what is made of what they say.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::sync::mpsc;

use super::core::Core;
use super::view::vrrp::{Now, all, chosen};
use crate::command::{CommandError, Reply};
use crate::config::model::{Desired, Endpoint};
use crate::config::vrrp::{Instance, Tracked, Vrrp};
use crate::dataplane::Dataplane;
use crate::netlink::types::Link;
use crate::vrrp::driver::{Driver, Report};
use crate::vrrp::status::VrrpStatus;
use crate::vrrp::track::{Fact, Subject};

/// The virtual routers, and what they were told last.
pub(super) struct VirtualRouters {
    driver: Driver,
    /// The definitions, and who runs scripts.
    given: (Vrrp, String),
    /// What is known of services that they follow.
    facts: HashMap<Endpoint, Fact>,
    /// How they stood when they were asked last.
    known: Vec<VrrpStatus>,
}

impl VirtualRouters {
    pub(super) fn new(driver: Driver) -> Self {
        let given = (Vrrp::default(), String::new());
        Self { driver, given, facts: HashMap::new(), known: Vec::new() }
    }

    /// Tells where addresses are that do not move.
    pub(super) fn tell(&self, ifindex: u32, addresses: Vec<IpAddr>) {
        self.driver.tell(ifindex, addresses);
    }
}

impl<D: Dataplane> Core<D> {
    /// Goes over to the virtual routers that are defined.
    pub(super) fn follow_vrrp(&mut self) {
        let Desired { vrrp, notify, .. } = &self.state.desired;
        if self.routers.given.0 != *vrrp || self.routers.given.1 != notify.user {
            self.routers.given = (vrrp.clone(), notify.user.clone());
            self.routers.facts.clear();
            self.tell_vrrp_of_services();
            let (vrrp, user) = &self.routers.given;
            self.routers.driver.set(vrrp, user);
        } else {
            self.tell_vrrp_of_services();
        }
        // Their packets may have gone through another director, of which counters here tell nothing.
        let addresses = self.routers.given.0.addresses();
        let services = self.actual.services().iter();
        let moving = services.filter(|(endpoint, _)| addresses.contains(&endpoint.address));
        self.settler.assume_carried(moving.map(|(_, service)| service.id));
    }

    /// Tells the virtual routers which services that they follow can do their work.
    pub(super) fn tell_vrrp_of_services(&mut self) {
        for endpoint in followed(&self.routers.given.0) {
            let Some(fact) = self.fact_of(endpoint) else { continue };
            let known = self.routers.facts.insert(endpoint, fact.clone());
            if known.as_ref() != Some(&fact) {
                self.routers.driver.learn(Subject::Service(endpoint), fact);
            }
        }
    }

    /// Whether a service has its quorum; `None` as long as that is not decided.
    fn fact_of(&self, endpoint: Endpoint) -> Option<Fact> {
        let fails = |why: &str| Some(Fact::Fails { why: why.to_owned() });
        let Some(service) = self.state.desired.services.get(&endpoint) else {
            return fails("is not defined");
        };
        match self.state.health.quorum(&endpoint) {
            Some(true) => Some(Fact::Works),
            Some(false) => fails("has not its quorum"),
            None if service.reals.is_empty() => fails("has no reals"),
            None => None,
        }
    }

    /// Refuses virtual routers on interfaces that are not there, unless they were so before.
    pub(super) fn check_vrrp(&self, next: &Vrrp, links: &[Link]) -> Result<(), CommandError> {
        let current = &self.state.desired.vrrp.instances;
        let is_new = |instance: &&Instance| {
            let known = current.get(&instance.name);
            known.is_none_or(|known| known.interface != instance.interface)
        };
        let is_lost =
            |instance: &&Instance| !links.iter().any(|link| link.name == instance.interface);
        match next.instances.values().filter(is_new).find(is_lost) {
            None => Ok(()),
            Some(Instance { name, interface, .. }) => Err(CommandError::Refused(format!(
                "virtual router {name}: no such interface: {interface} (`ip link` lists those \
                 there are)"
            ))),
        }
    }

    /// Has the virtual routers leave, and tells of that. What is left of them here tells nothing.
    pub(super) async fn stop_vrrp(&mut self, reports: &mut mpsc::UnboundedReceiver<Report>) {
        self.routers.driver.stop().await;
        while let Some(report) = reports.recv().await {
            self.handle_vrrp(report);
        }
    }

    /// Tells of what virtual routers have to say.
    pub(super) fn handle_vrrp(&mut self, report: Report) {
        match report {
            Report::Changed(output) => self.telling.tell_of_output(&output),
            Report::Conflict { instance, conflict } => {
                self.telling.tell_of_conflict(&instance, &conflict);
            }
            Report::Rejected { instance: Some(instance), why } => {
                self.telling.tell_of_rejected(&instance, why);
            }
            // Others' virtual routers on the same network are nothing out of order.
            Report::Rejected { instance: None, why } => tracing::info!("an advert {why}"),
        }
    }

    /// Asks the virtual routers how they stand, for [`Self::vrrp_status`].
    pub(super) async fn ask_vrrp(&mut self) {
        if !self.routers.given.0.instances.is_empty() || !self.routers.known.is_empty() {
            self.routers.known = self.routers.driver.status().await;
        }
    }

    /// How the virtual routers stood when they were asked last.
    pub(super) fn vrrp_status(&self) -> &[VrrpStatus] {
        &self.routers.known
    }

    /// How all of them stand.
    pub(super) async fn vrrp(&mut self) -> Result<Reply, CommandError> {
        self.ask_vrrp().await;
        Ok(Reply::Vrrp(all(self.vrrp_status(), Now::read())))
    }

    /// Hands one over with its group, or all where none is named; answers how they stand then.
    pub(super) async fn hand_over(&mut self, name: Option<String>) -> Result<Reply, CommandError> {
        self.routers.driver.hand_over(name.clone()).await;
        self.chosen(name).await
    }

    /// Takes that back.
    pub(super) async fn resume(&mut self, name: Option<String>) -> Result<Reply, CommandError> {
        self.routers.driver.resume(name.clone()).await;
        self.chosen(name).await
    }

    async fn chosen(&mut self, name: Option<String>) -> Result<Reply, CommandError> {
        self.ask_vrrp().await;
        chosen(self.vrrp_status(), name.as_deref(), Now::read()).map(Reply::Vrrp)
    }
}

/// The services that virtual routers follow.
fn followed(vrrp: &Vrrp) -> Vec<Endpoint> {
    let services = vrrp.tracks().flat_map(|track| &track.services);
    services.map(|Tracked { what, .. }| *what).collect()
}
