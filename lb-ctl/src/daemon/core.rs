//! The daemon's one task: it owns the state and brings the machine in line with it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use super::arrivals::Arrivals;
use super::checks::Checks;
use super::interfaces::{Interfaces, Which};
use super::options::DaemonOptions;
use super::settling::Settler;
use super::sync::Syncing;
use super::telling::Telling;
use super::trace::Tracing;
use super::vrrp::VirtualRouters;
use crate::command::CommandError;
use crate::config::model::{Desired, Endpoint};
use crate::config::store::Store;
use crate::dataplane::keeping::Keeping;
use crate::dataplane::{Dataplane, ReadConnections};
use crate::neigh::driver::{NeighbourHandle, NetEvent};
use crate::netlink::Netlink;
use crate::netlink::types::{HeldAddress, Link};
use crate::reconcile::actual::{Actual, address_of};
use crate::reconcile::op::MapOp;
use crate::reconcile::target::NextHop;
use crate::reconcile::{apply, plan};
use crate::state::{self, State};
use crate::vip::{self, Place};

/// Everything the daemon knows and holds.
pub(super) struct Core<D: Dataplane> {
    pub(super) options: DaemonOptions,
    pub(super) store: Store,
    /// What is wrong with the definition file, while the last good state runs on.
    pub(super) stale: Option<String>,
    pub(super) state: State,
    pub(super) actual: Actual,
    pub(super) dataplane: D,
    pub(super) interfaces: Interfaces,
    pub(super) held: Vec<HeldAddress>,
    pub(super) netlink: Netlink,
    pub(super) neighbours: NeighbourHandle,
    pub(super) started: Instant,
    pub(super) settler: Settler,
    /// What passes between this director and others.
    pub(super) syncing: Syncing,
    pub(super) tracing: Tracing<D::Tracer>,
    /// What was heard of neighbours and is not in effect yet.
    pub(super) arrivals: Arrivals,
    /// The checks of the reals.
    pub(super) checks: Checks,
    /// The history, and who is told.
    pub(super) telling: Telling,
    /// The virtual routers.
    pub(super) routers: VirtualRouters,
    /// The machine changed in a way that needs a full convergence.
    pub(super) unsettled: bool,
    /// What the log was told last of why it is unsettled.
    pub(super) complaint: Option<String>,
}

/// What to do where the program cannot be put on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strictness {
    /// Fail before any VIP is added.
    Strict,
    /// Serve by the other interfaces, and fail then.
    Lenient,
}

impl<D: Dataplane> Core<D> {
    /// Brings the machine in line with the definitions.
    ///
    /// First what may be refused and disturbs nobody: new interfaces. Then VIPs that go, the maps,
    /// the interfaces that forward already, and last VIPs that come, so that no client is drawn to
    /// a service that is not there.
    pub(super) async fn converge(&mut self, strictness: Strictness) -> Result<(), CommandError> {
        let links = self.netlink.links().await.map_err(failed)?;
        self.interfaces.refresh(&self.state.desired, &links);
        self.state.ingress = self.interfaces.ingress();
        self.state.virtual_macs = self.interfaces.virtual_macs();
        let rips = state::rips(&self.state.desired);
        let attached = self.state.ingress.keys().copied().collect();
        let ways = self.neighbours.watch(rips, attached).await.map_err(failed)?;
        self.follow_notify();
        self.tell_of_ways(&ways);
        self.state.resolve_all(ways);
        // The answer is newer than what was heard before.
        self.arrivals.clear();
        self.follow_health();
        let services: Vec<Endpoint> = self.state.desired.services.keys().copied().collect();
        let quorums = self.count_quorums(&services);
        // What does not fit the tables is refused before anything is touched.
        let ops = self.plan()?;
        let fresh = self.interfaces.attach(&mut self.dataplane, Which::Fresh);
        if strictness == Strictness::Strict {
            fresh?;
        }
        self.remove_vips(&links).await?;
        self.run(&ops)?;
        self.interfaces.detach_others(&mut self.dataplane)?;
        let attached = self.interfaces.attach(&mut self.dataplane, Which::All);
        if strictness == Strictness::Strict {
            attached.clone()?;
        }
        self.add_vips().await?;
        self.assign_checks(&links)?;
        self.follow_sync();
        for (endpoint, quorate) in quorums {
            self.tell_quorum(endpoint, quorate);
        }
        self.tell_of_serving(&services);
        self.forget_told();
        self.follow_vrrp();
        attached
    }

    pub(super) fn plan(&self) -> Result<Vec<MapOp>, CommandError> {
        let now = self.dataplane.now().map_err(failed)?;
        plan::plan(&self.state.target(), &self.actual, self.dataplane.capacity(), now)
            .map_err(|error| CommandError::Refused(error.to_string()))
    }

    /// A reader of the connections.
    pub(super) fn connections(&self) -> Result<Box<dyn ReadConnections>, CommandError> {
        self.dataplane.connections(Keeping::of(&self.actual)).map_err(failed)
    }

    pub(super) fn run(&mut self, ops: &[MapOp]) -> Result<(), CommandError> {
        if ops.iter().any(|op| matches!(op, MapOp::PutRing { .. })) {
            self.settler.look_soon();
        }
        self.put(ops)
    }

    /// Runs operations that ask for no look at the rings.
    pub(super) fn put(&mut self, ops: &[MapOp]) -> Result<(), CommandError> {
        self.syncing.note(ops);
        apply::run(&mut self.dataplane, &mut self.actual, ops).map_err(failed)
    }

    async fn remove_vips(&mut self, links: &[Link]) -> Result<(), CommandError> {
        self.held = self.netlink.addresses().await.map_err(failed)?;
        let pinned = self.dataplane.attached().map_err(failed)?;
        let reach = self.interfaces.reach(links, &pinned);
        let wanted = state::vips(&self.state.desired);
        for Place { ifindex, address } in vip::removals(&wanted, &self.held, &reach) {
            self.netlink.delete_vip(ifindex, address).await.map_err(failed)?;
            let link = links.iter().find(|link| link.index == ifindex);
            let name = link.map_or("an interface that is gone", |link| &link.name);
            tracing::info!("{address}: removed from {name}");
        }
        self.interfaces.forget_renamed();
        Ok(())
    }

    async fn add_vips(&mut self) -> Result<(), CommandError> {
        self.held = self.netlink.addresses().await.map_err(failed)?;
        let wanted = state::vips(&self.state.desired);
        let interfaces = self.interfaces.attached();
        let mut added: BTreeMap<u32, Vec<IpAddr>> = BTreeMap::new();
        for Place { ifindex, address } in vip::additions(&wanted, &self.held, &interfaces) {
            self.netlink.add_vip(ifindex, address).await.map_err(failed)?;
            let found = interfaces.iter().find(|(index, _)| *index == ifindex);
            let name = found.map_or("", |(_, name)| name);
            tracing::info!("{address}: added to {name}");
            added.entry(ifindex).or_default().push(address);
        }
        // Whoever had an address before, others may still send to.
        for (ifindex, addresses) in added {
            self.routers.tell(ifindex, addresses);
        }
        self.held = self.netlink.addresses().await.map_err(failed)?;
        Ok(())
    }

    /// Takes off the VIPs that were put on since the addresses were these.
    pub(super) async fn take_back_vips(&self, before: &[HeldAddress]) -> Result<(), CommandError> {
        let wanted = state::vips(&self.state.desired);
        let added = self.netlink.addresses().await.map_err(failed)?.into_iter().filter(|now| {
            let same = |old: &HeldAddress| (old.ifindex, old.address) == (now.ifindex, now.address);
            now.ours && wanted.contains(&now.address) && !before.iter().any(same)
        });
        for HeldAddress { ifindex, address, .. } in added {
            self.netlink.delete_vip(ifindex, address).await.map_err(failed)?;
            tracing::info!("{address}: removed again");
        }
        Ok(())
    }

    /// Takes in what changed on the machine. It waits for [`Self::take_in`] or [`Self::settle`],
    /// since it often comes in crowds.
    pub(super) fn handle_net(&mut self, event: NetEvent) {
        match event {
            NetEvent::Resolutions(changes) => self.hear(changes),
            NetEvent::Link(change) => self.unsettled |= self.interfaces.concerns(&change),
            NetEvent::AddressRemoved { address, .. } => self.unsettled |= self.is_vip(address),
            NetEvent::AddressAdded { .. } => {}
        }
    }

    /// Whether an address is to be here whatever other directors do.
    fn is_vip(&self, address: IpAddr) -> bool {
        let desired = &self.state.desired;
        desired.services.keys().any(|endpoint| endpoint.address == address)
            && !desired.vrrp.moves(address)
    }

    /// Converges again where the machine changed. What fails is tried again at the next call.
    pub(super) async fn settle(&mut self) {
        if !self.unsettled {
            return;
        }
        let outcome = self.converge(Strictness::Lenient).await.map_err(|error| error.to_string());
        if let Err(error) = &outcome
            && self.complaint.as_ref() != Some(error)
        {
            tracing::warn!("not everything is in effect, trying again: {error}");
        }
        self.unsettled = outcome.is_err();
        self.complaint = outcome.err();
    }

    /// Refuses definitions that cannot be put into effect here, before anything is touched.
    pub(super) async fn check(&self, next: &Desired) -> Result<(), CommandError> {
        let links = self.netlink.links().await.map_err(failed)?;
        self.interfaces.check(next, &links)?;
        self.check_vrrp(&next.vrrp, &links)?;
        self.check_checks(next)?;
        plan::check(&self.state.target_of(next), &self.actual, self.dataplane.capacity())
            .map_err(|error| CommandError::Refused(error.to_string()))
    }

    /// Goes over to other definitions, wholly or not at all.
    pub(super) async fn go_over(&mut self, next: Desired) -> Result<(), CommandError> {
        let before = std::mem::replace(&mut self.state.desired, next);
        let outcome = self.converge(Strictness::Strict).await;
        if outcome.is_err() {
            self.state.desired = before;
            if let Err(error) = self.converge(Strictness::Lenient).await {
                tracing::error!("taking a failed change back: {error}");
                self.unsettled = true;
            }
        }
        outcome
    }

    /// Ends forwarding: VIPs off, program off, pins gone.
    pub(super) async fn withdraw(&mut self) -> Result<(), CommandError> {
        self.state.desired = Desired::default();
        let links = self.netlink.links().await.map_err(failed)?;
        self.remove_vips(&links).await?;
        self.dataplane.unpin_all().map_err(failed)
    }
}

/// The hops that inherited maps hold.
pub(super) fn inherited_hops(actual: &Actual) -> impl Iterator<Item = (IpAddr, NextHop)> {
    actual.reals_in_use().filter(|(_, real)| real.forwards() && !real.is_local()).map(
        |(_, real)| {
            let lb_common::value::Real { ifindex, destination: mac, source, tags, .. } = *real;
            let hop = NextHop { ifindex, mac, source, tags };
            (address_of(real), hop)
        },
    )
}

/// A failure of the system, as a command's answer.
pub(super) fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::Failed(error.to_string())
}
